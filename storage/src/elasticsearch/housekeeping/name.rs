//! What an index is, by its name.
//!
//! In: the name of an index, and the prefix and the separator of dates of a place. Out: what it is when it is one of that place's, and when what it holds began and
//! ended, as far as the name says. A name is read to its end: what only begins like one of ours is another's, or somebody's copy.
//!
//! Source: `jaegertracing/jaeger: cmd/es-index-cleaner/app/index_filter.go` v1.76.0, which looks at the beginning alone (quirks 84, 85).

use time::{Date, Month};

/// Digits of the number that rollover counts up.
const NUMBER: usize = 6;
const HOUR_MS: u64 = 3_600_000;

/// The kinds of indices that are one a day, or rolled over.
const SERIES: [&str; 4] = ["span", "service", "dependencies", "sampling"];

/// What an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Which of [`SERIES`], or what stands in place of one.
    pub(super) series: &'static str,
    pub(super) kind: Kind,
}

/// How it came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One a day or an hour; which one, unless there is no such day.
    Dated(Option<Period>),
    /// By rollover, with its number.
    Rolled(u32),
    /// Of the archive, by rollover.
    Archive(u32),
}

/// A day or an hour, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) begins_ms: u64,
    pub(super) ends_ms: u64,
}

// === impl Name ===

impl Name {
    /// None: it is not of this place, or is nothing that housekeeping knows.
    pub(super) fn read(name: &str, prefix: &str, separator: &str) -> Option<Self> {
        let rest = name.strip_prefix(prefix)?;
        if let Some(date) = rest.strip_prefix("spoor-dead-letter-") {
            let kind = Kind::Dated(dated(date, "-")?);
            return Some(Self {
                series: "dead-letter",
                kind,
            });
        }
        let rest = rest.strip_prefix("jaeger-")?;
        let behind = |series: &&'static str| rest.strip_prefix(*series)?.strip_prefix('-');
        let (series, rest) = SERIES
            .iter()
            .find_map(|series| behind(series).map(|rest| (*series, rest)))?;
        let archive = rest.strip_prefix("archive-").filter(|_| series == "span");
        let kind = match (archive, number(rest)) {
            (Some(rest), _) => Kind::Archive(number(rest)?),
            (None, Some(number)) => Kind::Rolled(number),
            (None, None) => Kind::Dated(dated(rest, separator)?),
        };
        Some(Self { series, kind })
    }
}

fn number(text: &str) -> Option<u32> {
    digits(text, NUMBER)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(number, _)| number)
}

/// None: it is no date. An inner none: it looks like one, and there is no such day.
fn dated(text: &str, separator: &str) -> Option<Option<Period>> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(rest.strip_prefix(separator)?, 2)?;
    let (day, rest) = digits(rest.strip_prefix(separator)?, 2)?;
    let hour = match rest {
        "" => None,
        rest => match digits(rest.strip_prefix(separator)?, 2)? {
            (hour, "") => Some(hour),
            _ => return None,
        },
    };
    Some(period(year, month, day, hour))
}

fn period(year: u32, month: u32, day: u32, hour: Option<u32>) -> Option<Period> {
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date =
        Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let hour_of_day = hour.unwrap_or(0);
    let begins = date
        .with_hms(u8::try_from(hour_of_day).ok()?, 0, 0)
        .ok()?
        .assume_utc();
    let begins_ms = u64::try_from(begins.unix_timestamp()).ok()? * 1_000;
    let hours = if hour.is_some() { 1 } else { 24 };
    Some(Period {
        begins_ms,
        ends_ms: begins_ms + hours * HOUR_MS,
    })
}

/// So many decimal digits, and what stands behind them.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    let are_digits = digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse().ok().filter(|_| are_digits)?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T00:00:00Z
    const DAY: u64 = 1_795_132_800_000;

    fn day(begins_ms: u64) -> Kind {
        let ends_ms = begins_ms + 24 * HOUR_MS;
        Kind::Dated(Some(Period { begins_ms, ends_ms }))
    }

    #[track_caller]
    fn check(name: &str, prefix: &str, separator: &str, expect: Option<(&str, Kind)>) {
        let found = Name::read(name, prefix, separator);
        assert_eq!(found.map(|name| (name.series, name.kind)), expect, "{name}");
    }

    #[test]
    fn names_of_a_place_are_known() {
        let hour = Period {
            begins_ms: DAY + 7 * HOUR_MS,
            ends_ms: DAY + 8 * HOUR_MS,
        };
        for (name, series, kind) in [
            ("jaeger-span-2026-11-20", "span", day(DAY)),
            ("jaeger-service-2026-11-20", "service", day(DAY)),
            ("jaeger-dependencies-2026-11-20", "dependencies", day(DAY)),
            ("jaeger-sampling-2026-11-20", "sampling", day(DAY)),
            ("spoor-dead-letter-2026-11-20", "dead-letter", day(DAY)),
            ("jaeger-span-2026-11-20-07", "span", Kind::Dated(Some(hour))),
            ("jaeger-span-2026-02-30", "span", Kind::Dated(None)),
            ("jaeger-span-2026-11-20-24", "span", Kind::Dated(None)),
            ("jaeger-span-000001", "span", Kind::Rolled(1)),
            ("jaeger-span-archive-000012", "span", Kind::Archive(12)),
        ] {
            check(name, "", "-", Some((series, kind)));
            check(&format!("a-{name}"), "a-", "-", Some((series, kind)));
            check(name, "a-", "-", None);
        }
        check("jaeger-span-2026.11.20", "", ".", Some(("span", day(DAY))));
        check("jaeger-span-20261120", "", "", Some(("span", day(DAY))));
        let hour = Some(("span", Kind::Dated(Some(hour))));
        check("jaeger-span-2026112007", "", "", hour);
    }

    #[test]
    fn names_of_others_are_not() {
        for name in [
            "jaeger-span-2026-11-20-restored",
            "jaeger-span-2026-11-20-070",
            "jaeger-span-2026-11-2",
            "jaeger-span-2026.11.20",
            "jaeger-span-0000001",
            "jaeger-span-00001",
            "jaeger-span-000001-copy",
            "jaeger-span-archive",
            "jaeger-span-archive-2026-11-20",
            "jaeger-service-archive-000001",
            "jaeger-span-write",
            "jaeger-span-",
            "jaeger-spans-000001",
            "jaeger-span-2026-11-٢٠",
            "spoor-dead-letter-000001",
            "spoor-lease",
            "b-jaeger-span-2026-11-20",
            "",
        ] {
            check(name, "", "-", None);
        }
        // another's prefix that begins with this one, and one that looks like a kind
        check("a-b-jaeger-span-2026-11-20", "a-", "-", None);
        check("a-jaeger-span-jaeger-span-2026-11-20", "a-", "-", None);
        // a prefix and a separator are text, and no pattern
        check("axjaeger-span-2026-11-20", "a.", "-", None);
        check("jaeger-span-2026-11-20", "", ".", None);
        // without a separator a day has more digits than a number of rollover
        check(
            "jaeger-span-202611",
            "",
            "",
            Some(("span", Kind::Rolled(202_611))),
        );
        check("jaeger-span-2026112", "", "", None);
    }
}
