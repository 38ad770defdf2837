//! The spans of an hour, trace by trace, and what they call.
//!
//! In: an hour. Out: its links, and how many documents they were counted from. Read are the few members that a call is made of, of the spans that start in the hour or within `NEAR_NS` of it; and
//! of traces in which a caller is missing then, that caller, wherever it lies within `es.max-span-age`.
//!
//! An hour of many spans is read in parts, by the beginning of trace ids, each small enough to be held whole: no trace is in two parts. Ids are spelled as versions of Jaeger do, with 16 digits or
//! 32; those without their zeros (before 1.16) are in a part of their own, which matters only to an hour that both kinds write one trace in.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hashbrown::{HashMap, HashSet};
use model::{Span, TraceId};
use serde_json::{Value, json};

use super::nanos;
use super::pace::Pace;
use crate::calls::{self, Call, Names, Totals};
use crate::elasticsearch::config::ScrollBounds;
use crate::elasticsearch::document::Decoder;
use crate::elasticsearch::reader::spellings;
use crate::elasticsearch::scroll::{self, Scroll};
use crate::elasticsearch::search::{self, Searches};
use crate::elasticsearch::store::Store;
use crate::http_client::{Error, Request};
use crate::port::{DependencyLink, HOUR_NS, NEAR_NS};

/// Documents of a part, where trace ids can be told apart.
const PART: u64 = 200_000;
/// Documents of a page.
const PAGE: usize = 5_000;
/// Callers that are asked for at once.
const CALLERS: usize = 500;
/// Of a part whose ids all begin alike.
const BOUNDS: ScrollBounds = ScrollBounds {
    documents: 2_000_000,
    bytes: 8 << 30,
    time: Duration::from_secs(3600),
};
/// How long counting documents may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What ids of 64 bits begin with when they are spelled with 32 digits.
const ZEROS: &str = "0000000000000000";

/// Counts the calls of one hour.
pub(super) struct Scan<'a> {
    store: &'a Store,
    searches: Searches,
    pace: &'a Pace,
    hour: u64,
    names: Names,
    totals: Totals,
    spans: u64,
    near: u64,
}

/// What an hour is.
pub(super) struct Counted {
    pub(super) links: Vec<DependencyLink>,
    /// Documents of spans that start in it, and near to it.
    pub(super) spans: u64,
    pub(super) near: u64,
}

/// Trace ids by their first 16 digits, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    first: u64,
    last: u64,
}

// === impl Part ===

impl Part {
    const ALL: Self = Self {
        first: 0,
        last: u64::MAX,
    };

    /// Parts of about [`PART`] documents, were ids spread evenly; the last comes first.
    fn of(documents: u64) -> Vec<Self> {
        let bits = documents
            .div_ceil(PART)
            .max(1)
            .next_power_of_two()
            .ilog2()
            .min(16);
        if bits == 0 {
            return vec![Self::ALL];
        }
        let width = 1_u64 << (64 - bits);
        let part = |nth: u64| Self {
            first: nth * width,
            last: nth * width + (width - 1),
        };
        (0..1_u64 << bits).rev().map(part).collect()
    }

    fn halves(self) -> Option<(Self, Self)> {
        if self.first == self.last {
            return None;
        }
        let middle = self.first + (self.last - self.first) / 2;
        let low = Self {
            last: middle,
            ..self
        };
        let high = Self {
            first: middle + 1,
            ..self
        };
        Some((low, high))
    }

    /// What documents answer whose ids are in this part, however they are spelled.
    fn filter(self) -> Option<Value> {
        if self == Self::ALL {
            return None;
        }
        let range = |zeros: &str| {
            let mut range = json!({"gte": format!("{zeros}{:016x}", self.first)});
            // letters above f end what begins with the last one, too
            if let Some(range) = range.as_object_mut() {
                range.insert(
                    "lt".to_owned(),
                    json!(format!("{zeros}{:016x}g", self.last)),
                );
            }
            json!({"range": {"traceID": range}})
        };
        let padded = json!({"prefix": {"traceID": ZEROS}});
        Some(json!({"bool": {"should": [
            {"bool": {"filter": [range("")], "must_not": [padded]}},
            {"bool": {"filter": [range(ZEROS)]}},
        ]}}))
    }
}

// === impl Scan ===

impl<'a> Scan<'a> {
    pub(super) fn new(store: &'a Store, hour: u64, pace: &'a Pace) -> Self {
        Self {
            searches: Searches::of(store),
            store,
            pace,
            hour,
            names: Names::default(),
            totals: Totals::default(),
            spans: 0,
            near: 0,
        }
    }

    pub(super) async fn run(mut self) -> Result<Counted, Error> {
        self.refresh().await;
        let mut parts = Part::of(self.count(Part::ALL).await?);
        while let Some(part) = parts.pop() {
            if part != Part::ALL
                && self.count(part).await? > PART
                && let Some((low, high)) = part.halves()
            {
                parts.extend([high, low]);
                continue;
            }
            self.part(part).await?;
        }
        Ok(Counted {
            links: self.totals.into_links(&self.names),
            spans: self.spans,
            near: self.near,
        })
    }

    /// The first and the last nanosecond of the hour and what is near.
    fn around(&self) -> (u64, u64) {
        let start = self.hour.saturating_mul(HOUR_NS);
        (
            start.saturating_sub(NEAR_NS),
            start + (HOUR_NS - 1) + NEAR_NS,
        )
    }

    fn indices(&self) -> Vec<String> {
        let (from_ns, until_ns) = self.around();
        self.store.names.spans.read_here(from_ns, until_ns)
    }

    /// Spans that were confirmed are found from now on. Who may not ask for it waits for the index to do it by itself, which `settle` is for.
    async fn refresh(&self) {
        let refresh = Request::post(&[&self.indices().join(","), "_refresh"])
            .query("ignore_unavailable", "true")
            .query("allow_no_indices", "true")
            .deadline(Some(Instant::now() + PATIENCE));
        if let Err(error) = self.store.client.ask(&refresh).await {
            tracing::debug!(%error, "spans are counted as far as they are found");
        }
    }

    fn query(&self, part: Part) -> Value {
        let mut filter = vec![starts(self.around())];
        filter.extend(part.filter());
        json!({"bool": {"filter": filter}})
    }

    async fn count(&self, part: Part) -> Result<u64, Error> {
        let asked = Instant::now();
        let count = Request::post(&[&self.indices().join(","), "_count"])
            .query("ignore_unavailable", "true")
            .query("allow_no_indices", "true")
            .json(&json!({"query": self.query(part)}))
            .deadline(Some(asked + PATIENCE));
        let answer = self.store.client.ask(&count).await?.json();
        scroll::whole(&answer, &self.store.client)?;
        self.pace.rest(asked.elapsed()).await?;
        answer
            .get("count")
            .and_then(Value::as_u64)
            .ok_or_else(|| Error::Busy(format!("{} counted nothing", self.store.client.shown())))
    }

    async fn part(&mut self, part: Part) -> Result<(), Error> {
        let mut traces: HashMap<TraceId, Vec<Call>> = HashMap::new();
        let hour = self.hour;
        let (mut spans, mut near) = (0, 0);
        let query = self.query(part);
        self.read(self.indices(), query, &mut |id, call| {
            if call.start_ns / HOUR_NS == hour {
                spans += 1;
            } else {
                near += 1;
            }
            traces.entry(id).or_default().push(call);
        })
        .await?;
        self.spans += spans;
        self.near += near;
        self.callers(&mut traces).await?;
        for calls in traces.values() {
            calls::for_each(calls, &self.names, |found| {
                if found.hour == hour {
                    self.totals.count(&found, 1);
                }
            });
        }
        Ok(())
    }

    /// Adds callers that start too far from the hour to be among its spans.
    async fn callers(&mut self, traces: &mut HashMap<TraceId, Vec<Call>>) -> Result<(), Error> {
        let mut missing: Vec<(TraceId, u64)> = Vec::new();
        for (id, calls) in &*traces {
            let known: HashSet<u64> = calls.iter().map(|call| call.span_id).collect();
            let here = calls
                .iter()
                .filter(|call| call.start_ns / HOUR_NS == self.hour);
            let parents: HashSet<u64> = here.filter_map(Call::parent_id).collect();
            let unknown = parents.into_iter().filter(|parent| !known.contains(parent));
            missing.extend(unknown.map(|parent| (*id, parent)));
        }
        let (from_ns, until_ns) = self.around();
        let lookback = nanos(self.store.place.limits.max_span_age);
        let (first_ns, last_ns) = (from_ns.saturating_sub(lookback), until_ns + HOUR_NS);
        let indices = self.store.names.spans.read_here(first_ns, last_ns);
        for missing in missing.chunks(CALLERS) {
            let ids: HashSet<TraceId> = missing.iter().map(|(id, _)| *id).collect();
            let traces_of: Vec<String> = ids.into_iter().flat_map(spellings).collect();
            let parents: BTreeSet<String> = missing
                .iter()
                .flat_map(|(_, id)| [format!("{id:016x}"), format!("{id:x}")])
                .collect();
            let query = json!({"bool": {
                "filter": [
                    {"terms": {"traceID": traces_of}},
                    {"terms": {"spanID": parents}},
                    starts((first_ns, last_ns)),
                ],
                "must_not": [starts((from_ns, until_ns))],
            }});
            self.read(indices.clone(), query, &mut |id, call| {
                // one that was not looked for has the id of another trace's caller
                if let Some(calls) = traces.get_mut(&id) {
                    calls.push(call);
                }
            })
            .await?;
        }
        Ok(())
    }

    /// Shows what each span that answers `query` says of calls.
    async fn read(
        &mut self,
        indices: Vec<String>,
        query: Value,
        each: &mut (dyn FnMut(TraceId, Call) + Send),
    ) -> Result<(), Error> {
        let body = json!({
            "query": query,
            "_source": [
                "traceID", "spanID", "parentSpanID", "references", "startTime", "startTimeMillis",
                "duration", "tags", "tag", "process.serviceName",
            ],
        });
        let store = self.store;
        let mut scroll = Scroll::new(&store.client, &indices, BOUNDS, PAGE, body);
        let read = self.pages(&mut scroll, each).await;
        scroll.end().await;
        read
    }

    async fn pages(
        &mut self,
        scroll: &mut Scroll<'_>,
        each: &mut (dyn FnMut(TraceId, Call) + Send),
    ) -> Result<(), Error> {
        loop {
            let asked = Instant::now();
            let Some(page) = scroll.next().await? else {
                return Ok(());
            };
            let took = asked.elapsed();
            let searches = self.searches.clone();
            let spans = search::read(search::buffer(page)?, move |page| spans(page, &searches));
            for span in spans.await? {
                each(span.trace_id, Call::of(&span, &mut self.names));
            }
            self.pace.rest(took).await?;
        }
    }
}

/// The spans of a page. What is no span is passed over and counted; a page of some shards only is none.
fn spans(page: &model::Buffer, searches: &Searches) -> Result<Vec<Span>, Error> {
    let answer = search::one(page, searches.shown())?;
    if let Some(reason) = answer.trouble.reason() {
        return Err(Error::Busy(format!(
            "not all spans could be read: {reason}"
        )));
    }
    let documents = searches.documents.clone();
    let mut decoder = Decoder::new(page, &documents);
    let spans = answer.hits.iter().filter_map(|hit| {
        let span = search::span(&mut decoder, hit);
        span.inspect_err(|_| searches.metrics.odd()).ok()
    });
    Ok(spans.collect())
}

/// Spans that start in `[from_ns, until_ns]`.
fn starts((from_ns, until_ns): (u64, u64)) -> Value {
    json!({"range": {"startTimeMillis": {
        "gte": from_ns / 1_000_000,
        "lte": until_ns / 1_000_000,
        "format": "epoch_millis",
    }}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_id_once() {
        assert_eq!(Part::of(0), [Part::ALL]);
        assert_eq!(Part::of(PART), [Part::ALL]);
        assert_eq!(Part::ALL.filter(), None);
        for documents in [PART + 1, 10_000_000, u64::MAX] {
            let parts = Part::of(documents);
            let mut next = Some(0);
            for part in parts.iter().rev() {
                assert_eq!(next, Some(part.first));
                assert!(part.first <= part.last);
                next = part.last.checked_add(1);
            }
            assert_eq!(next, None, "the last id is in the last part");
        }
        assert_eq!(Part::of(10_000_000).len(), 64);
    }

    #[test]
    fn halves_are_the_whole() {
        let mut part = Part::ALL;
        let mut halvings = 0;
        while let Some((low, high)) = part.halves() {
            assert_eq!((low.first, high.last), (part.first, part.last));
            assert_eq!(low.last + 1, high.first);
            part = if halvings % 2 == 0 { high } else { low };
            halvings += 1;
        }
        assert_eq!(halvings, 64);
    }

    #[test]
    fn a_part_is_asked_for_in_every_spelling() {
        let part = Part {
            first: 0x10 << 56,
            last: (0x20 << 56) - 1,
        };
        assert_eq!(
            part.filter().unwrap(),
            json!({"bool": {"should": [
                {"bool": {
                    "filter": [{"range": {"traceID": {"gte": "1000000000000000", "lt": "1fffffffffffffffg"}}}],
                    "must_not": [{"prefix": {"traceID": "0000000000000000"}}],
                }},
                {"bool": {"filter": [{"range": {"traceID": {
                    "gte": "00000000000000001000000000000000", "lt": "00000000000000001fffffffffffffffg"}}}]}},
            ]}})
        );
    }
}
