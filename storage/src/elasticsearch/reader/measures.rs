//! Counting spans by aggregation: one request for each question.
//!
//! In: services, kinds, a grid. Out: what the port says of it. The cluster sorts documents by service, by operation where that is asked, and by bucket of time; in each
//! it counts those that failed, or says which share took at most so long as each bucket of durations ends. It makes a histogram for that with two digits, so that a duration
//! within 1 % of where two buckets meet may count in the other one.
//!
//! Bounded: buckets in which nothing started do not exist, an operation beyond [`OPERATIONS`] of a service is left out and said, and when the cluster refuses so many
//! buckets, or has no memory for them, it is asked again on a grid four times as coarse, which is said too.
//!
//! Deliberately absent: documents whose service has a name that stands in no index; that is said.

use model::SpanKind;
use serde::Deserialize;
use serde_json::{Value, json};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::Reader;
use crate::elasticsearch::search::{Trouble, failed, of_filter, one, read, with};
use crate::elasticsearch::template::mapping::{IGNORE_ABOVE, is_indexed};
use crate::http_client::Error;
use crate::port::{
    BOUNDS, Cell, Grid, Measure, MeasureQuery, MeasureReader, Measured, ReadContext, ReadError,
    bound_us,
};
use crate::query::{Filter, Pattern};

/// Operations of a service that are counted by themselves.
const OPERATIONS: usize = 500;
/// How often a coarser grid is tried.
const ROUNDS: usize = 5;
/// How much coarser.
const COARSER: u64 = 4;

#[derive(Default, Deserialize)]
struct Aggregations {
    services: Terms<ByService>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "B: Deserialize<'de>"))]
struct Terms<B> {
    #[serde(default)]
    sum_other_doc_count: u64,
    buckets: Vec<B>,
}

#[derive(Deserialize)]
struct ByService {
    key: String,
    #[serde(default)]
    operations: Option<Terms<ByOperation>>,
    #[serde(default)]
    times: Option<Times>,
}

#[derive(Deserialize)]
struct ByOperation {
    key: String,
    times: Times,
}

#[derive(Deserialize)]
struct Times {
    buckets: Vec<Time>,
}

#[derive(Deserialize)]
struct Time {
    /// Microseconds since the Unix epoch.
    key: f64,
    doc_count: u64,
    #[serde(default)]
    errors: Option<Count>,
    #[serde(default)]
    took: Option<Ranks>,
}

#[derive(Deserialize)]
struct Count {
    doc_count: u64,
}

#[derive(Deserialize)]
struct Ranks {
    values: Vec<Rank>,
}

#[derive(Deserialize)]
struct Rank {
    /// Percent; none where there is nothing.
    value: Option<f64>,
}

impl<B> Default for Terms<B> {
    fn default() -> Self {
        Self {
            sum_other_doc_count: 0,
            buckets: Vec::new(),
        }
    }
}

impl MeasureReader for Reader {
    fn measure<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a MeasureQuery,
    ) -> BoxFuture<'a, Result<Measured, ReadError>> {
        self.counted(cx, query).boxed()
    }
}

// === impl Reader ===

impl Reader {
    async fn counted(&self, cx: &ReadContext, query: &MeasureQuery) -> Result<Measured, ReadError> {
        cx.check()?;
        let mut trouble = Trouble::default();
        if query.services.iter().any(|name| !is_indexed(name)) {
            trouble.note(format!(
                "spans of services with a name of more than {IGNORE_ABOVE} characters are not counted"
            ));
        }
        let (from_ms, until_ms) = query.grid.window_ms();
        let times = (
            from_ms.saturating_mul(1_000_000),
            until_ms.saturating_mul(1_000_000).saturating_sub(1),
        );
        if from_ms >= until_ms {
            return Ok(Measured::empty(query.grid));
        }
        let indices = self.names.spans.read(times.0, times.1);
        trouble.add(self.left_out(cx, &self.names.spans, [times]).await);
        let mut grid = query.grid;
        let mut rounds = 0;
        let measured = loop {
            rounds += 1;
            let asked = MeasureQuery {
                grid,
                ..query.clone()
            };
            match self.count_on(cx, &indices, asked, &mut trouble).await {
                Err(error) if rounds < ROUNDS && is_too_much(&error) => {
                    grid = grid.coarser(COARSER);
                }
                Err(error) => return Err(failed(error)),
                Ok(measured) => break measured,
            }
        };
        if let Some(differs) = grid.differs(&query.grid) {
            trouble.note(differs);
        }
        cx.lacks.note(trouble);
        Ok(measured)
    }

    async fn count_on(
        &self,
        cx: &ReadContext,
        indices: &[String],
        query: MeasureQuery,
        trouble: &mut Trouble,
    ) -> Result<Measured, Error> {
        let dot = &self.searches.documents.tags_as_fields.dot_replacement;
        let Some(body) = body(&query, dot) else {
            return Ok(Measured::empty(query.grid));
        };
        let answer = self.searches.ask(cx, indices, body).await?;
        let shown = self.searches.shown().to_owned();
        let (measured, lacks) = read(answer, move |answer| {
            let answer = one(answer, &shown)?;
            let mut lacks = answer.trouble;
            let found: Aggregations = match answer.aggregations {
                Some(raw) => serde_json::from_str(raw.get()).map_err(|error| {
                    Error::Busy(format!("what was counted could not be read: {error}"))
                })?,
                None => Aggregations::default(),
            };
            let measured = measured(found, &query, &mut lacks);
            Ok((measured, lacks))
        })
        .await?;
        trouble.add(lacks);
        Ok(measured)
    }
}

/// Whether a coarser grid may be answered.
fn is_too_much(error: &Error) -> bool {
    let said = error.to_string();
    matches!(error, Error::TooLarge(_))
        || ["too_many_buckets", "circuit_breaking"]
            .iter()
            .any(|kind| said.contains(kind))
}

/// The question; none: nothing can answer it.
fn body(query: &MeasureQuery, dot_replacement: &str) -> Option<Value> {
    let known = |filter: &Filter| of_filter(filter, dot_replacement);
    let grid = &query.grid;
    let (from_ms, until_ms) = grid.window_ms();
    let services: Vec<&str> = (query.services.iter())
        .map(model::Str::as_str)
        .filter(|name| is_indexed(name))
        .collect();
    if services.is_empty() {
        return None;
    }
    let until = until_ms - 1;
    let mut filter = vec![
        json!({"range": {"startTimeMillis": {"gte": from_ms, "lte": until}}}),
        json!({"terms": {"process.serviceName": services}}),
    ];
    if !query.kinds.is_empty() {
        filter.push(known(&of_kinds(&query.kinds))?);
    }
    let sub = match query.measure {
        Measure::Calls => None,
        Measure::Errors => Some(json!({"errors": {"filter": known(&failing())?}})),
        Measure::Latencies => {
            // a histogram of the cluster's takes nothing below zero
            filter.push(json!({"range": {"duration": {"gte": 0}}}));
            let bounds: Vec<f64> = (0..BOUNDS).map(bound_us).collect();
            Some(json!({"took": {"percentile_ranks": {
                "field": "duration",
                "values": bounds,
                "keyed": false,
                "hdr": {"number_of_significant_value_digits": 2},
            }}}))
        }
    };
    let times = json!({"histogram": {
        "field": "startTime",
        "interval": width_us(grid),
        "offset": offset_us(grid),
        "min_doc_count": 1,
    }});
    let aggs = json!({"times": with(times, "aggs", sub)});
    let aggs = match query.by_operation {
        false => aggs,
        true => json!({"operations": {
            "terms": {"field": "operationName", "size": OPERATIONS},
            "aggs": aggs,
        }}),
    };
    let services = json!({
        "terms": {"field": "process.serviceName", "size": services.len()},
        "aggs": aggs,
    });
    Some(json!({
        "size": 0,
        "track_total_hits": false,
        "query": {"bool": {"filter": filter}},
        "aggs": {"services": services},
    }))
}

fn width_us(grid: &Grid) -> u64 {
    grid.width_ms().saturating_mul(1_000)
}

/// How far buckets begin behind multiples of their length: every point's own end is one.
fn offset_us(grid: &Grid) -> u64 {
    let first_us = grid.points().next().unwrap_or(0).saturating_mul(1_000);
    first_us % width_us(grid).max(1)
}

fn tag(key: &str, value: &'static str) -> Filter {
    Filter::SpanTag {
        key: key.into(),
        value: Pattern::literal(value),
    }
}

fn of_kinds(kinds: &[SpanKind]) -> Filter {
    let is = |kind: SpanKind| tag("span.kind", kind.as_str());
    let all = [
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];
    Filter::Or(
        kinds
            .iter()
            .map(|kind| match kind {
                SpanKind::Unspecified => {
                    Filter::Not(Box::new(Filter::Or(all.into_iter().map(is).collect())))
                }
                kind => is(*kind),
            })
            .collect(),
    )
}

fn failing() -> Filter {
    Filter::Or(vec![tag("error", "true"), tag("otel.status_code", "ERROR")])
}

fn measured(found: Aggregations, query: &MeasureQuery, trouble: &mut Trouble) -> Measured {
    let mut measured = Measured::empty(query.grid);
    let mut add = |service: &str, operation: &str, times: Times| {
        let cells = measured
            .lines
            .entry(query.line(service, operation))
            .or_default();
        for time in times.buckets {
            let ms = moment_ms(&time, &query.grid);
            if let Some(bucket) = query.grid.bucket_at(ms) {
                cells.entry(bucket).or_default().add(&cell(&time));
            }
        }
    };
    for service in found.services.buckets {
        if let Some(times) = service.times {
            add(&service.key, "", times);
        }
        let Some(operations) = service.operations else {
            continue;
        };
        if operations.sum_other_doc_count > 0 {
            trouble.note(format!(
                "of {} only the {OPERATIONS} operations with most spans are counted",
                service.key
            ));
        }
        for operation in operations.buckets {
            add(&service.key, &operation.key, operation.times);
        }
    }
    measured
}

/// A moment in a bucket: its begin, or, where that lies before the window, the window's.
fn moment_ms(time: &Time, grid: &Grid) -> u64 {
    let begin_ms = (time.key / 1_000.0).round() as u64;
    begin_ms.max(grid.window_ms().0)
}

fn cell(time: &Time) -> Cell {
    let mut cell = Cell {
        calls: time.doc_count,
        errors: time.errors.as_ref().map_or(0, |errors| errors.doc_count),
        durations: Vec::new(),
    };
    let Some(took) = &time.took else {
        return cell;
    };
    let calls = time.doc_count as f64;
    let mut before = 0;
    for (bucket, rank) in (0..BOUNDS).zip(&took.values) {
        let percent = rank.value.unwrap_or_default().clamp(0.0, 100.0);
        let until = (percent / 100.0 * calls).round() as u64;
        if until > before {
            cell.took(bucket, until - before);
            before = until;
        }
    }
    if time.doc_count > before {
        cell.took(BOUNDS, time.doc_count - before);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(measure: Measure, by_operation: bool) -> MeasureQuery {
        MeasureQuery {
            measure,
            services: vec!["shop".into()],
            kinds: vec![SpanKind::Server],
            by_operation,
            grid: Grid::new(1_000_000, 120_000, 60_000, 120_000).unwrap(),
        }
    }

    #[test]
    fn a_question_is_one_aggregation() {
        let body = body(&query(Measure::Errors, true), "@").unwrap();
        let filter = &body["query"]["bool"]["filter"];
        assert_eq!(
            filter[0],
            json!({"range": {"startTimeMillis": {"gte": 760_000, "lte": 999_999}}})
        );
        assert_eq!(
            filter[1],
            json!({"terms": {"process.serviceName": ["shop"]}})
        );
        let times = &body["aggs"]["services"]["aggs"]["operations"]["aggs"]["times"];
        assert_eq!(
            times["histogram"],
            json!({"field": "startTime", "interval": 60_000_000, "offset": 40_000_000, "min_doc_count": 1})
        );
        assert!(times["aggs"]["errors"]["filter"].is_object());
        assert!(super::body(&query(Measure::Calls, false), "@").unwrap()["aggs"]["services"]["aggs"]["times"]["aggs"].is_null());
    }

    #[test]
    fn shares_of_what_took_so_long_become_counts() {
        // three of four took at most 2 µs, and one is longer than all bounds
        let mut values = vec![json!({"value": 0.0}); 4];
        values.resize(usize::from(BOUNDS), json!({"value": 75.0}));
        let found = json!({"services": {"buckets": [{"key": "shop", "times": {"buckets": [
            {"key": 760_000_000.0, "doc_count": 4, "took": {"values": values}},
        ]}}]}});
        let query = query(Measure::Latencies, false);
        let found = serde_json::from_value(found).unwrap();
        let measured = measured(found, &query, &mut Trouble::default());
        let cells = &measured.lines[&query.line("shop", "")];
        assert_eq!(cells[&0].durations, [(4, 3), (BOUNDS, 1)]);
        assert_eq!(cells[&0].calls, 4);
    }

    #[test]
    fn what_is_too_much_is_told_from_what_is_wrong() {
        let busy = |said: &str| Error::Busy(said.to_owned());
        assert!(is_too_much(&busy(
            "es answered 503: : (too_many_buckets_exception: 10000)"
        )));
        assert!(is_too_much(&Error::TooLarge(String::new())));
        assert!(!is_too_much(&busy("es answered 503: no shard")));
    }
}
