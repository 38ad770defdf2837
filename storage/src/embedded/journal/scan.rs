//! Reads a generation file from front to back, whatever state it is in.
//!
//! In: a file. Out: every record that is whole, in order; the holes between them; where the last one ends. A hole is stepped over by the
//! length in its header when that is sound, else by looking for the next sound header. A part that the disk cannot read ends the scan: what
//! stands before it counts.
//!
//! Deliberately absent: mending. The caller decides what becomes of a tail.

use std::io;
use std::ops::ControlFlow;

use xxhash_rust::xxh3::xxh3_64;

use super::file::{self, FileHeader};
use super::record::{ALIGN, HEADER_LEN, Header, MAGIC};
use crate::disk::File;

/// How much is read at once, in bytes.
const STEP: usize = 4 << 20;
/// How much is read at once after a read failed, in bytes: a bad sector must not hide what stands well before it.
const SMALL_STEP: usize = 4096;

/// What a scan found, beside the records it showed.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// The file's header, when it is whole.
    pub(crate) header: Option<FileHeader>,
    /// Whole records.
    pub(crate) records: u64,
    /// Where the last whole record ends.
    pub(crate) end: u64,
    /// The file's length.
    pub(crate) len: u64,
    /// Whether anything but zeros follows the last whole record, or the header, or is there at all without either.
    pub(crate) has_tail: bool,
    /// What is between whole records and is none.
    pub(crate) holes: Vec<Hole>,
    /// Everything before this offset was durable, by what the records say.
    pub(crate) durable_end: u64,
    /// The last record's sequence.
    pub(crate) sequence: u64,
    /// Why the scan ended early, when a part could not be read. Nothing is known of what follows.
    pub(crate) unreadable: Option<io::Error>,
}

/// A part of a file that holds no whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    /// Where it starts.
    pub(crate) offset: u64,
    /// How long it is.
    pub(crate) len: u64,
}

/// A whole record.
pub(crate) struct Visit<'a> {
    /// What it says of itself.
    pub(crate) header: Header,
    /// Where its payload starts in the file.
    pub(crate) offset: u64,
    /// Its payload.
    pub(crate) payload: &'a [u8],
}

/// Shows every whole record of `file` to `visit`, as far as it can be read.
pub(crate) fn scan(file: &dyn File, mut visit: impl FnMut(Visit<'_>)) -> Scan {
    scan_from(file, 0, |record| {
        visit(record);
        ControlFlow::Continue(())
    })
}

/// The same from this offset on, where a record starts or the file's header does, until `visit` breaks off. What it found is of that part alone, and of no tail when it
/// was broken off.
pub(crate) fn scan_from(
    file: &dyn File,
    from: u64,
    visit: impl FnMut(Visit<'_>) -> ControlFlow<()>,
) -> Scan {
    let mut scan = Scan::default();
    scan.unreadable = walk(file, from, &mut scan, visit).err();
    scan
}

fn walk(
    file: &dyn File,
    from: u64,
    scan: &mut Scan,
    mut visit: impl FnMut(Visit<'_>) -> ControlFlow<()>,
) -> io::Result<()> {
    let len = file.len()?;
    let from = from.max(file::LEN);
    scan.len = len;
    scan.end = from.min(len);
    let mut window = Window::new(file, len);
    let mut front = [0; file::LEN as usize];
    let read = file.read_at(&mut front, 0)?;
    let header = FileHeader::decode(front.get(..read).unwrap_or_default());
    scan.header = header;
    // without the file's header the salt is that of the first sound record
    let mut salt = header.map(|h| h.salt);
    let mut at = from;
    while let Some(header) = next_header(&mut window, &mut at, salt)? {
        let whole = at + header.record_len();
        let offset = at + HEADER_LEN as u64;
        let payload = window.at(offset, u64::from(header.payload_len))?;
        if payload.len() == header.payload_len as usize && xxh3_64(payload) == header.checksum {
            salt = Some(header.salt);
            if at > scan.end {
                scan.holes.push(Hole {
                    offset: scan.end,
                    len: at - scan.end,
                });
            }
            let goes_on = visit(Visit {
                header,
                offset,
                payload,
            });
            scan.records += 1;
            // a padding that the file lost is no loss
            scan.end = whole.min(len);
            scan.sequence = scan.sequence.max(header.sequence);
            scan.durable_end = scan.durable_end.max(u64::from(header.durable_end));
            if goes_on.is_break() {
                return Ok(());
            }
        } else {
            // the header is sound, so it says how far to step; unless the file ends before
            scan.durable_end = scan.durable_end.max(u64::from(header.durable_end));
        }
        at = whole;
    }
    let known = if scan.header.is_some() || scan.records > 0 {
        scan.end
    } else {
        0
    };
    scan.has_tail = window.has_more_than_zeros(known)?;
    Ok(())
}

/// The next sound header at or after `at`, which is moved to it.
fn next_header(
    window: &mut Window<'_>,
    at: &mut u64,
    salt: Option<u32>,
) -> io::Result<Option<Header>> {
    loop {
        let bytes = window.from(*at)?;
        if bytes.len() < HEADER_LEN {
            return Ok(None);
        }
        let sound = Header::decode(bytes).filter(|h| salt.is_none_or(|s| s == h.salt));
        if sound.is_some() {
            return Ok(sound);
        }
        // records start at multiples of their alignment: look for the next magic there
        let steps = bytes
            .chunks_exact(ALIGN)
            .skip(1)
            .position(|c| c.starts_with(&MAGIC));
        let seen = (bytes.len() / ALIGN * ALIGN) as u64;
        match steps {
            Some(steps) => *at += ((steps + 1) * ALIGN) as u64,
            None => *at = window.next_data(*at + seen)?,
        }
    }
}

/// A part of the file in memory.
struct Window<'a> {
    file: &'a dyn File,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
    step: usize,
}

// === impl Window ===

impl<'a> Window<'a> {
    fn new(file: &'a dyn File, len: u64) -> Self {
        Self {
            file,
            len,
            start: 0,
            bytes: Vec::new(),
            step: STEP,
        }
    }

    /// The bytes `at..at + len`, as far as the file goes.
    fn at(&mut self, at: u64, len: u64) -> io::Result<&[u8]> {
        let len = len.min(self.len.saturating_sub(at)) as usize;
        let end = self.start + self.bytes.len() as u64;
        if at < self.start || at + len as u64 > end {
            self.fill(at, len)?;
        }
        let from = (at - self.start) as usize;
        Ok(self.bytes.get(from..from + len).unwrap_or_default())
    }

    /// All bytes in memory from `at` on; at least a header's worth where the file has it.
    fn from(&mut self, at: u64) -> io::Result<&[u8]> {
        self.at(at, HEADER_LEN as u64)?;
        let from = at.saturating_sub(self.start) as usize;
        Ok(self.bytes.get(from..).unwrap_or_default())
    }

    fn fill(&mut self, at: u64, len: usize) -> io::Result<()> {
        let wanted = self.step.max(len).min(self.len.saturating_sub(at) as usize);
        self.bytes.resize(wanted, 0);
        self.start = at;
        match self.file.read_at(&mut self.bytes, at) {
            Ok(read) => {
                self.bytes.truncate(read);
                Ok(())
            }
            Err(_) if self.step > SMALL_STEP => {
                self.step = SMALL_STEP;
                self.fill(at, len)
            }
            Err(error) => Err(error),
        }
    }

    /// Over a part that was never written, however long, to the next place a record can start at.
    fn next_data(&self, at: u64) -> io::Result<u64> {
        let data = self.file.next_data(at)?;
        Ok(at.max(data / ALIGN as u64 * ALIGN as u64))
    }

    fn has_more_than_zeros(&mut self, mut at: u64) -> io::Result<bool> {
        while at < self.len {
            self.fill(at, 0)?;
            if self.bytes.iter().any(|b| *b != 0) {
                return Ok(true);
            }
            if self.bytes.is_empty() {
                break;
            }
            at = self.next_data(at + self.bytes.len() as u64)?;
        }
        Ok(false)
    }
}
