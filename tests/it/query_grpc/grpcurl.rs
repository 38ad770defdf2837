//! `grpcurl`, which knows nothing but what reflection tells it: services, health, traces, errors; in plaintext, and over TLS with a certificate that is made.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::clients;
use tests::spoor::Spoor;

use crate::golden::{AT_ITS_TIME, corpus, send_all};
use crate::support::setup;

/// Jaeger's services, and what every server has.
const SERVICES: [&str; 3] = [
    "jaeger.api_v2.QueryService",
    "jaeger.api_v2.metrics.MetricsQueryService",
    "jaeger.api_v3.QueryService",
];

/// How the server is reached.
#[derive(Clone, Copy)]
struct Way<'a> {
    address: &'a str,
    authority: Option<&'a Path>,
}

// === impl Way ===

impl Way<'_> {
    fn run(self, options: &[&str], words: &[&str]) -> Output {
        let mut command = Command::new(clients::grpcurl().unwrap());
        match self.authority {
            None => command.arg("-plaintext"),
            Some(authority) => command.arg("-cacert").arg(authority),
        };
        command.args(["-max-time", "10"]).args(options);
        command.arg(self.address).args(words).output().unwrap()
    }

    fn said(self, options: &[&str], words: &[&str]) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = self.run(options, words);
        let complaints = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{options:?} {words:?}: {complaints}");
        String::from_utf8(stdout).unwrap()
    }

    /// The messages of an answer.
    fn call(self, method: &str, message: &Value) -> Vec<Value> {
        let said = self.said(&["-d", &message.to_string()], &[method]);
        let messages = serde_json::Deserializer::from_str(&said).into_iter();
        messages.map(|m| m.unwrap()).collect()
    }

    /// What it says of an answer that is an error.
    fn error(self, method: &str, message: &Value) -> String {
        let Output { status, stderr, .. } = self.run(&["-d", &message.to_string()], &[method]);
        assert!(!status.success(), "{method}");
        String::from_utf8(stderr).unwrap()
    }
}

fn check(way: Way<'_>) {
    let listed = way.said(&[], &["list"]);
    let listed: BTreeSet<&str> = listed.split_whitespace().collect();
    assert!(SERVICES.iter().all(|s| listed.contains(s)), "{listed:?}");
    assert!(listed.contains("grpc.health.v1.Health"), "{listed:?}");
    assert!(
        !listed.contains("jaeger.api_v2.CollectorService"),
        "{listed:?}"
    );
    for service in SERVICES.iter().chain(&[""]) {
        let health = way.call("grpc.health.v1.Health/Check", &json!({"service": service}));
        assert_eq!(health, [json!({"status": "SERVING"})], "{service}");
    }
    let described = way.said(
        &[],
        &["describe", "jaeger.api_v3.QueryService.FindTraceSummaries"],
    );
    assert!(
        described.contains("stream .jaeger.api_v3.FindTraceSummariesResponse"),
        "{described}"
    );

    let services = way.call("jaeger.api_v2.QueryService/GetServices", &json!({}));
    let services = services[0]["services"].as_array().unwrap().clone();
    assert!(services.contains(&"golden-jaeger".into()), "{services:?}");
    let again = way.call("jaeger.api_v3.QueryService/GetServices", &json!({}));
    assert_eq!(again[0]["services"], Value::from(services));

    // a2000000000000000000000000000001 in base64
    let id = json!({"trace_id": "ogAAAAAAAAAAAAAAAAAAAQ=="});
    let chunks = way.call("jaeger.api_v2.QueryService/GetTrace", &id);
    assert_eq!(chunks[0]["spans"].as_array().unwrap().len(), 3);
    assert_eq!(
        chunks[0]["spans"][0]["process"]["serviceName"],
        "golden-jaeger"
    );
    let id = json!({"trace_id": "a2000000000000000000000000000001"});
    let traces = way.call("jaeger.api_v3.QueryService/GetTrace", &id);
    assert_eq!(traces[0]["resourceSpans"].as_array().unwrap().len(), 2);
    let query = json!({"query": {
        "service_name": "golden-jaeger",
        "start_time_min": "2026-11-23T06:54:29Z",
        "start_time_max": "2026-11-23T08:54:29Z",
    }});
    let found = way.call("jaeger.api_v3.QueryService/FindTraceSummaries", &query);
    let summaries: Vec<&Value> = found.iter().map(|f| &f["summaries"][0]).collect();
    let of_id = |s: &&&Value| s["traceId"] == "a2000000000000000000000000000001";
    let summary = summaries.iter().find(of_id).unwrap();
    assert_eq!(summary["spanCount"], 3);
    assert_eq!(summary["errorSpanCount"], 1);
    assert_eq!(summary["rootServiceName"], "golden-jaeger");
    assert_eq!(summary["rootOperationName"], "root op");
    assert_eq!(summary["services"].as_array().unwrap().len(), 2);

    let missing = json!({"trace_id": "/////////////////////w=="});
    let error = way.error("jaeger.api_v2.QueryService/GetTrace", &missing);
    assert!(
        error.contains("NotFound") && error.contains("trace not found: trace not found"),
        "{error}"
    );
    let error = way.error(
        "jaeger.api_v2.metrics.MetricsQueryService/GetCallRates",
        &json!({}),
    );
    assert!(
        error.contains("Unimplemented") && error.contains("metrics querying is currently disabled"),
        "{error}"
    );
    let error = way.error(
        "jaeger.api_v3.QueryService/GetTrace",
        &json!({"trace_id": "x"}),
    );
    assert!(
        error.contains("Unknown") && error.contains("malform trace ID"),
        "{error}"
    );
}

async fn filled(spoor: &Spoor) {
    send_all(spoor, &corpus()).await;
}

#[tokio::test]
async fn a_client_that_asks_reflection_first_finds_all_of_jaegers_services() {
    let (_folder, mut setup) = setup();
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    let spoor = setup.start().unwrap();
    filled(&spoor).await;
    check(Way {
        address: spoor.address("query-grpc"),
        authority: None,
    });
    let metrics = crate::support::get(&format!("{}/metrics", spoor.url("admin")))
        .await
        .2;
    let counted = "spoor_query_grpc_request_duration_seconds_count{method=\"jaeger.api_v2.QueryService/GetTrace\",code=\"5\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    // a watch of health sees the end, and does not hold it up
    assert_eq!(spoor.terminate().unwrap(), Some(0));
}

#[tokio::test]
async fn over_tls_it_is_the_same_and_plaintext_is_refused() {
    let (folder, setup) = setup();
    let mut setup = setup.arg("--query.grpc.tls.enabled");
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    let spoor = setup.start().unwrap();
    filled(&spoor).await;
    let authority = folder.path().join("data.certs/default/ca.crt");
    let address = spoor.address("query-grpc");
    check(Way {
        address,
        authority: Some(&authority),
    });
    let plain = Way {
        address,
        authority: None,
    };
    assert!(!plain.run(&[], &["list"]).status.success());
}
