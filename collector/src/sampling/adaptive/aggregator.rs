//! Counts the traces that this collector stored, by service and operation, and who asked what to record, for one interval at a time.
//!
//! In: [`Roots`] and names of services that ask. Out: rows for the store. Bounded in names and their length; what is left out is counted.
//!
//! A trace whose sampler says nothing counts for services that ask: they follow what they are told, so the probability is the one that they
//! were told, and a whole interval ago, since they ask once a minute. The spans of services that never ask say nothing about what is told.

use std::collections::{BTreeSet, HashMap, HashSet};

use parking_lot::Mutex;
use storage::port::Throughput;

use super::answers::Answers;
use super::bounds;
use super::roots::{Root, Roots, Sampler};

/// What was counted in this interval.
#[derive(Default)]
pub(super) struct Aggregator(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    services: HashMap<String, HashMap<String, Operation>>,
    operations: usize,
    asked: HashSet<String>,
    /// In the interval before: whoever asks each minute does not ask in the first moment of it.
    asked_before: HashSet<String>,
}

#[derive(Default)]
struct Operation {
    count: u64,
    probabilities: BTreeSet<String>,
    /// Whether some sampler did not say.
    unsaid: bool,
}

// === impl Aggregator ===

impl Aggregator {
    /// `service` asked what to record. Whether there was room to remember it.
    pub(super) fn asked(&self, service: &str) -> bool {
        let mut counted = self.0.lock();
        if counted.asked.contains(service) || service.is_empty() {
            return true;
        }
        let fits = service.len() <= bounds::NAME && counted.asked.len() < bounds::SERVICES;
        if fits {
            counted.asked.insert(service.to_owned());
        }
        fits
    }

    /// Counts traces. `answers` know who asked other collectors. Answers how many had no room.
    pub(super) fn count(&self, roots: &Roots, answers: &Answers) -> u64 {
        if roots.0.is_empty() {
            return 0;
        }
        let mut counted = self.0.lock();
        let left_out = roots.0.iter().filter(|r| !counted.count(r, answers));
        left_out.count() as u64
    }

    /// The rows of an interval that ended. `told` is what services were told the interval before.
    pub(super) fn take(&self, told: &Answers) -> Vec<Throughput> {
        let mut counted = self.0.lock();
        let asked = std::mem::take(&mut counted.asked);
        counted.asked_before.clone_from(&asked);
        let services = std::mem::take(&mut counted.services);
        counted.operations = 0;
        drop(counted);
        let mut rows = Vec::new();
        for (service, operations) in services {
            for (operation, mut counted) in operations {
                if counted.unsaid {
                    let probability = told.probability(&service, &operation);
                    counted.note(probability);
                }
                rows.push(Throughput {
                    service: service.clone(),
                    operation,
                    count: counted.count,
                    probabilities: counted.probabilities,
                });
            }
        }
        rows.extend(asked.into_iter().map(|service| Throughput {
            service,
            ..Throughput::default()
        }));
        rows
    }
}

// === impl Counted ===

impl Counted {
    /// Whether there was room.
    fn count(&mut self, root: &Root, answers: &Answers) -> bool {
        let (service, name) = (root.resource.service_name(), &*root.operation);
        if root.sampler == Sampler::Unsaid
            && !self.asked.contains(service)
            && !self.asked_before.contains(service)
            && !answers.is_asked(service)
        {
            return true;
        }
        let Some(operation) = self.operation(service, name) else {
            return false;
        };
        match root.sampler {
            Sampler::Probabilistic(probability) => {
                operation.count += 1;
                operation.note(probability);
            }
            // it says that there is such an operation, and not how often
            Sampler::Other(number) => operation.note(number),
            Sampler::Unsaid => {
                operation.count += 1;
                operation.unsaid = true;
            }
        }
        true
    }

    fn operation(&mut self, service: &str, name: &str) -> Option<&mut Operation> {
        if service.len() > bounds::NAME || name.len() > bounds::NAME {
            return None;
        }
        if !self.services.contains_key(service) {
            if self.services.len() >= bounds::SERVICES || self.operations >= bounds::OPERATIONS {
                return None;
            }
            self.services.insert(service.to_owned(), HashMap::new());
        }
        let operations = self.services.get_mut(service)?;
        if !operations.contains_key(name) {
            if operations.len() >= bounds::OPERATIONS_OF_A_SERVICE
                || self.operations >= bounds::OPERATIONS
            {
                return None;
            }
            self.operations += 1;
            operations.insert(name.to_owned(), Operation::default());
        }
        operations.get_mut(name)
    }
}

// === impl Operation ===

impl Operation {
    fn note(&mut self, probability: f64) {
        if self.probabilities.len() < bounds::PROBABILITIES {
            self.probabilities.insert(super::six(probability));
        }
    }
}

#[cfg(test)]
mod tests;
