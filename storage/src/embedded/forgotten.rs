//! Dead letters that were let go of one by one, such as those that were sent again and stored: a list beside the file that has them.
//!
//! In: ids of letters of one generation. Out: a small file that names them. Letters themselves are never written again: they go with their file, by age. A letter is known by
//! when its record was taken in, by that record's checksum and by its place in it, which stay what they are when its generation is sealed and the record lies in another file.
//!
//! It is text, as the manifest is, put in place of the old one as a whole. One that is damaged forgets nothing: what was stored is then shown and stored again, and is one span all the same.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::journal::{self, Header};
use crate::disk::{self, Disk};
use crate::summed;

/// A file's name while it is written.
const NEW: &str = "forgotten.new";
const TITLE: &str = "spoor forgotten\nversion 1\n";
/// A longer one is none.
const MAX_BYTES: u64 = 256 << 20;

/// What a letter is known by within its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Letter {
    received_ns: u64,
    checksum: u64,
    /// Its place in the record.
    nth: u64,
}

/// The forgotten letters of one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forgotten(BTreeSet<Letter>);

/// Where the list of a generation stands, in the folder of dead letters.
pub(super) fn path(folder: &Path, generation: u64) -> PathBuf {
    journal::path(folder, generation).with_extension("forgotten")
}

/// Removes the lists of generations that are gone.
pub(super) fn sweep(
    disk: &dyn Disk,
    folder: &Path,
    is_there: impl Fn(u64) -> bool,
) -> io::Result<()> {
    for name in disk.list(folder)? {
        let path = folder.join(&name);
        let of = name.strip_suffix(".forgotten");
        let of = of.and_then(|digits| digits.parse().ok());
        if of.is_some_and(|generation| !is_there(generation))
            && let Err(error) = disk.remove(&path)
        {
            tracing::debug!(file = %path.display(), %error, "could not remove a file yet");
        }
    }
    Ok(())
}

// === impl Letter ===

impl Letter {
    pub(super) fn new(header: &Header, nth: u64) -> Self {
        Self {
            received_ns: header.received_ns,
            checksum: header.checksum,
            nth,
        }
    }

    /// What it is called outside.
    pub(super) fn id(self, generation: u64) -> String {
        let Self {
            received_ns,
            checksum,
            nth,
        } = self;
        format!("{generation}-{received_ns}-{checksum:016x}-{nth}")
    }

    /// Its generation, and what it is known by there; none: it is no id of ours.
    pub(super) fn parse(id: &str) -> Option<(u64, Self)> {
        let (generation, rest) = id.split_once('-')?;
        Some((generation.parse().ok()?, Self::of_words(rest.split('-'))?))
    }

    fn of_words<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let letter = Self {
            received_ns: words.next()?.parse().ok()?,
            checksum: u64::from_str_radix(words.next()?, 16).ok()?,
            nth: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some(letter)
    }
}

// === impl Forgotten ===

impl Forgotten {
    /// Those of a generation, none when there is no list.
    ///
    /// # Errors
    /// `InvalidData` when the list is damaged, else the disk's.
    pub(super) fn read(disk: &dyn Disk, folder: &Path, generation: u64) -> io::Result<Self> {
        let file = match disk.open(&path(folder, generation)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its checksum does not match");
        let len = file.len()?;
        if len > MAX_BYTES {
            return Err(damaged());
        }
        let mut bytes = vec![0; len as usize];
        disk::read_exact_at(&*file, &mut bytes, 0)?;
        let text = std::str::from_utf8(&bytes).ok();
        text.and_then(Self::parse).ok_or_else(damaged)
    }

    /// The same for a start, which nothing keeps from starting.
    pub(super) fn read_or_none(disk: &dyn Disk, folder: &Path, generation: u64) -> Self {
        Self::read(disk, folder, generation).unwrap_or_else(|error| {
            let file = path(folder, generation);
            tracing::warn!(file = %file.display(), %error, "the list of dead letters that were forgotten cannot be read: they are there again");
            Self::default()
        })
    }

    pub(super) fn has(&self, header: &Header, nth: u64) -> bool {
        self.0.contains(&Letter::new(header, nth))
    }

    pub(super) fn extend(&mut self, letters: impl IntoIterator<Item = Letter>) {
        self.0.extend(letters);
    }

    /// Makes it the list of a generation. `Ok` once that is durable.
    pub(super) fn write(&self, disk: &dyn Disk, folder: &Path, generation: u64) -> io::Result<()> {
        let name = path(folder, generation);
        let name = name.file_name().unwrap_or_default().to_string_lossy();
        disk::replace(disk, folder, NEW, &name, self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = TITLE.to_owned();
        for letter in &self.0 {
            let Letter {
                received_ns,
                checksum,
                nth,
            } = letter;
            text.push_str(&format!("letter {received_ns} {checksum:016x} {nth}\n"));
        }
        summed::seal(text)
    }

    fn parse(text: &str) -> Option<Self> {
        let letter = |line: &str| Letter::of_words(line.strip_prefix("letter ")?.split(' '));
        let letters = summed::open(text)?.strip_prefix(TITLE)?.lines().map(letter);
        letters.collect::<Option<_>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;

    fn letter(nth: u64) -> Letter {
        Letter {
            received_ns: 1_795_420_469_123_456_789,
            checksum: 0xab << 48 | nth,
            nth,
        }
    }

    fn forgotten(count: u64) -> Forgotten {
        Forgotten((0..count).map(letter).collect())
    }

    #[test]
    fn it_reads_back_and_any_damage_shows() {
        let text = forgotten(3).text();
        assert_eq!(Forgotten::parse(&text), Some(forgotten(3)));
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let text = String::from_utf8(bytes).ok();
            let parsed = text.and_then(|text| Forgotten::parse(&text));
            // letters of either case are the same checksum
            assert!(parsed.is_none_or(|f| f == forgotten(3)), "bit {bit}");
        }
        for len in 0..text.len() {
            assert_eq!(Forgotten::parse(&text[..len]), None);
        }
    }

    #[test]
    fn an_id_leads_back_to_its_letter() {
        let letter = letter(4);
        assert_eq!(Letter::parse(&letter.id(12)), Some((12, letter)));
        for id in ["", "1", "1-2-3", "1-2-3-4-5", "x-2-3-4", "1-2-g-4"] {
            assert_eq!(Letter::parse(id), None, "{id}");
        }
    }

    #[test]
    fn a_power_cut_leaves_the_old_list_or_the_new_one() {
        let folder = Path::new("/letters");
        for seed in 0..200 {
            let disk = SimulatedDisk::new(seed);
            disk.create_folder(folder).unwrap();
            forgotten(1).write(&disk, folder, 7).unwrap();
            disk.lose_power_after(1 + seed % 6);
            drop(forgotten(5).write(&disk, folder, 7));
            let found = Forgotten::read(&disk.reboot(), folder, 7).unwrap();
            let either = [1, 5].map(forgotten);
            assert!(either.contains(&found), "seed {seed}: {found:?}");
        }
    }

    #[test]
    fn lists_of_generations_that_are_gone_are_swept() {
        let (disk, folder) = (SimulatedDisk::new(1), Path::new("/letters"));
        disk.create_folder(folder).unwrap();
        for generation in [3, 4] {
            forgotten(1).write(&disk, folder, generation).unwrap();
        }
        sweep(&disk, folder, |generation| generation == 4).unwrap();
        assert_eq!(disk.list(folder).unwrap(), ["0000000004.forgotten"]);
        assert_eq!(Forgotten::read(&disk, folder, 3).unwrap(), forgotten(0));
    }
}
