//! What an operator sets of the embedded store.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use model::Instance;

use super::journal::Limits;
use crate::layers::window::{Clock, system_clock};

/// What one namespace is kept to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamespaceBounds {
    /// `embedded.namespace-max-age`: in place of `max_age`; zero: no limit.
    pub max_age: Option<Duration>,
    /// `embedded.namespace-max-bytes`: bytes that its segments may take, beside the bound on all; 0: no limit.
    pub max_bytes: u64,
}

/// Settings of the embedded store.
#[derive(Clone)]
pub struct Config {
    /// `embedded.directory`: where its files are; created when missing.
    pub directory: PathBuf,
    /// `embedded.max-bytes`: bytes that its files may take; the oldest spans go first; 0: no limit.
    pub max_bytes: u64,
    /// `embedded.min-free-bytes`: while the file system has less free than this, the oldest spans go; `Some(0)`: they do not, however full it
    /// is; `None`: 1 GiB or a twentieth of the file system, the smaller.
    pub min_free_bytes: Option<u64>,
    /// `embedded.max-age`: spans that were taken in longer ago go; zero: no limit.
    pub max_age: Duration,
    /// Bounds of single namespaces, by name.
    pub namespaces: BTreeMap<String, NamespaceBounds>,
    /// A share of `memory.max-bytes`: for the index over what is not sealed yet, for blocks that were read lately, for sealing.
    pub index_bytes: usize,
    /// A share of `memory.max-bytes`: bytes of spans that may wait to be written; more wait inside their requests.
    pub queue_bytes: usize,
    /// A file of the journal ends at about this many bytes, and is sealed then.
    pub generation_bytes: u64,
    /// What time it is.
    pub clock: Clock,
    /// Whether traces can be archived: not in an archive.
    #[doc(hidden)]
    pub archives: bool,
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

    /// The same on a file system of so many bytes. On a small one files are small too: what is kept free holds the journal, what is being
    /// sealed and a merge.
    #[must_use]
    pub(super) fn on_disk_of(mut self, size: u64) -> Self {
        if !self.lets_disk_fill() {
            self.generation_bytes = self.generation_bytes.min(size / 256);
        }
        self
    }

    /// Bytes that are to be free on a file system of this size.
    pub(super) fn wanted_free(&self, size: u64) -> u64 {
        self.min_free_bytes.unwrap_or((1 << 30).min(size / 20))
    }

    /// Whether nothing is let go for room.
    pub(super) fn lets_disk_fill(&self) -> bool {
        self.min_free_bytes == Some(0)
    }

    /// The age that an instance's spans are let go at, nanoseconds; `u64::MAX`: never.
    pub(super) fn max_age_ns(&self, instance: &Instance) -> u64 {
        let own = self.namespaces.get(instance.namespace());
        age_ns(own.and_then(|n| n.max_age).unwrap_or(self.max_age))
    }

    /// The ages that spans are let go at, whosever they are.
    fn ages_ns(&self) -> impl Iterator<Item = u64> {
        let own = self.namespaces.values().filter_map(|n| n.max_age);
        own.chain([self.max_age]).map(age_ns)
    }

    /// The age at which nothing is kept any more, nanoseconds.
    pub(super) fn longest_age_ns(&self) -> u64 {
        self.ages_ns().max().unwrap_or(u64::MAX)
    }

    /// How long one generation may go on, nanoseconds: an eighth of the first age that spans are let go at.
    pub(super) fn ns_per_generation(&self) -> u64 {
        match self.ages_ns().min() {
            None | Some(u64::MAX) => u64::MAX,
            Some(age) => age / 8,
        }
    }

    /// How much later the last span of an instance's merged segment may have been taken in than the first, nanoseconds: it is let go as a
    /// whole.
    pub(super) fn ns_per_merge(&self, instance: &Instance) -> u64 {
        match self.max_age_ns(instance) {
            u64::MAX => u64::MAX,
            age => age / 4,
        }
    }

    /// Bytes of memory that the index over what is not sealed yet may take. Beyond them writes wait for sealing.
    pub(super) fn head_bytes(&self) -> usize {
        self.index_bytes / 3
    }

    /// Bytes of memory that the index of one generation may take before the next one starts.
    pub(super) fn index_bytes_per_generation(&self) -> usize {
        self.head_bytes() / 6
    }

    /// The archive's own share.
    pub(super) fn archive_bytes(&self) -> usize {
        self.index_bytes / 16
    }

    /// Bytes of memory that blocks of segments may take that were read lately. The rest of the share is for sealing and for the archive.
    pub(super) fn cache_bytes(&self) -> usize {
        self.index_bytes / 3
    }
}

fn age_ns(age: Duration) -> u64 {
    match age.as_nanos() {
        0 => u64::MAX,
        age => u64::try_from(age).unwrap_or(u64::MAX),
    }
}

impl Default for Config {
    /// 10 GiB and 168 hours in `spoor-data`, 96 MiB of index, 16 MiB waiting, files of 32 MiB.
    fn default() -> Self {
        Self {
            directory: "spoor-data".into(),
            max_bytes: 10 << 30,
            min_free_bytes: None,
            max_age: Duration::from_secs(168 * 3600),
            namespaces: BTreeMap::new(),
            index_bytes: 96 << 20,
            queue_bytes: 16 << 20,
            generation_bytes: 32 << 20,
            clock: system_clock(),
            archives: true,
            seals: true,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("directory", &self.directory)
            .field("max_bytes", &self.max_bytes)
            .field("min_free_bytes", &self.min_free_bytes)
            .field("max_age", &self.max_age)
            .field("namespaces", &self.namespaces)
            .field("index_bytes", &self.index_bytes)
            .field("queue_bytes", &self.queue_bytes)
            .field("generation_bytes", &self.generation_bytes)
            .finish_non_exhaustive()
    }
}
