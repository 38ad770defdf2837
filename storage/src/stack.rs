//! Puts the layers together, and one or more backends below them: what the binary hands to the collector and to the query service.
//!
//! ```text
//! meter → sanitize → route(instance) → bury(window, limits) ─┬→ coalesce (where a backend asks for it) → backend
//!                                                            └→ …  (a list writes to all)
//! ```
//! Window and limits belong to the layer that buries, since what they keep out has to be buried; and that one stands behind the route, since
//! each instance's dead letters are its own. A retry layer is absent: clients retry, and the embedded store waits inside the request.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use model::Instance;
use prometheus_client::registry::Registry;
use tokio_util::task::TaskTracker;

use crate::layers::window::{Clock, system_clock};
use crate::layers::{Bury, Coalesce, FanOut, Ledger, Limits, Meter, Route, Sanitize, Window};
use crate::port::{
    Archive, Backend, DeadLetters, DependencyReader, SamplingStore, TraceReader, TraceWriter,
};

/// What the layers need to know.
#[derive(Clone)]
pub struct Settings {
    /// Whose spans are taken.
    pub instances: Vec<Instance>,
    /// Which spans are too old, and which too far ahead.
    pub window: Window,
    /// Which spans are too large.
    pub limits: Limits,
    /// Bytes that may wait for a merged write, an instance and a backend.
    pub max_waiting_bytes: usize,
    /// What time it is.
    pub clock: Clock,
}

/// Backends behind their layers.
pub struct Storage {
    writer: Arc<dyn TraceWriter>,
    meter: Arc<Meter>,
    ledger: Arc<Ledger>,
    dead_letters: Option<Arc<dyn DeadLetters>>,
    first: Arc<dyn Backend>,
    others: Vec<Arc<dyn Backend>>,
    tracker: TaskTracker,
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
            instances: vec![Instance::default()],
            window: Window::default(),
            limits: Limits::default(),
            max_waiting_bytes: 16 << 20,
            clock: system_clock(),
        }
    }
}

// === impl Storage ===

impl Storage {
    /// Layers on `backends`: spans go to all of them, and are read from the first. Dead letters go to the first that keeps any.
    pub fn build(backends: Vec<Arc<dyn Backend>>, settings: &Settings) -> Result<Self, NoBackend> {
        let tracker = TaskTracker::new();
        let ledger = Arc::new(Ledger::new());
        let dead_letters = backends.iter().find_map(|b| b.dead_letters());
        let instances: BTreeSet<_> = settings.instances.iter().cloned().collect();
        let routes = instances.into_iter().map(|instance| {
            let bury = Bury::new(
                below(&backends, settings.max_waiting_bytes, &tracker),
                dead_letters.clone(),
                ledger.clone(),
                settings.window,
                settings.limits,
                settings.clock.clone(),
            );
            // at zero from the start: a counter that is not there yet cannot be told from one that is broken
            ledger.account(&instance);
            (instance, Arc::new(bury) as Arc<dyn TraceWriter>)
        });
        let route = Arc::new(Route::new(routes));
        let meter = Arc::new(Meter::new(Arc::new(Sanitize::new(route)), ledger.clone()));
        let mut backends = backends.into_iter();
        Ok(Self {
            writer: meter.clone(),
            meter,
            ledger,
            dead_letters,
            first: backends.next().ok_or(NoBackend)?,
            others: backends.collect(),
            tracker,
        })
    }

    /// Takes spans in, through all layers.
    pub fn writer(&self) -> Arc<dyn TraceWriter> {
        self.writer.clone()
    }

    /// Gives the spans of one instance back, from the first backend.
    pub fn reader(&self, instance: &Instance) -> Arc<dyn TraceReader> {
        self.first.reader(instance)
    }

    /// The dependencies of one instance, from the first backend.
    pub fn dependencies(&self, instance: &Instance) -> Arc<dyn DependencyReader> {
        self.first.dependencies(instance)
    }

    /// Where traces are kept for good: the archive of the first backend.
    pub fn archive(&self) -> Option<Arc<dyn Archive>> {
        self.first.archive()
    }

    /// Where spans go that can never be stored, for those that never reach the writer; `None`: they are dropped and counted.
    pub fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        self.dead_letters.clone()
    }

    /// Where adaptive sampling keeps what collectors agree on: with the first backend that has room for it; `None`: none has.
    pub fn sampling_store(&self) -> Option<Arc<dyn SamplingStore>> {
        self.backends().find_map(Backend::sampling_store)
    }

    /// What became of every span, for those that never reach the writer too.
    pub fn ledger(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    /// The backend that is read from: its name and what it can do.
    pub fn first(&self) -> &dyn Backend {
        &*self.first
    }

    /// Puts the layers' metrics into `registry`. The backends' own are theirs to register.
    pub fn register(&self, registry: &mut Registry) {
        self.ledger.register(registry);
        self.meter.register(registry);
    }

    /// `Err` with a sentence for an operator while a backend cannot write or read.
    pub fn health(&self) -> Result<(), String> {
        let ills: Vec<_> = self
            .backends()
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
            self.tracker.close();
            self.tracker.wait().await;
            join_all(self.backends().map(Backend::close)).await;
        })
    }

    fn backends(&self) -> impl Iterator<Item = &dyn Backend> {
        std::iter::once(&*self.first).chain(self.others.iter().map(|b| &**b))
    }
}

/// Takes dead letters in again, through what lies below the layers that are for senders: what still cannot be stored, by window, limits or a backend, is named in
/// [`WriteError::Rejected`](crate::WriteError::Rejected) and not buried once more; all others are durable.
pub fn replayer(backends: &[Arc<dyn Backend>], settings: &Settings) -> Arc<dyn TraceWriter> {
    Arc::new(Bury::new(
        below(backends, settings.max_waiting_bytes, &TaskTracker::new()),
        None,
        Arc::new(Ledger::new()),
        settings.window,
        settings.limits,
        settings.clock.clone(),
    ))
}

/// What lies below the layers that every instance has: the backends, each behind its own coalescing where it asks for it.
fn below(
    backends: &[Arc<dyn Backend>],
    max_waiting_bytes: usize,
    tracker: &TaskTracker,
) -> Arc<dyn TraceWriter> {
    let mut writers: Vec<(&'static str, Arc<dyn TraceWriter>)> = backends
        .iter()
        .map(|backend| {
            let writer = backend.writer();
            let writer = match backend.capabilities().coalesce_bytes {
                None => writer,
                Some(max_bytes) => Arc::new(Coalesce::new(
                    writer,
                    max_bytes,
                    max_waiting_bytes,
                    tracker.clone(),
                )),
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
