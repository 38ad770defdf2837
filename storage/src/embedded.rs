//! The embedded store: durable, bounded, one process, no server to run.
//!
//! In: batches. Out: the same spans, from the moment they are acknowledged. A write is encoded on its caller's task, appended to the journal
//! with everything else that waits, synced once for all of them, made searchable, and then answered. A full file of the journal is sealed
//! into segments, and segments into larger ones. A start opens the segments and reads the rest of the journal back.
//!
//! What is beyond `embedded.max-age` or `embedded.max-bytes`, or leaves less free than `embedded.min-free-bytes`, is let go, the oldest
//! first. Memory is bounded by a share of `memory.max-bytes`: when sealing is behind, writes wait. A failed sync ends all writing until the store is opened again; a full disk
//! refuses writes until there is room; reads go on in both.
//!
//! Sources of the design: `docs/adr/0003-journal.md`, `docs/adr/0006-segments.md`; the format: `docs/embedded-format.md`.

mod archive;
pub(crate) mod batch;
mod committer;
mod config;
mod dead_letters;
mod error;
mod forgotten;
mod format;
#[cfg(any(test, feature = "conformance"))]
#[doc(hidden)]
pub mod fuzz;
mod head;
pub mod inspect;
pub(crate) mod journal;
mod keeper;
mod manifest;
mod metrics;
#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod probe;
mod reader;
mod recover;
mod sampling;
mod seal;
mod segment;
pub(crate) mod status;
mod writer;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use futures_util::future::BoxFuture;
use model::Instance;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use self::archive::{Archive, Keeps};
use self::committer::{Committer, Queue};
use self::dead_letters::{Cemetery, Recent};
use self::format::Folder;
use self::head::Head;
use self::keeper::{Bell, Book, Keeper, Watch};
use self::metrics::Metrics;
use self::reader::{Reader, Shared};
use self::sampling::Sampling;
use self::seal::Sealer;
use self::segment::Cache;
use self::status::Status;
use self::writer::Writer;
use crate::disk::Disk;
use crate::port::{
    self, Backend, Capabilities, DeadLetters, DependencyReader, Measures, SamplingStore,
    TraceReader, TraceWriter,
};

pub use config::{Config, NamespaceBounds};
pub use dead_letters::RecentDeadLetter;
pub use error::OpenError;

/// The setting that names its folder.
const DIRECTORY: &str = "embedded.directory";
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
    keeper: Arc<Keeper>,
    /// `None` in an archive itself.
    archive: Option<Arc<Archive>>,
    /// `None` in an archive.
    sampling: Option<Arc<Sampling>>,
    running: Arc<Mutex<Running>>,
}

/// What ends at close.
struct Running {
    committer: Option<JoinHandle<()>>,
    keepers: Vec<JoinHandle<()>>,
    bell: Arc<Bell>,
    /// Given back once nothing is written any more.
    folder: Option<Folder>,
}

// === impl Embedded ===

impl Embedded {
    /// Opens the store in `config.directory`, creating it when missing, and reads it back. Takes as long as reading its files does.
    pub fn open(config: Config, disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let metrics = Metrics::default();
        let of = config.clone();
        let mut store = Self::open_with(config, disk.clone(), metrics.clone())?;
        let sampling = Sampling::open(of.directory.clone(), disk.clone(), &metrics);
        store.sampling = Some(Arc::new(sampling));
        if of.archives {
            store.archive = Some(Arc::new(Archive::new(&of, disk, metrics)));
        }
        Ok(store)
    }

    fn open_with(config: Config, disk: Arc<dyn Disk>, metrics: Metrics) -> Result<Self, OpenError> {
        let folder = Folder::open(&*disk, &config.directory)?;
        let folders = folder.folders.clone();
        let watch = Watch::default();
        let room = watch.measure(&*disk, &config);
        let config = room.map_or(config.clone(), |room| config.on_disk_of(room.size));
        let head = Arc::new(Head::default());
        let recent = Arc::new(Recent::default());
        let cache = Cache::new(config.cache_bytes());
        let restored = keeper::restore(&*disk, &folders, &cache, &head, &recent, &metrics)
            .map_err(|error| OpenError::Io {
                what: "read",
                path: config.directory.clone(),
                error,
            })?;
        let manifest = &restored.manifest;
        let recovered =
            recover::recover(&disk, &folders, manifest, &config, &head, &recent, &metrics)?;
        let queue = Arc::new(Queue::default());
        let status = Arc::new(Status::new(
            "the embedded store",
            DIRECTORY,
            folders.journal.clone(),
        ));
        let bell = Arc::new(Bell::default());
        let keeper = Arc::new(Keeper {
            sealer: Sealer {
                disk,
                folder: folders.segments.clone(),
                letters: folders.letters.clone(),
                cache,
            },
            folders,
            head: head.clone(),
            metrics: metrics.clone(),
            config: config.clone(),
            bell: bell.clone(),
            manifest: Mutex::new(Book {
                next_segment: restored.manifest.next_segment,
                manifest: restored.manifest,
            }),
            left: Mutex::default(),
            unread: Mutex::default(),
            unmergeable: Mutex::default(),
            failing: Mutex::default(),
            watch,
            asked: AtomicBool::new(false),
        });
        keeper.begin(restored.changed, recovered.unread);
        let committer = Committer {
            queue: queue.clone(),
            journal: recovered.journal,
            head: head.clone(),
            status: status.clone(),
            metrics: metrics.clone(),
            keeper: keeper.clone(),
            recent: recent.clone(),
            current: None,
            index_bytes_per_generation: config.index_bytes_per_generation(),
            ns_per_generation: config.ns_per_generation(),
            head_bytes: config.head_bytes(),
        };
        let thread = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(|error| OpenError::Io {
                    what: "start the threads that write",
                    path: config.directory.clone(),
                    error,
                })
        };
        let mut threads = Running {
            committer: None,
            keepers: Vec::new(),
            bell,
            folder: Some(folder),
        };
        let sealing = keeper.clone();
        let sealing = thread("spoor-seal", Box::new(move || sealing.run_sealing()))?;
        threads.keepers.push(sealing);
        let merging = keeper.clone();
        let merging = thread("spoor-merge", Box::new(move || merging.run_merging()));
        // from here on an error has to end what was started
        let started = merging.and_then(|merging| {
            threads.keepers.push(merging);
            thread("spoor-journal", Box::new(move || committer.run()))
        });
        match started {
            Ok(committer) => threads.committer = Some(committer),
            Err(error) => {
                threads.end();
                return Err(error);
            }
        }
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
            keeper,
            archive: None,
            sampling: None,
            running: Arc::new(Mutex::new(threads)),
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

    /// How many spans it has let go since it was opened, for want of room or for their age.
    pub fn retired_spans(&self) -> u64 {
        let counts = keeper::Bound::ALL.map(|bound| self.metrics.retired_spans(bound).get());
        counts.into_iter().sum()
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
            archive: self.archive.is_some(),
            dead_letters: true,
            sampling_store: self.sampling.is_some(),
            takes_credentials: false,
            operation_kinds: true,
            lossless: true,
            counts_calls: true,
            visible_at_once: true,
            remote: false,
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

    fn measures(&self, instance: &Instance) -> Option<Measures> {
        Some(Measures {
            reader: Arc::new(Reader::new(self.shared.clone(), instance.clone())),
            is_dear: false,
        })
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        let writer = self.writer.clone();
        Some(Arc::new(Cemetery { writer }))
    }

    fn archive(&self) -> Option<Arc<dyn port::Archive>> {
        let archive = self.archive.clone()?;
        Some(Arc::new(Keeps(archive)))
    }

    fn sampling_store(&self) -> Option<Arc<dyn SamplingStore>> {
        Some(Arc::new(sampling::Store {
            sampling: self.sampling.clone()?,
            tracker: self.shared.tracker.clone(),
        }))
    }

    fn health(&self) -> Result<(), String> {
        self.status.health()?;
        self.keeper.health()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.status.close();
            self.queue.close();
            let (running, sampling) = (self.running.clone(), self.sampling.clone());
            let ended = self.shared.tracker.spawn_blocking(move || {
                if let Some(sampling) = sampling {
                    sampling.close();
                }
                running.lock().end();
            });
            // a join that fails means a thread that panicked, which said so itself
            drop(ended.await);
            if let Some(archive) = &self.archive {
                archive.close().await;
            }
        })
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.status.close();
        self.queue.close();
        if let Some(sampling) = &self.sampling {
            sampling.close();
        }
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
        self.bell.close();
        for keeper in self.keepers.drain(..) {
            drop(keeper.join());
        }
        self.folder = None;
    }
}

#[cfg(test)]
mod tests;
