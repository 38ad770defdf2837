//! Requests through both routers with tracing on: which spans there are, whose, and that there are no others.

use std::sync::Mutex;

use axum::body::Body;
use futures_util::future::{BoxFuture, FutureExt as _};
use prometheus_client::registry::Registry;
use storage::WriteError;
use tower::ServiceExt as _;

use super::*;
use crate::service::Service;
use crate::testing::{Script, complete, span, spans};
use crate::{Config, http as api};

/// Keeps what is written.
#[derive(Default)]
struct Keeping(Mutex<Vec<Batch>>);

impl TraceWriter for Keeping {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        self.0.lock().unwrap().push(batch);
        std::future::ready(Ok(())).boxed()
    }
}

/// Asks each of `uris` with these headers, then ends. What was written, and each answer's `traceresponse`.
async fn traced(
    ratio: f64,
    uris: &[&str],
    headers: &[(&'static str, &'static str)],
) -> (Vec<(Instance, Span)>, Vec<String>) {
    let kept = Arc::new(Keeping::default());
    let tracing = Tracing {
        writer: kept.clone(),
        ratio,
    };
    let config = Config::default();
    let metrics = Metrics::register(&mut Registry::default());
    let (recorder, writing) = Recorder::new(&tracing, &metrics);
    let script = Arc::new(Script::of(vec![spans(vec![span(1, 1)]), complete()]));
    let service = Service::new(script.stores(), &config, metrics).traced_by(Some(recorder));
    let app = api::router(service, &config, api::Site::own(&config));
    let mut told = Vec::new();
    for uri in uris {
        let mut request = http::Request::get(*uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = app.clone().oneshot(request.body(Body::empty()).unwrap());
        let header = answer.await.unwrap().headers()["traceresponse"].clone();
        told.push(header.to_str().unwrap().to_owned());
    }
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    writing.run(&shutdown).await;
    let batches = kept.0.lock().unwrap();
    let written = batches.iter().flat_map(|batch| {
        let spans = batch.spans.iter();
        spans.map(|span| (batch.instance.clone(), span.clone()))
    });
    (written.collect(), told)
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn a_request_and_its_read_are_spans_of_the_callers_trace() {
    let uri = "/api/traces?service=secret-word";
    let (written, told) = traced(0.0, &[uri], &[("traceparent", PARENT)]).await;
    let [(instance, read), (_, request)] = written.as_slice() else {
        panic!("{written:?}");
    };
    assert_eq!(*instance, Instance::default());
    assert_eq!(read.name.as_str(), "find_traces");
    assert_eq!(read.parent_span_id, Some(request.span_id));
    assert_eq!(request.name.as_str(), "GET /api/traces");
    assert_eq!(request.resource.service_name(), SERVICE);
    let parent = request.parent_span_id.map(SpanId::to_u64);
    assert_eq!(parent, Some(0xb7ad_6b71_6920_3331));
    assert_eq!(read.trace_id, request.trace_id);
    assert!(read.start_ns >= request.start_ns && read.end_ns <= request.end_ns);
    let expect = format!(
        "00-0af7651916cd43dd8448eb211c80319c-{:016x}-01",
        request.span_id.to_u64()
    );
    assert_eq!(told, [expect]);
    assert!(!format!("{written:?}").contains("secret-word"));
}

#[tokio::test]
async fn a_caller_that_is_not_sampled_and_a_share_of_none_leave_nothing() {
    let unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    for (ratio, headers) in [(0.0, vec![]), (1.0, vec![("traceparent", unsampled)])] {
        let (written, told) = traced(ratio, &["/api/services"], &headers).await;
        assert!(written.is_empty());
        assert_eq!(told, [""], "as Jaeger's, when it does not trace itself");
    }
}

#[tokio::test]
async fn what_is_nobodys_leaves_no_span_and_others_are_roots() {
    let uris = ["/api/services", "/", "/api/nothing"];
    let (written, _) = traced(1.0, &uris, &[]).await;
    let names: Vec<&str> = written.iter().map(|(_, span)| span.name.as_str()).collect();
    assert_eq!(names, ["get_services", "GET /api/services"]);
    assert_eq!(written[1].1.parent_span_id, None);
}

#[tokio::test]
async fn only_so_many_requests_a_second_are_traced() {
    let uris = vec!["/api/services"; 400];
    let (written, _) = traced(1.0, &uris, &[("traceparent", PARENT)]).await;
    let requests = written
        .iter()
        .filter(|(_, span)| span.kind == SpanKind::Server);
    // it may have begun at the end of a second
    let most = 2 * usize::try_from(A_SECOND).unwrap();
    let count = requests.count();
    assert!((1..=most).contains(&count), "{count}");
}
