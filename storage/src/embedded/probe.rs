//! The journal alone, for the bake-off in `benches/journal.rs`: not an interface of the store.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::journal::{Journal, Kind, Limits, Pending};
use crate::disk::Disk;

/// A journal that keeps nothing in memory.
pub struct Probe(Journal);

// === impl Probe ===

impl Probe {
    /// A journal in a folder without one.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        generation_bytes: u64,
        allocate_bytes: u64,
    ) -> io::Result<Self> {
        disk.create_folder(folder)?;
        let limits = Limits {
            generation_bytes,
            allocate_bytes,
        };
        Ok(Self(Journal::new(disk, folder, limits, 0, 0, 0)))
    }

    /// Appends a group of payloads with one sync. Answers the number of the file.
    pub fn append(&mut self, group: &[&[u8]]) -> io::Result<u64> {
        let mut records: Vec<_> = group
            .iter()
            .map(|payload| Pending::copy(Kind::Spans, 0, payload))
            .collect();
        match self.0.append(&mut records) {
            Ok(appended) => Ok(appended.generation.number),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }
}
