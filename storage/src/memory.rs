//! A store in memory, bounded by bytes: gone when the process ends.
//!
//! In: spans, which are copied out of their request's buffer. Out: the same spans. When it is full the oldest traces leave whole, those of
//! the instance that holds most first; that is retention, counted as evicted. A trace that alone would be larger than all the room is cut:
//! the spans that do not fit are rejected.
//!
//! Bytes are counted for each trace as if it shared its resource with no other: never much less than what is really kept, and up to two
//! thirds more where traces of one span share a resource.
//!
//! Simple and obviously right: a read takes a snapshot of the traces and goes through all of their spans, without any index but the trace's
//! id. Other stores are compared with this one.
//!
//! Deliberately absent: durability, dead letters, archive. Source of the habit:
//! `jaegertracing/jaeger: internal/storage/v1/memory` v1.76.0, which is bounded by a count of traces.

mod answer;
mod detach;
mod measures;
mod metrics;
mod reader;
mod sampling;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use parking_lot::RwLock;
use prometheus_client::registry::Registry;
use tokio_util::task::TaskTracker;

use crate::port::{
    Archive, Backend, Capabilities, DeadLetters, DependencyReader, Measures, SamplingStore,
    TraceReader, TraceWriter, WriteError,
};
use detach::Detacher;
use metrics::Metrics;
use reader::Reader;
use sampling::Sampling;
use store::Store;

/// How much may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Bytes of spans, over all instances: this store's share of `memory.max-bytes`.
    pub max_bytes: usize,
    /// `memory.max-traces`: traces, over all instances; 0: no limit but the bytes.
    pub max_traces: usize,
}

/// The store.
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    store: RwLock<Store>,
    sampling: Sampling,
    metrics: Metrics,
    closed: AtomicBool,
    /// Reads, which go through all spans and so must not hold up a worker.
    tracker: TaskTracker,
}

struct Writer(Arc<Shared>);

/// Spans that are copied before others get their turn.
const SPANS_A_TURN: usize = 128;

// === impl Config ===

impl Default for Config {
    /// 192 MiB, any number of traces.
    fn default() -> Self {
        Self {
            max_bytes: 192 << 20,
            max_traces: 0,
        }
    }
}

// === impl Memory ===

impl Memory {
    /// An empty store.
    pub fn new(config: Config) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                store: RwLock::default(),
                sampling: Sampling::default(),
                metrics: Metrics::default(),
                closed: AtomicBool::new(false),
                tracker: TaskTracker::new(),
            }),
        }
    }

    /// Puts the store's metrics into `registry`: `spoor_memory_{bytes,spans,traces}` and `spoor_memory_evicted_{spans,traces}_total`.
    pub fn register(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }
}

impl Backend for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            operation_kinds: true,
            lossless: true,
            counts_calls: true,
            visible_at_once: true,
            sampling_store: true,
            ..Capabilities::default()
        }
    }

    fn writer(&self) -> Arc<dyn TraceWriter> {
        Arc::new(Writer(self.shared.clone()))
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

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        None
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        None
    }

    fn sampling_store(&self) -> Option<Arc<dyn SamplingStore>> {
        Some(Arc::new(sampling::Store(self.shared.clone())))
    }

    fn health(&self) -> Result<(), String> {
        if self.shared.closed.load(Ordering::Acquire) {
            return Err("memory is closed".to_owned());
        }
        Ok(())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.tracker.close();
        Box::pin(self.shared.tracker.wait())
    }
}

// === impl Writer ===

impl TraceWriter for Writer {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let mut detacher = Detacher::default();
            let mut kept = Vec::with_capacity(batch.len());
            for spans in batch.spans.chunks(SPANS_A_TURN) {
                kept.extend(spans.iter().map(|span| detacher.detach(span)));
                if kept.len() < batch.len() {
                    tokio::task::yield_now().await;
                }
            }
            let shared = &self.0;
            let rejected = {
                let mut store = shared.store.write();
                // asked under the lock, so that nothing is written once closing has answered
                if shared.closed.load(Ordering::Acquire) {
                    return Err(WriteError::Unavailable {
                        reason: "memory is closed".to_owned(),
                    });
                }
                let rejected = store.insert(&batch.instance, kept, &shared.config);
                shared.metrics.show(&store);
                rejected
            };
            if rejected.is_empty() {
                return Ok(());
            }
            Err(WriteError::rejected(
                rejected,
                format!(
                    "its trace alone would be larger than all the room there is (memory.max-bytes, {} bytes of it for spans)",
                    shared.config.max_bytes
                ),
            ))
        })
    }
}

#[cfg(test)]
mod tests;
