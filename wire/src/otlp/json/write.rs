//! Spans as OTLP's JSON: borrowed views that serialize.
//!
//! In: spans of either dialect. Out: a `TracesData` in lowerCamelCase, ids in hex, 64-bit numbers as text, what has its default left
//! out, floats that are no numbers as protobuf's words for them.
//!
//! Source: OTLP specification 1.9, "JSON Protobuf Encoding".

use std::fmt::{self, Display};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Event, KeyValue, Link, Resource, Scope, Span, SpanId, StatusCode, TraceId, Value};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::super::resource::SERVICE_NAME;
use super::super::write::{WARNINGS, in_otlp};

/// `spans` as a `TracesData` in JSON: neighbours that share a resource and a scope stand in one group. Spans in the `Jaeger` dialect are
/// translated.
pub fn encode_json(spans: &[Span]) -> Vec<u8> {
    encode_otlp(&in_otlp(spans))
}

/// Appends the same to `out`.
pub fn append_json(spans: &[Span], out: &mut Vec<u8>) {
    append_otlp(&in_otlp(spans), out);
}

/// The same of spans in the `Otlp` dialect.
pub(crate) fn encode_otlp(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 1024);
    append_otlp(spans, &mut out);
    out
}

fn append_otlp(spans: &[Span], out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, &Traces(spans)).is_err() {
        // a map with text for keys cannot fail to serialize into memory
        out.truncate(start);
    }
}

struct Traces<'a>(&'a [Span]);
struct ResourceSpans<'a>(&'a [Span]);
struct ScopeSpans<'a>(&'a [Span]);
struct OneResource<'a>(&'a Resource);
struct OneScope<'a>(&'a Scope);
struct OneSpan<'a>(&'a Span);
struct OneEvent<'a>(&'a Event);
struct OneLink<'a>(&'a Link);
struct OneStatus<'a>(&'a model::Status);
struct Attributes<'a>(&'a [KeyValue], Extra<'a>);
struct AnyValue<'a>(&'a Value);
struct Text<T>(T);
/// `{"values": [...]}`
struct Values<T>(T);

/// An attribute that the model keeps elsewhere.
enum Extra<'a> {
    None,
    Service(&'a str),
    Warnings(&'a [model::Str]),
}

/// A list made by a function, so that nothing is collected.
struct List<I>(I);

impl<I: Iterator<Item = T> + Clone, T: Serialize> Serialize for List<I> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.0.clone())
    }
}

impl<T: Serialize> Serialize for Values<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(1))?;
        map.serialize_entry("values", &self.0)?;
        map.end()
    }
}

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

/// All 32 digits of it, where Jaeger's text may have 16.
struct Digits(TraceId);

impl Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0.0))
    }
}

fn trace_id(id: TraceId) -> Text<Digits> {
    Text(Digits(id))
}

fn span_id(id: SpanId) -> Text<SpanId> {
    Text(id)
}

fn text<M: SerializeMap>(map: &mut M, name: &'static str, text: &str) -> Result<(), M::Error> {
    if text.is_empty() {
        return Ok(());
    }
    map.serialize_entry(name, text)
}

fn count<M: SerializeMap>(map: &mut M, name: &'static str, count: u32) -> Result<(), M::Error> {
    if count == 0 {
        return Ok(());
    }
    map.serialize_entry(name, &count)
}

fn attributes<M: SerializeMap>(
    map: &mut M,
    list: &[KeyValue],
    extra: Extra<'_>,
) -> Result<(), M::Error> {
    if list.is_empty() && matches!(extra, Extra::None) {
        return Ok(());
    }
    map.serialize_entry("attributes", &Attributes(list, extra))
}

impl Serialize for Traces<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let groups = self
            .0
            .chunk_by(|a, b| Arc::ptr_eq(&a.resource, &b.resource));
        let mut map = s.serialize_map(Some(1))?;
        map.serialize_entry("resourceSpans", &List(groups.map(ResourceSpans)))?;
        map.end()
    }
}

impl Serialize for ResourceSpans<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        if let Some(first) = self.0.first() {
            map.serialize_entry("resource", &OneResource(&first.resource))?;
            let groups = self.0.chunk_by(|a, b| Arc::ptr_eq(&a.scope, &b.scope));
            map.serialize_entry("scopeSpans", &List(groups.map(ScopeSpans)))?;
            text(&mut map, "schemaUrl", &first.resource.schema_url)?;
        }
        map.end()
    }
}

impl Serialize for ScopeSpans<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        if let Some(first) = self.0.first() {
            map.serialize_entry("scope", &OneScope(&first.scope))?;
            map.serialize_entry("spans", &List(self.0.iter().map(OneSpan)))?;
            text(&mut map, "schemaUrl", &first.scope.schema_url)?;
        }
        map.end()
    }
}

impl Serialize for OneResource<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        let extra = match &self.0.service_name {
            Some(name) => Extra::Service(name),
            None => Extra::None,
        };
        attributes(&mut map, &self.0.attributes, extra)?;
        let dropped = self.0.dropped_attributes_count;
        count(&mut map, "droppedAttributesCount", dropped)?;
        map.end()
    }
}

impl Serialize for OneScope<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        text(&mut map, "name", &self.0.name)?;
        text(&mut map, "version", &self.0.version)?;
        attributes(&mut map, &self.0.attributes, Extra::None)?;
        let dropped = self.0.dropped_attributes_count;
        count(&mut map, "droppedAttributesCount", dropped)?;
        map.end()
    }
}

impl Serialize for OneSpan<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let span = self.0;
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("traceId", &trace_id(span.trace_id))?;
        map.serialize_entry("spanId", &span_id(span.span_id))?;
        text(&mut map, "traceState", &span.trace_state)?;
        if let Some(parent) = span.parent_span_id {
            map.serialize_entry("parentSpanId", &span_id(parent))?;
        }
        text(&mut map, "name", &span.name)?;
        count(&mut map, "kind", span.kind.number() as u32)?;
        map.serialize_entry("startTimeUnixNano", &Text(span.start_ns))?;
        map.serialize_entry("endTimeUnixNano", &Text(span.end_ns))?;
        let extra = match span.warnings.as_slice() {
            [] => Extra::None,
            warnings => Extra::Warnings(warnings),
        };
        attributes(&mut map, &span.attributes, extra)?;
        count(&mut map, "droppedAttributesCount", span.dropped.attributes)?;
        if !span.events.is_empty() {
            map.serialize_entry("events", &List(span.events.iter().map(OneEvent)))?;
        }
        count(&mut map, "droppedEventsCount", span.dropped.events)?;
        if !span.links.is_empty() {
            map.serialize_entry("links", &List(span.links.iter().map(OneLink)))?;
        }
        count(&mut map, "droppedLinksCount", span.dropped.links)?;
        map.serialize_entry("status", &OneStatus(&span.status))?;
        count(&mut map, "flags", span.flags)?;
        map.end()
    }
}

impl Serialize for OneEvent<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("timeUnixNano", &Text(self.0.time_ns))?;
        text(&mut map, "name", &self.0.name)?;
        attributes(&mut map, &self.0.attributes, Extra::None)?;
        let dropped = self.0.dropped_attributes_count;
        count(&mut map, "droppedAttributesCount", dropped)?;
        map.end()
    }
}

impl Serialize for OneLink<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("traceId", &trace_id(self.0.trace_id))?;
        map.serialize_entry("spanId", &span_id(self.0.span_id))?;
        text(&mut map, "traceState", &self.0.trace_state)?;
        attributes(&mut map, &self.0.attributes, Extra::None)?;
        let dropped = self.0.dropped_attributes_count;
        count(&mut map, "droppedAttributesCount", dropped)?;
        count(&mut map, "flags", self.0.flags)?;
        map.end()
    }
}

impl Serialize for OneStatus<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        text(&mut map, "message", &self.0.message)?;
        let code = match self.0.code {
            StatusCode::Unset => 0,
            StatusCode::Ok => 1,
            StatusCode::Error => 2,
        };
        count(&mut map, "code", code)?;
        map.end()
    }
}

/// One attribute: its key, and its value by a function of the serializer's choosing.
struct Pair<'a, T>(&'a str, T);

impl<T: Serialize> Serialize for Pair<'_, T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(2))?;
        map.serialize_entry("key", self.0)?;
        map.serialize_entry("value", &self.1)?;
        map.end()
    }
}

/// A value that is not of the model: text, or a list of texts.
enum Made<'a> {
    Text(&'a str),
    Texts(&'a [model::Str]),
}

impl Serialize for Made<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(1))?;
        match self {
            Self::Text(text) => map.serialize_entry("stringValue", text)?,
            Self::Texts(texts) => {
                let values = List(texts.iter().map(|text| Made::Text(text)));
                map.serialize_entry("arrayValue", &Values(values))?;
            }
        }
        map.end()
    }
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut list = s.serialize_seq(None)?;
        if let Extra::Service(name) = self.1 {
            list.serialize_element(&Pair(SERVICE_NAME, Made::Text(name)))?;
        }
        for attribute in self.0 {
            list.serialize_element(&Pair(&attribute.key, AnyValue(&attribute.value)))?;
        }
        if let Extra::Warnings(texts) = self.1 {
            list.serialize_element(&Pair(WARNINGS, Made::Texts(texts)))?;
        }
        list.end()
    }
}

impl Serialize for AnyValue<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        match self.0 {
            Value::Empty => {}
            Value::String(text) => map.serialize_entry("stringValue", text.as_str())?,
            Value::Bool(value) => map.serialize_entry("boolValue", value)?,
            Value::Int(value) => map.serialize_entry("intValue", &Text(value))?,
            Value::Double(value) => match double_word(*value) {
                Some(word) => map.serialize_entry("doubleValue", word)?,
                None => map.serialize_entry("doubleValue", value)?,
            },
            Value::Bytes(bytes) => {
                map.serialize_entry("bytesValue", &STANDARD.encode(bytes.as_bytes()))?;
            }
            Value::Array(values) => {
                let values = List(values.iter().map(AnyValue));
                map.serialize_entry("arrayValue", &Values(values))?;
            }
            Value::Map(entries) => {
                let values = Attributes(entries, Extra::None);
                map.serialize_entry("kvlistValue", &Values(values))?;
            }
        }
        map.end()
    }
}

/// Protobuf's words for floats that are no numbers.
pub(crate) fn double_word(value: f64) -> Option<&'static str> {
    match value {
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ if value.is_nan() => Some("NaN"),
        _ => None,
    }
}
