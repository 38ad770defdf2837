//! From a strategies file to an answer for each service.
//!
//! Operations: a service's own come first, then the default's for others; a service without any has the default's. The probability of
//! operations that are not named is the service's own, where it has one.

use std::collections::HashMap;

use wire::r#gen::api_v2::{
    OperationSamplingStrategy, PerOperationSamplingStrategies, ProbabilisticSamplingStrategy,
    RateLimitingSamplingStrategy, SamplingStrategyResponse, SamplingStrategyType,
};

use super::file::{File, OperationStrategy, Strategy};

const PROBABILISTIC: &str = "probabilistic";
const RATE_LIMITING: &str = "ratelimiting";

/// Answers by service, and for all others.
#[derive(Debug, Default)]
pub(super) struct Strategies {
    services: HashMap<String, SamplingStrategyResponse>,
    default: SamplingStrategyResponse,
}

// === impl Strategies ===

impl Strategies {
    /// Of a file. `default_probability` is for what it says nothing usable of.
    pub(super) fn new(file: &File, default_probability: f64) -> Self {
        let default = match &file.default_strategy {
            Some(strategy) => answer(strategy, "", default_probability),
            None => probabilistic(default_probability),
        };
        let mut services = HashMap::new();
        for one in file.service_strategies.iter().flatten() {
            let mut own = answer(&one.strategy, &one.service, default_probability);
            inherit(&mut own, &default);
            services.insert(one.service.clone(), own);
        }
        Self { services, default }
    }

    /// What `service` is told.
    pub(super) fn of(&self, service: &str) -> &SamplingStrategyResponse {
        self.services.get(service).unwrap_or(&self.default)
    }
}

fn probabilistic(sampling_rate: f64) -> SamplingStrategyResponse {
    SamplingStrategyResponse {
        strategy_type: SamplingStrategyType::Probabilistic as i32,
        probabilistic_sampling: Some(ProbabilisticSamplingStrategy { sampling_rate }),
        ..SamplingStrategyResponse::default()
    }
}

fn answer(strategy: &Strategy, service: &str, default: f64) -> SamplingStrategyResponse {
    let mut answer = match strategy.kind.as_str() {
        PROBABILISTIC => probabilistic(strategy.param),
        RATE_LIMITING => SamplingStrategyResponse {
            strategy_type: SamplingStrategyType::RateLimiting as i32,
            rate_limiting_sampling: Some(RateLimitingSamplingStrategy {
                // whole traces: what is behind the point is cut off
                max_traces_per_second: strategy.param as i32,
            }),
            ..SamplingStrategyResponse::default()
        },
        other => {
            tracing::warn!(
                service,
                "sampling strategy of type {other:?} is not known: sampling.default-sampling-probability is used"
            );
            probabilistic(default)
        }
    };
    if let Some(operations) = &strategy.operation_strategies {
        let own = answer.probabilistic_sampling.map(|p| p.sampling_rate);
        answer.operation_sampling = Some(PerOperationSamplingStrategies {
            default_sampling_probability: own.unwrap_or(default),
            per_operation_strategies: operations
                .iter()
                .filter_map(|o| operation(o, service, default))
                .collect(),
            ..PerOperationSamplingStrategies::default()
        });
    }
    answer
}

/// Clients know probabilities of operations and nothing else.
fn operation(
    strategy: &OperationStrategy,
    service: &str,
    default: f64,
) -> Option<OperationSamplingStrategy> {
    let sampling_rate = match strategy.kind.as_str() {
        PROBABILISTIC => strategy.param,
        RATE_LIMITING => {
            tracing::warn!(
                service,
                operation = strategy.operation,
                "an operation cannot be limited to traces a second: left out"
            );
            return None;
        }
        other => {
            tracing::warn!(
                service,
                operation = strategy.operation,
                "sampling strategy of type {other:?} is not known: sampling.default-sampling-probability is used"
            );
            default
        }
    };
    Some(OperationSamplingStrategy {
        operation: strategy.operation.clone(),
        probabilistic_sampling: Some(ProbabilisticSamplingStrategy { sampling_rate }),
    })
}

/// Gives a service the operations of the default that it says nothing of.
fn inherit(own: &mut SamplingStrategyResponse, default: &SamplingStrategyResponse) {
    let Some(inherited) = &default.operation_sampling else {
        return;
    };
    let rate = own.probabilistic_sampling.map(|p| p.sampling_rate);
    match &mut own.operation_sampling {
        None => {
            let mut operations = inherited.clone();
            operations.default_sampling_probability =
                rate.unwrap_or(operations.default_sampling_probability);
            own.operation_sampling = Some(operations);
        }
        Some(operations) => {
            let own = &mut operations.per_operation_strategies;
            let count = own.len();
            for more in &inherited.per_operation_strategies {
                let mut before = own.iter().take(count);
                if !before.any(|o| o.operation == more.operation) {
                    own.push(more.clone());
                }
            }
        }
    }
}
