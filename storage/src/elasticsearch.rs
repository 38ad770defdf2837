//! Elasticsearch and OpenSearch, as Jaeger's data lies in them: for each instance a cluster, indices and credentials of its own.
//!
//! In: batches and questions of any instance that has a [`Config`]. Out: documents equal to Jaeger's, and spans read back from what any version of Jaeger
//! wrote. `Ok` from a write means that the cluster confirmed each document.
//!
//! Instances share nothing but this folder: a cluster that is away, slow or refuses us harms its own instance alone.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch` v1.76.0.

mod archive;
mod bulk;
pub mod check;
mod client;
mod closed;
pub mod config;
mod dead_letters;
mod dependencies;
pub mod document;
mod gate;
pub mod housekeeping;
mod index;
mod metrics;
mod reader;
mod sampling;
mod scroll;
mod search;
mod services;
mod store;
mod template;
mod watch;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::port::{
    Archive, Backend, Capabilities, DeadLetterReader, DeadLetters, DependencyReader, SamplingStore,
    TraceReader, TraceWriter, WriteError,
};
use crate::write_only::WriteOnly;
use archive::Archives;
use dead_letters::Letters;
use metrics::Families;
use reader::Reader;
use sampling::Samplings;
use store::Store;

pub use config::Config;

/// Instances whose trouble is told at once.
const SHOWN: usize = 3;

/// The clusters of all instances.
pub struct Elasticsearch {
    shared: Arc<Shared>,
    /// Housekeeping.
    tasks: TaskTracker,
    ending: CancellationToken,
}

struct Shared {
    /// By namespace and name, and by nothing shorter.
    stores: BTreeMap<Instance, Opened>,
    families: Families,
    upkeep: housekeeping::Families,
    closed: AtomicBool,
    /// It is told by reads whether a cluster is there, and not by writes.
    watches: AtomicBool,
    /// Bytes of one merged write.
    coalesce_bytes: usize,
}

/// What an instance has.
struct Opened {
    main: Arc<Store>,
    archive: Option<Arc<Store>>,
}

struct Writer(Arc<Shared>);

// === impl Elasticsearch ===

impl Elasticsearch {
    /// Opens nothing but files: clusters may be away at the start.
    ///
    /// # Errors
    /// A setting or a file that cannot be used, with its instance. Blocks.
    pub fn new(configs: Vec<Config>) -> Result<Self, String> {
        let families = Families::new();
        let mut stores = BTreeMap::new();
        let mut coalesce_bytes = 0;
        for config in configs {
            let Config {
                instance,
                main,
                archive,
            } = config;
            coalesce_bytes =
                coalesce_bytes.max(main.limits.bulk_bytes * main.limits.bulk_workers.max(1));
            let open = |place, store| -> Result<Arc<Store>, String> {
                let metrics = families.of(&instance, store);
                let opened = Store::open(instance.clone(), place, metrics)?;
                opened.client.check_files()?;
                Ok(Arc::new(opened))
            };
            let opened = || -> Result<Opened, String> {
                Ok(Opened {
                    main: open(main, "main")?,
                    archive: archive.map(|place| open(place, "archive")).transpose()?,
                })
            };
            let opened = opened().map_err(|problem| format!("{instance}: {problem}"))?;
            if stores.insert(instance.clone(), opened).is_some() {
                return Err(format!("{instance} has two stores: name it once"));
            }
        }
        Ok(Self {
            shared: Arc::new(Shared {
                stores,
                families,
                upkeep: housekeeping::Families::default(),
                closed: AtomicBool::new(false),
                watches: AtomicBool::new(false),
                coalesce_bytes,
            }),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
        })
    }

    /// Puts what is counted into `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.shared.families.register(registry);
        self.shared.upkeep.register(registry);
    }

    /// Keeps the indices of all instances that have it switched on in order, until it is closed. For processes that write; call it once.
    pub fn keep_house(&self) {
        for opened in self.shared.stores.values() {
            if let Some(keeper) = housekeeping::Keeper::new(&opened.main, &self.shared.upkeep) {
                self.tasks.spawn(keeper.keep(self.ending.clone()));
            }
        }
    }

    /// Looks whether clusters can be read, until it is closed: health is of that. For processes that only read; call it once.
    pub fn watch(&self) {
        self.shared.watches.store(true, Ordering::Release);
        let stores = self.shared.stores.values();
        let stores = stores.map(|opened| opened.main.clone()).collect();
        self.tasks.spawn(watch::keep(stores, self.ending.clone()));
    }
}

// === impl Shared ===

impl Shared {
    fn opened(&self, instance: &Instance) -> Result<&Opened, WriteError> {
        self.stores
            .get(instance)
            .ok_or_else(|| WriteError::Unavailable {
                reason: has_no_store(instance),
            })
    }

    fn main(&self, instance: &Instance) -> Result<&Arc<Store>, WriteError> {
        self.check_open()?;
        Ok(&self.opened(instance)?.main)
    }

    fn has_archive(&self) -> bool {
        self.stores.values().any(|opened| opened.archive.is_some())
    }

    fn check_open(&self) -> Result<(), WriteError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(WriteError::Unavailable {
                reason: "storage is closed".to_owned(),
            });
        }
        Ok(())
    }
}

impl TraceWriter for Writer {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            let store = self.0.main(&batch.instance)?;
            store.write(&batch.spans, true).await
        }
        .boxed()
    }
}

impl Backend for Elasticsearch {
    fn name(&self) -> &'static str {
        "elasticsearch"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            archive: self.shared.has_archive(),
            dead_letters: true,
            sampling_store: true,
            coalesce_bytes: Some(self.shared.coalesce_bytes),
            ..Capabilities::default()
        }
    }

    fn writer(&self) -> Arc<dyn TraceWriter> {
        Arc::new(Writer(self.shared.clone()))
    }

    fn reader(&self, instance: &Instance) -> Arc<dyn TraceReader> {
        match self.shared.stores.get(instance) {
            Some(opened) => Arc::new(Reader::new(&opened.main)),
            None => Arc::new(nowhere(instance)),
        }
    }

    fn dependencies(&self, instance: &Instance) -> Arc<dyn DependencyReader> {
        match self.shared.stores.get(instance) {
            Some(opened) => Arc::new(Reader::new(&opened.main)),
            None => Arc::new(nowhere(instance)),
        }
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(Letters(self.shared.clone())))
    }

    fn dead_letter_reader(&self) -> Option<Arc<dyn DeadLetterReader>> {
        Some(Arc::new(dead_letters::Reader(self.shared.clone())))
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        let archives = || Arc::new(Archives(self.shared.clone())) as Arc<dyn Archive>;
        self.shared.has_archive().then(archives)
    }

    /// With the first instance's spans: adaptive sampling is for a process with one.
    fn sampling_store(&self) -> Option<Arc<dyn SamplingStore>> {
        let first = self.shared.stores.values().next()?;
        Some(Arc::new(Samplings::new(first.main.clone())))
    }

    /// Ill when no instance's cluster takes spans, or, in a process that only reads, none gives any: one that does is served, and what the others lack is in the metrics.
    fn health(&self) -> Result<(), String> {
        let mut ills = Vec::new();
        let watches = self.shared.watches.load(Ordering::Acquire);
        for opened in self.shared.stores.values() {
            let health = if watches {
                opened.main.watch.health()
            } else {
                opened.main.gate.health()
            };
            match health {
                Ok(()) => return Ok(()),
                Err(ill) => ills.push(ill),
            }
        }
        let more = ills.len().saturating_sub(SHOWN);
        ills.truncate(SHOWN);
        if more > 0 {
            ills.push(format!("and {more} more"));
        }
        if ills.is_empty() {
            return Ok(());
        }
        Err(ills.join("; "))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.shared.closed.store(true, Ordering::Release);
        self.ending.cancel();
        self.tasks.close();
        self.tasks.wait().boxed()
    }
}

/// For an instance without a store.
fn nowhere(instance: &Instance) -> WriteOnly {
    WriteOnly {
        elsewhere: has_no_store(instance),
    }
}

fn has_no_store(instance: &Instance) -> String {
    format!("{instance} has no store: give it one under instances in the file of settings")
}
