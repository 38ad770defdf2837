//! A condition on one span, and the evaluator that says what it means: what every backend is held to.
//!
//! In: a span of either dialect. Out: whether it answers. A tag is looked for among the span's tags, its process tags and the fields of its
//! logs. What is compared is the text that the tag table gives a value, so that it is all one how a store keeps the value's type.

use model::{Span, Str};
use wire::jaeger::tags;

use super::decimal::{Comparison, Decimal};
use super::pattern::Pattern;
use super::us;

/// A condition on one span.
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
    /// Some tag of the span itself has this key and a value that matches.
    SpanTag {
        /// The key.
        key: Str,
        /// What its value is compared with.
        value: Pattern,
    },
    /// Some tag, process tag or log field has this key.
    Has {
        /// The key.
        key: Str,
    },
    /// Some tag, process tag or log field has this key and a value whose text is a decimal number that compares so.
    Number {
        /// The key.
        key: Str,
        /// How.
        is: Comparison,
        /// With what.
        than: Decimal,
    },
    /// The service's name matches.
    Service(Pattern),
    /// The operation's name matches.
    Operation(Pattern),
    /// The duration compares so, in whole microseconds.
    Duration {
        /// How.
        is: Comparison,
        /// With what, nanoseconds.
        than_ns: u64,
    },
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
            Self::Tag { key, value } => any_tag(span, key, |text| value.matches(text)),
            Self::SpanTag { key, value } => any_span_tag(span, key, |text| value.matches(text)),
            Self::Has { key } => any_tag(span, key, |_| true),
            Self::Number { key, is, than } => any_tag(span, key, |text| is.holds_for(text, than)),
            Self::Service(name) => name.matches(span.resource.service_name()),
            Self::Operation(name) => name.matches(&span.name),
            Self::Duration { is, than_ns } => is.holds(us(span.duration_ns()).cmp(&us(*than_ns))),
        }
    }

    /// What can be said of spans of which only a part is known: `known` answers a condition that stands alone, or `None` where it cannot.
    pub fn decide(&self, known: &mut impl FnMut(&Self) -> Option<bool>) -> Option<bool> {
        let mut joined = |filters: &[Self], ends: bool| {
            let mut all = Some(!ends);
            for filter in filters {
                match filter.decide(known) {
                    Some(is) if is == ends => return Some(ends),
                    Some(_) => {}
                    None => all = None,
                }
            }
            all
        };
        match self {
            Self::And(filters) => joined(filters, false),
            Self::Or(filters) => joined(filters, true),
            Self::Not(filter) => filter.decide(known).map(|is| !is),
            alone => known(alone),
        }
    }

    /// Whether `is_wanted` says so of some condition in it that stands alone.
    pub fn any(&self, is_wanted: &impl Fn(&Self) -> bool) -> bool {
        match self {
            Self::And(filters) | Self::Or(filters) => filters.iter().any(|f| f.any(is_wanted)),
            Self::Not(filter) => filter.any(is_wanted),
            alone => is_wanted(alone),
        }
    }
}

impl Default for Filter {
    fn default() -> Self {
        Self::And(Vec::new())
    }
}

fn any_span_tag(span: &Span, wanted: &str, is: impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    tags::for_each_span_tag(span, |key, value| {
        found = found || (key.as_str() == wanted && is(&value.to_text()));
    });
    found
}

fn any_tag(span: &Span, wanted: &str, is: impl Fn(&str) -> bool) -> bool {
    let mut found = false;
    let mut visit = |key: tags::Text<'_>, value: tags::ValueRef<'_>| {
        found = found || (key.as_str() == wanted && is(&value.to_text()));
    };
    tags::for_each_span_tag(span, &mut visit);
    tags::for_each_process_tag(&span.resource, &mut visit);
    for event in &span.events {
        tags::for_each_log_field(span.dialect, event, &mut visit);
    }
    found
}
