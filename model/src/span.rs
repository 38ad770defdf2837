//! The span: OpenTelemetry's meaning and names, lossless for Jaeger input.
//!
//! Source: OpenTelemetry's `trace.proto`; Jaeger's `proto/api_v2/model.proto` (`jaegertracing/jaeger-idl`).

use std::sync::Arc;

use crate::{KeyValue, Resource, Scope, SpanId, Str, TraceId};

/// One operation in a trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id, unique in the trace but for Zipkin's shared spans.
    pub span_id: SpanId,
    /// The span that caused it. All-zero on the wire becomes `None` in the decoder, nowhere else.
    pub parent_span_id: Option<SpanId>,
    /// What was done (Jaeger: operationName).
    pub name: Str,
    /// Its role in a call.
    pub kind: SpanKind,
    /// Nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// Nanoseconds since the Unix epoch; before `start_ns` only until it is sanitized.
    pub end_ns: u64,
    /// Jaeger: tags.
    pub attributes: Vec<KeyValue>,
    /// Jaeger: logs.
    pub events: Vec<Event>,
    /// Jaeger: references. In the `Otlp` dialect the parent is not among them, in the `Jaeger` dialect it is.
    pub links: Vec<Link>,
    /// How it ended.
    pub status: Status,
    /// What produced it (Jaeger: process).
    pub resource: Arc<Resource>,
    /// The library that produced it.
    pub scope: Arc<Scope>,
    /// Which side is the source.
    pub dialect: Dialect,
    /// W3C trace state, empty when there is none.
    pub trace_state: Str,
    /// `Otlp`: W3C trace flags. `Jaeger`: Jaeger's flags (1 sampled, 2 debug, 8 firehose).
    pub flags: u32,
    /// What is odd about it, said by a client or by a sanitizer.
    pub warnings: Vec<Str>,
    /// What the sender left out.
    pub dropped: Dropped,
}

/// Which side is the source of a span's tags, references and flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `kind`, `status`, `scope`, `trace_state`, `parent_span_id` are the source; the tag table of `wire` makes Jaeger's tags of them.
    #[default]
    Otlp,
    /// `attributes` are the tags as they came, in order, `span.kind`, `error` and `otel.*` included; an event's fields likewise, with an
    /// empty `name`; `links` are all references in order; `kind`, `status`, `parent_span_id` were derived once by the decoder and are
    /// never written out again. The resource's attributes are the process tags; scope and trace state stay empty.
    Jaeger,
}

/// A span's role in a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanKind {
    /// Not said.
    #[default]
    Unspecified,
    /// Inside one process.
    Internal,
    /// Answers a call.
    Server,
    /// Makes a call.
    Client,
    /// Puts a message into a queue.
    Producer,
    /// Takes a message out of a queue.
    Consumer,
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Unset, ok or error.
    pub code: StatusCode,
    /// What went wrong, empty when nothing is said.
    pub message: Str,
}

/// Unset, ok or error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StatusCode {
    /// Not said.
    #[default]
    Unset,
    /// Said to be fine.
    Ok,
    /// Failed.
    Error,
}

/// Something that happened during a span (Jaeger: log).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// What happened; empty in the `Jaeger` dialect, where the field `event` says it.
    pub name: Str,
    /// Jaeger: fields.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
}

/// Another span that this one refers to (Jaeger: reference).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Link {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// In the `Jaeger` dialect, the reference's type. OTLP links follow from what they name.
    pub ref_type: RefType,
    /// W3C trace state of the other span.
    pub trace_state: Str,
    /// The link's own attributes.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// W3C trace flags of the other span.
    pub flags: u32,
}

/// Jaeger's type of a reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RefType {
    /// The other span caused this one and waits for it.
    ChildOf,
    /// The other span caused this one.
    #[default]
    FollowsFrom,
}

/// Counts of what the sender left out of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dropped {
    /// Attributes.
    pub attributes: u32,
    /// Events.
    pub events: u32,
    /// Links.
    pub links: u32,
}

// === impl Span ===

impl Span {
    /// How long it took, in nanoseconds; 0 when it ends before it starts.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }

    /// The bytes it keeps in memory, beside what its slices point into and what it shares (resource, scope).
    pub fn size(&self) -> usize {
        let attributes = |list: &[KeyValue]| list.iter().map(KeyValue::size).sum::<usize>();
        size_of::<Self>()
            + attributes(&self.attributes)
            + self
                .events
                .iter()
                .map(|e| size_of::<Event>() + attributes(&e.attributes))
                .sum::<usize>()
            + self
                .links
                .iter()
                .map(|l| size_of::<Link>() + attributes(&l.attributes))
                .sum::<usize>()
            + self.warnings.len() * size_of::<Str>()
    }

    /// The bytes that it alone would keep in memory: [`Span::size`], and what its slices point into. What it shares (resource, scope) is
    /// not in it.
    pub fn weight(&self) -> usize {
        let attributes = |list: &[KeyValue]| list.iter().map(KeyValue::text_size).sum::<usize>();
        self.size()
            + self.name.len()
            + self.status.message.len()
            + self.trace_state.len()
            + attributes(&self.attributes)
            + self
                .events
                .iter()
                .map(|e| e.name.len() + attributes(&e.attributes))
                .sum::<usize>()
            + self
                .links
                .iter()
                .map(|l| l.trace_state.len() + attributes(&l.attributes))
                .sum::<usize>()
            + self.warnings.iter().map(|w| w.len()).sum::<usize>()
    }
}

// === impl SpanKind ===

impl SpanKind {
    /// The word in Jaeger's `span.kind` tag; empty when unspecified.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "",
            Self::Internal => "internal",
            Self::Server => "server",
            Self::Client => "client",
            Self::Producer => "producer",
            Self::Consumer => "consumer",
        }
    }

    /// From the word in Jaeger's `span.kind` tag, in lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Internal,
            Self::Server,
            Self::Client,
            Self::Producer,
            Self::Consumer,
        ]
        .into_iter()
        .find(|k| k.as_str() == name)
    }

    /// From OTLP's number; unknown ones are unspecified.
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Internal,
            2 => Self::Server,
            3 => Self::Client,
            4 => Self::Producer,
            5 => Self::Consumer,
            _ => Self::Unspecified,
        }
    }

    /// OTLP's number.
    pub fn number(self) -> i32 {
        self as i32
    }
}
