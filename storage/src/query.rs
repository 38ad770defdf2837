//! What a search asks for: a [`TraceQuery`] with a [`Filter`] on tags, and the one evaluator that says what it means.
//!
//! A span answers a query when service, operation, time, duration and filter all hold for that one span. Every backend gives the same
//! answers; what a backend cannot push down it evaluates here.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0 for what a tag matches: the span's tags,
//! its process tags and the fields of its logs, compared as text.

mod expression;
mod pattern;

use model::{Span, Str};
use wire::jaeger::tags;

pub use pattern::Pattern;

/// A search for traces.
#[derive(Clone, Debug, Default)]
pub struct TraceQuery {
    /// Only spans of this service.
    pub service: Option<Str>,
    /// Only spans of this operation.
    pub operation: Option<Str>,
    /// Only spans whose tags answer this.
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
}

/// A condition on one span's tags.
#[derive(Clone, Debug)]
pub enum Filter {
    /// All of these. None: always true.
    And(Vec<Filter>),
    /// At least one of these. None: never true.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// Some tag, process tag or log field has this key and a value that matches.
    Tag {
        /// The key.
        key: Str,
        /// What its value is compared with.
        value: Pattern,
    },
}

// === impl TraceQuery ===

impl TraceQuery {
    /// Whether `span` answers the query. The limit is not looked at.
    pub fn matches(&self, span: &Span) -> bool {
        self.service
            .as_ref()
            .is_none_or(|s| s.as_str() == span.resource.service_name())
            && self.operation.as_ref().is_none_or(|o| *o == span.name)
            && self.matches_times(span.start_ns, span.duration_ns())
            && self.filter.matches(span)
    }

    /// Whether a span with this start and duration answers, as far as these go. Jaeger's index and API carry microseconds, so parts of
    /// one are not compared.
    pub fn matches_times(&self, start_ns: u64, duration_ns: u64) -> bool {
        let us = |ns: u64| ns / 1000;
        us(start_ns) >= us(self.start_min_ns)
            && us(start_ns) <= us(self.start_max_ns)
            && self
                .duration_min_ns
                .is_none_or(|min| us(duration_ns) >= us(min))
            && self
                .duration_max_ns
                .is_none_or(|max| us(duration_ns) <= us(max))
    }
}

// === impl Filter ===

impl Filter {
    /// Whether every span answers, so that none has to be looked at.
    pub fn is_always_true(&self) -> bool {
        matches!(self, Self::And(filters) if filters.iter().all(Self::is_always_true))
    }

    /// Whether `span` answers.
    pub fn matches(&self, span: &Span) -> bool {
        match self {
            Self::And(filters) => filters.iter().all(|f| f.matches(span)),
            Self::Or(filters) => filters.iter().any(|f| f.matches(span)),
            Self::Not(filter) => !filter.matches(span),
            Self::Tag { key, value } => tag_matches(span, key, value),
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::And(Vec::new())
    }
}

fn tag_matches(span: &Span, wanted: &str, pattern: &Pattern) -> bool {
    let mut found = false;
    let mut visit = |key: tags::Text<'_>, value: tags::ValueRef<'_>| {
        found = found || (key.as_str() == wanted && pattern.matches(&value.to_text()));
    };
    tags::for_each_span_tag(span, &mut visit);
    tags::for_each_process_tag(&span.resource, &mut visit);
    for event in &span.events {
        tags::for_each_log_field(span.dialect, event, &mut visit);
    }
    found
}

#[cfg(test)]
mod tests;
