//! The system's own files.
//!
//! Deliberately absent: `O_DIRECT` and memory maps; the page cache is the read cache.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::{Disk, File, Lock, Room};

/// The system's file layer.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

struct RealFile(fs::File);

// === impl RealDisk ===

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = fs::File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let file = fs::File::options().read(true).write(true).open(path)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(RealFile(fs::File::open(path)?)))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        fs::File::open(folder)?.sync_all()
    }

    fn room(&self, folder: &Path) -> io::Result<Room> {
        let found = rustix::fs::statvfs(folder)?;
        let room = Room {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            size: found.f_blocks.saturating_mul(found.f_frsize),
        };
        match room.size {
            // some file systems of user space say nothing at all
            0 => Err(io::ErrorKind::Unsupported.into()),
            _ => Ok(room),
        }
    }

    fn lock(&self, path: &Path, note: &str) -> io::Result<Lock> {
        let mut file = fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        file.try_lock()?;
        // the note is a courtesy to who finds the lock taken: a full disk must not keep the store from opening for reading
        if let Err(error) = file
            .set_len(0)
            .and_then(|()| file.write_all(note.as_bytes()))
        {
            tracing::warn!(path = %path.display(), %error, "could not note in the lock file who holds it");
        }
        Ok(Lock::new(file))
    }
}

// === impl RealFile ===

impl File for RealFile {
    fn read_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<usize> {
        let wanted = buffer.len();
        while !buffer.is_empty() {
            match self.0.read_at(buffer, offset) {
                Ok(0) => break,
                Ok(read) => {
                    buffer = buffer.get_mut(read..).unwrap_or_default();
                    offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted - buffer.len())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        // fdatasync: the length goes with it, times do not
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(target_os = "linux")]
    fn next_data(&self, offset: u64) -> io::Result<u64> {
        use rustix::fs::{SeekFrom, seek};
        use rustix::io::Errno;
        // this moves the handle's position, which nothing here uses
        match seek(&self.0, SeekFrom::Data(offset)) {
            Ok(found) => Ok(found),
            Err(Errno::NXIO) => self.len(),
            Err(_) => Ok(offset),
        }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    #[cfg(target_os = "linux")]
    fn preallocate(&self, len: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        let now = self.len()?;
        if now >= len {
            return Ok(());
        }
        match fallocate(&self.0, FallocateFlags::empty(), now, len - now) {
            // the file system cannot: then a full disk shows at the write
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn preallocate(&self, _len: u64) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_finds_the_lock_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("LOCK");
        let held = RealDisk.lock(&path, "1").unwrap();
        let error = RealDisk.lock(&path, "2").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(held);
        RealDisk.lock(&path, "2").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
    }

    #[test]
    fn what_is_free_is_part_of_the_file_system() {
        let folder = tempfile::tempdir().unwrap();
        let room = RealDisk.room(folder.path()).unwrap();
        assert!(room.size > 0 && room.free <= room.size, "{room:?}");
        assert!(RealDisk.room(&folder.path().join("none")).is_err());
    }

    #[test]
    fn preallocated_bytes_are_zero_and_written_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let file = RealDisk.create(&folder.path().join("a")).unwrap();
        file.write_at(b"abc", 0).unwrap();
        file.preallocate(1 << 16).unwrap();
        let mut bytes = [1; 8];
        let read = file.read_at(&mut bytes, 0).unwrap();
        assert!(bytes[..read].starts_with(b"abc"));
        assert!(bytes[3..read].iter().all(|b| *b == 0));
        assert!(RealDisk.create(&folder.path().join("a")).is_err());
    }
}
