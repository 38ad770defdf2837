//! How a store in another process is found and written to: against servers in this process, made by the generated code.

#![allow(
    clippy::disallowed_methods,
    reason = "a server of a test ends with its runtime"
)]

use std::sync::atomic::{AtomicUsize, Ordering};

use model::{Span, SpanId, TraceId};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tonic::codegen::tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};
use wire::r#gen::otlp::trace_service_server::{TraceService, TraceServiceServer};
use wire::r#gen::otlp::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use wire::r#gen::storage::v1::plugin_capabilities_server::{
    PluginCapabilities, PluginCapabilitiesServer,
};
use wire::r#gen::storage::v1::span_writer_plugin_server::{
    SpanWriterPlugin, SpanWriterPluginServer,
};
use wire::r#gen::storage::v1::{
    CapabilitiesRequest, CapabilitiesResponse, CloseWriterRequest, CloseWriterResponse,
    WriteSpanRequest, WriteSpanResponse,
};

use super::*;
use crate::port::{ReadContext, ReadError, Unstorable};

/// A store of Jaeger's that refuses spans of the name `bad`, and counts calls.
#[derive(Clone, Default)]
struct Store {
    calls: Arc<AtomicUsize>,
    names: Arc<Mutex<Vec<String>>>,
}

#[tonic::async_trait]
impl TraceService for Store {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let groups = request.into_inner().resource_spans.into_iter();
        let scopes = groups.flat_map(|group| group.scope_spans);
        let (bad, good): (Vec<String>, Vec<String>) = scopes
            .flat_map(|scope| scope.spans)
            .map(|span| span.name)
            .partition(|name| name == "bad");
        self.names.lock().extend(good);
        let partial_success = (!bad.is_empty()).then(|| ExportTracePartialSuccess {
            rejected_spans: bad.len() as i64,
            error_message: "it is bad".to_owned(),
        });
        Ok(Response::new(ExportTraceServiceResponse {
            partial_success,
        }))
    }
}

#[tonic::async_trait]
impl SpanWriterPlugin for Store {
    async fn write_span(
        &self,
        request: Request<WriteSpanRequest>,
    ) -> Result<Response<WriteSpanResponse>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let span = request.into_inner().span.unwrap_or_default();
        if span.operation_name == "bad" {
            return Err(Status::invalid_argument("it is bad"));
        }
        self.names.lock().push(span.operation_name);
        Ok(Response::new(WriteSpanResponse {}))
    }

    async fn close(
        &self,
        _: Request<CloseWriterRequest>,
    ) -> Result<Response<CloseWriterResponse>, Status> {
        Err(Status::unimplemented("no"))
    }
}

#[tonic::async_trait]
impl PluginCapabilities for Store {
    async fn capabilities(
        &self,
        _: Request<CapabilitiesRequest>,
    ) -> Result<Response<CapabilitiesResponse>, Status> {
        Ok(Response::new(CapabilitiesResponse::default()))
    }
}

impl Store {
    async fn listen(&self) -> HostPort {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .add_service(SpanWriterPluginServer::new(self.clone()))
            .add_service(PluginCapabilitiesServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        at.to_string().parse().unwrap()
    }
}

fn remote(at: HostPort, protocol: Option<Protocol>) -> Remote {
    let config = Config {
        prefix: "grpc-storage",
        servers: vec![at],
        patience: Duration::from_secs(5),
        protocol,
        tls: None,
        trust: trust::Store::default(),
        tenant_header: Some("x-tenant".to_owned()),
    };
    Remote::new(config, None).unwrap()
}

fn batch(names: &[&str]) -> Batch {
    let span = |(at, name): (u64, &&str)| Span {
        trace_id: TraceId::from_halves(1, 1),
        span_id: SpanId::from_u64(at),
        name: (**name).into(),
        ..Span::default()
    };
    let spans = (1..).zip(names).map(span).collect();
    Batch::new(Instance::default(), spans, 0)
}

fn places(answer: Result<(), WriteError>) -> Vec<(usize, String)> {
    match answer {
        Ok(()) => Vec::new(),
        Err(WriteError::Rejected(spans)) => {
            let pair = |Unstorable { at, reason }: Unstorable| (at, reason.to_string());
            spans.into_iter().map(pair).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn which_spans_are_refused_is_found_by_halving() {
    let store = Store::default();
    // what reads is not there, so that it is told how to speak
    let remote = remote(store.listen().await, Some(Protocol::V2));
    *remote.store.found_for_tests() = Some(Protocol::V2);
    let names = ["a", "bad", "b", "c", "d", "bad", "e"];
    let answer = remote.writer().write(batch(&names)).await;
    let bad = |at| (at, "it is bad".to_owned());
    assert_eq!(places(answer), [bad(1), bad(5)]);
    let mut stored = store.names.lock().clone();
    stored.sort();
    stored.dedup();
    assert_eq!(stored, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn a_store_of_version_1_is_found_and_gets_span_by_span() {
    let store = Store::default();
    let remote = remote(store.listen().await, None);
    let answer = remote.writer().write(batch(&["a", "bad", "b"])).await;
    assert_eq!(places(answer), [(1, "it is bad".to_owned())]);
    assert_eq!(store.calls.load(Ordering::Relaxed), 3);
    assert_eq!(remote.store.known(), Some(Protocol::V1 { streams: false }));
}

#[tokio::test]
async fn a_store_that_is_not_there_is_named_with_the_setting() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at: HostPort = gone.local_addr().unwrap().to_string().parse().unwrap();
    drop(gone);
    let remote = remote(at.clone(), None);
    assert_eq!(remote.health(), Ok(()), "nobody has asked yet");
    let answer = remote.writer().write(batch(&["a"])).await;
    let text = answer.unwrap_err().to_string();
    for part in [&at.to_string(), "grpc-storage.server"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(remote.health().unwrap_err().contains("grpc-storage.server"));
    let reader = remote.reader(&Instance::default());
    let answer = reader.get_services(&ReadContext::default()).await;
    assert!(
        matches!(answer, Err(ReadError::Unavailable { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_method_that_is_not_there_has_the_store_asked_anew() {
    let store = Store::default();
    let remote = remote(store.listen().await, None);
    *remote.store.found_for_tests() = Some(Protocol::Spoor);
    let answer = remote.writer().write(batch(&["a"])).await;
    assert!(matches!(answer, Err(WriteError::Unavailable { .. })));
    assert_eq!(remote.store.known(), None);
    remote.writer().write(batch(&["a"])).await.unwrap();
}
