//! What services are told: a probability for each operation that is known of them, and for all others the initial one.

use storage::port::{Probabilities, Rate};
use wire::r#gen::api_v2::{
    OperationSamplingStrategy, PerOperationSamplingStrategies, ProbabilisticSamplingStrategy,
    SamplingStrategyResponse, SamplingStrategyType,
};

use super::Config;

/// Made of the latest probabilities.
#[derive(Debug)]
pub(super) struct Answers {
    latest: Probabilities,
    initial: f64,
    lower_bound: f64,
}

// === impl Answers ===

impl Answers {
    pub(super) fn new(latest: Probabilities, config: &Config) -> Self {
        Self {
            latest,
            initial: config.initial_probability,
            lower_bound: config.min_samples_per_second,
        }
    }

    /// What `service` is told.
    pub(super) fn of(&self, service: &str) -> SamplingStrategyResponse {
        let operations = self.latest.services.get(service).into_iter().flatten();
        let each = operations.map(|(operation, rate)| OperationSamplingStrategy {
            operation: operation.clone(),
            probabilistic_sampling: Some(ProbabilisticSamplingStrategy {
                sampling_rate: rate.probability,
            }),
        });
        SamplingStrategyResponse {
            strategy_type: SamplingStrategyType::Probabilistic as i32,
            operation_sampling: Some(PerOperationSamplingStrategies {
                default_sampling_probability: self.initial,
                default_lower_bound_traces_per_second: self.lower_bound,
                per_operation_strategies: each.collect(),
                ..PerOperationSamplingStrategies::default()
            }),
            ..SamplingStrategyResponse::default()
        }
    }

    /// The share that is told for an operation.
    pub(super) fn probability(&self, service: &str, operation: &str) -> f64 {
        let services = &self.latest.services;
        let rate: Option<&Rate> = services.get(service).and_then(|of| of.get(operation));
        rate.map_or(self.initial, |rate| rate.probability)
    }

    /// Whether `service` asked some collector what to record.
    pub(super) fn is_asked(&self, service: &str) -> bool {
        self.latest.asked.contains(service)
    }

    /// When they were calculated, nanoseconds since the Unix epoch; 0: never.
    pub(super) fn time_ns(&self) -> u64 {
        self.latest.time_ns
    }

    /// How many operations are known.
    pub(super) fn operations(&self) -> usize {
        self.latest.operations()
    }
}
