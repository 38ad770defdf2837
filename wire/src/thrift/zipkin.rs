//! Zipkin's first model: `Span`, `Annotation`, `BinaryAnnotation`, `Endpoint`, and what Jaeger makes of them.
//!
//! A span whose annotations have a client's and a server's half becomes two with one id. What is missing or wrong is mended first, and says so in
//! a tag: a negative duration, a parent that is zero, times that only the annotations know, an error that is no truth value.
//!
//! Source: `jaegertracing/jaeger: model/converter/thrift/zipkin`, `cmd/collector/app/sanitizer/zipkin` v1.20.0.

use std::sync::Arc;

use model::{
    Dialect, Event, KeyValue, Link, RefType, Resource, Slice, Span, SpanId, Str, TraceId, Value,
};

use super::jaeger::{end_ns, list as structs, nanos, no_scope};
use super::reader::{Reader, Type};
use crate::budget::Budget;
use crate::jaeger::tags;
use crate::otlp::attribute::{text, text_or_bytes};
use crate::{DecodeError, Decoded};

/// The flag of a span that must be kept.
const DEBUG: u32 = 2;
const UNKNOWN_SERVICE: &str = "unknown-service-name";
const CLIENT: [&str; 2] = ["cs", "cr"];
const SERVER: [&str; 2] = ["sr", "ss"];
const LOCAL_COMPONENT: &str = "lc";

/// A span as it came.
#[derive(Default)]
struct Raw {
    trace_id: i64,
    trace_id_high: i64,
    id: i64,
    name: Slice,
    parent: Option<i64>,
    annotations: Vec<Annotation>,
    binary: Vec<Binary>,
    debug: bool,
    timestamp: Option<i64>,
    duration: Option<i64>,
}

struct Annotation {
    micros: i64,
    value: Str,
    host: Option<Endpoint>,
}

struct Binary {
    key: Str,
    value: Value,
    host: Option<Endpoint>,
}

#[derive(Clone, Default)]
struct Endpoint {
    ipv4: i32,
    ipv6: Slice,
    port: i16,
    service: Str,
}

/// Which half of a call a span is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
    Neither,
}

/// A list of spans.
pub(super) fn list(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Decoded, DecodeError> {
    let raw = structs(reader, budget, "spans", raw)?;
    let mut decoded = Decoded {
        spans: budget.list(raw.len())?,
        rejected: Vec::new(),
    };
    for mut raw in raw {
        mend(&mut raw, budget)?;
        let both = raw.has("cs") && raw.has("sr");
        let sides: &[Side] = match both {
            true => &[Side::Client, Side::Server],
            false if CLIENT.iter().any(|a| raw.has(a)) => &[Side::Client],
            false if SERVER.iter().any(|a| raw.has(a)) => &[Side::Server],
            false => &[Side::Neither],
        };
        for side in sides {
            budget.grow(&mut decoded.spans, 1)?;
            decoded.spans.push(convert(&raw, *side, both, budget)?);
        }
    }
    Ok(decoded)
}

fn raw(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Raw, DecodeError> {
    let mut raw = Raw::default();
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::I64) => raw.trace_id = reader.i64("trace id")?,
            (3, Type::Binary) => raw.name = reader.slice("span's name")?,
            (4, Type::I64) => raw.id = reader.i64("span id")?,
            (5, Type::I64) => raw.parent = Some(reader.i64("parent's id")?),
            (6, Type::List) => {
                raw.annotations = structs(reader, budget, "annotations", annotation)?;
            }
            (8, Type::List) => raw.binary = structs(reader, budget, "binary annotations", binary)?,
            (9, Type::Bool) => raw.debug = reader.bool("debug")?,
            (10, Type::I64) => raw.timestamp = Some(reader.i64("timestamp")?),
            (11, Type::I64) => raw.duration = Some(reader.i64("duration")?),
            (12, Type::I64) => raw.trace_id_high = reader.i64("trace id")?,
            (_, kind) => reader.skip(kind)?,
        }
    }
    Ok(raw)
}

fn annotation(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Annotation, DecodeError> {
    let (mut micros, mut value, mut host) = (0, Slice::default(), None);
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::I64) => micros = reader.i64("annotation's time")?,
            (2, Type::Binary) => value = reader.slice("annotation's value")?,
            (3, Type::Struct) => host = Some(endpoint(reader, budget)?),
            (_, kind) => reader.skip(kind)?,
        }
    }
    Ok(Annotation {
        micros,
        value: text(value, budget)?,
        host,
    })
}

fn binary(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Binary, DecodeError> {
    let (mut key, mut value, mut kind, mut host) = (Slice::default(), Slice::default(), 0, None);
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::Binary) => key = reader.slice("binary annotation's key")?,
            (2, Type::Binary) => value = reader.slice("binary annotation's value")?,
            (3, Type::I32) => kind = reader.i32("binary annotation's type")?,
            (4, Type::Struct) => host = Some(endpoint(reader, budget)?),
            (_, kind) => reader.skip(kind)?,
        }
    }
    let wrong = || DecodeError::Invalid {
        what: "binary annotation's value (not as long as its type is)",
        at: reader.at,
    };
    let bytes = value.as_bytes();
    let value = match kind {
        0 => Value::Bool(bytes.first().is_some_and(|b| *b != 0)),
        1 => Value::Bytes(value),
        2 => Value::Int(i64::from(i16::from_be_bytes(
            bytes.try_into().map_err(|_| wrong())?,
        ))),
        3 => Value::Int(i64::from(i32::from_be_bytes(
            bytes.try_into().map_err(|_| wrong())?,
        ))),
        4 => Value::Int(i64::from_be_bytes(bytes.try_into().map_err(|_| wrong())?)),
        5 => Value::Double(f64::from_be_bytes(bytes.try_into().map_err(|_| wrong())?)),
        _ => text_or_bytes(value),
    };
    Ok(Binary {
        key: text(key, budget)?,
        value,
        host,
    })
}

fn endpoint(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Endpoint, DecodeError> {
    let mut endpoint = Endpoint::default();
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::I32) => endpoint.ipv4 = reader.i32("endpoint's ipv4")?,
            (2, Type::I16) => endpoint.port = reader.i16("endpoint's port")?,
            (3, Type::Binary) => {
                endpoint.service = text(reader.slice("endpoint's service")?, budget)?;
            }
            (4, Type::Binary) => endpoint.ipv6 = reader.slice("endpoint's ipv6")?,
            (_, kind) => reader.skip(kind)?,
        }
    }
    Ok(endpoint)
}

// === impl Raw ===

impl Raw {
    fn has(&self, value: &str) -> bool {
        self.time_of(value).is_some()
    }

    fn time_of(&self, value: &str) -> Option<i64> {
        let found = self.annotations.iter().find(|a| a.value == value);
        found.map(|a| a.micros)
    }

    /// When a side's half began and how long it took, as far as its annotations say.
    fn times_of(&self, [begin, end]: [&str; 2]) -> (Option<i64>, Option<i64>) {
        let begin = self.time_of(begin);
        let took = begin.zip(self.time_of(end)).map(|(b, e)| e.wrapping_sub(b));
        (begin, took)
    }

    fn note(
        &mut self,
        key: &'static str,
        value: Value,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        budget.grow(&mut self.binary, 1)?;
        budget.charge(1, 80)?;
        self.binary.push(Binary {
            key: Str::from(key),
            value,
            host: None,
        });
        Ok(())
    }
}

/// What v1.20 mends before it converts.
fn mend(raw: &mut Raw, budget: &mut Budget) -> Result<(), DecodeError> {
    if raw.duration.is_some_and(|d| d < 0) {
        let was = raw.duration.unwrap_or_default().to_string();
        raw.note("errNegativeDuration", Value::String(Str::from(was)), budget)?;
        raw.duration = Some(1);
    }
    if raw.parent == Some(0) {
        raw.note("errZeroParentID", Value::String(Str::from("0")), budget)?;
        raw.parent = None;
    }
    let mut message = None;
    for tag in raw.binary.iter_mut().filter(|b| b.key == tags::ERROR) {
        if let Value::String(text) = &tag.value {
            let truth = match text.as_str() {
                "true" => true,
                "false" => false,
                _ => {
                    message = Some(text.clone());
                    true
                }
            };
            tag.value = Value::Bool(truth);
        }
    }
    if let Some(message) = message.filter(|m| !m.is_empty()) {
        raw.note("error.message", Value::String(message), budget)?;
    }
    if raw.timestamp.unwrap_or_default() == 0 {
        let client = raw.times_of(CLIENT);
        let (begin, took) = match client.0 {
            Some(_) => client,
            None => raw.times_of(SERVER),
        };
        // annotations that are no half of a call say when something was, too
        let first = raw.annotations.iter().map(|a| a.micros).min();
        raw.timestamp = begin.or(first);
        raw.duration = raw.duration.filter(|d| *d != 0).or(took.map(|t| t.max(0)));
    }
    Ok(())
}

fn convert(raw: &Raw, side: Side, is_half: bool, budget: &mut Budget) -> Result<Span, DecodeError> {
    let core = match side {
        Side::Client => CLIENT,
        Side::Server => SERVER,
        Side::Neither => [""; 2],
    };
    let (mut start, mut duration) = (
        raw.timestamp.unwrap_or_default(),
        raw.duration.unwrap_or_default(),
    );
    if is_half && let (Some(begin), took) = raw.times_of(core) {
        start = begin;
        duration = took.unwrap_or(duration);
    }
    let trace_id = TraceId::from_halves(raw.trace_id_high as u64, raw.trace_id as u64);
    let mut links = Vec::new();
    if let Some(parent) = raw.parent {
        links = budget.list(1)?;
        links.push(Link {
            trace_id,
            span_id: SpanId::from_u64(parent as u64),
            ref_type: RefType::ChildOf,
            ..Link::default()
        });
    }
    let mut attributes = budget.list(raw.binary.len() + 1)?;
    match side {
        Side::Client => attributes.push(KeyValue::new(tags::SPAN_KIND, "client")),
        Side::Server => attributes.push(KeyValue::new(tags::SPAN_KIND, "server")),
        Side::Neither => {}
    }
    let mut resource = Resource::default();
    for tag in &raw.binary {
        match tag.key.as_str() {
            "jaegerClient" => process_tag(&mut resource, "jaeger.version", &tag.value, budget)?,
            "jaeger.hostname" => process_tag(&mut resource, "hostname", &tag.value, budget)?,
            LOCAL_COMPONENT => attributes.push(KeyValue {
                key: Str::from("component"),
                value: tag.value.clone(),
            }),
            "sa" | "ca" => peer(tag, &mut attributes, budget)?,
            _ => attributes.push(KeyValue {
                key: tag.key.clone(),
                value: tag.value.clone(),
            }),
        }
    }
    let mut events = budget.list(raw.annotations.len())?;
    for annotation in &raw.annotations {
        let value = annotation.value.as_str();
        if !CLIENT.contains(&value) && !SERVER.contains(&value) {
            events.push(log(annotation, budget)?);
        }
    }
    let host = raw.host(core);
    budget.charge(1, size_of::<Resource>() + 96)?;
    let named = host.filter(|h| !h.service.is_empty());
    resource.service_name =
        Some(named.map_or_else(|| Str::from(UNKNOWN_SERVICE), |host| host.service.clone()));
    if let Some(host) = host.filter(|h| h.ipv4 != 0) {
        let ip = Value::Int(i64::from(host.ipv4 as u32));
        process_tag(&mut resource, "ip", &ip, budget)?;
    }
    let start_ns = nanos(start) as u64;
    Ok(Span {
        kind: tags::kind_of_tags(&attributes),
        status: tags::status_of_tags(&attributes),
        parent_span_id: tags::parent_of_references(trace_id, &links),
        trace_id,
        span_id: SpanId::from_u64(raw.id as u64),
        name: text(raw.name.clone(), budget)?,
        start_ns,
        end_ns: end_ns(start_ns, nanos(duration)),
        attributes,
        events,
        links,
        resource: Arc::new(resource),
        scope: no_scope(),
        dialect: Dialect::Jaeger,
        flags: if raw.debug { DEBUG } else { 0 },
        ..Span::default()
    })
}

impl Raw {
    /// Where the span was: of its core annotations, else of any, else of its local component.
    fn host(&self, core: [&str; 2]) -> Option<&Endpoint> {
        let named = |host: &&Endpoint| !host.service.is_empty();
        let cores = self.annotations.iter();
        let of_core = cores
            .filter(|a| core.contains(&a.value.as_str()))
            .filter_map(|a| a.host.as_ref());
        let of_any = self.annotations.iter().filter_map(|a| a.host.as_ref());
        let of_component = self.binary.iter();
        let of_component = of_component
            .filter(|b| b.key == LOCAL_COMPONENT)
            .filter_map(|b| b.host.as_ref());
        of_core.chain(of_any).chain(of_component).find(named)
    }
}

fn process_tag(
    resource: &mut Resource,
    key: &'static str,
    value: &Value,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    budget.grow(&mut resource.attributes, 1)?;
    budget.charge(1, 64)?;
    resource.attributes.push(KeyValue {
        key: Str::from(key),
        value: value.clone(),
    });
    Ok(())
}

/// Whom a span talked to.
fn peer(
    tag: &Binary,
    attributes: &mut Vec<KeyValue>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let Some(host) = &tag.host else {
        return Ok(());
    };
    budget.grow(attributes, 4)?;
    budget.charge(4, 64)?;
    if !host.service.is_empty() {
        attributes.push(KeyValue::new("peer.service", host.service.clone()));
    }
    if host.ipv4 != 0 {
        let ip = Value::Int(i64::from(host.ipv4 as u32));
        attributes.push(KeyValue {
            key: Str::from("peer.ipv4"),
            value: ip,
        });
    }
    if !host.ipv6.as_bytes().is_empty() {
        attributes.push(KeyValue::new("peer.ipv6", host.ipv6.clone()));
    }
    if host.port != 0 {
        let port = Value::Int(i64::from(host.port as u16));
        attributes.push(KeyValue {
            key: Str::from("peer.port"),
            value: port,
        });
    }
    Ok(())
}

/// An annotation that is a JSON object of texts is one field for each; any other is an event.
fn log(annotation: &Annotation, budget: &mut Budget) -> Result<Event, DecodeError> {
    let time_ns = nanos(annotation.micros) as u64;
    let text = annotation.value.as_str();
    if text.starts_with('{')
        && let Ok(fields) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
    {
        budget.charge(fields.len(), size_of::<KeyValue>() + 128)?;
        budget.charge(1, 2 * text.len())?;
        let fields = fields.into_iter().map(|(key, value)| {
            let value = match value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            KeyValue {
                key: Str::from(key),
                value: Value::String(Str::from(value)),
            }
        });
        return Ok(Event {
            time_ns,
            attributes: fields.collect(),
            ..Event::default()
        });
    }
    let mut attributes = budget.list(1)?;
    attributes.push(KeyValue::new(tags::EVENT, annotation.value.clone()));
    Ok(Event {
        time_ns,
        attributes,
        ..Event::default()
    })
}
