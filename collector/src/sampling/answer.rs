//! An answer as JSON: as clients of today read it, and as those of old do.
//!
//! Today: Jaeger's protobuf as JSON, zeros written and what is absent left out. Of old: Thrift as JSON, the type a number.
//! Source: `jaegertracing/jaeger: internal/sampling/http`, `internal/converter/thrift/jaeger/sampling_*.go` v1.76.0.

use serde::Serialize;
use wire::r#gen::api_v2::{
    PerOperationSamplingStrategies, SamplingStrategyResponse, SamplingStrategyType,
};
use wire::go_json;

/// A limit that old clients cannot read: theirs has 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot marshall to JSON: maxTracesPerSecond {0} is out of bounds of 16 bits")]
pub(crate) struct NotInt16(i32);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    strategy_type: Type,
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilistic_sampling: Option<Probability>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limiting_sampling: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_sampling: Option<Operations<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Type {
    Word(&'static str),
    Number(i32),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Probability {
    sampling_rate: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limit {
    max_traces_per_second: i32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Operations<'a> {
    default_sampling_probability: f64,
    default_lower_bound_traces_per_second: f64,
    per_operation_strategies: Vec<Operation<'a>>,
    default_upper_bound_traces_per_second: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Operation<'a> {
    operation: &'a str,
    probabilistic_sampling: Probability,
}

/// For clients of today.
pub(crate) fn json(answer: &SamplingStrategyResponse) -> Vec<u8> {
    let word = match answer.strategy_type() {
        SamplingStrategyType::Probabilistic => "PROBABILISTIC",
        SamplingStrategyType::RateLimiting => "RATE_LIMITING",
    };
    go_json::to_vec(&shape(answer, Type::Word(word)))
}

/// For clients of old.
pub(crate) fn legacy_json(answer: &SamplingStrategyResponse) -> Result<Vec<u8>, NotInt16> {
    if let Some(limit) = &answer.rate_limiting_sampling
        && i16::try_from(limit.max_traces_per_second).is_err()
    {
        return Err(NotInt16(limit.max_traces_per_second));
    }
    let shape = shape(answer, Type::Number(answer.strategy_type));
    Ok(go_json::to_vec(&shape))
}

fn shape(answer: &SamplingStrategyResponse, strategy_type: Type) -> Answer<'_> {
    Answer {
        strategy_type,
        probabilistic_sampling: answer.probabilistic_sampling.map(|p| Probability {
            sampling_rate: p.sampling_rate,
        }),
        rate_limiting_sampling: answer.rate_limiting_sampling.map(|l| Limit {
            max_traces_per_second: l.max_traces_per_second,
        }),
        operation_sampling: answer.operation_sampling.as_ref().map(operations),
    }
}

fn operations(all: &PerOperationSamplingStrategies) -> Operations<'_> {
    let each = all.per_operation_strategies.iter().map(|o| Operation {
        operation: &o.operation,
        probabilistic_sampling: Probability {
            sampling_rate: o
                .probabilistic_sampling
                .map(|p| p.sampling_rate)
                .unwrap_or_default(),
        },
    });
    Operations {
        default_sampling_probability: all.default_sampling_probability,
        default_lower_bound_traces_per_second: all.default_lower_bound_traces_per_second,
        per_operation_strategies: each.collect(),
        default_upper_bound_traces_per_second: all.default_upper_bound_traces_per_second,
    }
}
