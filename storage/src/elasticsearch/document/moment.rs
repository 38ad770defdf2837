//! Points in time as text, as Go writes them into documents.
//!
//! In: nanoseconds since the Unix epoch. Out: RFC 3339 in UTC with as many places of a second as there are; and back, also without seconds, as
//! the job that computes dependencies writes it, and from numbers of milliseconds.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::scalar::Scalar;

/// `2026-11-23T05:00:00.000000001Z`
pub(super) fn text(time_ns: u64) -> String {
    // the year is below 10,000
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time_ns))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Back; `None`: it is no time, or one that 64 bits of nanoseconds since the epoch do not hold.
pub(super) fn read(value: &Scalar<'_>) -> Option<u64> {
    let text = match value {
        Scalar::Text(text) => text,
        number => return u64::try_from(number.whole()?).ok()?.checked_mul(1_000_000),
    };
    let minute = format_description!("[year]-[month]-[day]T[hour]:[minute]Z");
    let time = OffsetDateTime::parse(text, &Rfc3339).ok();
    let time = time.or_else(|| Some(PrimitiveDateTime::parse(text, &minute).ok()?.assume_utc()));
    time?.unix_timestamp_nanos().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_gos_and_reads_back() {
        for (time_ns, expect) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_420_469_123_456_789, "2026-11-23T07:54:29.123456789Z"),
            (1_795_420_469_100_000_000, "2026-11-23T07:54:29.1Z"),
            (u64::MAX, "2554-07-21T23:34:33.709551615Z"),
        ] {
            assert_eq!(text(time_ns), expect);
            assert_eq!(read(&Scalar::Text(expect.into())), Some(time_ns));
        }
    }

    #[test]
    fn other_forms_are_read() {
        for (json, expect) in [
            (r#""1970-01-01T01:00:00+01:00""#, Some(0)),
            (r#""1970-01-02T00:00Z""#, Some(86_400_000_000_000)),
            ("1500", Some(1_500_000_000)),
            (r#""1969-12-31T23:59:59Z""#, None),
            (r#""yesterday""#, None),
            ("-1", None),
            ("null", None),
        ] {
            assert_eq!(read(&serde_json::from_str(json).unwrap()), expect, "{json}");
        }
    }
}
