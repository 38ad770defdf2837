//! Files that are shown: what they may hold, how they may be sent, how long they may be.

use std::io::Write as _;

use super::*;
use crate::http::body::LIMIT;

const FILE: &str = r#"{"resourceSpans":[
    {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"spans":[
        {"traceId":"000000000000000000000000000000b2","spanId":"0000000000000001","name":"one","startTimeUnixNano":"5000","endTimeUnixNano":"7000"},
        {"traceId":"000000000000000000000000000000a1","spanId":"0000000000000002","name":"two"}]}]},
    {"scopeSpans":[{"spans":[
        {"traceId":"000000000000000000000000000000b2","spanId":"0000000000000003","parentSpanId":"0000000000000009","name":"three"}]}]}]}"#;

async fn transform(request: http::Request<Body>) -> Answer {
    send(app(&Arc::default(), &Config::default()), request).await
}

#[tokio::test]
async fn a_file_becomes_traces_as_if_they_were_stored() {
    for content_type in ["application/json", "text/plain;charset=UTF-8"] {
        let answer = transform(post("/api/transform", content_type, FILE)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json");
        let json = answer.json();
        assert_eq!((&json["total"], &json["errors"]), (&json!(0), &Value::Null));
        let traces = json["data"].as_array().unwrap();
        let seen: Vec<_> = traces
            .iter()
            .map(|t| {
                (
                    t["traceID"].as_str().unwrap(),
                    t["spans"].as_array().unwrap().len(),
                )
            })
            .collect();
        assert_eq!(seen, [("00000000000000b2", 2), ("00000000000000a1", 1)]);
        assert_eq!(traces[0]["spans"][0]["duration"], 2);
        assert_eq!(
            traces[0]["processes"]["p2"]["serviceName"],
            "missing-service-name"
        );
        // no adjuster looked for the parent
        assert_eq!(traces[0]["spans"][1]["warnings"], Value::Null);
    }
    let pretty = transform(post("/api/transform?prettyPrint=true", "", FILE)).await;
    assert!(pretty.text().starts_with("{\n    \"data\": ["));
    let empty = transform(post("/api/transform", "application/json", "{}")).await;
    assert_eq!(
        empty.text(),
        r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
    );
}

#[tokio::test]
async fn a_file_may_come_compressed() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(FILE.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let mut request = post("/api/transform", "application/json", packed.clone());
    let gzip = HeaderValue::from_static("gzip");
    request
        .headers_mut()
        .insert("content-encoding", gzip.clone());
    assert_eq!(transform(request).await.status, 200);

    let mut cut = post("/api/transform", "application/json", packed[..40].to_vec());
    cut.headers_mut().insert("content-encoding", gzip);
    let answer = transform(cut).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.text().contains("not valid gzip"),
        "{}",
        answer.text()
    );

    let mut odd = post("/api/transform", "application/json", FILE);
    let br = HeaderValue::from_static("br");
    odd.headers_mut().insert("content-encoding", br);
    is_error(
        &transform(odd).await,
        400,
        "unsupported Content-Encoding: br",
    );
}

#[tokio::test]
async fn what_is_no_file_of_traces_is_refused() {
    for body in ["", "[]", "{", "x", r#"{"resourceSpans":1}"#] {
        let answer = transform(post("/api/transform", "application/json", body)).await;
        assert_eq!(answer.status, 400, "{body}");
        let msg = answer.json()["errors"][0]["msg"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(msg.starts_with("cannot unmarshal OTLP : "), "{msg}");
    }
}

#[tokio::test]
async fn spans_that_no_store_takes_are_named() {
    let bad = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x"},{"traceId":"000000000000000000000000000000a1","spanId":"0000000000000002"}]}]}]}"#;
    let answer = transform(post("/api/transform", "application/json", bad)).await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["data"].as_array().unwrap().len(), 1);
    let msg = json["errors"][0]["msg"].as_str().unwrap();
    assert!(msg.starts_with("a span was left out: "), "{msg}");
    let only = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"x"}]}]}]}"#;
    let answer = transform(post("/api/transform", "application/json", only)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[tokio::test]
async fn a_file_has_a_longest_length_as_it_comes_and_inflated() {
    let long = transform(post(
        "/api/transform",
        "application/json",
        vec![b' '; LIMIT + 1],
    ))
    .await;
    let msg = format!("http: request body too large: more than {LIMIT} bytes");
    is_error(&long, 413, &msg);
    let mut declared = post("/api/transform", "application/json", "");
    let length = HeaderValue::from(LIMIT + 1);
    declared.headers_mut().insert("content-length", length);
    is_error(&transform(declared).await, 413, &msg);

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![b' '; LIMIT + 1]).unwrap();
    let mut bomb = post(
        "/api/transform",
        "application/json",
        encoder.finish().unwrap(),
    );
    let gzip = HeaderValue::from_static("gzip");
    bomb.headers_mut().insert("content-encoding", gzip);
    is_error(&transform(bomb).await, 413, &msg);
}
