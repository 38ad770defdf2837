//! Whether reading has come to a halt.
//!
//! In: now and then, how much there is to read, how much of it came, and whether we ourselves hold it up. Out: that nothing came for too long though there was something, which no quiet topic and no
//! store that is away can bring about: then the consumer is at fault, and is made anew.

use std::time::{Duration, Instant};

/// Watches.
#[derive(Debug)]
pub(crate) struct Stall {
    patience: Duration,
    /// Since when nothing came.
    since: Option<Instant>,
    /// How many records had come by then.
    read: u64,
}

/// How things stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// Records that are in Kafka and were not read.
    pub(crate) unread: i64,
    /// Records that were read since the start.
    pub(crate) read: u64,
    /// We ask for none: too much is under way.
    pub(crate) is_full: bool,
}

// === impl Stall ===

impl Stall {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            since: None,
            read: 0,
        }
    }

    /// How long nothing has come, when that is too long.
    pub(crate) fn look(&mut self, now: Instant, sight: Sight) -> Option<Duration> {
        let moves = sight.read != self.read || sight.unread <= 0 || sight.is_full;
        self.read = sight.read;
        if moves {
            self.since = None;
            return None;
        }
        let halted = now.saturating_duration_since(*self.since.get_or_insert(now));
        (halted >= self.patience).then_some(halted)
    }

    /// It begins anew.
    pub(crate) fn reset(&mut self) {
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn sight(unread: i64, read: u64, is_full: bool) -> Sight {
        Sight {
            unread,
            read,
            is_full,
        }
    }

    #[test]
    fn only_what_could_be_read_and_is_not_is_a_stall() {
        let start = Instant::now();
        for (sight, stalls) in [
            (sight(0, 5, false), false),
            (sight(9, 5, true), false),
            (sight(9, 5, false), true),
        ] {
            let mut stall = Stall::new(MINUTE);
            stall.look(start, sight);
            stall.look(start + MINUTE / 2, sight);
            let found = stall.look(start + 2 * MINUTE, sight);
            assert_eq!(found.is_some(), stalls, "{sight:?}");
        }
    }

    #[test]
    fn one_record_ends_it() {
        let mut stall = Stall::new(MINUTE);
        let start = Instant::now();
        stall.look(start, sight(9, 5, false));
        stall.look(start + MINUTE, sight(8, 6, false));
        assert_eq!(stall.look(start + MINUTE, sight(8, 6, false)), None);
        let late = stall.look(start + 3 * MINUTE, sight(8, 6, false));
        assert_eq!(late, Some(2 * MINUTE));
    }
}
