//! Times of RFC 3339 from text, with the errors of Go's `time.Parse`.
//!
//! In: a parameter's text. Out: nanoseconds since the Unix epoch, or Go's sentence. What lies before the epoch is the epoch, what lies beyond the
//! year 2554 is its end. A space is a `+` that nobody escaped: Grafana sends `2026-11-23T08:54:29+02:00` as it is.
//!
//! Source: Go 1.24 `time/format.go`, `Parse` with the layout `RFC3339Nano`.

use super::quote;

const LAYOUT: &str = "2006-01-02T15:04:05.999999999Z07:00";
const NS: i128 = 1_000_000_000;

/// The time that `text` names.
pub(in crate::http) fn parse_time(text: &str) -> Result<u64, String> {
    let text = text.replace(' ', "+");
    let ns = Reading {
        whole: &text,
        rest: &text,
    }
    .time()?;
    Ok(u64::try_from(ns.max(0)).unwrap_or(u64::MAX))
}

struct Reading<'a> {
    whole: &'a str,
    rest: &'a str,
}

// === impl Reading ===

impl Reading<'_> {
    fn time(&mut self) -> Result<i128, String> {
        let year = self.digits(4, "2006")?;
        self.separator('-')?;
        let month = self.within(1..=12, "01", "month")?;
        self.separator('-')?;
        let day = self.digits(2, "02")?;
        self.separator('T')?;
        let hour = self.within(0..=23, "15", "hour")?;
        self.separator(':')?;
        let minute = self.within(0..=59, "04", "minute")?;
        self.separator(':')?;
        let second = self.within(0..=59, "05", "second")?;
        let fraction = self.fraction();
        let offset = self.offset()?;
        if !self.rest.is_empty() {
            return Err(self.said(&format!("extra text: {}", quote(self.rest))));
        }
        // Go looks at the day last, when it knows the month
        if day < 1 || day > days_in(year, month) {
            return Err(self.said("day out of range"));
        }
        let seconds = days_since_epoch(year, month, day) * 86_400
            + i128::from(hour * 3600 + minute * 60 + second)
            - i128::from(offset);
        Ok(seconds * NS + fraction)
    }

    fn digits(&mut self, count: usize, element: &str) -> Result<i64, String> {
        match self.rest.split_at_checked(count) {
            Some((digits, rest)) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                self.rest = rest;
                Ok(digits.parse().unwrap_or_default())
            }
            _ => Err(self.unlike(element)),
        }
    }

    fn within(
        &mut self,
        range: std::ops::RangeInclusive<i64>,
        element: &str,
        what: &str,
    ) -> Result<i64, String> {
        let value = self.digits(2, element)?;
        if range.contains(&value) {
            return Ok(value);
        }
        Err(self.said(&format!("{what} out of range")))
    }

    fn separator(&mut self, separator: char) -> Result<(), String> {
        match self.rest.strip_prefix(separator) {
            Some(rest) => self.rest = rest,
            None => return Err(self.unlike(&separator.to_string())),
        }
        Ok(())
    }

    /// What follows the seconds, in nanoseconds; digits beyond the ninth count for nothing.
    fn fraction(&mut self) -> i128 {
        let Some(digits) = self.rest.strip_prefix(['.', ',']) else {
            return 0;
        };
        let len = digits.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = digits.split_at_checked(len).unwrap_or_default();
        if digits.is_empty() {
            return 0;
        }
        self.rest = rest;
        let digits = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
        digits.fold(0, |ns, digit| ns * 10 + i128::from(digit - b'0'))
    }

    /// Seconds east of Greenwich.
    fn offset(&mut self) -> Result<i64, String> {
        const ELEMENT: &str = "Z07:00";
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let unlike = self.unlike(ELEMENT);
        let sign = match self.rest.chars().next() {
            Some('+') => 1,
            Some('-') => -1,
            _ => return Err(unlike),
        };
        self.rest = self.rest.get(1..).unwrap_or_default();
        let wrong = |_| unlike.clone();
        let hours = self.digits(2, ELEMENT).map_err(wrong)?;
        self.separator(':').map_err(wrong)?;
        let minutes = self.digits(2, ELEMENT).map_err(wrong)?;
        if hours > 24 {
            return Err(self.said("time zone offset hour out of range"));
        }
        if minutes > 60 {
            return Err(self.said("time zone offset minute out of range"));
        }
        Ok(sign * (hours * 3600 + minutes * 60))
    }

    fn unlike(&self, element: &str) -> String {
        format!(
            "parsing time {} as {}: cannot parse {} as {}",
            quote(self.whole),
            quote(LAYOUT),
            quote(self.rest),
            quote(element)
        )
    }

    fn said(&self, why: &str) -> String {
        format!("parsing time {}: {why}", quote(self.whole))
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// By the calendar of today, from 1970-01-01 on.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i128 {
    // years that begin in March end with the day that comes and goes
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    i128::from(days - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_that_they_name() {
        for (text, expect) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-23T06:54:29Z", 1_795_416_869_000_000_000),
            ("2026-11-23T08:54:29.5+02:00", 1_795_416_869_500_000_000),
            ("2026-11-23T08:54:29 02:00", 1_795_416_869_000_000_000),
            ("2026-11-23T01:24:29-05:30", 1_795_416_869_000_000_000),
            ("2024-02-29T00:00:00.123456789Z", 1_709_164_800_123_456_789),
            ("2000-03-01T00:00:00Z", 951_868_800_000_000_000),
            ("1969-12-31T23:59:59Z", 0),
            ("0001-01-01T00:00:00Z", 0),
            ("9999-12-31T23:59:59Z", u64::MAX),
        ] {
            assert_eq!(parse_time(text), Ok(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_in_gos_words() {
        for (text, why) in [
            (
                "x",
                r#" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "x" as "2006""#,
            ),
            (
                "2026-11-23",
                r#" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "" as "T""#,
            ),
            (
                "2026-11-23T06:54:29",
                r#" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "" as "Z07:00""#,
            ),
            ("2026-13-01T00:00:00Z", ": month out of range"),
            ("2026-02-29T00:00:00Z", ": day out of range"),
            ("2026-01-01T24:00:00Z", ": hour out of range"),
            ("2026-01-01T00:00:00Zx", r#": extra text: "x""#),
        ] {
            let expect = format!("parsing time {}{why}", quote(text));
            assert_eq!(parse_time(text), Err(expect));
        }
        for odd in [
            "",
            "2026-11-23T06:54:29.Z",
            "2026-11-23T06:54:29+ü",
            "2026-11-23T06:54:29+0é",
        ] {
            assert!(parse_time(odd).is_err(), "{odd}");
        }
    }
}
