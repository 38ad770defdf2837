//! The newest traces that have a span which answers a query.
//!
//! In: a query and how many are wanted. Out: their ids with the latest start among the spans that answer, newest first.
//!
//! Documents are collapsed by trace id and sorted by start: each shard gives the newest span of each trace, so that the newest traces are exact,
//! and no number is made of each trace id there is, as an aggregation does. Traces that are known are left out of the next page. One id may be
//! spelled in three ways (`elasticsearch.md` 5.3), and is one trace here.
//!
//! Bounded: a search asks at most four pages of ids, and twice that when the cluster refuses an expression; then the candidates.
//!
//! Source of what is asked: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0.

use std::cmp::Reverse;
use std::collections::HashMap;

use model::TraceId;
use serde_json::{Value, json};

use super::condition::{Clause, Condition};
use super::filter::{Expressions, condition};
use super::{Hit, Searches, one, read};
use crate::elasticsearch::client::Error;
use crate::port::{FoundTrace, ReadContext};
use crate::query::TraceQuery;
use crate::trouble::Trouble;

/// Pages of ids.
const MAX_PAGES: usize = 4;

/// A search for traces.
pub(in crate::elasticsearch) struct Search<'a> {
    pub(in crate::elasticsearch) searches: &'a Searches,
    pub(in crate::elasticsearch) cx: &'a ReadContext,
    pub(in crate::elasticsearch) query: &'a TraceQuery,
    pub(in crate::elasticsearch) indices: Vec<String>,
    /// Hits of one page.
    pub(in crate::elasticsearch) page: usize,
}

/// Traces that were found so far.
#[derive(Default)]
pub(super) struct Traces {
    /// Their latest start, in microseconds.
    latest: HashMap<TraceId, u64>,
    pub(super) trouble: Trouble,
}

/// Ids of one page.
#[derive(Default)]
struct Page {
    hits: usize,
    /// As they are spelled.
    spelled: Vec<String>,
    traces: Vec<(TraceId, u64)>,
    trouble: Trouble,
}

// === impl Search ===

impl Search<'_> {
    /// The newest `wanted` traces.
    pub(in crate::elasticsearch) async fn newest(
        &self,
        wanted: usize,
    ) -> Result<(Vec<FoundTrace>, Trouble), Error> {
        let us = |ns: u64| ns / 1_000;
        if wanted == 0 || us(self.query.start_min_ns) > us(self.query.start_max_ns) {
            return Ok(Default::default());
        }
        let dot_replacement = &self.searches.documents.tags_as_fields.dot_replacement;
        let conditions = |expressions| condition(self.query, dot_replacement, expressions);
        let there = conditions(Expressions::There);
        let here = conditions(Expressions::Here);
        let mut found = self.matching(&there, wanted).await;
        // an expression that is too dear for the cluster, or for a field that is no text there
        if here != there && is_refused(&found) {
            found = self.matching(&here, wanted).await;
        }
        let traces = found?;
        Ok((traces.newest(wanted), traces.trouble))
    }

    async fn matching(&self, condition: &Condition, wanted: usize) -> Result<Traces, Error> {
        let mut traces = Traces::default();
        if let Clause::Query(query) = &condition.sure {
            self.sure(query, wanted, &mut traces).await?;
        }
        if let Some(Clause::Query(may)) = &condition.may {
            let unsure = match &condition.sure {
                Clause::Query(sure) => json!({"bool": {"filter": [may], "must_not": [sure]}}),
                _ => may.clone(),
            };
            self.compare(&unsure, wanted, &mut traces).await?;
        }
        Ok(traces)
    }

    async fn sure(&self, query: &Value, wanted: usize, traces: &mut Traces) -> Result<(), Error> {
        let mut known: Vec<String> = Vec::new();
        for _ in 0..MAX_PAGES {
            let size = (wanted - traces.len()).min(self.page);
            let body = body(query, &known, size);
            let answer = self.searches.ask(self.cx, &self.indices, body).await?;
            let shown = self.searches.shown().to_owned();
            let page = read(answer, move |answer| {
                let answer = one(answer, &shown)?;
                let mut page = Page {
                    trouble: answer.trouble,
                    ..Page::default()
                };
                for hit in &answer.hits {
                    page.add(hit);
                }
                Ok(page)
            })
            .await?;
            for _ in page.traces.len()..page.hits {
                self.searches.metrics.odd();
            }
            traces.trouble.add(page.trouble);
            for (id, start_us) in page.traces {
                traces.add(id, start_us);
            }
            if page.hits < size || traces.len() >= wanted {
                return Ok(());
            }
            known.extend(page.spelled);
        }
        let found = traces.len();
        traces
            .trouble
            .note(format!("the search was cut after {found} traces"));
        Ok(())
    }
}

/// Whether the cluster refused the query itself, on some shard or on all.
fn is_refused(found: &Result<Traces, Error>) -> bool {
    match found {
        Ok(traces) => {
            let reason = traces.trouble.reason().unwrap_or_default();
            reason.contains("query_shard_exception") || reason.contains("too_complex")
        }
        Err(error) => matches!(error, Error::Invalid(_)),
    }
}

fn body(query: &Value, known: &[String], size: usize) -> Value {
    let query = if known.is_empty() {
        query.clone()
    } else {
        json!({"bool": {"filter": [query], "must_not": [{"terms": {"traceID": known}}]}})
    };
    json!({
        "query": query,
        "size": size,
        // neither documents nor their ids are fetched: what is wanted is in the sort and the collapsed field
        "stored_fields": "_none_",
        "track_total_hits": false,
        "collapse": {"field": "traceID"},
        "sort": [
            {"startTime": {"order": "desc", "unmapped_type": "long"}},
            {"traceID": {"order": "asc", "unmapped_type": "keyword"}},
        ],
    })
}

// === impl Page ===

impl Page {
    fn add(&mut self, hit: &Hit<'_>) {
        self.hits += 1;
        let spelled = hit
            .fields
            .get("traceID")
            .and_then(|ids| ids.first()?.as_str());
        let start_us = hit.sort.first().and_then(Value::as_u64);
        self.spelled.extend(spelled.map(str::to_owned));
        match (spelled.map(TraceId::parse), start_us) {
            (Some(Ok(id)), Some(start_us)) => self.traces.push((id, start_us)),
            _ => {
                let id = spelled.unwrap_or("none");
                self.trouble.note(format!(
                    "a span of index {:?} was passed over: its trace id is {id:?}",
                    hit.index
                ));
            }
        }
    }
}

// === impl Traces ===

impl Traces {
    pub(super) fn len(&self) -> usize {
        self.latest.len()
    }

    pub(super) fn add(&mut self, id: TraceId, start_us: u64) {
        let latest = self.latest.entry(id).or_default();
        *latest = start_us.max(*latest);
    }

    /// Where the newest `wanted` begin; none: there are fewer.
    pub(super) fn since_us(&self, wanted: usize) -> Option<u64> {
        let mut starts: Vec<u64> = self.latest.values().copied().collect();
        let nth = wanted.checked_sub(1).filter(|nth| *nth < starts.len())?;
        Some(
            *starts
                .select_nth_unstable_by_key(nth, |start| Reverse(*start))
                .1,
        )
    }

    fn newest(&self, wanted: usize) -> Vec<FoundTrace> {
        let found = self.latest.iter().map(|(id, start_us)| FoundTrace {
            trace_id: *id,
            start_ns: start_us.saturating_mul(1_000),
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|f| (Reverse(f.start_ns), f.trace_id));
        found.truncate(wanted);
        found
    }
}

#[cfg(test)]
mod tests;
