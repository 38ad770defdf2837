//! A trace in the JSON of Jaeger's HTTP API, which its UI takes and gives, read back into spans.
//!
//! In: one trace object: `traceID`, `spans`, `processes`. Out: spans in the `Jaeger` dialect. A span that cannot be is named, with the field
//! that was wrong, and its neighbours are kept. [`Pieces`] cuts a file into such objects. The way out is the query service's.
//!
//! Times have microseconds in it. Integers beyond 2^53 and floats that are no numbers may be text; a tag without a type has that of its value;
//! a `parentSpanID` of old files is a reference. What is odd of a trace as a whole (`warnings` beside `spans`) is passed over.
//!
//! Source: `jaegertracing/jaeger: internal/uimodel` v1.76.0; `jaegertracing/jaeger-ui: packages/jaeger-ui/src/types/trace.tsx`.

mod pieces;

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use model::{
    Event, KeyValue, Link, RefType, Resource, Scope, Slice, Span, SpanId, Str, TraceId, Value,
};
use serde_json::{Map, Value as Json};

use super::tags;
use crate::{DecodeError, Decoded, RejectedSpan};

pub use pieces::{Piece, PieceError, Pieces};

/// A field's value that it cannot have: which, and why.
type Wrong = String;

type Object = Map<String, Json>;

/// What spans name as their process.
type Processes = HashMap<String, Result<Arc<Resource>, Wrong>>;

/// The spans of one trace object.
pub fn decode(json: &[u8]) -> Result<Decoded, DecodeError> {
    let trace: Json =
        serde_json::from_slice(json).map_err(|error| DecodeError::Json(error.to_string()))?;
    let frame = || {
        let trace = object(&trace, "trace")?;
        let spans = match trace.get("spans") {
            None => return Err("trace has no spans: is it a trace of Jaeger's API?".to_owned()),
            Some(spans) => array(spans, "spans")?,
        };
        Ok((trace, spans))
    };
    let (trace, spans) = frame().map_err(DecodeError::Json)?;
    let mut processes = Processes::new();
    if let Some(Json::Object(listed)) = trace.get("processes") {
        for (id, process) in listed {
            let resource = resource(process, &format!("processes.{id}")).map(Arc::new);
            processes.insert(id.clone(), resource);
        }
    }
    let mut decoded = Decoded::default();
    let scope = Arc::default();
    for (nth, one) in spans.iter().enumerate() {
        match span(one, trace.get("traceID"), &processes, &scope) {
            Ok(span) => decoded.spans.push(span),
            Err(wrong) => decoded.rejected.push(RejectedSpan {
                reason: format!("spans[{nth}].{wrong}"),
                payload: Bytes::from(one.to_string()),
            }),
        }
    }
    Ok(decoded)
}

fn span(
    json: &Json,
    of_trace: Option<&Json>,
    processes: &Processes,
    scope: &Arc<Scope>,
) -> Result<Span, Wrong> {
    let span = object(json, "span")?;
    let trace_id = match span.get("traceID").or(of_trace) {
        Some(id) => trace_id(id, "traceID")?,
        None => return Err("traceID is missing".to_owned()),
    };
    let id = span_id(span.get("spanID").unwrap_or(&Json::Null), "spanID")?;
    let mut links = each(span.get("references"), "references", link)?;
    if links.is_empty()
        && let Some(parent) = span.get("parentSpanID").filter(|p| is_given(p))
    {
        links.push(Link {
            trace_id,
            span_id: span_id(parent, "parentSpanID")?,
            ref_type: RefType::ChildOf,
            ..Link::default()
        });
    }
    let start_ns = micros(span.get("startTime"), "startTime")?;
    let duration_ns = micros(span.get("duration"), "duration")?;
    let attributes = each(span.get("tags"), "tags", tag)?;
    let resource = match (span.get("process"), span.get("processID")) {
        (Some(process), _) if is_given(process) => Arc::new(resource(process, "process")?),
        (_, Some(Json::String(id))) => match processes.get(id) {
            Some(process) => process.clone()?,
            None => return Err(format!("processID {id:?} is not among the processes")),
        },
        _ => return Err("processID is missing".to_owned()),
    };
    Ok(Span {
        span_id: id,
        name: text(span.get("operationName"), "operationName")?,
        start_ns,
        end_ns: start_ns.saturating_add(duration_ns),
        events: each(span.get("logs"), "logs", event)?,
        flags: flags(span.get("flags"))?,
        warnings: each(span.get("warnings"), "warnings", |w, path| {
            text(Some(w), path)
        })?,
        ..tags::span(trace_id, attributes, links, resource, scope.clone())
    })
}

fn resource(json: &Json, path: &str) -> Result<Resource, Wrong> {
    let process = object(json, path)?;
    let service = text(process.get("serviceName"), &format!("{path}.serviceName"))?;
    let attributes = each(process.get("tags"), &format!("{path}.tags"), tag)?;
    Ok(Resource {
        attributes,
        ..Resource::of_service(service)
    })
}

fn link(json: &Json, path: &str) -> Result<Link, Wrong> {
    let reference = object(json, path)?;
    let at = |name: &str| format!("{path}.{name}");
    let id = |name: &str| reference.get(name).unwrap_or(&Json::Null);
    let ref_type = match reference.get("refType").and_then(Json::as_str) {
        Some("CHILD_OF") => RefType::ChildOf,
        Some("FOLLOWS_FROM") => RefType::FollowsFrom,
        _ => {
            return Err(wrong(
                &at("refType"),
                id("refType"),
                "CHILD_OF or FOLLOWS_FROM",
            ));
        }
    };
    Ok(Link {
        trace_id: trace_id(id("traceID"), &at("traceID"))?,
        span_id: span_id(id("spanID"), &at("spanID"))?,
        ref_type,
        ..Link::default()
    })
}

fn event(json: &Json, path: &str) -> Result<Event, Wrong> {
    let log = object(json, path)?;
    Ok(Event {
        time_ns: micros(log.get("timestamp"), &format!("{path}.timestamp"))?,
        attributes: each(log.get("fields"), &format!("{path}.fields"), tag)?,
        ..Event::default()
    })
}

fn tag(json: &Json, path: &str) -> Result<KeyValue, Wrong> {
    let tag = object(json, path)?;
    let key = text(tag.get("key"), &format!("{path}.key"))?;
    let at = format!("{path}.value");
    let value = tag.get("value").unwrap_or(&Json::Null);
    let value = match (tag.get("type").and_then(Json::as_str), value) {
        (Some("bool"), Json::Bool(value)) | (None, Json::Bool(value)) => Value::Bool(*value),
        (Some("bool"), Json::String(word)) if word == "true" || word == "false" => {
            Value::Bool(word == "true")
        }
        (Some("bool"), other) => return Err(wrong(&at, other, "true or false")),
        (Some("int64"), other) => Value::Int(int(other, &at)?),
        (Some("float64"), other) => Value::Double(float(other, &at)?),
        (Some("binary"), Json::String(text)) => {
            let bytes = BASE64
                .decode(text)
                .map_err(|_| wrong(&at, value, "base64"))?;
            Value::Bytes(Slice::from(bytes))
        }
        (Some("binary"), other) => return Err(wrong(&at, other, "base64")),
        (Some("string") | None, Json::String(text)) => Value::String(Str::from(text.as_str())),
        (Some("string"), Json::Null) => Value::String(Str::default()),
        (None, Json::Number(number)) => match number.as_i64() {
            Some(int) => Value::Int(int),
            None => Value::Double(float(value, &at)?),
        },
        (Some("string") | None, other) => return Err(wrong(&at, other, "text")),
        (Some(unknown), _) => {
            return Err(format!(
                "{path}.type {unknown:?} is none of string, bool, int64, float64, binary"
            ));
        }
    };
    Ok(KeyValue { key, value })
}

fn is_given(json: &Json) -> bool {
    !matches!(json, Json::Null) && json.as_str() != Some("")
}

fn object<'a>(json: &'a Json, path: &str) -> Result<&'a Object, Wrong> {
    json.as_object()
        .ok_or_else(|| wrong(path, json, "an object"))
}

fn array<'a>(json: &'a Json, path: &str) -> Result<&'a [Json], Wrong> {
    match json {
        Json::Array(list) => Ok(list),
        Json::Null => Ok(&[]),
        other => Err(wrong(path, other, "an array")),
    }
}

fn each<T>(
    json: Option<&Json>,
    path: &str,
    one: impl Fn(&Json, &str) -> Result<T, Wrong>,
) -> Result<Vec<T>, Wrong> {
    let list = array(json.unwrap_or(&Json::Null), path)?;
    let read = |(nth, json)| one(json, &format!("{path}[{nth}]"));
    list.iter().enumerate().map(read).collect()
}

fn text(json: Option<&Json>, path: &str) -> Result<Str, Wrong> {
    match json {
        None | Some(Json::Null) => Ok(Str::default()),
        Some(Json::String(text)) => Ok(Str::from(text.as_str())),
        Some(other) => Err(wrong(path, other, "text")),
    }
}

fn trace_id(json: &Json, path: &str) -> Result<TraceId, Wrong> {
    let id = json.as_str().and_then(|text| TraceId::parse(text).ok());
    id.ok_or_else(|| wrong(path, json, "an id in hex of up to 32 digits"))
}

fn span_id(json: &Json, path: &str) -> Result<SpanId, Wrong> {
    let id = json.as_str().and_then(|text| SpanId::parse(text).ok());
    id.ok_or_else(|| wrong(path, json, "an id in hex of up to 16 digits"))
}

fn int(json: &Json, path: &str) -> Result<i64, Wrong> {
    let whole = |float: f64| {
        // what is a whole number and fits stays what it was
        let int = float as i64;
        (int as f64 == float).then_some(int)
    };
    let int = match json {
        Json::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    int.ok_or_else(|| wrong(path, json, "a whole number"))
}

fn float(json: &Json, path: &str) -> Result<f64, Wrong> {
    let float = match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "+Inf" => Some(f64::INFINITY),
            "-Inf" => Some(f64::NEG_INFINITY),
            other => other.parse().ok(),
        },
        _ => None,
    };
    float.ok_or_else(|| wrong(path, json, "a number"))
}

/// Microseconds, in nanoseconds.
fn micros(json: Option<&Json>, path: &str) -> Result<u64, Wrong> {
    let json = json.unwrap_or(&Json::Null);
    let micros = u64::try_from(int(json, path)?).ok();
    let nanos = micros.and_then(|us| us.checked_mul(1000));
    nanos.ok_or_else(|| wrong(path, json, "microseconds of 0 or more"))
}

fn flags(json: Option<&Json>) -> Result<u32, Wrong> {
    match json {
        None | Some(Json::Null) => Ok(0),
        Some(json) => u32::try_from(int(json, "flags")?)
            .map_err(|_| wrong("flags", json, "a number of 32 bits")),
    }
}

#[cold]
fn wrong(path: &str, found: &Json, wanted: &str) -> Wrong {
    if found.is_null() {
        return format!("{path} is missing, or null: give {wanted}");
    }
    // enough to know it by
    let shown: String = found.to_string().chars().take(32).collect();
    format!("{path} {shown} is not {wanted}")
}

#[cfg(test)]
mod tests;
