//! Every document that answers a question, however many pages they are: for what is read seldom and whole.
//!
//! In: indices, a query and bounds. Out: each document once, a page at a time, as the indices were when it was asked; or an error that names the bound that all pages together
//! would have passed. Searches of users do not go this way: what a scroll holds open costs the cluster memory.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Error, Request};
use super::config::ScrollBounds;

/// Documents of a page.
const PAGE: usize = 1_000;
/// How long the cluster keeps the place between two pages.
const KEPT: &str = "1m";
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was read so far.
struct Course {
    bounds: ScrollBounds,
    until: Instant,
    documents: usize,
    bytes: usize,
}

/// Calls `visit` with the source of each hit. After an error it may have seen some of them.
pub(super) async fn each(
    client: &Client,
    indices: &[String],
    bounds: ScrollBounds,
    mut body: Value,
    visit: impl FnMut(Value),
) -> Result<(), Error> {
    if let Some(body) = body.as_object_mut() {
        body.insert("size".to_owned(), json!(PAGE));
        body.insert("sort".to_owned(), json!(["_doc"]));
    }
    let mut course = Course {
        until: Instant::now() + bounds.time,
        bounds,
        documents: 0,
        bytes: 0,
    };
    let search = Request::post(&[&indices.join(","), "_search"])
        .query("scroll", KEPT)
        .query("ignore_unavailable", "true")
        .json(&body);
    let mut place = None;
    let read = course.pages(client, search, &mut place, visit).await;
    if let Some(id) = place {
        end(client, &id).await;
    }
    read
}

// === impl Course ===

impl Course {
    /// Reads pages, the first by `request`, until there is none. `place` is where the cluster keeps the place.
    async fn pages(
        &mut self,
        client: &Client,
        mut request: Request,
        place: &mut Option<String>,
        mut visit: impl FnMut(Value),
    ) -> Result<(), Error> {
        loop {
            // a search that is given up on leaves a place that nobody knows the name of
            if Instant::now() >= self.until {
                return Err(self.beyond(client));
            }
            let deadline = (Instant::now() + PATIENCE).min(self.until);
            let answer = client.ask(&request.deadline(Some(deadline))).await;
            let answer = answer.map_err(|error| match error {
                Error::Cancelled(_) if Instant::now() >= self.until => self.beyond(client),
                error => error,
            })?;
            self.bytes += answer.body.len();
            let mut answer = answer.json();
            let id = answer.get("_scroll_id").and_then(Value::as_str);
            *place = id.map(str::to_owned).or(place.take());
            whole(&answer, client)?;
            let hits = answer.pointer_mut("/hits/hits").map(Value::take);
            let Some(Value::Array(hits)) = hits else {
                return Err(Error::Busy(format!("{} answered no hits", client.shown())));
            };
            let count = hits.len();
            self.documents += count;
            let is_beyond =
                self.documents > self.bounds.documents || self.bytes > self.bounds.bytes;
            if is_beyond || Instant::now() >= self.until {
                return Err(self.beyond(client));
            }
            for mut hit in hits {
                if let Some(source) = hit.get_mut("_source") {
                    visit(source.take());
                }
            }
            let Some(id) = place.as_deref().filter(|_| count == PAGE) else {
                return Ok(());
            };
            request = Request::post(&["_search", "scroll"])
                .json(&json!({"scroll": KEPT, "scroll_id": id}));
        }
    }

    fn beyond(&self, client: &Client) -> Error {
        let ScrollBounds {
            documents,
            bytes,
            time,
        } = self.bounds;
        Error::Busy(format!(
            "{} has more than is read at once, which is {documents} documents, {} MiB and {}s, and {} documents of {} MiB were read: ask for less time",
            client.shown(),
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
