//! From what was counted to probabilities: arithmetic and nothing else.
//!
//! In: a [`Bucket`] for each interval, newest last. Out: for each operation its rate and the probability that brings it nearer to the target.
//!
//! - The rate is a weighted mean over the newest buckets that have the operation. The weights of n buckets are n⁴, (n-1)⁴ … 1, the newest
//!   first, over their sum.
//! - Near enough to the target, nothing changes. Else the new probability is the old one times target over rate, at most twice the old one;
//!   nothing recorded at all: twice the old one. Never less than the minimum, never more than 1.
//! - Nothing changes either for what does not follow: see [`Calculator::follows`].
//!
//! Source: `jaegertracing/jaeger: internal/sampling/samplingstrategy/adaptive/post_aggregator.go`, `weightvectorcache.go`,
//! `calculationstrategy/percentage_increase_capped_calculator.go` v1.76.0.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use storage::port::Rate;

use super::Config;
use super::bucket::Bucket;

/// By service, then operation.
pub(super) type Services<T> = BTreeMap<String, BTreeMap<String, T>>;

/// No two probabilities differ by less.
const EPSILON: f64 = 1e-10;

/// What one round needs to know of those before.
#[derive(Debug)]
pub(super) struct Calculator {
    config: Config,
    /// The newest first.
    buckets: VecDeque<Bucket>,
    /// What the last round made.
    rates: Services<Rate>,
    /// Whether an operation followed in the last round, when its probability was not the initial one.
    followed: BTreeSet<(String, String)>,
}

// === impl Calculator ===

impl Calculator {
    /// Goes on from `rates` and from older buckets, the newest first.
    pub(super) fn new(config: &Config, rates: Services<Rate>, history: Vec<Bucket>) -> Self {
        Self {
            config: config.clone(),
            buckets: history.into(),
            rates,
            followed: BTreeSet::new(),
        }
    }

    /// A round, after one more interval.
    pub(super) fn round(&mut self, newest: Bucket) -> Services<Rate> {
        self.buckets.push_front(newest);
        self.buckets.truncate(self.config.aggregation_buckets);
        let mut rates: Services<Rate> = BTreeMap::new();
        let mut followed = BTreeSet::new();
        for (service, operations) in self.qps() {
            for (operation, qps) in operations {
                let qps = weighted_mean(&qps);
                let old = self.rates.get(service).and_then(|of| of.get(operation));
                let old = old.map_or(self.config.initial_probability, |rate| rate.probability);
                let follows = self.follows(service, operation, old);
                if follows && !self.is_initial(old) {
                    followed.insert((service.to_owned(), operation.to_owned()));
                }
                let probability = if follows { self.next(old, qps) } else { old };
                let of_service = rates.entry(service.to_owned()).or_default();
                of_service.insert(operation.to_owned(), Rate { probability, qps });
            }
        }
        self.followed = followed;
        self.rates.clone_from(&rates);
        rates
    }

    /// Services that asked in any of the intervals that are remembered.
    pub(super) fn asked(&self) -> BTreeSet<String> {
        let asked = self.buckets.iter().flat_map(|bucket| &bucket.asked);
        asked.cloned().collect()
    }

    /// Rates of each operation, the newest first, as many as are used.
    fn qps(&self) -> BTreeMap<&str, BTreeMap<&str, Vec<f64>>> {
        let mut all: BTreeMap<&str, BTreeMap<&str, Vec<f64>>> = BTreeMap::new();
        for bucket in &self.buckets {
            let seconds = bucket.interval.as_secs_f64();
            for (service, operations) in &bucket.services {
                let of_service = all.entry(service).or_default();
                for (operation, counted) in operations {
                    let qps = of_service.entry(operation).or_default();
                    if qps.len() < self.config.buckets_for_calculation {
                        qps.push(counted.count as f64 / seconds);
                    }
                }
            }
        }
        all
    }

    /// Whether clients record an operation with the probability that they are told. They are believed to while it is the initial one, which
    /// some configure themselves; then the newest bucket has to show it. An operation that is not in there does what it did before.
    fn follows(&self, service: &str, operation: &str, old: f64) -> bool {
        if self.is_initial(old) {
            return true;
        }
        let newest = self.buckets.front();
        match newest.and_then(|bucket| bucket.get(service, operation)) {
            Some(counted) => counted.probabilities.contains(&super::six(old)),
            None => {
                let key = (service.to_owned(), operation.to_owned());
                self.followed.contains(&key)
            }
        }
    }

    fn is_initial(&self, probability: f64) -> bool {
        (probability - self.config.initial_probability).abs() < EPSILON
    }

    /// The probability that brings a rate nearer to the target.
    fn next(&self, old: f64, qps: f64) -> f64 {
        let target = self.config.target_samples_per_second;
        if (qps - target).abs() / target < self.config.delta_tolerance {
            return old;
        }
        let twice = old * 2.0;
        let next = if qps < EPSILON {
            twice
        } else {
            // down at once, up in steps: too many traces do harm, too few do not
            (old * target / qps).min(twice)
        };
        next.max(self.config.min_probability).min(1.0)
    }
}

/// Of rates, the newest first.
fn weighted_mean(qps: &[f64]) -> f64 {
    let weights = (1..=qps.len()).rev().map(|n| (n as f64).powi(4));
    let sum: f64 = weights.clone().sum();
    let weighted = qps.iter().zip(weights).map(|(qps, weight)| qps * weight);
    weighted.sum::<f64>() / sum.max(1.0)
}

#[cfg(test)]
mod tests;
