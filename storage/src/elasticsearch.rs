//! Elasticsearch and OpenSearch, as Jaeger's data lies in them: for each instance a cluster, indices and credentials of its own.
//!
//! In: batches and questions of any instance that has a [`Config`]. Out: documents equal to Jaeger's, and spans read back from what any version of Jaeger
//! wrote. `Ok` from a write means that the cluster confirmed each document.
//!
//! Instances share nothing but this folder: a cluster that is away, slow or refuses us harms its own instance alone. They come and go while it is open.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch` v1.76.0.

mod archive;
mod bulk;
pub mod check;
mod closed;
pub mod config;
mod dead_letters;
mod dependencies;
pub mod document;
mod gate;
mod graph;
pub mod housekeeping;
mod index;
mod lease;
mod metrics;
mod opened;
mod reader;
mod sampling;
mod scroll;
mod search;
mod services;
mod store;
mod template;
mod watch;
mod writer;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::port::{
    Archive, Backend, Capabilities, DeadLetterReader, DeadLetters, DependencyReader, Measures,
    SamplingStore, TraceReader, TraceWriter, WriteError,
};
use crate::write_only::WriteOnly;
use archive::Archives;
use dead_letters::Letters;
use metrics::Families;
use opened::{Bound, Opened, Stores};
use reader::Reader;
use sampling::Samplings;
use store::Store;

pub(crate) use bulk::jittered;
pub use config::Config;

/// Instances whose trouble is told at once.
const SHOWN: usize = 3;

/// The clusters of all instances.
pub struct Elasticsearch {
    shared: Arc<Shared>,
    /// Housekeeping.
    tasks: TaskTracker,
    ending: CancellationToken,
    keeps_house: AtomicBool,
}

struct Shared {
    /// By namespace and name, and by nothing shorter.
    stores: ArcSwap<Stores>,
    families: Families,
    upkeep: housekeeping::Families,
    graphs: graph::Families,
    closed: AtomicBool,
    /// It is told by reads whether a cluster is there, and not by writes.
    watches: AtomicBool,
}

/// The writer of any instance, by what is open when it is asked.
struct Writer(Arc<Shared>);

/// Stores in place of those that are open, none of them in use yet.
pub struct Change {
    next: Stores,
    /// Those that were opened anew, and those that go.
    concerned: BTreeSet<Instance>,
}

// === impl Elasticsearch ===

impl Elasticsearch {
    /// Opens nothing but files: clusters may be away at the start.
    ///
    /// # Errors
    /// A setting or a file that cannot be used, with its instance. Blocks.
    pub fn new(configs: Vec<Config>) -> Result<Self, String> {
        let all = Self {
            shared: Arc::new(Shared {
                stores: ArcSwap::default(),
                families: Families::new(),
                upkeep: housekeeping::Families::default(),
                graphs: graph::Families::default(),
                closed: AtomicBool::new(false),
                watches: AtomicBool::new(false),
            }),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
            keeps_house: AtomicBool::new(false),
        };
        let change = all.prepare(configs)?;
        all.apply(change);
        Ok(all)
    }

    /// Opens the stores of `configs` that are not open as they are there, and changes nothing yet. Blocks.
    ///
    /// # Errors
    /// A setting or a file that cannot be used, with its instance.
    pub fn prepare(&self, configs: Vec<Config>) -> Result<Change, String> {
        let open = self.shared.stores.load_full();
        let mut next = Stores::new();
        let mut concerned = BTreeSet::new();
        for config in configs {
            let instance = config.instance.clone();
            let kept = open.get(&instance).filter(|opened| opened.is_as(&config));
            let store = match kept {
                Some(kept) => kept.clone(),
                None => {
                    concerned.insert(instance.clone());
                    let opened = Opened::open(config, &self.shared.families, &self.ending);
                    let opened = opened.map_err(|problem| format!("{instance}: {problem}"))?;
                    Arc::new(opened)
                }
            };
            if next.insert(instance.clone(), store).is_some() {
                return Err(format!("{instance} has two stores: name it once"));
            }
        }
        concerned.extend(
            open.keys()
                .filter(|known| !next.contains_key(known))
                .cloned(),
        );
        Ok(Change { next, concerned })
    }

    /// From now on these are asked. What is under way with one that goes ends there, and then its connections close. Those that stay are not touched.
    pub fn apply(&self, change: Change) {
        let Change { next, concerned } = change;
        let before = self.shared.stores.swap(Arc::new(next));
        let now = self.shared.stores.load();
        for instance in &concerned {
            if let Some(gone) = before.get(instance) {
                gone.leave();
            }
            match now.get(instance) {
                Some(opened) => self.keep(opened),
                None => {
                    self.shared.families.forget(instance);
                    self.shared.upkeep.forget(instance);
                    self.shared.graphs.forget(instance);
                }
            }
        }
    }

    /// Puts what is counted into `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.shared.families.register(registry);
        self.shared.upkeep.register(registry);
        self.shared.graphs.register(registry);
    }

    /// Keeps the indices of all instances that have it switched on in order, and their graphs, until it is closed, those included that come later. For processes that write; call it once.
    pub fn keep_house(&self) {
        self.keeps_house.store(true, Ordering::Release);
        for opened in self.shared.stores.load().values() {
            self.keep(opened);
        }
    }

    /// Looks whether clusters can be read, until it is closed, those included that come later: health is of that. For processes that only read; call it once.
    pub fn watch(&self) {
        self.shared.watches.store(true, Ordering::Release);
        let shared = self.shared.clone();
        self.tasks
            .spawn(watch::keep(move || shared.mains(), self.ending.clone()));
    }

    fn keep(&self, opened: &Opened) {
        if !self.keeps_house.load(Ordering::Acquire) {
            return;
        }
        if let Some(keeper) = housekeeping::Keeper::new(&opened.main, &self.shared.upkeep) {
            self.tasks.spawn(keeper.keep(opened.ending.clone()));
        }
        if let Some(keeper) = graph::Keeper::new(&opened.main, &self.shared.graphs) {
            self.tasks.spawn(keeper.keep(opened.ending.clone()));
        }
    }
}

// === impl Change ===

impl Change {
    /// Instances whose store is another from now on, is new, or is gone.
    pub fn concerned(&self) -> &BTreeSet<Instance> {
        &self.concerned
    }
}

// === impl Shared ===

impl Shared {
    fn opened(&self, instance: &Instance) -> Option<Arc<Opened>> {
        self.stores.load().get(instance).cloned()
    }

    fn known(&self, instance: &Instance) -> Result<Arc<Opened>, WriteError> {
        self.check_open()?;
        let opened = self.opened(instance);
        opened.ok_or_else(|| WriteError::Unavailable {
            reason: has_no_store(instance),
        })
    }

    fn mains(&self) -> Vec<Arc<Store>> {
        let stores = self.stores.load();
        stores.values().map(|opened| opened.main.clone()).collect()
    }

    fn places(&self) -> Vec<Arc<Store>> {
        let stores = self.stores.load();
        let places = stores.values();
        let places = places.flat_map(|opened| std::iter::once(&opened.main).chain(&opened.archive));
        places.cloned().collect()
    }

    /// Bytes of one merged write.
    fn coalesce_bytes(&self) -> usize {
        let stores = self.stores.load();
        let bytes = stores.values().map(|opened| {
            let limits = &opened.main.place.limits;
            limits.bulk_bytes * limits.bulk_workers.max(1)
        });
        bytes.max().unwrap_or_default()
    }

    fn has_archive(&self) -> bool {
        let stores = self.stores.load();
        stores.values().any(|opened| opened.archive.is_some())
    }

    fn counts_calls(&self) -> bool {
        let stores = self.stores.load();
        stores.values().any(|opened| opened.main.place.graph.is_on)
    }

    fn takes_credentials(&self) -> bool {
        let places = self.places();
        let mut connections = places.iter().map(|store| &store.place.connection);
        connections.any(|to| to.propagate_api_key || to.propagate_bearer_token)
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
            let opened = self.0.known(&batch.instance)?;
            opened.main.write(&[&batch], true).await
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
            takes_credentials: self.shared.takes_credentials(),
            counts_calls: self.shared.counts_calls(),
            remote: true,
            coalesce_bytes: Some(self.shared.coalesce_bytes()),
            ..Capabilities::default()
        }
    }

    fn writer(&self) -> Arc<dyn TraceWriter> {
        Arc::new(Writer(self.shared.clone()))
    }

    fn writer_of(&self, instance: &Instance) -> Arc<dyn TraceWriter> {
        match self.shared.opened(instance) {
            Some(opened) => Arc::new(Bound::new(opened, self.shared.clone())),
            None => self.writer(),
        }
    }

    fn dead_letters_of(&self, instance: &Instance) -> Option<Arc<dyn DeadLetters>> {
        match self.shared.opened(instance) {
            Some(opened) => Some(Arc::new(Bound::new(opened, self.shared.clone()))),
            None => self.dead_letters(),
        }
    }

    fn reader(&self, instance: &Instance) -> Arc<dyn TraceReader> {
        match self.shared.opened(instance) {
            Some(opened) => Arc::new(Reader::new(&opened.main)),
            None => Arc::new(nowhere(instance)),
        }
    }

    fn dependencies(&self, instance: &Instance) -> Arc<dyn DependencyReader> {
        match self.shared.opened(instance) {
            Some(opened) => Arc::new(Reader::new(&opened.main)),
            None => Arc::new(nowhere(instance)),
        }
    }

    fn measures(&self, instance: &Instance) -> Option<Measures> {
        let opened = self.shared.opened(instance)?;
        Some(Measures {
            reader: Arc::new(Reader::new(&opened.main)),
            is_dear: true,
        })
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
        let stores = self.shared.stores.load();
        let first = stores.values().next()?;
        Some(Arc::new(Samplings::new(first.main.clone())))
    }

    /// Ill when no instance's cluster takes spans, or, in a process that only reads, none gives any: one that does is served, and what the others lack is in the metrics.
    fn health(&self) -> Result<(), String> {
        let mut ills = Vec::new();
        let watches = self.shared.watches.load(Ordering::Acquire);
        for opened in self.shared.stores.load().values() {
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
