//! Traces that are kept for good: a store of its own in the folder `archive`, which no retention reaches.
//!
//! It is the same kind of store, journal, segments and recovery included, so that what was archived is as safe as what was taken in. It is
//! opened at the start when the folder is there, else by the first trace that is archived: who archives nothing pays nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use parking_lot::Mutex;

use super::metrics::Metrics;
use super::{Config, Embedded};
use crate::disk::Disk;
use crate::port::{self, Backend as _, TraceReader, WriteError};

/// Its folder, in that of the store it belongs to.
pub(super) const FOLDER: &str = "archive";
/// A file of its journal is this long: a few traces do not fill one.
const GENERATION_BYTES: u64 = 4 << 20;

/// The archive of an embedded store.
pub(super) struct Archive {
    config: Config,
    disk: Arc<dyn Disk>,
    metrics: Metrics,
    store: Mutex<Option<Arc<Embedded>>>,
}

// === impl Archive ===

impl Archive {
    /// Of the store with this configuration. One that is there and cannot be opened is reported, and stops nothing else.
    pub(super) fn new(of: &Config, disk: Arc<dyn Disk>, metrics: Metrics) -> Self {
        let archive = Self {
            config: Config {
                directory: of.directory.join(FOLDER),
                max_bytes: 0,
                min_free_bytes: Some(0),
                max_age: Duration::ZERO,
                namespaces: BTreeMap::new(),
                index_bytes: of.archive_bytes(),
                generation_bytes: GENERATION_BYTES.min(of.generation_bytes),
                archives: false,
                ..of.clone()
            },
            disk,
            metrics,
            store: Mutex::default(),
        };
        let is_there = archive.disk.list(&archive.config.directory);
        if is_there.is_ok_and(|names| !names.is_empty())
            && let Err(reason) = archive.open()
        {
            archive.metrics.damaged.inc();
            tracing::error!(
                reason,
                "the archive cannot be read, all else of the embedded store is served"
            );
        }
        archive
    }

    /// The store, opened now unless it was before.
    fn open(&self) -> Result<Arc<Embedded>, String> {
        let mut store = self.store.lock();
        if let Some(store) = &*store {
            return Ok(store.clone());
        }
        let metrics = self.metrics.of_archive();
        let opened = Embedded::open_with(self.config.clone(), self.disk.clone(), metrics);
        let opened = Arc::new(opened.map_err(|error| format!("the archive: {error}"))?);
        *store = Some(opened.clone());
        drop(store);
        self.show();
        Ok(opened)
    }

    fn opened(&self) -> Option<Arc<Embedded>> {
        self.store.lock().clone()
    }

    fn show(&self) {
        if let Some(store) = self.opened() {
            self.metrics.show_archive(&store.shared.head.totals());
        }
    }

    pub(super) async fn close(&self) {
        if let Some(store) = self.opened() {
            store.close().await;
        }
    }
}

/// What the port sees of it.
pub(super) struct Keeps(pub(super) Arc<Archive>);

impl port::Archive for Keeps {
    fn keep(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let archive = self.0.clone();
            let store = match archive.opened() {
                Some(store) => store,
                // reads and writes files
                None => tokio::task::spawn_blocking(move || archive.open())
                    .await
                    .unwrap_or_else(|error| Err(format!("the archive: {error}")))
                    .map_err(|reason| WriteError::Unavailable { reason })?,
            };
            store.writer().write(batch).await?;
            self.0.show();
            Ok(())
        })
    }

    fn reader(&self, instance: &Instance) -> Option<Arc<dyn TraceReader>> {
        self.0.opened().map(|store| store.reader(instance))
    }
}
