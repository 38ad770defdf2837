//! The searchable head: an index in memory over every generation of the journal. Payloads stay in the files.
//!
//! In: records, once they are durable. Out: for one instance, its [`Part`] of each generation, as a [`Snapshot`] that stays readable when a
//! generation is retired. One index a generation, so that retiring one is dropping it.
//!
//! Deliberately absent: reading payloads (`reader`), deciding what to retire (`retention`).

mod block;
mod catalogue;
mod part;
mod traces;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use model::Instance;
use parking_lot::RwLock;

use super::batch::{Malformed, SpanRecord};
use super::journal::Generation;

pub(crate) use block::{BLOCK_ROWS, Block};
pub(crate) use part::{Columns, Part, Place};

/// The indexes of all generations, the oldest first.
#[derive(Default)]
pub(crate) struct Head {
    generations: RwLock<VecDeque<Arc<Index>>>,
}

/// The index of one generation.
pub(crate) struct Index {
    /// Where the payloads are.
    pub(crate) generation: Arc<Generation>,
    parts: RwLock<BTreeMap<Instance, Arc<Part>>>,
    bytes: AtomicUsize,
    spans: AtomicU64,
    dead_letters: AtomicU64,
    file_bytes: AtomicU64,
    oldest_ns: AtomicU64,
    newest_ns: AtomicU64,
}

/// One instance's parts, the oldest generation first, as they were at one moment.
pub(crate) type Snapshot = Vec<Source>;

/// One instance's part of a generation.
#[derive(Clone)]
pub(crate) struct Source {
    /// The index that the part belongs to.
    pub(crate) index: Arc<Index>,
    /// The part.
    pub(crate) part: Arc<Part>,
}

/// Sums over all generations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Generations.
    pub(crate) generations: usize,
    /// Bytes of memory.
    pub(crate) bytes: usize,
    /// Spans, equal ones counted each time.
    pub(crate) spans: u64,
    /// Dead letters.
    pub(crate) dead_letters: u64,
    /// Bytes on disk.
    pub(crate) file_bytes: u64,
}

// === impl Head ===

impl Head {
    /// Adds the newest generation.
    pub(crate) fn push_newest(&self, index: Arc<Index>) {
        self.generations.write().push_back(index);
    }

    /// Adds a generation older than all others: a start goes from the newest back.
    pub(crate) fn push_oldest(&self, index: Arc<Index>) {
        self.generations.write().push_front(index);
    }

    /// The oldest generation and how many there are.
    pub(crate) fn oldest(&self) -> Option<(Arc<Index>, usize)> {
        let generations = self.generations.read();
        Some((generations.front()?.clone(), generations.len()))
    }

    /// The number of the newest generation.
    pub(crate) fn newest_number(&self) -> Option<u64> {
        Some(self.generations.read().back()?.generation.number)
    }

    /// Takes the oldest generation out. Who reads it goes on.
    pub(crate) fn pop_oldest(&self) -> Option<Arc<Index>> {
        self.generations.write().pop_front()
    }

    /// What there is of `instance`.
    pub(crate) fn snapshot(&self, instance: &Instance) -> Snapshot {
        let generations = self.generations.read();
        let parts = generations.iter().filter_map(|index| {
            Some(Source {
                part: index.parts.read().get(instance)?.clone(),
                index: index.clone(),
            })
        });
        parts.collect()
    }

    /// Sums over all generations.
    pub(crate) fn totals(&self) -> Totals {
        let generations = self.generations.read();
        let mut totals = Totals {
            generations: generations.len(),
            ..Totals::default()
        };
        for index in generations.iter() {
            totals.bytes += index.bytes();
            totals.spans += index.spans();
            totals.dead_letters += index.dead_letters();
            totals.file_bytes += index.file_bytes();
        }
        totals
    }
}

// === impl Index ===

impl Index {
    /// An empty index of a generation.
    pub(crate) fn new(generation: Arc<Generation>) -> Self {
        Self {
            generation,
            parts: RwLock::default(),
            bytes: AtomicUsize::new(0),
            spans: AtomicU64::new(0),
            dead_letters: AtomicU64::new(0),
            file_bytes: AtomicU64::new(0),
            oldest_ns: AtomicU64::new(u64::MAX),
            newest_ns: AtomicU64::new(0),
        }
    }

    /// Makes a record's spans searchable. `payload_at` is where its payload starts in the file. One caller at a time.
    pub(crate) fn add(
        &self,
        payload: &[u8],
        payload_at: u64,
        received_ns: u64,
    ) -> Result<u64, Malformed> {
        let record = SpanRecord::decode(payload)?;
        let part = self.part(&record.instance);
        // files end below 4 GiB
        let grown = part.add(&record, payload_at as u32)?;
        self.bytes.fetch_add(grown, Ordering::Relaxed);
        self.spans.fetch_add(record.len(), Ordering::Relaxed);
        self.note_time(received_ns);
        Ok(record.len())
    }

    /// Counts dead letters.
    pub(crate) fn add_dead_letters(&self, count: u64, received_ns: u64) {
        self.dead_letters.fetch_add(count, Ordering::Relaxed);
        self.note_time(received_ns);
    }

    fn note_time(&self, received_ns: u64) {
        self.oldest_ns.fetch_min(received_ns, Ordering::Relaxed);
        self.newest_ns.fetch_max(received_ns, Ordering::Relaxed);
    }

    /// Says how long the file is now.
    pub(crate) fn set_file_bytes(&self, bytes: u64) {
        self.file_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Says that nothing in it is newer than this, when no record does.
    pub(crate) fn set_newest_ns(&self, at: u64) {
        self.newest_ns.store(at, Ordering::Relaxed);
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Spans, equal ones counted each time.
    pub(crate) fn spans(&self) -> u64 {
        self.spans.load(Ordering::Relaxed)
    }

    /// Dead letters.
    pub(crate) fn dead_letters(&self) -> u64 {
        self.dead_letters.load(Ordering::Relaxed)
    }

    /// Bytes on disk.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes.load(Ordering::Relaxed)
    }

    /// How much later its newest record was taken in than its oldest, nanoseconds.
    pub(crate) fn age_span_ns(&self) -> u64 {
        self.newest_ns()
            .saturating_sub(self.oldest_ns.load(Ordering::Relaxed))
    }

    /// When its newest record was taken in, nanoseconds since the Unix epoch.
    pub(crate) fn newest_ns(&self) -> u64 {
        self.newest_ns.load(Ordering::Relaxed)
    }

    fn part(&self, instance: &Instance) -> Arc<Part> {
        if let Some(part) = self.parts.read().get(instance) {
            return part.clone();
        }
        let mut parts = self.parts.write();
        parts.entry(instance.clone()).or_default().clone()
    }
}
