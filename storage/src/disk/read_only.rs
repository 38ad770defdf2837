//! A disk that is only looked at.
//!
//! In: another disk. Out: its files, of which none can be changed: whatever would change one is refused before it reaches the disk.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Disk, File, Lock, Room};

/// Another disk, read-only.
#[derive(Clone)]
pub struct ReadOnly(Arc<dyn Disk>);

struct Looked(Arc<dyn File>);

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

// === impl ReadOnly ===

impl ReadOnly {
    /// Over `disk`.
    pub fn over(disk: Arc<dyn Disk>) -> Self {
        Self(disk)
    }
}

impl Disk for ReadOnly {
    fn create_folder(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn create(&self, _path: &Path) -> io::Result<Arc<dyn File>> {
        refused()
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(Looked(self.0.open_to_read(path)?)))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.0.list(folder)
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_folder(&self, _folder: &Path) -> io::Result<()> {
        refused()
    }

    fn room(&self, folder: &Path) -> io::Result<Room> {
        self.0.room(folder)
    }

    fn lock(&self, _path: &Path, _note: &str) -> io::Result<Lock> {
        refused()
    }
}

// === impl Looked ===

impl File for Looked {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
        refused()
    }

    fn sync(&self) -> io::Result<()> {
        refused()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn next_data(&self, offset: u64) -> io::Result<u64> {
        self.0.next_data(offset)
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        refused()
    }

    fn preallocate(&self, _len: u64) -> io::Result<()> {
        refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn nothing_can_be_changed_and_everything_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        let disk = ReadOnly::over(Arc::new(RealDisk));
        let file = disk.open(&path).unwrap();
        let mut bytes = [0; 3];
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 3);
        assert_eq!((&bytes, file.len().unwrap()), (b"abc", 3));
        let tries = [
            file.write_at(b"x", 0),
            file.set_len(0),
            file.preallocate(9),
            disk.remove(&path),
            disk.rename(&path, &folder.path().join("b")),
            disk.create_folder(&folder.path().join("c")),
            disk.create(&folder.path().join("d")).map(drop),
            disk.lock(&folder.path().join("LOCK"), "").map(drop),
        ];
        for tried in tries {
            let error = tried.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
        }
        assert_eq!(disk.list(folder.path()).unwrap(), ["a"]);
        assert!(disk.room(folder.path()).unwrap().size > 0);
        assert_eq!(std::fs::read(&path).unwrap(), b"abc");
    }
}
