//! Times and durations in the JSON of protobuf.
//!
//! In: text, or nanoseconds. Out: protobuf's structures, whose own text has as many digits as Jaeger writes: 0, 3, 6 or 9 behind the point.
//!
//! Source: RFC 3339; Go's `time.ParseDuration`, which Jaeger reads durations with.

use prost_types::{Duration, Timestamp};

use crate::jaeger::time::NANOS;

/// A time in RFC 3339, with a zone. Digits beyond nanoseconds are cut off.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    // prost takes dates without a time, times without a zone, and years of many digits as well
    let year = bytes.get(..4)?.iter().all(u8::is_ascii_digit);
    let zone = matches!(
        bytes,
        [.., b'Z' | b'z'] | [.., b'+' | b'-', _, _, b':', _, _]
    );
    let has_both = year && zone && matches!(bytes.get(10), Some(b'T' | b't'));
    has_both.then(|| text.parse().ok()).flatten()
}

/// What `time_ns` since the Unix epoch is; as Go's, the highest bit is a sign.
pub(super) fn timestamp_of(time_ns: u64) -> Timestamp {
    let time = time_ns as i64;
    Timestamp {
        seconds: time.div_euclid(NANOS),
        nanos: time.rem_euclid(NANOS) as i32,
    }
}

/// What `nanos` are; both parts have their sign.
pub(super) fn duration_of(nanos: i64) -> Duration {
    Duration {
        seconds: nanos / NANOS,
        nanos: (nanos % NANOS) as i32,
    }
}

/// Nanoseconds of `1.5s`, `-2h3m`, `0`, and whatever else Go takes. `None` for other text, and beyond 63 bits.
pub(super) fn duration_ns(text: &str) -> Option<i64> {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    if unsigned == "0" {
        return Some(0);
    }
    if unsigned.is_empty() {
        return None;
    }
    let mut total = 0_u64;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (nanos, behind) = part(rest)?;
        total = total.checked_add(nanos)?;
        rest = behind;
    }
    if negative {
        0_i64.checked_sub_unsigned(total)
    } else {
        i64::try_from(total).ok()
    }
}

/// The first number of a duration and its unit, in nanoseconds; and what is behind it.
fn part(text: &str) -> Option<(u64, &str)> {
    let (whole, rest) = digits(text)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest)?,
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end = rest.find(|c: char| c == '.' || c.is_ascii_digit());
    let (unit, rest) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    let unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        _ => return None,
    };
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    // what is beyond 18 digits is less than a nanosecond of any unit
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let nanos = match fraction.parse::<u128>() {
        Ok(parts) => parts * u128::from(unit) / 10_u128.pow(fraction.len() as u32),
        Err(_) => 0,
    };
    let nanos = u64::try_from(nanos).ok()?;
    Some((whole.checked_mul(unit)?.checked_add(nanos)?, rest))
}

/// The digits that `text` begins with, and the rest.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at_checked(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_duration(text: &str, expect: Option<i64>) {
        assert_eq!(duration_ns(text), expect, "{text}");
    }

    #[test]
    fn durations_are_read_as_go_reads_them() {
        check_duration("0.005s", Some(5_000_000));
        check_duration("0.000000001s", Some(1));
        check_duration("3s", Some(3_000_000_000));
        check_duration("-1.500s", Some(-1_500_000_000));
        check_duration("+5ms", Some(5_000_000));
        check_duration("1h2m3.5s", Some(3_723_500_000_000));
        check_duration("1.5µs2us", Some(3_500));
        check_duration(".5s", Some(500_000_000));
        check_duration("5.s", Some(5_000_000_000));
        check_duration("0", Some(0));
        check_duration("-0", Some(0));
        check_duration("0.9999999999999999999999s", Some(999_999_999));
        check_duration("9223372036854775807ns", Some(i64::MAX));
        check_duration("-9223372036854775808ns", Some(i64::MIN));
        for bad in [
            "",
            "-",
            "s",
            ".s",
            "1",
            "1 s",
            "1sx",
            "1d",
            "--1s",
            "1.2.3s",
            "9223372036854775808ns",
            "99999999999999999999h",
            "1e3s",
            "ä",
        ] {
            check_duration(bad, None);
        }
    }

    #[test]
    fn times_are_read_with_their_zone_and_only_so() {
        let nanos = |text| timestamp(text).map(|t| (t.seconds, t.nanos));
        let at = 1_795_420_469;
        for (text, expect) in [
            ("2026-11-23T07:54:29Z", (at, 0)),
            ("2026-11-23T07:54:29.123456789Z", (at, 123_456_789)),
            ("2026-11-23T07:54:29.5Z", (at, 500_000_000)),
            ("2026-11-23T07:54:29.1234567899Z", (at, 123_456_789)),
            ("2026-11-23T08:54:29+01:00", (at, 0)),
            ("1969-12-31T23:59:59.999Z", (-1, 999_000_000)),
            ("0001-01-01T00:00:00Z", (-62_135_596_800, 0)),
        ] {
            assert_eq!(nanos(text), Some(expect), "{text}");
        }
        for bad in [
            "",
            "2026-11-23",
            "2026-11-23T07:54:29",
            "2026-11-23 07:54:29Z",
            "2026-13-23T07:54:29Z",
            "2026-02-30T07:54:29Z",
            "2026-11-00T07:54:29Z",
            "+292277026596-01-01T00:00:00Z",
            "-001-01-01T00:00:00Z",
            "2026-11-23T07:54:29.Z",
            "1795420469",
            "äääääääääZ",
        ] {
            assert_eq!(nanos(bad), None, "{bad}");
        }
    }

    #[test]
    fn text_has_as_many_digits_as_it_needs_in_threes() {
        for (nanos, text) in [
            (0, "0s"),
            (3_000_000_000, "3s"),
            (5_000_000, "0.005s"),
            (1_500_000, "0.001500s"),
            (1, "0.000000001s"),
            (-1_500_000_000, "-1.500s"),
            (-1, "-0.000000001s"),
        ] {
            assert_eq!(duration_of(nanos).to_string(), text);
            assert_eq!(duration_ns(text), Some(nanos));
        }
        for (nanos, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_420_469_123_456_789, "2026-11-23T07:54:29.123456789Z"),
            (1_795_420_469_120_000_000, "2026-11-23T07:54:29.120Z"),
            (-1_i64 as u64, "1969-12-31T23:59:59.999999999Z"),
            (i64::MAX as u64, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN as u64, "1677-09-21T00:12:43.145224192Z"),
        ] {
            let time = timestamp_of(nanos);
            assert_eq!(time.to_string(), text);
            assert_eq!(timestamp(text), Some(time));
        }
    }
}
