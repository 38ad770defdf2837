//! Each span by the way that its workload reports: Zipkin's JSON, OTLP's JSON, Jaeger's messages, written here and by no encoder of ours.

use std::collections::BTreeMap;

use bench::carrier;
use model::SpanKind;
use prost::Message as _;
use prost_types::{Duration, Timestamp};
use serde_json::{Value, json};
use tests::spoor::Spoor;
use wire::r#gen::api_v2;

use super::mesh::{By, Mesh, Sent};
use crate::golden::post;

/// Sends all of it; it is stored when this is back.
pub(crate) async fn send(spoor: &Spoor, mesh: &Mesh) {
    let by = |by: By| mesh.spans().filter(move |span| span.from.by == by);
    let zipkin: Vec<Value> = by(By::Zipkin).map(zipkin).collect();
    let url = format!("{}/api/v2/spans", spoor.url("zipkin"));
    for some in zipkin.chunks(200) {
        let answer = post(&url, "application/json", json!(some).to_string().as_bytes()).await;
        assert_eq!(answer.status(), 202);
    }
    let mut services: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for span in by(By::Otlp) {
        let spans = services.entry(span.from.service).or_default();
        spans.push(otlp(span));
    }
    let attribute = |service| json!([{"key": "service.name", "value": {"stringValue": service}}]);
    let groups = services.into_iter().map(|(service, spans)| {
        json!({"resource": {"attributes": attribute(service)}, "scopeSpans": [{"spans": spans}]})
    });
    let body = json!({"resourceSpans": groups.collect::<Vec<_>>()}).to_string();
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let answer = post(&url, "application/json", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    let mut processes: BTreeMap<&str, Vec<&Sent>> = BTreeMap::new();
    for span in by(By::Jaeger) {
        let spans = processes.entry(span.from.service).or_default();
        spans.push(span);
    }
    for spans in processes.values() {
        let body = jaeger(spans).encode_to_vec().into();
        let posted = carrier::post_spans(&spoor.url("jaeger-grpc"), body).await;
        posted.unwrap();
    }
}

fn zipkin(span: &Sent) -> Value {
    let mut tags: BTreeMap<&str, &str> = span.tags.iter().map(|(k, v)| (*k, v.as_str())).collect();
    if span.is_error {
        tags.insert("error", "true");
    }
    let mut sent = json!({
        "traceId": span.trace.to_string(),
        "id": format!("{:016x}", span.id),
        "kind": if span.kind == SpanKind::Client { "CLIENT" } else { "SERVER" },
        "name": span.operation,
        "timestamp": span.start_us,
        "duration": span.duration_us,
        "localEndpoint": {"serviceName": span.from.service, "ipv4": "10.128.2.14", "port": 0},
        "tags": tags,
    });
    if let Some(parent) = span.parent {
        sent["parentId"] = json!(format!("{parent:016x}"));
    }
    if span.is_shared {
        sent["shared"] = json!(true);
    }
    sent
}

fn otlp(span: &Sent) -> Value {
    let attribute = |(key, value)| json!({"key": key, "value": {"stringValue": value}});
    let kind = match span.kind {
        SpanKind::Client => 3,
        SpanKind::Server => 2,
        _ => 1,
    };
    json!({
        "traceId": format!("{:0>32}", span.trace.to_string()),
        "spanId": format!("{:016x}", span.id),
        "parentSpanId": span.parent.map(|parent| format!("{parent:016x}")).unwrap_or_default(),
        "name": span.operation,
        "kind": kind,
        "startTimeUnixNano": (span.start_us * 1_000).to_string(),
        "endTimeUnixNano": ((span.start_us + span.duration_us) * 1_000).to_string(),
        "attributes": span.tags.iter().map(|(k, v)| attribute((*k, v.as_str()))).collect::<Vec<_>>(),
        "status": if span.is_error { json!({"code": 2}) } else { json!({}) },
    })
}

fn text(key: &str, value: &str) -> api_v2::KeyValue {
    api_v2::KeyValue {
        key: key.to_owned(),
        v_str: value.to_owned(),
        ..Default::default()
    }
}

/// Spans of one process.
fn jaeger(spans: &[&Sent]) -> api_v2::PostSpansRequest {
    let process = spans.first().map(|span| api_v2::Process {
        service_name: span.from.service.to_owned(),
        tags: vec![
            text("jaeger.version", "Go-2.30.0"),
            text("hostname", &span.hostname().unwrap()),
        ],
    });
    let span = |span: &&Sent| {
        let reference = |parent: u64| api_v2::SpanRef {
            trace_id: span.trace.0.to_vec(),
            span_id: parent.to_be_bytes().to_vec(),
            ..Default::default()
        };
        api_v2::Span {
            trace_id: span.trace.0.to_vec(),
            span_id: span.id.to_be_bytes().to_vec(),
            operation_name: span.operation.clone(),
            references: span.parent.map(reference).into_iter().collect(),
            start_time: Some(Timestamp {
                seconds: (span.start_us / 1_000_000) as i64,
                nanos: (span.start_us % 1_000_000) as i32 * 1_000,
            }),
            duration: Some(Duration {
                seconds: 0,
                nanos: span.duration_us as i32 * 1_000,
            }),
            tags: span.tags.iter().map(|(k, v)| text(k, v)).collect(),
            ..Default::default()
        }
    };
    let spans = spans.iter().map(span).collect();
    api_v2::PostSpansRequest {
        batch: Some(api_v2::Batch { spans, process }),
    }
}
