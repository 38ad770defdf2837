//! The partitions that this member owns, each with what is under way of it.
//!
//! In: what the group gives and takes. Out: a window each, shared by the thread that polls and the tasks that write. A partition that is taken away is not written any further: whoever gets it begins
//! at the offset that was committed for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::{Offset, TopicPartitionList};
use tokio_util::sync::CancellationToken;

use crate::window::{Ticket, Window};

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Assignment {
    partitions: Mutex<BTreeMap<Key, Arc<Partition>>>,
    /// Bytes of all records under way, of partitions that were taken away too.
    under_way: Arc<AtomicUsize>,
}

type Key = (String, i32);

/// One of them.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) topic: String,
    pub(crate) number: i32,
    window: Mutex<Window>,
    ended: Condvar,
    /// librdkafka gives none of its records.
    pub(crate) is_paused: AtomicBool,
    /// It is another member's.
    pub(crate) lost: CancellationToken,
}

/// A chunk's bytes, for as long as they are in memory.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: usize,
    under_way: Arc<AtomicUsize>,
}

// === impl Assignment ===

impl Assignment {
    /// Partitions are this member's from now on.
    pub(crate) fn give(&self, keys: impl IntoIterator<Item = Key>) {
        let mut partitions = self.partitions.lock();
        for (topic, number) in keys {
            let partition = Partition {
                topic: topic.clone(),
                number,
                window: Mutex::default(),
                ended: Condvar::new(),
                is_paused: AtomicBool::new(false),
                lost: CancellationToken::new(),
            };
            if let Some(before) = partitions.insert((topic, number), Arc::new(partition)) {
                before.lost.cancel();
            }
        }
    }

    /// They are this member's no more.
    pub(crate) fn take(&self, keys: impl IntoIterator<Item = Key>) -> Vec<Arc<Partition>> {
        let mut partitions = self.partitions.lock();
        keys.into_iter()
            .filter_map(|key| partitions.remove(&key))
            .collect()
    }

    /// The one of this name, if it is this member's.
    pub(crate) fn get(&self, topic: &str, number: i32) -> Option<Arc<Partition>> {
        // made once for each chunk, not for each record
        self.partitions
            .lock()
            .get(&(topic.to_owned(), number))
            .cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Partition>> {
        self.partitions.lock().values().cloned().collect()
    }

    /// Bytes of records under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }

    /// Counts `bytes` as under way until what comes back is dropped.
    pub(crate) fn hold(&self, bytes: usize) -> Held {
        self.under_way.fetch_add(bytes, Ordering::AcqRel);
        Held {
            bytes,
            under_way: self.under_way.clone(),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.under_way.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

// === impl Partition ===

impl Partition {
    pub(crate) fn begin(&self, next: i64, records: usize, bytes: usize) -> Ticket {
        self.window.lock().begin(next, records, bytes)
    }

    pub(crate) fn end(&self, ticket: Ticket) {
        self.window.lock().end(ticket);
        self.ended.notify_all();
    }

    /// Reads its window.
    pub(crate) fn look<T>(&self, see: impl FnOnce(&Window) -> T) -> T {
        see(&self.window.lock())
    }

    /// Waits until nothing of it is under way, at the longest until `until`. Blocks.
    pub(crate) fn wait(&self, until: Instant) {
        let mut window = self.window.lock();
        while !window.is_empty() {
            if self.ended.wait_until(&mut window, until).timed_out() {
                return;
            }
        }
    }
}

/// The offsets of `partitions` that are to be committed; `None`: none is.
pub(crate) fn to_commit(partitions: &[Arc<Partition>]) -> Option<TopicPartitionList> {
    let mut offsets = TopicPartitionList::new();
    for partition in partitions {
        if let Some(next) = partition.window.lock().take_commit() {
            // fails for offsets below zero alone
            offsets
                .add_partition_offset(&partition.topic, partition.number, Offset::Offset(next))
                .ok();
        }
    }
    (offsets.count() > 0).then_some(offsets)
}

/// What was to be committed and was not is tried again.
pub(crate) fn not_committed(partitions: &[Arc<Partition>]) {
    for partition in partitions {
        partition.window.lock().not_committed();
    }
}

/// Waits until nothing of `partitions` is under way, at most for `patience`. Blocks.
pub(crate) fn wait(partitions: &[Arc<Partition>], patience: Duration) {
    let until = Instant::now() + patience;
    for partition in partitions {
        partition.wait(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_that_comes_back_has_a_window_of_its_own() {
        let assignment = Assignment::default();
        let key = || [("t".to_owned(), 3)];
        assignment.give(key());
        let before = assignment.get("t", 3).unwrap();
        let ticket = before.begin(10, 10, 1);
        assert_eq!(assignment.take(key()).len(), 1);
        assert!(assignment.get("t", 3).is_none());
        assignment.give(key());
        before.end(ticket);
        let now = assignment.get("t", 3).unwrap();
        assert!(to_commit(&[now]).is_none());
        let offsets = to_commit(&[before]).unwrap();
        let found = offsets.find_partition("t", 3).unwrap();
        assert_eq!(found.offset(), Offset::Offset(10));
    }

    #[test]
    fn bytes_are_held_until_they_are_dropped() {
        let assignment = Assignment::default();
        let held = assignment.hold(7);
        assert_eq!(assignment.under_way(), 7);
        drop(held);
        assert_eq!(assignment.under_way(), 0);
    }
}
