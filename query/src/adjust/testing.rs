//! Spans for the adjusters' tests, all in one trace.

use std::sync::Arc;

use model::{RefType, Slice, SpanId, Str, TraceId};
use wire::jaeger::{Log, Process, Reference, Span, Tag, TagValue};

/// The low half of their trace's id.
pub(super) const TRACE: u64 = 1;

/// A span with this id, a child of `parent` unless that is 0.
pub(super) fn span(id: u64, parent: u64) -> Span {
    let trace_id = TraceId::from_halves(0, TRACE);
    Span {
        trace_id,
        span_id: SpanId::from_u64(id),
        operation_name: "op".into(),
        references: (parent != 0)
            .then(|| Reference {
                ref_type: RefType::ChildOf,
                trace_id,
                span_id: SpanId::from_u64(parent),
            })
            .into_iter()
            .collect(),
        flags: 0,
        start_ns: 0,
        duration_ns: 0,
        tags: Vec::new(),
        logs: Vec::new(),
        process: process("s", Vec::new()),
        warnings: Vec::new(),
    }
}

pub(super) fn kind(mut span: Span, kind: &str) -> Span {
    span.tags.push(tag("span.kind", kind));
    span
}

pub(super) fn process(service: &str, tags: Vec<Tag>) -> Arc<Process> {
    Arc::new(Process {
        service_name: service.into(),
        tags,
    })
}

pub(super) fn log(time_ns: u64, fields: Vec<Tag>) -> Log {
    Log { time_ns, fields }
}

pub(super) fn tag(key: &str, value: impl Into<Wrapped>) -> Tag {
    Tag {
        key: key.into(),
        value: value.into().0,
    }
}

/// Lets plain values stand for tag values.
pub(super) struct Wrapped(TagValue);

impl From<&str> for Wrapped {
    fn from(text: &str) -> Self {
        Self(TagValue::String(Str::from(text)))
    }
}

impl From<bool> for Wrapped {
    fn from(value: bool) -> Self {
        Self(TagValue::Bool(value))
    }
}

impl From<i64> for Wrapped {
    fn from(value: i64) -> Self {
        Self(TagValue::Int(value))
    }
}

impl From<f64> for Wrapped {
    fn from(value: f64) -> Self {
        Self(TagValue::Double(value))
    }
}

impl From<&[u8]> for Wrapped {
    fn from(bytes: &[u8]) -> Self {
        Self(TagValue::Binary(Slice::from(bytes)))
    }
}
