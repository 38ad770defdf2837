//! The services through their router, over a store that follows a script.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use model::{SpanKind, TraceId};
use prometheus_client::registry::Registry;
use proptest::prelude::*;
use prost::Message;
use storage::{DependencyLink, ReadError, ReadItem, ReadLimits};
use tonic::Code;
use tower::ServiceExt as _;
use wire::r#gen::{api_v2, api_v3};

use super::*;
use crate::Metrics;
use crate::testing::*;

mod errors;
mod streams;

/// An answer, read whole.
struct Answer {
    code: Code,
    message: String,
    messages: Vec<Vec<u8>>,
    trailers: HeaderMap,
}

// === impl Answer ===

impl Answer {
    fn decoded<M: Message + Default>(&self) -> Vec<M> {
        assert_eq!(self.code, Code::Ok, "{}", self.message);
        let messages = self.messages.iter();
        messages.map(|m| M::decode(m.as_slice()).unwrap()).collect()
    }

    /// The one message.
    fn only<M: Message + Default>(&self) -> M {
        let mut messages = self.decoded();
        assert_eq!(messages.len(), 1);
        messages.remove(0)
    }

    fn partial(&self) -> Option<&str> {
        Some(self.trailers.get("spoor-partial")?.to_str().unwrap())
    }
}

async fn app(script: &Arc<Script>, config: &Config) -> Router {
    let metrics = Metrics::register(&mut Registry::default());
    let service = Service::new(script.stores(), config, metrics);
    router(service, config).await.unwrap().0
}

fn framed(message: &impl Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    frame
}

fn request(method: &str, message: &impl Message) -> http::Request<Body> {
    http::Request::post(format!("/{method}"))
        .header("content-type", "application/grpc")
        .body(Body::from(framed(message)))
        .unwrap()
}

async fn send(app: Router, request: http::Request<Body>) -> Answer {
    let (head, body) = app.oneshot(request).await.unwrap().into_parts();
    assert_eq!(head.status, 200);
    assert_eq!(head.headers["content-type"], "application/grpc");
    let body = body.collect().await.unwrap();
    let mut trailers = body.trailers().cloned().unwrap_or_default();
    trailers.extend(head.headers);
    let mut bytes = body.to_bytes().to_vec();
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        assert_eq!(bytes[0], 0, "nobody asked for compression");
        let len = u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize;
        let rest = bytes.split_off(5 + len);
        messages.push(bytes.split_off(5));
        bytes = rest;
    }
    let status = Status::from_header_map(&trailers).unwrap();
    Answer {
        code: status.code(),
        message: status.message().to_owned(),
        messages,
        trailers,
    }
}

async fn ask_with(
    script: &Arc<Script>,
    config: &Config,
    method: &str,
    message: &impl Message,
) -> Answer {
    send(app(script, config).await, request(method, message)).await
}

async fn ask(script: Script, method: &str, message: &impl Message) -> Answer {
    ask_with(&Arc::new(script), &Config::default(), method, message).await
}

const GET: &str = "jaeger.api_v2.QueryService/GetTrace";
const FIND: &str = "jaeger.api_v2.QueryService/FindTraces";
const GET_V3: &str = "jaeger.api_v3.QueryService/GetTrace";
const FIND_V3: &str = "jaeger.api_v3.QueryService/FindTraces";
const SUMMARIES: &str = "jaeger.api_v3.QueryService/FindTraceSummaries";

fn get(trace: u64, raw_traces: bool) -> api_v2::GetTraceRequest {
    api_v2::GetTraceRequest {
        trace_id: TraceId::from_halves(0, trace).0.to_vec(),
        raw_traces,
        ..Default::default()
    }
}

fn get_v3(trace: u64) -> api_v3::GetTraceRequest {
    api_v3::GetTraceRequest {
        trace_id: format!("{trace:x}"),
        ..Default::default()
    }
}

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 0 })
}

fn query() -> api_v2::TraceQueryParameters {
    api_v2::TraceQueryParameters {
        start_time_min: at(1),
        start_time_max: at(2),
        ..Default::default()
    }
}

fn find(query: api_v2::TraceQueryParameters) -> api_v2::FindTracesRequest {
    api_v2::FindTracesRequest { query: Some(query) }
}

fn query_v3() -> api_v3::TraceQueryParameters {
    api_v3::TraceQueryParameters {
        start_time_min: at(1),
        start_time_max: at(2),
        ..Default::default()
    }
}

#[tokio::test]
async fn names_and_calls_are_listed() {
    let script = || Script {
        services: vec!["a".into(), "b".into()],
        operations: vec![
            operation("get", SpanKind::Client),
            operation("get", SpanKind::Server),
            operation("put", SpanKind::Server),
        ],
        links: vec![DependencyLink::calls("a".into(), "b".into(), 3)],
        ..Script::default()
    };
    for method in [
        "jaeger.api_v2.QueryService/GetServices",
        "jaeger.api_v3.QueryService/GetServices",
    ] {
        let answer = ask(script(), method, &api_v2::GetServicesRequest {}).await;
        let services: api_v2::GetServicesResponse = answer.only();
        assert_eq!(services.services, ["a", "b"]);
        assert_eq!(answer.partial(), None);
    }
    let asked = |span_kind: &str| api_v2::GetOperationsRequest {
        service: "a".to_owned(),
        span_kind: span_kind.to_owned(),
    };
    let method = "jaeger.api_v2.QueryService/GetOperations";
    for (kind, names, count) in [
        ("", vec!["get", "put"], 3),
        ("SERVER", vec!["get", "put"], 2),
        ("x", vec![], 0),
    ] {
        let found: api_v2::GetOperationsResponse = ask(script(), method, &asked(kind)).await.only();
        assert_eq!(found.operation_names, names, "{kind}");
        assert_eq!(found.operations.len(), count, "{kind}");
    }
    let method = "jaeger.api_v3.QueryService/GetOperations";
    let found: api_v3::GetOperationsResponse = ask(script(), method, &asked("client")).await.only();
    assert_eq!(found.operations.len(), 1);
    assert_eq!(
        (
            found.operations[0].name.as_str(),
            found.operations[0].span_kind.as_str()
        ),
        ("get", "client")
    );

    let asked = api_v2::GetDependenciesRequest {
        start_time: at(1),
        end_time: at(3),
    };
    let store = Arc::new(script());
    let method = "jaeger.api_v2.QueryService/GetDependencies";
    let found = ask_with(&store, &Config::default(), method, &asked).await;
    let found: api_v2::GetDependenciesResponse = found.only();
    assert_eq!(
        (
            found.dependencies[0].parent.as_str(),
            found.dependencies[0].call_count
        ),
        ("a", 3)
    );
    assert_eq!(
        *store.periods.lock().unwrap(),
        [(1_000_000_000, 3_000_000_000)]
    );
    let method = "jaeger.api_v3.QueryService/GetDependencies";
    let found: api_v3::DependenciesResponse = ask(script(), method, &asked).await.only();
    assert_eq!(
        (
            found.dependencies[0].child.as_str(),
            found.dependencies[0].call_count
        ),
        ("b", 3)
    );
}

#[tokio::test]
async fn a_search_is_asked_of_the_store_as_it_was_meant() {
    let script = Arc::new(Script::of(vec![complete()]));
    let tags = [("error", "true"), ("a", "b")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let duration = |nanos| Some(prost_types::Duration { seconds: 0, nanos });
    let asked = find(api_v2::TraceQueryParameters {
        service_name: "shop".to_owned(),
        tags: tags.into(),
        duration_min: duration(5),
        search_depth: 7,
        ..query()
    });
    let answer = ask_with(&script, &Config::default(), FIND, &asked).await;
    assert_eq!((answer.code, answer.messages.len()), (Code::Ok, 0));
    let found = script.found.lock().unwrap().remove(0);
    assert_eq!(found.service.as_deref(), Some("shop"));
    assert_eq!(found.operation, None);
    assert_eq!(
        (found.start_min_ns, found.start_max_ns),
        (1_000_000_000, 2_000_000_000)
    );
    assert_eq!(
        (found.duration_min_ns, found.duration_max_ns),
        (Some(5), None)
    );
    assert_eq!(found.limit, 7);
    let filter = format!("{:?}", found.filter);
    assert!(filter.find("error") > filter.find("\"a\""), "{filter}");
}

#[tokio::test]
async fn summaries_come_one_by_one() {
    let script = Script::of(vec![
        spans(vec![span(1, 1), span(1, 2)]),
        spans(vec![span(2, 3)]),
        complete(),
    ]);
    let asked = api_v3::FindTraceSummariesRequest {
        query: Some(query_v3()),
    };
    let found: Vec<api_v3::FindTraceSummariesResponse> =
        ask(script, SUMMARIES, &asked).await.decoded();
    let found: Vec<_> = found.into_iter().flat_map(|f| f.summaries).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].trace_id, "00000000000000000000000000000001");
    assert_eq!(
        (found[0].span_count, found[0].root_service_name.as_str()),
        (2, "svc")
    );
    assert_eq!(found[1].services.len(), 1);
}

#[tokio::test]
async fn metrics_are_those_of_http() {
    use wire::r#gen::metrics as proto;

    let script = || Script {
        counts: true,
        counted: vec![(
            1_500,
            storage::port::Cell {
                calls: 4,
                errors: 1,
                durations: vec![(40, 4)],
            },
        )],
        ..Script::default()
    };
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let base = proto::MetricsQueryBaseRequest {
        service_names: vec!["svc".to_owned()],
        group_by_operation: true,
        end_time: at(2),
        lookback: seconds(0),
        step: seconds(1),
        rate_per: seconds(2),
        span_kinds: Vec::new(),
    };
    let family = |answer: Answer| -> proto::MetricFamily {
        let response: proto::GetMetricsResponse = answer.only();
        response.metrics.unwrap()
    };
    let value = |family: &proto::MetricFamily| match &family.metrics[0].metric_points[..] {
        [
            proto::MetricPoint {
                value: Some(proto::metric_point::Value::GaugeValue(gauge)),
                timestamp,
            },
        ] => {
            assert_eq!(*timestamp, at(2));
            gauge.value
        }
        other => panic!("{other:?}"),
    };
    let double = |value| Some(proto::gauge_value::Value::DoubleValue(value));
    let service = "jaeger.api_v2.metrics.MetricsQueryService";
    let base_request = Some(base);
    let calls = proto::GetCallRatesRequest {
        base_request: base_request.clone(),
    };
    let calls = family(ask(script(), &format!("{service}/GetCallRates"), &calls).await);
    assert_eq!(calls.name, "service_operation_call_rate");
    assert_eq!(calls.r#type(), proto::MetricType::Gauge);
    assert_eq!(value(&calls), double(2.0));
    let errors = proto::GetErrorRatesRequest {
        base_request: base_request.clone(),
    };
    let errors = family(ask(script(), &format!("{service}/GetErrorRates"), &errors).await);
    assert_eq!(value(&errors), double(0.25));
    let latencies = proto::GetLatenciesRequest {
        base_request,
        quantile: 1.0,
    };
    let latencies = family(ask(script(), &format!("{service}/GetLatencies"), &latencies).await);
    assert_eq!(value(&latencies), double(1.024));
    let step = proto::GetMinStepDurationRequest {};
    let step = ask(script(), &format!("{service}/GetMinStepDuration"), &step).await;
    let step: proto::GetMinStepDurationResponse = step.only();
    let nanos = 1_000_000;
    assert_eq!(
        step.min_step,
        Some(prost_types::Duration { seconds: 0, nanos })
    );
    let nobody = proto::GetCallRatesRequest { base_request: None };
    let nobody = ask(script(), &format!("{service}/GetCallRates"), &nobody).await;
    assert_eq!(nobody.code, Code::InvalidArgument);
}
