//! The records of one partition that are under way, and up to which offset all are done.
//!
//! In: chunks in the order in which they were read, each with the offset after its last record; and, in any order, which are done. Out: the offset to commit: that after the last chunk before which
//! none is open. Offsets are never counted up: where records are missing, as after compaction or behind a transaction, the next one that was read counts.

use std::collections::VecDeque;

/// The window.
#[derive(Debug, Default)]
pub(crate) struct Window {
    chunks: VecDeque<Chunk>,
    /// The ticket of the first of them.
    first: u64,
    /// All before this offset are done.
    durable: Option<i64>,
    /// What was asked to be committed last.
    committed: Option<i64>,
    records: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    /// The offset after its last record.
    next: i64,
    records: usize,
    bytes: usize,
    is_done: bool,
}

/// Stands for a chunk until it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

// === impl Window ===

impl Window {
    /// A chunk is under way.
    pub(crate) fn begin(&mut self, next: i64, records: usize, bytes: usize) -> Ticket {
        let ticket = Ticket(self.first + self.chunks.len() as u64);
        self.records += records;
        self.bytes += bytes;
        self.chunks.push_back(Chunk {
            next,
            records,
            bytes,
            is_done: false,
        });
        ticket
    }

    /// Every span of a chunk is durable, or lies among the dead letters.
    pub(crate) fn end(&mut self, ticket: Ticket) {
        let place = ticket
            .0
            .checked_sub(self.first)
            .and_then(|at| usize::try_from(at).ok());
        let Some(chunk) = place.and_then(|at| self.chunks.get_mut(at)) else {
            return;
        };
        if !std::mem::replace(&mut chunk.is_done, true) {
            self.records -= chunk.records;
            self.bytes -= chunk.bytes;
        }
        while let Some(done) = self.chunks.pop_front_if(|chunk| chunk.is_done) {
            self.first += 1;
            self.durable = Some(done.next);
        }
    }

    /// The offset to commit, when it is another than the last that was.
    pub(crate) fn take_commit(&mut self) -> Option<i64> {
        let durable = self.durable.filter(|_| self.durable != self.committed)?;
        self.committed = self.durable;
        Some(durable)
    }

    /// The last commit was not done: it is tried again.
    pub(crate) fn not_committed(&mut self) {
        self.committed = None;
    }

    /// All before it are done.
    pub(crate) fn durable(&self) -> Option<i64> {
        self.durable
    }

    /// Records under way.
    pub(crate) fn records(&self) -> usize {
        self.records
    }

    /// Bytes of them.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Nothing is under way.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_offset_waits_for_all_before_it() {
        let mut window = Window::default();
        let first = window.begin(10, 10, 100);
        let second = window.begin(25, 3, 30);
        window.end(second);
        assert_eq!(window.take_commit(), None);
        assert_eq!((window.records(), window.bytes()), (10, 100));
        window.end(first);
        assert_eq!(window.take_commit(), Some(25));
        assert_eq!(window.take_commit(), None, "it was given already");
        window.not_committed();
        assert_eq!(window.take_commit(), Some(25));
        assert!(window.is_empty());
    }

    #[test]
    fn a_chunk_is_done_once() {
        let mut window = Window::default();
        let first = window.begin(1, 1, 1);
        window.begin(2, 1, 1);
        window.end(first);
        window.end(first);
        assert_eq!((window.records(), window.durable()), (1, Some(1)));
    }

    proptest! {
        #[test]
        fn never_above_an_open_chunk(order in Just((0..20usize).collect::<Vec<_>>()).prop_shuffle(), gaps in prop::collection::vec(1..50i64, 20)) {
            let mut window = Window::default();
            let mut next = 0;
            let chunks: Vec<(i64, Ticket)> = gaps
                .iter()
                .map(|gap| {
                    next += gap;
                    (next, window.begin(next, 1, 1))
                })
                .collect();
            let mut done = vec![false; chunks.len()];
            for at in order {
                window.end(chunks[at].1);
                done[at] = true;
                let expect = done.iter().take_while(|done| **done).count();
                let expect = expect.checked_sub(1).map(|last| chunks[last].0);
                prop_assert_eq!(window.durable(), expect);
            }
            prop_assert!(window.is_empty());
        }
    }
}
