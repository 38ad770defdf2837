//! A look at a store's folder from outside: nothing in it is changed, no lock is taken, and a running Spoor may work in it meanwhile.
//!
//! In: a folder. Out: what is in it ([`Inspection::report`]), whether all of it is as it was written ([`verify()`]), and its traces
//! ([`Inspection::traces`]). An inspection is of one moment: every file is opened before anything is read, and again when the manifest
//! changed meanwhile, so what is sealed, merged or let go later is still read as it was.
//!
//! Deliberately absent: mending. A start does that.

mod letters;
mod report;
mod traces;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Instance;

use super::dead_letters::Recent;
use super::forgotten::{self, Forgotten};
use super::head::{Index, Snapshot, Source};
use super::journal::{self, Generation, Kind, Scan};
use super::keeper::Folders;
use super::manifest::{self, Found, Manifest};
use super::segment::{self, Cache, Segment};
use super::{OpenError, RecentDeadLetter};
use super::{archive, format};
use crate::disk::{Disk, ReadOnly};

pub use letters::Letters;
pub use report::{GenerationReport, InstanceReport, LettersReport, Report, SegmentReport};
pub use traces::{Chunk, Selection, Traces};
pub use verify::{Progress, Verified, verify};

/// Bytes of memory for blocks that were read lately: indexes over traces are read again and again.
const CACHE_BYTES: usize = 128 << 20;
/// How often opening begins again when the manifest changed meanwhile. Then it is taken as it is.
const TRIES: usize = 50;

/// What is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// In which file.
    pub file: PathBuf,
    /// Where in it, in bytes; `None`: all of it.
    pub offset: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// A file that is of no store yet, or of none any more, or that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherFile {
    /// The file.
    pub file: PathBuf,
    /// Bytes on disk.
    pub bytes: u64,
}

/// A store that is looked at.
pub struct Inspection {
    directory: PathBuf,
    has_format: bool,
    archive: Option<PathBuf>,
    has_manifest: bool,
    /// The oldest first.
    segments: Vec<Arc<Segment>>,
    /// The oldest first.
    generations: Vec<ReadBack>,
    letters: Vec<LettersReport>,
    recent: Vec<RecentDeadLetter>,
    leftovers: Vec<OtherFile>,
    set_aside: Vec<OtherFile>,
    damage: Vec<Damage>,
}

/// A generation of the journal that is not sealed, with its index.
struct ReadBack {
    index: Arc<Index>,
    scan: Scan,
}

/// A store's folder, opened to be looked at.
struct Looked {
    disk: ReadOnly,
    folders: Folders,
    has_format: bool,
    files: Files,
}

/// Every file of a store, opened, as the manifest says.
struct Files {
    has_manifest: bool,
    segments: Vec<Arc<Segment>>,
    /// The oldest first.
    generations: Vec<Generation>,
    letters: Vec<Generation>,
    leftovers: Vec<PathBuf>,
    damage: Vec<Damage>,
}

// === impl Damage ===

impl Damage {
    fn new(file: &Path, offset: Option<u64>, what: impl std::fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            offset,
            what: what.to_string(),
        }
    }
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, offset, what } = self;
        match offset {
            Some(offset) => write!(f, "{} at byte {offset}: {what}", file.display()),
            None => write!(f, "{}: {what}", file.display()),
        }
    }
}

// === impl Inspection ===

impl Inspection {
    /// Opens the store in `directory` to be looked at. Reads what is not sealed yet into memory, and of segments what is in them.
    pub fn open(directory: &Path, disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let Looked {
            disk,
            folders,
            has_format,
            files,
        } = look(directory, disk)?;
        let mut damage = files.damage;
        let recent = Recent::default();
        let letters = files
            .letters
            .iter()
            .map(|generation| {
                let forgotten = forgotten(&disk, &folders, generation.number, &mut damage);
                letters(generation, &forgotten, &recent, &mut damage)
            })
            .collect();
        let generations = files
            .generations
            .into_iter()
            .map(|generation| {
                let forgotten = forgotten(&disk, &folders, generation.number, &mut damage);
                read_back(generation, &forgotten, &recent, &mut damage)
            })
            .collect::<Vec<_>>();
        damage.extend(journal_damage(generations.iter().map(|g| {
            let Generation { number, path, .. } = &*g.index.generation;
            (*number, path.as_path(), &g.scan)
        })));
        Ok(Self {
            directory: directory.to_owned(),
            has_format,
            archive: archive(&disk, directory),
            has_manifest: files.has_manifest,
            segments: files.segments,
            generations,
            letters,
            recent: recent.list(),
            leftovers: files
                .leftovers
                .into_iter()
                .map(|f| other(&disk, f))
                .collect(),
            set_aside: set_aside(&disk, &folders),
            damage,
        })
    }

    /// Whose spans are in it, in order.
    pub fn instances(&self) -> Vec<Instance> {
        let sealed = self.segments.iter().map(|s| s.summary.instance.clone());
        let open = self.generations.iter().flat_map(|g| g.index.parts());
        let all: BTreeSet<_> = sealed.chain(open.map(|(i, _)| i)).collect();
        all.into_iter().collect()
    }

    /// The traces of `instance` that `selection` wants.
    pub fn traces(&self, instance: &Instance, selection: Selection) -> Traces {
        let sealed = self
            .segments
            .iter()
            .filter(|s| s.summary.instance == *instance)
            .map(|s| Source::Sealed(s.clone()));
        let open = self.generations.iter().flat_map(|g| {
            let parts = g.index.parts().into_iter();
            parts
                .filter(|(of, _)| of == instance)
                .map(|(_, part)| Source::Open {
                    index: g.index.clone(),
                    part,
                })
        });
        let snapshot: Snapshot = sealed.chain(open).collect();
        Traces::new(snapshot, selection)
    }

    /// What is damaged, as far as opening showed it.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }
}

// === impl Files ===

impl Files {
    /// Opens everything that counts. Begins again while the manifest changes.
    fn open(disk: &dyn Disk, folders: &Folders) -> io::Result<Self> {
        let mut before = manifest::read(disk, &folders.data).ok();
        for _ in 0..TRIES {
            let files = Self::of(disk, folders, before.as_ref())?;
            let after = manifest::read(disk, &folders.data).ok();
            if after == before {
                return Ok(files);
            }
            before = after;
        }
        Self::of(disk, folders, before.as_ref())
    }

    fn of(disk: &dyn Disk, folders: &Folders, found: Option<&Found>) -> io::Result<Self> {
        let cache = Cache::new(CACHE_BYTES);
        let there: BTreeSet<u64> = list(disk, &folders.segments)?
            .iter()
            .filter_map(|n| segment::number(n))
            .collect();
        let numbers: BTreeSet<u64> = generations(disk, &folders.journal)?;
        let mut damage = Vec::new();
        let (known, wanted) = match found {
            Some(Found::Whole(manifest)) => (Some(manifest.clone()), manifest.segments.clone()),
            Some(Found::Nothing) if there.is_empty() => (Some(Manifest::default()), there.clone()),
            other => {
                let what = match other {
                    Some(Found::Nothing) => "it is missing: segments say what counts",
                    _ => "its checksum does not match: segments say what counts",
                };
                damage.push(Damage::new(&manifest::path(&folders.data), None, what));
                (None, there.clone())
            }
        };
        let has_manifest = known.is_some() && !matches!(found, Some(Found::Nothing));
        let mut segments = BTreeMap::new();
        for number in wanted {
            let path = folders.segments.join(segment::name(number));
            match Segment::open(disk, &path, number, cache.clone()) {
                Ok(segment) => drop(segments.insert(number, Arc::new(segment))),
                Err(error) => damage.push(segment_damage(disk, &path, &error)),
            }
        }
        let summaries = segments.iter().map(|(n, s)| (*n, &s.summary));
        let manifest = known.unwrap_or_else(|| manifest::rebuild(summaries, &numbers));
        segments.retain(|n, _| manifest.segments.contains(n));
        let mut segments: Vec<_> = segments.into_values().collect();
        segments.sort_by_key(|s| (s.summary.generations.0, s.number));
        let unknown = there.difference(&manifest.segments);
        let sealed = numbers.intersection(&manifest.sealed);
        let leftovers = unknown
            .map(|n| folders.segments.join(segment::name(*n)))
            .chain(sealed.map(|n| journal::path(&folders.journal, *n)))
            .collect();
        let mut files = Self {
            has_manifest,
            segments,
            generations: Vec::new(),
            letters: Vec::new(),
            leftovers,
            damage,
        };
        let open: BTreeSet<u64> = numbers.difference(&manifest.sealed).copied().collect();
        // those of a generation that is not sealed are in its file
        let letters: BTreeSet<u64> = generations(disk, &folders.letters)?
            .difference(&open)
            .copied()
            .collect();
        files.generations = open_all(disk, &folders.journal, &open, &mut files.damage);
        files.letters = open_all(disk, &folders.letters, &letters, &mut files.damage);
        Ok(files)
    }
}

/// Opens the store in `directory` in a way that can change nothing.
fn look(directory: &Path, disk: Arc<dyn Disk>) -> Result<Looked, OpenError> {
    let disk = ReadOnly::over(disk);
    let has_format = format::look(&disk, directory)?;
    let folders = Folders::of(directory);
    let files = Files::open(&disk, &folders).map_err(|error| OpenError::Io {
        what: "read",
        path: directory.to_owned(),
        error,
    })?;
    Ok(Looked {
        disk,
        folders,
        has_format,
        files,
    })
}

fn open_all(
    disk: &dyn Disk,
    folder: &Path,
    numbers: &BTreeSet<u64>,
    damage: &mut Vec<Damage>,
) -> Vec<Generation> {
    let mut opened = Vec::new();
    for number in numbers {
        match journal::open(disk, folder, *number) {
            Ok(generation) => opened.push(generation),
            // it was sealed or let go just now
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => damage.push(Damage::new(&journal::path(folder, *number), None, error)),
        }
    }
    opened
}

/// The names in a folder, none when there is no such folder.
fn list(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<String>> {
    match disk.list(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        found => found,
    }
}

fn generations(disk: &dyn Disk, folder: &Path) -> io::Result<BTreeSet<u64>> {
    match journal::numbers(disk, folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        found => Ok(found?.into_iter().collect()),
    }
}

fn segment_damage(disk: &dyn Disk, path: &Path, error: &io::Error) -> Damage {
    if error.kind() == io::ErrorKind::NotFound {
        return Damage::new(path, None, "it is missing, and the manifest names it");
    }
    let offset = disk.open(path).map(|f| segment::place_of_damage(&*f));
    Damage::new(path, offset.ok(), error)
}

fn other(disk: &dyn Disk, file: PathBuf) -> OtherFile {
    let bytes = disk.open(&file).and_then(|f| f.len()).unwrap_or_default();
    OtherFile { file, bytes }
}

fn archive(disk: &dyn Disk, directory: &Path) -> Option<PathBuf> {
    let folder = directory.join(archive::FOLDER);
    format::look(disk, &folder).is_ok().then_some(folder)
}

fn set_aside(disk: &dyn Disk, folders: &Folders) -> Vec<OtherFile> {
    let mut names = list(disk, &folders.damaged).unwrap_or_default();
    names.sort_unstable();
    let files = names.into_iter().map(|n| folders.damaged.join(n));
    files.map(|file| other(disk, file)).collect()
}

/// Which letters of a generation were forgotten.
fn forgotten(
    disk: &dyn Disk,
    folders: &Folders,
    generation: u64,
    damage: &mut Vec<Damage>,
) -> Forgotten {
    Forgotten::read(disk, &folders.letters, generation).unwrap_or_else(|error| {
        let file = forgotten::path(&folders.letters, generation);
        damage.push(Damage::new(&file, None, error));
        Forgotten::default()
    })
}

/// Reads a generation into an index.
fn read_back(
    generation: Generation,
    forgotten: &Forgotten,
    recent: &Recent,
    damage: &mut Vec<Damage>,
) -> ReadBack {
    let index = Arc::new(Index::new(Arc::new(generation)));
    let path = &index.generation.path;
    let scan = journal::scan(&*index.generation.file, |visit| {
        let header = visit.header;
        let known = if header.kind == Kind::Spans as u8 {
            let added = index.add(visit.payload, visit.offset, header.received_ns);
            added.is_ok()
        } else if header.kind == Kind::DeadLetters as u8 {
            let count = recent.add(visit.payload, |nth| forgotten.has(&header, nth));
            index.add_dead_letters(count.unwrap_or_default(), header.received_ns);
            count.is_some()
        } else {
            header.kind == Kind::Mark as u8
        };
        if !known {
            damage.push(Damage::new(path, Some(visit.offset), UNKNOWN));
        }
    });
    index.set_file_bytes(scan.len);
    ReadBack { index, scan }
}

const UNKNOWN: &str = "record is whole, and not as this version writes it";

/// Counts the letters of a sealed generation.
fn letters(
    generation: &Generation,
    forgotten: &Forgotten,
    recent: &Recent,
    damage: &mut Vec<Damage>,
) -> LettersReport {
    let path = &generation.path;
    let mut count = 0;
    let scan = journal::scan(&*generation.file, |visit| {
        if visit.header.kind == Kind::DeadLetters as u8 {
            match recent.add(visit.payload, |nth| forgotten.has(&visit.header, nth)) {
                Some(letters) => count += letters,
                None => damage.push(Damage::new(path, Some(visit.offset), UNKNOWN)),
            }
        }
    });
    damage.extend(letters_damage(path, &scan));
    LettersReport {
        file: path.clone(),
        bytes: scan.len,
        dead_letters: count,
    }
}

/// What a scan shows of a file that was durable as a whole.
fn letters_damage(path: &Path, scan: &Scan) -> Vec<Damage> {
    let mut found: Vec<_> = scan
        .holes
        .iter()
        .map(|h| hole(path, h.offset, h.len))
        .collect();
    if let Some(error) = &scan.unreadable {
        found.push(Damage::new(path, Some(scan.end), error));
    } else if scan.header.is_none() {
        found.push(Damage::new(path, Some(0), "the file's header is damaged"));
    } else if scan.has_tail {
        found.push(hole(path, scan.end, scan.len.saturating_sub(scan.end)));
    }
    found
}

fn hole(path: &Path, offset: u64, len: u64) -> Damage {
    Damage::new(
        path,
        Some(offset),
        format!("{len} bytes hold no whole record"),
    )
}

/// What scans of unsealed generations, the oldest first, show of what was durable once. A torn write, which nobody was told of, is no
/// damage.
fn journal_damage<'a>(
    scans: impl DoubleEndedIterator<Item = (u64, &'a Path, &'a Scan)>,
) -> Vec<Damage> {
    let mut found = Vec::new();
    // until where the generation before was durable, by what the later one says
    let mut later: Option<(u64, u64)> = None;
    for (number, path, scan) in scans.rev() {
        let said = later.filter(|(of, _)| *of == number).map(|(_, end)| end);
        let durable = said.unwrap_or_default().max(scan.durable_end);
        later = scan
            .header
            .map(|h| (h.number.saturating_sub(1), h.previous_end));
        if let Some(error) = &scan.unreadable {
            found.push(Damage::new(path, Some(scan.end), error));
        } else if scan.header.is_none() && (scan.records > 0 || scan.has_tail) {
            found.push(Damage::new(path, Some(0), "the file's header is damaged"));
        }
        let holes = scan.holes.iter().filter(|h| h.offset < durable);
        found.extend(holes.map(|h| hole(path, h.offset, h.len)));
        if durable > scan.end && scan.unreadable.is_none() {
            found.push(hole(path, scan.end, durable - scan.end));
        }
    }
    found.reverse();
    found
}
