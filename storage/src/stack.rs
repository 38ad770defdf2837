//! Puts the layers together, and one or more backends below them: what the binary hands to the collector and to the query service.
//!
//! ```text
//! meter → sanitize → route(instance) → bury(window, limits) ─┬→ coalesce (where a backend asks for it) → backend
//!                                                            └→ …  (a list writes to all)
//! ```
//! With a spool, which answers, and whose draining is a caller of what lies below it:
//! ```text
//! … → bury(window, limits) → spool ┄┄→ bury(what is rejected late) ─┬→ coalesce → backend
//! ```
//! Window and limits belong to the layer that buries, since what they keep out has to be buried; and that one stands behind the route, since
//! each instance's dead letters are its own. A retry layer is absent: clients retry, and the embedded store waits inside the request.
//!
//! Which instances there are may change while it runs: those that stay keep the layers that they have.

mod kept;
mod letters;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use model::Instance;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio_util::task::TaskTracker;

use crate::layers::route::Routes;
use crate::layers::window::{Clock, system_clock};
use crate::layers::{Bury, Coalesce, FanOut, Ledger, Limits, Meter, Route, Sanitize, Window};
use crate::port::{
    Archive, Backend, DeadLetters, DependencyReader, Measures, SamplingStore, TraceReader,
    TraceWriter,
};
use crate::spool::Spools;
use crate::union::{Sum, Union};
use letters::Letters;

pub use kept::Kept;

/// What the layers need to know.
#[derive(Clone)]
pub struct Settings {
    /// Whose spans are taken, and how they are kept.
    pub instances: Vec<Kept>,
    /// Which spans are too old, and which too far ahead.
    pub window: Window,
    /// Which spans are too large.
    pub limits: Limits,
    /// Bytes that may wait for a merged write, an instance and a backend.
    pub max_waiting_bytes: usize,
    /// Whoever writes waits for as long as the store takes, as an ingester does; else spans that would wait longer than their senders do are sent home at once.
    pub waits: bool,
    /// What time it is.
    pub clock: Clock,
    /// Spans are durable once they are here, where all stores of their instance are reached over a network; `None`: once the stores have them.
    pub spools: Option<Arc<Spools>>,
}

/// Backends behind their layers.
pub struct Storage {
    writer: Arc<dyn TraceWriter>,
    meter: Arc<Meter>,
    ledger: Arc<Ledger>,
    route: Arc<Route>,
    known: Arc<kept::Known>,
    /// Changes come one by one.
    changing: Mutex<()>,
    settings: Settings,
    tracker: TaskTracker,
}

/// What can be read of one instance.
pub struct Reading {
    /// The name of the backend that is read first.
    pub kind: &'static str,
    /// Its traces, with those of the instances that are read with it.
    pub traces: Arc<dyn TraceReader>,
    /// Its dependencies, likewise.
    pub dependencies: Arc<dyn DependencyReader>,
    /// What counts its spans, likewise; none: nothing does.
    pub measures: Option<Measures>,
    /// Where its traces are kept for good.
    pub archive: Option<Arc<dyn Archive>>,
    /// A backend that is asked decides by the token or key of whoever asks.
    pub takes_credentials: bool,
}

/// There is no backend to put layers on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no storage is named: set span-storage.type")]
pub struct NoBackend;

// === impl Settings ===

impl Default for Settings {
    /// One instance, `default/jaeger`; spans of the last 720 hours and of ordinary size; 16 MiB waiting; the system's clock.
    fn default() -> Self {
        Self {
            instances: vec![Instance::default().into()],
            window: Window::default(),
            limits: Limits::default(),
            max_waiting_bytes: 16 << 20,
            waits: false,
            clock: system_clock(),
            spools: None,
        }
    }
}

// === impl Storage ===

impl Storage {
    /// Layers on `backends`, the open ones. Spans of an instance go to all of its own, and are read from the first. Dead letters go to the first that keeps any.
    pub fn build(backends: Vec<Arc<dyn Backend>>, settings: &Settings) -> Result<Self, NoBackend> {
        if backends.is_empty() {
            return Err(NoBackend);
        }
        let ledger = Arc::new(Ledger::new());
        let route = Arc::new(Route::new([]));
        let sanitize = Arc::new(Sanitize::new(route.clone()));
        let meter = Arc::new(Meter::new(sanitize, ledger.clone()));
        let storage = Self {
            writer: meter.clone(),
            meter,
            ledger,
            route,
            known: Arc::new(kept::Known::new(backends)),
            changing: Mutex::new(()),
            settings: settings.clone(),
            tracker: TaskTracker::new(),
        };
        storage.change(settings.instances.clone(), &BTreeSet::new());
        if let Some(spools) = &settings.spools {
            spools.look_for_left();
        }
        Ok(storage)
    }

    /// From now on these are the instances. Those that are kept as before go on with the layers that they have, unless they are among `anew`: their backends
    /// have opened something else for them. What is under way with one that goes ends as it began.
    pub fn change(&self, instances: Vec<Kept>, anew: &BTreeSet<Instance>) {
        let _one = self.changing.lock();
        let before = self.known.all();
        let instances: BTreeMap<Instance, Kept> = instances
            .into_iter()
            .map(|kept| (kept.instance.clone(), kept))
            .collect();
        let mut routes = Routes::new();
        if let Some(spools) = &self.settings.spools {
            let spooled = instances.values().filter(|kept| self.is_spooled(kept));
            spools.keep_only(&spooled.map(|kept| kept.instance.clone()).collect());
        }
        for (instance, kept) in &instances {
            let same = before
                .get(instance)
                .filter(|known| known.backends == kept.backends && !anew.contains(instance));
            let writer = same.and_then(|_| self.route.writer(instance));
            let writer = writer.unwrap_or_else(|| self.open(kept));
            routes.insert(instance.clone(), writer);
            // at zero from the start: a counter that is not there yet cannot be told from one that is broken
            self.ledger.account(instance);
        }
        self.known.replace(instances);
        self.route.replace(routes);
    }

    /// Takes away what is shown of instances that are gone, once nothing of theirs is under way; whether that is so for all.
    pub fn tidy(&self) -> bool {
        let known = self.known.all().keys().cloned().collect();
        self.ledger.keep_only(&known)
    }

    /// The layers of one instance.
    fn open(&self, kept: &Kept) -> Arc<dyn TraceWriter> {
        let backends = self.known.backends_of(kept);
        let instance = &kept.instance;
        let dead_letters = backends.iter().find_map(|b| b.dead_letters_of(instance));
        let writers = backends.iter().map(|b| (*b, b.writer_of(instance)));
        let max_waiting = self.settings.max_waiting_bytes;
        let spools = self.settings.spools.as_ref();
        let below = match spools.filter(|_| self.is_spooled(kept)) {
            None => below(writers, max_waiting, self.settings.waits, &self.tracker),
            Some(spools) => {
                // spans are in the ledger already: of what is buried now the spool tells
                let late = Bury::new(
                    below(writers, max_waiting, true, spools.writes()),
                    dead_letters.clone(),
                    Arc::new(Ledger::new()),
                    Window::OPEN,
                    Limits::OPEN,
                    self.settings.clock.clone(),
                );
                spools.of(instance, Arc::new(late))
            }
        };
        Arc::new(Bury::new(
            below,
            dead_letters,
            self.ledger.clone(),
            self.settings.window,
            self.settings.limits,
            self.settings.clock.clone(),
        ))
    }

    /// Whether its spans wait on the disk for stores that may be away.
    fn is_spooled(&self, kept: &Kept) -> bool {
        let mut backends = self.known.backends_of(kept).into_iter();
        self.settings.spools.is_some() && backends.all(|b| b.capabilities().remote)
    }

    /// Takes spans in, through all layers.
    pub fn writer(&self) -> Arc<dyn TraceWriter> {
        self.writer.clone()
    }

    /// Gives the spans of one instance back, from the first of its backends, and of those that are read with it.
    pub fn reader(&self, instance: &Instance) -> Arc<dyn TraceReader> {
        self.reading(instance).traces
    }

    /// All that can be read of one instance.
    pub fn reading(&self, instance: &Instance) -> Reading {
        let known = self.known.all();
        let kept = |instance: &Instance| match known.get(instance) {
            Some(kept) => kept.clone(),
            None => instance.clone().into(),
        };
        let own = kept(instance);
        let backend = self.known.first_of(&own);
        let mut reading = Reading {
            kind: backend.name(),
            traces: backend.reader(instance),
            dependencies: backend.dependencies(instance),
            measures: backend.measures(instance),
            archive: backend.archive(),
            takes_credentials: backend.capabilities().takes_credentials,
        };
        let others: Vec<&Instance> = own.union.iter().filter(|o| *o != instance).collect();
        if !others.is_empty() {
            let mut union = Union::new(instance, reading.traces, reading.dependencies);
            let mut is_dear = reading.measures.as_ref().is_some_and(|m| m.is_dear);
            let mut counts = vec![(instance.clone(), reading.measures.map(|m| m.reader))];
            for other in others {
                let backend = self.known.first_of(&kept(other));
                reading.takes_credentials |= backend.capabilities().takes_credentials;
                union.add(other, backend.reader(other), backend.dependencies(other));
                let measures = backend.measures(other);
                is_dear |= measures.as_ref().is_some_and(|m| m.is_dear);
                counts.push((other.clone(), measures.map(|m| m.reader)));
            }
            let counts_some = counts.iter().any(|(_, reader)| reader.is_some());
            reading.measures = counts_some.then(|| Measures {
                reader: Arc::new(Sum::new(counts)),
                is_dear,
            });
            let union = Arc::new(union);
            reading.traces = union.clone();
            reading.dependencies = union;
        }
        reading
    }

    /// Whether any instance's traces can be kept for good.
    pub fn has_archive(&self) -> bool {
        self.backends().any(|b| b.capabilities().archive)
    }

    /// Where spans go that can never be stored, for those that never reach the writer; `None`: they are dropped and counted.
    pub fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        let keeps = self.backends().any(|b| b.dead_letters().is_some());
        keeps.then(|| Arc::new(Letters(self.known.clone())) as Arc<dyn DeadLetters>)
    }

    /// Where adaptive sampling keeps what collectors agree on: with the first backend that has room for it; `None`: none has.
    pub fn sampling_store(&self) -> Option<Arc<dyn SamplingStore>> {
        self.backends().find_map(Backend::sampling_store)
    }

    /// What became of every span, for those that never reach the writer too.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    /// Puts the layers' metrics into `registry`. The backends' own are theirs to register.
    pub fn register(&self, registry: &mut Registry) {
        self.ledger.register(registry);
        self.meter.register(registry);
        if let Some(spools) = &self.settings.spools {
            spools.register(registry);
        }
    }

    /// `Err` with a sentence for an operator while a backend cannot write or read. One that a spool stands in front of may be away, as long as the spool takes spans.
    pub fn health(&self) -> Result<(), String> {
        if let Some(spools) = &self.settings.spools {
            spools.health()?;
        }
        let ills: Vec<_> = self
            .backends()
            .filter(|b| self.settings.spools.is_none() || !b.capabilities().remote)
            .filter_map(|b| Some(format!("{}: {}", b.name(), b.health().err()?)))
            .collect();
        if ills.is_empty() {
            return Ok(());
        }
        Err(ills.join("; "))
    }

    /// Finishes what was taken in, then closes the backends. Later writes are answered retryably.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(spools) = &self.settings.spools {
                spools.close().await;
            }
            self.tracker.close();
            self.tracker.wait().await;
            join_all(self.backends().map(Backend::close)).await;
        })
    }

    fn backends(&self) -> impl Iterator<Item = &dyn Backend> {
        self.known.backends().iter().map(|b| &**b)
    }
}

/// Takes dead letters in again, through what lies below the layers that are for senders: what still cannot be stored, by window, limits or a backend, is named in
/// [`WriteError::Rejected`](crate::WriteError::Rejected) and not buried once more; all others are durable.
pub fn replayer(backends: &[Arc<dyn Backend>], settings: &Settings) -> Arc<dyn TraceWriter> {
    let writers = backends.iter().map(|b| (b, b.writer()));
    Arc::new(Bury::new(
        below(
            writers,
            settings.max_waiting_bytes,
            true,
            &TaskTracker::new(),
        ),
        None,
        Arc::new(Ledger::new()),
        settings.window,
        settings.limits,
        settings.clock.clone(),
    ))
}

/// What lies below the layers that every instance has: the backends, each behind its own coalescing where it asks for it.
fn below<'a>(
    writers: impl Iterator<Item = (&'a Arc<dyn Backend>, Arc<dyn TraceWriter>)>,
    max_waiting_bytes: usize,
    waits: bool,
    tracker: &TaskTracker,
) -> Arc<dyn TraceWriter> {
    let mut writers: Vec<(&'static str, Arc<dyn TraceWriter>)> = writers
        .map(|(backend, writer)| {
            let writer = match backend.capabilities().coalesce_bytes {
                None => writer,
                Some(max_bytes) => {
                    let tracker = tracker.clone();
                    let layer = Coalesce::new(writer, max_bytes, max_waiting_bytes, tracker);
                    Arc::new(if waits { layer.patient() } else { layer })
                }
            };
            (backend.name(), writer)
        })
        .collect();
    match (writers.pop(), writers.is_empty()) {
        (Some((_, only)), true) => only,
        (last, _) => {
            writers.extend(last);
            Arc::new(FanOut::new(writers))
        }
    }
}

#[cfg(test)]
mod tests;
