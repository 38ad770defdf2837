//! Many queries over many spans, each answer compared with what [`TraceQuery::matches`] says of every span.

use std::collections::BTreeMap;

use model::{Dialect, KeyValue, Span, SpanKind, TraceId};

use super::tagged;
use crate::conformance::Subject;
use crate::conformance::data::{Seeded, US, child, later, t0, trace_id};
use crate::conformance::reads::everything;
use crate::query::{Comparison, Filter, Order, Pattern, Place, TraceQuery};

const SERVICES: [&str; 3] = ["a", "b", "c"];
const OPERATIONS: [&str; 3] = ["get", "put", "post"];
const KEYS: [&str; 3] = ["x", "y", "span.kind"];
const VALUES: [&str; 4] = ["1", "2", "client", "[12]"];

/// Two hundred queries over six hundred spans find what the evaluator says, in the order it gives.
pub async fn every_query_finds_what_the_evaluator_says(s: Subject) {
    let mut random = Seeded::new(20_26);
    let spans: Vec<_> = (1..=600).map(|id| any_span(&mut random, id)).collect();
    for some in spans.chunks(37) {
        s.store(some.to_vec()).await;
    }
    for _ in 0..200 {
        let query = any_query(&mut random);
        let expect = expect_numbers(&spans, &query);
        assert_eq!(s.found(&query).await, expect, "{query:?}");
    }
}

/// What `query` finds among `spans`: their traces, in its order.
pub fn expect(spans: &[Span], query: &TraceQuery) -> Vec<TraceId> {
    let mut by_trace: BTreeMap<TraceId, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        by_trace.entry(span.trace_id).or_default().push(span);
    }
    let places = by_trace
        .into_values()
        .filter_map(|spans| query.place(spans));
    let mut places: Vec<_> = places.filter(|place| query.is_wanted(place)).collect();
    places.sort_by(|a, b| query.order.compare(a, b));
    places.truncate(query.limit);
    places.into_iter().map(|place| place.trace_id).collect()
}

/// The numbers of these traces.
pub(in crate::conformance) fn expect_numbers(spans: &[Span], query: &TraceQuery) -> Vec<u64> {
    expect(spans, query).iter().map(|id| id.low()).collect()
}

fn pick<'a>(random: &mut Seeded, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}

fn any_span(random: &mut Seeded, id: u64) -> Span {
    let parent = random.below(id);
    let span = child(1 + random.below(60), id, parent, pick(random, &SERVICES));
    let mut span = later(span, random.below(50) * 20 * US);
    // in whole microseconds: by them every store orders alike
    span.end_ns = span.start_ns + random.below(20) * US;
    span.name = pick(random, &OPERATIONS).into();
    for _ in 0..random.below(3) {
        span.attributes.push(KeyValue::new(
            pick(random, &KEYS),
            pick(random, &VALUES[..3]),
        ));
    }
    if random.below(2) == 0 {
        span.kind = SpanKind::Client;
    }
    if random.below(3) == 0 {
        span.dialect = Dialect::Jaeger;
    }
    span
}

fn any_query(random: &mut Seeded) -> TraceQuery {
    let mut query = everything();
    if random.below(3) > 0 {
        query.service = Some(pick(random, &SERVICES).into());
    }
    if random.below(3) == 0 {
        query.operation = Some(pick(random, &OPERATIONS).into());
    }
    if random.below(2) == 0 {
        query.start_min_ns = t0() + random.below(1_000) * US;
        query.start_max_ns = query.start_min_ns + random.below(500) * US;
    }
    if random.below(3) == 0 {
        query.duration_min_ns = Some(random.below(20_000));
    }
    if random.below(3) == 0 {
        query.duration_max_ns = Some(random.below(20_000));
    }
    if random.below(2) == 0 {
        query.filter = any_filter(random, 2);
    }
    if random.below(2) == 0 {
        query.limit = 1 + random.below(20) as usize;
    }
    if random.below(2) == 0 {
        query.order = Order::ALL[random.below(4) as usize];
    }
    if random.below(3) == 0 {
        let us = if query.order.is_by_duration() {
            random.below(20)
        } else {
            t0() / US + random.below(1_000)
        };
        query.after = Some(Place {
            key_ns: us * US,
            trace_id: trace_id(random.below(60)),
        });
    }
    query
}

fn any_filter(random: &mut Seeded, depth: u64) -> Filter {
    let some = |random: &mut Seeded| -> Vec<Filter> {
        (0..1 + random.below(2))
            .map(|_| any_filter(random, depth - 1))
            .collect()
    };
    match random.below(if depth == 0 { 8 } else { 11 }) {
        8 => Filter::And(some(random)),
        9 => Filter::Or(some(random)),
        10 => Filter::Not(Box::new(any_filter(random, depth - 1))),
        2 => Filter::Has {
            key: pick(random, &KEYS).into(),
        },
        3 => Filter::Number {
            key: pick(random, &KEYS).into(),
            is: any_comparison(random),
            than: random.below(4).to_string().parse().unwrap(),
        },
        4 => Filter::Service(Pattern::new(pick(random, &["a", "a|b", "[bc]", "none"]))),
        5 => Filter::Operation(Pattern::new(pick(random, &["get", "p.*", ".*t", "none"]))),
        6 => Filter::Duration {
            is: any_comparison(random),
            than_ns: random.below(20_000),
        },
        7 => Filter::SpanTag {
            key: pick(random, &KEYS).into(),
            value: Pattern::new(pick(random, &VALUES)),
        },
        _ => tagged(pick(random, &KEYS), pick(random, &VALUES)),
    }
}

fn any_comparison(random: &mut Seeded) -> Comparison {
    use Comparison::{AtLeast, AtMost, Equal, Less, More};
    [Less, AtMost, Equal, AtLeast, More][random.below(5) as usize]
}
