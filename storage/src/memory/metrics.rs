//! What the memory store shows an operator.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::store::Store;

#[derive(Debug, Default)]
pub(super) struct Metrics {
    bytes: Gauge<u64, AtomicU64>,
    spans: Gauge<u64, AtomicU64>,
    traces: Gauge<u64, AtomicU64>,
    evicted_spans: Counter,
    evicted_traces: Counter,
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "spoor_memory_bytes",
            "Bytes that the memory store keeps",
            self.bytes.clone(),
        );
        registry.register(
            "spoor_memory_spans",
            "Spans that the memory store keeps",
            self.spans.clone(),
        );
        registry.register(
            "spoor_memory_traces",
            "Traces that the memory store keeps",
            self.traces.clone(),
        );
        registry.register(
            "spoor_memory_evicted_spans",
            "Spans that left the memory store because it was full",
            self.evicted_spans.clone(),
        );
        registry.register(
            "spoor_memory_evicted_traces",
            "Traces that left the memory store because it was full",
            self.evicted_traces.clone(),
        );
    }

    /// Shows the store's numbers. Called under its lock, so that they only rise where they should.
    pub(super) fn show(&self, store: &Store) {
        let totals = store.totals();
        self.bytes.set(totals.bytes as u64);
        self.spans.set(totals.spans as u64);
        self.traces.set(totals.traces as u64);
        let rise = |counter: &Counter, to: u64| counter.inc_by(to.saturating_sub(counter.get()));
        rise(&self.evicted_spans, totals.evicted_spans);
        rise(&self.evicted_traces, totals.evicted_traces);
    }
}
