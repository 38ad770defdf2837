//! What a start finds beside the journal: the manifest, segments, dead letters of sealed generations.
//!
//! In: a data folder. Out: what counts, opened; files that nobody knows are removed, damaged ones set aside, and none of it stops a start.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Disk;
use crate::embedded::dead_letters::Recent;
use crate::embedded::forgotten::{self, Forgotten};
use crate::embedded::head::{Head, Letters};
use crate::embedded::journal::{self, Kind};
use crate::embedded::manifest::{self, Found, Manifest};
use crate::embedded::metrics::Metrics;
use crate::embedded::segment::{self, Cache, Segment};

/// Files that were set aside are kept, so many of them.
const SET_ASIDE: usize = 16;

/// The folders of a store.
#[derive(Clone, Debug)]
pub(in crate::embedded) struct Folders {
    pub(in crate::embedded) data: PathBuf,
    pub(in crate::embedded) journal: PathBuf,
    pub(in crate::embedded) segments: PathBuf,
    /// Dead letters of sealed generations.
    pub(in crate::embedded) letters: PathBuf,
    /// What is damaged.
    pub(in crate::embedded) damaged: PathBuf,
}

/// What counts.
pub(in crate::embedded) struct Restored {
    pub(in crate::embedded) manifest: Manifest,
    /// Whether it has to be written: it is not what stands on disk.
    pub(in crate::embedded) changed: bool,
}

/// Opens what the manifest says, into `head`.
pub(in crate::embedded) fn restore(
    disk: &dyn Disk,
    folders: &Folders,
    cache: &Cache,
    head: &Head,
    recent: &Recent,
    metrics: &Metrics,
) -> io::Result<Restored> {
    let found = manifest::read(disk, &folders.data);
    // a folder without one has never been sealed in, as long as there is no segment: from now on it has one
    let new = matches!(found, Ok(Found::Nothing));
    let there: BTreeSet<u64> = disk
        .list(&folders.segments)?
        .iter()
        .filter_map(|n| segment::number(n))
        .collect();
    let generations: BTreeSet<u64> = journal::numbers(disk, &folders.journal)?
        .into_iter()
        .collect();
    let (wanted, manifest) = match found {
        Ok(Found::Whole(manifest)) => (manifest.segments.clone(), Some(manifest)),
        Ok(Found::Nothing) if there.is_empty() => (BTreeSet::new(), Some(Manifest::default())),
        other => {
            metrics.damaged.inc();
            tracing::error!(
                file = %manifest::path(&folders.data).display(),
                found = ?other.map(drop),
                "the manifest is missing or damaged: it is made anew from the segments that are there"
            );
            (there.clone(), None)
        }
    };
    let mut segments = Vec::new();
    // what cannot be read now may be readable later, and keeps its place
    let mut kept = BTreeSet::new();
    for number in wanted {
        let path = folders.segments.join(segment::name(number));
        match Segment::open(disk, &path, number, cache.clone()) {
            Ok(segment) => segments.push(Arc::new(segment)),
            Err(error) => {
                metrics.damaged.inc();
                tracing::error!(file = %path.display(), %error, "a segment cannot be read, the rest is served");
                match error.kind() {
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                        folders.set_aside(disk, &path);
                    }
                    io::ErrorKind::NotFound => {}
                    _ => drop(kept.insert(number)),
                }
            }
        }
    }
    let (mut manifest, mut changed) = match manifest {
        Some(manifest) => (manifest, new),
        None => {
            let summaries = segments.iter().map(|s| (s.number, &s.summary));
            (manifest::rebuild(summaries, &generations), true)
        }
    };
    segments.retain(|s| manifest.segments.contains(&s.number));
    let numbers: BTreeSet<u64> = segments.iter().map(|s| s.number).chain(kept).collect();
    changed |= numbers != manifest.segments;
    manifest.segments = numbers;
    let next = there.last().map_or(1, |n| n + 1);
    manifest.next_segment = manifest.next_segment.max(next);
    for number in there.difference(&manifest.segments) {
        drop(disk.remove(&folders.segments.join(segment::name(*number))));
    }
    manifest.sealed.retain(|n| generations.contains(n));
    for number in &manifest.sealed {
        let path = journal::path(&folders.journal, *number);
        if let Err(error) = disk.remove(&path) {
            tracing::debug!(file = %path.display(), %error, "could not remove a sealed file yet");
        }
    }
    head.replace(&[], &segments);
    read_letters(
        disk,
        folders,
        &manifest,
        &generations,
        head,
        recent,
        metrics,
    )?;
    Ok(Restored { manifest, changed })
}

fn read_letters(
    disk: &dyn Disk,
    folders: &Folders,
    manifest: &Manifest,
    generations: &BTreeSet<u64>,
    head: &Head,
    recent: &Recent,
    metrics: &Metrics,
) -> io::Result<()> {
    let numbers = journal::numbers(disk, &folders.letters)?;
    forgotten::sweep(disk, &folders.letters, |number| {
        generations.contains(&number) || numbers.contains(&number)
    })?;
    for number in numbers {
        let path = journal::path(&folders.letters, number);
        if generations.contains(&number) && !manifest.sealed.contains(&number) {
            // a sealing that did not end: the generation has them still
            drop(disk.remove(&path));
            continue;
        }
        let generation = match journal::open(disk, &folders.letters, number) {
            Ok(generation) => generation,
            Err(error) => {
                metrics.damaged.inc();
                tracing::error!(file = %path.display(), %error, "dead letters cannot be read");
                continue;
            }
        };
        let forgotten = Forgotten::read_or_none(disk, &folders.letters, number);
        let (mut count, mut newest_ns) = (0, 0);
        let scan = journal::scan(&*generation.file, |visit| {
            if visit.header.kind == Kind::DeadLetters as u8 {
                let added = recent.add(visit.payload, |nth| forgotten.has(&visit.header, nth));
                count += added.unwrap_or_default();
                newest_ns = newest_ns.max(visit.header.received_ns);
            }
        });
        if !scan.holes.is_empty() || scan.has_tail || scan.unreadable.is_some() {
            metrics.damaged.inc();
            tracing::error!(file = %path.display(), "some dead letters are damaged, the rest is kept");
        }
        let letters = Letters {
            generation: Arc::new(generation),
            count,
            file_bytes: scan.len,
            newest_ns,
        };
        head.seal(0, &[], Some(letters));
    }
    Ok(())
}

// === impl Folders ===

impl Folders {
    /// Of the store in this folder.
    pub(in crate::embedded) fn of(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            journal: data.join("journal"),
            segments: data.join("segments"),
            letters: data.join("dead-letters"),
            damaged: data.join("damaged"),
        }
    }

    /// Moves a damaged file to where it is in nobody's way. Only the last few are kept.
    pub(in crate::embedded) fn set_aside(&self, disk: &dyn Disk, path: &Path) {
        let Some(name) = path.file_name() else {
            return;
        };
        let to = self.damaged.join(name);
        let moved = disk
            .create_folder(&self.damaged)
            .and_then(|()| disk.rename(path, &to))
            .and_then(|()| disk.sync_folder(&self.damaged));
        match moved {
            Ok(()) => tracing::warn!(file = %to.display(), "a damaged file was set aside"),
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "could not set a damaged file aside");
            }
        }
        let mut names = disk.list(&self.damaged).unwrap_or_default();
        names.sort_unstable();
        let excess = names.len().saturating_sub(SET_ASIDE);
        for name in names.into_iter().take(excess) {
            drop(disk.remove(&self.damaged.join(name)));
        }
    }
}
