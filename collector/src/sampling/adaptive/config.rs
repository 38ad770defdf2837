//! What an operator can set about adaptive sampling. Names and defaults are Jaeger's, below `sampling.`.

use std::time::Duration;

/// The rules of adaptive sampling.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `target-samples-per-second`, above 0: traces that should be recorded of each operation.
    pub target_samples_per_second: f64,
    /// `delta-tolerance`, 0 or more: the share by which an operation may miss that before its probability changes.
    pub delta_tolerance: f64,
    /// `buckets-for-calculation`, 1 or more: how many intervals a rate is made of.
    pub buckets_for_calculation: usize,
    /// `calculation-interval`, above 0: how often is counted and calculated.
    pub calculation_interval: Duration,
    /// `aggregation-buckets`, 1 or more: how many intervals back an operation is known that comes no more.
    pub aggregation_buckets: usize,
    /// `delay`: how long is waited for what other collectors counted.
    pub delay: Duration,
    /// `initial-sampling-probability`, 0 to 1: of operations of which nothing is known.
    pub initial_probability: f64,
    /// `min-sampling-probability`, 0 to 1: never less.
    pub min_probability: f64,
    /// `min-samples-per-second`, 0 or more: traces that a client records of an operation whatever the probability.
    pub min_samples_per_second: f64,
    /// `leader-lease-refresh-interval`, above 0: how often the collector that calculates says that it goes on.
    pub leader_lease_refresh_interval: Duration,
    /// `follower-lease-refresh-interval`, longer than the leader's: how often the others try to take its place, and how long after its last
    /// word they can.
    pub follower_lease_refresh_interval: Duration,
}

// === impl Config ===

impl Default for Config {
    /// Jaeger's.
    fn default() -> Self {
        Self {
            target_samples_per_second: 1.0,
            delta_tolerance: 0.3,
            buckets_for_calculation: 1,
            calculation_interval: Duration::from_secs(60),
            aggregation_buckets: 10,
            delay: Duration::from_secs(120),
            initial_probability: 0.001,
            min_probability: 1e-5,
            min_samples_per_second: 1.0 / 60.0,
            leader_lease_refresh_interval: Duration::from_secs(5),
            follower_lease_refresh_interval: Duration::from_secs(60),
        }
    }
}
