//! Deletes what is too old.
//!
//! In: an age, and which kinds of indices are meant. Out: the indices that were deleted, or would be. Never one that a write alias leads to, never more than Jaeger would delete when told the same, but
//! for our own dead letters, which go with the indices of their days.
//!
//! Source: `jaegertracing/jaeger: cmd/es-index-cleaner` v1.76.0.

use std::collections::BTreeSet;
use std::time::Duration;

use super::age::{Counts, Limit, Own};
use super::listing::Index;
use super::name::{Kind, Name};
use super::{Error, Housekeeper, Request};
use crate::layers::window::system_clock;

/// Characters of names in one request: a line of a request may have 4096.
const MAX_NAMES: usize = 4_000;
/// How often it is looked again for what is left, when somebody else deletes at the same time.
const ATTEMPTS: usize = 4;
const DAY_MS: u64 = 24 * 3_600_000;

/// Which indices are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// Those of a day or an hour.
    pub dated: bool,
    /// Those made by rollover.
    pub rolled: bool,
    /// Those of the archive made by rollover. An archive that is one index is never deleted.
    pub archive: bool,
}

/// What is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clean {
    /// Of which kinds.
    pub kinds: Kinds,
    /// How old.
    pub age: Age,
    /// Nothing is deleted, only told.
    pub dry_run: bool,
}

/// How old is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Jaeger's: what began so many days before the next midnight, in UTC. One day keeps what began today.
    Days(u32),
    /// Jaeger's with `es.index.relativeTimeIndexDeletion`: what began so many days ago.
    DaysAgo(u32),
    /// What ended so long ago.
    Whole(Duration),
}

/// What was deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Indices that are gone, or would be, by name.
    pub deleted: Vec<String>,
    /// Why others are not, which are as old.
    pub failed: Option<String>,
}

// === impl Kinds ===

impl Kinds {
    fn hold(self, name: Name) -> bool {
        match name.kind {
            // no matter how spans are kept, their dead letters are in indices of days
            Kind::Dated(_) if name.series == "dead-letter" => self.dated || self.rolled,
            Kind::Dated(_) => self.dated,
            Kind::Rolled(_) => self.rolled,
            Kind::Archive(_) => self.archive,
        }
    }
}

// === impl Age ===

impl Age {
    fn limit(self, now_ms: u64) -> Limit {
        let days = |days: u32| u64::from(days) * DAY_MS;
        let (counts, before_ms) = match self {
            Self::Days(count) => {
                let midnight = now_ms - now_ms % DAY_MS + DAY_MS;
                (Counts::Begin, midnight.saturating_sub(days(count)))
            }
            Self::DaysAgo(count) => (Counts::Begin, now_ms.saturating_sub(days(count))),
            Self::Whole(age) => {
                let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                (Counts::End, now_ms.saturating_sub(age))
            }
        };
        Limit {
            counts,
            before_ms,
            now_ms,
        }
    }
}

// === impl Housekeeper ===

impl Housekeeper {
    /// Deletes what is older than `clean` says.
    ///
    /// # Errors
    /// When the cluster does not say what is there; then nothing was deleted.
    pub async fn clean(&self, clean: &Clean) -> Result<Cleaned, String> {
        let mut cleaned = Cleaned::default();
        for _ in 0..ATTEMPTS {
            let listed = self.list().await;
            let indices = match listed {
                Ok(indices) => indices,
                Err(error) if cleaned.deleted.is_empty() => return Err(error.to_string()),
                Err(error) => {
                    cleaned.failed = Some(error.to_string());
                    break;
                }
            };
            let now_ms = system_clock()() / 1_000_000;
            let due = self.due(&indices, clean, now_ms);
            match self.delete(&due, clean.dry_run, &mut cleaned.deleted).await {
                Ok(()) => {
                    cleaned.failed = None;
                    break;
                }
                Err(error) => {
                    let is_gone = matches!(error, Error::Missing(_));
                    cleaned.failed = Some(error.to_string());
                    if !is_gone {
                        break;
                    }
                }
            }
        }
        Ok(cleaned)
    }

    /// A request is done whole or not at all. One index of it that somebody else has deleted meanwhile makes it fail, whatever is said of indices that are missing.
    async fn delete(
        &self,
        due: &[&str],
        dry_run: bool,
        deleted: &mut Vec<String>,
    ) -> Result<(), Error> {
        for batch in batches(due) {
            if !dry_run {
                let delete = Request::delete(&[&batch.join(",")])
                    .query("master_timeout", format!("{}s", self.patience.as_secs()))
                    .query("ignore_unavailable", "true");
                self.ask(delete).await?;
            }
            deleted.extend(batch.iter().map(|name| (*name).to_owned()));
        }
        Ok(())
    }

    /// The names of those that go.
    fn due<'a>(&self, indices: &'a [Index], clean: &Clean, now_ms: u64) -> Vec<&'a str> {
        let (prefix, separator) = (self.names.prefix(), &self.indices.date_separator);
        let own = |index: &'a Index| {
            let name = Name::read(&index.name, prefix, separator)?;
            Some(Own { index, name })
        };
        let own: Vec<Own<'a>> = indices.iter().filter_map(own).collect();
        let written = write_aliases(prefix);
        let older = clean.age.limit(now_ms).older(&own).into_iter();
        older
            .filter(|own| clean.kinds.hold(own.name) && own.index.aliases.is_disjoint(&written))
            .map(|own| own.index.name.as_str())
            .collect()
    }
}

/// What is written to by its alias stays, whatever its age.
fn write_aliases(prefix: &str) -> BTreeSet<String> {
    [
        "span",
        "service",
        "span-archive",
        "dependencies",
        "sampling",
    ]
    .map(|kind| format!("{prefix}jaeger-{kind}-write"))
    .into()
}

/// Names that fit into one request each.
fn batches<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut batches: Vec<Vec<&str>> = Vec::new();
    let mut room = 0;
    for name in names {
        // letters of other alphabets take three characters a byte in a URL
        let plain = name.bytes().filter(u8::is_ascii).count();
        let len = plain + 3 * (name.len() - plain) + 1;
        match batches.last_mut() {
            Some(last) if len <= room => last.push(name),
            _ => {
                batches.push(vec![name]);
                room = MAX_NAMES;
            }
        }
        room = room.saturating_sub(len);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elasticsearch::config::{Indices, Place};

    const HOUR: u64 = 3_600_000;
    /// 2026-11-20T00:00:00Z
    const D20: u64 = 1_795_132_800_000;
    const NOW: u64 = D20 + 12 * HOUR;
    const DATED: Kinds = kinds(true, false, false);
    const ROLLED: Kinds = kinds(false, true, false);
    const ARCHIVE: Kinds = kinds(false, false, true);
    const ALL: Kinds = kinds(true, true, true);

    const fn kinds(dated: bool, rolled: bool, archive: bool) -> Kinds {
        Kinds {
            dated,
            rolled,
            archive,
        }
    }

    fn index(name: &str, days_ago: u64, aliases: &[&str]) -> Index {
        Index {
            name: name.to_owned(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            written_by: BTreeSet::new(),
            created_ms: Some(D20 - days_ago * DAY_MS),
        }
    }

    fn housekeeper(prefix: &str, separator: &str) -> Housekeeper {
        let place = Place {
            indices: Indices {
                prefix: prefix.to_owned(),
                date_separator: separator.to_owned(),
                ..Indices::default()
            },
            ..Place::default()
        };
        Housekeeper::open(place, Duration::from_secs(120)).unwrap()
    }

    #[track_caller]
    fn check(house: &Housekeeper, indices: &[Index], kinds: Kinds, age: Age, expect: &[&str]) {
        let clean = Clean {
            kinds,
            age,
            dry_run: false,
        };
        assert_eq!(house.due(indices, &clean, NOW), expect, "{clean:?}");
    }

    #[test]
    fn a_day_keeps_what_began_today_as_in_jaeger() {
        let house = housekeeper("", "-");
        let all = [
            index("jaeger-dependencies-2026-11-18", 2, &[]),
            index("jaeger-span-2026-11-18", 2, &[]),
            index("jaeger-span-2026-11-19", 1, &[]),
            index("jaeger-span-2026-11-20", 0, &[]),
            index("spoor-dead-letter-2026-11-18", 2, &[]),
            index("jaeger-span-archive", 30, &[]),
        ];
        let old = [
            "jaeger-dependencies-2026-11-18",
            "jaeger-span-2026-11-18",
            "spoor-dead-letter-2026-11-18",
        ];
        check(&house, &all, DATED, Age::Days(3), &[]);
        check(&house, &all, DATED, Age::Days(2), &old);
        let all_but_todays: Vec<&str> =
            [&old[..2], &["jaeger-span-2026-11-19"], &old[2..]].concat();
        check(&house, &all, DATED, Age::Days(1), &all_but_todays);
        // at noon, what began at midnight a day ago is a day and a half old
        check(&house, &all, DATED, Age::DaysAgo(1), &all_but_todays);
        check(&house, &all, DATED, Age::DaysAgo(2), &old);
        // and nothing younger than two days is in yesterday's before the day after tomorrow
        let two_days = Age::Whole(Duration::from_secs(48 * 3600));
        check(&house, &all, DATED, two_days, &[]);
        let hours = Age::Whole(Duration::from_secs(36 * 3600 - 1));
        check(&house, &all, DATED, hours, &old);
        check(&house, &all, DATED, Age::Days(u32::MAX), &[]);
        assert_eq!(
            house
                .due(
                    &all,
                    &Clean {
                        kinds: ALL,
                        age: Age::Days(0),
                        dry_run: true
                    },
                    NOW
                )
                .len(),
            5
        );
    }

    #[test]
    fn kinds_are_deleted_that_were_asked_for() {
        let house = housekeeper("a", "-");
        let all = [
            index("a-jaeger-span-2026-11-10", 10, &[]),
            index("a-jaeger-span-000001", 10, &["a-jaeger-span-read"]),
            index("a-jaeger-span-archive-000001", 10, &[]),
            index("a-spoor-dead-letter-2026-11-10", 10, &[]),
        ];
        let names = |which: &[usize]| {
            which
                .iter()
                .map(|at| all[*at].name.as_str())
                .collect::<Vec<_>>()
        };
        for (kinds, which) in [
            (DATED, &[0, 3][..]),
            (ROLLED, &[1, 3]),
            (ARCHIVE, &[2]),
            (ALL, &[0, 1, 2, 3]),
        ] {
            check(&house, &all, kinds, Age::Days(7), &names(which));
        }
    }

    #[test]
    fn what_is_written_to_by_its_alias_stays() {
        let house = housekeeper("a-", "-");
        let of = |kind: &str| {
            let alias = format!("a-jaeger-{kind}-write");
            index(&format!("a-jaeger-{kind}-000001"), 10, &[&alias])
        };
        let kinds = [
            "span",
            "service",
            "span-archive",
            "dependencies",
            "sampling",
        ];
        check(&house, &kinds.map(of), ALL, Age::Days(1), &[]);
        // even a day's, when a writer was led to it
        let led = index("a-jaeger-span-2026-11-10", 10, &["a-jaeger-span-write"]);
        check(&house, &[led], ALL, Age::Days(1), &[]);
        // another's alias holds nothing
        let other = index("a-jaeger-span-000001", 10, &["jaeger-span-write"]);
        check(
            &house,
            &[other],
            ALL,
            Age::Days(1),
            &["a-jaeger-span-000001"],
        );
    }

    #[test]
    fn nothing_of_another_instance_is_touched() {
        let all = [
            index("a-b-jaeger-span-2026-11-10", 10, &[]),
            index("a-jaeger-span-jaeger-span-2026-11-10", 10, &[]),
            index("axjaeger-span-2026-11-10", 10, &[]),
            index("jaeger-span-2026-11-10", 10, &[]),
            index("jaeger-span-20261110", 10, &[]),
            index("jaeger-span-2026-11-10-copy", 10, &[]),
        ];
        for prefix in ["a", "a-", "a.", "b"] {
            check(&housekeeper(prefix, "-"), &all, ALL, Age::Days(1), &[]);
        }
        let own = ["jaeger-span-2026-11-10"];
        check(&housekeeper("", "-"), &all, ALL, Age::Days(1), &own);
        // a pattern would have taken either
        check(&housekeeper("", "."), &all, ALL, Age::Days(1), &[]);
        // without a separator, a day is no index of rollover
        check(&housekeeper("", ""), &all, ROLLED, Age::Days(1), &[]);
        let own = ["jaeger-span-20261110"];
        check(&housekeeper("", ""), &all, DATED, Age::Days(1), &own);
    }

    #[test]
    fn requests_hold_as_many_names_as_fit() {
        let name = "n".repeat(999);
        let names = vec![name.as_str(); 9];
        let sizes: Vec<usize> = batches(&names).iter().map(Vec::len).collect();
        assert_eq!(sizes, [4, 4, 1]);
        assert!(
            batches(&names)
                .iter()
                .all(|batch| batch.join(",").len() <= MAX_NAMES)
        );
        let name = "ä".repeat(300);
        assert_eq!(batches(&[&name, &name, &name]).len(), 2);
        assert!(batches(&[]).is_empty());
    }
}
