//! What a cluster answers to a search.
//!
//! In: JSON. Out: hits whose text points into it, and what is missing: shards that failed, clusters that were skipped, a time that ran out. An
//! answer that does not say of its shards is none: no silence is taken for "no spans" (quirk 74).

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use model::Buffer;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::http_client::{Error, Response, shortened};
use crate::trouble::Trouble;

/// An answer without hits.
pub(super) const EMPTY: &[u8] = br#"{"_shards":{"total":0,"failed":0},"hits":{"hits":[]}}"#;

/// A search that was answered.
#[derive(Debug)]
pub(in crate::elasticsearch) struct Answer<'a> {
    pub(in crate::elasticsearch) hits: Vec<Hit<'a>>,
    pub(in crate::elasticsearch) aggregations: Option<&'a RawValue>,
    pub(in crate::elasticsearch) trouble: Trouble,
}

/// A document, or what was asked of it.
#[derive(Debug, Deserialize)]
pub(in crate::elasticsearch) struct Hit<'a> {
    #[serde(rename = "_index", borrow, default)]
    pub(in crate::elasticsearch) index: Cow<'a, str>,
    #[serde(rename = "_id", borrow, default)]
    pub(in crate::elasticsearch) id: Cow<'a, str>,
    #[serde(rename = "_source", borrow, default)]
    pub(in crate::elasticsearch) source: Option<&'a RawValue>,
    #[serde(default)]
    pub(in crate::elasticsearch) sort: Vec<Value>,
    #[serde(default)]
    pub(in crate::elasticsearch) fields: BTreeMap<String, Vec<Value>>,
}

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(default)]
    timed_out: bool,
    #[serde(rename = "_shards", borrow)]
    shards: Shards<'a>,
    #[serde(rename = "_clusters", default)]
    clusters: Clusters,
    #[serde(borrow)]
    hits: Hits<'a>,
    #[serde(borrow, default)]
    aggregations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Hits<'a> {
    #[serde(borrow)]
    hits: Vec<Hit<'a>>,
}

#[derive(Deserialize)]
struct Shards<'a> {
    total: u64,
    failed: u64,
    /// Those that were skipped are among them.
    #[serde(default)]
    successful: Option<u64>,
    #[serde(borrow, default)]
    failures: Vec<Failed<'a>>,
}

/// A shard that failed.
#[derive(Deserialize)]
struct Failed<'a> {
    #[serde(default)]
    shard: i64,
    #[serde(borrow, default)]
    index: Option<Cow<'a, str>>,
    #[serde(default)]
    reason: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Clusters {
    skipped: u64,
    failed: u64,
    partial: u64,
}

/// An answer of several, which may be an error.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    error: Value,
    #[serde(default)]
    status: Option<u16>,
}

#[derive(Deserialize)]
struct Several<'a> {
    #[serde(borrow)]
    responses: Vec<&'a RawValue>,
}

/// The answer to one search. `shown` is how the cluster is called in messages.
pub(in crate::elasticsearch) fn one<'a>(
    answer: &'a Buffer,
    shown: &str,
) -> Result<Answer<'a>, Error> {
    let text = text(answer, shown)?;
    read(text, shown)
}

/// The answers to `count` searches that were sent together, each for itself.
pub(in crate::elasticsearch) fn several<'a>(
    answer: &'a Buffer,
    count: usize,
    shown: &str,
) -> Result<Vec<Answer<'a>>, Error> {
    let several: Several<'a> =
        serde_json::from_str(text(answer, shown)?).map_err(|error| odd(shown, &error))?;
    if several.responses.len() != count {
        let answers = several.responses.len();
        return Err(odd(
            shown,
            &format!("{answers} answers to {count} searches"),
        ));
    }
    let each = several.responses.into_iter();
    each.map(|raw| {
        let status: Status = serde_json::from_str(raw.get()).map_err(|error| odd(shown, &error))?;
        if status.error.is_null() {
            return read(raw.get(), shown);
        }
        let response = Response {
            status: status.status.unwrap_or(500),
            body: Bytes::copy_from_slice(raw.get().as_bytes()),
            product: None,
        };
        if is_of_no_span(&response) {
            return read(std::str::from_utf8(EMPTY).unwrap_or_default(), shown);
        }
        match response.succeeded(shown) {
            Ok(_) => Err(odd(shown, &"an error that is none")),
            Err(error) => Err(error),
        }
    })
    .collect()
}

fn text<'a>(answer: &'a Buffer, shown: &str) -> Result<&'a str, Error> {
    std::str::from_utf8(answer.as_bytes()).map_err(|error| odd(shown, &error))
}

fn odd(shown: &str, what: &dyn std::fmt::Display) -> Error {
    let what = shortened(&what.to_string());
    Error::Busy(format!(
        "{shown} answered a search with something else: {what}"
    ))
}

fn read<'a>(text: &'a str, shown: &str) -> Result<Answer<'a>, Error> {
    let whole: Whole<'a> = serde_json::from_str(text).map_err(|error| odd(shown, &error))?;
    let mut trouble = Trouble::default();
    let Shards {
        total,
        failed,
        successful,
        failures,
    } = whole.shards;
    // OpenSearch does not count a shard as failed that is nowhere
    let nowhere = total
        .saturating_sub(successful.unwrap_or(total))
        .saturating_sub(failed);
    if nowhere > 0 {
        trouble.note(format!("{nowhere} of {total} shards are on no node"));
    }
    let failed = failed + nowhere;
    let told = failures.len();
    for failure in failures
        .iter()
        .filter(|failure| !has_no_span(&failure.reason))
    {
        trouble.note(failure.words());
    }
    // equal failures stand there once
    if failed > nowhere && told == 0 {
        trouble.note(format!("{failed} of {total} shards did not answer"));
    }
    if failed == total
        && total > 0
        && let Some(reason) = trouble.reason()
    {
        return Err(Error::Busy(format!("{shown}: {reason}")));
    }
    if whole.timed_out {
        trouble.note("the cluster did not finish the search in time (es.timeout)".to_owned());
    }
    let Clusters {
        skipped,
        failed,
        partial,
    } = whole.clusters;
    let lacking = skipped + failed + partial;
    if lacking > 0 {
        trouble.note(format!(
            "{lacking} of the clusters that are read too did not answer (es.remote-read-clusters)"
        ));
    }
    Ok(Answer {
        hits: whole.hits.hits,
        aggregations: whole.aggregations,
        trouble,
    })
}

/// Whether a search failed because its indices hold no span yet, so that they do not know what a trace id is.
pub(super) fn is_of_no_span(response: &Response) -> bool {
    if response.is_success() || response.body.len() > 1 << 20 {
        return false;
    }
    let json = response.json();
    let failed = json.pointer("/error/failed_shards");
    let failed = failed.and_then(Value::as_array);
    failed.is_some_and(|failed| {
        let reason = |shard: &Value| shard.get("reason").is_some_and(has_no_span);
        !failed.is_empty() && failed.iter().all(reason)
    })
}

fn has_no_span(reason: &Value) -> bool {
    let said = reason.get("reason").and_then(Value::as_str);
    said.is_some_and(|said| said.starts_with("no mapping found for `traceID`"))
}

// === impl Failed ===

impl Failed<'_> {
    fn words(&self) -> String {
        let of = |name: &str| self.reason.get(name).and_then(Value::as_str);
        let why = match (of("type"), of("reason")) {
            (Some(kind), Some(reason)) => format!("{kind}: {reason}"),
            (Some(why), None) | (None, Some(why)) => why.to_owned(),
            (None, None) => "it does not say why".to_owned(),
        };
        let index = self
            .index
            .as_deref()
            .unwrap_or("of an index without a name");
        format!(
            "shard {} of {index} failed: {}",
            self.shard,
            shortened(&why)
        )
    }
}

#[cfg(test)]
mod tests;
