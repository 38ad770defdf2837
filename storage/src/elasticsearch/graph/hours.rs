//! Documents of the graph: which hours have one, whose days are somebody else's, and one put in the place of the one before.
//!
//! In: hours since the Unix epoch. Out: what is known of them, and whether a document was replaced. It is, only in the state in which it was when it was looked at: else somebody counted the hour
//! meanwhile, from spans that he read later.
//!
//! Behind aliases an hour's document stays in the index that it was put into first, so that a rollover makes no second one.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde_json::{Value, json};

use crate::elasticsearch::document::dependencies::{self, Dependencies, Made};
use crate::elasticsearch::lease::Version;
use crate::elasticsearch::scroll;
use crate::elasticsearch::store::Store;
use crate::http_client::{Error, Request};
use crate::port::{DependencyLink, HOUR_NS};

/// Hours of a day.
pub(super) const DAY: u64 = 24;
/// Documents that are looked at of one question: more than the hours of a month, and than days that somebody else writes of.
const MOST: usize = 10_000;

/// Names hours.
pub(super) struct Hours;

/// An hour's document, as it was found.
pub(super) struct Before {
    pub(super) made: Made,
    index: String,
    version: Version,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there.
    Done,
    /// Another took its place meanwhile.
    Overtaken,
}

// === impl Hours ===

impl Hours {
    /// For a person: `the hour 2026-11-26T05`.
    pub(super) fn shown(hour: u64) -> String {
        let id = dependencies::id(hour);
        format!("the hour {}", id.trim_start_matches("spoor-"))
    }
}

/// Documents with a time in the hours `[first, last]`.
fn within(first: u64, last: u64) -> Value {
    let end_ns = (last + 1).saturating_mul(HOUR_NS);
    json!({"range": {"timestamp": {
        "gte": first.saturating_mul(HOUR_NS) / 1_000_000,
        "lt": end_ns / 1_000_000,
        "format": "epoch_millis",
    }}})
}

/// Documents of ours.
fn ours() -> Value {
    json!({"exists": {"field": "spoor.scanned"}})
}

fn hour_of(hit: &Value) -> Option<u64> {
    let document = hit.get("_source")?.clone();
    let document: Dependencies = serde_json::from_value(document).ok()?;
    Some(document.time_ns? / HOUR_NS)
}

// === impl Store ===

impl Store {
    async fn documents(&self, first: u64, last: u64, query: Value) -> Result<Vec<Value>, Error> {
        let (from_ns, until_ns) = (
            first.saturating_mul(HOUR_NS),
            (last + 1).saturating_mul(HOUR_NS) - 1,
        );
        let indices = self.names.dependencies.read_here(from_ns, until_ns);
        let search = Request::post(&[&indices.join(","), "_search"])
            .query("ignore_unavailable", "true")
            .query("allow_no_indices", "true")
            .json(&json!({
                "size": MOST,
                "query": query,
                "seq_no_primary_term": true,
                "_source": ["timestamp", "spoor.*"],
            }));
        let mut answer = self.client.ask(&search).await?.json();
        scroll::whole(&answer, &self.client)?;
        let hits = answer.pointer_mut("/hits/hits").map(Value::take);
        match hits {
            Some(Value::Array(hits)) => Ok(hits),
            _ => Ok(Vec::new()),
        }
    }

    /// When the spans of hours were read that have a document of ours, in milliseconds since the Unix epoch.
    pub(super) async fn made_between(
        &self,
        first: u64,
        last: u64,
    ) -> Result<BTreeMap<u64, u64>, Error> {
        let query = json!({"bool": {"filter": [within(first, last), ours()]}});
        let hits = self.documents(first, last, query).await?;
        let mut made = BTreeMap::new();
        for hit in &hits {
            let scanned = hit
                .pointer("/_source/spoor/scanned")
                .and_then(Value::as_u64);
            if let (Some(hour), Some(scanned)) = (hour_of(hit), scanned) {
                let last = made.entry(hour).or_default();
                *last = scanned.max(*last);
            }
        }
        Ok(made)
    }

    /// Days that somebody else's documents are of, as the hours that they begin with.
    pub(super) async fn foreign_days(&self, first: u64, last: u64) -> Result<BTreeSet<u64>, Error> {
        let (first, last) = (first - first % DAY, last - last % DAY + DAY - 1);
        let query = json!({"bool": {"filter": [within(first, last)], "must_not": [ours()]}});
        let hits = self.documents(first, last, query).await?;
        let hours = hits.iter().filter_map(hour_of);
        Ok(hours.map(|hour| hour - hour % DAY).collect())
    }

    /// Takes our documents of an hour's day away.
    pub(super) async fn withdraw(&self, hour: u64) -> Result<usize, Error> {
        let first = hour - hour % DAY;
        let last = first + DAY - 1;
        let query = json!({"bool": {"filter": [within(first, last), ours()]}});
        let mut count = 0;
        for hit in self.documents(first, last, query).await? {
            let text = |field: &str| hit.get(field).and_then(Value::as_str);
            let (Some(index), Some(id), Some(version)) =
                (text("_index"), text("_id"), Version::of(&hit))
            else {
                continue;
            };
            let delete = Request::new(Method::DELETE, &[index, "_doc", id]);
            let answer = self
                .client
                .send(&Version::only(Some(version), delete))
                .await?;
            if !matches!(answer.status, 404 | 409) {
                answer.succeeded(self.client.shown())?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// The document of an hour. Not the one that was put there just now: then replacing what was found fails.
    pub(super) async fn document_of(&self, hour: u64) -> Result<Option<Before>, Error> {
        let query = json!({"ids": {"values": [dependencies::id(hour)]}});
        let hits = self.documents(hour, hour, query).await?;
        let before = hits.iter().filter_map(|hit| {
            let made = |field: &str| {
                let number = hit.pointer(&format!("/_source/spoor/{field}"));
                number.and_then(Value::as_u64).unwrap_or_default()
            };
            Some(Before {
                made: Made {
                    scanned_ms: made("scanned"),
                    spans: made("spans"),
                    near: made("near"),
                },
                index: hit.get("_index")?.as_str()?.to_owned(),
                version: Version::of(hit)?,
            })
        });
        Ok(before.max_by_key(|before| before.made.scanned_ms))
    }

    /// Puts the document of an hour in the place of `before`.
    pub(super) async fn put_hour(
        &self,
        hour: u64,
        links: &[DependencyLink],
        made: &Made,
        before: Option<Before>,
    ) -> Result<Put, Error> {
        self.ready().await?;
        let time_ns = hour.saturating_mul(HOUR_NS);
        let index = match &before {
            Some(before) => before.index.clone(),
            None => self.names.dependencies.write(time_ns),
        };
        if before.is_none() && self.place.indices.use_aliases {
            // a document for an alias that is missing would make an index of its name
            let look = Request::get(&["_alias", &index]);
            self.client.ask(&look).await?;
        }
        let document = dependencies::document(time_ns, links, Some(made));
        let id = dependencies::id(hour);
        let put = Request::put(&[&index, "_doc", &id]).document(document);
        let put = Version::only(before.map(|before| before.version), put);
        let answer = self.client.send(&put).await?;
        if answer.status == 409 {
            return Ok(Put::Overtaken);
        }
        answer.succeeded(self.client.shown())?;
        Ok(Put::Done)
    }
}
