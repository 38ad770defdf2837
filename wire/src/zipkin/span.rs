//! A span of Zipkin's second model, on its way to the model's own.
//!
//! It is read into again and again, so that its lists are allocated once a message.

use model::{KeyValue, Link, SpanId, SpanKind, Status, Str, TraceId};

/// What every format of Zipkin's becomes first.
#[derive(Default)]
pub(crate) struct Span {
    /// `None` when the span names none.
    pub(crate) trace_id: Option<TraceId>,
    /// `None` when the span names none.
    pub(crate) id: Option<SpanId>,
    /// `None` for a root.
    pub(crate) parent_id: Option<SpanId>,
    pub(crate) name: Str,
    pub(crate) kind: SpanKind,
    /// Microseconds since the Unix epoch; what is not above 0 is absent.
    pub(crate) timestamp_us: i64,
    /// Microseconds; below 0 when a sender's clock went backwards.
    pub(crate) duration_us: i64,
    /// Who made the span.
    pub(crate) local: Endpoint,
    /// Whom it called, or who called.
    pub(crate) remote: Endpoint,
    pub(crate) annotations: Vec<Annotation>,
    /// Text in the second model; the first has other types, too.
    pub(crate) tags: Vec<KeyValue>,

    // what rules take out of tags
    pub(crate) status: Status,
    pub(crate) trace_state: Str,
    pub(crate) links: Vec<Link>,
    pub(crate) resource: Vec<KeyValue>,
    /// Which attribute of the resource the service's name is; empty for `service.name`.
    pub(crate) service_name_source: Str,
    pub(crate) scope_name: Str,
    pub(crate) scope_version: Str,
}

/// A party of a call; empty when nothing is known of it.
#[derive(Clone, Default)]
pub(crate) struct Endpoint {
    pub(crate) service_name: Str,
    /// As Go writes it, when it is an address at all.
    pub(crate) ipv4: Str,
    /// As Go writes it, when it is an address at all.
    pub(crate) ipv6: Str,
    /// What is not above 0 is absent.
    pub(crate) port: i64,
}

/// Something that happened during a span.
#[derive(Default)]
pub(crate) struct Annotation {
    /// Microseconds since the Unix epoch; what is not above 0 is absent.
    pub(crate) timestamp_us: i64,
    pub(crate) value: Str,
}

// === impl Span ===

impl Span {
    /// Empty again, with the room that its lists had.
    pub(crate) fn clear(&mut self) {
        let mut annotations = std::mem::take(&mut self.annotations);
        let mut tags = std::mem::take(&mut self.tags);
        annotations.clear();
        tags.clear();
        *self = Self {
            annotations,
            tags,
            ..Self::default()
        };
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// Its address, the longer kind when it has both; empty when it has none.
    pub(crate) fn address(&self) -> &Str {
        if self.ipv6.is_empty() {
            &self.ipv4
        } else {
            &self.ipv6
        }
    }
}
