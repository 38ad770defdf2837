//! A log line that a client can cause must not be written as often as the client likes.
//!
//! In: how many spans something happened to. Out: now and then, how many since the last line. Metrics count them all.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The time between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// One kind of line.
#[derive(Debug, Default)]
pub struct Occasional(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    untold: usize,
}

// === impl Occasional ===

impl Occasional {
    /// Adds `spans`. The number that a line stands for, when it is time for one.
    pub fn due(&self, now: Instant, spans: usize) -> Option<usize> {
        let mut state = self.0.lock();
        state.untold += spans;
        if state.last.is_some_and(|t| now.duration_since(t) < EVERY) {
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_stands_for_all_since_the_last() {
        let kind = Occasional::default();
        let start = Instant::now();
        assert_eq!(kind.due(start, 2), Some(2));
        assert_eq!(kind.due(start + Duration::from_secs(1), 3), None);
        assert_eq!(kind.due(start + Duration::from_secs(9), 4), None);
        assert_eq!(kind.due(start + Duration::from_secs(10), 1), Some(8));
    }
}
