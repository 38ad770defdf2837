//! Keeps the store within its bounds by letting the oldest generation go: its index first, then its file.
//!
//! By age, by bytes on disk, by bytes of memory; counted and logged, and warned of when it is memory, since spans then go earlier than an
//! operator who set the age and the bytes expects. The newest generation goes by age only.

use std::path::PathBuf;
use std::sync::Arc;

use super::Config;
use super::head::{Head, Index};
use super::metrics::Metrics;
use crate::disk::Disk;

/// What leaves no room for the oldest spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// `embedded.max-age`.
    Age,
    /// `embedded.max-bytes`.
    Bytes,
    /// A share of `memory.max-bytes`.
    Memory,
}

/// Bounds, and what is needed to hold them.
pub(super) struct Retention {
    disk: Arc<dyn Disk>,
    config: Config,
    /// Files whose removal failed: tried again.
    left: Vec<PathBuf>,
}

// === impl Retention ===

impl Retention {
    pub(super) fn new(disk: Arc<dyn Disk>, config: Config) -> Self {
        Self {
            disk,
            config,
            left: Vec::new(),
        }
    }

    /// Lets go what is beyond the bounds.
    pub(super) fn enforce(&mut self, head: &Head, metrics: &Metrics) {
        if !self.left.is_empty() {
            let left = std::mem::take(&mut self.left);
            left.into_iter().for_each(|path| self.remove(path));
        }
        while let Some((oldest, count)) = head.oldest()
            && let Some(bound) = self.beyond(&oldest, count, head)
        {
            head.pop_oldest();
            let path = oldest.generation.path.clone();
            let (spans, dead_letters) = (oldest.spans(), oldest.dead_letters());
            if bound == Bound::Memory {
                tracing::warn!(
                    file = %path.display(),
                    spans,
                    dead_letters,
                    "let the oldest spans go: their index is beyond its share of memory, raise memory.max-bytes to keep them longer"
                );
            } else {
                let reason = bound.setting();
                tracing::info!(
                    file = %path.display(),
                    spans,
                    dead_letters,
                    reason,
                    "let the oldest spans go"
                );
            }
            metrics.retired_spans(bound).inc_by(spans);
            // who still reads the file has it open
            self.remove(path);
        }
    }

    /// Why the oldest generation has to go.
    fn beyond(&self, oldest: &Index, count: usize, head: &Head) -> Option<Bound> {
        let totals = head.totals();
        let max_age = u64::try_from(self.config.max_age.as_nanos()).unwrap_or(u64::MAX);
        let age = (self.config.clock)().saturating_sub(oldest.newest_ns());
        if max_age > 0 && age > max_age {
            Some(Bound::Age)
        } else if count < 2 {
            None
        } else if totals.file_bytes > self.config.max_bytes {
            Some(Bound::Bytes)
        } else if totals.bytes > self.config.index_bytes {
            Some(Bound::Memory)
        } else {
            None
        }
    }

    fn remove(&mut self, path: PathBuf) {
        if let Err(error) = self.disk.remove(&path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::debug!(file = %path.display(), %error, "could not remove a file yet");
            self.left.push(path);
        }
    }
}

// === impl Bound ===

impl Bound {
    pub(super) const ALL: [Self; 3] = [Self::Age, Self::Bytes, Self::Memory];

    /// The word that counts it in metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Bytes => "bytes",
            Self::Memory => "memory",
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Self::Age => "embedded.max-age",
            Self::Bytes => "embedded.max-bytes",
            Self::Memory => "memory.max-bytes",
        }
    }
}
