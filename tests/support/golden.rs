//! Compares answers of the query API with those recorded from a real Jaeger.
//!
//! In: a case's name, the recorded body and ours. Out: every [`Difference`], each with the quirk that permits it, if one does. Free order is
//! only that of spans in a trace, traces, services, operations, dependencies and processes, which are compared in the place of their ids;
//! tags, fields, logs and references are compared in order. It sends nothing and knows no server.
//!
//! Source: the corpus' own rules in `fixtures/golden/README.md`; quirks are numbered as in the project's list of them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

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

/// What was sent, out of the larger corpus that the lists were recorded over. `None` is everything.
#[derive(Clone, Debug, Default)]
pub struct Comparer {
    /// The traces that were sent, by id as the API writes it.
    pub traces: Option<BTreeSet<String>>,
    /// The services that were sent.
    pub services: Option<BTreeSet<String>>,
}

/// Quirk 50: the order of spans is random, and with it which of two spans with one id is told that it is a duplicate.
const ORDER: &str =
    "50: the span that is told of a duplicate id is the later one, and order is random";
/// Quirk 102.
const EQUAL_SPANS: &str = "102: equal spans are kept once";
/// Quirk 104.
const KINDS: &str = "104: operations are known with their kind";
/// Quirk 105.
const WARNINGS: &str = "105: a span's warnings are kept";
/// Quirk 49.
const UNKNOWN_API: &str = "49: an unknown path of the api is 404";
const DUPLICATE_ID: &str = "duplicate span IDs; skipping clock skew adjustment";

/// Compares with everything in the corpus having been sent.
pub fn compare(case: &str, recorded: &Value, ours: &Value) -> Vec<Difference> {
    Comparer::default().compare(case, recorded, ours)
}

/// The differences that nothing permits.
pub fn unexplained(differences: &[Difference]) -> Vec<&Difference> {
    differences
        .iter()
        .filter(|d| d.permitted.is_none())
        .collect()
}

// === impl Comparer ===

impl Comparer {
    /// Every difference between two bodies of the API. `case` is the folder and the name of the recording, such as
    /// `duplicate-spans/api-trace.raw` or `_api/operations-kind`.
    pub fn compare(&self, case: &str, recorded: &Value, ours: &Value) -> Vec<Difference> {
        let mut found = Found {
            case,
            differences: Vec::new(),
        };
        match (recorded.as_object(), ours.as_object()) {
            (Some(recorded), Some(ours)) => self.envelopes(recorded, ours, &mut found),
            _ => found.values("", recorded, ours),
        }
        found.differences
    }

    fn envelopes(
        &self,
        recorded: &Map<String, Value>,
        ours: &Map<String, Value>,
        found: &mut Found<'_>,
    ) {
        for key in keys(recorded, ours) {
            let (theirs, mine) = (at(recorded, key), at(ours, key));
            match (key, theirs, mine) {
                ("data", Value::Array(theirs), Value::Array(mine)) => {
                    self.data(theirs, mine, found);
                }
                // the number of what is compared one by one
                ("total", Value::Number(_), Value::Number(total)) => {
                    let listed = ours
                        .get("data")
                        .and_then(Value::as_array)
                        .map_or(0, Vec::len);
                    let counted = theirs.as_u64() != Some(0);
                    let expect = if counted { listed as u64 } else { 0 };
                    if total.as_u64() != Some(expect) {
                        found.add("total", theirs, mine);
                    }
                }
                ("errors", theirs, Value::Array(mine)) => {
                    // a trace that was never sent is rightly not found
                    let sent: Vec<Value> =
                        mine.iter().filter(|e| self.is_sent(e)).cloned().collect();
                    let mine = if sent.is_empty() {
                        Value::Null
                    } else {
                        Value::Array(sent)
                    };
                    found.values("errors", theirs, &mine);
                }
                _ => found.values(key, theirs, mine),
            }
        }
    }

    fn data(&self, recorded: &[Value], ours: &[Value], found: &mut Found<'_>) {
        let recorded: Vec<&Value> = recorded.iter().filter(|item| self.is_sent(item)).collect();
        for (recorded, ours) in pairs(&recorded, &ours.iter().collect::<Vec<_>>(), item_name) {
            match (recorded, ours) {
                (Some(recorded), Some(ours)) if recorded.get("spans").is_some() => {
                    traces(recorded, ours, found);
                }
                _ => {
                    let either = recorded.or(ours).unwrap_or(&Value::Null);
                    let path = format!("data/{}", item_name(either));
                    found.values(
                        &path,
                        recorded.unwrap_or(&Value::Null),
                        ours.unwrap_or(&Value::Null),
                    );
                }
            }
        }
    }

    /// Whether a trace, an error about one, or a service was sent. What is neither always was.
    fn is_sent(&self, item: &Value) -> bool {
        match (item, item.get("traceID").and_then(Value::as_str)) {
            (_, Some(id)) => self.traces.as_ref().is_none_or(|sent| sent.contains(id)),
            (Value::String(name), _) => {
                // an operation's name is text as well, and no service's
                !name.starts_with("golden") && name != "reviews.bookinfo"
                    || self
                        .services
                        .as_ref()
                        .is_none_or(|sent| sent.contains(name))
            }
            _ => true,
        }
    }
}

/// A trace against a trace, spans by id.
fn traces(recorded: &Value, ours: &Value, found: &mut Found<'_>) {
    let id = item_name(recorded);
    let base = format!("data/{id}");
    for key in ["traceID", "warnings"] {
        found.values(&format!("{base}/{key}"), &recorded[key], &ours[key]);
    }
    let (theirs, mine) = (spans(recorded), spans(ours));
    let (theirs, mine): (Vec<&Value>, Vec<&Value>) =
        (theirs.iter().collect(), mine.iter().collect());
    for (recorded, ours) in pairs(&theirs, &mine, span_name) {
        let name = span_name(recorded.or(ours).unwrap_or(&Value::Null));
        let path = format!("{base}/{name}");
        match (recorded, ours) {
            (Some(recorded), Some(ours)) => found.values(&path, recorded, ours),
            _ => found.add(
                &path,
                recorded.unwrap_or(&Value::Null),
                ours.unwrap_or(&Value::Null),
            ),
        }
    }
}

/// The spans of a trace, each with its process in the place of its process' id, in an order of their own.
fn spans(trace: &Value) -> Vec<Value> {
    let mut spans: Vec<Value> = trace["spans"].as_array().cloned().unwrap_or_default();
    for span in &mut spans {
        let id = span["processID"].as_str().unwrap_or_default().to_owned();
        span["processID"] = trace["processes"][&id].clone();
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
    let text = |key: &str| span[key].as_str().unwrap_or_default();
    format!("{} {}", text("spanID"), text("operationName"))
}

/// Pairs items of one name; equal ones first, then in order. What has no partner comes alone.
fn pairs<'a>(
    recorded: &[&'a Value],
    ours: &[&'a Value],
    name: fn(&Value) -> String,
) -> Vec<(Option<&'a Value>, Option<&'a Value>)> {
    let mut left: Vec<Option<&'a Value>> = ours.iter().copied().map(Some).collect();
    let mut found: Vec<(Option<&'a Value>, Option<&'a Value>)> = Vec::new();
    let mut alone: Vec<&'a Value> = Vec::new();
    for item in recorded {
        match left.iter_mut().find(|o| o.is_some_and(|o| o == *item)) {
            Some(partner) => found.push((Some(item), partner.take())),
            None => alone.push(item),
        }
    }
    for item in alone {
        let partner = left
            .iter_mut()
            .find(|o| o.is_some_and(|o| name(o) == name(item)));
        found.push((Some(item), partner.and_then(Option::take)));
    }
    found.extend(left.into_iter().flatten().map(|item| (None, Some(item))));
    found
}

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
    if case.starts_with("duplicate-spans/") {
        if path.contains("/warnings") && duplicate_id(recorded) && duplicate_id(ours) {
            return Some(ORDER);
        }
        if ours.is_null() && recorded.get("spanID").is_some() {
            return Some(EQUAL_SPANS);
        }
    }
    if case.starts_with("negative-duration/") && path.contains("/warnings") && recorded.is_null() {
        return Some(WARNINGS);
    }
    if case.starts_with("_api/operations") {
        if path.ends_with("/spanKind") && recorded == "" && ours.is_string() {
            return Some(KINDS);
        }
        if case == "_api/operations-kind" && recorded.is_object() && ours.is_null() {
            return Some(KINDS);
        }
    }
    (case == "_api/unknown-api").then_some(UNKNOWN_API)
}

fn keys<'a>(a: &'a Map<String, Value>, b: &'a Map<String, Value>) -> BTreeSet<&'a str> {
    a.keys().chain(b.keys()).map(String::as_str).collect()
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

    fn envelope(data: Value) -> Value {
        json!({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": null})
    }

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
        let differences = compare(
            "_api/services",
            &envelope(json!(["a", "b"])),
            &envelope(json!(["b", "c"])),
        );
        assert_eq!(differences.len(), 2);
        assert_eq!(unexplained(&differences).len(), 2);
    }

    #[test]
    fn what_was_not_sent_is_not_asked_for() {
        let comparer = Comparer {
            traces: Some(BTreeSet::from(["a".to_owned()])),
            services: Some(BTreeSet::from(["golden-a".to_owned()])),
        };
        let recorded = envelope(json!(["golden-a", "golden-b"]));
        let ours = envelope(json!(["golden-a"]));
        assert_eq!(comparer.compare("_api/services", &recorded, &ours), []);
        let recorded =
            envelope(json!([{"traceID": "a", "spans": []}, {"traceID": "b", "spans": []}]));
        let mut ours = envelope(json!([{"traceID": "a", "spans": []}]));
        ours["errors"] = json!([{"msg": "trace not found", "traceID": "b"}]);
        assert_eq!(comparer.compare("_api/find-by-ids", &recorded, &ours), []);
        assert_eq!(compare("_api/find-by-ids", &recorded, &ours).len(), 2);
    }

    #[test]
    fn quirks_permit_what_they_name_and_nothing_else() {
        let recorded = envelope(json!([{"name": "a", "spanKind": ""}]));
        let ours = envelope(json!([{"name": "a", "spanKind": "server"}]));
        let differences = compare("_api/operations-v2", &recorded, &ours);
        assert_eq!(differences.len(), 1);
        assert!(unexplained(&differences).is_empty());
        assert_eq!(
            unexplained(&compare("_api/other", &recorded, &ours)).len(),
            1
        );
    }

    #[test]
    fn numbers_are_compared_as_json_has_them() {
        assert_eq!(compare("x", &json!({"a": 1}), &json!({"a": 1.0})), []);
        assert_eq!(
            compare(
                "x",
                &json!({"a": 9007199254740993_i64}),
                &json!({"a": 9007199254740992_i64})
            )
            .len(),
            1
        );
    }
}
