//! A collector on free ports, a store to order about, and clients.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use collector::{Config, Parts, Receiver};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use model::{Batch, Span};
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use storage::layers::{Ledger, Meter};
use storage::port::{DeadLetter, DeadLetters, SamplingStore, TraceWriter, WriteError};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::r#gen::otlp::ExportTraceServiceRequest;
use wire::r#gen::otlp::common::v1::{AnyValue, KeyValue, any_value};
use wire::r#gen::otlp::resource::v1::Resource;
use wire::r#gen::otlp::trace::v1 as otlp;

pub(crate) const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
pub(crate) const POST_SPANS: &str = "/jaeger.api_v2.CollectorService/PostSpans";

/// A store that keeps what it is given, and answers what it is told to.
pub(crate) struct Store {
    pub(crate) batches: Mutex<Vec<Batch>>,
    pub(crate) answer: Mutex<Result<(), WriteError>>,
    held: watch::Sender<bool>,
    /// Writes come one after the other, each taking so long.
    turn: tokio::sync::Mutex<()>,
    turn_takes: Mutex<Option<Duration>>,
    pub(crate) letters: Mutex<Vec<DeadLetter>>,
    pub(crate) grave: Mutex<Result<(), WriteError>>,
}

impl Store {
    pub(crate) fn spans(&self) -> Vec<Span> {
        let batches = self.batches.lock();
        batches
            .iter()
            .flat_map(|b| b.spans.iter().cloned())
            .collect()
    }

    /// From now on writes come one after the other.
    pub(crate) fn take_turns(&self, each: Duration) {
        *self.turn_takes.lock() = Some(each);
    }

    /// Lets no write pass until [`Store::resume`].
    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Whether a write is being held back.
    pub(crate) fn waiting(&self) -> bool {
        self.held.receiver_count() > 0
    }

    pub(crate) fn resume(&self) {
        self.held.send_replace(false);
    }
}

impl TraceWriter for Store {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let mut held = self.held.subscribe();
            held.wait_for(|held| !held).await.unwrap();
            let turn_takes = *self.turn_takes.lock();
            if let Some(turn_takes) = turn_takes {
                let _turn = self.turn.lock().await;
                tokio::time::sleep(turn_takes).await;
            }
            let answer = self.answer.lock().clone();
            if !matches!(
                answer,
                Err(WriteError::Unavailable { .. } | WriteError::Throttled { .. })
            ) {
                self.batches.lock().push(batch);
            }
            answer
        })
    }
}

impl DeadLetters for Store {
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let answer = self.grave.lock().clone();
            if answer.is_ok() {
                self.letters.lock().extend(letters);
            }
            answer
        })
    }
}

/// A running collector. Dropping it stops it.
pub(crate) struct Running {
    pub(crate) store: Arc<Store>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) registry: Registry,
    addrs: HashMap<&'static str, SocketAddr>,
    shutdown: CancellationToken,
    tasks: Mutex<JoinSet<Result<(), listen::ServeError>>>,
}

/// Starts one with the defaults, changed by `change`.
pub(crate) async fn start(change: impl FnOnce(&mut Config)) -> Running {
    start_with(true, change).await
}

/// Starts one whose store keeps dead letters, or not.
pub(crate) async fn start_with(dead_letters: bool, change: impl FnOnce(&mut Config)) -> Running {
    start_all(dead_letters, None, change).await
}

/// Starts one that keeps there what adaptive sampling needs.
pub(crate) async fn start_on(
    sampling_store: Option<Arc<dyn SamplingStore>>,
    change: impl FnOnce(&mut Config),
) -> Running {
    start_all(true, sampling_store, change).await
}

async fn start_all(
    dead_letters: bool,
    sampling_store: Option<Arc<dyn SamplingStore>>,
    change: impl FnOnce(&mut Config),
) -> Running {
    let receiver = |name: &'static str, max_message_bytes| Receiver {
        listener: listen::Config::new(name, "a.host-port", vec!["127.0.0.1:0".parse().unwrap()]),
        max_message_bytes,
    };
    let mut config = Config {
        otlp_grpc: Some(receiver("otlp-grpc", 4 << 20)),
        otlp_http: Some(receiver("otlp-http", 20 << 20)),
        jaeger_grpc: Some(receiver("jaeger-grpc", 4 << 20)),
        jaeger_thrift: Some(receiver("jaeger-thrift", 1 << 20)),
        zipkin: Some(receiver("zipkin", 1 << 20)),
        host: "test".to_owned(),
        ..Config::default()
    };
    change(&mut config);
    let store = Arc::new(Store {
        batches: Mutex::default(),
        answer: Mutex::new(Ok(())),
        held: watch::Sender::new(false),
        turn: tokio::sync::Mutex::default(),
        turn_takes: Mutex::default(),
        letters: Mutex::default(),
        grave: Mutex::new(Ok(())),
    });
    let ledger = Arc::new(Ledger::new());
    let parts = Parts {
        writer: Arc::new(Meter::new(store.clone(), ledger.clone())),
        dead_letters: dead_letters.then(|| store.clone() as Arc<dyn DeadLetters>),
        ledger: ledger.clone(),
        collector: None,
        sampling_store,
        storage_reads: None,
    };
    let mut registry = Registry::default();
    ledger.register(&mut registry);
    let listeners = listen::Metrics::register(&mut registry);
    let receivers = collector::bind(&config, parts, &listeners, &mut registry)
        .await
        .unwrap();
    let addrs = receivers.addrs().into_iter().map(|(n, a)| (n, a[0]));
    let addrs = addrs.collect();
    let shutdown = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(receivers.run(shutdown.clone()));
    Running {
        store,
        ledger,
        registry,
        addrs,
        shutdown,
        tasks: Mutex::new(tasks),
    }
}

impl Running {
    pub(crate) fn addr(&self, name: &str) -> SocketAddr {
        self.addrs[name]
    }

    /// Whether a receiver of this name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.addrs.contains_key(name)
    }

    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Whether it ended, and well.
    pub(crate) fn ended(&self) -> bool {
        let ended = self.tasks.lock().try_join_next();
        ended.is_some_and(|ended| ended.unwrap().is_ok())
    }

    /// The metrics as a scraper sees them.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    /// The value of a metric whose line begins with its name and has all of `labels`; 0 when it is not there.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let text = self.metrics();
        let line = text.lines().find(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|l| line.contains(l))
        });
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    /// Bytes that requests hold.
    pub(crate) fn held(&self) -> u64 {
        self.metric("spoor_collector_held_bytes", &[])
    }

    /// Sends a body to `/v1/traces` and reads the answer.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.http("POST", "/v1/traces", headers, body).await
    }

    /// The same to OTLP's port, by any method, at any path.
    pub(crate) async fn http(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        self.http_to("otlp-http", method, path, headers, body).await
    }

    pub(crate) async fn http_to(
        &self,
        listener: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let client: Client<HttpConnector, Body> =
            Client::builder(TokioExecutor::new()).build_http();
        let uri = format!("http://{}{path}", self.addr(listener));
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = client.request(request.body(body.into()).unwrap()).await;
        Answer::of(response.unwrap()).await
    }

    /// Sends one gRPC message, framed by hand.
    pub(crate) async fn call(
        &self,
        listener: &str,
        path: &str,
        headers: &[(&str, &str)],
        framed: impl Into<Body>,
    ) -> Answer {
        let uri = format!("http://{}{path}", self.addr(listener));
        let mut request = Request::builder().method("POST").uri(uri);
        if !headers.iter().any(|h| h.0 == "content-type") {
            request = request.header("content-type", "application/grpc");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = h2().request(request.body(framed.into()).unwrap()).await;
        Answer::of(response.unwrap()).await
    }

    /// Sends OTLP over gRPC.
    pub(crate) async fn export(&self, message: &[u8]) -> Answer {
        self.call("otlp-grpc", EXPORT, &[], frame(0, message)).await
    }
}

/// A client for HTTP/2 without TLS.
pub(crate) fn h2<B>() -> Client<HttpConnector, B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

/// A gRPC message with its five bytes in front.
pub(crate) fn frame(flag: u8, message: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(flag);
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Answer {
    pub(crate) async fn of<B>(response: http::Response<B>) -> Self
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
            trailers,
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The gRPC status, from trailers or from an answer that is nothing but headers.
    pub(crate) fn grpc(&self) -> tonic::Status {
        tonic::Status::from_header_map(&self.trailers)
            .or_else(|| tonic::Status::from_header_map(&self.headers))
            .unwrap_or_else(|| panic!("no status in {self:?}"))
    }

    /// The message of a successful gRPC answer.
    pub(crate) fn message(&self) -> &[u8] {
        assert_eq!(self.grpc().code(), tonic::Code::Ok, "{self:?}");
        &self.body[5..]
    }

    /// When to come back, from `RetryInfo`.
    pub(crate) fn retry_delay(&self) -> Option<Duration> {
        retry_delay(self.grpc().details())
    }
}

/// `google.rpc.Status`, read field by field: the tests' own view of it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<prost_types::Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<prost_types::Duration>,
}

/// From an encoded `google.rpc.Status`.
pub(crate) fn retry_delay(status: &[u8]) -> Option<Duration> {
    use prost::Message;
    let status = RpcStatus::decode(status).unwrap();
    let any = status.details.first()?;
    assert_eq!(any.type_url, "type.googleapis.com/google.rpc.RetryInfo");
    let info = RetryInfo::decode(&*any.value).unwrap();
    Some(info.retry_delay?.try_into().unwrap())
}

/// A request of `count` spans of a service.
pub(crate) fn request(service: &str, count: u64) -> ExportTraceServiceRequest {
    let text = |value: &str| AnyValue {
        value: Some(any_value::Value::StringValue(value.to_owned())),
    };
    let attribute = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: Some(text(value)),
        ..KeyValue::default()
    };
    let span = |n: u64| otlp::Span {
        trace_id: u128::from(n).to_be_bytes().to_vec(),
        span_id: n.to_be_bytes().to_vec(),
        name: format!("operation-{n}"),
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 2_000,
        attributes: vec![attribute("http.route", "/items/{id}")],
        ..otlp::Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![otlp::ResourceSpans {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", service)],
                ..Resource::default()
            }),
            scope_spans: vec![otlp::ScopeSpans {
                spans: (1..=count).map(span).collect(),
                ..otlp::ScopeSpans::default()
            }],
            ..otlp::ResourceSpans::default()
        }],
    }
}

/// The same, encoded.
pub(crate) fn message(service: &str, count: u64) -> Vec<u8> {
    use prost::Message;
    request(service, count).encode_to_vec()
}

/// One good span and one with a span id of three bytes.
pub(crate) fn half_bad() -> Vec<u8> {
    use prost::Message;
    let mut request = request("shop", 2);
    request.resource_spans[0].scope_spans[0].spans[1].span_id = vec![1, 2, 3];
    request.encode_to_vec()
}

/// Waits until `what` holds.
#[track_caller]
pub(crate) fn eventually(mut what: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let until = tokio::time::Instant::now() + Duration::from_secs(10);
        while !what() {
            assert!(tokio::time::Instant::now() < until, "never true: {caller}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(plain: &[u8]) -> Vec<u8> {
    zstd::encode_all(plain, 1).unwrap()
}

pub(crate) fn unavailable() -> WriteError {
    WriteError::Unavailable {
        reason: "the disk is gone".to_owned(),
    }
}
