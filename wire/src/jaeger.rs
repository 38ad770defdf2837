//! Jaeger's view of a span: tags, logs, references, process. What its API, its documents and its messages are made of.
//!
//! In: a [`model::Span`] of either dialect. Out: plain structures whose text still points into the span's buffers.
//!
//! Source: `jaegertracing/jaeger-idl: proto/api_v2/model.proto`; the rules from OTLP are in [`tags`].

pub mod json;
pub mod proto;
pub(crate) mod service;
pub mod tags;
pub(crate) mod time;
pub mod to_otlp;
pub mod ui;

use std::sync::Arc;

use model::{RefType, Resource, Slice, SpanId, Str, TraceId};

/// Jaeger's span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// What was done.
    pub operation_name: Str,
    /// The spans it refers to, the parent first when it came from OTLP.
    pub references: Vec<Reference>,
    /// 1 sampled, 2 debug, 8 firehose.
    pub flags: u32,
    /// Nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// Nanoseconds.
    pub duration_ns: u64,
    /// In Jaeger's order.
    pub tags: Vec<Tag>,
    /// In the order received.
    pub logs: Vec<Log>,
    /// What produced it; shared by the spans of one resource.
    pub process: Arc<Process>,
    /// What is odd about it.
    pub warnings: Vec<Str>,
}

/// A reference to another span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Child of, or follows from.
    pub ref_type: RefType,
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
}

/// What produced spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// The service's name.
    pub service_name: Str,
    /// Its tags.
    pub tags: Vec<Tag>,
}

/// Fields with a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// Nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// The fields.
    pub fields: Vec<Tag>,
}

/// A key and a typed value.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// The key.
    pub key: Str,
    /// The value.
    pub value: TagValue,
}

/// Jaeger's types of values. The order of the variants is Jaeger's order of types, which its API sorts by.
#[derive(Clone, Debug, PartialEq)]
pub enum TagValue {
    /// `string`
    String(Str),
    /// `bool`
    Bool(bool),
    /// `int64`
    Int(i64),
    /// `float64`
    Double(f64),
    /// `binary`
    Binary(Slice),
}

/// Makes Jaeger spans of model spans; spans that share a resource share the process that is made of it.
#[derive(Default)]
pub struct Converter {
    last: Option<(Arc<Resource>, Arc<Process>)>,
}

// === impl Converter ===

impl Converter {
    /// Jaeger's view of `span`.
    pub fn convert(&mut self, span: &model::Span) -> Span {
        let mut span_tags = Vec::with_capacity(span.attributes.len() + 6);
        tags::for_each_span_tag(span, |key, value| {
            span_tags.push(Tag {
                key: key.to_str(),
                value: value.to_value(),
            });
        });
        let logs = span
            .events
            .iter()
            .map(|event| {
                let mut fields = Vec::with_capacity(event.attributes.len() + 1);
                tags::for_each_log_field(span.dialect, event, |key, value| {
                    fields.push(Tag {
                        key: key.to_str(),
                        value: value.to_value(),
                    });
                });
                Log {
                    time_ns: event.time_ns,
                    fields,
                }
            })
            .collect();
        Span {
            trace_id: span.trace_id,
            span_id: span.span_id,
            operation_name: span.name.clone(),
            references: tags::references(span),
            flags: tags::flags(span),
            start_ns: span.start_ns,
            duration_ns: span.duration_ns(),
            tags: span_tags,
            logs,
            process: self.process(&span.resource),
            warnings: span.warnings.clone(),
        }
    }

    fn process(&mut self, resource: &Arc<Resource>) -> Arc<Process> {
        if let Some((from, process)) = &self.last
            && Arc::ptr_eq(from, resource)
        {
            return process.clone();
        }
        let mut process = Process {
            service_name: resource.service_name.clone().unwrap_or_default(),
            tags: Vec::new(),
        };
        tags::for_each_process_tag(resource, |key, value| {
            process.tags.push(Tag {
                key: key.to_str(),
                value: value.to_value(),
            });
        });
        let process = Arc::new(process);
        self.last = Some((resource.clone(), process.clone()));
        process
    }
}

// === impl TagValue ===

impl TagValue {
    /// The same, borrowed.
    pub(crate) fn as_ref(&self) -> tags::ValueRef<'_> {
        match self {
            Self::String(text) => tags::ValueRef::String(tags::Text::Shared(text)),
            Self::Bool(value) => tags::ValueRef::Bool(*value),
            Self::Int(value) => tags::ValueRef::Int(*value),
            Self::Double(value) => tags::ValueRef::Double(*value),
            Self::Binary(bytes) => tags::ValueRef::Binary(bytes),
        }
    }

    /// Jaeger's name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int64",
            Self::Double(_) => "float64",
            Self::Binary(_) => "binary",
        }
    }
}
