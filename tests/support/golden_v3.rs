//! Compares answers of api_v3 with those recorded from a real Jaeger.
//!
//! In: a case's name, the recorded body and ours. Out: the [`Difference`]s, each that is permitted with its reason. Free order is that of spans, of groups
//! of them, of services and of operations; attributes, events and links are compared in order.
//!
//! The recordings went through Jaeger's documents, which hold less than OpenTelemetry's form: microseconds, texts for lists and maps, nothing of
//! a link but whom it names. Before they are compared, ours is reduced to that (quirk 106): what remains is a difference.

use serde_json::{Map, Value, json};

use super::golden::Difference;
use super::golden::reasons::{
    ABSENT_TIME, DOCUMENTS, EQUAL_SPANS, KINDS, WARNINGS, WORDS, ZERO_DURATION,
};

/// Every difference, those included that a reason permits.
pub fn every_difference(case: &str, recorded: &Value, ours: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |path: String, recorded: &Value, ours: &Value| {
        let permitted = permitted(case, &path, recorded, ours);
        found.push(Difference {
            path,
            recorded: recorded.clone(),
            ours: ours.clone(),
            permitted,
        });
    };
    if recorded["result"].is_object() && ours["result"].is_object() {
        let (theirs, mut mine) = (spans(recorded), spans(ours));
        if case.starts_with("zipkin") {
            mine.iter_mut().for_each(|(_, one)| without_error(one));
        }
        pairs(&theirs, &mine, "", &mut add);
    } else {
        let (mut theirs, mut mine) = (Vec::new(), Vec::new());
        for (body, items) in [(recorded, &mut theirs), (ours, &mut mine)] {
            for list in ["services", "operations"] {
                let list = body[list].as_array().into_iter().flatten();
                items.extend(list.map(|item| {
                    (
                        item["name"]
                            .as_str()
                            .map_or_else(|| item.to_string(), str::to_owned),
                        item.clone(),
                    )
                }));
            }
        }
        if theirs.is_empty() && mine.is_empty() {
            values("", recorded, ours, &mut add);
        } else {
            pairs(&theirs, &mine, "", &mut add);
        }
    }
    found
}

/// What has one name on both sides is compared, the rest stands alone.
fn pairs(
    recorded: &[(String, Value)],
    ours: &[(String, Value)],
    path: &str,
    add: &mut impl FnMut(String, &Value, &Value),
) {
    let mut left: Vec<Option<&(String, Value)>> = ours.iter().map(Some).collect();
    // equal ones first, then those of one name
    let mut alone = Vec::new();
    for one in recorded {
        match left.iter_mut().find(|other| **other == Some(one)) {
            Some(same) => drop(same.take()),
            None => alone.push(one),
        }
    }
    for (name, theirs) in alone {
        let mut same = left
            .iter_mut()
            .filter(|other| other.is_some_and(|(n, _)| n == name));
        let mine = same.next().and_then(Option::take).map(|(_, value)| value);
        values(
            &format!("{path}/{name}"),
            theirs,
            mine.unwrap_or(&Value::Null),
            add,
        );
    }
    for (name, mine) in left.into_iter().flatten() {
        add(format!("{path}/{name}"), &Value::Null, mine);
    }
}

fn values(
    path: &str,
    recorded: &Value,
    ours: &Value,
    add: &mut impl FnMut(String, &Value, &Value),
) {
    let none = Value::Null;
    match (recorded, ours) {
        (Value::Object(theirs), Value::Object(mine)) => {
            let mut keys: Vec<&String> = theirs.keys().chain(mine.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let at = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                values(&format!("{path}/{key}"), &at(theirs), &at(mine), add);
            }
        }
        (Value::Array(theirs), Value::Array(mine)) => {
            for n in 0..theirs.len().max(mine.len()) {
                let (a, b) = (theirs.get(n).unwrap_or(&none), mine.get(n).unwrap_or(&none));
                values(&format!("{path}/{n}"), a, b, add);
            }
        }
        _ if recorded == ours
            || recorded.as_f64().is_some() && recorded.as_f64() == ours.as_f64() => {}
        _ => add(path.to_owned(), recorded, ours),
    }
}

/// Each span with its resource and its scope, by its id and operation, reduced to what Jaeger's documents hold.
fn spans(body: &Value) -> Vec<(String, Value)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for group in list(&body["result"]["resourceSpans"]) {
        for scope in list(&group["scopeSpans"]) {
            for span in list(&scope["spans"]) {
                let name = format!("{} {}", text(&span["spanId"]), text(&span["name"]));
                let one = json!({
                    "resource": attributes(&group["resource"]["attributes"]),
                    "scope": [scope["scope"]["name"], scope["scope"]["version"]],
                    "span": reduced(span),
                });
                found.push((name, one));
            }
        }
    }
    found
}

fn reduced(mut span: Value) -> Value {
    let (start, end) = (ns(&span["startTimeUnixNano"]), ns(&span["endTimeUnixNano"]));
    let us = |ns: u64| ns / 1000 * 1000;
    span["startTimeUnixNano"] = json!(us(start));
    span["endTimeUnixNano"] = json!(us(start) + us(end.saturating_sub(start)));
    span["attributes"] = attributes(&span["attributes"]);
    for event in span["events"].as_array_mut().into_iter().flatten() {
        event["timeUnixNano"] = json!(us(ns(&event["timeUnixNano"])));
        event["attributes"] = attributes(&event["attributes"]);
        drop_members(event, &["droppedAttributesCount"]);
    }
    if let Some(events) = span["events"].as_array_mut() {
        events.iter_mut().for_each(named);
        events.sort_by_key(|event| text(&event["name"]).to_owned());
    }
    for link in span["links"].as_array_mut().into_iter().flatten() {
        drop_members(
            link,
            &[
                "attributes",
                "traceState",
                "flags",
                "droppedAttributesCount",
            ],
        );
    }
    drop_members(
        &mut span,
        &[
            "flags",
            "droppedAttributesCount",
            "droppedEventsCount",
            "droppedLinksCount",
        ],
    );
    span
}

/// An event without a name is called what its field `event` says, as in Jaeger's documents.
fn named(event: &mut Value) {
    let own = event["attributes"].as_array_mut().and_then(|list| {
        let at = list.iter().position(|one| one["key"] == "event")?;
        Some(list.remove(at)["value"]["stringValue"].take())
    });
    if let Some(own) = own {
        event["name"] = own;
    }
}

/// Quirk 20: the text of Zipkin's `error` is kept beside the status that is made of it; Jaeger drops it.
fn without_error(one: &mut Value) {
    if one["span"]["status"]["code"] == 2
        && let Some(list) = one["span"]["attributes"].as_array_mut()
    {
        list.retain(|attribute| attribute["key"] != "error");
    }
}

fn drop_members(value: &mut Value, names: &[&str]) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// Lists, maps and nothing at all as the texts that Jaeger keeps of them.
fn attributes(list: &Value) -> Value {
    let list = list.as_array().cloned().unwrap_or_default();
    let reduced = list.into_iter().map(|mut attribute| {
        let value = &attribute["value"];
        // warnings are a list on both sides
        let is_list = value["arrayValue"].is_object() || value["kvlistValue"].is_object();
        if attribute["key"] != "@jaeger@warnings" && (is_list || value == &json!({})) {
            let plain = plain(value);
            let text = plain
                .as_str()
                .map_or_else(|| plain.to_string(), str::to_owned);
            attribute["value"] = json!({"stringValue": text});
        }
        attribute
    });
    Value::Array(reduced.collect())
}

/// A value as plain JSON.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|members| members.iter().next()) else {
        return json!("");
    };
    let items = || inner["values"].as_array().cloned().unwrap_or_default();
    match kind.as_str() {
        "arrayValue" => items().iter().map(plain).collect(),
        "kvlistValue" => {
            let mut members: Vec<_> = items();
            members.sort_by_key(|member| text(&member["key"]).to_owned());
            let members = members
                .iter()
                .map(|m| (text(&m["key"]).to_owned(), plain(&m["value"])));
            Value::Object(members.collect())
        }
        "intValue" => text(inner).parse::<i64>().map_or(Value::Null, Value::from),
        _ => inner.clone(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn ns(value: &Value) -> u64 {
    text(value).parse().unwrap_or_default()
}

/// Why a difference is right. One place for all of them.
fn permitted(case: &str, path: &str, recorded: &Value, ours: &Value) -> Option<&'static str> {
    if case == "zipkin-no-timestamp" {
        return Some(ABSENT_TIME);
    }
    if case.ends_with("v3-operations") && path.ends_with("/spanKind") && ours.is_string() {
        return Some(KINDS);
    }
    if case == "events-links" && (path.contains("/links") || path.contains("/parentSpanId")) {
        return Some(DOCUMENTS);
    }
    if case == "duplicate-spans" && (recorded.is_null() || ours.is_null()) {
        return Some(EQUAL_SPANS);
    }
    if recorded["key"] == "InvalidNegativeDuration" && ours.is_null() {
        return Some(ZERO_DURATION);
    }
    if recorded.is_null() && ours["key"] == "@jaeger@warnings" {
        return Some(WARNINGS);
    }
    let is_words = case.starts_with("v2.20.0.") && path.ends_with("/message");
    is_words.then_some(WORDS)
}
