//! What is counted of each instance's way to Kafka.
//!
//! Jaeger's `jaeger_storage_kafka_spans_written_total` is kept, with what it says put right: a success is a record that the brokers confirmed.
//!
//! Source of Jaeger's name: `jaegertracing/jaeger: internal/storage/v1/kafka/writer.go` v1.76.0.

use std::time::Duration;

use model::Instance;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::owner::Owner;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Written {
    namespace: String,
    instance: String,
    /// `success` or `failure`.
    status: &'static str,
}

/// All instances'.
#[derive(Clone)]
pub(super) struct Families {
    written: Family<Written, Counter>,
    renewals: Family<Owner, Counter>,
    latency: Family<Owner, Histogram, fn() -> Histogram>,
    up: Family<Owner, Gauge>,
}

/// One instance's.
#[derive(Clone)]
pub(super) struct Metrics {
    successes: Counter,
    failures: Counter,
    renewals: Counter,
    latency: Histogram,
    up: Gauge,
}

fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

// === impl Families ===

impl Families {
    pub(super) fn new() -> Self {
        Self {
            written: Family::default(),
            renewals: Family::default(),
            latency: Family::new_with_constructor(buckets as fn() -> Histogram),
            up: Family::default(),
        }
    }

    pub(super) fn of(&self, instance: &Instance) -> Metrics {
        let owner = Owner::from(instance);
        let written = |status| {
            self.written.get_or_create_owned(&Written {
                namespace: owner.namespace.clone(),
                instance: owner.instance.clone(),
                status,
            })
        };
        Metrics {
            successes: written("success"),
            failures: written("failure"),
            renewals: self.renewals.get_or_create_owned(&owner),
            latency: self.latency.get_or_create_owned(&owner),
            up: self.up.get_or_create_owned(&owner),
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let jaeger = registry.sub_registry_with_prefix("jaeger_storage_kafka");
        jaeger.register(
            "spans_written",
            "Records for Kafka: success, the brokers confirmed it; failure, they did not, and its sender was told",
            self.written.clone(),
        );
        let kafka = registry.sub_registry_with_prefix("spoor_kafka_producer");
        kafka.register(
            "renewals",
            "Times that the connection was made anew, because files changed or librdkafka gave it up",
            self.renewals.clone(),
        );
        kafka.register(
            "write_duration_seconds",
            "From spans to the brokers' confirmation of all of a batch",
            self.latency.clone(),
        );
        kafka.register("up", "1 while brokers answer", self.up.clone());
    }
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn written(&self, spans: usize, took: Duration) {
        self.successes.inc_by(spans as u64);
        self.latency.observe(took.as_secs_f64());
    }

    pub(super) fn failed(&self, records: usize) {
        self.failures.inc_by(records as u64);
    }

    pub(super) fn renewed(&self) {
        self.renewals.inc();
    }

    pub(super) fn up(&self, is_up: bool) {
        self.up.set(is_up.into());
    }
}
