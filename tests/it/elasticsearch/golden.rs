//! Beside real Jaeger: what stands in the index is what Jaeger 1.76 put there, and what any version put there is answered as it answered.
//!
//! The corpus is sent to a Spoor on a real server, through every receiver. What is permitted to differ is named with its quirk.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::corpus::{self, Corpus};
use tests::servers::client::Client;
use tests::servers::{Kind, Server, shared};
use tests::spoor::{Setup, Spoor};

use super::sender::documents;
use crate::golden::{self, AT_ITS_TIME};
use crate::support::setup;

/// All in one on a cluster, with these indices.
pub(super) fn on(server: &Server, prefix: &str) -> (tempfile::TempDir, Setup) {
    let (folder, setup) = setup();
    let mut setup = setup
        .arg("--span-storage.type=elasticsearch")
        .arg(format!("--es.server-urls={}", server.url()))
        .arg(format!("--es.index-prefix={prefix}"))
        .arg("--es.num-shards=1")
        .arg("--es.num-replicas=0");
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    (folder, setup)
}

/// A document without what a recording permits to differ.
fn reduced(case: &str, mut document: Value) -> Value {
    if case == "zipkin-no-timestamp" {
        // quirk 103: it lies where it was received, in Jaeger in 1970
        for field in ["startTime", "startTimeMillis", "duration"] {
            document[field] = Value::Null;
        }
    }
    let is_zero = document["duration"] == 0;
    if let Some(tags) = document["tags"].as_array_mut() {
        // quirk 14: a duration of zero is left alone
        tags.retain(|tag| !(is_zero && tag["key"] == "InvalidNegativeDuration"));
    }
    document
}

/// What was recorded of each case: index and document.
fn recorded(corpus: &Corpus, version: &str) -> Vec<(String, Vec<Value>)> {
    let of = |case: &corpus::Case| {
        let file = case.file(&format!("{version}.es-span.json"));
        let hits = corpus::read(&file).as_array().cloned().unwrap_or_default();
        (case.name.clone(), hits)
    };
    let taken = corpus
        .cases
        .iter()
        .filter(|case| case.name != golden::REFUSED);
    taken.map(of).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_are_those_that_jaeger_wrote_and_answers_those_that_it_gave() {
    let server = shared(Kind::Elasticsearch7);
    let (_folder, setup) = on(server, "golden-own");
    let spoor = setup.start().unwrap();
    let corpus = golden::corpus();
    golden::send_all(&spoor, &corpus).await;
    let mut ours: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for document in documents(server.client(), "golden-own-jaeger-span-*").await {
        let id = |field: &str| document[field].as_str().unwrap().to_owned();
        ours.entry((id("traceID"), id("spanID")))
            .or_default()
            .push(document);
    }
    let (mut cases, mut compared) = (0, 0);
    for (case, hits) in recorded(&corpus, "v1.76.0") {
        cases += 1;
        for hit in hits {
            let document = &hit["_source"];
            let id = |field: &str| document[field].as_str().unwrap().to_owned();
            let there = ours.get(&(id("traceID"), id("spanID")));
            let there = there.unwrap_or_else(|| panic!("{case}: {document} is missing"));
            let wanted = reduced(&case, document.clone());
            assert!(
                there
                    .iter()
                    .any(|one| reduced(&case, one.clone()) == wanted),
                "{case}: recorded {wanted}\nours {there:?}"
            );
            compared += 1;
        }
    }
    println!("{cases} cases: {compared} documents as recorded");
    assert_eq!(cases, 21);
    services(server.client()).await;
    let compared = golden::compare_all(&spoor, &corpus).await;
    compared.check();
}

/// Every recorded service document of a case that was sent is there, under Jaeger's id.
async fn services(store: &Client) {
    let recorded =
        crate::support::root().join("tests/fixtures/golden/_api/v1.76.0.es-service-docs.json");
    let recorded = corpus::read(&recorded);
    let sent: Vec<Value> = documents(store, "golden-own-jaeger-service-*").await;
    let mut compared = 0;
    for hit in recorded["body"]["hits"]["hits"].as_array().unwrap() {
        if !sent.contains(&hit["_source"]) {
            // the recording is of a larger corpus
            continue;
        }
        let query = json!({"query": {"ids": {"values": [hit["_id"]]}}});
        let path = "/golden-own-jaeger-service-*/_search";
        let found = store
            .send(http::Method::POST, path, query.to_string())
            .await;
        let found = found.unwrap().json().unwrap();
        assert_eq!(found["hits"]["hits"][0]["_source"], hit["_source"]);
        compared += 1;
    }
    println!("{compared} service documents as recorded");
    assert!(
        compared >= 30,
        "only {compared} service documents were compared"
    );
}

/// Puts what a version of Jaeger wrote into indices with a prefix, as it stands in the recording.
async fn put(store: &Client, corpus: &Corpus, version: &str, prefix: &str) -> usize {
    let mut lines = String::new();
    let mut count = 0;
    for (_, hits) in recorded(corpus, version) {
        for hit in hits {
            let index = format!("{prefix}-{}", hit["_index"].as_str().unwrap());
            let service = json!({
                "serviceName": hit["_source"]["process"]["serviceName"],
                "operationName": hit["_source"]["operationName"],
            });
            let services = index.replace("jaeger-span", "jaeger-service");
            for (index, document) in [(&index, &hit["_source"]), (&services, &service)] {
                lines += &format!("{}\n{document}\n", json!({"index": {"_index": index}}));
            }
            count += 1;
        }
    }
    let answer = store
        .send(http::Method::POST, "/_bulk?refresh=true", lines)
        .await;
    let answer = answer.unwrap().json().unwrap();
    assert_eq!(answer["errors"], false, "{answer}");
    count
}

/// The templates that Jaeger has put there, for indices with a prefix alone.
async fn stock_templates(store: &Client, prefix: &str) {
    for kind in ["span", "service"] {
        let file = format!("tests/fixtures/golden/_api/v1.76.0.es-template-{kind}.json");
        let recorded = corpus::read(&crate::support::root().join(file));
        let mut template = recorded["body"][format!("jaeger-{kind}")].clone();
        template["index_patterns"] = json!([format!("{prefix}-jaeger-{kind}-*")]);
        template["settings"]["index"]["number_of_shards"] = json!("1");
        let path = format!("/_template/{prefix}-stock-{kind}");
        let answer = store
            .send(http::Method::PUT, &path, template.to_string())
            .await;
        answer.unwrap().json().unwrap();
    }
}

async fn reading(prefix: &str, versions: &[&str]) -> (tempfile::TempDir, Spoor, Corpus) {
    let server = shared(Kind::Elasticsearch7);
    let corpus = golden::corpus();
    stock_templates(server.client(), prefix).await;
    for version in versions {
        let count = put(server.client(), &corpus, version, prefix).await;
        println!("{count} documents of {version}");
    }
    let (folder, setup) = on(server, prefix);
    (folder, setup.start().unwrap(), corpus)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_jaeger_wrote_is_answered_as_jaeger_answered() {
    let (_folder, spoor, corpus) = reading("golden-theirs", &["v1.76.0"]).await;
    golden::compare_all(&spoor, &corpus).await.check();
}
