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

/// Keys: for this user alone.
pub(crate) const SECRET: u32 = 0o600;
/// Certificates: for everybody.
pub(crate) const PUBLIC: u32 = 0o644;

/// The link to the set that counts.
const DATA: &str = "..data";

/// One file of a set.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'static str,
    pub(crate) mode: u32,
    pub(crate) content: &'a str,
}

/// Makes the folder, and those above it.
pub(crate) fn make(path: &Path, mode: u32) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(mode);
    builder
        .create(path)
        .map_err(Error::files("make the folder", path))
}

/// Writes one file: all of it or nothing, durable.
pub(crate) fn write(path: &Path, mode: u32, content: &str) -> Result<(), Error> {
    let fresh = beside(path, ".new");
    let put = || {
        create(&fresh, mode, content)?;
        fs::rename(&fresh, path)?;
        sync(path.parent())
    };
    put().map_err(Error::files("write", path))
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
    // sets of before, that of an interrupted attempt included; that one stays behind is no harm
    for other in fs::read_dir(folder)?.flatten() {
        let name = other.file_name();
        let is_set = name
            .to_str()
            .and_then(|name| name.strip_prefix(".."))
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
        if is_set && name != *set {
            drop(fs::remove_dir_all(other.path()));
        }
    }
    Ok(())
}

/// A link that takes the place of whatever was there.
fn link(target: &Path, path: &Path) -> io::Result<()> {
    let fresh = beside(path, ".new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => symlink(target, &fresh)?,
    }
    fs::rename(&fresh, path)
}

fn create(path: &Path, mode: u32, content: &str) -> io::Result<()> {
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
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

fn sync(folder: Option<&Path>) -> io::Result<()> {
    match folder {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
