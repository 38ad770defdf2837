//! Names of services and of their operations.
//!
//! In: a service, or none. Out: all names in documents of the last `max-span-age`, sorted, each once; page by page, so that none is missing
//! however many there are. Names longer than 256 characters stand in no index: the documents that have one are looked at, page by page too, and as many as a read may give spans.
//! A list cannot say that it is short: when a shard fails, or an index of it is closed, there is none.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/service_operation.go` v1.76.0, which asks for one page (quirk 77).

use std::borrow::Cow;
use std::collections::BTreeSet;

use futures_util::future::try_join;
use model::{SpanKind, Str};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Reader, now_ns};
use crate::elasticsearch::search::{Answer, Trouble, failed, one, with};
use crate::elasticsearch::template::mapping::{IGNORE_ABOVE, is_indexed};
use crate::http_client::Error;
use crate::port::{Operation, ReadContext, ReadError};

/// Names of a page.
const PAGE: usize = 5_000;
/// Documents of a page with long names. More than there are shards, each of which may have one of the same number.
const LONG_PAGE: usize = 1_000;

const SERVICE: &str = "serviceName";
const OPERATION: &str = "operationName";

/// A document.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(rename = "serviceName", borrow, default)]
    service: Option<Cow<'a, str>>,
    #[serde(rename = "operationName", borrow, default)]
    operation: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Aggregations {
    names: Names,
}

#[derive(Default, Deserialize)]
struct Names {
    buckets: Vec<Bucket>,
    #[serde(default)]
    after_key: Option<Value>,
}

#[derive(Deserialize)]
struct Bucket {
    key: Key,
}

#[derive(Deserialize)]
struct Key {
    name: String,
}

// === impl Reader ===

impl Reader {
    pub(super) async fn services(&self, cx: &ReadContext) -> Result<Vec<Str>, ReadError> {
        let long = |document: Document<'_>| document.service.map(Cow::into_owned);
        let names = self.list(cx, SERVICE, None, long).await?;
        // a service without a name is none
        let named = names.iter().filter(|name| !name.is_empty());
        Ok(named.map(|name| Str::from(name.as_str())).collect())
    }

    pub(super) async fn operations(
        &self,
        cx: &ReadContext,
        service: &str,
    ) -> Result<Vec<Operation>, ReadError> {
        let wanted = service.to_owned();
        let long = move |document: Document<'_>| {
            (document.service.as_deref() == Some(&wanted)).then_some(())?;
            document.operation.map(Cow::into_owned)
        };
        let names = self.list(cx, OPERATION, Some(service), long).await?;
        let operation = |name: &String| Operation {
            name: Str::from(name.as_str()),
            kind: SpanKind::Unspecified,
        };
        Ok(names.iter().map(operation).collect())
    }

    /// All values of `field`, and what `long` makes of documents where it is not indexed.
    async fn list(
        &self,
        cx: &ReadContext,
        field: &str,
        service: Option<&str>,
        long: impl Fn(Document<'_>) -> Option<String> + Send + Sync,
    ) -> Result<BTreeSet<String>, ReadError> {
        cx.check()?;
        let age_ns = u64::try_from(self.limits.max_span_age.as_nanos()).unwrap_or(u64::MAX);
        let now = now_ns();
        let times = (now.saturating_sub(age_ns), now);
        let indices = self.names.services.read(times.0, times.1);
        let left_out = self.left_out(cx, &self.names.services, [times]).await;
        known(&left_out)?;
        let (mut names, of_long) = try_join(
            self.indexed(cx, &indices, field, service),
            self.not_indexed(cx, &indices, field, service, long),
        )
        .await?;
        names.extend(of_long);
        Ok(names)
    }

    /// All values of `field` that indices hold.
    async fn indexed(
        &self,
        cx: &ReadContext,
        indices: &[String],
        field: &str,
        service: Option<&str>,
    ) -> Result<BTreeSet<String>, ReadError> {
        let size = PAGE.min(self.page());
        let mut names = BTreeSet::new();
        let mut after: Option<Value> = None;
        loop {
            let body = page(field, service, after.as_ref(), size);
            let answer = self.searches.ask(cx, indices, body).await;
            let answer = answer.map_err(failed)?;
            let answer = one(&answer, self.searches.shown()).map_err(failed)?;
            let found = whole(answer)?.aggregations;
            let found: Aggregations = found.map(aggregations).transpose()?.unwrap_or_default();
            let is_last = found.names.buckets.len() < size;
            names.extend(found.names.buckets.into_iter().map(|b| b.key.name));
            if is_last || found.names.after_key.is_none() {
                return Ok(names);
            }
            after = found.names.after_key;
        }
    }

    /// What `of` makes of documents whose `field` no index holds.
    async fn not_indexed(
        &self,
        cx: &ReadContext,
        indices: &[String],
        field: &str,
        service: Option<&str>,
        of: impl Fn(Document<'_>) -> Option<String> + Send + Sync,
    ) -> Result<BTreeSet<String>, ReadError> {
        let mut names = BTreeSet::new();
        let (mut size, mut after) = (LONG_PAGE, None);
        let (mut documents, mut bytes) = (0, 0);
        loop {
            let body = long_names(field, service, after, size);
            let answer = match self.searches.ask(cx, indices, body).await {
                // fewer of larger documents
                Err(Error::TooLarge(_)) if size > 1 => {
                    size = size.div_ceil(8);
                    continue;
                }
                answer => answer.map_err(failed)?,
            };
            bytes += answer.as_bytes().len();
            let answer = one(&answer, self.searches.shown()).map_err(failed)?;
            let hits = whole(answer)?.hits;
            for hit in &hits {
                let source = hit.source.map_or("{}", RawValue::get);
                match serde_json::from_str(source) {
                    Ok(document) => names.extend(of(document)),
                    Err(_) => self.searches.metrics.odd(),
                }
            }
            if hits.len() < size {
                return Ok(names);
            }
            documents += hits.len();
            // documents of several shards may share a number: the next page begins with those that do
            let last = hits.last().and_then(|hit| hit.sort.first()?.as_i64());
            let next = last.map(|number| number - 1);
            let is_stuck = next.is_none() || next == after;
            if is_stuck || documents >= cx.limits.spans || bytes >= cx.limits.bytes {
                return Err(ReadError::from(Error::Busy(format!(
                    "not all names could be read: of the documents with a name of more than {IGNORE_ABOVE} characters only {documents} were looked at (query.max-spans, query.max-bytes)"
                ))));
            }
            after = next;
        }
    }
}

fn whole(answer: Answer<'_>) -> Result<Answer<'_>, Error> {
    known(&answer.trouble)?;
    Ok(answer)
}

/// A list has no place to say what it lacks.
fn known(trouble: &Trouble) -> Result<(), Error> {
    match trouble.reason() {
        Some(reason) => Err(Error::Busy(format!(
            "not all names could be read: {reason}"
        ))),
        None => Ok(()),
    }
}

fn aggregations(raw: &RawValue) -> Result<Aggregations, Error> {
    serde_json::from_str(raw.get())
        .map_err(|error| Error::Busy(format!("a list of names could not be read: {error}")))
}

/// Asks for names, in their order.
fn page(field: &str, service: Option<&str>, after: Option<&Value>, size: usize) -> Value {
    let composite = json!({"size": size, "sources": [{"name": {"terms": {"field": field}}}]});
    let composite = with(composite, "after", after.cloned());
    let body = json!({"size": 0, "aggs": {"names": {"composite": composite}}});
    let query = |service| json!({"bool": {"filter": [{"term": {SERVICE: service}}]}});
    with(body, "query", service.map(query))
}

/// Asks for documents whose names are too long for the index, in the order of the numbers that their shards gave them.
fn long_names(field: &str, service: Option<&str>, after: Option<i64>, size: usize) -> Value {
    let is_long = service.is_some_and(|service| !is_indexed(service));
    let without = |field: &str| json!({"exists": {"field": field}});
    let query = match service {
        None => json!({"bool": {"must_not": [without(field)]}}),
        Some(_) if is_long => json!({"bool": {"must_not": [without(SERVICE)]}}),
        Some(service) => json!({"bool": {
            "filter": [{"term": {SERVICE: service}}],
            "must_not": [without(field)],
        }}),
    };
    let body = json!({
        "query": query,
        "size": size,
        "_source": [SERVICE, OPERATION],
        "track_total_hits": false,
        "sort": [{"_seq_no": {"order": "asc", "unmapped_type": "long"}}],
    });
    with(body, "search_after", after.map(|number| json!([number])))
}

#[cfg(test)]
mod tests;
