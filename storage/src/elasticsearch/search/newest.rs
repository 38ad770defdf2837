//! The newest traces that have a span which answers a query, or those that another order puts first.
//!
//! In: a query and how many are wanted. Out: their ids with the start of the span that puts each where it stands, in the query's order.
//!
//! Documents are collapsed by trace id and sorted by start or duration: each shard gives the first span of each trace, so that the first traces
//! are exact, and no number is made of each trace id there is, as an aggregation does. Traces that are known are left out of the next page. One
//! id may be spelled in three ways (`elasticsearch.md` 5.3), and is one trace here.
//!
//! Behind a place only spans are asked for that stand there or behind. A trace of theirs may have another span before it, and was then given
//! before: of the ids that were found those are asked for once more, and left out.
//!
//! Bounded: a search asks at most four pages of ids, and twice that when the cluster refuses an expression; then the candidates. Behind a place
//! that may come again for what is left out, and four times at most. For traces that are equal in the order, one page more.
//!
//! Source of what is asked: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0.

use std::collections::HashMap;

use model::TraceId;
use serde_json::{Value, json};

use super::condition::{Clause, Condition};
use super::filter::{Expressions, condition, ordered_by, standing_before, standing_from};
use super::{Hit, Searches, one, read};
use crate::elasticsearch::reader::spellings;
use crate::http_client::Error;
use crate::port::{FoundTrace, ReadContext};
use crate::query::{Order, TraceQuery, us};
use crate::trouble::Trouble;

/// Pages of ids.
const MAX_PAGES: usize = 4;
/// Fewest traces that are asked for behind a place: many of them may have been given before.
const BEHIND: usize = 64;

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
    order: Order,
    first: HashMap<TraceId, First>,
    pub(super) trouble: Trouble,
}

/// The span that puts a trace where it stands, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    /// What the order compares.
    pub(super) key_us: u64,
    pub(super) start_us: u64,
}

/// Ids of one page.
#[derive(Default)]
struct Page {
    hits: usize,
    /// As they are spelled.
    spelled: Vec<String>,
    traces: Vec<(TraceId, First)>,
    trouble: Trouble,
}

// === impl Search ===

impl Search<'_> {
    /// The first `wanted` traces.
    pub(in crate::elasticsearch) async fn newest(
        &self,
        wanted: usize,
    ) -> Result<(Vec<FoundTrace>, Trouble), Error> {
        if wanted == 0 || us(self.query.start_min_ns) > us(self.query.start_max_ns) {
            return Ok(Default::default());
        }
        let dot_replacement = &self.searches.documents.tags_as_fields.dot_replacement;
        let conditions = |expressions| condition(self.query, dot_replacement, expressions);
        let there = conditions(Expressions::There);
        let here = conditions(Expressions::Here);
        let mut found = self.page_of(&there, wanted).await;
        // an expression that is too dear for the cluster, or for a field that is no text there
        if here != there && is_refused(&found) {
            found = self.page_of(&here, wanted).await;
        }
        let traces = found?;
        Ok((traces.first(wanted), traces.trouble))
    }

    /// Those behind the place to begin after.
    async fn page_of(&self, condition: &Condition, wanted: usize) -> Result<Traces, Error> {
        let Some(after) = self.query.after else {
            return self.matching(condition, wanted).await;
        };
        let (order, key_us) = (self.query.order, us(after.key_ns));
        let also = |clauses: [Clause; 2]| {
            let clauses = clauses.map(Condition::exact);
            Condition::all([condition.clone()].into_iter().chain(clauses))
        };
        let mut traces = self.none_yet();
        let mut known: Vec<String> = Vec::new();
        for _ in 0..MAX_PAGES {
            let asked = (wanted - traces.len()).max(BEHIND);
            let behind = also([standing_from(order, key_us), Clause::not(of_traces(&known))]);
            let found = self.matching(&behind, asked).await?;
            let next = found.first(asked);
            let ids: Vec<String> = next.iter().flat_map(|f| spellings(f.trace_id)).collect();
            let before = also([standing_before(order, key_us), of_traces(&ids)]);
            let given = self.matching(&before, next.len()).await?;
            traces.trouble.add(found.trouble);
            traces.trouble.add(given.trouble);
            let is_new = |f: &&FoundTrace| {
                !given.first.contains_key(&f.trace_id) && self.query.is_wanted(&f.place())
            };
            for found in next.iter().filter(is_new) {
                traces.add(
                    found.trace_id,
                    First {
                        key_us: us(found.key_ns),
                        start_us: us(found.start_ns),
                    },
                );
            }
            if next.len() < asked || traces.len() >= wanted {
                return Ok(traces);
            }
            known.extend(ids);
        }
        traces.cut();
        Ok(traces)
    }

    fn none_yet(&self) -> Traces {
        Traces {
            order: self.query.order,
            ..Traces::default()
        }
    }

    async fn matching(&self, condition: &Condition, wanted: usize) -> Result<Traces, Error> {
        let mut traces = self.none_yet();
        if wanted == 0 {
            return Ok(traces);
        }
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
        // one more says whether the last has equals
        let target = wanted + usize::from(wanted < self.page);
        let mut known: Vec<String> = Vec::new();
        for _ in 0..MAX_PAGES {
            let size = (target - traces.len()).min(self.page);
            let page = self.ids(query, &known, size, traces).await?;
            if page.hits < size {
                return Ok(());
            }
            if traces.len() >= target {
                let last = traces.until_us(wanted);
                if target > wanted && last == traces.until_us(target) {
                    self.add_equals(query, wanted, traces).await?;
                }
                return Ok(());
            }
            known.extend(page.spelled);
        }
        if traces.len() < wanted {
            traces.cut();
        }
        Ok(())
    }

    /// Adds the other traces that stand where the last wanted one does: an index sorts ids as texts, in which short ones lie between long ones.
    async fn add_equals(
        &self,
        query: &Value,
        wanted: usize,
        traces: &mut Traces,
    ) -> Result<(), Error> {
        let Some(key_us) = traces.until_us(wanted) else {
            return Ok(());
        };
        let equal = json!({"term": {ordered_by(self.query.order): key_us}});
        let query = json!({"bool": {"filter": [query, equal]}});
        let page = self.ids(&query, &[], self.page, traces).await?;
        let short = page.spelled.iter().filter(|id| id.len() < 32).count();
        if page.hits >= self.page && short > 0 && short < page.spelled.len() {
            traces.trouble.note(format!(
                "of the traces that are equal in the order {} were looked at only",
                page.hits
            ));
        }
        Ok(())
    }

    /// A page of ids, whose traces are added to `traces`.
    async fn ids(
        &self,
        query: &Value,
        known: &[String],
        size: usize,
        traces: &mut Traces,
    ) -> Result<Page, Error> {
        let order = self.query.order;
        let body = body(query, order, known, size);
        let answer = self.searches.ask(self.cx, &self.indices, body).await?;
        let shown = self.searches.shown().to_owned();
        let mut page = read(answer, move |answer| {
            let answer = one(answer, &shown)?;
            let mut page = Page {
                trouble: answer.trouble,
                ..Page::default()
            };
            for hit in &answer.hits {
                page.add(order, hit);
            }
            Ok(page)
        })
        .await?;
        for _ in page.traces.len()..page.hits {
            self.searches.metrics.odd();
        }
        traces.trouble.add(std::mem::take(&mut page.trouble));
        for (id, first) in std::mem::take(&mut page.traces) {
            traces.add(id, first);
        }
        Ok(page)
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

fn of_traces(spelled: &[String]) -> Clause {
    if spelled.is_empty() {
        return Clause::Never;
    }
    Clause::Query(json!({"terms": {"traceID": spelled}}))
}

fn body(query: &Value, order: Order, known: &[String], size: usize) -> Value {
    let query = if known.is_empty() {
        query.clone()
    } else {
        json!({"bool": {"filter": [query], "must_not": [{"terms": {"traceID": known}}]}})
    };
    let falling = if order.is_falling() { "desc" } else { "asc" };
    let mut sort = vec![
        json!({ordered_by(order): {"order": falling, "unmapped_type": "long"}}),
        json!({"traceID": {"order": "asc", "unmapped_type": "keyword"}}),
    ];
    if order.is_by_duration() {
        sort.push(json!({"startTime": {"order": "desc", "unmapped_type": "long"}}));
    }
    json!({
        "query": query,
        "size": size,
        // neither documents nor their ids are fetched: what is wanted is in the sort and the collapsed field
        "stored_fields": "_none_",
        "track_total_hits": false,
        "collapse": {"field": "traceID"},
        "sort": sort,
    })
}

// === impl Page ===

impl Page {
    fn add(&mut self, order: Order, hit: &Hit<'_>) {
        self.hits += 1;
        let spelled = hit
            .fields
            .get("traceID")
            .and_then(|ids| ids.first()?.as_str());
        let sorted_by = |nth: usize| hit.sort.get(nth).and_then(Value::as_u64);
        let start_us = sorted_by(if order.is_by_duration() { 2 } else { 0 });
        self.spelled.extend(spelled.map(str::to_owned));
        match (spelled.map(TraceId::parse), sorted_by(0), start_us) {
            (Some(Ok(id)), Some(key_us), Some(start_us)) => {
                self.traces.push((id, First { key_us, start_us }));
            }
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
        self.first.len()
    }

    pub(super) fn add(&mut self, id: TraceId, span: First) {
        let first = self.first.entry(id).or_insert(span);
        if self.order.rank(span.key_us) > self.order.rank(first.key_us) {
            *first = span;
        }
    }

    /// The key of the last of the first `wanted`; none: there are fewer.
    pub(super) fn until_us(&self, wanted: usize) -> Option<u64> {
        let mut keys: Vec<u64> = self.first.values().map(|first| first.key_us).collect();
        let nth = wanted.checked_sub(1).filter(|nth| *nth < keys.len())?;
        let rank = |key: &u64| std::cmp::Reverse(self.order.rank(*key));
        Some(*keys.select_nth_unstable_by_key(nth, rank).1)
    }

    fn cut(&mut self) {
        let found = self.len();
        self.trouble
            .note(format!("the search was cut after {found} traces"));
    }

    fn first(&self, wanted: usize) -> Vec<FoundTrace> {
        let found = self.first.iter().map(|(id, first)| FoundTrace {
            trace_id: *id,
            start_ns: first.start_us.saturating_mul(1_000),
            key_ns: first.key_us.saturating_mul(1_000),
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by(|a, b| self.order.compare(&a.place(), &b.place()));
        found.truncate(wanted);
        found
    }
}

#[cfg(test)]
mod tests;
