//! Jaeger's span in the JSON of protobuf, as it stands in a Kafka record of the encoding `json`.
//!
//! In: JSON text. Out: a span in the `Jaeger` dialect. The text becomes a `jaeger.api_v2.Span` in protobuf, which [`super::proto`] reads: one
//! rule book for both, and text is copied once, into a buffer that all of the span shares. And back: spans of either dialect, byte for byte as
//! Jaeger v1.76 writes them.
//!
//! Names are taken in lowerCamelCase and in snake_case, ids in base64 alone, 64-bit numbers as text or numbers, enums by name or number,
//! durations as Go writes them, too; `null` is a field that is not there. Unknown names are passed over, where Jaeger's ingester refuses the
//! record: what a newer Jaeger adds to a span shall not cost the span. A trace id must be there, so that no JSON of another kind is a span.
//! `processId` is passed over: nothing sends it.
//!
//! Source: `gogo/protobuf: jsonpb/jsonpb.go` v1.3.2; `jaegertracing/jaeger-idl: proto/api_v2/model.proto`, `model/v1/ids.go` v0.6.0.

mod encode;
mod time;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use model::Span;

use super::proto;
use crate::DecodeError;
use crate::budget::Budget;
use crate::otlp::json::fields::{
    Bad, Done, Output, Reading, array, choice, double, ignore, object, string, text, whole,
};
use crate::otlp::json::reader::Kind;
use crate::writer::Writer;

pub use encode::encode_span;

/// Decodes one `Span`, with the process inside.
///
/// # Errors
///
/// When the text is no JSON, or a field has a value that it cannot have, or there is no trace id: the field, the value and where.
#[allow(clippy::needless_pass_by_value)] // every decoder takes the body
pub fn decode_span(value: Bytes) -> Result<Span, DecodeError> {
    let json = std::str::from_utf8(&value)
        .map_err(|error| DecodeError::Json(format!("JSON is not UTF-8: {error}")))?;
    let mut budget = Budget::of_message(json.len());
    let mut protobuf = Vec::with_capacity(json.len() / 2);
    let mut reader = Reading::new(json);
    span(&mut reader, &mut Writer::new(&mut protobuf))
        .and_then(|()| Ok(reader.end()?))
        .map_err(|bad| match bad {
            Bad::Value(reason) => {
                DecodeError::Json(format!("{reason}, before byte {}", reader.at()))
            }
            other => DecodeError::from(other),
        })?;
    // it moves while it grows
    budget.charge(2, protobuf.len())?;
    proto::decode_span_within(Bytes::from(protobuf), budget)
}

fn span(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    let mut has_id = false;
    object(r, "span", |name, r| match name {
        "traceId" | "trace_id" => {
            has_id = true;
            trace_id(r, name, 1, w)
        }
        "spanId" | "span_id" => span_id(r, name, 2, w),
        "operationName" | "operation_name" => text(r, name, 3, w),
        "references" => array(r, name, |r| w.in_message(4, |w| reference(r, w))),
        "flags" => {
            w.varint(5, whole::<u32>(r, name)?.into());
            Ok(())
        }
        "startTime" | "start_time" => w.in_message(6, |w| timestamp(r, name, w)),
        "duration" => w.in_message(7, |w| duration(r, name, w)),
        "tags" => tags(r, name, 8, w),
        "logs" => array(r, name, |r| w.in_message(9, |w| log(r, w))),
        "process" => w.in_message(10, |w| process(r, w)),
        "warnings" => array(r, name, |r| text(r, name, 12, w)),
        _ => ignore(r),
    })?;
    if has_id {
        return Ok(());
    }
    let reason = "traceId is missing: is it a span of Jaeger's?";
    Err(Bad::Value(reason.to_owned()))
}

fn reference(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    const TYPES: [&str; 2] = ["CHILD_OF", "FOLLOWS_FROM"];
    object(r, "reference", |name, r| match name {
        "traceId" | "trace_id" => trace_id(r, name, 1, w),
        "spanId" | "span_id" => span_id(r, name, 2, w),
        "refType" | "ref_type" => choice(r, name, &TYPES, 3, w),
        _ => ignore(r),
    })
}

fn log(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    object(r, "log", |name, r| match name {
        "timestamp" => w.in_message(1, |w| timestamp(r, name, w)),
        "fields" => tags(r, name, 2, w),
        _ => ignore(r),
    })
}

fn process(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    object(r, "process", |name, r| match name {
        "serviceName" | "service_name" => text(r, name, 1, w),
        "tags" => tags(r, name, 2, w),
        _ => ignore(r),
    })
}

fn tags(r: &mut Reading<'_>, what: &str, number: u32, w: &mut Output<'_>) -> Done {
    array(r, what, |r| w.in_message(number, |w| tag(r, w)))
}

fn tag(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    const TYPES: [&str; 5] = ["STRING", "BOOL", "INT64", "FLOAT64", "BINARY"];
    object(r, "tag", |name, r| match name {
        "key" => text(r, name, 1, w),
        "vType" | "v_type" => choice(r, name, &TYPES, 2, w),
        "vStr" | "v_str" => text(r, name, 3, w),
        "vBool" | "v_bool" => match r.peek()? {
            Kind::Bool => {
                w.varint(4, r.bool()?.into());
                Ok(())
            }
            other => Err(Bad::shape(name, "true or false", other)),
        },
        "vInt64" | "v_int64" => {
            w.varint(5, whole::<i64>(r, name)? as u64);
            Ok(())
        }
        "vFloat64" | "v_float64" => {
            w.fixed64(6, double(r, name)?.to_bits());
            Ok(())
        }
        "vBinary" | "v_binary" => {
            let text = string(r, name)?;
            let bytes = BASE64.decode(text.as_bytes());
            w.bytes(7, &bytes.map_err(|_| Bad::value(name, "base64", &text))?);
            Ok(())
        }
        _ => ignore(r),
    })
}

fn trace_id(r: &mut Reading<'_>, what: &str, number: u32, w: &mut Output<'_>) -> Done {
    id(r, what, "base64 of 16 or 8 bytes", &[16, 8], number, w)
}

fn span_id(r: &mut Reading<'_>, what: &str, number: u32, w: &mut Output<'_>) -> Done {
    id(r, what, "base64 of 8 bytes", &[8], number, w)
}

/// An id of one of `lengths`, in bytes.
fn id(
    r: &mut Reading<'_>,
    what: &str,
    wanted: &str,
    lengths: &[usize],
    number: u32,
    w: &mut Output<'_>,
) -> Done {
    let text = string(r, what)?;
    // more than any of them takes: what does not fit is no id
    let mut room = [0; 24];
    let len = BASE64.decode_slice(text.as_bytes(), &mut room);
    let id = len.ok().and_then(|len| room.get(..len));
    match id.filter(|id| lengths.contains(&id.len())) {
        Some(id) => {
            w.bytes(number, id);
            Ok(())
        }
        None => Err(Bad::value(what, wanted, &text)),
    }
}

/// `google.protobuf.Timestamp`.
fn timestamp(r: &mut Reading<'_>, what: &str, w: &mut Output<'_>) -> Done {
    let text = string(r, what)?;
    match time::timestamp(&text) {
        Some(time) => {
            seconds_and_nanos(time.seconds, time.nanos, w);
            Ok(())
        }
        None => Err(Bad::value(what, "a time as in RFC 3339", &text)),
    }
}

/// `google.protobuf.Duration`.
fn duration(r: &mut Reading<'_>, what: &str, w: &mut Output<'_>) -> Done {
    let text = string(r, what)?;
    match time::duration_ns(&text) {
        Some(nanos) => {
            let duration = time::duration_of(nanos);
            seconds_and_nanos(duration.seconds, duration.nanos, w);
            Ok(())
        }
        None => Err(Bad::value(what, "a duration such as 0.005s", &text)),
    }
}

/// Both are written, zeros too, so that of two times of one name the last counts.
fn seconds_and_nanos(seconds: i64, nanos: i32, w: &mut Output<'_>) {
    w.varint(1, seconds as u64);
    w.varint(2, i64::from(nanos) as u64);
}

#[cfg(test)]
mod tests;
