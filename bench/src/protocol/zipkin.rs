//! Zipkin's second version, in JSON and in protobuf. All values are text, and what a pod says of itself is said by each span.
//!
//! Source: `openzipkin/zipkin-api: zipkin.proto`, `zipkin2-api.yaml`.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::plain::{Plain, Span, Value};
use crate::generator::protobuf::Message;

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    trace_id: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    kind: &'static str,
    name: &'a str,
    timestamp: u64,
    duration: u64,
    local_endpoint: Endpoint<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation<'a>>,
    tags: Tags<'a>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint<'a> {
    service_name: &'a str,
}

#[derive(serde::Serialize)]
struct Annotation<'a> {
    timestamp: u64,
    value: &'a str,
}

struct Tags<'a>(Vec<(&'a str, Cow<'a, str>)>);

// === impl Tags ===

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

pub(super) fn json(plain: &Plain<'_>) -> Vec<u8> {
    let spans: Vec<_> = plain
        .spans
        .iter()
        .map(|span| Json {
            trace_id: format!("{:032x}", u128::from_be_bytes(span.trace_id)),
            id: format!("{:016x}", u64::from_be_bytes(span.id)),
            parent_id: span
                .parent
                .map(|id| format!("{:016x}", u64::from_be_bytes(id))),
            kind: if span.is_client { "CLIENT" } else { "SERVER" },
            name: span.name,
            timestamp: span.start_ns / 1_000,
            duration: duration_us(span),
            local_endpoint: Endpoint {
                service_name: plain.service,
            },
            annotations: annotations(span).collect(),
            tags: Tags(tags(plain, span)),
        })
        .collect();
    serde_json::to_vec(&spans).unwrap_or_default()
}

pub(super) fn protobuf(plain: &Plain<'_>) -> Vec<u8> {
    let mut endpoint = Message::default();
    endpoint.bytes(1, plain.service.as_bytes());
    let mut list = Message::default();
    for span in &plain.spans {
        let mut out = Message::default();
        out.bytes(1, &span.trace_id);
        if let Some(parent) = &span.parent {
            out.bytes(2, parent);
        }
        out.bytes(3, &span.id);
        out.number(4, if span.is_client { 1 } else { 2 });
        out.bytes(5, span.name.as_bytes());
        out.fixed(6, span.start_ns / 1_000);
        out.number(7, duration_us(span));
        out.message(8, &endpoint);
        for annotation in annotations(span) {
            let mut message = Message::default();
            message.fixed(1, annotation.timestamp);
            message.bytes(2, annotation.value.as_bytes());
            out.message(10, &message);
        }
        for (key, value) in tags(plain, span) {
            let mut entry = Message::default();
            entry.bytes(1, key.as_bytes());
            entry.bytes(2, value.as_bytes());
            out.message(11, &entry);
        }
        list.message(1, &out);
    }
    list.bytes
}

/// Nothing takes no time at all in Zipkin.
fn duration_us(span: &Span<'_>) -> u64 {
    ((span.end_ns - span.start_ns) / 1_000).max(1)
}

fn annotations<'a>(span: &Span<'a>) -> impl Iterator<Item = Annotation<'a>> {
    span.events.iter().map(|event| Annotation {
        timestamp: event.time_ns / 1_000,
        value: event.name,
    })
}

fn tags<'a>(plain: &Plain<'a>, span: &Span<'a>) -> Vec<(&'a str, Cow<'a, str>)> {
    let scope = [
        ("otel.scope.name", Value::Text(span.scope.0)),
        ("otel.scope.version", Value::Text(span.scope.1)),
    ];
    let error = span.error.map(|message| ("error", Value::Text(message)));
    let all = plain.process.iter().chain(&span.tags).copied();
    let texts = all.chain(scope).chain(error).map(|(key, value)| {
        let text = match value {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Bool(flag) => Cow::Owned(flag.to_string()),
            Value::Int(number) => Cow::Owned(number.to_string()),
            Value::Double(number) => Cow::Owned(number.to_string()),
        };
        (key, text)
    });
    texts.collect()
}
