//! What adaptive sampling shows an operator.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    pub(super) leader: Gauge<u64, AtomicU64>,
    pub(super) operations: Gauge<u64, AtomicU64>,
    pub(super) rounds: Counter,
    pub(super) left_out: Counter,
    store_errors: Family<Call, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

/// The calls of a sampling store that can fail.
const CALLS: [&str; 6] = [
    "append_throughput",
    "get_throughput",
    "put_probabilities",
    "get_probabilities",
    "acquire_lease",
    "resign_lease",
];

// === impl Metrics ===

impl Metrics {
    /// Puts them into `registry`.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("spoor_sampling");
        registry.register(
            "leader",
            "Whether this collector calculates for all: 1 or 0",
            metrics.leader.clone(),
        );
        registry.register(
            "operations",
            "Operations that have a probability of their own",
            metrics.operations.clone(),
        );
        registry.register(
            "rounds",
            "Calculations of all probabilities by this collector",
            metrics.rounds.clone(),
        );
        registry.register(
            "left_out",
            "Traces and askers that were not counted, for their number or the length of their names",
            metrics.left_out.clone(),
        );
        for call in CALLS {
            drop(metrics.store_errors.get_or_create(&Call { call }));
        }
        registry.register(
            "store_errors",
            "Calls of the sampling store that failed",
            metrics.store_errors.clone(),
        );
        metrics
    }

    /// A call of the store failed. It says so in the log, too: rounds are minutes apart.
    pub(super) fn store_error(&self, call: &'static str, error: &dyn std::fmt::Display) {
        self.store_errors.get_or_create(&Call { call }).inc();
        tracing::warn!(call, "adaptive sampling goes on without its store: {error}");
    }
}
