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
use crate::golden::differences::Store;
use crate::golden::{self, AT_ITS_TIME};
use crate::query_grpc::golden::compare_calls;
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
    // quirk 108: nobody counted calls while it was recorded
    let setup = setup.arg("--es.dependencies.enabled=false");
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
    all_answers(&spoor, &corpus, Store::Ours).await;
}

/// Over HTTP, in OpenTelemetry's form and over gRPC.
async fn all_answers(spoor: &Spoor, corpus: &Corpus, store: Store) {
    let compared = golden::compare_all(spoor, corpus).await;
    compared.check_on(store);
    golden::compare_v3(spoor, corpus, store).await;
    compare_calls(spoor, corpus, store).await;
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

/// Puts documents into indices with a prefix, as they stand in a recording, each with its service's.
async fn put<'a>(store: &Client, hits: impl IntoIterator<Item = &'a Value>, prefix: &str) -> usize {
    let mut lines = String::new();
    let mut count = 0;
    for hit in hits {
        // a recording may have had a prefix of its own
        let index = hit["_index"].as_str().unwrap();
        let index = &index[index.find("jaeger-").unwrap()..];
        let index = format!("{prefix}-{index}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_jaeger_wrote_is_answered_as_jaeger_answered() {
    let (server, prefix) = (shared(Kind::Elasticsearch7), "golden-theirs");
    let corpus = golden::corpus();
    stock_templates(server.client(), prefix).await;
    let recorded = recorded(&corpus, "v1.76.0");
    let hits = recorded.iter().flat_map(|(_, hits)| hits);
    println!(
        "{} documents of v1.76.0",
        put(server.client(), hits, prefix).await
    );
    let (_folder, setup) = on(server, prefix);
    let spoor = setup.start().unwrap();
    all_answers(&spoor, &corpus, Store::Theirs).await;
}

/// Both versions in one set of indices, each having written every second case; then the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_generations_of_jaeger_are_read_in_one_set_of_indices() {
    let server = shared(Kind::Elasticsearch7);
    let corpus = golden::corpus();
    let [first, second] = ["v1.76.0", "v2.20.0"].map(|version| recorded(&corpus, version));
    let (mut compared, mut differences) = (0, Vec::new());
    for turn in 0..2 {
        let prefix = format!("golden-both-{turn}");
        stock_templates(server.client(), &prefix).await;
        let mut hits = Vec::new();
        for (nth, ((case, of_first), (_, of_second))) in first.iter().zip(&second).enumerate() {
            let is_second = nth % 2 == turn;
            hits.extend(if is_second { of_second } else { of_first });
            println!(
                "{case} is of {}",
                if is_second { "v2.20.0" } else { "v1.76.0" }
            );
        }
        put(server.client(), hits, &prefix).await;
        let (_folder, setup) = on(server, &prefix);
        let spoor = setup.start().unwrap();
        for (nth, (name, _)) in first.iter().enumerate() {
            let version = if nth % 2 == turn {
                "v2.20.0"
            } else {
                "v1.76.0"
            };
            let case = corpus.cases.iter().find(|case| case.name == *name).unwrap();
            for (id, is_raw, file) in case.recorded_traces(version) {
                // quirk 103: it lies in 1970, beyond what is looked back
                if !is_raw || name == "zipkin-no-timestamp" {
                    continue;
                }
                let url = format!("{}/api/traces/{id}?raw=true", spoor.url("query-http"));
                let ours = crate::support::get_json(&url).await;
                let wanted = plain(corpus::read(&file));
                let found = tests::golden::compare(name, &wanted, &plain(ours));
                let found = found.iter().filter(|one| !is_permitted(name, one));
                differences.extend(found.map(|one| format!("{version} {name}: {one}")));
                compared += 1;
            }
        }
    }
    println!("{compared} raw traces of both versions compared");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared >= 40, "only {compared} traces were compared");
}

/// Where more is shown here than version 2 shows of its own documents.
fn is_permitted(case: &str, difference: &tests::golden::Difference) -> bool {
    // a tag of a key that was there already, of which its reader shows the first alone
    (case == "duplicate-attributes" && difference.path.contains("/tags/"))
        // quirk 106: a link within the trace is taken for the parent, and stands first
        || (case == "events-links" && difference.path.contains("/references/"))
        // flags of OTLP, of a document that nothing else tells from one of 1.76
        || (case == "events-links" && difference.path.ends_with("/flags") && difference.ours == 257)
        // nothing has become a text that speaks of its language
        || difference.recorded == "invalid string type in <nil>" && difference.ours == ""
}

/// A trace without what differs by version: how ids are spelt, warnings, the order of tags.
fn plain(mut body: Value) -> Value {
    fn trimmed(id: &mut Value) {
        if let Some(text) = id.as_str() {
            *id = json!(text.trim_start_matches('0'));
        }
    }
    fn sorted(tags: &mut Value) {
        if let Some(tags) = tags.as_array_mut() {
            tags.sort_by_key(ToString::to_string);
        }
    }
    for trace in body["data"].as_array_mut().into_iter().flatten() {
        trimmed(&mut trace["traceID"]);
        for span in trace["spans"].as_array_mut().into_iter().flatten() {
            span["warnings"] = Value::Null;
            sorted(&mut span["tags"]);
            for log in span["logs"].as_array_mut().into_iter().flatten() {
                sorted(&mut log["fields"]);
            }
            for id in ["traceID", "spanID"] {
                trimmed(&mut span[id]);
            }
            for reference in span["references"].as_array_mut().into_iter().flatten() {
                for id in ["traceID", "spanID"] {
                    trimmed(&mut reference[id]);
                }
            }
        }
        for (_, process) in trace["processes"].as_object_mut().into_iter().flatten() {
            sorted(&mut process["tags"]);
        }
    }
    body
}

/// What tells the spans of a trace apart, two halves of a call with one id among them.
fn key(span: &Value) -> String {
    let id = span["spanID"].as_str().unwrap();
    format!("{id} {} {}", span["operationName"], span["startTime"])
}

/// What other versions and settings wrote is found whole, by id and by a tag, whatever its values and its tags look like.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_versions_and_settings_wrote_is_found() {
    let server = shared(Kind::Elasticsearch7);
    for (name, flags) in [
        ("v1.20.0", &[][..]),
        (
            "v1.76.0-tags-as-fields-prefix",
            &["--es.tags-as-fields.all"],
        ),
        ("v1.76.0-archive", &["--es-archive.enabled"]),
        ("v1.76.0-os2", &[]),
    ] {
        let prefix = format!("golden-{}", name.replace('.', "-"));
        stock_templates(server.client(), &prefix).await;
        let file = format!("tests/fixtures/golden/_variants/{name}.json");
        let recorded = corpus::read(&crate::support::root().join(file));
        let hits = recorded["span_documents"].as_array().unwrap();
        put(server.client(), hits, &prefix).await;
        let (_folder, mut setup) = on(server, &prefix);
        for flag in flags {
            setup = setup.arg(*flag);
        }
        let spoor = setup.start().unwrap();
        let mut wanted: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        // quirk 103: what lies in 1970 is beyond what is looked back
        for hit in hits.iter().filter(|hit| hit["_source"]["startTime"] != 0) {
            let document = &hit["_source"];
            let trace = document["traceID"].as_str().unwrap().to_owned();
            let spans = wanted.entry(trace).or_default();
            spans.insert(key(document), document.clone());
        }
        for (id, documents) in &wanted {
            let url = format!("{}/api/traces/{id}?raw=true", spoor.url("query-http"));
            let trace = crate::support::get_json(&url).await["data"][0].take();
            let spans = trace["spans"].as_array().unwrap();
            assert_eq!(spans.len(), documents.len(), "{name} {id}: {trace}");
            for span in spans {
                let document = &documents[&key(span)];
                assert_eq!(span["startTime"], document["startTime"], "{name} {id}");
                assert_eq!(
                    span["references"].as_array().unwrap().len(),
                    document["references"].as_array().unwrap().len()
                );
                let listed = document["tags"].as_array().map_or(0, Vec::len);
                let fields = document["tag"].as_object().map_or(0, serde_json::Map::len);
                let tags = span["tags"].as_array().unwrap().len();
                assert_eq!(tags, listed + fields, "{name} {id}: {span}");
            }
        }
        let tag = "/api/traces?service=golden-kinds&tags=%7B%22span.kind%22%3A%22server%22%7D&start=0&end=2000000000000000&limit=10";
        let found = crate::support::get_json(&format!("{}{tag}", spoor.url("query-http"))).await;
        if wanted.contains_key("a1000000000000000000000000000002") {
            assert_eq!(
                found["data"].as_array().unwrap().len(),
                1,
                "{name}: {found}"
            );
        }
        println!("{name}: {} traces, {} documents", wanted.len(), hits.len());
    }
}
