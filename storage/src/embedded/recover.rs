//! A start: reads every generation back into the head, the newest first, and finds where the journal goes on.
//!
//! A torn tail of the newest file is cut (nothing in it was acknowledged); damage elsewhere is reported and the rest is served; what the
//! bounds leave no room for is not read at all, and what there is no memory for is sealed before the store is ready. One bad file never stops a start: it is reported, left where it is, and its number stays
//! taken.

use std::sync::Arc;

use super::dead_letters::Recent;
use super::forgotten::Forgotten;
use super::head::{Head, Index};
use super::journal::{self, Generation, Journal, Kind, Scan, mend};
use super::keeper::Folders;
use super::manifest::Manifest;
use super::metrics::Metrics;
use super::{Config, OpenError};
use crate::disk::Disk;

/// What a start found of the journal.
pub(super) struct Recovered {
    /// Where it goes on.
    pub(super) journal: Journal,
    /// Generations whose index found no room in memory, the newest first.
    pub(super) unread: Vec<Generation>,
}

/// Reads the journal in `folders` back into `head`, but for what `manifest` says is sealed.
pub(super) fn recover(
    disk: &Arc<dyn Disk>,
    folders: &Folders,
    manifest: &Manifest,
    config: &Config,
    head: &Head,
    recent: &Recent,
    metrics: &Metrics,
) -> Result<Recovered, OpenError> {
    let folder = folders.journal.as_path();
    let numbers = journal::numbers(&**disk, folder).map_err(|error| OpenError::Io {
        what: "list",
        path: folder.to_owned(),
        error,
    })?;
    let newest = numbers.last().copied().unwrap_or_default();
    // a number is not used again, though the files that had it are gone
    let last = newest.max(manifest.last_generation);
    let (mut end, mut sequence) = (0, 0);
    // until where the generation before was durable, by what the later one says
    let mut later: Option<(u64, u64)> = None;
    let started = std::time::Instant::now();
    let mut unread = Vec::new();
    for number in numbers.into_iter().rev() {
        if manifest.sealed.contains(&number) {
            // its spans are in segments, its file is still to go
            later = None;
            continue;
        }
        let path = journal::path(folder, number);
        let generation = match journal::open(&**disk, folder, number) {
            Ok(generation) => generation,
            Err(error) => {
                mend::leave(&path, "open", &error, &metrics.damaged);
                continue;
            }
        };
        if number != newest && config.max_bytes > 0 && head.totals().file_bytes > config.max_bytes {
            // retention lets go what is older; it need not be read for that
            forget(disk, &generation);
            continue;
        }
        if number != newest && head.is_beyond(config.head_bytes(), u64::MAX) {
            unread.push(generation);
            continue;
        }
        let index = Arc::new(Index::new(Arc::new(generation)));
        let forgotten = Forgotten::read_or_none(&**disk, &folders.letters, number);
        let scan = replay(&index, &forgotten, recent, metrics);
        if number == newest {
            end = scan.end;
        }
        if let Some(error) = &scan.unreadable {
            mend::leave(&path, "read", error, &metrics.damaged);
        } else if number == newest
            && !mend::is_ruined(&scan)
            && let Err(error) = cut_tail(&index, &scan)
        {
            mend::leave(&path, "cut the tail of", &error, &metrics.damaged);
            end = scan.durable_end;
        } else if number != newest {
            give_back_zeros(&index, &scan);
        }
        let durable = later.filter(|(of, _)| *of == number).map(|(_, end)| end);
        mend::report(&index.generation, &scan, durable, &metrics.damaged);
        sequence = sequence.max(scan.sequence);
        later = scan
            .header
            .map(|h| (h.number.saturating_sub(1), h.previous_end));
        if scan.records == 0 && scan.unreadable.is_some() {
            continue;
        }
        let is_empty = scan.records == 0 && !scan.has_tail && scan.holes.is_empty();
        if is_empty || (number == newest && scan.records == 0 && !mend::is_ruined(&scan)) {
            if let Err(error) = disk.remove(&path) {
                tracing::debug!(file = %path.display(), %error, "could not remove an empty file");
            }
            continue;
        }
        if index.newest_ns() == 0 {
            index.set_newest_ns((config.clock)());
        }
        index.set_complete();
        head.push_oldest(index);
    }
    let totals = head.totals();
    if totals.generations > 0 {
        tracing::info!(
            spans = totals.spans,
            files = totals.generations,
            bytes = totals.file_bytes,
            seconds = started.elapsed().as_secs_f64(),
            "read the journal back"
        );
    }
    let limits = config.limits();
    Ok(Recovered {
        journal: Journal::new(disk.clone(), folder, limits, last, end, sequence),
        unread,
    })
}

fn forget(disk: &Arc<dyn Disk>, generation: &Generation) {
    let removed = disk.remove(&generation.path);
    tracing::info!(
        file = %generation.path.display(),
        ?removed,
        "let the oldest spans go: embedded.max-bytes leaves no room for them"
    );
}

fn replay(index: &Index, forgotten: &Forgotten, recent: &Recent, metrics: &Metrics) -> Scan {
    let path = &index.generation.path;
    let scan = journal::scan(&*index.generation.file, |visit| {
        let header = visit.header;
        let known = if header.kind == Kind::Spans as u8 {
            index
                .add(visit.payload, visit.offset, header.received_ns)
                .is_ok()
        } else if header.kind == Kind::DeadLetters as u8 {
            let count = recent.add(visit.payload, |nth| forgotten.has(&header, nth));
            index.add_dead_letters(count.unwrap_or_default(), header.received_ns);
            count.is_some()
        } else {
            header.kind == Kind::Mark as u8
        };
        if !known {
            metrics.damaged.inc();
            tracing::warn!(
                file = %path.display(),
                offset = visit.offset,
                kind = header.kind,
                "set aside a record that this version cannot read"
            );
        }
    });
    index.set_file_bytes(scan.len);
    scan
}

/// Gives back the zeros at the end of an older file. They are no spans, and must not count as room that spans take.
fn give_back_zeros(index: &Index, scan: &Scan) {
    let generation = &index.generation;
    if scan.has_tail || scan.len == scan.end {
        return;
    }
    match generation.file.set_len(scan.end) {
        Ok(()) => index.set_file_bytes(scan.end),
        Err(error) => {
            tracing::debug!(file = %generation.path.display(), %error, "could not give back room set aside");
        }
    }
}

/// See [`mend::cut_tail`].
fn cut_tail(index: &Index, scan: &Scan) -> std::io::Result<()> {
    let cut = mend::cut_tail(&index.generation, scan);
    if cut.is_ok() {
        index.set_file_bytes(scan.end);
    }
    cut
}
