//! One question over two clusters and the embedded store: exact, and who is away is named.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::fault_proxy::FaultProxy;
use tests::servers::{Kind, shared};
use tests::spoor::Spoor;

use crate::support::{eventually, setup};

const TENANT: &str = "x-tenant";
const TRACE: &str = "100000000000000000000000000a11ce";
const OTHER: &str = "200000000000000000000000000b0b00";

/// Sends spans of a service for a tenant: trace, id, and how many microseconds after `now_us` it starts.
async fn send(spoor: &Spoor, tenant: &str, service: &str, spans: &[(&str, u64, u64)], now_us: u64) {
    let spans: Vec<Value> = spans
        .iter()
        .map(|(trace, id, after_us)| {
            let at = ((now_us + after_us) * 1_000).to_string();
            json!({
                "traceId": trace, "spanId": format!("{id:016x}"), "name": format!("{service}-{id}"),
                "startTimeUnixNano": at, "endTimeUnixNano": at, "kind": 2,
                "attributes": [
                    {"key": "number", "value": {"intValue": "7"}},
                    {"key": "share", "value": {"doubleValue": 0.5}},
                ],
            })
        })
        .collect();
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": spans}],
    }]});
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let client = reqwest::Client::new();
    let sent = || async {
        let request = client.post(&url).header(TENANT, tenant).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    eventually("it is taken", sent, |status| *status == 200).await;
}

/// The answer, and its header about what it lacks.
async fn ask(spoor: &Spoor, tenant: &str, path: &str) -> (u16, Value, String) {
    let url = format!("{}{path}", spoor.url("query-http"));
    let request = reqwest::Client::new().get(url).header(TENANT, tenant);
    let answer = request.send().await.unwrap();
    let partial = answer.headers().get("spoor-partial");
    let partial = partial.map(|value| value.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let json = answer.json().await.unwrap_or_default();
    (status, json, partial.unwrap_or_default())
}

/// The names of a trace's spans, in order, however often each is there.
fn operations(trace: &Value) -> Vec<String> {
    let spans = trace["spans"].as_array().into_iter().flatten();
    let names = spans.map(|span| {
        span["operationName"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_union_is_exact_and_names_who_is_away() {
    let [a, b] = [Kind::OpenSearch2, Kind::Elasticsearch7]
        .map(|kind| tokio::task::block_in_place(|| shared(kind)));
    let proxy = FaultProxy::start(b.port(), 1).unwrap();
    let on = |url: String, prefix: &str| json!({"server-urls": url, "index-prefix": prefix, "num-replicas": 0});
    let settings = json!({
        "span-storage": {"type": "elasticsearch"},
        "instance": {"default": "a/jaeger"},
        "multi-tenancy": {"enabled": true},
        "instances": [
            {"namespace": "a", "es": on(a.url(), "union-a"), "query": {"union": ["b/jaeger", "c/jaeger"]}},
            {"namespace": "b", "es": on(proxy.url(), "union-b")},
            {"namespace": "c", "span-storage": {"type": "embedded"}},
        ],
    });
    let (folder, setup) = setup();
    let file = folder.path().join("spoor.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let spoor = setup
        .arg(format!("--config-file={}", file.display()))
        // who is away is told at once, not when a list is old
        .arg("--query.cache-ttl=0")
        .start()
        .unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = u64::try_from(now.as_micros()).unwrap() - 10_000_000;
    // the newest span of the one trace is in b, that of the other in c
    send(&spoor, "a", "in-a", &[(TRACE, 1, 0), (OTHER, 9, 10)], now).await;
    send(&spoor, "b", "in-b", &[(TRACE, 2, 50)], now).await;
    send(&spoor, "c", "in-c", &[(TRACE, 3, 5), (OTHER, 8, 40)], now).await;
    // and one span lies in all
    for tenant in ["a", "b", "c"] {
        send(&spoor, tenant, "in-all", &[(TRACE, 4, 7)], now).await;
    }

    let path = format!("/api/traces/{TRACE}");
    let whole = ["in-a-1", "in-all-4", "in-b-2", "in-c-3"];
    let found = eventually(
        "all is visible",
        || ask(&spoor, "a", &path),
        |(_, json, _)| operations(&json["data"][0]).len() >= whole.len(),
    )
    .await;
    assert_eq!(operations(&found.1["data"][0]), whole);
    assert_eq!((found.0, found.2.as_str()), (200, ""));
    let services = json!(["in-a", "in-all", "in-b", "in-c"]);
    let ask_services = || ask(&spoor, "a", "/api/services");
    let is_whole = |(_, json, _): &(u16, Value, String)| json["data"] == services;
    eventually("all services are visible", ask_services, is_whole).await;
    for service in ["in-a", "in-c"] {
        let path = format!("/api/traces?service={service}&lookback=1h&limit=10");
        let (_, found, _) = ask(&spoor, "a", &path).await;
        let traces = found["data"].as_array().unwrap();
        let ids: BTreeSet<&str> = traces
            .iter()
            .filter_map(|t| t["traceID"].as_str())
            .collect();
        assert_eq!(ids, BTreeSet::from([TRACE, OTHER]), "{service}");
        let one = traces.iter().find(|t| t["traceID"] == TRACE).unwrap();
        assert_eq!(operations(one), whole, "{service}");
    }
    let (_, found, _) = ask(&spoor, "a", "/api/traces?service=in-c&lookback=1h&limit=1").await;
    assert_eq!(
        found["data"][0]["traceID"], OTHER,
        "the newest that answers"
    );

    // the others are read alone
    for (tenant, alone) in [("b", ["in-all-4", "in-b-2"]), ("c", ["in-all-4", "in-c-3"])] {
        let (_, json, partial) = ask(&spoor, tenant, &path).await;
        assert_eq!(operations(&json["data"][0]), alone);
        assert_eq!(partial, "");
    }

    drop(proxy);
    let (status, json, partial) = ask(&spoor, "a", &path).await;
    assert_eq!(status, 200, "{json}");
    assert_eq!(
        operations(&json["data"][0]),
        ["in-a-1", "in-all-4", "in-c-3"]
    );
    assert!(partial.contains("b/jaeger"), "{partial}");
    let reason = json["partial"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("b/jaeger"), "{json}");
    let (status, found, partial) = ask(&spoor, "a", "/api/traces?service=in-c&lookback=1h").await;
    assert_eq!(status, 200);
    assert_eq!(found["data"].as_array().unwrap().len(), 2, "{found}");
    assert!(partial.contains("b/jaeger"), "{partial}");
    let (_, names, partial) = ask(&spoor, "a", "/api/services").await;
    assert_eq!(names["data"], json!(["in-a", "in-all", "in-c"]));
    assert!(partial.contains("b/jaeger"), "{partial}");
}
