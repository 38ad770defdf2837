//! Letters read back, for people and to be sent again.
//!
//! In: a query. Out: the letters of an instance's indices as they are when it is asked, the oldest first; and letters that are let go, confirmed one by one.
//!
//! Ids hold index and id, since a letter has both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use model::Instance;
use serde_json::{Value, json};

use super::super::Shared;
use super::super::scroll;
use super::super::store::Store;
use super::super::template::OTHER_TYPE;
use crate::http_client::{Error, Request, shortened};
use crate::port::{Buried, DeadLetterReader, LetterQuery, LetterStream, ReadError, WriteError};

/// Letters of a page; each may have megabytes.
const PAGE: usize = 50;
/// How long the cluster keeps the place while a page is sent again.
const KEPT: &str = "10m";
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(in crate::elasticsearch) struct Reader(pub(in crate::elasticsearch) Arc<Shared>);

/// Where reading has got to.
enum At {
    Start,
    Page(String),
    End,
}

// === impl Reader ===

impl Reader {
    fn store(&self, instance: &Instance) -> Result<Arc<Store>, Error> {
        let opened = self.0.opened(instance);
        let nowhere = || Error::Missing(format!("{instance} has no store on Elasticsearch"));
        opened.map(|opened| opened.main.clone()).ok_or_else(nowhere)
    }

    /// The next page, and where the one after it begins. A page may have no letter that is wanted.
    async fn page(&self, query: &LetterQuery, at: At) -> Result<(Vec<Buried>, At), Error> {
        let store = self.store(&query.instance)?;
        let request = match at {
            At::End => return Ok((Vec::new(), At::End)),
            At::Start => {
                let pattern = format!("{}-*", store.names.dead_letters());
                Request::post(&[&pattern, "_search"])
                    .query("scroll", KEPT)
                    .query("ignore_unavailable", "true")
                    .json(&json!({
                        "size": PAGE,
                        "sort": [{"time": {"order": "asc", "unmapped_type": "date"}}],
                        "query": {"range": {"time": {"gte": query.since_ns.div_ceil(1_000_000)}}},
                    }))
            }
            At::Page(id) => Request::post(&["_search", "scroll"])
                .json(&json!({"scroll": KEPT, "scroll_id": id})),
        };
        let request = request.deadline(Some(Instant::now() + PATIENCE));
        let answer = store.client.ask(&request).await?.json();
        scroll::whole(&answer, &store.client)?;
        let id = answer.get("_scroll_id").and_then(Value::as_str);
        let hits = answer.pointer("/hits/hits").and_then(Value::as_array);
        let hits = hits.map(Vec::as_slice).unwrap_or_default();
        let letters = hits.iter().filter_map(|hit| letter(hit, &query.instance));
        let letters = letters
            .filter(|letter| query.wants(letter.time_ns, &letter.reason))
            .collect();
        let next = match id {
            Some(id) if hits.len() == PAGE => At::Page(id.to_owned()),
            Some(id) => {
                scroll::end(&store.client, id).await;
                At::End
            }
            None => At::End,
        };
        Ok((letters, next))
    }

    async fn forget(&self, instance: &Instance, ids: &[String]) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let store = self.store(instance)?;
        let flavour = store.client.flavour().await?;
        let mut lines = String::new();
        for id in ids {
            let Some((index, id)) = id.split_once('/') else {
                return Err(Error::Invalid(format!("\"{id}\" is no id of a letter")));
            };
            let mut what = json!({"_index": index, "_id": id});
            if flavour.has_types() {
                what = json!({"_index": index, "_type": OTHER_TYPE, "_id": id});
            }
            lines.push_str(&json!({"delete": what}).to_string());
            lines.push('\n');
        }
        let request = Request::post(&["_bulk"])
            .query("refresh", "true")
            .lines(lines)
            .deadline(Some(Instant::now() + PATIENCE));
        let answer = store.client.ask(&request).await?.json();
        let items = answer.get("items").and_then(Value::as_array);
        let items = items.map(Vec::as_slice).unwrap_or_default();
        let is_gone = |item: &Value| {
            let status = item.pointer("/delete/status").and_then(Value::as_u64);
            matches!(status, Some(200 | 404))
        };
        if items.len() == ids.len() && items.iter().all(is_gone) {
            return Ok(());
        }
        let first = items.iter().find(|item| !is_gone(item));
        let said = first.map_or_else(|| answer.to_string(), Value::to_string);
        Err(Error::Busy(format!(
            "{} did not let go of a dead letter: {}",
            store.client.shown(),
            shortened(&said)
        )))
    }
}

impl DeadLetterReader for Reader {
    fn read<'a>(&'a self, query: &'a LetterQuery) -> LetterStream<'a> {
        let pages = stream::try_unfold(At::Start, move |at| async move {
            if matches!(at, At::End) {
                return Ok(None);
            }
            let page = self.page(query, at).await;
            page.map(Some).map_err(ReadError::from)
        });
        let some =
            pages.filter(|page| std::future::ready(!matches!(page, Ok(page) if page.is_empty())));
        some.boxed()
    }

    fn forget<'a>(
        &'a self,
        instance: &'a Instance,
        ids: Vec<String>,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        async move { Ok(Self::forget(self, instance, &ids).await?) }.boxed()
    }
}

/// What a hit says. One that says nothing at all is a letter still, so that somebody sees it.
fn letter(hit: &Value, instance: &Instance) -> Option<Buried> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let (index, id) = (text(hit.get("_index")), text(hit.get("_id")));
    if index.is_empty() || id.is_empty() {
        return None;
    }
    let source = hit.get("_source")?;
    let of = |name: &str| text(source.get(name));
    let ms = source.get("time").and_then(Value::as_u64).unwrap_or(0);
    Some(Buried {
        id: format!("{index}/{id}"),
        // what it says of itself counts, for a prefix may have had another owner
        instance: Instance::parse(&of("instance")).unwrap_or_else(|_| instance.clone()),
        time_ns: ms.saturating_mul(1_000_000),
        reason: of("reason"),
        origin: of("origin"),
        payload: STANDARD
            .decode(of("payload"))
            .map(Bytes::from)
            .unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_a_letter_however_little_it_says() {
        let instance = Instance::default();
        let hit = json!({"_index": "p-spoor-dead-letter-2026-11-20", "_id": "x", "_source": {
            "time": 1_795_132_800_000_u64, "instance": "prod/jaeger", "reason": "why", "origin": "spans", "payload": "AQI=",
        }});
        let expect = Buried {
            id: "p-spoor-dead-letter-2026-11-20/x".to_owned(),
            instance: Instance::parse("prod/jaeger").unwrap(),
            time_ns: 1_795_132_800_000_000_000,
            reason: "why".to_owned(),
            origin: "spans".to_owned(),
            payload: Bytes::from_static(&[1, 2]),
        };
        assert_eq!(letter(&hit, &instance), Some(expect));
        let odd = json!({"_index": "i", "_id": "x", "_source": {"payload": "*", "time": "odd"}});
        let odd = letter(&odd, &instance).unwrap();
        assert_eq!(
            (odd.instance, odd.payload, odd.time_ns),
            (instance.clone(), Bytes::new(), 0)
        );
        assert_eq!(letter(&json!({"_id": "x", "_source": {}}), &instance), None);
    }
}
