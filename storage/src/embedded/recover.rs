//! A start: reads every generation back into the head, the newest first, and finds where the journal goes on.
//!
//! A torn tail of the newest file is cut (nothing in it was acknowledged); damage elsewhere is reported and the rest is served; what the
//! bounds leave no room for is not read at all, and what there is no memory for is sealed before the store is ready. One bad file never stops a start: it is reported, left where it is, and its number stays
//! taken.

use std::path::Path;
use std::sync::Arc;

use super::dead_letters::Recent;
use super::forgotten::Forgotten;
use super::head::{Head, Index};
use super::journal::{self, Generation, Hole, Journal, Kind, Scan};
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
                leave(&path, "open", &error, metrics);
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
            leave(&path, "read", error, metrics);
        } else if number == newest
            && !is_ruined(&scan)
            && let Err(error) = cut_tail(&index, &scan)
        {
            leave(&path, "cut the tail of", &error, metrics);
            end = scan.durable_end;
        } else if number != newest {
            give_back_zeros(&index, &scan);
        }
        let durable = later.filter(|(of, _)| *of == number).map(|(_, end)| end);
        report(&index.generation, &scan, durable, metrics);
        sequence = sequence.max(scan.sequence);
        later = scan
            .header
            .map(|h| (h.number.saturating_sub(1), h.previous_end));
        if scan.records == 0 && scan.unreadable.is_some() {
            continue;
        }
        let is_empty = scan.records == 0 && !scan.has_tail && scan.holes.is_empty();
        if is_empty || (number == newest && scan.records == 0 && !is_ruined(&scan)) {
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

/// Whether nothing in a file can be made out, and yet something is there. A file's header is durable before any record counts, so a creation
/// that was cut off leaves no bytes, or zeros; anything else may have held what was acknowledged.
fn is_ruined(scan: &Scan) -> bool {
    scan.header.is_none() && scan.records == 0 && scan.has_tail
}

/// Says that a file, or the rest of it, is not served, and why. It stays where it is: the disk may be mended.
fn leave(path: &Path, what: &str, error: &std::io::Error, metrics: &Metrics) {
    metrics.damaged.inc();
    tracing::warn!(
        file = %path.display(),
        %error,
        "could not {what} a journal file: it is left where it is, the rest is served"
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

/// Cuts what follows the last whole record, and makes sure that what is served is durable: a killed process may have written without
/// a sync.
fn cut_tail(index: &Index, scan: &Scan) -> std::io::Result<()> {
    let generation = &index.generation;
    if scan.has_tail {
        tracing::info!(
            file = %generation.path.display(),
            offset = scan.end,
            bytes = scan.len - scan.end,
            "cut a torn tail, which was never acknowledged"
        );
    }
    if scan.len > scan.end {
        generation.file.set_len(scan.end)?;
    }
    index.set_file_bytes(scan.end);
    generation.file.sync()
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

/// Says where records are missing that were there once.
fn report(generation: &Generation, scan: &Scan, durable: Option<u64>, metrics: &Metrics) {
    let durable = durable.unwrap_or_default().max(scan.durable_end);
    let lost_end = (durable > scan.end && scan.unreadable.is_none()).then(|| Hole {
        offset: scan.end,
        len: durable - scan.end,
    });
    let path = generation.path.display();
    if is_ruined(scan) {
        tracing::error!(
            file = %path,
            bytes = scan.len,
            "set aside a damaged file: neither its header nor a record in it can be made out"
        );
        metrics.damaged.inc();
        return;
    }
    if scan.header.is_none() && scan.records > 0 {
        tracing::warn!(file = %path, "the file's header is damaged, its records are read all the same");
        metrics.damaged.inc();
    }
    for hole in scan.holes.iter().chain(&lost_end) {
        if hole.offset < durable {
            metrics.damaged.inc();
            tracing::error!(
                file = %path,
                offset = hole.offset,
                bytes = hole.len,
                "set aside damaged records, the rest is served"
            );
        } else {
            tracing::info!(
                file = %path,
                offset = hole.offset,
                bytes = hole.len,
                "stepped over a torn write, which was never acknowledged"
            );
        }
    }
}
