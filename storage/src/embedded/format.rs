//! The data folder: `FORMAT` says who wrote it, `LOCK` who works in it, `journal/` and `segments/` have the spans, `MANIFEST.spoor` says which
//! segments count.
//!
//! In: a folder. Out: the folder, ours, locked, of a format that this version knows; or why not.
//!
//! `FORMAT` is text: `spoor embedded`, `version 1`, and a checksum of these lines. A damaged one is written anew where there is a journal
//! and nothing foreign, since the journal's files carry their version themselves; one that names another version is refused.

use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::keeper::Folders;
use super::{OpenError, archive, manifest, sampling};
use crate::disk::{self, Disk, Lock};

/// The version of the folder's format that this version writes.
pub(crate) const VERSION: u32 = 1;

const FORMAT: &str = "FORMAT";
const NEW: &str = "FORMAT.new";
const LOCK: &str = "LOCK";
const JOURNAL: &str = "journal";
const TITLE: &str = "spoor embedded";

/// A data folder that is ours to work in.
pub(crate) struct Folder {
    /// Where everything is.
    pub(crate) folders: Folders,
    _lock: Lock,
}

// === impl Folder ===

impl Folder {
    /// Creates the folder where it is missing, locks it, and checks its format.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, OpenError> {
        let io = |what, path: &Path| {
            let path = path.to_owned();
            move |error| OpenError::Io { what, path, error }
        };
        disk.create_folder(path).map_err(io("create", path))?;
        let found = disk.list(path).map_err(io("list", path))?;
        // before the lock: nothing is left behind in a folder that is refused
        let whole = check_format(disk, path, &found)?;
        let lock = take_lock(disk, path)?;
        if !whole {
            write_format(disk, path, &found)?;
        }
        let folders = Folders::of(path);
        for folder in [&folders.journal, &folders.segments, &folders.letters] {
            disk.create_folder(folder).map_err(io("create", folder))?;
        }
        disk.sync_folder(path).map_err(io("sync", path))?;
        Ok(Self {
            folders,
            _lock: lock,
        })
    }
}

/// Whether a folder that is only looked at has a whole `FORMAT` of our version. Nothing in it is changed.
pub(crate) fn look(disk: &dyn Disk, path: &Path) -> Result<bool, OpenError> {
    let no_store = || OpenError::NoStore {
        path: path.to_owned(),
    };
    let found = match disk.list(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(no_store()),
        found => found.map_err(|error| OpenError::Io {
            what: "list",
            path: path.to_owned(),
            error,
        })?,
    };
    let whole = check_format(disk, path, &found)?;
    // a folder is ours once it has a journal
    let has_journal = found.iter().any(|n| n == JOURNAL);
    if whole || has_journal {
        Ok(whole)
    } else {
        Err(no_store())
    }
}

fn take_lock(disk: &dyn Disk, folder: &Path) -> Result<Lock, OpenError> {
    let path = folder.join(LOCK);
    let note = format!("process {}\n", std::process::id());
    disk.lock(&path, &note).map_err(|error| {
        if error.kind() == io::ErrorKind::WouldBlock {
            OpenError::InUse {
                path: folder.to_owned(),
                note: read(disk, &path).unwrap_or_default(),
            }
        } else {
            OpenError::Io {
                what: "lock",
                path,
                error,
            }
        }
    })
}

/// Whether there is a whole `FORMAT` of our version. If not, all there is in the folder is ours, and `FORMAT` may be written.
fn check_format(disk: &dyn Disk, folder: &Path, found: &[String]) -> Result<bool, OpenError> {
    let path = folder.join(FORMAT);
    let text = match read(disk, &path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(OpenError::Io {
                what: "read",
                path,
                error,
            });
        }
    };
    let text = text.as_deref();
    match text.and_then(|t| version(t).or_else(|| unproved_version(t))) {
        Some(found) if found == VERSION.to_string() => return Ok(true),
        Some(found) => {
            return Err(OpenError::UnknownFormat {
                path: folder.to_owned(),
                found: found.to_owned(),
                known: VERSION,
            });
        }
        None => {}
    }
    let ours = [
        LOCK,
        JOURNAL,
        FORMAT,
        NEW,
        "lost+found",
        "segments",
        "dead-letters",
        "damaged",
        archive::FOLDER,
        manifest::NAME,
        manifest::NEW,
        sampling::NAME,
        sampling::NEW,
    ];
    let foreign = found
        .iter()
        .map(String::as_str)
        .find(|n| !n.starts_with('.') && !ours.contains(n));
    // a whole FORMAT is durable before the journal's folder is made: a damaged one without that folder is not ours
    let lone = text.is_some() && !found.iter().any(|n| n == JOURNAL);
    match foreign.or(lone.then_some(FORMAT)) {
        Some(found) => Err(OpenError::Foreign {
            path: folder.to_owned(),
            found: found.to_owned(),
        }),
        None => Ok(false),
    }
}

fn write_format(disk: &dyn Disk, folder: &Path, found: &[String]) -> Result<(), OpenError> {
    let path = folder.join(FORMAT);
    if found.iter().any(|n| n == FORMAT) {
        tracing::warn!(path = %path.display(), "file was damaged and is written anew");
    }
    match disk::replace(disk, folder, NEW, FORMAT, content().as_bytes()) {
        // with no room left, what is there can still be read; the next start writes it
        Err(error) if disk::is_full(&error) => {
            tracing::warn!(path = %path.display(), %error, "could not write file, going on without");
            Ok(())
        }
        other => other.map_err(|error| OpenError::Io {
            what: "write",
            path,
            error,
        }),
    }
}

/// The version that a whole `FORMAT` names.
fn version(text: &str) -> Option<&str> {
    let (summed, sum) = text.trim_end().rsplit_once('\n')?;
    let sum = u64::from_str_radix(sum.strip_prefix("checksum ")?, 16).ok()?;
    (sum == xxh3_64(summed.as_bytes())).then_some(())?;
    summed.strip_prefix(TITLE)?.trim().strip_prefix("version ")
}

/// The other version that a `FORMAT` of ours names without a checksum that proves it. A checksum of this version's says that the number
/// is what was damaged.
fn unproved_version(text: &str) -> Option<&str> {
    let (title, rest) = text.split_once('\n')?;
    let found = rest.lines().next()?.strip_prefix("version ")?.trim_end();
    let other = found.parse::<u64>().is_ok_and(|v| v != u64::from(VERSION));
    let content = content();
    let (_, sum) = content.trim_end().rsplit_once('\n')?;
    (title.trim_end() == TITLE && other && !text.contains(sum)).then_some(found)
}

fn content() -> String {
    let summed = format!("{TITLE}\nversion {VERSION}");
    format!("{summed}\nchecksum {:016x}\n", xxh3_64(summed.as_bytes()))
}

fn read(disk: &dyn Disk, path: &Path) -> io::Result<String> {
    let file = disk.open(path)?;
    // a format file is short; what is longer is none
    let mut bytes = [0; 1024];
    let len = file.read_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(bytes.get(..len).unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{RealDisk, SimulatedDisk};

    fn folder() -> &'static Path {
        Path::new("/data")
    }

    fn put(disk: &SimulatedDisk, text: &str) {
        disk.create_folder(folder()).unwrap();
        disk.overwrite(&folder().join(FORMAT), text.as_bytes());
    }

    #[test]
    fn a_new_folder_is_made_and_opens_again() {
        let disk = SimulatedDisk::new(1);
        Folder::open(&disk, folder()).unwrap();
        let disk = disk.reboot();
        Folder::open(&disk, folder()).unwrap();
        let text = read(&disk, &folder().join(FORMAT)).unwrap();
        assert_eq!(text, content());
        assert!(text.starts_with("spoor embedded\nversion 1\nchecksum "));
    }

    #[test]
    fn a_later_format_is_refused_by_name() {
        let disk = SimulatedDisk::new(1);
        let summed = "spoor embedded\nversion 7";
        put(
            &disk,
            &format!("{summed}\nchecksum {:016x}\n", xxh3_64(summed.as_bytes())),
        );
        let error = Folder::open(&disk, folder()).err().unwrap().to_string();
        assert!(error.contains("/data has format \"7\""), "{error}");
    }

    #[test]
    fn a_later_format_without_a_checksum_is_refused_by_name() {
        let disk = SimulatedDisk::new(1);
        put(&disk, "spoor embedded\nversion 99\n");
        disk.create_folder(&folder().join(JOURNAL)).unwrap();
        let error = Folder::open(&disk, folder()).err().unwrap().to_string();
        assert!(error.contains("/data has format \"99\""), "{error}");
    }

    #[test]
    fn a_damaged_format_file_beside_a_journal_never_stops_a_start() {
        let check = |bytes: &[u8]| {
            let disk = SimulatedDisk::new(1);
            disk.create_folder(folder()).unwrap();
            for name in [JOURNAL, archive::FOLDER] {
                disk.create_folder(&folder().join(name)).unwrap();
            }
            disk.overwrite(&folder().join(sampling::NAME), b"");
            disk.overwrite(&folder().join(FORMAT), bytes);
            Folder::open(&disk, folder()).unwrap();
            // some damage changes nothing, such as another white space at the end
            let text = read(&disk, &folder().join(FORMAT)).unwrap();
            assert_eq!(version(&text), Some("1"), "{text:?}");
        };
        let text = content();
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            check(&bytes);
        }
        for len in 0..text.len() - 1 {
            check(&text.as_bytes()[..len]);
        }
    }

    #[test]
    fn a_format_file_of_somebody_elses_is_refused_and_left_as_it_is() {
        let check = |text: &str, journal: bool, notes: bool, names: &str| {
            let disk = SimulatedDisk::new(1);
            put(&disk, text);
            if journal {
                disk.create_folder(&folder().join(JOURNAL)).unwrap();
            }
            if notes {
                disk.overwrite(&folder().join("notes.txt"), b"x");
            }
            let error = Folder::open(&disk, folder()).err().unwrap().to_string();
            assert!(error.contains(&format!("/data holds {names:?}")), "{error}");
            assert!(error.contains("embedded.directory"), "{error}");
            assert_eq!(read(&disk, &folder().join(FORMAT)).unwrap(), text);
            assert!(!disk.files().contains(&folder().join(LOCK)));
        };
        check("hello\n", false, true, "notes.txt");
        check("hello\n", false, false, FORMAT);
        check("", false, false, FORMAT);
        check("hello\n", true, true, "notes.txt");
    }

    #[test]
    fn a_folder_of_somebody_elses_is_refused() {
        let disk = SimulatedDisk::new(1);
        disk.create_folder(folder()).unwrap();
        disk.overwrite(&folder().join("MANIFEST"), b"Bdgr");
        let error = Folder::open(&disk, folder()).err().unwrap().to_string();
        assert!(error.contains("/data holds \"MANIFEST\""), "{error}");
    }

    #[test]
    fn a_folder_in_use_names_who_uses_it() {
        let folder = tempfile::tempdir().unwrap();
        let _held = Folder::open(&RealDisk, folder.path()).unwrap();
        let error = Folder::open(&RealDisk, folder.path()).err().unwrap();
        let wanted = format!("in use by another process (process {})", std::process::id());
        assert!(error.to_string().contains(&wanted), "{error}");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().join("data");
        let error = Folder::open(&RealDisk, &path).err().unwrap().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(error.contains("embedded.directory"), "{error}");
    }
}
