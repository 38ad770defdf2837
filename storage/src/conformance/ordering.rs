//! Promises of the order of an answer and of its pages.

use model::{KeyValue, Span};

use super::Subject;
use super::data::{US, later, span, t0};
use super::reads::everything;
use crate::query::{Filter, Order, Pattern, Place, TraceQuery};

/// Ten traces of three spans each. Starts and durations run against each other, and some are equal.
fn spans() -> Vec<Span> {
    let one = |trace: u64, id: u64, start_us: u64, duration_us: u64, tag: &str| Span {
        attributes: vec![KeyValue::new("k", tag)],
        end_ns: t0() + (start_us + duration_us) * US,
        ..later(span(trace, id), start_us * US)
    };
    let trace = |n: u64| {
        [
            one(n, 1, 100 * n, 1_000 - 100 * n, "a"),
            one(n, 2, 1_000 - 50 * n, 10 * (n / 2), "b"),
            one(n, 3, 500, 7 * n, "a"),
        ]
    };
    (1..=10).flat_map(trace).collect()
}

fn queries() -> Vec<TraceQuery> {
    let filters = ["a", "b", "a|b"].map(|value| Filter::Tag {
        key: "k".into(),
        value: Pattern::new(value),
    });
    let mut queries = Vec::new();
    for order in Order::ALL {
        for filter in filters.iter().chain([&Filter::default()]) {
            queries.push(TraceQuery {
                order,
                filter: filter.clone(),
                ..everything()
            });
        }
    }
    queries
}

/// By start or duration, each in both directions: a trace stands where the first of its spans that answer puts it, and equals are sorted by id.
pub async fn traces_come_by_start_or_duration_in_both_directions(s: Subject) {
    let spans = spans();
    s.store(spans.clone()).await;
    for query in queries() {
        let expect = super::finding::expect_numbers(&spans, &query);
        assert_eq!(s.found(&query).await, expect, "{query:?}");
    }
}

/// Page after page gives what one answer gives, each trace once, whatever the size of a page.
pub async fn pages_give_every_trace_once(s: Subject) {
    let spans = spans();
    s.store(spans.clone()).await;
    for mut query in queries() {
        let whole = super::finding::expect_numbers(&spans, &query);
        for limit in [1, 3, 4] {
            (query.limit, query.after) = (limit, None);
            let mut pages = Vec::new();
            loop {
                let page = s.find(&query).await;
                pages.extend(page.numbers());
                let Some((_, last)) = page.traces.last() else {
                    break;
                };
                query.after = query.place(last);
                assert!(pages.len() <= whole.len(), "{query:?}: {pages:?}");
            }
            assert_eq!(pages, whole, "{query:?}");
        }
    }
}

/// A trace that was given does not come again, though spans of it arrive that stand later; one that gets a span which stands before the place
/// does not come either, as it would not stand behind it.
pub async fn what_arrives_meanwhile_moves_nothing_into_later_pages(s: Subject) {
    let at = |trace, id, us| later(span(trace, id), us * US);
    s.store(vec![at(1, 1, 90), at(2, 1, 80), at(3, 1, 70), at(4, 1, 60)])
        .await;
    let first = TraceQuery {
        limit: 2,
        ..everything()
    };
    assert_eq!(s.found(&first).await, [1, 2]);
    s.store(vec![at(5, 1, 95), at(1, 2, 65), at(3, 2, 99), at(6, 1, 65)])
        .await;
    let next = TraceQuery {
        after: Some(Place {
            key_ns: t0() + 80 * US,
            trace_id: super::data::trace_id(2),
        }),
        ..first.clone()
    };
    assert_eq!(s.found(&next).await, [6, 4]);
    assert_eq!(s.found(&first).await, [3, 5]);
}
