//! OTLP over HTTP: encodings, limits, and the words of the OpenTelemetry Collector's receiver.

use std::time::Duration;

use axum::body::Body;
use prost::Message;
use storage::port::WriteError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::r#gen::otlp::ExportTraceServiceResponse;

use crate::support::*;

const PROTO: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const SPAN: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
  "scopeSpans":[{"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","name":"checkout",
  "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000}]}]}]}"#;

#[tokio::test]
async fn protobuf_is_answered_in_protobuf_and_json_in_json() {
    let running = start(|_| {}).await;
    let proto = running.post(&[PROTO], message("shop", 3)).await;
    assert_eq!((proto.status.as_u16(), proto.body.len()), (200, 0));
    assert_eq!(proto.header("content-type"), "application/x-protobuf");
    let json = running.post(&[JSON], SPAN).await;
    assert_eq!(
        (json.status.as_u16(), json.text()),
        (200, r#"{"partialSuccess":{}}"#)
    );
    assert_eq!(json.header("content-type"), "application/json");
    let spans = running.store.spans();
    assert_eq!(spans.len(), 4);
    assert_eq!(spans[3].name, "checkout");
    assert_eq!(
        spans[3].trace_id.to_string(),
        "5b8efff798038103d269b633813fc60c"
    );
}

#[tokio::test]
async fn bodies_may_be_compressed() {
    let running = start(|_| {}).await;
    let message = message("shop", 1_000);
    for (encoding, body) in [("gzip", gzip(&message)), ("zstd", zstd(&message))] {
        let answer = running
            .post(&[PROTO, ("content-encoding", encoding)], body)
            .await;
        assert_eq!(answer.status, 200, "{encoding}");
    }
    let answer = running
        .post(&[JSON, ("content-encoding", "gzip")], gzip(SPAN.as_bytes()))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(running.store.spans().len(), 2_001);
    assert_eq!(running.held(), 0);
}

#[tokio::test]
async fn an_empty_request_is_a_success_and_writes_nothing() {
    let running = start(|_| {}).await;
    assert_eq!(running.post(&[PROTO], "").await.status, 200);
    assert_eq!(running.post(&[JSON], "{}").await.status, 200);
    assert!(running.store.batches.lock().is_empty());
}

#[tokio::test]
async fn wrong_methods_types_and_paths_get_the_texts_that_clients_know() {
    let running = start(|_| {}).await;
    let answer = running.http("GET", "/v1/traces", &[PROTO], "").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.text(), "405 method not allowed, supported: [POST]");
    assert!(answer.header("content-type").starts_with("text/plain"));
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", ";")],
    ] {
        let answer = running.post(headers, "x").await;
        assert_eq!(answer.status, 415);
        assert_eq!(
            answer.text(),
            "415 unsupported media type, supported: [application/json, application/x-protobuf]"
        );
    }
    let answer = running.http("POST", "/v1/spans", &[PROTO], "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (404, "404 page not found\n")
    );
    let labels = ["method=\"GET\"", "path=\"/v1/traces\"", "status=\"405\""];
    assert_eq!(
        running.metric("jaeger_collector_http_request_duration_count", &labels),
        1
    );
}

#[tokio::test]
async fn a_bad_body_is_400_with_a_status_in_the_requests_encoding() {
    let running = start(|_| {}).await;
    let proto = running.post(&[PROTO], "\x0a\x7fno").await;
    assert_eq!(proto.status, 400);
    assert_eq!(RpcStatus::decode(proto.body.clone()).unwrap().code, 3);
    assert!(proto.header("retry-after").is_empty());
    let json = running.post(&[JSON], "{\"resourceSpans\":").await;
    assert_eq!(json.status, 400);
    assert!(
        json.text().starts_with(r#"{"code":3,"message":""#),
        "{}",
        json.text()
    );
    let answer = running
        .post(&[PROTO, ("content-encoding", "gzip")], "x")
        .await;
    assert_eq!(answer.status, 400);
    let answer = running
        .post(&[PROTO, ("content-encoding", "br")], "x")
        .await;
    assert_eq!(answer.status, 400);
    assert!(answer.header("accept-encoding").contains("zstd"));
}

#[tokio::test]
async fn a_bad_span_is_named_in_json_too() {
    let running = start(|_| {}).await;
    let both = SPAN.replace(
        r#"[{"traceId""#,
        r#"[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"ee","name":"bad"},{"traceId""#,
    );
    let answer = running.post(&[JSON], both).await;
    assert_eq!(answer.status, 200);
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json["partialSuccess"]["rejectedSpans"], "1");
    assert!(json["partialSuccess"]["errorMessage"].is_string());
    assert_eq!(running.store.spans().len(), 1);
    assert_eq!(running.store.letters.lock()[0].origin, "otlp-http");

    let proto = running.post(&[PROTO], half_bad()).await;
    let reply = ExportTraceServiceResponse::decode(proto.body).unwrap();
    assert_eq!(reply.partial_success.unwrap().rejected_spans, 1);
}

#[tokio::test]
async fn bombs_and_oversized_bodies_are_413() {
    let running = start(|_| {}).await;
    let bomb = vec![b' '; 64 << 20];
    for (encoding, body) in [("gzip", gzip(&bomb)), ("zstd", zstd(&bomb))] {
        let answer = running
            .post(&[JSON, ("content-encoding", encoding)], body)
            .await;
        assert_eq!(answer.status, 413, "{encoding}");
        assert!(answer.header("retry-after").is_empty());
        assert!(answer.text().contains("collector.otlp.http.max-body-size"));
    }
    let small = start(|c| c.otlp_http.as_mut().unwrap().max_message_bytes = 1000).await;
    assert_eq!(small.post(&[JSON], vec![b' '; 1001]).await.status, 413);
    let chunks = [
        Ok::<_, std::io::Error>(vec![b' '; 600]),
        Ok(vec![b' '; 600]),
    ];
    let chunked = Body::from_stream(futures_util::stream::iter(chunks));
    assert_eq!(small.post(&[JSON], chunked).await.status, 413);
    assert_eq!((running.held(), small.held()), (0, 0));
}

#[tokio::test]
async fn a_body_of_undeclared_length_is_taken() {
    let running = start(|_| {}).await;
    let chunks = message("shop", 2_000)
        .chunks(1000)
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>();
    let stream = futures_util::stream::iter(chunks.into_iter().map(Ok::<_, std::io::Error>));
    let answer = running.post(&[PROTO], Body::from_stream(stream)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(running.store.spans().len(), 2_000);
    assert_eq!(running.held(), 0);
}

#[tokio::test]
async fn faults_of_the_store_are_retryable() {
    let running = start(|c| c.write_timeout = Duration::from_millis(100)).await;
    *running.store.answer.lock() = Err(unavailable());
    let answer = running.post(&[PROTO], message("shop", 1)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, "1")
    );
    *running.store.answer.lock() = Err(WriteError::Throttled {
        after: Duration::from_millis(2500),
        reason: "429".to_owned(),
    });
    let answer = running.post(&[PROTO], message("shop", 1)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (429, "3")
    );
    assert_eq!(retry_delay(&answer.body), Some(Duration::from_millis(2500)));
    running.store.hold();
    let answer = running.post(&[JSON], SPAN).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (503, "1")
    );
}

#[tokio::test]
async fn a_sender_that_goes_away_in_the_middle_gives_its_budget_back() {
    let running = start(|_| {}).await;
    let mut socket = TcpStream::connect(running.addr("otlp-http")).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{\"res";
    socket.write_all(head.as_bytes()).await.unwrap();
    eventually(|| running.held() >= 1_000_000).await;
    drop(socket);
    eventually(|| running.held() == 0).await;
    assert!(running.store.batches.lock().is_empty());
}

#[tokio::test]
async fn an_http1_sender_that_is_refused_while_writing_reads_the_answer() {
    let running = start(|c| c.otlp_http.as_mut().unwrap().max_message_bytes = 1000).await;
    let mut socket = TcpStream::connect(running.addr("otlp-http")).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 300000\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(&vec![b' '; 300_000]).await.unwrap();
    let mut answer = vec![0; 12];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn pages_of_allowed_origins_may_send() {
    let running =
        start(|c| c.otlp_http_cors.allowed_origins = vec!["https://shop.example".to_owned()]).await;
    let origin = ("origin", "https://shop.example");
    let preflight = [
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let answer = running.http("OPTIONS", "/v1/traces", &preflight, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://shop.example"
    );
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "content-type"
    );
    let answer = running.post(&[JSON, origin], SPAN).await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://shop.example"
    );
    let answer = running
        .post(&[JSON, ("origin", "https://evil.example")], SPAN)
        .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.header("access-control-allow-origin")
        ),
        (200, "")
    );
    let closed = start(|_| {}).await;
    assert_eq!(
        closed
            .http("OPTIONS", "/v1/traces", &preflight, "")
            .await
            .status,
        405
    );
}
