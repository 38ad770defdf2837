//! Calls between services, as a job of Jaeger's counted them and wrote them down.
//!
//! In: two points in time. Out: the calls of all documents between them, added up by caller and callee. Nothing is counted here: without that
//! job there are none, as in Jaeger.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v2/elasticsearch/depstore` v1.76.0, where a negative lookback never ends.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use model::Str;
use serde_json::{Value, json};

use super::client::Error;
use super::document::dependencies::Dependencies;
use super::reader::Reader;
use super::search::{Position, Searches, Trouble, failed, one, read, with};
use crate::port::{DependencyLink, ReadContext, ReadError, whole_hours};

/// Documents of a page: one a day is written, of any size.
const PAGE: usize = 50;

/// A page, read.
struct Page {
    hits: usize,
    last: Option<Position>,
    /// Where a document lies, and what it says.
    documents: Vec<((String, String), Dependencies)>,
}

// === impl Reader ===

impl Reader {
    pub(super) async fn calls(
        &self,
        cx: &ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> Result<Vec<DependencyLink>, ReadError> {
        cx.check()?;
        if start_ns > end_ns {
            return Ok(Vec::new());
        }
        let (start_ns, end_ns) = whole_hours(start_ns, end_ns);
        let indices = self.names.dependencies.read(start_ns, end_ns);
        let times = [(start_ns, end_ns)];
        let left_out = self.left_out(cx, &self.names.dependencies, times).await;
        known(&left_out)?;
        let mut calls: BTreeMap<(Str, Str), u64> = BTreeMap::new();
        let mut seen = HashSet::new();
        let mut after: Option<Position> = None;
        let mut size = PAGE.min(self.limits.max_doc_count.max(1));
        loop {
            let body = body(start_ns, end_ns, after.as_ref(), size);
            let page = match page(&self.searches, cx, &indices, body).await {
                Err(Error::TooLarge(_)) if size > 1 => {
                    size /= 2;
                    continue;
                }
                page => page.map_err(failed)?,
            };
            for (place, document) in page.documents {
                if !seen.insert(place) {
                    continue;
                }
                for link in document.links {
                    let count = calls.entry((link.parent, link.child)).or_default();
                    *count = count.saturating_add(link.call_count);
                }
            }
            if page.hits < size || page.last == after {
                break;
            }
            after = page.last;
        }
        let links = calls
            .into_iter()
            .map(|((parent, child), call_count)| DependencyLink {
                parent,
                child,
                call_count,
            });
        Ok(links.collect())
    }
}

/// A list of calls has no place to say what it lacks.
fn known(trouble: &Trouble) -> Result<(), Error> {
    match trouble.reason() {
        Some(reason) => Err(Error::Busy(format!(
            "not all calls could be read: {reason}"
        ))),
        None => Ok(()),
    }
}

async fn page(
    searches: &Searches,
    cx: &ReadContext,
    indices: &[String],
    body: Value,
) -> Result<Page, Error> {
    let answer = searches.ask(cx, indices, body).await?;
    let searches = searches.clone();
    read(answer, move |answer| {
        let answer = one(answer, searches.shown())?;
        known(&answer.trouble)?;
        let mut documents = Vec::new();
        for hit in &answer.hits {
            let source = hit.source.map_or("{}", |raw| raw.get());
            match serde_json::from_str(source) {
                Ok(document) => {
                    let place = (hit.index.to_string(), hit.id.to_string());
                    documents.push((place, document));
                }
                Err(_) => searches.metrics.odd(),
            }
        }
        Ok(Page {
            hits: answer.hits.len(),
            last: answer.hits.last().and_then(Position::of),
            documents,
        })
    })
    .await
}

fn body(start_ns: u64, end_ns: u64, after: Option<&Position>, size: usize) -> Value {
    let range = json!({
        "gte": start_ns / 1_000_000,
        "lte": end_ns / 1_000_000,
        // so that a number is one of milliseconds, however the field is mapped
        "format": "epoch_millis",
    });
    let body = json!({
        "query": {"bool": {"filter": [{"range": {"timestamp": range}}]}},
        "size": size,
        "track_total_hits": false,
        "sort": Position::sort_by("timestamp", "date", "asc"),
    });
    with(body, "search_after", after.map(Position::and_newer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::HOUR_NS;

    #[test]
    fn documents_between_two_times_are_asked_for() {
        let (from, until) = (5 * HOUR_NS, 6 * HOUR_NS - 1);
        assert_eq!(
            body(from, until, None, 7),
            json!({
                "query": {"bool": {"filter": [{"range": {"timestamp":
                    {"gte": 18_000_000, "lte": 21_599_999, "format": "epoch_millis"}}}]}},
                "size": 7,
                "track_total_hits": false,
                "sort": [
                    {"timestamp": {"order": "asc", "unmapped_type": "date"}},
                    {"_seq_no": {"order": "asc", "unmapped_type": "long"}},
                ],
            })
        );
    }
}
