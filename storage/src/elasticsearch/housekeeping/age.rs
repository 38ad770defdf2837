//! Whether an index is old enough to go.
//!
//! In: indices of a place, each with its name and when it was made. Out: those that are older than a limit. Never one whose age the cluster does not say.
//!
//! When an index was made decides, as in Jaeger: one that was restored, or that late spans made, stays as long as a new one. An index of a day is never older than its day, though: a sender
//! whose clock is minutes ahead makes tomorrow's index today, and tomorrow it is not a day old. Days that are still to come do not count, so that what a wrong clock made goes as well.

use super::listing::Index;
use super::name::{Kind, Name, Period};

/// An index of a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'a> {
    pub(super) index: &'a Index,
    pub(super) name: Name,
}

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) counts: Counts,
    pub(super) before_ms: u64,
    pub(super) now_ms: u64,
}

/// What of an index counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// Its first moment: what Jaeger deletes.
    Begin,
    /// Its last moment: what is deleted holds nothing that is younger.
    End,
}

// === impl Limit ===

impl Limit {
    /// The older ones of `all`, which are all of the place: when a rolled over index ended is known by the next one.
    pub(super) fn older<'a>(self, all: &[Own<'a>]) -> Vec<Own<'a>> {
        let is_older = |own: &&Own<'a>| {
            self.moment(**own, all)
                .is_some_and(|ms| ms < self.before_ms)
        };
        all.iter().filter(is_older).copied().collect()
    }

    fn moment(self, own: Own<'_>, all: &[Own<'_>]) -> Option<u64> {
        let created = own.index.created_ms?;
        let of_period = |period: Period| match self.counts {
            Counts::Begin => period.begins_ms,
            Counts::End => period.ends_ms,
        };
        match (own.name.kind, self.counts) {
            (Kind::Dated(period), _) => {
                let begun = period.filter(|period| period.begins_ms <= self.now_ms);
                Some(begun.map_or(created, |period| of_period(period).max(created)))
            }
            (Kind::Rolled(_) | Kind::Archive(_), Counts::Begin) => Some(created),
            (Kind::Rolled(_) | Kind::Archive(_), Counts::End) => {
                Some(next(own, all)?.index.created_ms?.max(created))
            }
        }
    }
}

/// The one that came after it by rollover.
fn next<'a>(own: Own<'_>, all: &[Own<'a>]) -> Option<Own<'a>> {
    let number = |kind| match kind {
        Kind::Rolled(number) => Some((false, number)),
        Kind::Archive(number) => Some((true, number)),
        Kind::Dated(_) => None,
    };
    let (is_archive, own_number) = number(own.name.kind)?;
    let later = all.iter().filter(|other| {
        let later = number(other.name.kind)
            .is_some_and(|(archive, number)| archive == is_archive && number > own_number);
        other.name.series == own.name.series && later
    });
    later.min_by_key(|other| number(other.name.kind)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const DAY: u64 = 24 * HOUR;
    /// 2026-11-20T00:00:00Z
    const D20: u64 = 1_795_132_800_000;
    const NOW: u64 = D20 + 12 * HOUR;

    fn indices(all: &[(&str, u64)]) -> Vec<Index> {
        let index = |(name, created): &(&str, u64)| Index {
            name: (*name).to_owned(),
            created_ms: Some(*created),
            ..Index::default()
        };
        all.iter().map(index).collect()
    }

    #[track_caller]
    fn check(counts: Counts, before_ms: u64, all: &[(&str, u64)], expect: &[&str]) {
        let all = indices(all);
        let own: Vec<Own<'_>> = all
            .iter()
            .map(|index| Own {
                index,
                name: Name::read(&index.name, "", "-").unwrap(),
            })
            .collect();
        let limit = Limit {
            counts,
            before_ms,
            now_ms: NOW,
        };
        let older = limit.older(&own);
        let names: Vec<&str> = older.iter().map(|own| own.index.name.as_str()).collect();
        assert_eq!(names, expect);
    }

    #[test]
    fn the_later_of_making_and_day_is_the_beginning() {
        let all = [
            ("jaeger-span-2026-11-19", D20 - DAY),
            ("jaeger-span-2026-11-20", D20),
            // made minutes before its day by a sender whose clock is ahead
            ("jaeger-service-2026-11-20", D20 - HOUR),
            // restored, or made by late spans
            ("jaeger-span-2026-11-01", D20 + HOUR),
            // made by a wrong clock
            ("jaeger-span-2038-01-01", D20 - 2 * DAY),
            ("jaeger-span-2026-13-01", D20 - 2 * DAY),
            ("jaeger-span-000001", D20 - DAY),
        ];
        let yesterdays = [
            "jaeger-span-2026-11-19",
            "jaeger-span-2038-01-01",
            "jaeger-span-2026-13-01",
            "jaeger-span-000001",
        ];
        check(Counts::Begin, D20, &all, &yesterdays);
        check(Counts::Begin, D20 - DAY, &all, &yesterdays[1..3]);
        check(Counts::Begin, D20 - 3 * DAY, &all, &[]);
    }

    #[test]
    fn an_end_is_that_of_the_day_or_the_next_ones_beginning() {
        let all = [
            ("jaeger-span-2026-11-18", D20 - 2 * DAY),
            ("jaeger-span-2026-11-19", D20 - DAY),
            ("jaeger-span-2026-11-19-22", D20 - 2 * HOUR),
            ("jaeger-span-000001", D20 - 4 * DAY),
            ("jaeger-span-000003", D20 - 2 * DAY),
            ("jaeger-span-000007", D20 - DAY),
            // the last one of its series ends some day
            ("jaeger-service-000001", D20 - 9 * DAY),
            ("jaeger-span-archive-000009", D20 - 9 * DAY),
        ];
        check(
            Counts::End,
            D20 - DAY + 1,
            &all,
            &[
                "jaeger-span-2026-11-18",
                "jaeger-span-000001",
                "jaeger-span-000003",
            ],
        );
        check(Counts::End, D20 - DAY, &all, &["jaeger-span-000001"]);
        check(
            Counts::End,
            D20,
            &all,
            &[
                "jaeger-span-2026-11-18",
                "jaeger-span-2026-11-19-22",
                "jaeger-span-000001",
                "jaeger-span-000003",
            ],
        );
    }

    #[test]
    fn what_has_no_age_stays() {
        let index = Index {
            name: "jaeger-span-2026-11-01".to_owned(),
            ..Index::default()
        };
        let own = Own {
            index: &index,
            name: Name::read(&index.name, "", "-").unwrap(),
        };
        for counts in [Counts::Begin, Counts::End] {
            let limit = Limit {
                counts,
                before_ms: u64::MAX,
                now_ms: NOW,
            };
            assert!(limit.older(&[own]).is_empty());
        }
    }
}
