//! The manifest: which segments count, and which generations of the journal they stand for.
//!
//! In: changes. Out: a file that says all of the old state or all of the new, whatever happens in between. It is text: a title, a version,
//! a line for each fact, a checksum (xxh3 of all lines before it), written under another name and renamed.
//!
//! When it is lost, the segments that are there say the same themselves: see [`rebuild`].

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::segment::Summary;
use crate::disk::{self, Disk};
use crate::summed;

/// Its name: not that of Badger's, whose folders are refused.
pub(super) const NAME: &str = "MANIFEST.spoor";
/// Its name while it is written.
pub(super) const NEW: &str = "MANIFEST.new";
const TITLE: &str = "spoor manifest\nversion 1\n";
/// A longer one is none.
const MAX_BYTES: u64 = 64 << 20;

/// What is sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The number of the next segment. Numbers are not used twice.
    pub(super) next_segment: u64,
    /// The last generation that was sealed: later ones have greater numbers, whatever became of the files.
    pub(super) last_generation: u64,
    /// The segments that count.
    pub(super) segments: BTreeSet<u64>,
    /// Generations whose spans stand in segments, and whose files are still to be removed.
    pub(super) sealed: BTreeSet<u64>,
}

/// What a start found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There is none, as in a new folder.
    Nothing,
    /// It cannot be made out.
    Damaged,
    /// It is whole.
    Whole(Manifest),
}

/// Where the manifest of a data folder stands.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// Reads the manifest of a data folder.
pub(super) fn read(disk: &dyn Disk, folder: &Path) -> io::Result<Found> {
    let file = match disk.open(&path(folder)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let len = file.len()?;
    if len > MAX_BYTES {
        return Ok(Found::Damaged);
    }
    let mut bytes = vec![0; len as usize];
    // what the disk cannot give back is as good as damaged
    let read = disk::read_exact_at(&*file, &mut bytes, 0).ok();
    let manifest = read.and_then(|()| Manifest::parse(std::str::from_utf8(&bytes).ok()?));
    Ok(manifest.map_or(Found::Damaged, Found::Whole))
}

/// What a lost manifest said, from the segments that are whole and the generations whose files are there.
///
/// A segment that took the place of others replaces them. One made of a single generation whose file is still there may be part of a
/// sealing that did not end, so it goes and the generation is sealed again.
pub(super) fn rebuild<'a>(
    segments: impl Iterator<Item = (u64, &'a Summary)>,
    generations: &BTreeSet<u64>,
) -> Manifest {
    let mut manifest = Manifest {
        next_segment: 1,
        ..Manifest::default()
    };
    let mut replaced: BTreeSet<u64> = BTreeSet::new();
    let mut alone = Vec::new();
    for (number, summary) in segments {
        manifest.next_segment = manifest.next_segment.max(number + 1);
        let (first, last) = summary.generations;
        manifest.last_generation = manifest.last_generation.max(last);
        if summary.replaces.is_empty() && first == last {
            alone.push((number, first));
            continue;
        }
        manifest.segments.insert(number);
        if !summary.replaces.is_empty() {
            replaced.extend(&summary.replaces);
            manifest.sealed.extend(generations.range(first..=last));
        }
    }
    for (number, generation) in alone {
        // what was merged of another instance says that this sealing ended, and its generation will go
        if !generations.contains(&generation) || manifest.sealed.contains(&generation) {
            manifest.segments.insert(number);
        }
    }
    manifest.segments.retain(|n| !replaced.contains(n));
    manifest
}

// === impl Manifest ===

impl Manifest {
    /// Makes it what counts, in place of the one before.
    pub(super) fn write(&self, disk: &dyn Disk, folder: &Path) -> io::Result<()> {
        disk::replace(disk, folder, NEW, NAME, self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = TITLE.to_owned();
        let mut line = |what: &str, number: u64| text.push_str(&format!("{what} {number}\n"));
        line("next-segment", self.next_segment);
        line("last-generation", self.last_generation);
        self.segments.iter().for_each(|n| line("segment", *n));
        self.sealed.iter().for_each(|n| line("sealed", *n));
        summed::seal(text)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut manifest = Self::default();
        for line in summed::open(text)?.strip_prefix(TITLE)?.lines() {
            let (what, number) = line.split_once(' ')?;
            let number = number.parse().ok()?;
            match what {
                "next-segment" => manifest.next_segment = number,
                "last-generation" => manifest.last_generation = number,
                "segment" => drop(manifest.segments.insert(number)),
                "sealed" => drop(manifest.sealed.insert(number)),
                _ => return None,
            }
        }
        Some(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;

    fn manifest() -> Manifest {
        Manifest {
            next_segment: 9,
            last_generation: 14,
            segments: [3, 8].into(),
            sealed: [12].into(),
        }
    }

    #[test]
    fn it_reads_back_and_any_damage_shows() {
        let text = manifest().text();
        assert_eq!(Manifest::parse(&text), Some(manifest()));
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let parsed = String::from_utf8(bytes)
                .ok()
                .and_then(|t| Manifest::parse(&t));
            // letters of either case are the same checksum
            assert!(parsed.is_none_or(|m| m == manifest()), "bit {bit}");
        }
        for len in 0..text.len() {
            assert_eq!(Manifest::parse(&text[..len]), None);
        }
    }

    #[test]
    fn a_power_cut_leaves_the_old_or_the_new_one() {
        for seed in 0..200 {
            let disk = SimulatedDisk::new(seed);
            let folder = Path::new("/data");
            disk.create_folder(folder).unwrap();
            Manifest::default().write(&disk, folder).unwrap();
            disk.lose_power_after(1 + seed % 6);
            drop(manifest().write(&disk, folder));
            let found = read(&disk.reboot(), folder).unwrap();
            let either = [Manifest::default(), manifest()].map(Found::Whole);
            assert!(either.contains(&found), "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn what_segments_say_takes_the_place_of_a_lost_one() {
        let summary = |generations, replaces: &[u64]| Summary {
            generations,
            replaces: replaces.to_vec(),
            ..Summary::default()
        };
        let segments = [
            (1, summary((1, 1), &[])),
            (2, summary((2, 2), &[])),
            (3, summary((3, 3), &[])),
            (4, summary((4, 4), &[])),
            (5, summary((1, 2), &[1, 2])),
            // of another instance
            (6, summary((2, 2), &[])),
        ];
        let segments = segments.iter().map(|(n, s)| (*n, s));
        let rebuilt = rebuild(segments, &[2, 4, 6].into());
        assert_eq!(
            rebuilt,
            Manifest {
                next_segment: 7,
                last_generation: 4,
                segments: [3, 5, 6].into(),
                sealed: [2].into(),
            }
        );
    }
}
