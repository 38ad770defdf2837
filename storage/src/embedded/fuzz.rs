//! What a fuzzer runs: one function a kind of file, each for any bytes.
//!
//! In: a file's bytes. Out: nothing, or a panic that says what was broken. Damage may be refused or reported; it may not panic, have memory
//! set aside that the file does not back, or come out as something that reads differently each time. What is wrong *and* signed with right
//! checksums can only be held to that; [`read_segment`] answers what was read, so that a test can compare.

use std::io;
use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt as _;
use model::{Span, TraceId};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::head::Head;
use super::journal;
use super::keeper::Folders;
use super::manifest;
use super::reader::{Reader, Shared};
use super::seal::Sealer;
use super::segment::{Cache, Segment, filter};
use crate::disk::{Disk as _, SimulatedDisk};
use crate::port::{
    Completeness, DependencyReader as _, GetTrace, OperationQuery, ReadContext, ReadItem,
    TraceReader as _,
};
use crate::query::{Filter, Pattern, TraceQuery};

/// Every function here.
pub const ALL: [fn(&[u8]); 3] = [segment, journal_file, manifest_file];

const FOLDER: &str = "/fuzz";
/// More rows than this are not read one by one.
const ROWS: u32 = 1 << 16;

/// What was read of a segment.
#[derive(Debug, Default)]
pub struct Seen {
    /// The spans that were given back.
    pub spans: Vec<Span>,
    /// What was said to be damaged, first of all.
    pub damage: Option<String>,
}

/// A segment.
pub fn segment(data: &[u8]) {
    drop(read_segment(data));
}

/// Opens, verifies, searches and reads a segment.
pub fn read_segment(data: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let (disk, folders) = disk();
    let path = folders.segments.join("0000000001.seg");
    disk.overwrite(&path, data);
    let segment = match Segment::open(&disk, &path, 1, Cache::new(1 << 20)) {
        Ok(segment) => Arc::new(segment),
        Err(error) => {
            seen.note(&error);
            return seen;
        }
    };
    if let Err(error) = verify(&segment) {
        seen.note(&error);
    }
    let ids = look(&segment, &mut seen);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    if let Ok(runtime) = runtime {
        runtime.block_on(query(segment, &ids, &mut seen));
    }
    seen
}

/// Verifies a segment. What is wrong with it first of all.
fn verify(segment: &Segment) -> io::Result<()> {
    let mut first = None;
    let mut each = |_, checked: io::Result<()>| first = first.take().or(checked.err());
    let footer = segment.verify(&mut each);
    for group in footer.iter().flat_map(|footer| &footer.row_groups) {
        segment.verify_row_group(group, &mut each);
    }
    first.map_or(Ok(()), Err)
}

/// Reads all parts of a segment by number. Answers the traces that it has.
fn look(segment: &Segment, seen: &mut Seen) -> Vec<TraceId> {
    let mut ids = Vec::new();
    let Ok(footer) = segment.footer() else {
        return ids;
    };
    for (number, group) in (0..).zip(&footer.row_groups) {
        match segment.may_have(group, filter::token("key", "value")) {
            Ok(_) => {}
            Err(error) => seen.note(&error),
        }
        match segment.keys(group) {
            Ok(keys) => ids.extend(&keys.traces),
            Err(error) => seen.note(&error),
        }
        for row in 0..group.rows.min(ROWS) {
            let number = super::segment::row_number(number, row);
            let read = segment.row(number).and_then(|row| {
                segment.payload(number, &mut Vec::new())?;
                segment.operation(row.operation)?;
                segment.group(row.group).map(drop)
            });
            if let Err(error) = read {
                seen.note(&error);
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Asks everything that can be asked of a store with this segment.
async fn query(segment: Arc<Segment>, ids: &[TraceId], seen: &mut Seen) {
    let instance = segment.summary.instance.clone();
    let head = Arc::new(Head::default());
    head.replace(&[], &[segment]);
    let shared = Arc::new(Shared {
        head,
        tracker: TaskTracker::new(),
        searches: Semaphore::new(1),
        lookups: Semaphore::new(1),
        damaged: Counter::default(),
    });
    let (reader, cx) = (
        Reader::new(shared.clone(), instance),
        ReadContext::default(),
    );
    let get: Vec<_> = ids.iter().map(|id| GetTrace::by_id(*id)).collect();
    let mut items = reader.get_traces(&cx, &get);
    while let Some(item) = items.next().await {
        match item {
            Ok(ReadItem::Spans(spans)) => {
                assert!(spans.iter().all(|s| ids.contains(&s.trace_id)));
                seen.spans.extend(spans);
            }
            Ok(ReadItem::End(Completeness::Complete)) => {}
            Ok(ReadItem::End(partial)) => seen.note(&format!("{partial:?}")),
            Err(error) => seen.note(&error),
        }
    }
    let tag = |value: &str| Filter::Tag {
        key: "job".into(),
        value: Pattern::new(value),
    };
    for filter in [
        Filter::default(),
        tag("nightly-report"),
        Filter::Not(Box::new(tag("n.*"))),
    ] {
        let query = TraceQuery {
            filter,
            start_max_ns: u64::MAX,
            limit: 100,
            ..TraceQuery::default()
        };
        match reader.find_trace_ids(&cx, &query).await {
            Ok(found) => assert!(found.traces.iter().all(|t| ids.contains(&t.trace_id))),
            Err(error) => seen.note(&error),
        }
    }
    for service in reader.get_services(&cx).await.unwrap_or_default() {
        let query = OperationQuery {
            service,
            kind: None,
        };
        drop(reader.get_operations(&cx, &query).await);
    }
    drop(reader.get_dependencies(&cx, 0, u64::MAX).await);
    if shared.damaged.get() > 0 {
        seen.note(&"damage was counted");
    }
}

/// A file of the journal: what can be read of it is sealed, and what is sealed is sound.
pub fn journal_file(data: &[u8]) {
    let (disk, folders) = disk();
    disk.overwrite(&journal::path(&folders.journal, 1), data);
    let Ok(generation) = journal::open(&disk, &folders.journal, 1) else {
        return;
    };
    let sealer = Sealer {
        disk: Arc::new(disk),
        folder: folders.segments,
        letters: folders.letters,
        cache: Cache::new(1 << 20),
    };
    let number = std::cell::Cell::new(0);
    let next_number = || {
        number.set(number.get() + 1);
        number.get()
    };
    let Ok(sealed) = sealer.seal(&generation, &next_number, &[]) else {
        return;
    };
    for segment in sealed.segments {
        let wrong = verify(&segment).err().map(|error| error.to_string());
        assert_eq!(wrong, None);
    }
}

/// A manifest.
pub fn manifest_file(data: &[u8]) {
    let (disk, folders) = disk();
    disk.overwrite(&manifest::path(&folders.data), data);
    let first = manifest::read(&disk, &folders.data).ok();
    if let Some(manifest::Found::Whole(manifest)) = &first {
        let written = manifest.write(&disk, &folders.data);
        assert!(written.is_ok(), "{written:?}");
        assert_eq!(first, manifest::read(&disk, &folders.data).ok());
    }
}

fn disk() -> (SimulatedDisk, Folders) {
    let (disk, folders) = (SimulatedDisk::new(1), Folders::of(Path::new(FOLDER)));
    for folder in [&folders.journal, &folders.segments, &folders.letters] {
        // a disk in memory makes every folder
        drop(disk.create_folder(folder));
    }
    (disk, folders)
}

// === impl Seen ===

impl Seen {
    fn note(&mut self, damage: &dyn std::fmt::Display) {
        self.damage.get_or_insert_with(|| damage.to_string());
    }
}

#[cfg(test)]
mod tests;
