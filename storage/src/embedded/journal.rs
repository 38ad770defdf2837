//! The journal: checksummed records in generation files, synced before anyone is told.
//!
//! In: records. Out: their places, once they are durable; at a start, every record that is still whole. A group of records is one run of
//! writes and one sync. A generation file is created, synced and its folder synced before a record in it counts; a start never appends to
//! an old file, it opens the next one.
//!
//! Deliberately absent: what a record means, threads, retention. The decision for files of our own: `docs/adr/0003-journal.md`.

mod file;
pub(crate) mod mend;
mod record;
mod scan;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{self, Disk, File};

pub(crate) use file::FileHeader;
pub(crate) use record::{HEADER_LEN, Header, Kind, Pending};
pub(crate) use scan::{Hole, Scan, scan, scan_from};

const CREATE: &str = "create";
const ALLOCATE: &str = "set room aside in";
const WRITE: &str = "write";
const SYNC: &str = "sync";

/// Bounds of generation files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A generation ends when the next group would make it longer than this. At most 2 GiB.
    pub(crate) generation_bytes: u64,
    /// Room is set aside in steps of this many bytes; 0: none.
    pub(crate) allocate_bytes: u64,
}

/// A generation's number and its open file. Who holds it can read on after its name is gone.
pub(crate) struct Generation {
    /// Counts up from 1, never used twice.
    pub(crate) number: u64,
    /// The open file.
    pub(crate) file: Arc<dyn File>,
    /// Where it stands.
    pub(crate) path: PathBuf,
}

/// The end of the journal, where records are added. One owner, no locks.
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    limits: Limits,
    current: Option<Current>,
    next_number: u64,
    next_sequence: u64,
    previous_end: u64,
    salts: std::hash::RandomState,
}

struct Current {
    generation: Arc<Generation>,
    salt: u32,
    /// Everything before this is durable.
    end: u64,
    allocated: u64,
}

/// Why records were not made durable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// There was no room, or no file could be opened. Nothing is broken: try again later.
    #[error("could not {what} {}: {error}", path.display())]
    Refused {
        /// What was being done.
        what: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// What was written is unknown. Nothing more may be appended.
    #[error("could not {what} {}: {error}", path.display())]
    Failed {
        /// What was being done.
        what: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Where a group of records came to stand.
pub(crate) struct Appended {
    /// The generation that all of them are in.
    pub(crate) generation: Arc<Generation>,
    /// The offset of each record's payload in the file.
    pub(crate) payloads: Vec<u64>,
    /// The end of the file's records.
    pub(crate) end: u64,
}

// === impl Journal ===

impl Journal {
    /// The end of a journal whose newest generation has the number `last` (0: there is none) and ends at `previous_end`.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        folder: &Path,
        limits: Limits,
        last: u64,
        previous_end: u64,
        last_sequence: u64,
    ) -> Self {
        Self {
            disk,
            folder: folder.to_owned(),
            limits,
            current: None,
            next_number: last + 1,
            next_sequence: last_sequence + 1,
            previous_end,
            salts: std::hash::RandomState::new(),
        }
    }

    /// Ends the current generation: the next group starts a new one.
    pub(crate) fn rotate(&mut self) {
        if let Some(current) = self.current.take() {
            self.previous_end = current.end;
            // only room that was set aside goes: if this fails, the next start does it
            if let Err(error) = current.generation.file.set_len(current.end) {
                tracing::debug!(path = %current.generation.path.display(), %error, "could not give back room set aside");
            }
        }
    }

    /// Ends the journal in good order: the last group is marked as durable.
    pub(crate) fn close(&mut self) {
        let mark = Pending::new(Kind::Mark, 0, Vec::new());
        if self.current.as_ref().is_some_and(|c| c.end > file::LEN)
            && let Err(error) = self.append(&mut [mark])
        {
            tracing::debug!(%error, "could not mark the journal's end");
        }
        self.rotate();
    }

    /// Appends `records` and syncs. `Ok`: all are durable. `Refused`: none counts. `Failed`: nothing is known, and the caller must stop.
    pub(crate) fn append(&mut self, records: &mut [Pending]) -> Result<Appended, AppendError> {
        let bytes: u64 = records.iter().map(Pending::record_len).sum();
        if let Some(current) = &self.current
            && current.end > file::LEN
            && current.end + bytes > self.limits.generation_bytes
        {
            self.rotate();
        }
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.create()?,
        };
        let result = current.append(
            records,
            bytes,
            &mut self.next_sequence,
            self.limits.allocate_bytes,
        );
        if matches!(result, Err(AppendError::Refused { .. })) {
            // what the failed write left behind must not be found by a later start, nor keep the room it took
            if current.generation.file.set_len(current.end).is_err() {
                self.previous_end = current.end;
                return result;
            }
            current.allocated = current.end;
        }
        self.current = Some(current);
        result
    }

    /// Whether there is room for `bytes` more, as far as setting it aside can tell.
    pub(crate) fn probe(&mut self, bytes: u64) -> Result<(), AppendError> {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.create()?,
        };
        let room = current.end + bytes;
        let generation = &current.generation;
        let probed = generation.file.preallocate(room);
        let probed = probed.map_err(|e| failure(ALLOCATE, &generation.path, e));
        if probed.is_ok() {
            current.allocated = current.allocated.max(room);
        }
        self.current = Some(current);
        probed
    }

    fn create(&mut self) -> Result<Current, AppendError> {
        use std::hash::BuildHasher as _;
        let number = self.next_number;
        let path = path(&self.folder, number);
        let file = self
            .disk
            .create(&path)
            .map_err(|e| failure(CREATE, &path, e))?;
        // a number is not used again, even if this file comes to nothing
        self.next_number += 1;
        let salt = self.salts.hash_one(number) as u32;
        let header = FileHeader {
            salt,
            number,
            previous_end: self.previous_end,
        };
        let made = file
            .write_at(&header.encode(), 0)
            .map_err(|e| failure(WRITE, &path, e))
            .and_then(|()| file.sync().map_err(|e| failure(SYNC, &path, e)))
            .and_then(|()| {
                self.disk
                    .sync_folder(&self.folder)
                    .map_err(|e| failure(SYNC, &self.folder, e))
            });
        if let Err(error) = made {
            if matches!(error, AppendError::Refused { .. }) {
                // an empty file is no harm, but a full disk would collect one a try
                self.next_number = number + u64::from(self.disk.remove(&path).is_err());
            }
            return Err(error);
        }
        tracing::debug!(path = %path.display(), "opened a journal file");
        Ok(Current {
            generation: Arc::new(Generation { number, file, path }),
            salt,
            end: file::LEN,
            allocated: file::LEN,
        })
    }
}

// === impl Current ===

impl Current {
    fn append(
        &mut self,
        records: &mut [Pending],
        bytes: u64,
        sequence: &mut u64,
        step: u64,
    ) -> Result<Appended, AppendError> {
        let path = &self.generation.path;
        let file = &self.generation.file;
        let end = self.end + bytes;
        if step > 0 && end > self.allocated {
            let room = end.next_multiple_of(step);
            file.preallocate(room)
                .or_else(|_| file.preallocate(end))
                .map_err(|e| failure(ALLOCATE, path, e))?;
            self.allocated = room;
        }
        let mut offset = self.end;
        let mut payloads = Vec::with_capacity(records.len());
        for record in &mut *records {
            let written = record.finish(self.salt, *sequence, self.end);
            file.write_at(written, offset)
                .map_err(|e| failure(WRITE, path, e))?;
            payloads.push(offset + HEADER_LEN as u64);
            offset += written.len() as u64;
            *sequence += 1;
        }
        file.sync().map_err(|e| failure(SYNC, path, e))?;
        self.end = offset;
        Ok(Appended {
            generation: self.generation.clone(),
            payloads,
            end: offset,
        })
    }
}

fn failure(what: &'static str, path: &Path, error: io::Error) -> AppendError {
    let path = path.to_owned();
    let harmless = match what {
        CREATE | ALLOCATE => true,
        WRITE => disk::is_full(&error),
        // a sync that fails, for want of room too, may have dropped what it could not write
        _ => false,
    };
    if harmless {
        AppendError::Refused { what, path, error }
    } else {
        AppendError::Failed { what, path, error }
    }
}

/// Writes a file of records that is whole and durable when this answers, apart from the journal's own.
pub(crate) fn write_alone(
    disk: &dyn Disk,
    folder: &Path,
    number: u64,
    records: &mut [Pending],
) -> io::Result<Generation> {
    let path = path(folder, number);
    let file = disk.create(&path)?;
    let header = FileHeader {
        salt: number as u32,
        number,
        previous_end: 0,
    };
    file.write_at(&header.encode(), 0)?;
    let mut offset = file::LEN;
    for (sequence, record) in (0..).zip(records) {
        let written = record.finish(header.salt, sequence, 0);
        file.write_at(written, offset)?;
        offset += written.len() as u64;
    }
    file.sync()?;
    disk.sync_folder(folder)?;
    Ok(Generation { number, file, path })
}

/// The numbers of the generations in `folder`, rising. Other names are left alone.
pub(crate) fn numbers(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = disk
        .list(folder)?
        .iter()
        .filter_map(|n| file::number(n))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Where a generation's file stands.
pub(crate) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(file::name(number))
}

/// Opens a generation for reading.
pub(crate) fn open(disk: &dyn Disk, folder: &Path, number: u64) -> io::Result<Generation> {
    let path = path(folder, number);
    Ok(Generation {
        number,
        file: disk.open(&path)?,
        path,
    })
}

#[cfg(test)]
mod tests;
