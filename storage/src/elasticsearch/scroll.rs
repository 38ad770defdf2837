//! Every document that answers a question, however many there are: for what is read seldom and whole.
//!
//! In: indices and a query. Out: each document once, a page at a time, as the indices were when it was asked. Searches of users do not go this way: what a scroll holds open costs the cluster
//! memory.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Client, Error, Request};

/// Documents of a page.
const PAGE: usize = 1_000;
/// How long the cluster keeps the place between two pages.
const KEPT: &str = "1m";
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls `visit` with the source of each hit.
pub(super) async fn each(
    client: &Client,
    indices: &[String],
    mut body: Value,
    mut visit: impl FnMut(Value),
) -> Result<(), Error> {
    if let Some(body) = body.as_object_mut() {
        body.insert("size".to_owned(), json!(PAGE));
        body.insert("sort".to_owned(), json!(["_doc"]));
    }
    let deadline = || Some(Instant::now() + PATIENCE);
    let search = Request::post(&[&indices.join(","), "_search"])
        .query("scroll", KEPT)
        .query("ignore_unavailable", "true")
        .json(&body)
        .deadline(deadline());
    let mut answer = client.ask(&search).await?.json();
    loop {
        whole(&answer, client)?;
        let id = answer.get("_scroll_id").and_then(Value::as_str);
        let id = id.map(str::to_owned);
        let hits = answer.pointer_mut("/hits/hits").map(Value::take);
        let Some(Value::Array(hits)) = hits else {
            return Err(Error::Busy(format!("{} answered no hits", client.shown())));
        };
        let count = hits.len();
        for mut hit in hits {
            if let Some(source) = hit.get_mut("_source") {
                visit(source.take());
            }
        }
        let Some(id) = id else { return Ok(()) };
        if count < PAGE {
            end(client, &id).await;
            return Ok(());
        }
        let next = Request::post(&["_search", "scroll"])
            .json(&json!({"scroll": KEPT, "scroll_id": id}))
            .deadline(deadline());
        answer = client.ask(&next).await?.json();
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
