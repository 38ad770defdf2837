//! Blocks: runs of bytes in a segment's file that are named by a pointer with a checksum.
//!
//! A pointer is offset, length in the file, length after inflating (0: stored as it is), all LEB128, and the xxh3 of the bytes in the file
//! (u64). What an offset counts from, the file's start or a row group's, is said where the pointer stands.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::disk::{self, File};
use crate::embedded::batch::{Reader, put_varint};

/// No block is longer than this after inflating, whatever its pointer says.
const MAX_BLOCK: u64 = 1 << 30;
/// Room for reading that a thread keeps, at most.
const KEEP_BYTES: usize = 256 << 10;
/// How much is gathered before it is written.
const WRITE_BYTES: usize = 1 << 20;

/// Where a block stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pointer {
    pub(crate) offset: u64,
    /// Length in the file.
    pub(crate) len: u32,
    /// Length after inflating; 0: it is stored as it is.
    pub(crate) raw_len: u32,
    pub(crate) checksum: u64,
}

/// A file that is written from front to back.
pub(crate) struct Out {
    file: Arc<dyn File>,
    gathered: Vec<u8>,
    written: u64,
}

/// Deflates blocks, with its memory kept from one to the next.
pub(crate) struct Deflater {
    context: zstd::bulk::Compressor<'static>,
}

// === impl Pointer ===

impl Pointer {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.offset);
        put_varint(out, u64::from(self.len));
        put_varint(out, u64::from(self.raw_len));
        out.extend_from_slice(&self.checksum.to_le_bytes());
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            offset: reader.varint()?,
            len: reader.varint32()?,
            raw_len: reader.varint32()?,
            checksum: u64::from_le_bytes(reader.array()?),
        })
    }

    /// The same block, its offset counted from `base` bytes further left.
    pub(crate) fn at_base(self, base: u64) -> Self {
        Self {
            offset: self.offset.saturating_add(base),
            ..self
        }
    }

    /// The block's bytes, checked and inflated. Nothing is set aside for a length that cannot be true.
    pub(crate) fn read(&self, file: &dyn File) -> io::Result<Vec<u8>> {
        if u64::from(self.len) > MAX_BLOCK || u64::from(self.raw_len) > MAX_BLOCK {
            return Err(damaged("block's length is out of bounds"));
        }
        let end = self.offset.checked_add(u64::from(self.len));
        let file_bytes = file.len()?;
        if end.is_none_or(|end| end > file_bytes) {
            return Err(damaged("block ends behind the file"));
        }
        let checked = |bytes: &mut [u8]| {
            disk::read_exact_at(file, bytes, self.offset)?;
            match xxh3_64(bytes) == self.checksum {
                true => Ok(()),
                false => Err(damaged("block's checksum does not match")),
            }
        };
        let len = self.len as usize;
        if self.raw_len == 0 {
            let mut bytes = vec![0; len];
            checked(&mut bytes)?;
            return Ok(bytes);
        }
        INFLATER.with_borrow_mut(|inflater| {
            let Inflater { context, frame } = inflater;
            if frame.len() < len {
                frame.resize(len, 0);
            }
            let read = checked(frame.get_mut(..len).unwrap_or_default()).and_then(|()| {
                let frame = frame.get(..len).unwrap_or_default();
                inflate(context, frame, self.raw_len)
                    .ok_or_else(|| damaged("block does not inflate"))
            });
            if len > KEEP_BYTES {
                *frame = Vec::new();
            }
            read
        })
    }
}

thread_local! {
    static INFLATER: RefCell<Inflater> = RefCell::default();
}

/// What inflating needs beside the block, kept from one to the next.
#[derive(Default)]
struct Inflater {
    context: Option<zstd::bulk::Decompressor<'static>>,
    frame: Vec<u8>,
}

/// The frame says its length too, and the checksum is over it, so that no other length is believed.
fn inflate(
    context: &mut Option<zstd::bulk::Decompressor<'static>>,
    frame: &[u8],
    raw_len: u32,
) -> Option<Vec<u8>> {
    let says = zstd::zstd_safe::get_frame_content_size(frame).ok()??;
    (says == u64::from(raw_len)).then_some(())?;
    let context = match context {
        Some(context) => context,
        None => context.insert(zstd::bulk::Decompressor::new().ok()?),
    };
    let raw = context.decompress(frame, raw_len as usize).ok()?;
    (raw.len() == raw_len as usize).then_some(raw)
}

/// What was read is not what was written.
pub(crate) fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

// === impl Out ===

impl Out {
    pub(crate) fn new(file: Arc<dyn File>) -> Self {
        Self {
            file,
            gathered: Vec::with_capacity(WRITE_BYTES + WRITE_BYTES / 4),
            written: 0,
        }
    }

    /// Where the next byte will stand.
    pub(crate) fn at(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Puts a block that is already as it stands in the file.
    pub(crate) fn put_block(&mut self, bytes: &[u8], raw_len: u32) -> io::Result<Pointer> {
        let pointer = Pointer {
            offset: self.at(),
            len: bytes.len() as u32,
            raw_len,
            checksum: xxh3_64(bytes),
        };
        self.put(bytes)?;
        Ok(pointer)
    }

    /// Puts a block, deflated where that makes it shorter.
    pub(crate) fn deflate(&mut self, deflater: &mut Deflater, raw: &[u8]) -> io::Result<Pointer> {
        let deflated = deflater.context.compress(raw)?;
        if deflated.len() < raw.len() {
            self.put_block(&deflated, raw.len() as u32)
        } else {
            self.put_block(raw, 0)
        }
    }

    /// The file, with everything in it that was put.
    pub(crate) fn flushed(&mut self) -> io::Result<Arc<dyn File>> {
        self.flush()?;
        Ok(self.file.clone())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&self.gathered, self.written)?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// Writes what is left and makes all of it durable. Answers the file's length.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        self.file.sync()?;
        Ok(self.written)
    }
}

// === impl Deflater ===

impl Deflater {
    /// Of zstd at this level.
    pub(crate) fn new(level: i32) -> io::Result<Self> {
        Ok(Self {
            context: zstd::bulk::Compressor::new(level)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::disk::{Disk as _, SimulatedDisk};

    #[test]
    fn no_length_is_believed_that_cannot_be_true() {
        let disk = SimulatedDisk::new(1);
        let file = disk.create(Path::new("/a")).unwrap();
        let mut out = Out::new(file.clone());
        let raw = [7; 1000];
        let mut deflater = Deflater::new(1).unwrap();
        let pointer = out.deflate(&mut deflater, &raw).unwrap();
        out.finish().unwrap();
        let read = |pointer: Pointer| pointer.read(&*file);
        assert_eq!(read(pointer).unwrap(), raw);
        let len = u32::MAX >> 2;
        for wrong in [
            Pointer { len, ..pointer },
            Pointer {
                len: pointer.len + 1,
                ..pointer
            },
            Pointer {
                offset: u64::MAX,
                ..pointer
            },
            Pointer {
                raw_len: len,
                ..pointer
            },
            Pointer {
                raw_len: 999,
                ..pointer
            },
        ] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{wrong:?}");
        }
    }
}
