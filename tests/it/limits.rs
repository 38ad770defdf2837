//! A span beyond the limits is kept apart, counted by its reason and named where the protocol can; its neighbours are stored.

use serde_json::{Value, json};
use tests::spoor::{Setup, Spoor};

use crate::support::{get, setup, trace};

const TRACE: &str = "c1000000000000000000000000000001";

/// An OTLP request of three spans: one that fits, one with a long text, one with many attributes on an event.
fn request() -> Value {
    let text = |key: &str, value: String| json!({"key": key, "value": {"stringValue": value}});
    let many: Vec<Value> = (0..40)
        .map(|n| text(&format!("k{n}"), String::new()))
        .collect();
    let span = |n: u8, more: Value| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_nanos();
        let mut span = json!({
            "traceId": TRACE, "spanId": format!("{n:016x}"), "name": format!("span-{n}"),
            "startTimeUnixNano": now.to_string(), "endTimeUnixNano": (now + 1000).to_string(),
        });
        if let (Some(span), Value::Object(more)) = (span.as_object_mut(), more) {
            span.extend(more);
        }
        span
    };
    let spans = [
        span(1, json!({})),
        span(
            2,
            json!({"attributes": [text("body", "x".repeat(100_000))]}),
        ),
        span(3, json!({"events": [{"name": "e", "attributes": many}]})),
    ];
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "shop".to_owned())]},
        "scopeSpans": [{"spans": spans}],
    }]})
}

fn limited(setup: Setup) -> Setup {
    setup
        .arg("--span.max-bytes=64KiB")
        .arg("--span.max-attributes=30")
}

/// Sends the request; gives what was said of the spans that were not stored.
async fn send(spoor: &Spoor) -> Value {
    let sent = reqwest::Client::new()
        .post(format!("{}/v1/traces", spoor.url("otlp-http")))
        .header("content-type", "application/json")
        .body(request().to_string());
    let answer = sent.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let mut said: Value = answer.json().await.expect("json");
    said["partialSuccess"].take()
}

/// The counter of spans that became `what`, for `reason`.
async fn count(spoor: &Spoor, what: &str, reason: &str) -> String {
    let metrics = get(&format!("{}/metrics", spoor.url("admin"))).await.2;
    let line = metrics.lines().find(|line| {
        line.starts_with(&format!("spoor_spans_{what}_total{{"))
            && line.contains(&format!("reason=\"{reason}\""))
    });
    let line = line.unwrap_or_else(|| panic!("no {what} for {reason} in\n{metrics}"));
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

async fn check(spoor: &Spoor, became: &str, other: &str) {
    let said = send(spoor).await;
    assert_eq!(said["rejectedSpans"], "2", "{said}");
    let why = said["errorMessage"].as_str().unwrap_or_default();
    assert!(why.contains("span.max-bytes"), "{why}");
    let stored = trace(spoor, TRACE).await;
    let names: Vec<_> = stored["spans"].as_array().into_iter().flatten().collect();
    assert_eq!(names.len(), 1);
    assert_eq!(names[0]["operationName"], "span-1");
    for reason in ["too_large", "too_many_attributes"] {
        assert_eq!(count(spoor, became, reason).await, "1");
        assert_eq!(count(spoor, other, reason).await, "0");
    }
}

#[tokio::test]
async fn spans_beyond_the_limits_are_dead_letters_and_their_neighbours_are_stored() {
    let (_folder, setup) = setup();
    let spoor = limited(setup).start().expect("spoor starts");
    check(&spoor, "dead_lettered", "dropped").await;
    let metrics = get(&format!("{}/metrics", spoor.url("admin"))).await.2;
    assert!(
        metrics.contains("spoor_embedded_dead_letters 2"),
        "{metrics}"
    );
}

#[tokio::test]
async fn the_store_memory_drops_and_counts_them() {
    let (_folder, setup) = setup();
    let setup = limited(setup).arg("--span-storage.type=memory");
    let spoor = setup.start().expect("spoor starts");
    check(&spoor, "dropped", "dead_lettered").await;
}

#[tokio::test]
async fn other_protocols_answer_success() {
    let (_folder, setup) = setup();
    let spoor = limited(setup).start().expect("spoor starts");
    let span = |id: u8, name: &str| json!({"traceId": TRACE, "id": format!("{id:016x}"), "name": name, "localEndpoint": {"serviceName": "shop"}});
    let body = json!([span(1, "small"), span(2, &"x".repeat(100_000))]);
    let sent = reqwest::Client::new()
        .post(format!("{}/api/v2/spans", spoor.url("zipkin")))
        .body(body.to_string());
    assert_eq!(sent.send().await.expect("an answer").status(), 202);
    assert_eq!(count(&spoor, "dead_lettered", "too_large").await, "1");
    let stored = trace(&spoor, TRACE).await;
    assert_eq!(stored["spans"][0]["operationName"], "small");
}
