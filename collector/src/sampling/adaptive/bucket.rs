//! What all collectors together counted in one interval.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use storage::port::Throughput;

use super::bounds;

/// One interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bucket {
    /// How long it was.
    pub(super) interval: Duration,
    /// By service, then operation.
    pub(super) services: BTreeMap<String, BTreeMap<String, Counted>>,
    /// Services that asked what to record.
    pub(super) asked: BTreeSet<String>,
}

/// An operation in one interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    /// Traces that were recorded by chance.
    pub(super) count: u64,
    /// The probabilities that were met, as text.
    pub(super) probabilities: BTreeSet<String>,
}

// === impl Bucket ===

impl Bucket {
    /// Of rows from any number of collectors. What is beyond the bounds of one collector is left out.
    pub(super) fn of(rows: Vec<Throughput>, interval: Duration) -> Self {
        let mut bucket = Self {
            interval,
            ..Self::default()
        };
        let mut all = 0;
        for row in rows {
            if row.operation.is_empty() {
                if bucket.asked.len() < bounds::SERVICES {
                    bucket.asked.insert(row.service);
                }
                continue;
            }
            let services = bucket.services.len();
            let known = bucket.services.get(&row.service);
            let is_new = known.is_none_or(|known| !known.contains_key(&row.operation));
            let of_service = known.map_or(0, BTreeMap::len);
            let full = (known.is_none() && services >= bounds::SERVICES)
                || of_service >= bounds::OPERATIONS_OF_A_SERVICE
                || all >= bounds::OPERATIONS;
            if is_new && full {
                continue;
            }
            all += usize::from(is_new);
            let operations = bucket.services.entry(row.service).or_default();
            let counted = operations.entry(row.operation).or_default();
            counted.count = counted.count.saturating_add(row.count);
            counted.probabilities.extend(row.probabilities);
        }
        bucket
    }

    /// An operation in it.
    pub(super) fn get(&self, service: &str, operation: &str) -> Option<&Counted> {
        self.services.get(service)?.get(operation)
    }
}
