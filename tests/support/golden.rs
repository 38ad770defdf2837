//! Compares answers of the query API with those recorded from a real Jaeger.
//!
//! In: a case's name, the recorded body and ours. Out: the [`Difference`]s, each that is permitted with the quirk that permits it. Free order is
//! only that of spans in a trace, traces, services, operations, dependencies and processes, which are compared in the place of their ids;
//! tags, fields, logs and references are compared in order. It sends nothing and knows no server.
//!
//! Source: the corpus' own rules in `fixtures/golden/README.md`; quirks are numbered as in the project's list of them.

// the crate `query` has this file by its path, and then looks beside it
#[path = "golden/reasons.rs"]
pub mod reasons;
#[path = "golden/tally.rs"]
mod tally;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use self::reasons::{
    ABSENT_TIME, DEPENDENCIES, EQUAL_SPANS, KINDS, ORDER, UNKNOWN_API, WARNINGS, ZERO_DURATION,
};
pub use self::tally::Tally;

/// Where the two answers differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where, such as `data/a1…/b1…/tags/0`.
    pub path: String,
    /// What was recorded; null when nothing stands there.
    pub recorded: Value,
    /// What we answered; null when nothing stands there.
    pub ours: Value,
    /// Why this difference is right. `None`: it is not.
    pub permitted: Option<&'static str>,
}

const DUPLICATE_ID: &str = "duplicate span IDs; skipping clock skew adjustment";

/// The differences that nothing permits. `case` is the folder of a trace, such as `duplicate-spans`, or the name of a request over the whole
/// corpus, such as `operations-kind`.
pub fn compare(case: &str, recorded: &Value, ours: &Value) -> Vec<Difference> {
    let mut differences = every_difference(case, recorded, ours);
    differences.retain(|difference| difference.permitted.is_none());
    differences
}

/// Why the whole answer to a request is another one here, status and content type included.
pub fn is_another_answer(case: &str) -> Option<&'static str> {
    match case {
        "unknown-api" => Some(UNKNOWN_API),
        "zipkin-no-timestamp" => Some(ABSENT_TIME),
        _ => None,
    }
}

/// Every difference, those included that a quirk permits.
pub fn every_difference(case: &str, recorded: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Found {
        case,
        differences: Vec::new(),
    };
    match (recorded.as_object(), ours.as_object()) {
        (Some(recorded), Some(ours)) => envelopes(recorded, ours, &mut found),
        _ => found.values("", recorded, ours),
    }
    found.differences
}

fn envelopes(recorded: &Map<String, Value>, ours: &Map<String, Value>, found: &mut Found<'_>) {
    for key in keys(recorded, ours) {
        let (theirs, mine) = (at(recorded, key), at(ours, key));
        match (key, theirs, mine) {
            ("data", Value::Array(theirs), Value::Array(mine)) => data(theirs, mine, found),
            // a trace that is no part of the recorded list was never sent, and is rightly not found
            ("errors", theirs, Value::Array(mine)) => {
                let listed = at(recorded, "data").as_array();
                let is_listed = |error: &&Value| {
                    listed.is_none_or(|l| {
                        l.iter()
                            .any(|t| part(t, "traceID") == part(error, "traceID"))
                    })
                };
                let mine: Vec<Value> = mine.iter().filter(is_listed).cloned().collect();
                let mine = match mine.is_empty() {
                    true => Value::Null,
                    false => Value::Array(mine),
                };
                found.values("errors", theirs, &mine);
            }
            _ => found.values(key, theirs, mine),
        }
    }
}

fn data(recorded: &[Value], ours: &[Value], found: &mut Found<'_>) {
    for (recorded, ours) in pairs(recorded, ours, item_name) {
        match (recorded, ours) {
            (Some(recorded), Some(ours)) if recorded.get("spans").is_some() => {
                traces(recorded, ours, found);
            }
            _ => {
                let path = format!("data/{}", item_name(either(recorded, ours)));
                found.values(&path, or_null(recorded), or_null(ours));
            }
        }
    }
}

/// A trace against a trace, spans by id.
fn traces(recorded: &Value, ours: &Value, found: &mut Found<'_>) {
    let id = item_name(recorded);
    let base = format!("data/{id}");
    for key in ["traceID", "warnings"] {
        found.values(
            &format!("{base}/{key}"),
            part(recorded, key),
            part(ours, key),
        );
    }
    for (recorded, ours) in pairs(&spans(recorded), &spans(ours), span_name) {
        let path = format!("{base}/{}", span_name(either(recorded, ours)));
        match (recorded, ours) {
            (Some(recorded), Some(ours)) => found.values(&path, recorded, ours),
            _ => found.add(&path, or_null(recorded), or_null(ours)),
        }
    }
}

fn either<'a>(a: Option<&'a Value>, b: Option<&'a Value>) -> &'a Value {
    or_null(a.or(b))
}

fn or_null(value: Option<&Value>) -> &Value {
    value.unwrap_or(&Value::Null)
}

/// The spans of a trace, each with its process in the place of its process' id, in an order of their own.
fn spans(trace: &Value) -> Vec<Value> {
    let mut spans = part(trace, "spans").as_array().cloned().unwrap_or_default();
    for span in &mut spans {
        let id = span.get("processID").and_then(Value::as_str);
        let process = id.and_then(|id| trace.get("processes")?.get(id)).cloned();
        if let Some(place) = span.get_mut("processID") {
            *place = process.unwrap_or_default();
        }
    }
    spans
}

/// What items of a list are known by.
fn item_name(item: &Value) -> String {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    match item {
        Value::String(name) => name.clone(),
        _ => match (text("traceID"), text("parent"), text("name")) {
            (Some(id), _, _) => id.to_owned(),
            (_, Some(parent), _) => format!("{parent}→{}", text("child").unwrap_or_default()),
            (_, _, Some(name)) => name.to_owned(),
            _ => item.to_string(),
        },
    }
}

fn span_name(span: &Value) -> String {
    let text = |key: &str| part(span, key).as_str().unwrap_or_default();
    format!("{} {}", text("spanID"), text("operationName"))
}

/// Pairs items of one name; equal ones first, then in order. What has no partner comes alone.
fn pairs<'a>(
    recorded: &'a [Value],
    ours: &'a [Value],
    name: fn(&Value) -> String,
) -> Vec<Pair<'a>> {
    let mut left: Vec<Option<&Value>> = ours.iter().map(Some).collect();
    let (mut found, mut alone): (Vec<Pair<'a>>, Vec<&Value>) = (Vec::new(), Vec::new());
    for item in recorded {
        match left.iter_mut().find(|o| **o == Some(item)) {
            Some(partner) => found.push((Some(item), partner.take())),
            None => alone.push(item),
        }
    }
    for item in alone {
        let is_partner = |o: &&mut Option<&Value>| o.is_some_and(|o| name(o) == name(item));
        let partner = left.iter_mut().find(is_partner).and_then(Option::take);
        found.push((Some(item), partner));
    }
    found.extend(left.into_iter().flatten().map(|item| (None, Some(item))));
    found
}

/// An item of each side, or of one.
type Pair<'a> = (Option<&'a Value>, Option<&'a Value>);

/// The differences found so far.
struct Found<'a> {
    case: &'a str,
    differences: Vec<Difference>,
}

// === impl Found ===

impl Found<'_> {
    fn add(&mut self, path: &str, recorded: &Value, ours: &Value) {
        self.differences.push(Difference {
            path: path.to_owned(),
            recorded: recorded.clone(),
            ours: ours.clone(),
            permitted: permitted(self.case, path, recorded, ours),
        });
    }

    /// In order, down to the smallest parts that differ.
    fn values(&mut self, path: &str, recorded: &Value, ours: &Value) {
        match (recorded, ours) {
            (Value::Object(theirs), Value::Object(mine)) => {
                for key in keys(theirs, mine) {
                    self.values(&format!("{path}/{key}"), at(theirs, key), at(mine, key));
                }
            }
            (Value::Array(theirs), Value::Array(mine)) => {
                for n in 0..theirs.len().max(mine.len()) {
                    let none = Value::Null;
                    let (a, b) = (theirs.get(n).unwrap_or(&none), mine.get(n).unwrap_or(&none));
                    self.values(&format!("{path}/{n}"), a, b);
                }
            }
            _ if same(recorded, ours) => {}
            _ => self.add(path, recorded, ours),
        }
    }
}

/// The quirk that permits a difference. One place for all of them.
fn permitted(case: &str, path: &str, recorded: &Value, ours: &Value) -> Option<&'static str> {
    let duplicate_id = |value: &Value| {
        value.is_null()
            || value.as_str() == Some(DUPLICATE_ID)
            || *value == Value::from(vec![DUPLICATE_ID])
    };
    if case == "duplicate-spans" {
        if path.contains("/warnings") && duplicate_id(recorded) && duplicate_id(ours) {
            return Some(ORDER);
        }
        if ours.is_null() && recorded.get("spanID").is_some() {
            return Some(EQUAL_SPANS);
        }
    }
    if path.ends_with("/warnings") && recorded.is_null() && is_kept_warning(ours) {
        return Some(WARNINGS);
    }
    if part(recorded, "key") == "InvalidNegativeDuration" && ours.is_null() {
        return Some(ZERO_DURATION);
    }
    if case == "dependencies" && recorded.is_null() && part(ours, "callCount").is_u64() {
        return Some(DEPENDENCIES);
    }
    if case.starts_with("operations") {
        if path.ends_with("/spanKind") && recorded == "" && ours.is_string() {
            return Some(KINDS);
        }
        if case == "operations-kind" && (path == "total" || recorded.is_object() && ours.is_null())
        {
            return Some(KINDS);
        }
    }
    is_another_answer(case)
}

/// What a client or a sanitizer said of a span, and no adjuster.
fn is_kept_warning(warnings: &Value) -> bool {
    let is_kept = |w: &Value| {
        w == "a client warning"
            || w.as_str()
                .is_some_and(|w| w.starts_with("Negative duration detected"))
    };
    warnings.as_array().is_some_and(|w| w.iter().all(is_kept))
}

fn keys<'a>(a: &'a Map<String, Value>, b: &'a Map<String, Value>) -> BTreeSet<&'a str> {
    a.keys().chain(b.keys()).map(String::as_str).collect()
}

/// A member, or null.
fn part<'a>(value: &'a Value, key: &str) -> &'a Value {
    or_null(value.get(key))
}

fn at<'a>(map: &'a Map<String, Value>, key: &str) -> &'a Value {
    map.get(key).unwrap_or(&Value::Null)
}

/// JSON knows one kind of number: `1` and `1.0` are the same.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            x == y || x.as_f64() == y.as_f64() && x.is_f64() != y.is_f64()
        }
        _ => a == b,
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            recorded,
            ours,
            permitted,
        } = self;
        write!(f, "{path}: recorded {recorded}, ours {ours}")?;
        match permitted {
            Some(quirk) => write!(f, " (quirk {quirk})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value)]
    fn envelope(data: Value) -> Value {
        json!({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": null})
    }

    #[allow(clippy::needless_pass_by_value)]
    fn trace(spans: Value, processes: Value) -> Value {
        json!({"traceID": "a", "spans": spans, "processes": processes, "warnings": null})
    }

    #[test]
    fn spans_and_processes_have_free_order_and_tags_have_not() {
        let span = |id: &str, process: &str, tags: &[&str]| json!({"spanID": id, "processID": process, "tags": tags});
        let one = envelope(json!([trace(
            json!([span("1", "p1", &["x", "y"]), span("2", "p2", &[])]),
            json!({"p1": {"s": 1}, "p2": {"s": 2}})
        )]));
        let other = envelope(json!([trace(
            json!([span("2", "p1", &[]), span("1", "p2", &["x", "y"])]),
            json!({"p1": {"s": 2}, "p2": {"s": 1}})
        )]));
        assert_eq!(compare("x/api-trace", &one, &other), []);
        let swapped = envelope(json!([trace(
            json!([span("2", "p1", &[]), span("1", "p1", &["y", "x"])]),
            json!({"p1": {"s": 2}})
        )]));
        let paths: Vec<_> = compare("x/api-trace", &one, &swapped)
            .into_iter()
            .map(|d| d.path)
            .collect();
        assert_eq!(
            paths,
            [
                "data/a/1 /processID/s",
                "data/a/1 /tags/0",
                "data/a/1 /tags/1"
            ]
        );
    }

    #[test]
    fn missing_and_surplus_items_are_differences() {
        let (recorded, ours) = (envelope(json!(["a", "b"])), envelope(json!(["b", "c"])));
        assert_eq!(compare("services", &recorded, &ours).len(), 2);
    }

    #[test]
    fn a_trace_that_was_never_sent_may_be_not_found_and_others_may_not() {
        let trace = |id: &str| json!({"traceID": id, "spans": []});
        let recorded = envelope(json!([trace("a")]));
        let mut ours = recorded.clone();
        ours["errors"] = json!([{"msg": "trace not found", "traceID": "b"}]);
        assert_eq!(compare("find-by-ids", &recorded, &ours), []);
        ours["errors"] = json!([{"msg": "trace not found", "traceID": "a"}]);
        assert_eq!(compare("find-by-ids", &recorded, &ours).len(), 1);
    }

    #[test]
    fn quirks_permit_what_they_name_and_nothing_else() {
        let recorded = envelope(json!([{"name": "a", "spanKind": ""}]));
        let ours = envelope(json!([{"name": "a", "spanKind": "server"}]));
        assert_eq!(compare("operations-v2", &recorded, &ours), []);
        let all = every_difference("operations-v2", &recorded, &ours);
        assert_eq!(all[0].permitted, Some(KINDS));
        assert_eq!(compare("services", &recorded, &ours).len(), 1);
    }

    #[test]
    fn numbers_are_compared_as_json_has_them() {
        assert_eq!(compare("x", &json!({"a": 1}), &json!({"a": 1.0})), []);
        let (one, other) = (9_007_199_254_740_993_i64, 9_007_199_254_740_992_i64);
        assert_eq!(
            compare("x", &json!({"a": one}), &json!({"a": other})).len(),
            1
        );
    }
}
