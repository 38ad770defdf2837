//! The partitions that this member owns, each with what is under way of it.
//!
//! In: what the group gives and takes. Out: a window each, shared by the thread that polls and the tasks that write. A partition that is taken away is not written any further: whoever gets it begins
//! at the offset that was committed for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaResult;
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
    /// The offset of the record that should come next; -1: nothing is known of it.
    next: AtomicI64,
    /// Offsets that did not come though they should have: the most of them since this was taken last.
    gap: Mutex<Option<Gap>>,
    /// A task that had some of its records ended by itself, and nobody has them now.
    pub(crate) is_broken: AtomicBool,
    /// librdkafka gives none of its records.
    pub(crate) is_paused: AtomicBool,
    /// It is another member's.
    pub(crate) lost: CancellationToken,
}

/// Offsets of which no record came: there may never have been any, as where a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: i64,
    /// The first that came.
    pub(crate) to: i64,
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
                next: AtomicI64::new(-1),
                gap: Mutex::default(),
                is_broken: AtomicBool::new(false),
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

    /// It is read from `offset` on.
    pub(crate) fn begins(&self, offset: i64) {
        self.next.store(offset, Ordering::Relaxed);
    }

    /// Where it began, or how far it came; `None`: nothing is known.
    pub(crate) fn reached(&self) -> Option<i64> {
        Some(self.next.load(Ordering::Relaxed)).filter(|next| *next >= 0)
    }

    /// Records came, the first at `first`, the last before `next`.
    pub(crate) fn came(&self, first: i64, next: i64) {
        let from = self.next.swap(next, Ordering::Relaxed);
        if from >= 0 && first > from {
            let mut gap = self.gap.lock();
            if gap.is_none_or(|known| known.to - known.from < first - from) {
                *gap = Some(Gap { from, to: first });
            }
        }
    }

    /// What did not come, once what is known of the partition is as new: it was read up to `read`.
    pub(crate) fn take_gap(&self, read: i64) -> Option<Gap> {
        self.gap.lock().take_if(|gap| gap.to < read)
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

/// Where `partitions` end, of those that are led. Blocks.
pub(crate) fn ends<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    mut partitions: TopicPartitionList,
    patience: Duration,
) -> KafkaResult<TopicPartitionList> {
    // asked for by a time that no record has
    partitions.set_all_offsets(Offset::End)?;
    let ends = consumer.offsets_for_times(partitions, patience)?;
    let mut found = TopicPartitionList::new();
    for element in ends.elements() {
        if element.error().is_ok() && matches!(element.offset(), Offset::Offset(_)) {
            found.add_partition_offset(element.topic(), element.partition(), element.offset())?;
        }
    }
    Ok(found)
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
    fn the_largest_gap_is_told_once_when_it_is_known_why() {
        let assignment = Assignment::default();
        assignment.give([("t".to_owned(), 3)]);
        let partition = assignment.get("t", 3).unwrap();
        assert_eq!(partition.reached(), None);
        partition.came(7, 10);
        assert_eq!(partition.take_gap(100), None, "it began anywhere");
        partition.begins(20);
        for (first, next) in [(20, 25), (75, 80), (81, 90)] {
            partition.came(first, next);
        }
        assert_eq!(partition.take_gap(60), None);
        let gap = Gap { from: 25, to: 75 };
        assert_eq!(partition.take_gap(90), Some(gap));
        assert_eq!(partition.take_gap(90), None);
        assert_eq!(partition.reached(), Some(90));
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
