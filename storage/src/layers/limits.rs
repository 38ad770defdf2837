//! How large a span may be.
//!
//! In: a span. Out: whether it may be stored. [`Bury`](super::Bury) asks before it passes a batch on, so that one span of megabytes, or of a
//! hundred thousand attributes, is not paid for by everybody who reads the block, the trace or the search that it lies in.
//!
//! Deliberately absent: what spans share (resource, scope); messages, which the receivers bound. Tags that a receiver adds to a span count.

use model::{KeyValue, Span};

use super::ledger::{TOO_LARGE, TOO_MANY_ATTRIBUTES};

/// What one span may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `span.max-bytes`: what it keeps in memory, see [`Span::weight`]; 0: no limit.
    pub max_bytes: usize,
    /// `span.max-attributes`: its attributes, those of its events and of its links; 0: no limit.
    pub max_attributes: usize,
}

/// Why a span is beyond the limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Beyond {
    /// It is too large.
    #[error("it takes {bytes} bytes, more than span.max-bytes allows ({max_bytes})")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// It has too many attributes.
    #[error(
        "it has {attributes} attributes, those of its events and links among them, more than span.max-attributes allows ({max_attributes})"
    )]
    TooManyAttributes {
        /// How many it has.
        attributes: usize,
        /// The limit.
        max_attributes: usize,
    },
}

// === impl Limits ===

impl Limits {
    /// Without limits.
    pub const OPEN: Self = Self {
        max_bytes: 0,
        max_attributes: 0,
    };

    /// Whether `span` may be stored.
    pub fn check(&self, span: &Span) -> Result<(), Beyond> {
        let &Self {
            max_bytes,
            max_attributes,
        } = self;
        if max_attributes > 0 {
            let attributes = attributes_of(span);
            if attributes > max_attributes {
                return Err(Beyond::TooManyAttributes {
                    attributes,
                    max_attributes,
                });
            }
        }
        if max_bytes > 0 {
            let bytes = span.weight();
            if bytes > max_bytes {
                return Err(Beyond::TooLarge { bytes, max_bytes });
            }
        }
        Ok(())
    }
}

impl Default for Limits {
    /// 4 MiB, the largest message over gRPC: nothing that Jaeger takes by default over gRPC or UDP is kept out, only what a body of 20 MiB
    /// over HTTP can hold. 10,000 attributes: Elasticsearch takes no document with more nested objects, so that Jaeger could not store
    /// such a span there either; an SDK that keeps to its default limits has a few hundred.
    fn default() -> Self {
        Self {
            max_bytes: 4 << 20,
            max_attributes: 10_000,
        }
    }
}

// === impl Beyond ===

impl Beyond {
    /// The word that counts it in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => TOO_LARGE,
            Self::TooManyAttributes { .. } => TOO_MANY_ATTRIBUTES,
        }
    }
}

fn attributes_of(span: &Span) -> usize {
    let of = |list: &Vec<KeyValue>| list.len();
    of(&span.attributes)
        + span.events.iter().map(|e| of(&e.attributes)).sum::<usize>()
        + span.links.iter().map(|l| of(&l.attributes)).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use model::{Event, Link};
    use proptest::prelude::*;

    use super::*;

    fn attributes(count: usize) -> Vec<KeyValue> {
        vec![KeyValue::new("k", true); count]
    }

    /// With `counts` attributes of its own, of an event, of a link.
    fn span(counts: [usize; 3]) -> Span {
        let [own, event, link] = counts.map(attributes);
        Span {
            attributes: own,
            events: vec![Event {
                attributes: event,
                ..Event::default()
            }],
            links: vec![Link {
                attributes: link,
                ..Link::default()
            }],
            ..Span::default()
        }
    }

    #[track_caller]
    fn check(limits: Limits, span: &Span, expect: Option<&str>) {
        let beyond = limits.check(span).err();
        assert_eq!(beyond.as_ref().map(Beyond::label), expect);
    }

    #[test]
    fn attributes_of_events_and_links_count_too() {
        let limits = Limits {
            max_attributes: 6,
            ..Limits::OPEN
        };
        check(limits, &span([1, 2, 3]), None);
        for counts in [[7, 0, 0], [0, 7, 0], [0, 0, 7], [2, 2, 3]] {
            check(limits, &span(counts), Some("too_many_attributes"));
        }
    }

    #[test]
    fn a_span_is_measured_with_the_text_that_it_points_to() {
        let span = |len: usize| Span {
            name: "x".repeat(len).into(),
            ..Span::default()
        };
        let limits = Limits {
            max_bytes: span(0).weight() + 100,
            ..Limits::OPEN
        };
        check(limits, &span(100), None);
        check(limits, &span(101), Some("too_large"));
    }

    #[test]
    fn zero_is_no_limit() {
        check(Limits::OPEN, &span([40_000, 40_000, 40_000]), None);
    }

    #[test]
    fn what_an_sdk_sends_and_what_a_grpc_message_holds_passes_by_default() {
        check(Limits::default(), &span([128, 128 * 32, 128 * 8]), None);
        let large = Span {
            attributes: vec![KeyValue::new("body", "x".repeat(3 << 20).as_str())],
            ..Span::default()
        };
        check(Limits::default(), &large, None);
    }

    #[test]
    fn the_reason_names_the_setting_and_both_figures() {
        let limits = Limits {
            max_attributes: 2,
            max_bytes: 10,
        };
        let beyond = limits.check(&span([1, 1, 1])).unwrap_err();
        assert_eq!(
            beyond.to_string(),
            "it has 3 attributes, those of its events and links among them, more than span.max-attributes allows (2)"
        );
        let beyond = limits.check(&Span::default()).unwrap_err();
        let bytes = size_of::<Span>();
        assert_eq!(
            beyond.to_string(),
            format!("it takes {bytes} bytes, more than span.max-bytes allows (10)")
        );
    }

    proptest! {
        #[test]
        fn a_limit_bites_exactly_above_its_figure(
            counts in prop::array::uniform3(0_usize..20),
            text in 0_usize..2000,
        ) {
            let span = Span { name: "n".repeat(text).into(), ..span(counts) };
            let (bytes, attributes) = (span.weight(), counts.iter().sum::<usize>());
            let exact = Limits { max_bytes: bytes, max_attributes: attributes };
            prop_assert_eq!(exact.check(&span), Ok(()));
            let tight = Limits { max_bytes: bytes - 1, max_attributes: 0 };
            prop_assert_eq!(tight.check(&span).map_err(|b| b.label()), Err(TOO_LARGE));
            if attributes > 1 {
                let few = Limits { max_bytes: 0, max_attributes: attributes - 1 };
                prop_assert_eq!(few.check(&span).map_err(|b| b.label()), Err(TOO_MANY_ATTRIBUTES));
            }
        }
    }
}
