//! What an operator sets of the embedded store.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::journal::Limits;
use crate::layers::window::{Clock, system_clock};

/// Settings of the embedded store.
#[derive(Clone)]
pub struct Config {
    /// `embedded.directory`: where its files are; created when missing.
    pub directory: PathBuf,
    /// `embedded.max-bytes`: bytes that its files may take; the oldest spans go first; 0: no limit.
    pub max_bytes: u64,
    /// `embedded.max-age`: spans that were taken in longer ago go; zero: no limit.
    pub max_age: Duration,
    /// A share of `memory.max-bytes`: for the index over what is not sealed yet, for blocks that were read lately, for sealing.
    pub index_bytes: usize,
    /// A share of `memory.max-bytes`: bytes of spans that may wait to be written; more wait inside their requests.
    pub queue_bytes: usize,
    /// A file of the journal ends at about this many bytes, and is sealed then.
    pub generation_bytes: u64,
    /// What time it is.
    pub clock: Clock,
    /// Off: files of the journal stay as they are, for tests of the journal alone.
    #[doc(hidden)]
    pub seals: bool,
}

// === impl Config ===

impl Config {
    /// Defaults in this directory.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            ..Self::default()
        }
    }

    /// Bounds of the journal's files: an eighth of all at most, so that letting one go is no large loss.
    pub(super) fn limits(&self) -> Limits {
        let bytes = self
            .generation_bytes
            .min(match self.max_bytes {
                0 => u64::MAX,
                max => max / 8,
            })
            .clamp(4096, 2 << 30);
        Limits {
            generation_bytes: bytes,
            allocate_bytes: (bytes / 16).min(4 << 20),
        }
    }

    /// How long one generation may go on, nanoseconds: an eighth of the age that spans are let go at.
    pub(super) fn ns_per_generation(&self) -> u64 {
        match self.max_age.as_nanos() {
            0 => u64::MAX,
            age => u64::try_from(age / 8).unwrap_or(u64::MAX),
        }
    }

    /// How much later the last span of a merged segment may have been taken in than the first, nanoseconds: it is let go as a whole.
    pub(super) fn ns_per_merge(&self) -> u64 {
        self.ns_per_generation().saturating_mul(2)
    }

    /// Bytes of memory that the index over what is not sealed yet may take. Beyond them writes wait for sealing.
    pub(super) fn head_bytes(&self) -> usize {
        self.index_bytes / 2
    }

    /// Bytes of memory that the index of one generation may take before the next one starts.
    pub(super) fn index_bytes_per_generation(&self) -> usize {
        self.head_bytes() / 6
    }

    /// Bytes of memory that blocks of segments may take that were read lately. The rest of the share is for sealing.
    pub(super) fn cache_bytes(&self) -> usize {
        self.index_bytes / 4
    }
}

impl Default for Config {
    /// 10 GiB and 168 hours in `spoor-data`, 96 MiB of index, 16 MiB waiting, files of 32 MiB.
    fn default() -> Self {
        Self {
            directory: "spoor-data".into(),
            max_bytes: 10 << 30,
            max_age: Duration::from_secs(168 * 3600),
            index_bytes: 96 << 20,
            queue_bytes: 16 << 20,
            generation_bytes: 32 << 20,
            clock: system_clock(),
            seals: true,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("directory", &self.directory)
            .field("max_bytes", &self.max_bytes)
            .field("max_age", &self.max_age)
            .field("index_bytes", &self.index_bytes)
            .field("queue_bytes", &self.queue_bytes)
            .field("generation_bytes", &self.generation_bytes)
            .finish_non_exhaustive()
    }
}
