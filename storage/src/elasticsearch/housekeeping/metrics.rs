//! What housekeeping by itself counts, labelled by namespace and instance.
//!
//! In: what was done. Out: rows for the admin port, at zero from the start for instances that have anything switched on.

use model::Instance;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::owner::Owner;

/// All instances'.
#[derive(Clone, Default)]
pub(in crate::elasticsearch) struct Families {
    cleaned: Family<Owner, Counter>,
    rollovers: Family<Owner, Counter>,
    errors: Family<Owner, Counter>,
}

/// One instance's.
pub(super) struct Metrics {
    pub(super) cleaned: Counter,
    pub(super) rollovers: Counter,
    pub(super) errors: Counter,
}

// === impl Families ===

impl Families {
    pub(super) fn of(&self, instance: &Instance) -> Metrics {
        let owner = Owner::from(instance);
        Metrics {
            cleaned: self.cleaned.get_or_create_owned(&owner),
            rollovers: self.rollovers.get_or_create_owned(&owner),
            errors: self.errors.get_or_create_owned(&owner),
        }
    }

    /// Takes the rows of an instance away that is gone.
    pub(in crate::elasticsearch) fn forget(&self, instance: &Instance) {
        let owner = Owner::from(instance);
        for family in [&self.cleaned, &self.rollovers, &self.errors] {
            family.remove(&owner);
        }
    }

    pub(in crate::elasticsearch) fn register(&self, registry: &mut Registry) {
        registry.register(
            "spoor_elasticsearch_cleaned_indices",
            "Indices that this process deleted for their age",
            self.cleaned.clone(),
        );
        registry.register(
            "spoor_elasticsearch_rollovers",
            "Indices that this process had followed by new ones",
            self.rollovers.clone(),
        );
        registry.register(
            "spoor_elasticsearch_housekeeping_errors",
            "Turns of housekeeping that failed, each with a line in the log",
            self.errors.clone(),
        );
    }
}
