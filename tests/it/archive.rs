//! A trace that somebody archives outlives everything else.

use serde_json::{Value, json};
use tests::spoor::Spoor;

use crate::support::{eventually, get, get_json, root, setup, trace};

const ID: &str = "a1000000000000000000000000000001";

async fn archive(spoor: &Spoor, id: &str) -> (u16, Value) {
    let url = format!("{}/api/archive/{id}", spoor.url("query-http"));
    let answer = reqwest::Client::new().post(url).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn status_of(spoor: &Spoor, id: &str) -> u16 {
    let url = format!("{}/api/traces/{id}", spoor.url("query-http"));
    get(&url).await.0
}

#[tokio::test]
async fn an_archived_trace_outlives_retention_and_restarts() {
    let (_folder, setup) = setup();
    let setup = setup.arg("--span.max-age=0").arg("--embedded.max-age=2s");
    let spoor = setup.start().unwrap();
    let query = spoor.url("query-http");
    let page = get(&format!("{query}/")).await.2;
    assert!(
        page.contains(r#"JAEGER_STORAGE_CAPABILITIES = {"archiveStorage":true};"#),
        "the UI offers no button"
    );
    let input = root().join("tests/fixtures/golden/attribute-types/input.otlp-json.json");
    let sent = reqwest::Client::new()
        .post(format!("{}/v1/traces", spoor.url("otlp-http")))
        .header("content-type", "application/json")
        .body(std::fs::read(input).unwrap());
    assert_eq!(sent.send().await.unwrap().status(), 200);
    let before = trace(&spoor, ID).await;
    let done = json!({"data": [], "total": 0, "limit": 0, "offset": 0, "errors": []});
    assert_eq!(archive(&spoor, ID).await, (200, done));
    assert_eq!(archive(&spoor, "b1").await.0, 404);
    eventually(
        "services after retention",
        || get_json_of(&query, "services"),
        |services| services["data"].as_array().is_none_or(Vec::is_empty),
    )
    .await;
    assert_eq!(trace(&spoor, ID).await, before);
    spoor.kill();
    let spoor = setup.start().unwrap();
    assert_eq!(trace(&spoor, ID).await, before);
    assert_eq!(status_of(&spoor, "b1").await, 404);
}

async fn get_json_of(query: &str, what: &str) -> Value {
    get_json(&format!("{query}/api/{what}")).await
}
