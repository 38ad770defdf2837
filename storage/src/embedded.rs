//! The embedded store: durable, bounded, one process, no server to run.
//!
//! In: batches. Out: the same spans, from the moment they are acknowledged. A write is encoded on its caller's task, appended to the journal
//! with everything else that waits, synced once for all of them, made searchable, and then answered. A start reads the journal back.
//!
//! What is beyond `embedded.max-age`, `embedded.max-bytes` or the index's share of `memory.max-bytes` is let go, the oldest file first.
//! A failed sync ends all writing until the store is opened again; a full disk refuses writes until there is room; reads go on in both.
//!
//! Deliberately absent: sealed segments, compression, archives. Source of the design: `docs/adr/0003-journal.md`.

mod batch;
mod committer;
mod config;
mod dead_letters;
mod error;
mod format;
mod head;
mod journal;
mod metrics;
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod probe;
mod reader;
mod recover;
mod retention;
mod status;
mod writer;

use std::sync::Arc;
use std::thread::JoinHandle;

use futures_util::future::BoxFuture;
use model::Instance;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use self::committer::{Committer, Queue};
use self::dead_letters::{Cemetery, Recent};
use self::format::Folder;
use self::head::Head;
use self::metrics::Metrics;
use self::reader::{Reader, Shared};
use self::retention::Retention;
use self::status::Status;
use self::writer::Writer;
use crate::disk::Disk;
use crate::port::{Backend, Capabilities, DeadLetters, DependencyReader, TraceReader, TraceWriter};

pub use config::Config;
pub use dead_letters::RecentDeadLetter;
pub use error::OpenError;

/// How many searches run at once.
const SEARCHES: usize = 4;
/// How many short reads run at once.
const LOOKUPS: usize = 16;

/// The embedded store, opened. One process has a folder open at a time.
pub struct Embedded {
    writer: Arc<Writer>,
    queue: Arc<Queue>,
    status: Arc<Status>,
    shared: Arc<Shared>,
    recent: Arc<Recent>,
    metrics: Metrics,
    running: Arc<Mutex<Running>>,
}

/// What ends at close.
struct Running {
    committer: Option<JoinHandle<()>>,
    /// Given back once nothing is written any more.
    folder: Option<Folder>,
}

// === impl Embedded ===

impl Embedded {
    /// Opens the store in `config.directory`, creating it when missing, and reads it back. Takes as long as reading its files does.
    pub fn open(config: Config, disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let folder = Folder::open(&*disk, &config.directory)?;
        let metrics = Metrics::default();
        let head = Arc::new(Head::default());
        let recent = Arc::new(Recent::default());
        let journal = recover::recover(&disk, &folder.journal, &config, &head, &recent, &metrics)?;
        let queue = Arc::new(Queue::default());
        let status = Arc::new(Status::new(folder.journal.clone()));
        let mut retention = Retention::new(disk, config.clone());
        retention.enforce(&head, &metrics);
        metrics.show(&head.totals());
        let committer = Committer {
            queue: queue.clone(),
            journal,
            head: head.clone(),
            status: status.clone(),
            metrics: metrics.clone(),
            retention,
            recent: recent.clone(),
            current: None,
            index_bytes_per_generation: config.index_bytes_per_generation(),
            ns_per_generation: config.ns_per_generation(),
        };
        let committer = std::thread::Builder::new()
            .name("spoor-journal".to_owned())
            .spawn(|| committer.run())
            .map_err(|error| OpenError::Io {
                what: "start the thread that writes",
                path: config.directory.clone(),
                error,
            })?;
        let writer = Writer::new(
            queue.clone(),
            status.clone(),
            config.queue_bytes,
            config.clock,
        );
        Ok(Self {
            writer: Arc::new(writer),
            queue,
            status,
            shared: Arc::new(Shared {
                head,
                tracker: TaskTracker::new(),
                searches: Semaphore::new(SEARCHES),
                lookups: Semaphore::new(LOOKUPS),
                damaged: metrics.damaged.clone(),
            }),
            recent,
            metrics,
            running: Arc::new(Mutex::new(Running {
                committer: Some(committer),
                folder: Some(folder),
            })),
        })
    }

    /// A store on a disk in memory, for tests of what stands on it.
    #[cfg(any(test, feature = "conformance"))]
    pub fn open_simulated() -> Result<Self, OpenError> {
        let disk = crate::disk::SimulatedDisk::new(1);
        Self::open(Config::in_directory("/spoor-data"), Arc::new(disk))
    }

    /// Adds the store's numbers to what an operator sees.
    pub fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// How many dead letters the store keeps.
    pub fn dead_letter_count(&self) -> u64 {
        self.shared.head.totals().dead_letters
    }

    /// The last dead letters, without their payloads, the newest last.
    pub fn recent_dead_letters(&self) -> Vec<RecentDeadLetter> {
        self.recent.list()
    }
}

impl Backend for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            archive: false,
            dead_letters: true,
            operation_kinds: true,
            // it groups waiting writes itself
            coalesce_bytes: None,
        }
    }

    fn writer(&self) -> Arc<dyn TraceWriter> {
        self.writer.clone()
    }

    fn reader(&self, instance: &Instance) -> Arc<dyn TraceReader> {
        Arc::new(Reader::new(self.shared.clone(), instance.clone()))
    }

    fn dependencies(&self, instance: &Instance) -> Arc<dyn DependencyReader> {
        Arc::new(Reader::new(self.shared.clone(), instance.clone()))
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        let writer = self.writer.clone();
        Some(Arc::new(Cemetery { writer }))
    }

    fn health(&self) -> Result<(), String> {
        self.status.health()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.status.close();
            self.queue.close();
            let running = self.running.clone();
            let ended = self
                .shared
                .tracker
                .spawn_blocking(move || running.lock().end());
            // a join that fails means a thread that panicked, which said so itself
            drop(ended.await);
        })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.status.close();
        self.queue.close();
        self.running.lock().end();
    }
}

// === impl Running ===

impl Running {
    /// Waits until what was queued is written, then gives the folder back.
    fn end(&mut self) {
        if let Some(committer) = self.committer.take() {
            drop(committer.join());
        }
        self.folder = None;
    }
}

#[cfg(test)]
mod tests;
