//! Rows and the latest probabilities, bounded by bytes. The oldest rows go first.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::port::{Probabilities, Throughput, ThroughputRows, WriteError};

/// Rows may keep so many bytes, and so may probabilities: three intervals of 5,000 operations with names of 256 bytes fit.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// Rows and probabilities. Cloning shares them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// In the order they came.
    appended: VecDeque<Arc<ThroughputRows>>,
    bytes: usize,
    latest: Option<Arc<Probabilities>>,
}

// === impl State ===

impl State {
    /// Adds rows, and lets go what nobody reads and what there is no room for.
    pub(crate) fn append(&mut self, rows: ThroughputRows) {
        let unread = rows.unread_until_ns;
        self.bytes += size(&rows);
        self.appended.push_back(Arc::new(rows));
        self.appended.retain(|rows| rows.time_ns > unread);
        self.bytes = self.appended.iter().map(|rows| size(rows)).sum();
        while self.bytes > MAX_BYTES
            && let Some(oldest) = self.appended.pop_front()
        {
            self.bytes -= size(&oldest);
        }
    }

    /// Rows of times in `(after_ns, until_ns]`.
    pub(crate) fn throughput(&self, after_ns: u64, until_ns: u64) -> Vec<Throughput> {
        let in_time = |rows: &&Arc<ThroughputRows>| {
            let time = rows.time_ns;
            time > after_ns && time <= until_ns
        };
        let mut found: Vec<_> = self.appended.iter().filter(in_time).collect();
        found.sort_by_key(|rows| rows.time_ns);
        found
            .into_iter()
            .flat_map(|r| r.rows.iter().cloned())
            .collect()
    }

    /// Takes probabilities, unless there are later ones.
    pub(crate) fn put(&mut self, probabilities: Probabilities) -> Result<(), WriteError> {
        if probabilities.size() > MAX_BYTES {
            return Err(WriteError::Unavailable {
                reason: format!(
                    "probabilities of {} operations are more than the {MAX_BYTES} bytes kept for them",
                    probabilities.operations()
                ),
            });
        }
        let later = |latest: &Arc<Probabilities>| latest.time_ns > probabilities.time_ns;
        if !self.latest.as_ref().is_some_and(later) {
            self.latest = Some(Arc::new(probabilities));
        }
        Ok(())
    }

    /// The latest probabilities.
    pub(crate) fn latest(&self) -> Option<&Probabilities> {
        self.latest.as_deref()
    }

    /// All rows, in the order they came.
    pub(crate) fn appended(&self) -> impl ExactSizeIterator<Item = &ThroughputRows> {
        self.appended.iter().map(|rows| &**rows)
    }
}

/// Roughly the bytes in memory.
fn size(rows: &ThroughputRows) -> usize {
    size_of::<ThroughputRows>() + rows.rows.iter().map(Throughput::size).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(time_ns: u64, operation: String) -> ThroughputRows {
        ThroughputRows {
            time_ns,
            rows: vec![Throughput {
                operation,
                ..Throughput::default()
            }],
            ..ThroughputRows::default()
        }
    }

    #[test]
    fn the_oldest_rows_go_when_there_is_no_room() {
        let mut state = State::default();
        for time_ns in 1..=20 {
            state.append(rows(time_ns, "o".repeat(MAX_BYTES / 8)));
            assert!(state.bytes <= MAX_BYTES);
        }
        assert_eq!(state.throughput(0, 20).len(), 7);
        assert_eq!(state.throughput(0, 13).len(), 0);
        state.append(rows(21, "o".repeat(MAX_BYTES)));
        assert_eq!(state.throughput(0, 21).len(), 0, "it alone is too much");
        assert_eq!(state.bytes, 0);
    }

    #[test]
    fn probabilities_beyond_the_room_are_refused() {
        let mut state = State::default();
        let probabilities = Probabilities {
            host: "h".repeat(MAX_BYTES + 1),
            ..Probabilities::default()
        };
        assert!(state.put(probabilities).unwrap_err().is_retryable());
        assert_eq!(state.latest(), None);
    }
}
