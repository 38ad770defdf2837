//! Lists of spans in Zipkin's protobuf.
//!
//! In: a `ListOfSpans`. Out: spans. Trace ids have 8 or 16 bytes and span ids 8. Text that is not UTF-8 is mended as in [`crate::otlp`],
//! where Go refuses the request.
//!
//! Source: `openzipkin/zipkin-api: zipkin.proto`; `openzipkin/zipkin-go: proto/zipkin_proto3/decode_proto.go` v0.4.3.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use model::{Buffer, KeyValue, Slice, SpanId, SpanKind, Str, TraceId, Value};

use super::convert::{Converter, Rules};
use super::room::{copied, push};
use super::{Annotation, Endpoint, Span};
use crate::budget::Budget;
use crate::cursor::Cursor;
use crate::otlp::attribute::{self, text_or_bytes};
use crate::otlp::json::fields::{Bad, Done};
use crate::{DecodeError, Decoded, RejectedSpan};

/// Decodes a `ListOfSpans`.
pub(crate) fn decode(body: &Bytes, received_ns: u64) -> Result<Decoded, DecodeError> {
    let buffer = Buffer::new(body.clone()).ok_or(DecodeError::TooLong(body.len()))?;
    let mut budget = Budget::of_message(body.len());
    let mut cursor = Cursor::new(&buffer);
    let [count] = cursor.count([1])?;
    let mut decoded = Decoded {
        spans: budget.list(count)?,
        rejected: Vec::new(),
    };
    let mut converter = Converter::new(Rules::V2, received_ns);
    let mut scratch = Span::default();
    while let Some((number, wire)) = cursor.key()? {
        if number != 1 {
            cursor.skip(number, wire)?;
            continue;
        }
        let one = cursor.message(wire, "span")?;
        let range = one.range();
        scratch.clear();
        let read = span(one, &mut scratch, &mut budget)
            .and_then(|()| Ok(converter.convert(&mut scratch, &mut budget)?));
        match read {
            Ok(span) => decoded.spans.push(span),
            Err(bad) => {
                budget.charge(1, 256)?;
                let rejected = RejectedSpan {
                    reason: bad.to_string(),
                    payload: body.slice(range),
                };
                push(&mut decoded.rejected, rejected, &mut budget)?;
            }
        }
    }
    Ok(decoded)
}

fn span(mut cursor: Cursor<'_>, span: &mut Span, budget: &mut Budget) -> Done {
    let mut invalid_keys = 0;
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => span.trace_id = Some(trace_id(cursor.raw(wire, "span's trace id")?)?),
            2 => span.parent_id = parent_id(cursor.raw(wire, "span's parent id")?)?,
            3 => span.id = parent_id(cursor.raw(wire, "span's id")?)?,
            4 => span.kind = kind(cursor.varint(wire, "span's kind")?),
            5 => {
                let name = cursor.slice(wire, "span's name")?;
                let (name, kept) = attribute::name(name, budget)?;
                span.name = name;
                if let Some(kept) = kept {
                    push(&mut span.tags, kept, budget)?;
                }
            }
            6 => span.timestamp_us = bounded(cursor.fixed64(wire, "span's timestamp")?),
            7 => span.duration_us = bounded(cursor.varint(wire, "span's duration")?),
            8 => {
                let inner = cursor.message(wire, "span's local endpoint")?;
                endpoint(inner, &mut span.local, budget)?;
            }
            9 => {
                let inner = cursor.message(wire, "span's remote endpoint")?;
                endpoint(inner, &mut span.remote, budget)?;
            }
            10 => {
                let inner = cursor.message(wire, "span's annotation")?;
                let annotation = annotation(inner, budget)?;
                push(&mut span.annotations, annotation, budget)?;
            }
            11 => {
                let inner = cursor.message(wire, "span's tag")?;
                let tag = tag(inner, &mut invalid_keys, budget)?;
                push(&mut span.tags, tag, budget)?;
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    let missing = |name| Bad::Value(format!("span has no {name}"));
    span.trace_id.ok_or_else(|| missing("trace id"))?;
    span.id.ok_or_else(|| missing("id"))?;
    Ok(())
}

fn trace_id(bytes: &[u8]) -> Result<TraceId, Bad> {
    let id = match (<[u8; 16]>::try_from(bytes), <[u8; 8]>::try_from(bytes)) {
        (Ok(id), _) => TraceId(id),
        (_, Ok(low)) => TraceId::from_halves(0, u64::from_be_bytes(low)),
        _ => return Err(wrong_id("trace id", bytes)),
    };
    if id.is_zero() {
        return Err(Bad::Value("trace id is all zero".to_owned()));
    }
    Ok(id)
}

/// None when it is empty or all zero.
fn parent_id(bytes: &[u8]) -> Result<Option<SpanId>, Bad> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let id = bytes.try_into().map(SpanId);
    let id = id.map_err(|_| wrong_id("span id", bytes))?;
    Ok((!id.is_zero()).then_some(id))
}

#[cold]
fn wrong_id(what: &str, bytes: &[u8]) -> Bad {
    Bad::Value(format!("{what} {} has {} bytes", hex(bytes), bytes.len()))
}

/// As many bytes as the longest id and address have: more comes from a stranger.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn kind(number: u64) -> SpanKind {
    match number {
        1 => SpanKind::Client,
        2 => SpanKind::Server,
        3 => SpanKind::Producer,
        4 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

/// As far as the model's times go.
fn bounded(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

fn endpoint(
    mut cursor: Cursor<'_>,
    endpoint: &mut Endpoint,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => {
                let name = cursor.slice(wire, "endpoint's service name")?;
                endpoint.service_name = attribute::text(name, budget)?;
            }
            2 => endpoint.ipv4 = address(cursor.raw(wire, "endpoint's ipv4")?, budget)?,
            3 => endpoint.ipv6 = address(cursor.raw(wire, "endpoint's ipv6")?, budget)?,
            // an int32
            4 => endpoint.port = i64::from(cursor.varint(wire, "endpoint's port")? as i32),
            _ => cursor.skip(number, wire)?,
        }
    }
    Ok(())
}

/// An address as Go writes it; bytes that are none in hex, behind a question mark.
fn address(bytes: &[u8], budget: &mut Budget) -> Result<Str, DecodeError> {
    let ipv4 = <[u8; 4]>::try_from(bytes).map(|ip| IpAddr::V4(Ipv4Addr::from(ip)));
    let ipv6 = <[u8; 16]>::try_from(bytes).map(|ip| IpAddr::V6(Ipv6Addr::from(ip)));
    match ipv4.or(ipv6) {
        Ok(ip) => copied(&ip.to_canonical().to_string(), budget),
        Err(_) if bytes.is_empty() => Ok(Str::default()),
        Err(_) => copied(&format!("?{}", hex(bytes)), budget),
    }
}

fn annotation(mut cursor: Cursor<'_>, budget: &mut Budget) -> Result<Annotation, DecodeError> {
    let mut annotation = Annotation::default();
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => annotation.timestamp_us = bounded(cursor.fixed64(wire, "annotation's time")?),
            2 => {
                let value = cursor.slice(wire, "annotation's value")?;
                annotation.value = attribute::text(value, budget)?;
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    Ok(annotation)
}

/// An entry of a map.
fn tag(
    mut cursor: Cursor<'_>,
    invalid_keys: &mut u32,
    budget: &mut Budget,
) -> Result<KeyValue, DecodeError> {
    let (mut key, mut value) = (Slice::default(), Value::String(Str::default()));
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => key = cursor.slice(wire, "tag's key")?,
            2 => value = text_or_bytes(cursor.slice(wire, "tag's value")?),
            _ => cursor.skip(number, wire)?,
        }
    }
    attribute::attribute(key, value, invalid_keys, budget)
}
