//! Side by side with real Jaeger: the golden corpus goes in, and every answer is compared with v1.76.0's recorded one.
//!
//! Compared as JSON; free order is only that of spans, traces, services, operations and processes. What differs on purpose is named with
//! its row of the contract's quirks in `tests::golden`.

pub(crate) mod differences;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bench::carrier;
use bytes::Bytes;
use serde_json::{Value, json};
use tests::corpus::{self, Case, Corpus};
use tests::golden::{self, Tally};
use tests::golden_v3;
use tests::spoor::Spoor;

use self::differences::{Api, Store};
use crate::support::{get, root, setup};

pub(crate) fn corpus() -> Corpus {
    Corpus::open(
        &root().join("tests/fixtures/golden"),
        &[
            "otlp-json",
            "jaeger-grpc",
            "jaeger-thrift-binary",
            "zipkin-v1-json",
            "zipkin-v2-json",
        ],
    )
}

async fn send(spoor: &Spoor, case: &Case) {
    let input = std::fs::read(&case.input).unwrap();
    if case.kind == "otlp-json" {
        let url = format!("{}/v1/traces", spoor.url("otlp-http"));
        let answer = post(&url, "application/json", &input).await;
        assert_eq!(answer.status(), 200, "{}", case.name);
        assert_eq!(
            answer.json::<Value>().await.unwrap(),
            json!({"partialSuccess": {}}),
            "{}",
            case.name
        );
    } else if case.kind == "jaeger-grpc" {
        carrier::post_spans(&spoor.url("jaeger-grpc"), Bytes::from(input))
            .await
            .unwrap();
    } else {
        let (listener, path, content_type) = match case.kind.as_str() {
            "jaeger-thrift-binary" => ("jaeger-thrift", "/api/traces", "application/x-thrift"),
            "zipkin-v1-json" => ("zipkin", "/api/v1/spans", "application/json"),
            _ => ("zipkin", "/api/v2/spans", "application/json"),
        };
        let url = format!("{}{path}", spoor.url(listener));
        let answer = post(&url, content_type, &input).await;
        assert_eq!(answer.status(), 202, "{}", case.name);
        assert_eq!(answer.bytes().await.unwrap().len(), 0, "{}", case.name);
    }
}

/// Sends it again while the store is late, at most 60 seconds: a cluster that has just begun takes its time for the first index.
pub(crate) async fn post(url: &str, content_type: &str, input: &[u8]) -> reqwest::Response {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let request = reqwest::Client::new()
            .post(url)
            .header("content-type", content_type)
            .body(input.to_vec());
        let answer = request.send().await.unwrap();
        if ![429, 503].contains(&answer.status().as_u16()) || Instant::now() > until {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Compares one recorded request.
async fn check(
    spoor: &Spoor,
    corpus: &Corpus,
    name: &str,
    request: &str,
    recorded: &Recorded,
    tally: &mut Tally,
) {
    let (status, content_type, text) = get(&format!("{}{request}", spoor.url("query-http"))).await;
    let ours: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
    for difference in golden::every_difference(name, &corpus.restrict(&recorded.body), &ours) {
        tally.add(name, request, &difference);
    }
    if golden::is_another_answer(name).is_some() {
        return;
    }
    if let Some(expect) = recorded.status
        && expect != status
    {
        tally.wrong(format!(
            "{name} ({request}): status {status}, recorded {expect}"
        ));
    }
    if let Some(expect) = &recorded.content_type
        && *expect != content_type
    {
        tally.wrong(format!(
            "{name} ({request}): content type {content_type}, recorded {expect}"
        ));
    }
}

struct Recorded {
    status: Option<u16>,
    content_type: Option<String>,
    body: Value,
}

/// What lies outside these parts: other formats of input, other APIs, what only Elasticsearch has.
fn is_elsewhere(name: &str) -> bool {
    name.starts_with("es-") || name.starts_with("v3-") || name.starts_with("sampling-")
}

/// What was compared, and what differs.
pub(crate) struct Compared {
    cases: BTreeSet<String>,
    traces: usize,
    requests: usize,
    tally: Tally,
}

impl Compared {
    /// All of it, and what differs on `store` is what is listed.
    pub(crate) fn check_on(&self, store: Store) {
        self.check();
        let listed = differences::of(Api::V1, store);
        self.tally.check_listed(&format!("HTTP, {store:?}"), listed);
    }

    /// All of it, and nothing differs that may not.
    pub(crate) fn check(&self) {
        self.same();
        assert_eq!((self.cases.len(), self.traces), (21, 42));
        let requests = self.requests;
        assert!(requests >= 30, "only {requests} requests were compared");
    }

    /// Nothing differs, of some part of it: how many cases and traces that is.
    pub(crate) fn same(&self) -> (usize, usize) {
        println!(
            "compared {} cases: {} traces, {} other requests",
            self.cases.len(),
            self.traces,
            self.requests
        );
        self.tally.check();
        (self.cases.len(), self.traces)
    }
}

/// The settings under which the corpus is neither too old nor too far away, and no spans are counted: Jaeger was recorded without metrics.
pub(crate) const AT_ITS_TIME: [(&str, &str); 4] = [
    ("ES_MAX_SPAN_AGE", "87600h"),
    ("SPAN_MAX_AGE", "0"),
    ("EMBEDDED_MAX_AGE", "0"),
    ("QUERY_SPAN_METRICS", "never"),
];

/// Jaeger refused it, so it is compared with nothing; it is taken here.
pub(crate) const REFUSED: &str = "zipkin1-annotations";

/// Sends all that Jaeger took.
pub(crate) async fn send_all(spoor: &Spoor, corpus: &Corpus) {
    for case in corpus.cases.iter().filter(|case| case.name != REFUSED) {
        send(spoor, case).await;
    }
}

/// Asks for each trace and each recorded request, and compares the answers.
pub(crate) async fn compare_all(spoor: &Spoor, corpus: &Corpus) -> Compared {
    let Compared {
        cases,
        traces,
        mut requests,
        mut tally,
    } = compare_traces(spoor, corpus).await;
    for (name, path) in corpus.recorded_requests("v1.76.0") {
        if is_elsewhere(&name) {
            continue;
        }
        let recorded = corpus::read(&path);
        let request = recorded["request"].as_str().unwrap().to_owned();
        let recorded = Recorded {
            status: recorded["status"].as_u64().map(|s| s as u16),
            content_type: recorded["content_type"].as_str().map(str::to_owned),
            body: recorded["body"].clone(),
        };
        check(spoor, corpus, &name, &request, &recorded, &mut tally).await;
        requests += 1;
    }
    Compared {
        cases,
        traces,
        requests,
        tally,
    }
}

/// Asks api_v3 for each trace and each recorded request, and compares the answers: all of 1.76's, and what 2.20 was asked over the whole corpus.
pub(crate) async fn compare_v3(spoor: &Spoor, corpus: &Corpus, store: Store) {
    let query = spoor.url("query-http");
    let mut asked = Vec::new();
    for case in &corpus.cases {
        for (id, file) in case.recorded_v3("v1.76.0") {
            let body = corpus::read(&file);
            let is_error = body["error"].is_object();
            let status = body["error"]["httpCode"].as_u64().filter(|_| is_error);
            asked.push((
                case.name.clone(),
                format!("/api/v3/traces/{id}"),
                status.unwrap_or(200),
                body,
            ));
        }
    }
    let traces = asked.len();
    for version in ["v1.76.0", "v2.20.0"] {
        for (name, path) in corpus.recorded_requests(version) {
            if !name.starts_with("v3-") {
                continue;
            }
            let recorded = corpus::read(&path);
            let name = match version {
                "v1.76.0" => name,
                _ => format!("{version}.{name}"),
            };
            asked.push((
                name,
                recorded["request"].as_str().unwrap().to_owned(),
                recorded["status"].as_u64().unwrap(),
                corpus.restrict_v3(&recorded["body"]),
            ));
        }
    }
    let mut tally = Tally::default();
    for (name, request, status, recorded) in &asked {
        let (ours_status, content_type, text) = get(&format!("{query}{request}")).await;
        // quirk 63: successes are JSON and say so; errors say that they are text
        let expect = if ours_status == 200 {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        assert_eq!(content_type, expect, "{name} ({request})");
        let ours: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        for difference in golden_v3::every_difference(name, recorded, &ours) {
            tally.add(name, request, &difference);
        }
        // quirk 103: what lay in 1970 is found here
        if u64::from(ours_status) != *status && name != "zipkin-no-timestamp" {
            tally.wrong(format!(
                "{name} ({request}): status {ours_status}, recorded {status}"
            ));
        }
    }
    let others = asked.len() - traces;
    println!("compared api_v3: {traces} traces, {others} other requests");
    assert_eq!((traces, others), (21, 12));
    let listed = differences::of(Api::V3, store);
    tally.check_listed(&format!("api_v3, {store:?}"), listed);
}

/// Asks for each trace, and compares the answers.
pub(crate) async fn compare_traces(spoor: &Spoor, corpus: &Corpus) -> Compared {
    let (mut cases, mut traces) = (BTreeSet::new(), 0);
    let mut tally = Tally::default();
    for case in &corpus.cases {
        for (id, raw, path) in case.recorded_traces("v1.76.0") {
            let request = format!("/api/traces/{id}{}", if raw { "?raw=true" } else { "" });
            let recorded = Recorded {
                status: Some(200),
                content_type: Some("application/json".into()),
                body: corpus::read(&path),
            };
            check(spoor, corpus, &case.name, &request, &recorded, &mut tally).await;
            cases.insert(case.name.clone());
            traces += 1;
        }
    }
    Compared {
        cases,
        traces,
        requests: 0,
        tally,
    }
}

#[tokio::test]
async fn every_answer_is_the_one_that_jaeger_gave() {
    let (_folder, mut setup) = setup();
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    let spoor = setup.start().unwrap();
    let corpus = corpus();
    send_all(&spoor, &corpus).await;
    let compared = compare_all(&spoor, &corpus).await;
    compare_v3(&spoor, &corpus, Store::Embedded).await;
    for case in corpus.cases.iter().filter(|case| case.name == REFUSED) {
        send(&spoor, case).await;
        let (_, _, services) = get(&format!("{}/api/services", spoor.url("query-http"))).await;
        assert!(services.contains("golden-zip1-back"), "{services}");
    }
    let url = format!(
        "{}/api/traces/a3000000000000000000000000000003",
        spoor.url("query-http")
    );
    assert_eq!(get(&url).await.0, 200, "a span without a time is found");
    compared.check_on(Store::Embedded);
}
