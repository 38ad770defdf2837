//! What real Jaeger made of recorded input.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::*;
use crate::jaeger::{Converter, Tag, TagValue};

fn case(name: &str) -> PathBuf {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/golden");
    golden.join(name)
}

fn read(case: &str, file: &str) -> Bytes {
    Bytes::from(std::fs::read(self::case(case).join(file)).unwrap())
}

fn tags(tags: &[Tag]) -> Json {
    let tag = |tag: &Tag| {
        let value = match &tag.value {
            TagValue::String(text) => json!(text.as_str()),
            TagValue::Bool(value) => json!(value),
            TagValue::Int(value) => json!(value),
            TagValue::Double(value) => json!(value),
            TagValue::Binary(bytes) => json!(bytes.as_bytes()),
        };
        json!({"key": tag.key.as_str(), "type": tag.value.type_name(), "value": value})
    };
    tags.iter().map(tag).collect()
}

/// Spans as Jaeger's API writes them, each with its process.
fn api(spans: &[model::Span]) -> Vec<Json> {
    let mut spans = spans.to_vec();
    model::sanitize::spans(&mut spans);
    let mut converter = Converter::default();
    let api = |span: &model::Span| {
        let span = converter.convert(span);
        let reference = |r: &crate::jaeger::Reference| {
            assert_eq!(r.ref_type, model::RefType::ChildOf);
            json!({
                "refType": "CHILD_OF",
                "traceID": r.trace_id.to_string(),
                "spanID": r.span_id.to_string(),
            })
        };
        let log = |log: &crate::jaeger::Log| json!({"timestamp": log.time_ns / 1_000, "fields": tags(&log.fields)});
        json!({
            "traceID": span.trace_id.to_string(),
            "spanID": span.span_id.to_string(),
            "operationName": span.operation_name.as_str(),
            "references": span.references.iter().map(reference).collect::<Json>(),
            "startTime": span.start_ns / 1_000,
            "duration": span.duration_ns / 1_000,
            "tags": tags(&span.tags),
            "logs": span.logs.iter().map(log).collect::<Json>(),
            "process": {
                "serviceName": span.process.service_name.as_str(),
                "tags": tags(&span.process.tags),
            },
        })
    };
    spans.iter().map(api).collect()
}

/// The spans of a recorded answer, each with its process.
fn recorded_answer(case: &str, trace: &str) -> Vec<Json> {
    let file = format!("v1.76.0.api-trace.raw.{trace}.json");
    let answer: Json = serde_json::from_slice(&read(case, &file)).unwrap();
    let trace = &answer["data"][0];
    let spans = trace["spans"].as_array().unwrap().iter();
    let with_process = spans.map(|span| {
        let mut span = span.clone();
        let id = span["processID"].as_str().unwrap();
        span["process"] = trace["processes"][id].clone();
        let members = span.as_object_mut().unwrap();
        members.remove("processID");
        members.remove("warnings");
        span
    });
    with_process.collect()
}

/// The spans of the recorded documents.
fn recorded_documents(case: &str) -> Vec<Json> {
    let documents: Json = serde_json::from_slice(&read(case, "v1.76.0.es-span.json")).unwrap();
    let sources = documents.as_array().unwrap().iter();
    let sources = sources.map(|document| {
        let mut source = document["_source"].clone();
        source.as_object_mut().unwrap().remove("startTimeMillis");
        source
    });
    sources.collect()
}

#[track_caller]
fn check(case: &str, trace: &str) {
    let decoded = decode_v2_json(read(case, "input.zipkin-v2-json.json"), RECEIVED_NS).unwrap();
    assert!(decoded.rejected.is_empty());
    let ours = api(&decoded.spans);
    assert_eq!(ours, recorded_answer(case, trace));
    assert_eq!(ours, recorded_documents(case));
}

#[test]
fn calls_are_as_recorded() {
    check("zipkin-rpc", "a3000000000000000000000000000001");
}

#[test]
fn a_span_without_endpoint_is_as_recorded() {
    check("zipkin-no-endpoint", "a3000000000000000000000000000004");
}

#[test]
fn a_span_without_time_is_as_recorded_but_for_its_time() {
    let input = read("zipkin-no-timestamp", "input.zipkin-v2-json.json");
    let decoded = decode_v2_json(input, RECEIVED_NS).unwrap();
    let mut recorded = recorded_documents("zipkin-no-timestamp");
    // quirk 103: it was recorded at 1970-01-01
    recorded[0]["startTime"] = json!(RECEIVED_NS / 1_000);
    assert_eq!(api(&decoded.spans), recorded);
}

#[test]
fn truth_values_in_the_first_model_are_taken() {
    let input = read("zipkin1-annotations", "input.zipkin-v1-json.json");
    let decoded = decode_v1_json(input, RECEIVED_NS).unwrap();
    assert!(decoded.rejected.is_empty());
    let string = |key: &str, value: &str| json!({"key": key, "type": "string", "value": value});
    let int = |key: &str, value: i64| json!({"key": key, "type": "int64", "value": value});
    let process = |service: &str, ip: &str, port: &str| {
        json!({
            "serviceName": service,
            "tags": [string("ipv4", ip), string("port", port)],
        })
    };
    let trace = "a3000000000000000000000000000011";
    let expected = json!([
        {
            "traceID": trace,
            "spanID": "b300000000000031",
            "operationName": "get /x",
            "references": [],
            "startTime": 1_795_420_469_123_456_u64,
            "duration": 5_000,
            "tags": [
                string("http.url", "/x"),
                string("component", "comp"),
                string("peer.service", "golden-zip1-back"),
                string("net.peer.ip", "10.0.0.10"),
                int("net.peer.port", 81),
                string("span.kind", "client"),
            ],
            "logs": [{
                "timestamp": 1_795_420_469_125_456_u64,
                "fields": [string("event", "retry")],
            }],
            "process": process("golden-zip1", "10.0.0.9", "80"),
        },
        {
            "traceID": trace,
            "spanID": "b300000000000032",
            "operationName": "serve /x",
            "references": [{
                "refType": "CHILD_OF",
                "traceID": trace,
                "spanID": "b300000000000031",
            }],
            "startTime": 1_795_420_469_124_456_u64,
            "duration": 3_000,
            "tags": [
                string("peer.service", "golden-zip1"),
                string("net.peer.ip", "10.0.0.9"),
                int("net.peer.port", 80),
                string("span.kind", "server"),
                string("otel.status_code", "ERROR"),
                json!({"key": "error", "type": "bool", "value": true}),
            ],
            "logs": [],
            "process": process("golden-zip1-back", "10.0.0.10", "81"),
        },
    ]);
    assert_eq!(Json::from(api(&decoded.spans)), expected);
}
