//! One made-up trace while it is played: who calls whom, and when.
//!
//! In: calls, one inside of the other. Out: spans. A caller ends after what it called.

use std::sync::Arc;

use model::{
    Event, KeyValue, Link, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, TraceId,
    Value,
};

/// A microsecond.
pub(super) const US: u64 = 1_000;
/// A millisecond.
pub(super) const MS: u64 = 1_000_000;

/// Numbers that look random, the same for the same seed.
///
/// Source: Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", `SplitMix64`.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

/// A trace that is played.
pub(super) struct Scene<'a> {
    pub(super) rng: &'a mut Rng,
    trace_id: TraceId,
    /// Now, in the trace.
    pub(super) now_ns: u64,
    spans: Vec<Span>,
    /// The spans that are open, innermost last.
    open: Vec<usize>,
}

/// Where a span is from.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) resource: Arc<Resource>,
    pub(super) scope: Arc<Scope>,
}

// === impl Rng ===

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `end`; 0 for 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    /// True so many times of a hundred.
    pub(super) fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// One of them.
    pub(super) fn one<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let at = self.below(of.len() as u64);
        of.get(at as usize).copied().unwrap_or_default()
    }

    /// About `mean_ns`, now and then much more.
    pub(super) fn about(&mut self, mean_ns: u64) -> u64 {
        let tail = if self.percent(5) { 4 } else { 1 };
        mean_ns / 2 + self.below(mean_ns * tail)
    }
}

// === impl Scene ===

impl<'a> Scene<'a> {
    pub(super) fn new(rng: &'a mut Rng, start_ns: u64) -> Self {
        let trace_id = TraceId::from_halves(rng.next(), rng.next() | 1);
        Self {
            rng,
            trace_id,
            now_ns: start_ns,
            spans: Vec::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn end(self) -> Vec<Span> {
        self.spans
    }

    /// Opens a span in the innermost one that is open.
    pub(super) fn open(&mut self, of: &Service, name: &str, kind: SpanKind) {
        let parent = self.open.last().and_then(|at| self.spans.get(*at));
        let parent_span_id = parent.map(|span| span.span_id);
        self.spans.push(Span {
            trace_id: self.trace_id,
            span_id: SpanId::from_u64(self.rng.next() | 1),
            parent_span_id,
            name: name.into(),
            kind,
            start_ns: self.now_ns,
            end_ns: self.now_ns,
            resource: of.resource.clone(),
            scope: of.scope.clone(),
            ..Span::default()
        });
        self.open.push(self.spans.len() - 1);
    }

    /// Closes the innermost span.
    pub(super) fn close(&mut self) {
        let now_ns = self.now_ns;
        if let Some(span) = self.open.pop().and_then(|at| self.spans.get_mut(at)) {
            span.end_ns = now_ns;
        }
    }

    /// Lets time go by.
    pub(super) fn wait(&mut self, mean_ns: u64) {
        self.now_ns += self.rng.about(mean_ns);
    }

    /// Plays both at once: they begin together, and it goes on when both have ended.
    pub(super) fn together(&mut self, one: impl FnOnce(&mut Self), other: impl FnOnce(&mut Self)) {
        let begun_ns = self.now_ns;
        one(self);
        let ended_ns = std::mem::replace(&mut self.now_ns, begun_ns);
        other(self);
        self.now_ns = self.now_ns.max(ended_ns);
    }

    /// The innermost span, to say more of.
    fn inner(&mut self) -> Option<&mut Span> {
        self.open.last().and_then(|at| self.spans.get_mut(*at))
    }

    /// Says something of the innermost span.
    pub(super) fn tell(&mut self, key: &str, value: impl Into<Value>) {
        if let Some(span) = self.inner() {
            span.attributes.push(KeyValue {
                key: key.into(),
                value: value.into(),
            });
        }
    }

    /// Something happens in the innermost span.
    pub(super) fn event(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let time_ns = self.now_ns;
        if let Some(span) = self.inner() {
            span.events.push(Event {
                time_ns,
                name: name.into(),
                attributes: (attributes.iter())
                    .map(|(key, value)| KeyValue::new(*key, *value))
                    .collect(),
                ..Event::default()
            });
        }
    }

    /// The innermost span fails.
    pub(super) fn fail(&mut self, message: &str) {
        if let Some(span) = self.inner() {
            span.status = Status {
                code: StatusCode::Error,
                message: message.into(),
            };
        }
    }

    /// Says that the innermost span comes from another, of whichever trace.
    pub(super) fn link(&mut self, to: (TraceId, SpanId)) {
        if let Some(span) = self.inner() {
            span.links.push(Link {
                trace_id: to.0,
                span_id: to.1,
                ..Link::default()
            });
        }
    }

    /// What the innermost span is known by.
    pub(super) fn here(&mut self) -> (TraceId, SpanId) {
        let id = self.inner().map(|span| span.span_id).unwrap_or_default();
        (self.trace_id, id)
    }
}
