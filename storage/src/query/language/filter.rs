//! What a tree means: the filter that is evaluated, and pushed down, by every backend.
//!
//! `kind` and `status` are what the span's own tags say, so that a span has them wherever it is kept: `span.kind`; `error` and
//! `otel.status_code`.

use model::SpanKind;
use wire::jaeger::tags;

use super::tree::{Condition, KINDS, Operator, Outcome, Tree, Value};
use crate::query::{Comparison, Filter, Pattern};

// === impl Tree ===

impl Tree {
    /// The filter that says the same.
    pub fn to_filter(&self) -> Filter {
        let all = |trees: &[Self]| trees.iter().map(Self::to_filter).collect();
        match self {
            Self::Or(trees) => Filter::Or(all(trees)),
            Self::And(trees) => Filter::And(all(trees)),
            Self::Not(tree) => not(tree.to_filter()),
            Self::Is(condition) => condition.to_filter(),
        }
    }
}

// === impl Condition ===

impl Condition {
    fn to_filter(&self) -> Filter {
        match self {
            Self::True(key) => Filter::Tag {
                key: key.as_str().into(),
                value: Pattern::literal("true"),
            },
            Self::Exists(key) => has(key),
            Self::Tag(key, is, value) => {
                let compared = tag(key, *is, value);
                if is.is_negated() {
                    Filter::And(vec![has(key), not(compared)])
                } else {
                    compared
                }
            }
            Self::Service(is, name) => negated(*is, Filter::Service(pattern(*is, name))),
            Self::Operation(is, name) => negated(*is, Filter::Operation(pattern(*is, name))),
            Self::Duration(is, ns) => negated(
                *is,
                Filter::Duration {
                    is: is.order().unwrap_or(Comparison::Equal),
                    than_ns: *ns,
                },
            ),
            Self::Kind(is, kind) => negated(*is, of_kind(*kind)),
            Self::Status(is, outcome) => negated(*is, of_outcome(*outcome)),
        }
    }
}

/// What `is` says, or what it says does not hold.
fn tag(key: &str, is: Operator, value: &Value) -> Filter {
    let key = key.into();
    match value {
        Value::Text(text) => Filter::Tag {
            key,
            value: pattern(is, text),
        },
        Value::Number(number) => Filter::Number {
            key,
            is: is.order().unwrap_or(Comparison::Equal),
            than: number.clone(),
        },
    }
}

/// An expression is one: the parser has looked. One that a caller put into a tree and is none matches itself.
fn pattern(is: Operator, text: &str) -> Pattern {
    if is.is_of_expressions() {
        Pattern::expression(text).unwrap_or_else(|_| Pattern::literal(text))
    } else {
        Pattern::literal(text)
    }
}

fn has(key: &str) -> Filter {
    Filter::Has { key: key.into() }
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn negated(is: Operator, filter: Filter) -> Filter {
    if is.is_negated() { not(filter) } else { filter }
}

fn of_span(key: &str, text: &str) -> Filter {
    Filter::SpanTag {
        key: key.into(),
        value: Pattern::literal(text),
    }
}

fn of_kind(kind: SpanKind) -> Filter {
    if kind == SpanKind::Unspecified {
        let said = KINDS.into_iter().filter(|k| *k != SpanKind::Unspecified);
        return not(Filter::Or(said.map(of_kind).collect()));
    }
    of_span(tags::SPAN_KIND, kind.as_str())
}

fn of_outcome(outcome: Outcome) -> Filter {
    let failed = || {
        Filter::Or(vec![
            of_span(tags::ERROR, "true"),
            of_span(tags::STATUS_CODE, "ERROR"),
        ])
    };
    let fine = || of_span(tags::STATUS_CODE, "OK");
    match outcome {
        Outcome::Error => failed(),
        Outcome::Ok => Filter::And(vec![fine(), not(failed())]),
        Outcome::Unset => not(Filter::Or(vec![fine(), failed()])),
    }
}
