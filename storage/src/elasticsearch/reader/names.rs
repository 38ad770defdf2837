//! Names of services and of their operations.
//!
//! In: a service, or none. Out: all names in documents of the last `max-span-age`, sorted, each once; page by page, so that none is missing
//! however many there are. Names longer than 256 characters stand in no index: the newest [`MAX_LONG`] documents that have one are looked at.
//! A list cannot say that it is short: when a shard fails, or an index of it is closed, there is none.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/service_operation.go` v1.76.0, which asks for one page (quirk 77).

use std::borrow::Cow;
use std::collections::BTreeSet;

use model::{SpanKind, Str};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Reader, now_ns};
use crate::elasticsearch::client::Error;
use crate::elasticsearch::search::{Answer, Trouble, failed, several, with};
use crate::port::{Operation, ReadContext, ReadError};

/// Names of a page.
const PAGE: usize = 5_000;
/// Documents with a long name that are looked at.
const MAX_LONG: usize = 1_000;
/// The longest name that an index holds, in UTF-16 units.
const MAX_INDEXED: usize = 256;

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
        let size = PAGE.min(self.page());
        let mut names = BTreeSet::new();
        let mut after: Option<Value> = None;
        loop {
            let mut searches = vec![(indices.clone(), page(field, service, after.as_ref(), size))];
            if after.is_none() {
                searches.push((indices.clone(), long_names(field, service)));
            }
            let count = searches.len();
            let answer = self
                .searches
                .ask_several(cx, searches)
                .await
                .map_err(failed)?;
            let shown = self.searches.shown();
            let mut answers = several(&answer, count, shown).map_err(failed)?.into_iter();
            let found = answers.next().map(whole).transpose()?;
            let found = found.and_then(|answer| answer.aggregations);
            let found: Aggregations = found.map(aggregations).transpose()?.unwrap_or_default();
            for answer in answers {
                for hit in &whole(answer)?.hits {
                    let source = hit.source.map_or("{}", RawValue::get);
                    match serde_json::from_str(source) {
                        Ok(document) => names.extend(long(document)),
                        Err(_) => self.searches.metrics.odd(),
                    }
                }
            }
            let is_last = found.names.buckets.len() < size;
            names.extend(found.names.buckets.into_iter().map(|b| b.key.name));
            if is_last || found.names.after_key.is_none() {
                return Ok(names);
            }
            after = found.names.after_key;
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

/// Asks for documents whose names are too long for the index.
fn long_names(field: &str, service: Option<&str>) -> Value {
    let is_long = service.is_some_and(|service| service.encode_utf16().count() > MAX_INDEXED);
    let without = |field: &str| json!({"exists": {"field": field}});
    let query = match service {
        None => json!({"bool": {"must_not": [without(field)]}}),
        Some(_) if is_long => json!({"bool": {"must_not": [without(SERVICE)]}}),
        Some(service) => json!({"bool": {
            "filter": [{"term": {SERVICE: service}}],
            "must_not": [without(field)],
        }}),
    };
    json!({"query": query, "size": MAX_LONG, "_source": [SERVICE, OPERATION], "track_total_hits": false})
}

#[cfg(test)]
mod tests;
