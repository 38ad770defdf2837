//! What the rules about ids and times ask of a span, so that they are written once for both forms: Jaeger's, and OpenTelemetry's in [`crate::v3`].
//!
//! In: a span. Out: its id, parent, host and times, and the means to change them. Here for Jaeger's form, in which tags and references say all that.

use model::{RefType, SpanId, SpanKind, Str};
use wire::jaeger::{Reference, Span, TagValue, tags};

/// A span that can be corrected.
pub(crate) trait Adjustable {
    /// Its id.
    fn id(&self) -> SpanId;
    /// Gives it another.
    fn set_id(&mut self, id: SpanId);
    /// Whether it is of this kind.
    fn is(&self, kind: SpanKind) -> bool;
    /// The id of its parent in its own trace.
    fn parent(&self) -> Option<SpanId>;
    /// Hangs it below another.
    fn set_parent(&mut self, parent: SpanId);
    /// What tells its host from others; empty when nothing does.
    fn host(&self) -> String;
    /// Nanoseconds since the Unix epoch.
    fn start_ns(&self) -> u64;
    /// Nanoseconds.
    fn duration_ns(&self) -> u64;
    /// Moves all of its times, by nanoseconds.
    fn shift(&mut self, by_ns: i64);
    /// Says what is odd about it.
    fn warn(&mut self, warning: String);
    /// How it is said that its parent is not in the trace.
    fn lost_parent(parent: SpanId) -> String;
}

// === impl Span ===

impl Adjustable for Span {
    fn id(&self) -> SpanId {
        self.span_id
    }

    fn set_id(&mut self, id: SpanId) {
        self.span_id = id;
    }

    /// By its first tag `span.kind`.
    fn is(&self, kind: SpanKind) -> bool {
        let tag = self.tags.iter().find(|t| t.key == tags::SPAN_KIND);
        matches!(tag.map(|t| &t.value), Some(TagValue::String(text)) if *text == kind.as_str())
    }

    /// The first `CHILD_OF` in its own trace, else the first `FOLLOWS_FROM` there; none when that id is zero.
    fn parent(&self) -> Option<SpanId> {
        parent_position(self)
            .and_then(|at| self.references.get(at))
            .map(|reference| reference.span_id)
            .filter(|id| !id.is_zero())
    }

    /// The reference that names the parent names the new one; a span without one gets one.
    fn set_parent(&mut self, parent: SpanId) {
        let at = parent_position(self);
        match at.and_then(|at| self.references.get_mut(at)) {
            Some(reference) => reference.span_id = parent,
            None => self.references.push(Reference {
                ref_type: RefType::ChildOf,
                trace_id: self.trace_id,
                span_id: parent,
            }),
        }
    }

    fn host(&self) -> String {
        super::clock_skew::host(self)
    }

    fn start_ns(&self) -> u64 {
        self.start_ns
    }

    fn duration_ns(&self) -> u64 {
        self.duration_ns
    }

    fn shift(&mut self, by_ns: i64) {
        self.start_ns = self.start_ns.saturating_add_signed(by_ns);
        for log in &mut self.logs {
            log.time_ns = log.time_ns.saturating_add_signed(by_ns);
        }
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(Str::from(warning));
    }

    fn lost_parent(parent: SpanId) -> String {
        format!("invalid parent span IDs={parent}; skipping clock skew adjustment")
    }
}

/// Where among the references the parent is named.
pub(super) fn parent_position(span: &Span) -> Option<usize> {
    let first = |wanted: RefType| {
        span.references
            .iter()
            .position(|r| r.ref_type == wanted && r.trace_id == span.trace_id)
    };
    first(RefType::ChildOf).or_else(|| first(RefType::FollowsFrom))
}
