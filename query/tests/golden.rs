//! The golden corpus through the router: known input goes into a memory store, and every answer is compared with the one that Jaeger v1.76.0
//! gave. No sockets and no collector; the scenario of the whole program is in `tests/it`.

// a test as a whole: what fails may panic
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

// the comparer and the corpus belong to the crate `tests`, which stands to the right of this one
#[rustfmt::skip]
#[allow(dead_code, unreachable_pub, clippy::indexing_slicing)]
#[path = "../../tests/support/corpus.rs"]
mod corpus;
#[rustfmt::skip]
#[allow(dead_code, unused_imports, unreachable_pub, clippy::indexing_slicing)]
#[path = "../../tests/support/golden.rs"]
mod golden;

#[rustfmt::skip]
#[allow(dead_code, unreachable_pub, clippy::indexing_slicing)]
#[path = "../../tests/support/golden_v3.rs"]
mod golden_v3;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use model::{Batch, Dialect, Instance, KeyValue, sanitize};
use prometheus_client::registry::Registry;
use query::{Config, Metrics, Readers, Service};
use serde_json::Value;
use storage::Backend;
use storage::memory::{self, Memory};
use tower::ServiceExt;

use corpus::{Case, Corpus};

async fn write(store: &Memory, case: &Case) {
    let input = Bytes::from(std::fs::read(&case.input).unwrap());
    let decoded = match case.kind.as_str() {
        "otlp-json" => wire::otlp::decode_json(input),
        _ => wire::jaeger::proto::decode_post_spans(input),
    };
    let decoded = decoded.unwrap();
    assert!(
        decoded.rejected.is_empty(),
        "{}: {:?}",
        case.name,
        decoded.rejected
    );
    let mut spans = decoded.spans;
    sanitize::spans(&mut spans);
    for span in spans.iter_mut().filter(|s| s.dialect == Dialect::Jaeger) {
        // the collector's own tag
        span.attributes
            .push(KeyValue::new(wire::jaeger::tags::FORMAT, "proto"));
    }
    let batch = Batch::new(Instance::default(), spans, 0);
    store.writer().write(batch).await.unwrap();
}

fn app(store: Arc<Memory>) -> Router {
    let config = Config::default();
    let metrics = Metrics::register(&mut Registry::default());
    let stores = move |instance: &Instance| Readers {
        kind: store.name(),
        traces: store.reader(instance),
        measures: None,
        archive: None,
        takes_credentials: false,
        dependencies: store.dependencies(instance),
    };
    let service = Service::new(Arc::new(stores), &config, metrics);
    query::http::router(service, &config, query::http::Site::own(&config))
}

/// Status, content type and body.
async fn get(app: &Router, uri: &str) -> (u16, String, Value) {
    let request = http::Request::get(uri).body(Body::empty()).unwrap();
    let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = || Value::from(String::from_utf8_lossy(&bytes));
    (
        head.status.as_u16(),
        head.headers["content-type"].to_str().unwrap().to_owned(),
        serde_json::from_slice(&bytes).unwrap_or_else(|_| text()),
    )
}

/// The cases of a memory store, which is filled with them.
async fn filled() -> (Corpus, Router) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/golden");
    let corpus = Corpus::open(&folder, &["otlp-json", "jaeger-grpc"]);
    let store = Arc::new(Memory::new(memory::Config::default()));
    for case in &corpus.cases {
        write(&store, case).await;
    }
    let app = app(store);
    (corpus, app)
}

#[tokio::test]
async fn every_answer_is_the_one_that_jaeger_gave() {
    let (corpus, app) = filled().await;
    let mut wrong = Vec::new();
    let mut compared = 0;
    let mut permitted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut check = |name: &str, recorded: &Value, ours: &Value| {
        compared += 1;
        for difference in golden::every_difference(name, &corpus.restrict(recorded), ours) {
            match difference.permitted {
                Some(quirk) => *permitted.entry(quirk).or_default() += 1,
                None => wrong.push(format!("{name}: {difference}")),
            }
        }
    };
    for case in &corpus.cases {
        for (id, raw, file) in case.recorded_traces("v1.76.0") {
            let uri = format!("/api/traces/{id}{}", if raw { "?raw=true" } else { "" });
            let (status, _, ours) = get(&app, &uri).await;
            assert_eq!(status, 200, "{uri}: {ours}");
            check(&case.name, &corpus::read(&file), &ours);
        }
    }
    for (name, file) in corpus.recorded_requests("v1.76.0") {
        if ["es-", "v3-", "sampling-"]
            .iter()
            .any(|p| name.starts_with(p))
        {
            continue;
        }
        let recorded = corpus::read(&file);
        let (status, content_type, ours) = get(&app, recorded["request"].as_str().unwrap()).await;
        if golden::is_another_answer(&name).is_none() {
            assert_eq!(recorded["status"], status, "{name}: {ours}");
            assert_eq!(recorded["content_type"], content_type, "{name}");
        }
        check(&name, &recorded["body"], &ours);
    }
    println!("compared {compared} answers; differences by quirk: {permitted:#?}");
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared >= 34 + 30, "only {compared} answers were compared");
}

/// Of 1.76, and of 2.20 as far as that answers as 1.76 does: the names of its own requests tell them apart.
#[tokio::test]
async fn every_answer_of_api_v3_is_the_one_that_jaeger_gave() {
    let (corpus, app) = filled().await;
    let mut wrong = Vec::new();
    let mut compared = 0;
    let mut permitted: BTreeMap<&str, usize> = BTreeMap::new();
    let mut check = |name: &str, recorded: &Value, ours: &Value| {
        compared += 1;
        for difference in golden_v3::every_difference(name, recorded, ours) {
            match difference.permitted {
                Some(reason) => *permitted.entry(reason).or_default() += 1,
                None => wrong.push(format!("{name}: {difference}")),
            }
        }
    };
    for case in &corpus.cases {
        for (id, file) in case.recorded_v3("v1.76.0") {
            let (status, content_type, ours) = get(&app, &format!("/api/v3/traces/{id}")).await;
            assert_eq!(
                (status, content_type.as_str()),
                (200, "application/json"),
                "{id}: {ours}"
            );
            check(&case.name, &corpus::read(&file), &ours);
        }
    }
    for version in ["v1.76.0", "v2.20.0"] {
        for (name, file) in corpus.recorded_requests(version) {
            if !name.starts_with("v3-") {
                continue;
            }
            let recorded = corpus::read(&file);
            let (status, content_type, ours) =
                get(&app, recorded["request"].as_str().unwrap()).await;
            assert_eq!(recorded["status"], status, "{name}: {ours}");
            // quirk 63: 1.76 says of its successes that they are text
            if status != 200 || version == "v2.20.0" {
                assert_eq!(recorded["content_type"], content_type, "{name}");
            }
            let name = match version {
                "v1.76.0" => name,
                _ => format!("{version}.{name}"),
            };
            check(&name, &corpus.restrict_v3(&recorded["body"]), &ours);
        }
    }
    println!("compared {compared} answers of api_v3; differences by reason: {permitted:#?}");
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared >= 14 + 12, "only {compared} answers were compared");
}
