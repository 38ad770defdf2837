//! Whether reading has come to a halt, of each partition by itself: one that is stuck is seen beside others that are busy.
//!
//! In: now and then, how far each partition was read, where it ends, and whether we ourselves hold it up. Out: that nothing came of one for too long though there was something, which no quiet topic and
//! no store that is away can bring about: then the consumer is at fault, and is made anew. What is said of it lasts until the partition is read again, or is another member's. A partition that no
//! new consumer reads either has the consumer made anew ever more rarely.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often the time doubles for which a consumer is left alone after others were made in vain.
const MOST_DOUBLED: u32 = 5;

/// Watches, beyond one consumer's life.
#[derive(Debug)]
pub(crate) struct Stall {
    patience: Duration,
    places: BTreeMap<(String, i32), Place>,
    /// Consumers that were made anew since all was read.
    in_vain: u32,
}

/// How a partition stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    position: i64,
    unread: i64,
    /// Since when nothing came.
    since: Option<Instant>,
    /// It was too long.
    has_halted: bool,
}

/// What is seen of a partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) topic: &'a str,
    pub(crate) number: i32,
    /// The offset up to which everything was read.
    pub(crate) position: i64,
    /// The offset of the record that comes next.
    pub(crate) end: i64,
    /// We ask for none of its records: too much is under way.
    pub(crate) is_paused: bool,
}

// === impl Stall ===

impl Stall {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            places: BTreeMap::new(),
            in_vain: 0,
        }
    }

    /// Whether nothing of a partition came since it was looked at last.
    pub(crate) fn is_still(&self, topic: &str, number: i32, position: i64) -> bool {
        let place = self.places.get(&(topic.to_owned(), number));
        place.is_some_and(|place| place.position == position)
    }

    /// Looks at all partitions of this member. Whether one has halted for too long.
    pub(crate) fn look(&mut self, now: Instant, sights: &[Sight<'_>]) -> bool {
        let mut before = std::mem::take(&mut self.places);
        let patience = self.patience * (1 << self.in_vain.min(MOST_DOUBLED));
        let mut is_over = false;
        for sight in sights {
            let key = (sight.topic.to_owned(), sight.number);
            let last = before.remove(&key);
            let unread = sight.end - sight.position;
            let moves = sight.is_paused
                || unread <= 0
                || last.is_some_and(|last| sight.position > last.position);
            let mut place = Place {
                position: sight.position,
                unread,
                since: None,
                has_halted: false,
            };
            if !moves {
                let since = last.and_then(|last| last.since).unwrap_or(now);
                let is_late = now.saturating_duration_since(since) >= patience;
                is_over |= is_late;
                place.since = Some(since);
                place.has_halted = is_late || last.is_some_and(|last| last.has_halted);
            }
            self.places.insert(key, place);
        }
        if self.places.values().all(|place| place.since.is_none()) {
            self.in_vain = 0;
        }
        is_over
    }

    /// Another consumer is made, for which time begins anew.
    pub(crate) fn renewed(&mut self) {
        self.in_vain = self.in_vain.saturating_add(1);
        for place in self.places.values_mut() {
            place.since = None;
        }
    }

    /// What has halted, for an operator; `None`: nothing has.
    pub(crate) fn said(&self) -> Option<String> {
        let mut halted = self.places.iter().filter(|(_, place)| place.has_halted);
        let ((topic, number), place) = halted.next()?;
        let more = match halted.count() {
            0 => String::new(),
            more => format!(", and so of {more} partitions more"),
        };
        Some(format!(
            "nothing is read of partition {number} of {topic} though {} records are there{more} (ingester.deadlockInterval)",
            place.unread
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn sight(number: i32, position: i64, end: i64) -> Sight<'static> {
        Sight {
            topic: "t",
            number,
            position,
            end,
            is_paused: false,
        }
    }

    #[test]
    fn only_what_could_be_read_and_is_not_is_a_stall() {
        let start = Instant::now();
        let paused = Sight {
            is_paused: true,
            ..sight(0, 5, 9)
        };
        for (sight, stalls) in [
            (sight(0, 5, 5), false),
            (paused, false),
            (sight(0, 5, 9), true),
        ] {
            let mut stall = Stall::new(MINUTE);
            stall.look(start, &[sight]);
            stall.look(start + MINUTE / 2, &[sight]);
            assert_eq!(stall.look(start + 2 * MINUTE, &[sight]), stalls);
            assert_eq!(stall.said().is_some(), stalls, "{sight:?}");
        }
    }

    #[test]
    fn one_record_ends_it() {
        let mut stall = Stall::new(MINUTE);
        let start = Instant::now();
        stall.look(start, &[sight(0, 5, 9)]);
        assert!(!stall.look(start + MINUTE, &[sight(0, 6, 9)]));
        assert!(!stall.look(start + MINUTE, &[sight(0, 6, 9)]));
        assert!(stall.look(start + 3 * MINUTE, &[sight(0, 6, 9)]));
    }

    #[test]
    fn a_stuck_partition_is_seen_beside_busy_ones_and_named() {
        let mut stall = Stall::new(MINUTE);
        let start = Instant::now();
        let seen = (0..8u32).map(|nth| {
            let busy = sight(0, i64::from(nth) * 1_000, 9_000);
            stall.look(start + nth * MINUTE / 4, &[busy, sight(1, 7, 19)])
        });
        let seen: Vec<bool> = seen.collect();
        assert_eq!(seen, [false, false, false, false, true, true, true, true]);
        let said = stall.said().unwrap();
        assert!(
            said.contains("partition 1 of t though 12 records"),
            "{said}"
        );
    }

    #[test]
    fn it_is_said_until_the_partition_is_read_and_new_consumers_come_ever_more_rarely() {
        let mut stall = Stall::new(MINUTE);
        let start = Instant::now();
        let mut times = Vec::new();
        for second in (0..2_000).step_by(2) {
            if stall.look(start + Duration::from_secs(second), &[sight(0, 5, 9)]) {
                times.push(second);
                stall.renewed();
            }
            assert_eq!(stall.said().is_some(), !times.is_empty());
        }
        assert_eq!(times, [60, 182, 424, 906, 1868]);
        assert!(!stall.look(start, &[sight(0, 9, 9)]));
        assert_eq!(stall.said(), None);
    }

    #[test]
    fn a_partition_that_went_to_another_member_is_that_ones() {
        let mut stall = Stall::new(MINUTE);
        let start = Instant::now();
        stall.look(start, &[sight(0, 5, 9)]);
        assert!(stall.look(start + MINUTE, &[sight(0, 5, 9)]));
        stall.renewed();
        assert!(!stall.look(start + MINUTE, &[sight(1, 0, 0)]));
        assert_eq!(stall.said(), None);
    }
}
