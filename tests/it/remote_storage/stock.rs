//! What a client that is a stock Jaeger's sends and gets: the messages of both versions, made by the generated code.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bench::carrier::RawCodec;
use bytes::Bytes;
use futures_util::stream;
use model::{Resource, Span, SpanId, TraceId};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request};
use wire::r#gen::storage::{v1, v2};
use wire::jaeger::proto::{decode_spans, encode_each};
use wire::times::timestamp;

use super::serving;
use crate::query_grpc::client::Client;

fn span(trace: u64, id: u64) -> Span {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let start_ns = now.as_nanos() as u64;
    Span {
        trace_id: TraceId::from_halves(7, trace),
        span_id: SpanId::from_u64(id),
        name: "op".into(),
        start_ns,
        end_ns: start_ns + 1_000,
        resource: Arc::new(Resource::of_service("svc")),
        ..Span::default()
    }
}

fn get(trace: u64) -> v1::GetTraceRequest {
    v1::GetTraceRequest {
        trace_id: TraceId::from_halves(7, trace).0.to_vec(),
        ..Default::default()
    }
}

const GET: &str = "/jaeger.storage.v1.SpanReaderPlugin/GetTrace";

#[tokio::test]
async fn what_one_version_writes_the_other_reads() {
    let folder = tempfile::tempdir().unwrap();
    let store = serving(folder.path()).start().unwrap();
    let mut client = Client::at(store.url("storage-grpc")).await;
    let write = "/jaeger.storage.v1.SpanWriterPlugin/WriteSpan";
    let answer = client.raw(write, encode_each(&[span(1, 1)])).await;
    assert_eq!(answer.code, Code::Ok, "{}", answer.details);
    let export = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let answer = client.raw(export, wire::otlp::encode(&[span(2, 1)])).await;
    assert_eq!(answer.code, Code::Ok, "{}", answer.details);

    let answer = client.ask(GET, &get(2)).await;
    let spans = decode_spans(answer.messages[0].clone()).unwrap().spans;
    assert_eq!(spans[0].resource.service_name(), "svc");
    let request = v2::GetTracesRequest {
        query: vec![v2::GetTraceParams {
            trace_id: TraceId::from_halves(7, 1).0.to_vec(),
            ..Default::default()
        }],
    };
    let answer = client
        .ask("/jaeger.storage.v2.TraceReader/GetTraces", &request)
        .await;
    let spans = wire::otlp::decode(answer.messages[0].clone())
        .unwrap()
        .spans;
    assert_eq!((spans.len(), spans[0].name.as_str()), (1, "op"));

    let query = v2::TraceQueryParameters {
        service_name: "svc".to_owned(),
        start_time_min: Some(timestamp(0)),
        start_time_max: Some(timestamp(i64::MAX as u64)),
        search_depth: 10,
        ..Default::default()
    };
    let request = v2::FindTraceIDsRequest { query: Some(query) };
    let answer = client
        .ask("/jaeger.storage.v2.TraceReader/FindTraceIDs", &request)
        .await;
    let found = &answer.decoded::<v2::FindTraceIDsResponse>()[0].trace_ids;
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn a_stream_is_answered_when_all_of_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let store = serving(folder.path()).start().unwrap();
    let endpoint = Endpoint::from_shared(store.url("storage-grpc")).unwrap();
    let mut grpc = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
    grpc.ready().await.unwrap();
    let messages = (1..=500).map(|id| Bytes::from(encode_each(&[span(1, id)])));
    let messages: Vec<Bytes> = messages.collect();
    let path = "/jaeger.storage.v1.StreamingSpanWriterPlugin/WriteSpanStream";
    let path = PathAndQuery::from_static(path);
    let request = Request::new(stream::iter(messages));
    let answer = grpc.client_streaming(request, path, RawCodec).await;
    assert!(answer.unwrap().into_inner().is_empty());
    store.kill();

    let store = serving(folder.path()).start().unwrap();
    let mut client = Client::at(store.url("storage-grpc")).await;
    let answer = client.ask(GET, &get(1)).await;
    let spans = answer.messages.iter().map(|message| {
        let decoded = decode_spans(message.clone()).unwrap();
        decoded.spans.len()
    });
    assert_eq!(spans.sum::<usize>(), 500);
}

#[tokio::test]
async fn errors_are_in_jaegers_words() {
    let folder = tempfile::tempdir().unwrap();
    let store = serving(folder.path()).start().unwrap();
    let mut client = Client::at(store.url("storage-grpc")).await;
    let answer = client.ask(GET, &get(9)).await;
    assert_eq!(
        (answer.code, answer.details.as_str()),
        (Code::NotFound, "trace not found")
    );
    let close = "/jaeger.storage.v1.SpanWriterPlugin/Close";
    let answer = client.ask(close, &v1::CloseWriterRequest {}).await;
    assert_eq!(
        (answer.code, answer.details.as_str()),
        (
            Code::Unimplemented,
            "span writer does not support graceful shutdown"
        )
    );
    let answer = client
        .raw("/jaeger.storage.v1.SpanWriterPlugin/None", Vec::new())
        .await;
    assert_eq!(answer.code, Code::Unimplemented);
    let mut request = Request::new(Bytes::new());
    for token in ["a", "b"] {
        request
            .metadata_mut()
            .append("bearer.token", token.parse().unwrap());
    }
    let services = "/jaeger.storage.v1.SpanReaderPlugin/GetServices";
    let answer = client.send(services, request).await;
    assert_eq!(
        (answer.code, answer.details.as_str()),
        (Code::Unknown, "malformed token: multiple tokens found")
    );
}

#[tokio::test]
async fn health_knows_jaegers_names() {
    let folder = tempfile::tempdir().unwrap();
    let store = serving(folder.path()).start().unwrap();
    let mut client = Client::at(store.url("storage-grpc")).await;
    for name in [
        "",
        "jaeger.storage.v1.SpanReaderPlugin",
        "jaeger.storage.v1.StreamingSpanWriterPlugin",
        "jaeger.storage.v2.TraceWriter",
    ] {
        // HealthCheckRequest{service=1}, HealthCheckResponse{status=1}: 1 is SERVING
        let mut message = vec![0x0a, u8::try_from(name.len()).unwrap()];
        message.extend(name.bytes());
        let answer = client.raw("/grpc.health.v1.Health/Check", message).await;
        assert_eq!(answer.messages, [Bytes::from_static(&[8, 1])], "{name}");
    }
}

#[tokio::test]
async fn a_tenants_spans_are_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = serving(folder.path())
        .arg("--multi-tenancy.enabled")
        .arg("--multi-tenancy.tenants=a,b")
        .start()
        .unwrap();
    let mut client = Client::at(store.url("storage-grpc")).await;
    let of = |tenant: &str, message: Vec<u8>| {
        let mut request = Request::new(Bytes::from(message));
        request
            .metadata_mut()
            .insert("x-tenant", tenant.parse().unwrap());
        request
    };
    let write = "/jaeger.storage.v1.SpanWriterPlugin/WriteSpan";
    let answer = client
        .send(write, of("a", encode_each(&[span(1, 1)])))
        .await;
    assert_eq!(answer.code, Code::Ok, "{}", answer.details);
    let id = prost::Message::encode_to_vec(&get(1));
    assert_eq!(client.send(GET, of("a", id.clone())).await.code, Code::Ok);
    assert_eq!(
        client.send(GET, of("b", id.clone())).await.code,
        Code::NotFound
    );
    let stranger = client.raw(GET, id).await;
    assert_eq!(
        (stranger.code, stranger.details.as_str()),
        (Code::Unauthenticated, "missing tenant header")
    );
}
