//! The reading half of a served store through its router, over a store that follows a script.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt as _;
use model::{SpanKind, TraceId};
use prometheus_client::registry::Registry;
use prost::Message;
use storage::ReadError;
use tonic::Code;
use tower::ServiceExt as _;
use wire::r#gen::storage::{v1, v2};

use super::*;
use crate::Metrics;
use crate::testing::*;

fn app(script: &Arc<Script>) -> Router {
    let metrics = Metrics::register(&mut Registry::default());
    let config = Config {
        archive: script.archives,
        ..Config::default()
    };
    reads(Service::new(script.stores(), &config, metrics), &config)
}

/// The messages of an answer, its code and its text.
async fn ask(script: Script, method: &str, message: &impl Message) -> (Vec<Vec<u8>>, Code, String) {
    let message = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    let request = http::Request::post(format!("/{method}"))
        .header("content-type", "application/grpc")
        .body(Body::from(frame))
        .unwrap();
    let answer = app(&Arc::new(script)).oneshot(request).await.unwrap();
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap();
    let mut trailers = body.trailers().cloned().unwrap_or_default();
    trailers.extend(head.headers);
    let mut bytes = body.to_bytes().to_vec();
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let len = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        let rest = bytes.split_off(5 + len);
        messages.push(bytes.split_off(5));
        bytes = rest;
    }
    let status = Status::from_header_map(&trailers).unwrap();
    (messages, status.code(), status.message().to_owned())
}

const GET: &str = "jaeger.storage.v1.SpanReaderPlugin/GetTrace";

fn get(trace: u64) -> v1::GetTraceRequest {
    v1::GetTraceRequest {
        trace_id: TraceId::from_halves(0, trace).0.to_vec(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_trace_comes_as_it_is_stored_a_thousand_spans_a_message() {
    let all: Vec<_> = (1..=1500).map(|id| span(1, id)).collect();
    let script = || Script::of(vec![spans(all.clone()), complete()]);
    let (messages, code, _) = ask(script(), GET, &get(1)).await;
    let of = |m: &Vec<u8>| wire::jaeger::proto::decode_spans(m.clone().into()).unwrap();
    let counts: Vec<_> = messages.iter().map(|m| of(m).spans.len()).collect();
    assert_eq!((code, counts), (Code::Ok, vec![1000, 500]));

    let request = v2::GetTracesRequest {
        query: vec![v2::GetTraceParams {
            trace_id: TraceId::from_halves(0, 1).0.to_vec(),
            ..Default::default()
        }],
    };
    let own = "spoor.storage.v1.TraceReader/GetTraces";
    let (messages, ..) = ask(script(), own, &request).await;
    let spans = messages.into_iter().flat_map(|m| {
        let decoded = wire::otlp::decode_own(m.into()).unwrap();
        decoded.spans
    });
    assert_eq!(spans.collect::<Vec<_>>(), all);
}

#[tokio::test]
async fn what_is_not_there_is_said_in_jaegers_words() {
    let nothing = || Script::of(vec![complete()]);
    let (_, code, text) = ask(nothing(), GET, &get(1)).await;
    assert_eq!((code, text.as_str()), (Code::NotFound, "trace not found"));
    let find = "jaeger.storage.v2.TraceReader/FindTraces";
    let (_, code, text) = ask(nothing(), find, &v2::FindTracesRequest::default()).await;
    assert_eq!(
        (code, text.as_str()),
        (Code::InvalidArgument, "missing query")
    );
    let away = Script {
        failure: Some(ReadError::Unavailable {
            reason: "disk".to_owned(),
        }),
        ..Script::default()
    };
    let services = "jaeger.storage.v1.SpanReaderPlugin/GetServices";
    let (_, code, text) = ask(away, services, &v1::GetServicesRequest {}).await;
    assert_eq!(code, Code::Unavailable);
    assert!(text.contains("disk"), "{text}");
}

#[tokio::test]
async fn both_versions_name_operations_with_their_kinds() {
    let script = || Script {
        operations: vec![
            operation("get", SpanKind::Client),
            operation("get", SpanKind::Server),
        ],
        ..Script::default()
    };
    let request = v1::GetOperationsRequest::default();
    let path = "jaeger.storage.v1.SpanReaderPlugin/GetOperations";
    let (messages, ..) = ask(script(), path, &request).await;
    let answer = v1::GetOperationsResponse::decode(messages[0].as_slice()).unwrap();
    assert_eq!(answer.operation_names, ["get"]);
    assert_eq!(answer.operations[1].span_kind, "server");
    let path = "jaeger.storage.v2.TraceReader/GetOperations";
    let (messages, ..) = ask(script(), path, &request).await;
    let answer = v2::GetOperationsResponse::decode(messages[0].as_slice()).unwrap();
    assert_eq!(
        (answer.operations.len(), answer.operations[0].name.as_str()),
        (2, "get")
    );
}

#[tokio::test]
async fn an_archive_is_served_where_there_is_one() {
    let kept = || Script {
        archives: true,
        ..Script::default()
    };
    let says = "jaeger.storage.v1.PluginCapabilities/Capabilities";
    for (script, archive) in [(Script::default(), false), (kept(), true)] {
        let (messages, ..) = ask(script, says, &v1::CapabilitiesRequest {}).await;
        let says = v1::CapabilitiesResponse::decode(messages[0].as_slice()).unwrap();
        assert_eq!(
            (says.archive_span_writer, says.archive_span_reader),
            (archive, archive)
        );
        assert!(says.streaming_span_writer);
    }
    let script = kept();
    script.archived.lock().unwrap().push(span(7, 1));
    let path = "jaeger.storage.v1.ArchiveSpanReaderPlugin/GetArchiveTrace";
    let (messages, code, _) = ask(script, path, &get(7)).await;
    assert_eq!((messages.len(), code), (1, Code::Ok));
    let write = "jaeger.storage.v1.ArchiveSpanWriterPlugin/WriteArchiveSpan";
    let bytes = wire::jaeger::proto::encode_each(&[span(8, 1)]);
    let request = v1::WriteSpanRequest::decode(bytes.as_slice()).unwrap();
    let (_, code, text) = ask(kept(), write, &request).await;
    assert_eq!(code, Code::Ok, "{text}");
}
