//! What a [`TraceQuery`] asks of a document.
//!
//! In: a query. Out: the [`Condition`] on one document; nothing is scored. A tag is looked for in the lists of tags, process tags and log
//! fields, and among the fields that tags may be. A field may be mapped as something else than text, by whoever wrote it first: what is
//! compared with is then passed over instead of failing the search.
//!
//! Values, keys and names longer than 256 characters stand in no index. Documents that have one where the query would compare it may answer,
//! and so may all that have the key where an expression is not sent to the cluster.
//!
//! An index knows numbers as their texts. A comparison with one is sent as an expression that says the same of all texts without an exponent;
//! those with one may answer.
//!
//! Source: `buildFindTraceIDsQuery` in `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0.

use serde_json::{Value, json};

use super::condition::{Clause, Condition};
use crate::elasticsearch::template::mapping::{is_indexed, is_within};
use crate::query::{Comparison, Decimal, Filter, Order, Pattern, TraceQuery, decimal, us};

/// `index.max_regex_length`, in UTF-16 units.
const MAX_EXPRESSION: usize = 1_000;

/// Where tags are looked for.
#[derive(Clone, Copy)]
struct Places {
    lists: &'static [&'static str],
    /// Objects whose members are tags.
    objects: &'static [&'static str],
}

const EVERYWHERE: Places = Places {
    lists: &["tags", "process.tags", "logs.fields"],
    objects: &["tag", "process.tag"],
};
const OF_SPAN: Places = Places {
    lists: &["tags"],
    objects: &["tag"],
};

const SERVICE: &str = "process.serviceName";
const OPERATION: &str = "operationName";

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
    let names = [(SERVICE, &query.service), (OPERATION, &query.operation)];
    let names = names
        .into_iter()
        .filter_map(|(field, name)| Some(named(field, name.as_ref()?)));
    let exact = [times(query), duration(query)].map(Condition::exact);
    let filter = tags.filter(&query.filter);
    Condition::all(exact.into_iter().chain(names).chain([filter]))
}

/// Documents that surely answer `filter`, as far as an index knows.
pub(in crate::elasticsearch) fn known(filter: &Filter, dot_replacement: &str) -> Option<Value> {
    let tags = Tags {
        dot_replacement,
        expressions: Expressions::There,
    };
    match tags.filter(filter).sure {
        Clause::Always => Some(json!({"match_all": {}})),
        Clause::Never => None,
        Clause::Query(query) => Some(query),
    }
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

/// The member that an order compares.
pub(super) fn ordered_by(order: Order) -> &'static str {
    if order.is_by_duration() {
        "duration"
    } else {
        "startTime"
    }
}

/// Documents that stand before this key, in microseconds.
pub(super) fn standing_before(order: Order, key_us: u64) -> Clause {
    let bound = if order.is_falling() { "gt" } else { "lt" };
    Clause::Query(json!({"range": {ordered_by(order): {bound: key_us}}}))
}

/// Documents that stand there or behind.
pub(super) fn standing_from(order: Order, key_us: u64) -> Clause {
    let bound = if order.is_falling() { "lte" } else { "gte" };
    Clause::Query(json!({"range": {ordered_by(order): {bound: key_us}}}))
}

/// Documents that stand there or before.
pub(super) fn standing_until(order: Order, key_us: u64) -> Value {
    let bound = if order.is_falling() { "gte" } else { "lte" };
    json!({"range": {ordered_by(order): {bound: key_us}}})
}

fn compared(field: &str, is: Comparison, than: u64) -> Clause {
    let bound = match is {
        Comparison::Less => "lt",
        Comparison::AtMost => "lte",
        Comparison::AtLeast => "gte",
        Comparison::More => "gt",
        Comparison::Equal => return Clause::Query(json!({"term": {field: than}})),
    };
    Clause::Query(json!({"range": {field: {bound: than}}}))
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
            Filter::Tag { key, value } => self.tag(EVERYWHERE, key, value),
            Filter::SpanTag { key, value } => self.tag(OF_SPAN, key, value),
            Filter::Has { key } => self.has(key),
            Filter::Number { key, is, than } => self.number(key, *is, than),
            Filter::Service(name) => self.name(SERVICE, name),
            Filter::Operation(name) => self.name(OPERATION, name),
            Filter::Duration { is, than_ns } => {
                Condition::exact(compared("duration", *is, us(*than_ns)))
            }
        }
    }

    /// `text`, when the cluster is to compare with it.
    fn sent<'a>(&self, text: Option<&'a str>) -> Option<&'a str> {
        let is_here = self.expressions == Expressions::Here;
        text.filter(|text| !is_here && is_within(text, MAX_EXPRESSION))
    }

    fn tag(&self, places: Places, key: &str, value: &Pattern) -> Condition {
        let lucene = value.to_lucene();
        let sent = self.sent(lucene.as_deref());
        let equal = value.equal().map(model::Str::as_str);
        let text = equal.filter(|text| is_indexed(text));
        let sure = self.any_of(places, key, text, sent);
        // a short text is no long value
        // nothing is written as null by some versions, and read as the empty text
        let may_be_null = equal.is_some_and(str::is_empty);
        if is_indexed(key) && lucene.is_none() && text.is_some() && !may_be_null {
            return Condition::exact(sure);
        }
        let all_of_key = lucene.is_some() && sent.is_none();
        let unknown = if all_of_key {
            self.all_of(places, key)
        } else {
            self.not_indexed(places, key)
        };
        Condition::with_unknown(sure, unknown)
    }

    fn has(&self, key: &str) -> Condition {
        let lists = EVERYWHERE.lists.iter();
        let lists = lists.map(|path| list(path, key, Wanted::IndexedKey));
        let fields = self.fields(EVERYWHERE, key);
        let sure = Clause::any(lists.chain(fields.iter().map(|field| exists(field))));
        // a value that was left out is no field that exists
        let left_out = fields.iter().map(|field| ignored(field));
        let mut unknown: Vec<Clause> = left_out.collect();
        if !is_indexed(key) {
            let lists = EVERYWHERE.lists.iter();
            unknown.extend(lists.map(|path| list(path, key, Wanted::Key)));
        }
        Condition::with_unknown(sure, Clause::any(unknown))
    }

    fn number(&self, key: &str, is: Comparison, than: &Decimal) -> Condition {
        let plain = decimal::plain(is, than);
        let Some(plain) = self.sent(plain.as_deref()) else {
            return Condition::with_unknown(Clause::Never, self.all_of(EVERYWHERE, key));
        };
        let sure = self.any_of(EVERYWHERE, key, None, Some(plain));
        let mut unknown = vec![self.any_of(EVERYWHERE, key, None, Some(decimal::exponents()))];
        if !is_indexed(key) {
            unknown.push(self.all_of(EVERYWHERE, key));
        }
        Condition::with_unknown(sure, Clause::any(unknown))
    }

    fn name(&self, field: &str, name: &Pattern) -> Condition {
        let lucene = name.to_lucene();
        let sent = self.sent(lucene.as_deref());
        let text = name.equal().filter(|text| is_indexed(text));
        let equal = text.map(|text| json!({"term": {field: text.as_str()}}));
        let matching = sent.map(|sent| expression(field, sent));
        let sure = Clause::any([equal, matching].into_iter().flatten().map(Clause::Query));
        let unknown = if lucene.is_some() && sent.is_none() {
            Clause::Always
        } else {
            // too long, or not there
            Clause::not(exists(field))
        };
        Condition::with_unknown(sure, unknown)
    }

    /// Documents with a tag of this key whose value is `text` or matches `sent`.
    fn any_of(&self, places: Places, key: &str, text: Option<&str>, sent: Option<&str>) -> Clause {
        let fields = self.fields(places, key).into_iter().map(|field| {
            let equal =
                text.map(|text| json!({"match": {&field: {"query": text, "lenient": true}}}));
            let matching = sent.map(|sent| expression(&field, sent));
            Clause::any([equal, matching].into_iter().flatten().map(Clause::Query))
        });
        let lists = places.lists.iter();
        let lists = lists.map(|path| list(path, key, Wanted::Any { text, sent }));
        Clause::any(fields.chain(lists))
    }

    /// Documents with a tag of this key whose value stands in no index.
    fn not_indexed(&self, places: Places, key: &str) -> Clause {
        let lists = places.lists.iter();
        let lists = lists.map(|path| list(path, key, Wanted::NotIndexed));
        let fields = self.fields(places, key).into_iter();
        Clause::any(lists.chain(fields.map(|field| ignored(&field))))
    }

    /// Documents with a tag of this key.
    fn all_of(&self, places: Places, key: &str) -> Clause {
        let lists = places.lists.iter();
        let lists = lists.map(|path| list(path, key, Wanted::Key));
        let fields = self.fields(places, key).into_iter();
        Clause::any(lists.chain(fields.map(|field| exists(&field))))
    }

    /// The fields that a tag of this key may be.
    fn fields(&self, places: Places, key: &str) -> Vec<String> {
        let name = key.replace('.', self.dot_replacement);
        if name.is_empty() {
            return Vec::new();
        }
        let objects = places.objects.iter();
        objects.map(|object| format!("{object}.{name}")).collect()
    }
}

/// Elasticsearch since 7.15 says which fields it left out, OpenSearch never does: such values of ours are in lists.
fn ignored(field: &str) -> Clause {
    Clause::Query(json!({"term": {"_ignored": field}}))
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
    /// Nothing more. A key that is not indexed may be any.
    Key,
    /// Nothing more, of a key that is indexed.
    IndexedKey,
}

/// A tag in the list at `path`.
fn list(path: &str, key: &str, wanted: Wanted<'_>) -> Clause {
    let (key_field, value_field) = (format!("{path}.key"), format!("{path}.value"));
    let has_key = if is_indexed(key) {
        Clause::Query(json!({"term": {&key_field: key}}))
    } else {
        if matches!(wanted, Wanted::Any { .. } | Wanted::IndexedKey) {
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
        Wanted::Key | Wanted::IndexedKey => Clause::Always,
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
