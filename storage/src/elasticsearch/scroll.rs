//! Every document that answers a question, however many pages they are: for what is read seldom and whole.
//!
//! In: indices, a query and bounds. Out: each document once, a page at a time, as the indices were when it was asked; or an error that names the bound that all pages together
//! would have passed. Searches of users do not go this way: what a scroll holds open costs the cluster memory.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::config::ScrollBounds;
use crate::http_client::{Client, Error, Request};

/// Documents of a page.
const PAGE: usize = 1_000;
/// How long the cluster keeps the place between two pages.
const KEPT: &str = "1m";
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A question, as far as it was answered.
pub(super) struct Scroll<'a> {
    client: &'a Client,
    bounds: ScrollBounds,
    page: usize,
    until: Instant,
    documents: usize,
    bytes: usize,
    /// None: there are no more pages.
    next: Option<Request>,
    /// Where the cluster keeps the place.
    place: Option<String>,
}

/// What is looked at of each page here.
#[derive(Deserialize)]
struct Page {
    #[serde(rename = "_scroll_id")]
    place: Option<String>,
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<IgnoredAny>,
}

/// Calls `visit` with the source of each hit. After an error it may have seen some of them.
pub(super) async fn each(
    client: &Client,
    indices: &[String],
    bounds: ScrollBounds,
    body: Value,
    mut visit: impl FnMut(Value),
) -> Result<(), Error> {
    let mut scroll = Scroll::new(client, indices, bounds, PAGE, body);
    let read = loop {
        let page = match scroll.next().await {
            Ok(Some(page)) => page,
            end => break end.map(drop),
        };
        let mut answer: Value = serde_json::from_slice(&page).unwrap_or_default();
        if let Err(error) = whole(&answer, client) {
            break Err(error);
        }
        let hits = answer
            .pointer_mut("/hits/hits")
            .and_then(Value::as_array_mut);
        for hit in hits.into_iter().flatten() {
            if let Some(source) = hit.get_mut("_source") {
                visit(source.take());
            }
        }
    };
    scroll.end().await;
    read
}

// === impl Scroll ===

impl<'a> Scroll<'a> {
    /// `body` without size and order; `page` is how many documents come at once, at most 10,000.
    pub(super) fn new(
        client: &'a Client,
        indices: &[String],
        bounds: ScrollBounds,
        page: usize,
        mut body: Value,
    ) -> Self {
        if let Some(body) = body.as_object_mut() {
            body.insert("size".to_owned(), json!(page));
            body.insert("sort".to_owned(), json!(["_doc"]));
        }
        let search = Request::post(&[&indices.join(","), "_search"])
            .query("scroll", KEPT)
            .query("ignore_unavailable", "true")
            .json(&body);
        Self {
            client,
            until: Instant::now() + bounds.time,
            bounds,
            page,
            documents: 0,
            bytes: 0,
            next: Some(search),
            place: None,
        }
    }

    /// The next page, as it was answered; `None`: that was the last. Whether all shards answered is for the caller to look at.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let Some(request) = self.next.take() else {
            return Ok(None);
        };
        // a search that is given up on leaves a place that nobody knows the name of
        if Instant::now() >= self.until {
            return Err(self.beyond());
        }
        let deadline = (Instant::now() + PATIENCE).min(self.until);
        let answer = self.client.ask(&request.deadline(Some(deadline))).await;
        let body = match answer {
            Ok(answer) => answer.body,
            Err(Error::Cancelled(_)) if Instant::now() >= self.until => return Err(self.beyond()),
            Err(error) => return Err(error),
        };
        self.bytes += body.len();
        let page: Page = serde_json::from_slice(&body)
            .map_err(|_| Error::Busy(format!("{} answered no hits", self.client.shown())))?;
        self.place = page.place.or(self.place.take());
        let count = page.hits.hits.len();
        self.documents += count;
        let is_beyond = self.documents > self.bounds.documents || self.bytes > self.bounds.bytes;
        if is_beyond || Instant::now() >= self.until {
            return Err(self.beyond());
        }
        let place = self.place.as_deref().filter(|_| count == self.page);
        self.next = place.map(|id| {
            Request::post(&["_search", "scroll"]).json(&json!({"scroll": KEPT, "scroll_id": id}))
        });
        Ok(Some(body))
    }

    /// Lets the place go, which the cluster would else keep for its time. To be called whatever became of it.
    pub(super) async fn end(self) {
        if let Some(id) = self.place {
            end(self.client, &id).await;
        }
    }

    fn beyond(&self) -> Error {
        let ScrollBounds {
            documents,
            bytes,
            time,
        } = self.bounds;
        Error::Busy(format!(
            "{} has more than is read at once, which is {documents} documents, {} MiB and {}s, and {} documents of {} MiB were read: ask for less time",
            self.client.shown(),
            bytes >> 20,
            time.as_secs(),
            self.documents,
            self.bytes >> 20,
        ))
    }
}

/// Lets the place go, which the cluster would else keep for its time.
pub(super) async fn end(client: &Client, id: &str) {
    let end = Request::delete(&["_search", "scroll"]).json(&json!({"scroll_id": [id]}));
    drop(client.send(&end).await);
}

/// An answer of some shards only is no answer here.
pub(super) fn whole(answer: &Value, client: &Client) -> Result<(), Error> {
    let shards = |of: &str| answer.get("_shards")?.get(of)?.as_u64();
    let timed_out = answer.get("timed_out").and_then(Value::as_bool);
    // OpenSearch does not count a shard as failed that is nowhere
    let is_whole = shards("failed") == Some(0) && shards("successful") == shards("total");
    if !is_whole || timed_out == Some(true) {
        return Err(Error::Busy(format!(
            "{} answered for a part of its shards only",
            client.shown()
        )));
    }
    Ok(())
}
