//! What a [`TraceQuery`] asks of a document.
//!
//! In: a query. Out: the [`Condition`] on one document; nothing is scored. A tag is looked for in the lists of tags, process tags and log
//! fields, and among the fields that tags may be. A field may be mapped as something else than text, by whoever wrote it first: what is
//! compared with is then passed over instead of failing the search.
//!
//! Values, keys and names longer than 256 characters stand in no index. Documents that have one where the query would compare it may answer,
//! and so may all that have the key where an expression is not sent to the cluster.
//!
//! Source: `buildFindTraceIDsQuery` in `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0.

use serde_json::{Value, json};

use super::condition::{Clause, Condition};
use crate::elasticsearch::template::mapping::{is_indexed, is_within};
use crate::query::{Filter, Pattern, TraceQuery};

/// `index.max_regex_length`, in UTF-16 units.
const MAX_EXPRESSION: usize = 1_000;
/// Lists of tags.
const LISTS: [&str; 3] = ["tags", "process.tags", "logs.fields"];
/// Objects whose members are tags.
const OBJECTS: [&str; 2] = ["tag", "process.tag"];

/// Who compares with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expressions {
    /// The cluster.
    There,
    /// We do, when the cluster would not.
    Here,
}

/// Which documents are of spans that answer `query`. `dot_replacement` is what fields that are tags have where their key has a dot.
pub(super) fn condition(
    query: &TraceQuery,
    dot_replacement: &str,
    expressions: Expressions,
) -> Condition {
    let tags = Tags {
        dot_replacement,
        expressions,
    };
    let names = [
        ("process.serviceName", &query.service),
        ("operationName", &query.operation),
    ];
    let names = names
        .into_iter()
        .filter_map(|(field, name)| Some(named(field, name.as_ref()?)));
    let exact = [times(query), duration(query)].map(Condition::exact);
    let filter = tags.filter(&query.filter);
    Condition::all(exact.into_iter().chain(names).chain([filter]))
}

/// In milliseconds, by which whole indices are passed over, and in microseconds.
fn times(query: &TraceQuery) -> Clause {
    let range = |field: &str, unit: u64| {
        let (from, until) = (query.start_min_ns / unit, query.start_max_ns / unit);
        Clause::Query(json!({"range": {field: {"gte": from, "lte": until}}}))
    };
    Clause::all([
        range("startTimeMillis", 1_000_000),
        range("startTime", 1_000),
    ])
}

/// Without an upper bound unless one is asked for (quirk 71).
fn duration(query: &TraceQuery) -> Clause {
    let mut range = serde_json::Map::new();
    let bounds = [
        ("gte", query.duration_min_ns),
        ("lte", query.duration_max_ns),
    ];
    for (name, bound) in bounds {
        range.extend(bound.map(|ns| (name.to_owned(), json!(ns / 1_000))));
    }
    if range.is_empty() {
        return Clause::Always;
    }
    Clause::Query(json!({"range": {"duration": range}}))
}

fn named(field: &str, name: &str) -> Condition {
    if is_indexed(name) {
        return Condition::exact(Clause::Query(json!({"term": {field: name}})));
    }
    Condition::with_unknown(Clause::Never, Clause::not(exists(field)))
}

fn exists(field: &str) -> Clause {
    Clause::Query(json!({"exists": {"field": field}}))
}

struct Tags<'a> {
    dot_replacement: &'a str,
    expressions: Expressions,
}

// === impl Tags ===

impl Tags<'_> {
    fn filter(&self, filter: &Filter) -> Condition {
        match filter {
            Filter::And(filters) => Condition::all(filters.iter().map(|f| self.filter(f))),
            Filter::Or(filters) => Condition::any(filters.iter().map(|f| self.filter(f))),
            Filter::Not(filter) => Condition::not(self.filter(filter)),
            Filter::Tag { key, value } => self.tag(key, value),
        }
    }

    fn tag(&self, key: &str, value: &Pattern) -> Condition {
        let lucene = value.to_lucene();
        let is_here = self.expressions == Expressions::Here;
        let sent = lucene
            .as_deref()
            .filter(|text| !is_here && is_within(text, MAX_EXPRESSION));
        let text = Some(value.text().as_str()).filter(|text| is_indexed(text));
        let in_list = |path| list(path, key, Wanted::Any { text, sent });
        let surely = self.fields(key).into_iter().map(|field| {
            let equal =
                text.map(|text| json!({"match": {&field: {"query": text, "lenient": true}}}));
            let matching = sent.map(|sent| expression(&field, sent));
            Clause::any([equal, matching].into_iter().flatten().map(Clause::Query))
        });
        let sure = Clause::any(surely.chain(LISTS.map(in_list)));
        // a short text is no long value
        // nothing is written as null by some versions, and read as the empty text
        let may_be_null = value.text().is_empty();
        if is_indexed(key) && lucene.is_none() && text.is_some() && !may_be_null {
            return Condition::exact(sure);
        }
        let all_of_key = lucene.is_some() && sent.is_none();
        let wanted = if all_of_key {
            Wanted::Key
        } else {
            Wanted::NotIndexed
        };
        let lists = LISTS.map(|path| list(path, key, wanted));
        let fields = self.fields(key).into_iter().map(|field| {
            if all_of_key {
                exists(&field)
            } else {
                // Elasticsearch since 7.15 says which fields it left out, OpenSearch never does: such values of ours are in lists
                Clause::Query(json!({"term": {"_ignored": field}}))
            }
        });
        Condition::with_unknown(sure, Clause::any(lists.into_iter().chain(fields)))
    }

    /// The fields that a tag of this key may be.
    fn fields(&self, key: &str) -> Vec<String> {
        let name = key.replace('.', self.dot_replacement);
        if name.is_empty() {
            return Vec::new();
        }
        OBJECTS.map(|object| format!("{object}.{name}")).into()
    }
}

/// What a tag of a list must be like beside its key.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Its value is the text, or matches the expression.
    Any {
        text: Option<&'a str>,
        sent: Option<&'a str>,
    },
    /// Its value is not indexed.
    NotIndexed,
    /// Nothing more.
    Key,
}

/// A tag in the list at `path`.
fn list(path: &str, key: &str, wanted: Wanted<'_>) -> Clause {
    let (key_field, value_field) = (format!("{path}.key"), format!("{path}.value"));
    let has_key = if is_indexed(key) {
        Clause::Query(json!({"term": {&key_field: key}}))
    } else {
        if matches!(wanted, Wanted::Any { .. }) {
            return Clause::Never;
        }
        // its value may be anything
        return nested(path, Clause::not(exists(&key_field)));
    };
    let has_value = match wanted {
        Wanted::Any { text, sent } => {
            let equal = text.map(|text| json!({"term": {&value_field: text}}));
            let matching = sent.map(|sent| expression(&value_field, sent));
            Clause::any([equal, matching].into_iter().flatten().map(Clause::Query))
        }
        Wanted::NotIndexed => Clause::not(exists(&value_field)),
        Wanted::Key => Clause::Always,
    };
    nested(path, Clause::all([has_key, has_value]))
}

fn nested(path: &str, clause: Clause) -> Clause {
    match clause {
        Clause::Query(query) => Clause::Query(json!({"nested": {"path": path, "query": query}})),
        other => other,
    }
}

/// Without Lucene's optional operators, whatever stands there.
fn expression(field: &str, text: &str) -> Value {
    json!({"regexp": {field: {"value": text, "flags": "NONE"}}})
}

#[cfg(test)]
mod tests;
