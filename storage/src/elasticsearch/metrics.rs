//! What is counted of each instance's cluster.
//!
//! In: what bulks and searches tell. Out: rows for the admin port, labelled by namespace and instance. Jaeger's names for bulks are kept, with what they say put right: a
//! request that failed as a whole is an error and no insert.
//!
//! Source of Jaeger's names: `jaegertracing/jaeger: internal/storage/v1/api/spanstore/spanstoremetrics` v1.76.0.

use std::time::Duration;

use model::Instance;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Owner {
    namespace: String,
    instance: String,
    /// `main` or `archive`.
    store: &'static str,
}

/// All instances'.
#[derive(Clone)]
pub(super) struct Families {
    attempts: Family<Owner, Counter>,
    inserts: Family<Owner, Counter>,
    errors: Family<Owner, Counter>,
    retries: Family<Owner, Counter>,
    splits: Family<Owner, Counter>,
    refused: Family<Owner, Counter>,
    bytes: Family<Owner, Counter>,
    odd: Family<Owner, Counter>,
    kept_as_tags: Family<Owner, Counter>,
    latency: Family<Owner, Histogram, fn() -> Histogram>,
    up: Family<Owner, Gauge>,
}

/// One instance's.
#[derive(Clone)]
pub(crate) struct Metrics {
    attempts: Counter,
    inserts: Counter,
    errors: Counter,
    retries: Counter,
    splits: Counter,
    refused: Counter,
    bytes: Counter,
    odd: Counter,
    kept_as_tags: Counter,
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
            attempts: Family::default(),
            inserts: Family::default(),
            errors: Family::default(),
            retries: Family::default(),
            splits: Family::default(),
            refused: Family::default(),
            bytes: Family::default(),
            odd: Family::default(),
            kept_as_tags: Family::default(),
            latency: Family::new_with_constructor(buckets as fn() -> Histogram),
            up: Family::default(),
        }
    }

    /// All rows of an instance, at zero from the start.
    pub(super) fn of(&self, instance: &Instance, store: &'static str) -> Metrics {
        let owner = Owner {
            namespace: instance.namespace().to_owned(),
            instance: instance.name().to_owned(),
            store,
        };
        let count = |family: &Family<Owner, Counter>| family.get_or_create_owned(&owner);
        Metrics {
            attempts: count(&self.attempts),
            inserts: count(&self.inserts),
            errors: count(&self.errors),
            retries: count(&self.retries),
            splits: count(&self.splits),
            refused: count(&self.refused),
            bytes: count(&self.bytes),
            odd: count(&self.odd),
            kept_as_tags: count(&self.kept_as_tags),
            latency: self.latency.get_or_create_owned(&owner),
            up: self.up.get_or_create_owned(&owner),
        }
    }

    /// Takes the rows of an instance away that is gone.
    pub(super) fn forget(&self, instance: &Instance) {
        for store in ["main", "archive"] {
            let owner = Owner {
                namespace: instance.namespace().to_owned(),
                instance: instance.name().to_owned(),
                store,
            };
            for family in [
                &self.attempts,
                &self.inserts,
                &self.errors,
                &self.retries,
                &self.splits,
                &self.refused,
                &self.bytes,
                &self.odd,
                &self.kept_as_tags,
            ] {
                family.remove(&owner);
            }
            self.latency.remove(&owner);
            self.up.remove(&owner);
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        let mut count = |name: &str, help: &str, family: &Family<Owner, Counter>| {
            registry.register(name, help, family.clone());
        };
        count(
            "jaeger_bulk_index_attempts",
            "Documents sent to the cluster, again ones included",
            &self.attempts,
        );
        count(
            "jaeger_bulk_index_inserts",
            "Documents that the cluster confirmed",
            &self.inserts,
        );
        count(
            "jaeger_bulk_index_errors",
            "Bulk requests that failed as a whole",
            &self.errors,
        );
        count(
            "spoor_elasticsearch_retries",
            "Bulk requests sent again, with what had failed",
            &self.retries,
        );
        count(
            "spoor_elasticsearch_splits",
            "Bulk requests that were too large and were halved",
            &self.splits,
        );
        count(
            "spoor_elasticsearch_refused",
            "Documents that the cluster can never store",
            &self.refused,
        );
        count(
            "spoor_elasticsearch_bulk_bytes",
            "Bytes of bulk requests before compression",
            &self.bytes,
        );
        count(
            "spoor_elasticsearch_unreadable",
            "Documents of the index that are no spans and were passed over",
            &self.odd,
        );
        count(
            "spoor_elasticsearch_tags_kept_in_list",
            "Tags beyond tags-as-fields.max-keys that did not become fields",
            &self.kept_as_tags,
        );
        registry.register(
            "spoor_elasticsearch_bulk_seconds",
            "Time of a bulk request",
            self.latency.clone(),
        );
        registry.register(
            "spoor_elasticsearch_up",
            "Whether the cluster takes spans, or can be read by a process that only queries: 1 or 0",
            self.up.clone(),
        );
    }
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn sent(&self, documents: usize, bytes: usize) {
        self.attempts.inc_by(documents as u64);
        self.bytes.inc_by(bytes as u64);
    }

    pub(crate) fn answered(&self, after: Duration, is_success: bool) {
        self.latency.observe(after.as_secs_f64());
        if !is_success {
            self.errors.inc();
        }
    }

    pub(crate) fn stored(&self, documents: usize) {
        self.inserts.inc_by(documents as u64);
    }

    pub(crate) fn refused(&self, documents: usize) {
        self.refused.inc_by(documents as u64);
    }

    pub(crate) fn again(&self) {
        self.retries.inc();
    }

    pub(crate) fn split(&self) {
        self.splits.inc();
    }

    pub(crate) fn odd(&self) {
        self.odd.inc();
    }

    /// What counts tags that did not become fields.
    pub(crate) fn kept_as_tags(&self) -> Counter {
        self.kept_as_tags.clone()
    }

    pub(crate) fn up(&self, is_up: bool) {
        self.up.set(i64::from(is_up));
    }
}
