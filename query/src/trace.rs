//! A trace in Jaeger's terms, as the adjusters work on it and the API shows it.
//!
//! In: model spans of one trace, as a reader gave them. Out: [`Trace`], whose text still points into the spans' buffers. It corrects
//! nothing: that is [`crate::adjust`]'s.

use model::TraceId;
use wire::jaeger::{Converter, Span};

/// The spans of one trace, in the order that the store gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The spans, none equal to another.
    pub spans: Vec<Span>,
    /// What is odd about the trace as a whole, for a person.
    pub warnings: Vec<String>,
}

// === impl Trace ===

impl Trace {
    /// Jaeger's view of these spans of one trace.
    pub fn from_model(spans: &[model::Span]) -> Self {
        let mut converter = Converter::default();
        Self {
            spans: spans.iter().map(|span| converter.convert(span)).collect(),
            warnings: Vec::new(),
        }
    }

    /// The same of spans that nobody needs afterwards: each goes as soon as it is converted, so that a huge trace is not held twice.
    pub(crate) fn of_own(spans: Vec<model::Span>) -> Self {
        let mut converter = Converter::default();
        let spans = spans.into_iter();
        Self {
            spans: spans.map(|span| converter.convert(&span)).collect(),
            warnings: Vec::new(),
        }
    }

    /// The id of its first span; zero when it has none.
    pub fn id(&self) -> TraceId {
        self.spans.first().map(|s| s.trace_id).unwrap_or_default()
    }
}
