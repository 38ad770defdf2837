//! Spoor's own queries as spans of its own store: there when they are asked for, of the caller's trace, and none for writing them.

use serde_json::{Value, json};

use tests::spoor::Spoor;

use crate::support::{eventually, get, get_json, setup};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Asks for services in a trace; what `traceresponse` says of it.
async fn traced(spoor: &Spoor) -> String {
    let answer = reqwest::Client::new()
        .get(format!("{}/api/services", spoor.url("query-http")))
        .header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .send()
        .await
        .unwrap();
    let told = answer.headers()["traceresponse"].to_str().unwrap();
    told.to_owned()
}

#[tokio::test]
async fn a_query_is_a_span_of_its_callers_trace_and_nothing_recurs() {
    let (_folder, setup) = setup();
    // none but those whose callers ask for it
    let spoor = setup
        .arg("--query.enable-tracing")
        .arg("--query.tracing-ratio=0")
        .start()
        .unwrap();
    let trace = format!("{}/api/traces/{TRACE}?raw=true", spoor.url("query-http"));
    let mut operations = Vec::new();
    // what recurs is written at the second time, with what is asked then
    for spans in [2, 4] {
        let told = traced(&spoor).await;
        assert!(told.starts_with(&format!("00-{TRACE}-")), "{told}");
        let found = || async {
            let answer: Value = serde_json::from_str(&get(&trace).await.2).unwrap();
            answer["data"][0].clone()
        };
        let is_all = |one: &Value| {
            one["spans"]
                .as_array()
                .is_some_and(|all| all.len() >= spans)
        };
        let found = eventually("the spans", found, is_all).await;
        let names = found["spans"].as_array().unwrap().iter();
        operations = names
            .map(|span| span["operationName"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(found["processes"]["p1"]["serviceName"], "spoor-query");
    }
    operations.sort();
    let asked = ["GET /api/services", "get_services"];
    assert_eq!(operations, [asked[0], asked[0], asked[1], asked[1]]);
    let (_, _, metrics) = get(&format!("{}/metrics", spoor.url("admin"))).await;
    let written = "\nspoor_query_own_spans_written_total 4\n";
    assert!(metrics.contains(written), "{metrics}");
}

#[tokio::test]
async fn nothing_is_traced_that_nobody_asked_for() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    assert_eq!(traced(&spoor).await, "");
    let services = format!("{}/api/services", spoor.url("query-http"));
    assert_eq!(get_json(&services).await["data"], json!([]));
}
