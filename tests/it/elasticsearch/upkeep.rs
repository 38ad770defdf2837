//! Indices that are kept in order by the processes that write, with no command and nobody looking on.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use tests::servers::client::Client;
use tests::servers::{Kind, shared};
use tests::spoor::Spoor;

use crate::support::{get, setup};

const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until `good` says so.
async fn wait_for(client: &Client, path: &str, good: impl Fn(&Value) -> bool) {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = client.send(Method::GET, path, "").await.unwrap();
        let last = answer.json().unwrap_or_default();
        if good(&last) {
            return;
        }
        assert!(Instant::now() < until, "{path}: {last}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn put(client: &Client, path: &str, body: Value) {
    let answer = client
        .send(Method::PUT, path, body.to_string())
        .await
        .unwrap();
    assert!(answer.status.is_success(), "{answer:?}");
}

async fn metric(spoor: &Spoor, name: &str) -> u64 {
    let (_, _, text) = get(&format!("{}/metrics", spoor.url("admin"))).await;
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line
        .unwrap_or_else(|| panic!("{name} is not in {text}"))
        .rsplit(' ')
        .next();
    value.unwrap().parse().unwrap()
}

/// What two collectors count together.
async fn both(spoors: &[Spoor; 2], name: &str) -> u64 {
    metric(&spoors[0], name).await + metric(&spoors[1], name).await
}

fn has(answer: &Value, index: &str) -> bool {
    answer.get(index).is_some()
}

async fn check(kind: Kind) {
    let server = shared(kind);
    let client = server.client();
    // of nobody, of another instance, and of ours
    for name in [
        "keep-b-jaeger-span-2020-01-01",
        "keep-jaeger-span-2020-01-01-copy",
        "keep-jaeger-span-2020-01-01",
    ] {
        put(client, &format!("/{name}"), json!({})).await;
    }
    let (_folder, setup) = setup();
    let mut setup = setup.arg("collector");
    for setting in [
        "span-storage.type=elasticsearch".to_owned(),
        format!("es.server-urls={}", server.url()),
        "es.index-prefix=keep".to_owned(),
        "es.num-shards=1".to_owned(),
        "es.use-aliases".to_owned(),
        "es.cleaner.max-age=1s".to_owned(),
        "es.cleaner.interval=200ms".to_owned(),
        "es.rollover.interval=200ms".to_owned(),
        "es.rollover.conditions={\"max_docs\": 1}".to_owned(),
    ] {
        setup = setup.arg(format!("--{setting}"));
    }
    let spoors = [setup.start().unwrap(), setup.start().unwrap()];

    // a new instance needs no command
    wait_for(client, "/keep-*/_alias", |answer| {
        ["span", "service", "dependencies"].iter().all(|kind| {
            let aliases = &answer[format!("keep-jaeger-{kind}-000001")]["aliases"];
            ["read", "write"]
                .iter()
                .all(|verb| has(aliases, &format!("keep-jaeger-{kind}-{verb}")))
        })
    })
    .await;
    let made = client.get("/keep-jaeger-span-000001").await.unwrap();
    let mappings = &made["keep-jaeger-span-000001"]["mappings"];
    assert_eq!(
        mappings["properties"]["logs"]["type"], "nested",
        "the template came first"
    );
    wait_for(client, "/keep-*", |answer| {
        !has(answer, "keep-jaeger-span-2020-01-01")
    })
    .await;

    // a full index is followed by a new one, and is deleted once it is old
    let document = json!({"traceID": "1", "spanID": "1"}).to_string();
    let path = "/keep-jaeger-span-write/_doc?refresh=true";
    let written = client.send(Method::POST, path, document).await.unwrap();
    assert!(written.status.is_success(), "{written:?}");
    wait_for(client, "/keep-*/_alias", |answer| {
        let aliases = &answer["keep-jaeger-span-000002"]["aliases"];
        has(aliases, "keep-jaeger-span-write") && has(aliases, "keep-jaeger-span-read")
    })
    .await;
    wait_for(client, "/keep-*", |answer| {
        !has(answer, "keep-jaeger-span-000001")
    })
    .await;
    let left = client.get("/keep-*").await.unwrap();
    for name in [
        "keep-b-jaeger-span-2020-01-01",
        "keep-jaeger-span-2020-01-01-copy",
        "keep-jaeger-service-000001",
        "keep-jaeger-span-000002",
    ] {
        assert!(has(&left, name), "{name} is gone");
    }
    assert_eq!(
        both(&spoors, "spoor_elasticsearch_rollovers_total").await,
        1
    );
    assert!(both(&spoors, "spoor_elasticsearch_cleaned_indices_total").await >= 2);
    let errors = both(&spoors, "spoor_elasticsearch_housekeeping_errors_total").await;
    let logs = || spoors.each_ref().map(Spoor::log);
    assert_eq!(errors, 0, "{:#?}", logs());
    for spoor in spoors {
        // it ends with the process, whatever it is doing
        assert_eq!(spoor.terminate().unwrap(), Some(0));
    }
}

#[tokio::test]
async fn collectors_keep_elasticsearch_in_order() {
    check(Kind::Elasticsearch7).await;
}

#[tokio::test]
async fn collectors_keep_opensearch_in_order() {
    check(Kind::OpenSearch2).await;
}

#[tokio::test]
async fn trouble_is_told_once_and_counted() {
    let server = shared(Kind::Elasticsearch8);
    put(server.client(), "/stuck-jaeger-span-write", json!({})).await;
    let (_folder, setup) = setup();
    let mut setup = setup.arg("collector");
    for setting in [
        "span-storage.type=elasticsearch".to_owned(),
        format!("es.server-urls={}", server.url()),
        "es.index-prefix=stuck".to_owned(),
        "es.use-aliases".to_owned(),
        "es.rollover.interval=100ms".to_owned(),
    ] {
        setup = setup.arg(format!("--{setting}"));
    }
    let spoor = setup.start().unwrap();
    let until = Instant::now() + PATIENCE;
    while metric(&spoor, "spoor_elasticsearch_housekeeping_errors_total").await < 3 {
        assert!(Instant::now() < until, "{:#?}", spoor.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = |spoor: &Spoor| {
        let log = spoor.log();
        let lines = log
            .iter()
            .filter(|line| line.contains("has to be an alias"));
        lines.count()
    };
    assert_eq!(told(&spoor), 1, "{:#?}", spoor.log());
    let gone = server
        .client()
        .send(Method::DELETE, "/stuck-jaeger-span-write", "")
        .await;
    assert!(gone.unwrap().status.is_success());
    wait_for(server.client(), "/stuck-*/_alias", |answer| {
        has(
            &answer["stuck-jaeger-span-000001"]["aliases"],
            "stuck-jaeger-span-write",
        )
    })
    .await;
}
