//! A search, as far as a store in another process can be asked for it.
//!
//! In: a [`TraceQuery`]. Out: the request of either version that finds at least what the query finds, where the store means by it what Jaeger does, and whether
//! another Spoor finds just that, in that order. What cannot be said is left out, and decided here when the spans have come.

use bytes::Bytes;
use model::Str;
use prost::Message as _;
use wire::r#gen::storage::{v1, v2};
use wire::times::{duration, timestamp};

use super::answer::Ask;
use super::protocol::{Method, Protocol};
use crate::query::{Filter, Order, Pattern, TraceQuery, us};

/// What makes a tag's value an expression to the other side: as in [`Pattern::new`].
const OPERATORS: [char; 8] = ['*', '+', '?', '|', '[', '(', '{', '\\'];
/// The last moment that Go's times can be taken apart to nanoseconds of.
const LAST_NS: u64 = i64::MAX as u64;

/// A search as it is sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Search {
    service: String,
    operation: String,
    tags: Vec<(String, String)>,
    start_min_ns: u64,
    start_max_ns: u64,
    duration_min_ns: Option<u64>,
    duration_max_ns: Option<u64>,
    /// It says all that the query does: another Spoor finds just that, in that order, and a store of Jaeger's leaves out what the query does.
    pub(super) is_exact: bool,
}

// === impl Search ===

impl Search {
    pub(super) fn of(query: &TraceQuery) -> Self {
        let text = |text: &Option<Str>| text.as_ref().map(Str::to_string).unwrap_or_default();
        let mut search = Self {
            service: text(&query.service),
            operation: text(&query.operation),
            tags: Vec::new(),
            start_min_ns: floor_us(query.start_min_ns),
            start_max_ns: ceil_us(query.start_max_ns),
            duration_min_ns: query.duration_min_ns.map(floor_us).filter(|ns| *ns > 0),
            duration_max_ns: query.duration_max_ns.map(ceil_us),
            // no name at all is asked for by no word
            is_exact: query.after.is_none()
                && query.order == Order::NewestFirst
                && ![&query.service, &query.operation]
                    .iter()
                    .any(|name| is_empty(name)),
        };
        search.add(&query.filter);
        if let Some(after) = &query.after {
            // whatever stands behind it has a span on this side of it
            match query.order {
                Order::NewestFirst => {
                    search.start_max_ns = search.start_max_ns.min(ceil_us(after.key_ns));
                }
                Order::OldestFirst => {
                    search.start_min_ns = search.start_min_ns.max(floor_us(after.key_ns));
                }
                Order::LongestFirst | Order::ShortestFirst => {}
            }
        }
        search
    }

    /// No span answers, and a store may call such a search wrong.
    pub(super) fn finds_nothing(&self) -> bool {
        let is_crossed =
            |min: Option<u64>, max: Option<u64>| min.zip(max).is_some_and(|(a, b)| a > b);
        self.start_min_ns > self.start_max_ns
            || is_crossed(self.duration_min_ns, self.duration_max_ns)
    }

    /// All conditions that have to hold, as far as they can be said.
    fn add(&mut self, filter: &Filter) {
        match filter {
            Filter::And(filters) => filters.iter().for_each(|filter| self.add(filter)),
            Filter::Tag { key, value } if self.takes(key, value) => {
                let (key, value) = (key.to_string(), value.text().to_string());
                self.tags.push((key, value));
            }
            Filter::Service(name) if self.service.is_empty() && is_word(name) => {
                self.service = name.text().to_string();
            }
            Filter::Operation(name) if self.operation.is_empty() && is_word(name) => {
                self.operation = name.text().to_string();
            }
            _ => self.is_exact = false,
        }
    }

    fn takes(&mut self, key: &Str, value: &Pattern) -> bool {
        // version 1 has a map of them
        if value.equal().is_none() || self.tags.iter().any(|(known, _)| *known == **key) {
            return false;
        }
        if value.is_literal() && value.text().contains(OPERATORS) {
            // the other side finds what it matches as an expression too
            self.is_exact = false;
        }
        true
    }

    /// The call that asks for at most `depth` traces.
    pub(super) fn ask(&self, protocol: Protocol, depth: usize) -> Ask {
        Ask {
            path: protocol.path(Method::FindTraces),
            message: self.message(protocol, i32::try_from(depth).unwrap_or(i32::MAX)),
        }
    }

    fn message(&self, protocol: Protocol, depth: i32) -> Bytes {
        let start_time_min = Some(timestamp(self.start_min_ns.min(LAST_NS)));
        let start_time_max = Some(timestamp(self.start_max_ns.min(LAST_NS)));
        let bound = |ns: Option<u64>| ns.map(|ns| duration(ns.min(LAST_NS)));
        let (duration_min, duration_max) =
            (bound(self.duration_min_ns), bound(self.duration_max_ns));
        if let Protocol::V1 { .. } = protocol {
            let query = v1::TraceQueryParameters {
                service_name: self.service.clone(),
                operation_name: self.operation.clone(),
                tags: self.tags.iter().cloned().collect(),
                start_time_min,
                start_time_max,
                duration_min,
                duration_max,
                num_traces: depth,
            };
            return v1::FindTracesRequest { query: Some(query) }
                .encode_to_vec()
                .into();
        }
        let attribute = |(key, value): &(String, String)| v2::KeyValue {
            key: key.clone(),
            value: Some(v2::AnyValue {
                value: Some(v2::any_value::Value::StringValue(value.clone())),
            }),
        };
        let query = v2::TraceQueryParameters {
            service_name: self.service.clone(),
            operation_name: self.operation.clone(),
            attributes: self.tags.iter().map(attribute).collect(),
            start_time_min,
            start_time_max,
            duration_min,
            duration_max,
            search_depth: depth,
        };
        v2::FindTracesRequest { query: Some(query) }
            .encode_to_vec()
            .into()
    }
}

fn is_empty(name: &Option<Str>) -> bool {
    name.as_ref().is_some_and(|name| name.is_empty())
}

fn is_word(name: &Pattern) -> bool {
    name.is_literal() && !name.text().is_empty()
}

/// Queries compare whole microseconds: the first nanosecond of this one,
fn floor_us(ns: u64) -> u64 {
    us(ns) * 1000
}

/// and the last.
fn ceil_us(ns: u64) -> u64 {
    floor_us(ns).saturating_add(999)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Place;

    fn tag(key: &str, value: Pattern) -> Filter {
        Filter::Tag {
            key: key.into(),
            value,
        }
    }

    fn of(filters: Vec<Filter>) -> Search {
        Search::of(&TraceQuery {
            filter: Filter::And(filters),
            start_max_ns: 5_000,
            limit: 1,
            ..TraceQuery::default()
        })
    }

    #[test]
    fn what_jaeger_can_say_is_asked_for() {
        let search = of(vec![
            tag("a", Pattern::literal("1")),
            tag("b", Pattern::new("x.*")),
            Filter::Service(Pattern::literal("shop")),
        ]);
        let tags = [("a", "1"), ("b", "x.*")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(search.tags, tags);
        assert_eq!(search.service, "shop");
        assert!(search.is_exact);
    }

    #[test]
    fn what_it_cannot_say_is_decided_here() {
        let twice = of(vec![
            tag("a", Pattern::literal("1")),
            tag("a", Pattern::literal("2")),
        ]);
        assert_eq!((twice.tags.len(), twice.is_exact), (1, false));
        let none = of(vec![
            Filter::Not(Box::new(tag("a", Pattern::literal("1")))),
            tag("b", Pattern::expression("x+").unwrap()),
        ]);
        assert_eq!((none.tags.len(), none.is_exact), (0, false));
        // found as an expression too
        let literal = of(vec![tag("a", Pattern::literal("1+"))]);
        assert_eq!((literal.tags.len(), literal.is_exact), (1, false));
    }

    #[test]
    fn a_place_narrows_the_times() {
        let after = |order, key_ns| {
            Search::of(&TraceQuery {
                start_min_ns: 1_500,
                start_max_ns: 9_500,
                order,
                after: Some(Place {
                    key_ns,
                    trace_id: model::TraceId::default(),
                }),
                ..TraceQuery::default()
            })
        };
        let newest = after(Order::NewestFirst, 4_200);
        assert_eq!((newest.start_min_ns, newest.start_max_ns), (1_000, 4_999));
        let oldest = after(Order::OldestFirst, 4_200);
        assert_eq!((oldest.start_min_ns, oldest.start_max_ns), (4_000, 9_999));
        let longest = after(Order::LongestFirst, 4_200);
        assert_eq!((longest.start_min_ns, longest.start_max_ns), (1_000, 9_999));
        assert!(!newest.is_exact);
        let none = after(Order::NewestFirst, 900);
        assert!(none.finds_nothing() && !newest.finds_nothing());
    }
}
