//! Files that change all at once.
//!
//! In: contents. Out: files that are whole, durable, and as closed to others as each has to be, whenever the machine stops. A set goes into a folder of
//! its own that the link `..data` points at, as Kubernetes lays a secret out: who reads through the link sees one set or the other.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::kill::step;
use crate::layout::DATA;

/// Keys: for this user alone.
pub(crate) const SECRET: u32 = 0o600;
/// Certificates: for everybody.
pub(crate) const PUBLIC: u32 = 0o644;

/// What a file is called until it is whole.
const NEW: &str = ".new";

/// The files that are put in their place whole.
const OURS: [&str; 7] = [
    "ca.crt",
    "ca.key",
    "ca-next.key",
    "tls.crt",
    "tls.key",
    DATA,
    ".lock",
];

/// One file of a set.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'static str,
    pub(crate) mode: u32,
    pub(crate) content: &'a str,
}

/// Makes the folder, and those above it.
pub(crate) fn make(path: &Path, mode: u32) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(mode);
    step()
        .and_then(|()| builder.create(path))
        .and_then(|()| sync(path.parent()))
        .map_err(Error::files("make the folder", path))
}

/// Writes one file: all of it or nothing, durable.
pub(crate) fn write(path: &Path, mode: u32, content: &str) -> Result<(), Error> {
    let fresh = beside(path, NEW);
    let put = || {
        create(&fresh, mode, content)?;
        rename(&fresh, path)
    };
    put().map_err(Error::files("write", path))
}

/// Gives a file another name, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    fs::rename(from, to)?;
    sync(to.parent())
}

/// Replaces the whole set in `folder`.
pub(crate) fn write_set(folder: &Path, entries: &[Entry<'_>]) -> Result<(), Error> {
    make(folder, 0o700)?;
    put_set(folder, entries).map_err(Error::files("write the certificates in", folder))
}

fn put_set(folder: &Path, entries: &[Entry<'_>]) -> io::Result<()> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let set = format!("..{}", now.as_nanos());
    let inner = folder.join(&set);
    step()?;
    DirBuilder::new().mode(0o700).create(&inner)?;
    for entry in entries {
        create(&inner.join(entry.name), entry.mode, entry.content)?;
    }
    sync(Some(&inner))?;
    link(Path::new(&set), &folder.join(DATA))?;
    for entry in entries {
        let wanted = Path::new(DATA).join(entry.name);
        let path = folder.join(entry.name);
        if fs::read_link(&path).ok().as_deref() != Some(&wanted) {
            link(&wanted, &path)?;
        }
    }
    sync(Some(folder))?;
    // what is left of those before goes; that one stays behind is no harm, for it is found again
    drop(sweep(&leftovers(folder)));
    Ok(())
}

/// What an interrupted attempt left in a folder: sets that do not count, and files that were not put in their place. Old keys are among them.
pub(crate) fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let counts = fs::read_link(folder.join(DATA)).unwrap_or_default();
    let is_left = |name: &str| match name.strip_prefix("..") {
        // Kubernetes' own sets have other names
        Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) => {
            counts.as_os_str() != name
        }
        _ => OURS.iter().any(|ours| name.strip_suffix(NEW) == Some(ours)),
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut left: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_left))
        .map(|entry| entry.path())
        .collect();
    left.sort();
    left
}

/// Takes them away.
pub(crate) fn sweep(leftovers: &[PathBuf]) -> io::Result<()> {
    for path in leftovers {
        step()?;
        if fs::symlink_metadata(path)?.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// A link that takes the place of whatever was there.
fn link(target: &Path, path: &Path) -> io::Result<()> {
    let fresh = beside(path, NEW);
    step()?;
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => symlink(target, &fresh)?,
    }
    // a file may have been put in the way of the link, a folder is taken away
    if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir()) {
        step()?;
        fs::remove_dir_all(path)?;
    }
    step()?;
    fs::rename(&fresh, path)
}

fn create(path: &Path, mode: u32, content: &str) -> io::Result<()> {
    step()?;
    // what an interrupted attempt left may have another mode
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    step()?;
    file.write_all(content.as_bytes())?;
    step()?;
    file.sync_all()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

fn sync(folder: Option<&Path>) -> io::Result<()> {
    match folder {
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
