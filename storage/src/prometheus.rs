//! Prometheus, or what speaks its API, as the place where somebody else counted spans: the OpenTelemetry Collector's `spanmetrics` connector.
//!
//! In: what is asked of services. Out: series as Prometheus gives them. One query a question, and a second where no service failed. The token of whoever asks goes along where that is
//! set, else the one of the file; TLS as to any other server.
//!
//! Deliberately absent: instances. What Prometheus has counted is not sorted by them, and so is shown to the readers of one alone.
//!
//! Source: `jaegertracing/jaeger: internal/storage/metricstore/prometheus/metricstore/reader.go` v1.76.0; the HTTP API of Prometheus 2.

mod promql;

use std::collections::BTreeMap;

use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::elasticsearch::config::Connection;
use crate::http_client::{Client, Request};
use crate::port::ReadContext;

pub use promql::Question;

/// Longest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Answers below this are read where they are; larger ones on a thread that may be held.
const QUICK_BYTES: usize = 64 << 10;

/// What is told of it.
#[derive(Clone, Debug)]
pub struct Config {
    /// How it is reached: `prometheus.server-url` and its neighbours.
    pub connection: Connection,
    /// `query.namespace`: what stands before the names of metrics.
    pub namespace: String,
    /// The unit that the name of durations ends with; none: with none.
    pub duration_suffix: Option<&'static str>,
    /// `query.normalize-calls`: the name of calls ends with `_total`.
    pub normalize_calls: bool,
    /// `query.extra-query-params`: for the query of every request.
    pub extra: Vec<(String, String)>,
}

/// A server, as it is asked.
pub struct Prometheus {
    config: Config,
    client: Client,
}

/// Points of one set of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// As Prometheus has them.
    pub labels: BTreeMap<String, String>,
    /// When, in milliseconds since the Unix epoch, and how much.
    pub points: Vec<(i64, f64)>,
}

/// Why there is no answer, in Jaeger's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The query failed.
    #[error("failed executing metrics query: {0}")]
    Query(String),
    /// That of failing calls did.
    #[error("failed getting error metrics: failed executing metrics query: {0}")]
    Errors(String),
    /// No call failed, and that of all calls did.
    #[error("failed getting call metrics: failed executing metrics query: {0}")]
    Calls(String),
}

/// What it answers, whether that is a success or not.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(rename = "errorType", default)]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    #[serde(default)]
    result: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

// === impl Prometheus ===

impl Prometheus {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// A setting that cannot be, by name.
    pub fn new(config: Config) -> Result<Self, String> {
        let client = Client::new(config.connection.clone())?;
        Ok(Self { config, client })
    }

    /// Files that cannot be used, each with its setting: what a start fails with. Blocks.
    ///
    /// # Errors
    /// The first.
    pub fn check_files(&self) -> Result<(), String> {
        self.client.check_files()
    }

    /// How long calls took.
    ///
    /// # Errors
    /// Why it did not answer.
    pub async fn latencies(
        &self,
        cx: &ReadContext,
        question: &Question,
        quantile: f64,
    ) -> Result<Vec<Series>, Error> {
        let query = promql::latencies(&self.config, question, quantile);
        self.range(cx, question, &query).await.map_err(Error::Query)
    }

    /// Calls a second.
    ///
    /// # Errors
    /// Why it did not answer.
    pub async fn calls(&self, cx: &ReadContext, question: &Question) -> Result<Vec<Series>, Error> {
        let query = promql::calls(&self.config, question);
        self.range(cx, question, &query).await.map_err(Error::Query)
    }

    /// The share of calls that failed. Where none did at all there are no series of such, and calls say of whom it is 0.
    ///
    /// # Errors
    /// Why it did not answer.
    pub async fn errors(
        &self,
        cx: &ReadContext,
        question: &Question,
    ) -> Result<Vec<Series>, Error> {
        let query = promql::errors(&self.config, question);
        let failing = self.range(cx, question, &query).await;
        let failing = failing.map_err(Error::Errors)?;
        if !failing.is_empty() {
            return Ok(failing);
        }
        let query = promql::calls(&self.config, question);
        let mut calls = self
            .range(cx, question, &query)
            .await
            .map_err(Error::Calls)?;
        for (_, value) in calls.iter_mut().flat_map(|series| &mut series.points) {
            *value = 0.0;
        }
        Ok(calls)
    }

    async fn range(
        &self,
        cx: &ReadContext,
        question: &Question,
        query: &str,
    ) -> Result<Vec<Series>, String> {
        let start_ms = question.end_ms.saturating_sub(question.lookback_ms);
        let form = form(&[
            ("query", query),
            ("start", &promql::seconds(start_ms)),
            ("end", &promql::seconds(question.end_ms)),
            ("step", &promql::seconds(question.step_ms)),
        ]);
        let mut request = Request::post(&["api", "v1", "query_range"]);
        for (name, value) in &self.config.extra {
            let name = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
            request = request.query(&name, value.as_str());
        }
        let request = request
            .form(form)
            .at_most(MAX_ANSWER_BYTES)
            .deadline(cx.deadline)
            .credentials(cx.credentials.clone());
        let response = tokio::select! {
            biased;
            () = cx.cancelled.cancelled() => return Err("the caller went away".to_owned()),
            response = self.client.send(&request) => response,
        };
        let response = response.map_err(|error| error.to_string())?;
        let status = response.status;
        let answer = if response.body.len() < QUICK_BYTES {
            series(status, &response.body)
        } else {
            let reading = tokio::task::spawn_blocking(move || series(status, &response.body));
            reading
                .await
                .unwrap_or_else(|error| Err(format!("its answer could not be read: {error}")))
        };
        let (series, warnings) = answer?;
        for warning in warnings {
            tracing::warn!(server = self.client.shown(), query, %warning, "Prometheus warns of a query");
        }
        Ok(series)
    }
}

fn form(pairs: &[(&str, &str)]) -> Bytes {
    let pair = |(name, value): &(&str, &str)| {
        format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
    };
    let pairs: Vec<String> = pairs.iter().map(pair).collect();
    Bytes::from(pairs.join("&"))
}

/// The series of an answer, and what it warns of.
fn series(status: u16, body: &Bytes) -> Result<(Vec<Series>, Vec<String>), String> {
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    let answer = match (answer, status) {
        (Some(answer), _) if answer.status == "error" => {
            return Err(format!("{}: {}", answer.error_type, answer.error));
        }
        (Some(answer), 200..300) if answer.status == "success" => answer,
        (_, 400..500) => return Err(format!("client_error: client error: {status}")),
        (_, 500..) => return Err(format!("server_error: server error: {status}")),
        _ => {
            return Err(format!(
                "bad_response: it answered {status} with something else"
            ));
        }
    };
    let Some(data) = answer.data.filter(|data| data.kind == "matrix") else {
        return Err("unexpected metrics ValueType".to_owned());
    };
    let ms = |seconds: f64| (seconds * 1_000.0).round() as i64;
    let one = |found: Found| {
        let points = found.values.iter();
        let points = points.map(|(at, value)| Some((ms(*at), value.parse().ok()?)));
        Some(Series {
            points: points.collect::<Option<_>>()?,
            labels: found.metric,
        })
    };
    let series: Option<Vec<Series>> = data.result.into_iter().map(one).collect();
    let series = series.ok_or("bad_response: a value of its answer is no number")?;
    Ok((series, answer.warnings))
}

#[cfg(test)]
mod tests;
