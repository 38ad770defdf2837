//! The description of the API is held to the routes, and to the parameters that they read.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::http::route::PATHS;

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

/// What a reference leads to.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Each operation: path and method.
fn operations(document: &Value) -> BTreeMap<(String, String), &Value> {
    let mut found = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            found.insert((path.clone(), method.to_uppercase()), operation);
        }
    }
    found
}

#[tokio::test]
async fn it_is_served_as_it_stands() {
    let answer = get(Script::default(), "/api/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json(), document());
    assert_eq!(document()["openapi"], "3.1.0");
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let described: BTreeSet<(String, String)> = operations(&document).into_keys().collect();
    let methods = [Method::GET, Method::POST, Method::PUT, Method::DELETE];
    let routes = PATHS.iter().map(|path| Route::of(path));
    let routes: BTreeSet<(String, String)> = routes
        .flat_map(|route| {
            let allowed = methods.iter().filter(|method| route.allows(method));
            let pairs = allowed.map(|method| (route.label().to_owned(), method.to_string()));
            pairs.collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(described, routes);
}

/// A request of each route with what it needs to read all of its parameters, the older spelling where there are two.
pub(super) const REQUESTS: [(&str, &str); 33] = [
    ("GET", "/api/traces/1"),
    ("GET", "/api/traces?service=a"),
    ("GET", "/api/services"),
    ("GET", "/api/services/a/operations"),
    ("GET", "/api/operations?service=a"),
    ("GET", "/api/dependencies"),
    ("POST", "/api/archive/1"),
    ("POST", "/api/transform"),
    ("GET", "/api/metrics/latencies?service=a&quantile=1"),
    ("GET", "/api/metrics/calls?service=a"),
    ("GET", "/api/metrics/errors?service=a"),
    ("GET", "/api/metrics/minstep"),
    ("GET", "/api/deep-dependencies?service=a"),
    ("GET", "/api/quality-metrics"),
    ("GET", "/api/v3/traces/1"),
    ("GET", SEARCH),
    ("GET", "/api/v3/services"),
    ("GET", "/api/v3/operations?service=a"),
    ("GET", SUMMARIES),
    (
        "GET",
        "/api/v3/dependencies?start_time=2026-11-23T06:54:29Z&end_time=2026-11-23T08:54:29Z",
    ),
    ("GET", "/api/spoor/traces/1/skeleton"),
    ("GET", "/api/spoor/traces/1/spans?id=1"),
    ("GET", "/api/spoor/traces/1/attributes"),
    ("GET", "/api/spoor/traces/1/attribute?key=a"),
    ("GET", "/api/spoor/traces/1/find?text=a"),
    ("GET", "/api/spoor/traces/1/events"),
    ("GET", "/api/spoor/tag-keys?service=a"),
    ("GET", "/api/spoor/tag-values?service=a&key=k"),
    ("GET", "/api/spoor/instances"),
    ("GET", "/api/spoor/ledger"),
    ("GET", "/api/spoor/receivers"),
    ("POST", "/api/spoor/demo"),
    ("GET", "/api/openapi.json"),
];
const SEARCH: &str = "/api/v3/traces?query.start_time_min=2026-11-23T06:54:29Z&query.start_time_max=2026-11-23T08:54:29Z";
const SUMMARIES: &str = "/api/v3/trace-summaries?query.start_time_min=2026-11-23T06:54:29Z&query.start_time_max=2026-11-23T08:54:29Z";

#[tokio::test]
async fn every_parameter_that_a_route_reads_is_described_and_no_other() {
    let document = document();
    let operations = operations(&document);
    let mut seen = BTreeSet::new();
    for (method, uri) in REQUESTS {
        let path = uri.split('?').next().unwrap();
        let label = Route::of(path).label();
        seen.insert(label);
        let operation = operations[&(label.to_owned(), method.to_owned())];
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let described: BTreeSet<String> = parameters
            .map(|parameter| resolved(&document, parameter))
            .inspect(|parameter| assert!(parameter["description"].is_string(), "{parameter}"))
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        form::READ.take();
        let script = Script {
            archives: true,
            ..Script::of(vec![spans(vec![span(1, 1)]), complete()])
        };
        send(
            app(&Arc::new(script), &Config::default()),
            request(method, uri),
        )
        .await;
        let mut read = form::READ.take();
        if label == "/api/quality-metrics" {
            // whatever is asked, the answer is the same
            read.clear();
        }
        assert_eq!(described, read, "{method} {label}");
    }
    assert_eq!(seen.len(), PATHS.len());
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| walk(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut references = Vec::new();
    walk(&document, &mut references);
    assert!(references.len() > 50);
    for reference in &references {
        let there = document.pointer(reference.trim_start_matches('#'));
        assert!(there.is_some(), "{reference} leads nowhere");
    }
    // and none is there for nobody
    for (kind, components) in document["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(references.contains(&reference.as_str()), "{reference}");
        }
    }
}
