//! The servers that the scenarios need: each starts, takes what we write, turns away whom it should, and ends with the test that started it.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tests::pki::{Authority, trusting};
use tests::servers::client::Client;
use tests::servers::{Kind, Options, Server, secured, shared};

use crate::support::eventually;

/// Writes a document by a bulk and finds it by a search.
async fn check_bulk(kind: Kind) {
    let server = shared(kind);
    println!("{kind} was ready after {:?}", server.ready_after);
    let mut to = json!({"_index": "servers-bulk", "_id": "1"});
    if kind.has_types() {
        to["_type"] = json!("_doc");
    }
    let lines = format!("{}\n{{\"word\":\"found\"}}\n", json!({"create": to}));
    let answer = server
        .client()
        .send(Method::POST, "/_bulk?refresh=true", lines)
        .await
        .unwrap();
    let written = answer.json().unwrap();
    assert_eq!(written["items"][0]["create"]["status"], 201, "{written}");
    let found = server
        .client()
        .get("/servers-bulk/_search?q=word:found")
        .await
        .unwrap();
    assert_eq!(found["hits"]["hits"][0]["_id"], "1", "{found}");
    let nodes = server.client().get("/_nodes/_local").await.unwrap();
    let node = nodes["nodes"].as_object().unwrap().values().next().unwrap();
    assert_eq!(node["version"], kind.version());
}

#[tokio::test]
async fn elasticsearch_6_takes_a_bulk_and_finds_it() {
    check_bulk(Kind::Elasticsearch6).await;
}

#[tokio::test]
async fn elasticsearch_7_takes_a_bulk_and_finds_it() {
    check_bulk(Kind::Elasticsearch7).await;
}

#[tokio::test]
async fn elasticsearch_8_takes_a_bulk_and_finds_it() {
    check_bulk(Kind::Elasticsearch8).await;
}

#[tokio::test]
async fn opensearch_2_takes_a_bulk_and_finds_it() {
    check_bulk(Kind::OpenSearch2).await;
}

#[tokio::test]
async fn opensearch_3_takes_a_bulk_and_finds_it() {
    check_bulk(Kind::OpenSearch3).await;
}

/// What a client is told that shows `leaf` to the secured Elasticsearch.
async fn refused(client: Client) -> String {
    let answer = client.get("/_cluster/health").await;
    format!("{:#}", answer.unwrap_err())
}

#[tokio::test]
async fn elasticsearch_cuts_off_the_clients_of_another_authority_in_the_handshake() {
    let secured = secured::elasticsearch();
    let user = |client: Client| client.user(secured::USER, secured::PASSWORD);
    let health = user(secured.client("anyone")).get("/_cluster/health").await;
    assert_eq!(health.unwrap()["status"], "green");

    let plain = || user(Client::new(secured.server.port()));
    let ours = secured.authority.pem();
    let stranger = Authority::new("another").client("anyone");
    for (shows, tls) in [
        ("another's", trusting(&ours, Some(&stranger))),
        ("none", trusting(&ours, None)),
    ] {
        let error = refused(plain().over(tls)).await;
        assert!(error.contains("alert"), "{shows}: {error}");
    }
    // the certificate alone is nobody
    let error = refused(secured.client("anyone")).await;
    assert!(error.contains("401"), "{error}");
}

#[tokio::test]
async fn an_authority_that_is_added_to_the_file_is_trusted_without_a_restart() {
    let secured = secured::elasticsearch();
    let newcomer = Authority::new("newcomer");
    let ours = secured.authority.pem();
    let tls = trusting(&ours, Some(&newcomer.client("anyone")));
    let client = Client::new(secured.server.port())
        .over(tls)
        .user(secured::USER, secured::PASSWORD);
    assert!(client.get("/_cluster/health").await.is_err());
    let both = ours + &newcomer.pem();
    secured.server.replace_file("certs/ca.crt", &both).unwrap();
    eventually(
        "the newcomer is answered",
        async || client.get("/_cluster/health").await,
        Result::is_ok,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn opensearch_takes_the_certificate_for_who_asks() {
    let secured = secured::opensearch();
    let [a, b] = secured::NAMESPACES.map(|name| secured.client(name));
    let write = async |client: &Client, index: &str| {
        let path = format!("/{index}/_create/{index}");
        let answer = client.send(Method::PUT, &path, "{}").await.unwrap();
        answer.status.as_u16()
    };
    assert_eq!(write(&a, "ns-a-spans").await, 201);
    assert_eq!(write(&b, "ns-b-spans").await, 201);
    assert_eq!(write(&a, "ns-b-spans").await, 403);
    let others = a.send(Method::GET, "/ns-b-spans/_search", "").await;
    assert_eq!(others.unwrap().status, 403);

    let template = json!({"index_patterns": ["ns-a-*"], "priority": 5}).to_string();
    for (path, template) in [
        ("/_index_template/ns-a-spans", template.clone()),
        (
            "/_template/ns-a-spans",
            template.replace("priority", "order"),
        ),
    ] {
        let answer = a.send(Method::PUT, path, template).await.unwrap();
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    let line = "{\"create\":{\"_index\":\"ns-a-spans\",\"_id\":\"1\"}}\n{}\n";
    let both = line.to_owned() + &line.replace("ns-a", "ns-b");
    let answer = a.send(Method::POST, "/_bulk", both).await.unwrap();
    let items = answer.json().unwrap();
    assert_eq!(items["items"][0]["create"]["status"], 201, "{items}");
    assert_eq!(items["items"][1]["create"]["status"], 403, "{items}");
}

#[tokio::test]
async fn what_was_confirmed_outlives_kill_9_and_a_frozen_server_answers_later() {
    let mut server = Server::start(Kind::Elasticsearch7, &Options::default()).unwrap();
    let first = server.pid().unwrap();
    let document = "/servers-own/_doc/1";
    let answer = server
        .client()
        .send(Method::PUT, document, "{\"word\":\"kept\"}")
        .await
        .unwrap();
    assert_eq!(answer.status, 201);

    server.freeze().unwrap();
    let client = server.client().clone();
    let waiting = client.get(document);
    tokio::pin!(waiting);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut waiting).await;
    assert!(early.is_err(), "{early:?}");
    server.thaw().unwrap();
    waiting.await.unwrap();

    server.kill_hard().unwrap();
    assert!(server.client().get(document).await.is_err());
    server.start_again().unwrap();
    assert_ne!(server.pid().unwrap(), first);
    let found = server.client().get(document).await.unwrap();
    assert_eq!(found["_source"]["word"], "kept");
    server.stop().unwrap();
    assert!(server.client().get(document).await.is_err());
}
