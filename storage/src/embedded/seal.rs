//! Turns one generation of the journal into segments: one for each instance and day.
//!
//! In: a generation's file, every record of which is checked once more. Out: files that are whole and durable, of which nobody knows yet:
//! the manifest makes them count. Equal spans become one here; traces are put together; calls are counted.
//!
//! Deliberately absent: when to seal, and what becomes of the generation (`keeper`).

mod gather;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashSet;
use model::{Instance, SpanKind, TraceId};

use self::gather::{Gathered, Sorted};
use super::head::{Snapshot, Source};
use super::journal::{self, Generation, Kind, Pending, Scan};
use super::reader::{Fetcher, Located, call, calls_of, locate};
use super::segment::calls::Calls;
use super::segment::{self, Builder, Cache, Segment, Summary, filter};
use crate::calls::{self, Ends, Names, Peer, Tally, names_peers};
use crate::disk::Disk;

/// No more memory than this is asked for before it is known to be needed.
const EXPECT_BYTES: usize = 64 << 20;

/// What sealing needs beside the generation.
pub(super) struct Sealer {
    pub(super) disk: Arc<dyn Disk>,
    /// Where segments are.
    pub(super) folder: PathBuf,
    /// Where dead letters are.
    pub(super) letters: PathBuf,
    pub(super) cache: Cache,
}

/// What became of a generation.
pub(super) struct Sealed {
    pub(super) segments: Vec<Arc<Segment>>,
    /// How many spans its records had, equal ones counted each time.
    pub(super) spans: u64,
    /// What the file was like.
    pub(super) scan: Scan,
    /// Records that are whole and yet cannot be sealed, and spans in them that do not decode.
    pub(super) malformed: u64,
    /// Its dead letters.
    pub(super) letters: Option<Arc<Generation>>,
}

// === impl Sealer ===

impl Sealer {
    /// Seals `generation` into segments with numbers that `next_number` gives. `older` are the segments there are.
    pub(super) fn seal(
        &self,
        generation: &Generation,
        next_number: &dyn Fn() -> u64,
        older: &[Arc<Segment>],
    ) -> io::Result<Sealed> {
        let mut gathered: BTreeMap<Instance, Gathered> = BTreeMap::new();
        let mut letters = Vec::new();
        let (mut spans, mut malformed) = (0, 0);
        let bytes = usize::try_from(generation.file.len()?).unwrap_or(usize::MAX);
        let scan = journal::scan(&*generation.file, |visit| {
            if visit.header.kind == Kind::Spans as u8 {
                // most often it is all of one instance: growing step by step would take twice the memory
                let left = bytes
                    .saturating_sub(visit.offset as usize)
                    .min(EXPECT_BYTES);
                let left = if gathered.is_empty() { left } else { 0 };
                match gather::add(&mut gathered, visit.payload, visit.header.received_ns, left) {
                    Ok(count) => spans += count,
                    Err(_) => malformed += 1,
                }
            } else if visit.header.kind == Kind::DeadLetters as u8 {
                letters.push(Pending::copy(
                    Kind::DeadLetters,
                    visit.header.received_ns,
                    visit.payload,
                ));
            } else if visit.header.kind != Kind::Mark as u8 {
                malformed += 1;
            }
        });
        let mut segments = Vec::new();
        while let Some((instance, gathered)) = gathered.pop_first() {
            let older: Vec<_> = older
                .iter()
                .filter(|s| s.summary.instance == instance)
                .cloned()
                .collect();
            for sorted in gathered.sorted() {
                let summary = Summary {
                    instance: instance.clone(),
                    day: sorted.day,
                    generations: (generation.number, generation.number),
                    received_ns: gathered.received_ns,
                    ..Summary::default()
                };
                let (segment, wrong) =
                    self.write(next_number(), summary, &gathered, &sorted, &older)?;
                segments.push(segment);
                malformed += wrong;
            }
        }
        let letters = match letters.is_empty() {
            true => None,
            false => Some(self.write_letters(generation.number, &mut letters)?),
        };
        self.disk.sync_folder(&self.folder)?;
        Ok(Sealed {
            segments,
            spans,
            scan,
            malformed,
            letters,
        })
    }

    fn write(
        &self,
        number: u64,
        summary: Summary,
        gathered: &Gathered,
        sorted: &Sorted,
        older: &[Arc<Segment>],
    ) -> io::Result<(Arc<Segment>, u64)> {
        let path = self.folder.join(segment::name(number));
        remove(&*self.disk, &path)?;
        let file = self.disk.create(&path)?;
        let mut builder = Builder::new(file, summary)?;
        builder.write_rows(&sorted.rows, &gathered.material())?;
        let view = builder.view(number, &path, self.cache.clone())?;
        let calls = changed_calls(gathered, sorted, older, &Arc::new(view));
        let malformed = builder.malformed();
        builder.finish(&calls)?;
        let segment = Segment::open(&*self.disk, &path, number, self.cache.clone())?;
        Ok((Arc::new(segment), malformed))
    }

    /// Keeps dead letters in a file of their own, like a generation of the journal that holds nothing else.
    fn write_letters(&self, number: u64, letters: &mut [Pending]) -> io::Result<Arc<Generation>> {
        let path = journal::path(&self.letters, number);
        remove(&*self.disk, &path)?;
        let generation = journal::write_alone(&*self.disk, &self.letters, number, letters)?;
        Ok(Arc::new(generation))
    }

    /// Several segments become one with this number.
    pub(super) fn merge(&self, number: u64, segments: &[Arc<Segment>]) -> io::Result<Arc<Segment>> {
        let path = self.folder.join(segment::name(number));
        remove(&*self.disk, &path)?;
        let file = self.disk.create(&path)?;
        let merged = segment::merge::merge(segments, file).and_then(|_| {
            self.disk.sync_folder(&self.folder)?;
            Segment::open(&*self.disk, &path, number, self.cache.clone())
        });
        if merged.is_err() {
            drop(self.disk.remove(&path));
        }
        merged.map(Arc::new)
    }
}

/// Removes what an earlier try left.
pub(super) fn remove(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How the numbers of calls change by these rows: for a trace that older segments have spans of, what is now less what was.
fn changed_calls(
    gathered: &Gathered,
    sorted: &Sorted,
    older: &[Arc<Segment>],
    new: &Arc<Segment>,
) -> Calls {
    let filters: Vec<_> = older.iter().filter_map(|s| s.trace_filter().ok()).collect();
    let mut names = Names::default();
    let operation_of: Vec<(SpanKind, u32)> = gathered
        .operations()
        .iter()
        .map(|o| (o.kind, names.number(&o.service)))
        .collect();
    let mut totals: BTreeMap<(u64, Ends<u32>), Tally> = BTreeMap::new();
    let mut now: Snapshot = older.iter().cloned().map(Source::Sealed).collect();
    now.push(Source::Sealed(new.clone()));
    let mut fetcher = Fetcher::default();
    let mut joined: HashSet<TraceId> = HashSet::new();
    let mut spans = Vec::new();
    for trace in sorted.rows.chunk_by(|a, b| a.trace_id == b.trace_id) {
        let Some(id) = trace.first().map(|r| r.trace_id) else {
            continue;
        };
        let hash = filter::trace(&id);
        if filters.iter().any(|f| f.may_hold(hash)) {
            if joined.insert(id) {
                // what is damaged was said when it was opened, and adds nothing
                let rows = locate(&now, id, &mut fetcher, &mut |source, error| {
                    tracing::debug!(file = %source.path().display(), %error, "calls are counted without a segment");
                });
                // the new one is the last
                let is_before = |row: &Located| row.source < older.len();
                let (spans, before) = calls_of(&now, &rows, is_before, &mut fetcher, &mut names);
                let before = spans.get(..before).unwrap_or_default();
                for (spans, sign) in [(spans.as_slice(), 1), (before, -1)] {
                    calls::for_each(spans, &names, |found| {
                        let tally = totals.entry((found.hour, found.ends)).or_default();
                        tally.count(&found, sign);
                    });
                }
            }
            continue;
        }
        spans.clear();
        for row in trace {
            let operation = operation_of.get(row.operation as usize).copied();
            let (kind, service) = operation.unwrap_or_default();
            let span = names_peers(kind).then(|| gathered.span(row)).flatten();
            let peer = span.and_then(|span| Peer::of(&span, &mut names));
            spans.push(call(row, kind, service, peer));
        }
        calls::for_each(&spans, &names, |found| {
            let tally = totals.entry((found.hour, found.ends)).or_default();
            tally.count(&found, 1);
        });
    }
    let mut calls = Calls::default();
    for ((hour, ends), tally) in totals {
        let ends = Ends {
            parent: names.name(ends.parent).to_owned(),
            child: names.name(ends.child).to_owned(),
            kind: ends.kind,
        };
        calls.add(hour, ends, &tally);
    }
    calls
}

// === impl Sealed ===

impl Sealed {
    /// Whether the file has more than could be sealed.
    pub(super) fn is_damaged(&self) -> bool {
        let scan = &self.scan;
        self.malformed > 0
            || scan.header.is_none()
            || scan.unreadable.is_some()
            || scan.durable_end > scan.end
            || scan.holes.iter().any(|h| h.offset < scan.durable_end)
    }
}
