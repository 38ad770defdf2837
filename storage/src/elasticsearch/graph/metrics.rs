//! What is counted of counting the graph, labelled by namespace and instance.
//!
//! In: what was done. Out: rows for the admin port, at zero from the start for instances whose graph is kept.

use model::Instance;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::owner::Owner;

/// All instances'.
#[derive(Clone, Default)]
pub(in crate::elasticsearch) struct Families {
    leader: Family<Owner, Gauge>,
    marked: Family<Owner, Gauge>,
    hours: Family<Owner, Counter>,
    spans: Family<Owner, Counter>,
    errors: Family<Owner, Counter>,
}

/// One instance's.
pub(super) struct Metrics {
    leader: Gauge,
    pub(super) marked: Gauge,
    pub(super) hours: Counter,
    pub(super) spans: Counter,
    pub(super) errors: Counter,
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn lead(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// Whether this process leads, as far as it knows.
    pub(super) fn leads(&self) -> bool {
        self.leader.get() == 1
    }
}

// === impl Families ===

impl Families {
    pub(super) fn of(&self, instance: &Instance) -> Metrics {
        let owner = Owner::from(instance);
        Metrics {
            leader: self.leader.get_or_create_owned(&owner),
            marked: self.marked.get_or_create_owned(&owner),
            hours: self.hours.get_or_create_owned(&owner),
            spans: self.spans.get_or_create_owned(&owner),
            errors: self.errors.get_or_create_owned(&owner),
        }
    }

    /// Takes the rows of an instance away that is gone.
    pub(in crate::elasticsearch) fn forget(&self, instance: &Instance) {
        let owner = Owner::from(instance);
        for family in [&self.leader, &self.marked] {
            family.remove(&owner);
        }
        for family in [&self.hours, &self.spans, &self.errors] {
            family.remove(&owner);
        }
    }

    pub(in crate::elasticsearch) fn register(&self, registry: &mut Registry) {
        registry.register(
            "spoor_elasticsearch_dependencies_leader",
            "1 while this process is the one that counts the calls of the instance",
            self.leader.clone(),
        );
        registry.register(
            "spoor_elasticsearch_dependencies_marked_hours",
            "Hours that late spans have marked and that are not counted again yet, as the leader saw last",
            self.marked.clone(),
        );
        registry.register(
            "spoor_elasticsearch_dependencies_hours",
            "Hours whose calls were counted, each time",
            self.hours.clone(),
        );
        registry.register(
            "spoor_elasticsearch_dependencies_spans",
            "Documents of spans that were read to count calls",
            self.spans.clone(),
        );
        registry.register(
            "spoor_elasticsearch_dependencies_errors",
            "Turns of counting calls that failed, each with a line in the log",
            self.errors.clone(),
        );
    }
}
