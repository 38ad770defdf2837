//! Rates, errors and latencies of services: what can be asked, and who answers it.
//!
//! In: a [`MetricsQuery`], checked. Out: a [`Family`] of metrics, or why there is none. Two can answer: Prometheus, where an operator named one, for the instance that it belongs to; and
//! the store, which counts its spans. With neither there are no metrics.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/api/metricstore` v1.76.0, whose names and help texts these are.

mod points;

use std::sync::Arc;
use std::time::Duration;

use model::{Instance, SpanKind, Str};
use storage::port::MAX_BUCKETS;
use storage::prometheus::{self, Prometheus, Question, Series};
use storage::{Grid, MeasureQuery, MeasureReader, ReadError};

pub use storage::Measure;

use super::Call;

/// The closest that points may lie.
const MIN_STEP: Duration = Duration::from_millis(1);
/// Points of an answer, over all its lines.
const MAX_POINTS: usize = 1_000_000;

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

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// `service_latencies` and its neighbours.
    pub name: String,
    /// For a person.
    pub help: String,
    /// Lines of points.
    pub metrics: Vec<Metric>,
}

/// A line of points.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Whose, as pairs of name and value.
    pub labels: Vec<(String, String)>,
    /// In the order of time.
    pub points: Vec<Point>,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Milliseconds since the Unix epoch.
    pub ms: i64,
    /// Milliseconds, calls a second, or a share; not a number where nothing was called.
    pub value: f64,
}

/// A Prometheus, and whose spans it has counted.
#[derive(Clone)]
pub struct Counted {
    /// Whose.
    pub instance: Instance,
    /// Who knows.
    pub prometheus: Arc<Prometheus>,
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
    /// Prometheus did not answer.
    #[error(transparent)]
    Prometheus(#[from] prometheus::Error),
}

/// Who answers.
enum Source<'a> {
    Prometheus(&'a Prometheus),
    Spans(&'a dyn MeasureReader),
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

// === impl MetricsQuery ===

impl MetricsQuery {
    /// How far back is asked when nobody says.
    pub(crate) const LOOKBACK: Duration = Duration::from_secs(3600);
    /// How far apart points are then.
    pub(crate) const STEP: Duration = Duration::from_secs(5);
    /// Over how long a rate is taken then.
    pub(crate) const RATE_PER: Duration = Duration::from_secs(600);
}

// === impl Counted ===

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counted")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

// === impl Call ===

impl Call<'_> {
    /// What answers `query`. What it lacks is in [`Call::lacks`].
    pub async fn get_metrics(&self, query: &MetricsQuery) -> Result<Family, MetricsError> {
        let source = self.source()?;
        // what Prometheus would refuse is refused whoever answers
        let asked = Grid::new(
            query.end_ns / 1_000_000,
            ms(query.lookback),
            ms(query.step),
            ms(query.rate_per),
        );
        let asked = asked.map_err(|why| ReadError::Invalid(why.to_owned()))?;
        let _turn = self.turn().await?;
        let metrics = match source {
            Source::Prometheus(prometheus) => self.of_prometheus(prometheus, query).await?,
            Source::Spans(reader) => self.of_spans(reader, query, asked).await?,
        };
        Ok(family(query, metrics))
    }

    /// How close together the points of an answer may lie.
    pub async fn min_step(&self) -> Result<Duration, MetricsError> {
        self.source().map(|_| MIN_STEP)
    }

    fn source(&self) -> Result<Source<'_>, MetricsError> {
        let counted = self.service.counted.as_ref();
        if let Some(counted) = counted.filter(|counted| counted.instance == self.instance) {
            return Ok(Source::Prometheus(&counted.prometheus));
        }
        let reader = self.readers.measures.as_deref();
        reader.map(Source::Spans).ok_or(MetricsError::Disabled)
    }

    async fn of_spans(
        &self,
        reader: &dyn MeasureReader,
        query: &MetricsQuery,
        asked: Grid,
    ) -> Result<Vec<Metric>, MetricsError> {
        let grid = asked.within(MAX_BUCKETS);
        if let Some(differs) = grid.differs(&asked) {
            self.cx.lacks.add(differs);
        }
        let counted = MeasureQuery {
            measure: query.measure,
            services: query
                .services
                .iter()
                .map(|s| Str::from(s.as_str()))
                .collect(),
            kinds: query.kinds.clone(),
            by_operation: query.by_operation,
            grid,
        };
        let read = reader.measure(&self.cx, &counted);
        let measured = self.in_turn("get_metrics", read).await?;
        let (metrics, left_out) = points::metrics(&measured, query, MAX_POINTS);
        if left_out > 0 {
            self.cx.lacks.add(format!(
                "{left_out} operations with the fewest calls are left out, since an answer has at most {MAX_POINTS} points: ask for a longer step"
            ));
        }
        Ok(metrics)
    }

    async fn of_prometheus(
        &self,
        prometheus: &Prometheus,
        query: &MetricsQuery,
    ) -> Result<Vec<Metric>, MetricsError> {
        let question = Question {
            services: query.services.clone(),
            kinds: query.kinds.iter().map(|kind| long_name(*kind)).collect(),
            by_operation: query.by_operation,
            end_ms: query.end_ns / 1_000_000,
            lookback_ms: ms(query.lookback),
            step_ms: ms(query.step),
            rate_ms: ms(query.rate_per),
        };
        let mut cx = self.cx.clone();
        // a store that takes tokens is another matter
        cx.credentials = cx
            .credentials
            .filter(|_| self.service.passes_credentials_on);
        let timer = self.timer_of("prometheus", "get_metrics");
        let asked = async {
            match query.measure {
                Measure::Latencies => {
                    let quantile = query.quantile.unwrap_or_default();
                    prometheus.latencies(&cx, &question, quantile).await
                }
                Measure::Calls => prometheus.calls(&cx, &question).await,
                Measure::Errors => prometheus.errors(&cx, &question).await,
            }
        };
        let series = match self.within(asked).await {
            Some(series) => series.map_err(MetricsError::from),
            None => Err(MetricsError::Read(self.late())),
        };
        timer.end(&series);
        Ok(series?.into_iter().map(Metric::from).collect())
    }
}

/// A kind's name in metrics of the OpenTelemetry Collector.
fn long_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "SPAN_KIND_UNSPECIFIED",
        SpanKind::Internal => "SPAN_KIND_INTERNAL",
        SpanKind::Server => "SPAN_KIND_SERVER",
        SpanKind::Client => "SPAN_KIND_CLIENT",
        SpanKind::Producer => "SPAN_KIND_PRODUCER",
        SpanKind::Consumer => "SPAN_KIND_CONSUMER",
    }
}

fn family(query: &MetricsQuery, metrics: Vec<Metric>) -> Family {
    let (name, mut help) = match query.measure {
        Measure::Latencies => (
            "latencies",
            format!(
                "{:.2}th quantile latency, grouped by service",
                query.quantile.unwrap_or_default()
            ),
        ),
        Measure::Calls => ("call_rate", "calls/sec, grouped by service".to_owned()),
        Measure::Errors => (
            "error_rate",
            "error rate, computed as a fraction of errors/sec over calls/sec, grouped by service"
                .to_owned(),
        ),
    };
    let of = if query.by_operation {
        help.push_str(" & operation");
        "service_operation"
    } else {
        "service"
    };
    Family {
        name: format!("{of}_{name}"),
        help,
        metrics,
    }
}

// === impl Metric ===

impl From<Series> for Metric {
    fn from(series: Series) -> Self {
        let label = |(name, value): (String, String)| match name.as_str() {
            "span_name" => (OPERATION.to_owned(), value),
            _ => (name, value),
        };
        let point = |(ms, value)| Point { ms, value };
        Self {
            labels: series.labels.into_iter().map(label).collect(),
            points: series.points.into_iter().map(point).collect(),
        }
    }
}

/// The label of an operation, as the UI knows it, and that of a service.
const OPERATION: &str = "operation";
const SERVICE: &str = "service_name";

#[cfg(test)]
mod tests;
