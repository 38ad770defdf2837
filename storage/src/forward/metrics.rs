//! Whether the collector is there. What it took is counted where datagrams are, under the names of Jaeger's agent.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Protocol {
    protocol: &'static str,
}

const PROTOCOL: Protocol = Protocol { protocol: "grpc" };

/// Whether the collector is there.
#[derive(Default)]
pub(super) struct Metrics {
    connected: Family<Protocol, Gauge>,
    retries: Counter,
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        // there from the start
        drop(self.connected.get_or_create(&PROTOCOL));
        registry.register(
            "jaeger_agent_connection_status",
            "Whether the collector took what was sent last: 1 or 0",
            self.connected.clone(),
        );
        registry.register(
            "spoor_agent_retries",
            "Attempts beyond the first",
            self.retries.clone(),
        );
    }

    pub(super) fn sent(&self, taken: bool) {
        let connected = self.connected.get_or_create(&PROTOCOL);
        connected.set(i64::from(taken));
    }

    pub(super) fn retried(&self) {
        self.retries.inc();
    }
}
