//! Jaeger's gRPC: PostSpans, its tag, its statuses; health.

use std::sync::Arc;

use model::{Dialect, KeyValue, Resource, Span, SpanId, TraceId};
use tonic::Code;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use crate::support::*;

fn post_spans(count: u64) -> Vec<u8> {
    let resource = Arc::new(Resource {
        attributes: vec![KeyValue::new("zone", "us"), KeyValue::new("hostname", "a")],
        ..Resource::of_service("Front End")
    });
    let span = |n| Span {
        trace_id: TraceId::from_halves(0, 7),
        span_id: SpanId::from_u64(n),
        name: "get".into(),
        start_ns: 1_000,
        end_ns: 2_000,
        attributes: vec![
            KeyValue::new("sampler.type", "const"),
            KeyValue::new("n", n as i64),
        ],
        resource: resource.clone(),
        dialect: Dialect::Jaeger,
        flags: if n == 1 { 3 } else { 1 },
        ..Span::default()
    };
    wire::jaeger::proto::encode_post_spans(&(1..=count).map(span).collect::<Vec<_>>())
}

#[tokio::test]
async fn spans_are_stored_with_the_format_tag_last_and_tagged_processes_sorted() {
    let running = start(|c| c.tags = vec![("zone".to_owned(), "eu".to_owned())]).await;
    let answer = running
        .call("jaeger-grpc", POST_SPANS, &[], frame(0, &post_spans(3)))
        .await;
    assert!(answer.message().is_empty());
    let gzipped = frame(1, &gzip(&post_spans(3)));
    let answer = running
        .call(
            "jaeger-grpc",
            POST_SPANS,
            &[("grpc-encoding", "gzip")],
            gzipped,
        )
        .await;
    assert!(answer.message().is_empty());
    let spans = running.store.spans();
    assert_eq!(spans.len(), 6);
    for span in &spans {
        let last = span.attributes.last().unwrap();
        assert_eq!(*last, KeyValue::new("@jaeger@format", "proto"));
        assert_eq!(span.attributes.len(), 3);
        let keys: Vec<&str> = span.resource.attributes.iter().map(|a| &*a.key).collect();
        assert_eq!(keys, ["hostname", "zone", "zone"]);
    }
    let labels = [
        "format=\"proto\"",
        "transport=\"grpc\"",
        "svc=\"front_end\"",
    ];
    let count = |debug: &str| {
        let labels = [&labels[..], &[debug]].concat();
        running.metric("jaeger_collector_spans_received_total", &labels)
    };
    assert_eq!((count("debug=\"true\""), count("debug=\"false\"")), (2, 4));
    let traces = running.metric(
        "jaeger_collector_traces_received_total",
        &["sampler_type=\"const\"", "debug=\"false\""],
    );
    assert_eq!(traces, 4);
    let saved = ["result=\"ok\"", "svc=\"front_end\"", "debug=\"false\""];
    assert_eq!(
        running.metric("jaeger_collector_spans_saved_by_svc_total", &saved),
        4
    );
    assert_eq!(
        running.metric("jaeger_collector_batch_size", &["host=\"test\""]),
        3
    );
}

#[tokio::test]
async fn bad_messages_are_invalid_and_unknown_methods_unimplemented() {
    let running = start(|_| {}).await;
    let answer = running
        .call("jaeger-grpc", POST_SPANS, &[], frame(0, b"\x0a\x7fno"))
        .await;
    assert_eq!(answer.grpc().code(), Code::InvalidArgument);
    let path = "/jaeger.api_v2.CollectorService/GetSpans";
    let answer = running.call("jaeger-grpc", path, &[], frame(0, b"")).await;
    assert_eq!(answer.grpc().code(), Code::Unimplemented);
}

#[tokio::test]
async fn sampling_is_answered_beside_spans() {
    let running = start(|config| config.sampling.default_probability = 0.25).await;
    let path = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy";
    let answer = running
        .call("jaeger-grpc", path, &[], frame(0, b"\x0a\x03any"))
        .await;
    // probabilistic sampling with a rate of a quarter
    assert_eq!(answer.message(), b"\x12\x09\x09\0\0\0\0\0\0\xd0\x3f");
}

#[tokio::test]
async fn what_may_be_retried_is_unavailable() {
    let running = start(|_| {}).await;
    *running.store.answer.lock() = Err(unavailable());
    let answer = running
        .call("jaeger-grpc", POST_SPANS, &[], frame(0, &post_spans(1)))
        .await;
    assert_eq!(answer.grpc().code(), Code::Unavailable);
    let result = running.metric(
        "jaeger_collector_spans_saved_by_svc_total",
        &["result=\"err\""],
    );
    assert_eq!(result, 1);
}

#[tokio::test]
async fn spans_that_can_never_be_stored_are_a_success_and_dead_letters() {
    let running = start(|_| {}).await;
    // a span whose trace id has three bytes, and a good one
    let mut bad = b"\x0a\x07\x0a\x05\x0a\x03abc".to_vec();
    bad.extend(post_spans(1));
    let answer = running
        .call("jaeger-grpc", POST_SPANS, &[], frame(0, &bad))
        .await;
    assert!(answer.message().is_empty());
    assert_eq!(running.store.letters.lock().len(), 1);
}

#[tokio::test]
async fn health_is_served_and_says_when_we_stop() {
    let running = start(|_| {}).await;
    for (listener, service) in [
        ("jaeger-grpc", "jaeger.api_v2.CollectorService"),
        ("jaeger-grpc", "jaeger.api_v2.SamplingManager"),
        ("jaeger-grpc", ""),
        (
            "otlp-grpc",
            "opentelemetry.proto.collector.trace.v1.TraceService",
        ),
        ("otlp-grpc", ""),
    ] {
        let origin = format!("http://{}", running.addr(listener));
        let mut client = HealthClient::with_origin(h2(), origin.parse().unwrap());
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let reply = client.check(request).await.unwrap().into_inner();
        assert_eq!(reply.status(), ServingStatus::Serving, "{service}");
    }
    running.stop();
    eventually(|| running.ended()).await;
}

#[tokio::test]
async fn reflection_lists_what_is_served() {
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1::{ListServiceResponse, ServerReflectionRequest};

    let running = start(|_| {}).await;
    let origin = format!("http://{}", running.addr("jaeger-grpc"));
    let mut client = ServerReflectionClient::with_origin(h2(), origin.parse().unwrap());
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let requests = futures_util::stream::iter([request]);
    let mut replies = client.server_reflection_info(requests).await.unwrap();
    let reply = replies.get_mut().message().await.unwrap().unwrap();
    let listed = reply.message_response.unwrap();
    let MessageResponse::ListServicesResponse(ListServiceResponse { service }) = listed else {
        panic!("{listed:?}");
    };
    let mut names: Vec<String> = service.into_iter().map(|s| s.name).collect();
    names.sort();
    assert!(
        names.contains(&"jaeger.api_v2.CollectorService".to_owned()),
        "{names:?}"
    );
    assert!(!names.iter().any(|n| n.contains("Sampling")), "{names:?}");
}
