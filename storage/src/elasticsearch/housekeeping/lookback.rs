//! Takes indices that are too old out of what is read, and leaves them where they are.
//!
//! In: so many units of time. Out: what was taken out. What is written to stays.
//!
//! Days and weeks are counted from the next midnight, months and years from the last one, as in Jaeger; midnights are those of UTC, and not of this machine.
//!
//! Source: `jaegertracing/jaeger: cmd/es-rollover/app/lookback` v1.76.0.

use std::str::FromStr;

use serde_json::json;
use time::{Date, Duration as Span, Month, OffsetDateTime};

use super::listing::Index;
use super::rollover::{Done, carriers};
use super::sets::Set;
use super::{Housekeeper, Sets};
use crate::layers::window::system_clock;

/// In which time is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// `seconds`
    Seconds,
    /// `minutes`
    Minutes,
    /// `hours`
    Hours,
    /// `days`
    #[default]
    Days,
    /// `weeks`
    Weeks,
    /// `months`
    Months,
    /// `years`
    Years,
}

const UNITS: [(&str, Unit); 7] = [
    ("seconds", Unit::Seconds),
    ("minutes", Unit::Minutes),
    ("hours", Unit::Hours),
    ("days", Unit::Days),
    ("weeks", Unit::Weeks),
    ("months", Unit::Months),
    ("years", Unit::Years),
];

// === impl Unit ===

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = UNITS.iter().find(|(word, _)| *word == text);
        found.map(|(_, unit)| *unit).ok_or_else(|| {
            let known = UNITS.map(|(word, _)| word).join(", ");
            format!("\"{text}\" is no unit: give one of {known}")
        })
    }
}

impl Unit {
    /// What was made before this moment is too old, in milliseconds since the Unix epoch; 0: nothing is.
    fn before_ms(self, count: u32, now_ms: u64) -> u64 {
        let moment = self.moment(count, now_ms);
        let ms = moment.map(|moment| moment.unix_timestamp_nanos() / 1_000_000);
        ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)
    }

    fn moment(self, count: u32, now_ms: u64) -> Option<OffsetDateTime> {
        let now = OffsetDateTime::from_unix_timestamp(i64::try_from(now_ms / 1_000).ok()?).ok()?;
        let today = now.replace_time(time::Time::MIDNIGHT);
        let tomorrow = today.checked_add(Span::DAY)?;
        let many = i64::from(count);
        match self {
            Self::Seconds => now.checked_sub(Span::seconds(many)),
            Self::Minutes => now.replace_second(0).ok()?.checked_sub(Span::minutes(many)),
            Self::Hours => {
                let hour = now.replace_second(0).ok()?.replace_minute(0).ok()?;
                hour.checked_sub(Span::hours(many))
            }
            Self::Days => tomorrow.checked_sub(Span::days(many)),
            Self::Weeks => tomorrow.checked_sub(Span::days(7 * many)),
            Self::Months => months_before(today, many),
            Self::Years => months_before(today, 12 * many),
        }
    }
}

/// A day that its month does not have is counted on into the next: a month before the 31st of March is the 3rd.
fn months_before(today: OffsetDateTime, count: i64) -> Option<OffsetDateTime> {
    let months = i64::from(today.year()) * 12 + i64::from(u8::from(today.month())) - 1 - count;
    let year = i32::try_from(months.div_euclid(12)).ok()?;
    let month = Month::try_from(u8::try_from(months.rem_euclid(12) + 1).ok()?).ok()?;
    let first = Date::from_calendar_date(year, month, 1).ok()?;
    let date = first.checked_add(Span::days(i64::from(today.day()) - 1))?;
    Some(date.midnight().assume_utc())
}

// === impl Housekeeper ===

impl Housekeeper {
    /// Takes out of each read alias what was made more than `count` units ago.
    pub async fn lookback(&self, sets: Sets, unit: Unit, count: u32) -> Done {
        let now_ms = system_clock()() / 1_000_000;
        self.take_out(sets, unit.before_ms(count, now_ms)).await
    }

    pub(super) async fn take_out(&self, sets: Sets, before_ms: u64) -> Done {
        let mut done = Done::default();
        for set in sets.of(&self.names) {
            match self.take_out_of(&set, before_ms).await {
                Ok(lines) => done.lines.extend(lines),
                Err(failed) => done.failed.push(failed),
            }
        }
        done
    }

    async fn take_out_of(&self, set: &Set, before_ms: u64) -> Result<Vec<String>, String> {
        let indices = self.list().await.map_err(|error| error.to_string())?;
        let read = set.read_alias();
        let old = old(&indices, set, before_ms);
        let action = |index: &&str| json!({"remove": {"index": index, "alias": read}});
        self.update_aliases(old.iter().map(action).collect())
            .await?;
        let line = |index: &&str| format!("took the alias {read} off {index}");
        Ok(old.iter().map(line).collect())
    }
}

/// What is read, is not written to, and was made before.
fn old<'a>(indices: &'a [Index], set: &Set, before_ms: u64) -> Vec<&'a str> {
    let written = carriers(indices, &set.write_alias());
    let read = set.read_alias();
    let is_old = |index: &&Index| {
        index.aliases.contains(&read)
            && !written.contains(&index.name.as_str())
            && index.created_ms.is_some_and(|created| created < before_ms)
    };
    indices
        .iter()
        .filter(is_old)
        .map(|index| index.name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn ms(moment: &str) -> u64 {
        let moment = OffsetDateTime::parse(moment, &Rfc3339).unwrap();
        u64::try_from(moment.unix_timestamp_nanos() / 1_000_000).unwrap()
    }

    #[track_caller]
    fn check(unit: &str, count: u32, now: &str, expect: &str) {
        let unit: Unit = unit.parse().unwrap();
        assert_eq!(
            unit.before_ms(count, ms(now)),
            ms(expect),
            "{count} {unit:?} before {now}"
        );
    }

    #[test]
    fn units_are_counted_as_in_jaeger() {
        let now = "2026-03-31T14:25:36.789Z";
        for (unit, count, expect) in [
            ("seconds", 2, "2026-03-31T14:25:34Z"),
            ("minutes", 1, "2026-03-31T14:24:00Z"),
            ("hours", 3, "2026-03-31T11:00:00Z"),
            ("days", 1, "2026-03-31T00:00:00Z"),
            ("days", 2, "2026-03-30T00:00:00Z"),
            ("weeks", 1, "2026-03-25T00:00:00Z"),
            ("months", 0, "2026-03-31T00:00:00Z"),
            ("months", 1, "2026-03-03T00:00:00Z"),
            ("months", 15, "2024-12-31T00:00:00Z"),
            ("years", 2, "2024-03-31T00:00:00Z"),
        ] {
            check(unit, count, now, expect);
        }
        check("years", 1, "2024-02-29T05:00:00Z", "2023-03-01T00:00:00Z");
    }

    #[test]
    fn what_cannot_be_counted_takes_nothing_out() {
        let now = ms("2026-03-31T14:25:36Z");
        for (_, unit) in UNITS {
            assert_eq!(unit.before_ms(u32::MAX, now), 0, "{unit:?}");
        }
        assert!(
            "fortnights"
                .parse::<Unit>()
                .unwrap_err()
                .contains("days, weeks")
        );
    }

    #[test]
    fn what_is_written_to_is_read() {
        let set = Set {
            name: "jaeger-span".to_owned(),
        };
        let index = |number, aliases: &[&str], created_ms| Index {
            name: set.index(number),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            created_ms,
            ..Index::default()
        };
        let all = [
            index(1, &["jaeger-span-read"], Some(1)),
            index(2, &["jaeger-span-read"], Some(5)),
            index(3, &["other"], Some(1)),
            index(4, &["jaeger-span-read"], None),
            index(5, &["jaeger-span-read", "jaeger-span-write"], Some(1)),
        ];
        assert_eq!(old(&all, &set, 5), ["jaeger-span-000001"]);
        assert_eq!(
            old(&all, &set, 6),
            ["jaeger-span-000001", "jaeger-span-000002"]
        );
        assert!(old(&all, &set, 0).is_empty());
    }
}
