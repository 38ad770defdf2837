//! A log line that a stranger can cause must not be written as often as the stranger likes.
//!
//! In: events. Out: for at most one in [`EVERY`] the number of events since the last line. Metrics count them all.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The time between two lines of one kind.
const EVERY: Duration = Duration::from_secs(10);

/// One kind of line.
#[derive(Debug, Default)]
pub struct Occasional(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    unsaid: u64,
}

impl Occasional {
    /// Calls `say` with how many events its line stands for, or keeps the event for a later line.
    pub fn tell(&self, say: impl FnOnce(u64)) {
        if let Some(times) = self.due(Instant::now()) {
            say(times);
        }
    }

    fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        state.unsaid += 1;
        if state
            .last
            .is_some_and(|last| now.duration_since(last) < EVERY)
        {
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_event_is_told_and_the_next_line_stands_for_all_since() {
        let kind = Occasional::default();
        let start = Instant::now();
        assert_eq!(kind.due(start), Some(1));
        assert_eq!(kind.due(start + Duration::from_secs(1)), None);
        assert_eq!(kind.due(start + Duration::from_secs(9)), None);
        assert_eq!(kind.due(start + Duration::from_secs(11)), Some(3));
    }
}
