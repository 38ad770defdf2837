//! A file up to a place, as if it ended there.
//!
//! In: an open file that is appended to, and where its records are durable. Out: what stands before, to read; nothing of what is being written behind.

use std::io;

use crate::disk::File;

/// A file up to where its records are durable: what is being written behind that is not looked at.
pub(super) struct Upto<'a> {
    pub(super) file: &'a dyn File,
    pub(super) end: u64,
}

// === impl Upto ===

impl File for Upto<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let most = self.end.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.end)
    }

    fn next_data(&self, offset: u64) -> io::Result<u64> {
        Ok(self.file.next_data(offset)?.min(self.end).max(offset))
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn preallocate(&self, _len: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}
