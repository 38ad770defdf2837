//! From spans to bytes, as Jaeger's gogo-generated code writes them: ids, times and durations always, anything else unless it is zero.
//!
//! In: spans of either dialect, or Jaeger's view of them. Out: messages whose bytes equal Jaeger's; tags, fields and references come from [`tags`]. What
//! Jaeger cannot say (scope attributes, link attributes, dropped counts, the sign of a zero) is lost.
//!
//! Source: `jaegertracing/jaeger-idl: proto/api_v2/model.proto` v0.6.0 and the golden Kafka records of v1.76.0.

use std::sync::Arc;

use model::{Event, RefType, Resource, Span};

use crate::jaeger::tags::{self, Text, ValueRef};
use crate::jaeger::time::NANOS;
use crate::jaeger::{self, Reference, Tag};
use crate::writer::Writer;

/// The process that was written last, and of what.
#[derive(Debug, Default)]
pub struct Written {
    resource: Option<Arc<Resource>>,
    process: Vec<u8>,
}

/// Appends `span` to `out` as a `Span` with its process inside, as it stands in a Kafka record. Beyond `out` nothing is allocated, but for the
/// process, and for the text of an attribute that is an array or a map.
pub fn encode_span(span: &Span, out: &mut Vec<u8>) {
    encode_span_after(span, &mut Written::default(), out);
}

/// The same of a span that comes after others: a process that is that of the span before is copied.
pub fn encode_span_after(span: &Span, written: &mut Written, out: &mut Vec<u8>) {
    write_span(&mut Writer::new(out), span, written.process_of(span));
}

// === impl Written ===

impl Written {
    /// The process of `span`, as it stands in one.
    fn process_of(&mut self, span: &Span) -> &[u8] {
        let resource = &span.resource;
        if !(self.resource.as_ref()).is_some_and(|before| Arc::ptr_eq(before, resource)) {
            self.process.clear();
            write_process(&mut Writer::new(&mut self.process), 10, resource);
            self.resource = Some(resource.clone());
        }
        &self.process
    }
}

/// `spans` as a `PostSpansRequest`. The process stands in the batch when all spans share it, else in each span.
pub fn encode_post_spans(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 512);
    let shared = spans.first().map(|s| &s.resource).filter(|resource| {
        spans
            .iter()
            .all(|span| Arc::ptr_eq(resource, &span.resource))
    });
    Writer::new(&mut out).long_message(1, |w| {
        let mut written = Written::default();
        for span in spans {
            let process: &[u8] = match shared {
                Some(_) => &[],
                None => written.process_of(span),
            };
            w.long_message(1, |w| write_span(w, span, process));
        }
        if let Some(resource) = shared {
            write_process(w, 2, resource);
        }
    });
    out
}

/// `spans` as a message that holds them in field 1, each with its process inside, such as `SpansResponseChunk`.
pub fn encode_spans(spans: &[jaeger::Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 512);
    let mut w = Writer::new(&mut out);
    for span in spans {
        w.long_message(1, |w| write_view(w, span));
    }
    out
}

/// The same of spans as they are stored, such as a `WriteSpanRequest` of one.
pub fn encode_each(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 512);
    let mut w = Writer::new(&mut out);
    let mut written = Written::default();
    for span in spans {
        w.long_message(1, |w| write_span(w, span, written.process_of(span)));
    }
    out
}

fn write_view(w: &mut Writer<'_>, span: &jaeger::Span) {
    w.bytes(1, &span.trace_id.0);
    w.bytes(2, &span.span_id.0);
    w.bytes_unless_empty(3, span.operation_name.as_bytes());
    for reference in &span.references {
        write_reference(w, *reference);
    }
    w.varint_unless_zero(5, span.flags.into());
    write_timestamp(w, 6, span.start_ns);
    write_duration(w, 7, span.duration_ns as i64);
    write_tags(w, 8, &span.tags);
    for log in &span.logs {
        w.message(9, |w| {
            write_timestamp(w, 1, log.time_ns);
            write_tags(w, 2, &log.fields);
        });
    }
    w.message(10, |w| {
        w.bytes_unless_empty(1, span.process.service_name.as_bytes());
        write_tags(w, 2, &span.process.tags);
    });
    for warning in &span.warnings {
        w.bytes(12, warning.as_bytes());
    }
}

fn write_tags(w: &mut Writer<'_>, number: u32, tags: &[Tag]) {
    for tag in tags {
        write_tag(w, number, &Text::Shared(&tag.key), &tag.value.as_ref());
    }
}

/// `process` stands in it as it is.
fn write_span(w: &mut Writer<'_>, span: &Span, process: &[u8]) {
    w.bytes(1, &span.trace_id.0);
    w.bytes(2, &span.span_id.0);
    w.bytes_unless_empty(3, span.name.as_bytes());
    tags::for_each_reference(span, |reference| write_reference(w, reference));
    w.varint_unless_zero(5, tags::flags(span).into());
    write_timestamp(w, 6, span.start_ns);
    // an end before its start is a negative duration, which Jaeger can say
    write_duration(w, 7, span.end_ns.wrapping_sub(span.start_ns) as i64);
    tags::for_each_span_tag(span, |key, value| write_tag(w, 8, &key, &value));
    for event in &span.events {
        w.message(9, |w| write_log(w, span, event));
    }
    w.raw(process);
    for warning in &span.warnings {
        w.bytes(12, warning.as_bytes());
    }
}

fn write_reference(w: &mut Writer<'_>, reference: Reference) {
    w.message(4, |w| {
        w.bytes(1, &reference.trace_id.0);
        w.bytes(2, &reference.span_id.0);
        if reference.ref_type == RefType::FollowsFrom {
            w.varint(3, 1);
        }
    });
}

fn write_log(w: &mut Writer<'_>, span: &Span, event: &Event) {
    write_timestamp(w, 1, event.time_ns);
    tags::for_each_log_field(span.dialect, event, |key, value| {
        write_tag(w, 2, &key, &value);
    });
}

fn write_process(w: &mut Writer<'_>, number: u32, resource: &Resource) {
    if !tags::has_process(resource) {
        return;
    }
    w.long_message(number, |w| {
        w.bytes_unless_empty(1, resource.service_name().as_bytes());
        tags::for_each_process_tag(resource, |key, value| write_tag(w, 2, &key, &value));
    });
}

fn write_timestamp(w: &mut Writer<'_>, number: u32, time_ns: u64) {
    // times before the epoch are kept as the unsigned form of a negative number
    let time = time_ns as i64;
    w.message(number, |w| {
        w.varint_unless_zero(1, time.div_euclid(NANOS) as u64);
        w.varint_unless_zero(2, time.rem_euclid(NANOS) as u64);
    });
}

fn write_duration(w: &mut Writer<'_>, number: u32, duration_ns: i64) {
    w.message(number, |w| {
        w.varint_unless_zero(1, (duration_ns / NANOS) as u64);
        w.varint_unless_zero(2, (duration_ns % NANOS) as u64);
    });
}

fn write_tag(w: &mut Writer<'_>, number: u32, key: &Text<'_>, value: &ValueRef<'_>) {
    if let ValueRef::String(text) = value
        && w.short_texts(number, key.as_str().as_bytes(), 3, text.as_str().as_bytes())
    {
        return;
    }
    w.message(number, |w| {
        w.bytes_unless_empty(1, key.as_str().as_bytes());
        match value {
            ValueRef::String(text) => w.bytes_unless_empty(3, text.as_str().as_bytes()),
            ValueRef::Bool(value) => {
                w.varint(2, 1);
                w.varint_unless_zero(4, u64::from(*value));
            }
            ValueRef::Int(value) => {
                w.varint(2, 2);
                w.varint_unless_zero(5, *value as u64);
            }
            ValueRef::Double(value) => {
                w.varint(2, 3);
                if *value != 0.0 {
                    w.fixed64(6, value.to_bits());
                }
            }
            ValueRef::Binary(bytes) => {
                w.varint(2, 4);
                w.bytes_unless_empty(7, bytes);
            }
        }
    });
}
