//! The file layer under the embedded store: as few verbs as a journal needs, so that a test can put a disk of its own in their place.
//!
//! In: paths, offsets and bytes. Out: bytes and the system's errors, unchanged. What was written is durable after [`File::sync`], and a
//! name (created, renamed, removed) after [`Disk::sync_folder`] of the folder it stands in; before that a power cut may undo any part.
//!
//! Deliberately absent: buffering, formats, retries.

mod read_only;
mod real;
#[cfg(any(test, feature = "conformance"))]
mod simulated;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use read_only::ReadOnly;
pub use real::RealDisk;
#[cfg(any(test, feature = "conformance"))]
pub use simulated::SimulatedDisk;

/// Room of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that an unprivileged process may still take.
    pub free: u64,
    /// Bytes of all of it.
    pub size: u64,
}

/// Where files are.
pub trait Disk: Send + Sync {
    /// Creates a folder and those above it; one that exists is fine.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Creates a file that must not exist, for reading and writing.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a file that exists, for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a file that exists, for reading alone: what may not be written can be read all the same.
    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.open(path)
    }

    /// The names in a folder, in no order.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Gives a file another name, in place of what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name; who has it open goes on reading.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// How much room there is on the file system that holds `folder`. What was removed and is still open takes room yet, and some systems
    /// give it back a while after.
    fn room(&self, folder: &Path) -> io::Result<Room>;

    /// Takes a lock on a file, created when missing, and leaves `note` in it. `WouldBlock` when another holds it.
    fn lock(&self, path: &Path, note: &str) -> io::Result<Lock>;
}

/// An open file. Every call names its offset, so that one handle serves all threads.
pub trait File: Send + Sync {
    /// Reads up to `buffer.len()` bytes from `offset` on; fewer only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes`. After an error any part of them may be there.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes everything written so far durable, the length too. After an error nothing is known: it must not be tried again.
    fn sync(&self) -> io::Result<()>;

    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Where the next bytes at or after `offset` stand that were ever written, the file's length when there are none. Those between read as
    /// zeros. `offset` itself where the system cannot tell.
    fn next_data(&self, offset: u64) -> io::Result<u64> {
        Ok(offset)
    }

    /// Whether there is no byte in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts the file, or fills it up with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes the file at least `len` bytes long with room set aside for them, where the system can; new bytes are zero.
    fn preallocate(&self, len: u64) -> io::Result<()>;
}

/// A lock that is held until it is dropped.
pub struct Lock(#[allow(dead_code)] Box<dyn Send + Sync>);

/// Whether there was no room: that mends itself, and nothing is broken.
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Whether it says nothing of the file, and may be over when it is asked again: no right, or too many files are open.
pub fn may_pass(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let too_many = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::INTR];
    let is_one = |errno: Errno| error.raw_os_error() == Some(errno.raw_os_error());
    error.kind() == io::ErrorKind::PermissionDenied || too_many.into_iter().any(is_one)
}

/// Reads `buffer.len()` bytes from `offset` on; an error when the file ends before.
pub fn read_exact_at(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    if file.read_at(buffer, offset)? == buffer.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Puts a file with these bytes in the place of `name` in `folder`, by way of the name `new`: a power cut leaves the old one or the new one.
pub fn replace(
    disk: &dyn Disk,
    folder: &Path,
    new: &str,
    name: &str,
    bytes: &[u8],
) -> io::Result<()> {
    let new = folder.join(new);
    match disk.remove(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = disk.create(&new)?;
    file.write_at(bytes, 0)?;
    file.sync()?;
    disk.rename(&new, &folder.join(name))?;
    disk.sync_folder(folder)
}

// === impl Lock ===

impl Lock {
    fn new(held: impl Send + Sync + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}
