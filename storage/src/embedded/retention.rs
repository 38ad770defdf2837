//! Keeps the store within its bounds by letting the oldest generation go: its index first, then its file.
//!
//! By age, by bytes on disk, by bytes of memory; counted and logged. The newest generation goes by age only.

use std::path::PathBuf;
use std::sync::Arc;

use super::Config;
use super::head::{Head, Index};
use super::metrics::Metrics;
use crate::disk::Disk;

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
            && let Some(reason) = self.beyond(&oldest, count, head)
        {
            head.pop_oldest();
            let path = oldest.generation.path.clone();
            tracing::info!(
                file = %path.display(),
                spans = oldest.spans(),
                dead_letters = oldest.dead_letters(),
                reason,
                "let the oldest spans go"
            );
            metrics.retired_spans.inc_by(oldest.spans());
            // who still reads the file has it open
            self.remove(path);
        }
    }

    /// Why the oldest generation has to go.
    fn beyond(&self, oldest: &Index, count: usize, head: &Head) -> Option<&'static str> {
        let totals = head.totals();
        let max_age = u64::try_from(self.config.max_age.as_nanos()).unwrap_or(u64::MAX);
        let age = (self.config.clock)().saturating_sub(oldest.newest_ns());
        if max_age > 0 && age > max_age {
            Some("embedded.max-age")
        } else if count < 2 {
            None
        } else if totals.file_bytes > self.config.max_bytes {
            Some("embedded.max-bytes")
        } else if totals.bytes > self.config.index_bytes {
            Some("memory.max-bytes")
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
