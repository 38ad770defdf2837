//! Jaeger's protobuf: a `PostSpansRequest`.
//!
//! Source: `jaegertracing/jaeger-idl: proto/api_v2/{model,collector}.proto`.

use super::plain::{Plain, Tag, Value};
use crate::generator::protobuf::Message;

pub(super) fn request(plain: &Plain<'_>) -> Vec<u8> {
    let mut batch = Message::default();
    for span in &plain.spans {
        let mut out = Message::default();
        out.bytes(1, &span.trace_id);
        out.bytes(2, &span.id);
        out.bytes(3, span.name.as_bytes());
        if let Some(parent) = &span.parent {
            let mut reference = Message::default();
            reference.bytes(1, &span.trace_id);
            reference.bytes(2, parent);
            out.message(4, &reference);
        }
        out.number(5, 1);
        out.message(6, &time(span.start_ns));
        out.message(7, &time(span.end_ns - span.start_ns));
        for tag in span.all_tags() {
            out.message(8, &key_value(tag));
        }
        for event in &span.events {
            let mut log = Message::default();
            log.message(1, &time(event.time_ns));
            for field in event.fields() {
                log.message(2, &key_value(field));
            }
            out.message(9, &log);
        }
        batch.message(1, &out);
    }
    let mut process = Message::default();
    process.bytes(1, plain.service.as_bytes());
    for tag in &plain.process {
        process.message(2, &key_value(*tag));
    }
    batch.message(2, &process);
    let mut request = Message::default();
    request.message(1, &batch);
    request.bytes
}

/// A timestamp or a duration.
fn time(ns: u64) -> Message {
    let mut time = Message::default();
    time.number(1, ns / 1_000_000_000);
    time.number(2, ns % 1_000_000_000);
    time
}

fn key_value((key, value): Tag<'_>) -> Message {
    let mut out = Message::default();
    out.bytes(1, key.as_bytes());
    match value {
        Value::Text(text) => out.bytes(3, text.as_bytes()),
        Value::Bool(flag) => {
            out.number(2, 1);
            out.number(4, u64::from(flag));
        }
        Value::Int(number) => {
            out.number(2, 2);
            out.number(5, number as u64);
        }
        Value::Double(number) => {
            out.number(2, 3);
            out.fixed(6, number.to_bits());
        }
    }
    out
}
