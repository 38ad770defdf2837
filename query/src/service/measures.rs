//! Rates, errors and latencies of services: what can be asked, and who answers it.
//!
//! In: a [`MetricsQuery`], checked. Out: the JSON of a metric family, or why not. Nothing answers yet: this is the one place that a store of metrics
//! is put into.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/api/metricstore` v1.76.0.

use std::time::Duration;

use model::SpanKind;
use storage::ReadError;

use super::Call;

/// What is asked of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How long their operations take.
    Latencies,
    /// How often they are called.
    Calls,
    /// Which part of the calls fails.
    Errors,
}

/// A question about services.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsQuery {
    /// What is asked.
    pub measure: Measure,
    /// Of latencies, which one: 0.95 is that which 95 of 100 calls stay below.
    pub quantile: Option<f64>,
    /// Of which services; at least one.
    pub services: Vec<String>,
    /// For each operation by itself.
    pub by_operation: bool,
    /// Only of spans of these kinds.
    pub kinds: Vec<SpanKind>,
    /// The last moment, nanoseconds since the Unix epoch.
    pub end_ns: u64,
    /// How far back from there.
    pub lookback: Duration,
    /// How far apart the points lie.
    pub step: Duration,
    /// Over how long a rate is taken.
    pub rate_per: Duration,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricsError {
    /// No store of metrics is there.
    #[error("metrics querying is currently disabled")]
    Disabled,
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

// === impl Call ===

impl Call<'_> {
    /// The JSON of Jaeger's `MetricFamily` that answers `query`.
    pub async fn get_metrics(&self, _query: &MetricsQuery) -> Result<Vec<u8>, MetricsError> {
        Err(MetricsError::Disabled)
    }

    /// How close together the points of an answer may lie.
    pub async fn min_step(&self) -> Result<Duration, MetricsError> {
        Err(MetricsError::Disabled)
    }
}
