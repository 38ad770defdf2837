//! What a search asks for: a [`TraceQuery`] with a [`Filter`], an [`Order`], and the one evaluator that says what it means.
//!
//! A span answers a query when service, operation, time, duration and filter all hold for that one span. Every backend gives the same
//! answers; what a backend cannot push down it evaluates here.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0 for what a tag matches: the span's tags,
//! its process tags and the fields of its logs, compared as text.

mod cursor;
pub(crate) mod decimal;
mod expression;
mod filter;
pub mod language;
mod order;
mod pattern;

use model::{Span, Str};

pub use cursor::{Cursor, CursorError};
pub use decimal::{Comparison, Decimal};
pub use expression::ExpressionError;
pub use filter::Filter;
pub use order::{Order, Place};
pub use pattern::Pattern;

/// A search for traces.
#[derive(Clone, Debug, Default)]
pub struct TraceQuery {
    /// Only spans of this service.
    pub service: Option<Str>,
    /// Only spans of this operation.
    pub operation: Option<Str>,
    /// Only spans that answer this.
    pub filter: Filter,
    /// Only spans that start at or after this, nanoseconds since the Unix epoch.
    pub start_min_ns: u64,
    /// Only spans that start at or before this, nanoseconds since the Unix epoch; 0 finds none.
    pub start_max_ns: u64,
    /// Only spans that take at least this long, compared in whole microseconds.
    pub duration_min_ns: Option<u64>,
    /// Only spans that take at most this long, compared in whole microseconds.
    pub duration_max_ns: Option<u64>,
    /// At most this many traces.
    pub limit: usize,
    /// Which traces come first.
    pub order: Order,
    /// Only traces that stand behind this place in the order.
    pub after: Option<Place>,
}

/// Whole microseconds: Jaeger's index and API carry no parts of one, so these are not compared.
pub(crate) fn us(ns: u64) -> u64 {
    ns / 1000
}

// === impl TraceQuery ===

impl TraceQuery {
    /// Whether `span` answers the query. Limit, order and place are not looked at.
    pub fn matches(&self, span: &Span) -> bool {
        self.service
            .as_ref()
            .is_none_or(|s| s.as_str() == span.resource.service_name())
            && self.operation.as_ref().is_none_or(|o| *o == span.name)
            && self.matches_times(span.start_ns, span.duration_ns())
            && self.filter.matches(span)
    }

    /// Whether a span with this start and duration answers, as far as these go.
    pub fn matches_times(&self, start_ns: u64, duration_ns: u64) -> bool {
        us(start_ns) >= us(self.start_min_ns)
            && us(start_ns) <= us(self.start_max_ns)
            && self
                .duration_min_ns
                .is_none_or(|min| us(duration_ns) >= us(min))
            && self
                .duration_max_ns
                .is_none_or(|max| us(duration_ns) <= us(max))
    }

    /// Where a trace of these spans stands: where the first of those that answer puts it. `None`: none does.
    pub fn place<'a>(&self, spans: impl IntoIterator<Item = &'a Span>) -> Option<Place> {
        let answering = spans.into_iter().filter(|span| self.matches(span));
        let places = answering.map(|span| Place {
            key_ns: self.order.key(span.start_ns, span.duration_ns()),
            trace_id: span.trace_id,
        });
        places.reduce(|a, b| {
            if self.order.compare(&a, &b).is_le() {
                a
            } else {
                b
            }
        })
    }

    /// Whether a trace at `place` is one of those that are wanted: none that stood in an answer before is.
    pub fn is_wanted(&self, place: &Place) -> bool {
        self.after
            .as_ref()
            .is_none_or(|after| self.order.compare(place, after).is_gt())
    }
}

#[cfg(test)]
mod tests;
