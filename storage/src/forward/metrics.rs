//! What was forwarded, under the names of Jaeger's agent.
//!
//! Source: `jaegertracing/jaeger: cmd/agent/app/reporter/{metrics,connect_metrics}.go` v1.60.0.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    protocol: &'static str,
    format: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Protocol {
    protocol: &'static str,
}

const LABELS: Labels = Labels {
    protocol: "grpc",
    format: "jaeger",
};
const PROTOCOL: Protocol = Protocol { protocol: "grpc" };

/// Counters of batches and spans, and whether the collector is there.
#[derive(Default)]
pub(super) struct Metrics {
    batches: Family<Labels, Counter>,
    spans: Family<Labels, Counter>,
    batch_size: Family<Labels, Gauge>,
    failed_batches: Family<Labels, Counter>,
    failed_spans: Family<Labels, Counter>,
    connected: Family<Protocol, Gauge>,
    retries: Family<Protocol, Counter>,
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let rows = [
            (
                "batches_submitted",
                "Batches that the collector took",
                &self.batches,
            ),
            (
                "batches_failures",
                "Batches that the collector did not take",
                &self.failed_batches,
            ),
            (
                "spans_submitted",
                "Spans that the collector took",
                &self.spans,
            ),
            (
                "spans_failures",
                "Spans that the collector did not take",
                &self.failed_spans,
            ),
        ];
        for (name, help, family) in rows {
            // there from the start: a counter that is missing cannot be told from one at zero
            drop(family.get_or_create(&LABELS));
            registry.register(
                format!("jaeger_agent_reporter_{name}"),
                help,
                family.clone(),
            );
        }
        registry.register(
            "jaeger_agent_reporter_batch_size",
            "Spans of the last batch",
            self.batch_size.clone(),
        );
        drop(self.connected.get_or_create(&PROTOCOL));
        registry.register(
            "jaeger_agent_connection_status",
            "Whether the collector took what was sent last: 1 or 0",
            self.connected.clone(),
        );
        drop(self.retries.get_or_create(&PROTOCOL));
        registry.register(
            "spoor_agent_retries",
            "Attempts beyond the first",
            self.retries.clone(),
        );
    }

    pub(super) fn sent(&self, spans: usize, taken: bool) {
        let (batch, each) = if taken {
            (&self.batches, &self.spans)
        } else {
            (&self.failed_batches, &self.failed_spans)
        };
        batch.get_or_create(&LABELS).inc();
        each.get_or_create(&LABELS).inc_by(spans as u64);
        self.batch_size
            .get_or_create(&LABELS)
            .set(i64::try_from(spans).unwrap_or(i64::MAX));
        self.connected
            .get_or_create(&PROTOCOL)
            .set(i64::from(taken));
    }

    pub(super) fn retried(&self) {
        self.retries.get_or_create(&PROTOCOL).inc();
    }
}
