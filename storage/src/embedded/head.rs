//! What can be read: segments, and the searchable head over the generations that are not sealed yet. Payloads stay in the files.
//!
//! In: records, once they are durable; segments, once the manifest has them. Out: for one instance, its segments and its [`Part`] of each
//! generation, as a [`Snapshot`] that stays readable when one of them is let go. One index a generation, so that sealing it is dropping it.
//!
//! Deliberately absent: reading payloads (`reader`), deciding what to retire (`retention`).

mod block;
mod catalogue;
mod part;
mod traces;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use model::Instance;
use parking_lot::RwLock;

use super::batch::{Malformed, SpanRecord};
use super::journal::Generation;
use super::segment::Segment;

pub(crate) use block::BLOCK_ROWS;
pub(crate) use part::{Columns, Part, Place};

/// Everything that can be read: sealed segments, and the indexes of the generations that are not sealed yet.
#[derive(Default)]
pub(crate) struct Head(RwLock<State>);

#[derive(Default)]
struct State {
    /// The oldest first.
    generations: VecDeque<Arc<Index>>,
    /// By the first generation they hold and their number: the oldest first.
    segments: BTreeMap<(u64, u64), Arc<Segment>>,
    /// Of sealed generations, by their number.
    letters: BTreeMap<u64, Letters>,
}

/// The dead letters of a sealed generation.
#[derive(Clone)]
pub(crate) struct Letters {
    /// Their file.
    pub(crate) generation: Arc<Generation>,
    pub(crate) count: u64,
    pub(crate) file_bytes: u64,
    /// When the newest was taken in, nanoseconds since the Unix epoch.
    pub(crate) newest_ns: u64,
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
    complete: AtomicBool,
}

/// What there is of one instance, the oldest first, as it was at one moment.
pub(crate) type Snapshot = Vec<Source>;

/// A part of what there is of one instance.
#[derive(Clone)]
pub(crate) enum Source {
    /// A segment.
    Sealed(Arc<Segment>),
    /// Of a generation that is not sealed yet.
    Open {
        /// The index that the part belongs to.
        index: Arc<Index>,
        /// The part.
        part: Arc<Part>,
    },
}

/// Sums over all generations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Generations that are not sealed.
    pub(crate) generations: usize,
    /// Bytes of memory.
    pub(crate) bytes: usize,
    /// Spans, equal ones counted each time.
    pub(crate) spans: u64,
    /// Dead letters.
    pub(crate) dead_letters: u64,
    /// Bytes of the journal on disk.
    pub(crate) file_bytes: u64,
    /// Segments.
    pub(crate) segments: usize,
    /// Spans in segments.
    pub(crate) sealed_spans: u64,
    /// Bytes of segments and of the dead letters of sealed generations on disk.
    pub(crate) sealed_bytes: u64,
}

// === impl Totals ===

impl Totals {
    /// Bytes of everything on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.file_bytes + self.sealed_bytes
    }
}

// === impl Head ===

impl Head {
    /// Adds the newest generation.
    pub(crate) fn push_newest(&self, index: Arc<Index>) {
        self.0.write().generations.push_back(index);
    }

    /// Adds a generation older than all others: a start goes from the newest back.
    pub(crate) fn push_oldest(&self, index: Arc<Index>) {
        self.0.write().generations.push_front(index);
    }

    /// The oldest generation and how many there are.
    pub(crate) fn oldest(&self) -> Option<(Arc<Index>, usize)> {
        let state = self.0.read();
        Some((state.generations.front()?.clone(), state.generations.len()))
    }

    /// Whether the index over what is not sealed yet takes more bytes of memory than this, or its files more of the disk, and some of it
    /// can be sealed.
    pub(crate) fn is_beyond(&self, bytes: usize, file_bytes: u64) -> bool {
        let state = self.0.read();
        let generations = &state.generations;
        generations.front().is_some_and(|i| i.is_complete())
            && (generations.iter().map(|i| i.bytes()).sum::<usize>() > bytes
                || generations.iter().map(|i| i.file_bytes()).sum::<u64>() > file_bytes)
    }

    /// Takes the oldest generation out. Who reads it goes on.
    pub(crate) fn pop_oldest(&self) -> Option<Arc<Index>> {
        self.0.write().generations.pop_front()
    }

    /// Segments, the oldest first.
    pub(crate) fn segments(&self) -> Vec<Arc<Segment>> {
        self.0.read().segments.values().cloned().collect()
    }

    /// The dead letters of sealed generations, the oldest first.
    pub(crate) fn letters(&self) -> Vec<Letters> {
        self.0.read().letters.values().cloned().collect()
    }

    /// Puts segments and letters in the place of a generation, in one step for who reads.
    pub(crate) fn seal(
        &self,
        generation: u64,
        segments: &[Arc<Segment>],
        letters: Option<Letters>,
    ) {
        let mut state = self.0.write();
        state
            .generations
            .retain(|i| i.generation.number != generation);
        state.add(segments);
        if let Some(letters) = letters {
            state.letters.insert(letters.generation.number, letters);
        }
    }

    /// Puts segments in the place of others, in one step for who reads.
    pub(crate) fn replace(&self, old: &[Arc<Segment>], new: &[Arc<Segment>]) {
        let mut state = self.0.write();
        for segment in old {
            state.segments.remove(&key(segment));
        }
        state.add(new);
    }

    /// Takes dead letters out.
    pub(crate) fn remove_letters(&self, generation: u64) {
        self.0.write().letters.remove(&generation);
    }

    /// What there is of `instance`.
    pub(crate) fn snapshot(&self, instance: &Instance) -> Snapshot {
        let state = self.0.read();
        let sealed = state
            .segments
            .values()
            .filter(|s| s.summary.instance == *instance)
            .map(|s| Source::Sealed(s.clone()));
        let open = state.generations.iter().filter_map(|index| {
            Some(Source::Open {
                part: index.parts.read().get(instance)?.clone(),
                index: index.clone(),
            })
        });
        sealed.chain(open).collect()
    }

    /// Sums over all of it.
    pub(crate) fn totals(&self) -> Totals {
        let state = self.0.read();
        let mut totals = Totals {
            generations: state.generations.len(),
            segments: state.segments.len(),
            ..Totals::default()
        };
        for index in &state.generations {
            totals.bytes += index.bytes();
            totals.spans += index.spans();
            totals.dead_letters += index.dead_letters();
            totals.file_bytes += index.file_bytes();
        }
        for segment in state.segments.values() {
            totals.sealed_spans += segment.summary.spans;
            totals.sealed_bytes += segment.file_bytes;
        }
        for letters in state.letters.values() {
            totals.dead_letters += letters.count;
            totals.sealed_bytes += letters.file_bytes;
        }
        totals.spans += totals.sealed_spans;
        totals
    }
}

fn key(segment: &Segment) -> (u64, u64) {
    (segment.summary.generations.0, segment.number)
}

// === impl State ===

impl State {
    fn add(&mut self, segments: &[Arc<Segment>]) {
        for segment in segments {
            self.segments.insert(key(segment), segment.clone());
        }
    }
}

// === impl Source ===

impl Source {
    /// The number that tells it from others of its sort.
    pub(crate) fn number(&self) -> u64 {
        match self {
            Self::Sealed(segment) => segment.number,
            Self::Open { index, .. } => index.generation.number,
        }
    }

    /// Its file.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Sealed(segment) => &segment.path,
            Self::Open { index, .. } => &index.generation.path,
        }
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
            complete: AtomicBool::new(false),
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

    /// Nothing more is added: it may be sealed.
    pub(crate) fn set_complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Whether nothing more is added.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// When its oldest record was taken in, nanoseconds since the Unix epoch.
    pub(crate) fn oldest_ns(&self) -> u64 {
        self.oldest_ns.load(Ordering::Relaxed)
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
        self.newest_ns().saturating_sub(self.oldest_ns())
    }

    /// When its newest record was taken in, nanoseconds since the Unix epoch.
    pub(crate) fn newest_ns(&self) -> u64 {
        self.newest_ns.load(Ordering::Relaxed)
    }

    /// Whose spans are in it, and which.
    pub(crate) fn parts(&self) -> Vec<(Instance, Arc<Part>)> {
        let parts = self.parts.read();
        parts.iter().map(|(i, p)| (i.clone(), p.clone())).collect()
    }

    fn part(&self, instance: &Instance) -> Arc<Part> {
        if let Some(part) = self.parts.read().get(instance) {
            return part.clone();
        }
        let mut parts = self.parts.write();
        parts.entry(instance.clone()).or_default().clone()
    }
}
