//! Messages of Jaeger's form as the UI's JSON, which is what Jaeger's and Kiali's clients make of them.
//!
//! In: messages with spans. Out: the envelope of HTTP, a trace's spans with their processes; ids, times and types of values spelt as there.
//!
//! Source: `jaegertracing/jaeger: internal/uimodel/converter`; Kiali has a copy.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use model::TraceId;
use prost::Message as _;
use serde_json::{Map, Value, json};
use wire::r#gen::api_v2;

/// The traces of `messages`, by their ids.
pub(crate) fn ui(messages: &[Bytes]) -> Value {
    let mut traces: BTreeMap<String, (Vec<Value>, Map<String, Value>)> = BTreeMap::new();
    for message in messages {
        let chunk = api_v2::SpansResponseChunk::decode(message.clone()).unwrap();
        for span in chunk.spans {
            let (spans, processes) = traces.entry(trace_id(&span.trace_id)).or_default();
            let process = span.process.clone().unwrap();
            let key = format!("p{}", processes.len() + 1);
            let fields = fields(&process.tags);
            spans.push(ui_span(&span, &key));
            let process = json!({"serviceName": process.service_name, "tags": fields});
            processes.insert(key, process);
        }
    }
    let data = traces.into_iter().map(|(id, (spans, processes))| {
        json!({"traceID": id, "spans": spans, "processes": processes, "warnings": null})
    });
    envelope(&data.collect::<Vec<_>>())
}

pub(crate) fn envelope(data: &[Value]) -> Value {
    json!({"data": data, "total": 0, "limit": 0, "offset": 0, "errors": null})
}

fn ui_span(span: &api_v2::Span, process: &str) -> Value {
    let us = |seconds: i64, nanos: i32| seconds * 1_000_000 + i64::from(nanos) / 1000;
    let time = |t: Option<prost_types::Timestamp>| t.map(|t| us(t.seconds, t.nanos));
    let references = span.references.iter().map(|r| {
        let ref_type = r.ref_type().as_str_name();
        json!({"refType": ref_type, "traceID": trace_id(&r.trace_id), "spanID": hex(&r.span_id)})
    });
    let logs = span.logs.iter();
    let logs =
        logs.map(|log| json!({"timestamp": time(log.timestamp), "fields": fields(&log.fields)}));
    json!({
        "traceID": trace_id(&span.trace_id),
        "spanID": hex(&span.span_id),
        "flags": span.flags,
        "operationName": span.operation_name,
        "references": references.collect::<Vec<_>>(),
        "startTime": time(span.start_time),
        "duration": span.duration.map(|d| us(d.seconds, d.nanos)),
        "tags": fields(&span.tags),
        "logs": logs.collect::<Vec<_>>(),
        "processID": process,
        "warnings": if span.warnings.is_empty() { Value::Null } else { json!(span.warnings) },
    })
}

fn fields(tags: &[api_v2::KeyValue]) -> Vec<Value> {
    let field = |tag: &api_v2::KeyValue| {
        let value = match tag.v_type() {
            api_v2::ValueType::String => json!(tag.v_str),
            api_v2::ValueType::Bool => json!(tag.v_bool),
            api_v2::ValueType::Int64 => json!(tag.v_int64),
            api_v2::ValueType::Float64 => json!(tag.v_float64),
            api_v2::ValueType::Binary => json!(BASE64.encode(&tag.v_binary)),
        };
        json!({"key": tag.key, "type": tag.v_type().as_str_name().to_lowercase(), "value": value})
    };
    tags.iter().map(field).collect()
}

fn trace_id(bytes: &[u8]) -> String {
    TraceId(bytes.try_into().unwrap()).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
