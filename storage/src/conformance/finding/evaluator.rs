//! Many queries over many spans, each answer compared with what [`TraceQuery::matches`] says of every span.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use model::{Dialect, KeyValue, Span, SpanKind, TraceId};

use super::tagged;
use crate::conformance::Subject;
use crate::conformance::data::{Seeded, US, child, later, t0};
use crate::conformance::reads::everything;
use crate::query::{Filter, TraceQuery};

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
        assert_eq!(s.found(&query).await, expect(&spans, &query), "{query:?}");
    }
}

fn expect(spans: &[Span], query: &TraceQuery) -> Vec<u64> {
    let mut latest: BTreeMap<TraceId, u64> = BTreeMap::new();
    for span in spans.iter().filter(|s| query.matches(s)) {
        let start = latest.entry(span.trace_id).or_default();
        *start = span.start_ns.max(*start);
    }
    let mut found: Vec<_> = latest.into_iter().collect();
    found.sort_by_key(|(id, start)| (Reverse(*start), *id));
    found
        .iter()
        .take(query.limit)
        .map(|(id, _)| id.low())
        .collect()
}

fn pick<'a>(random: &mut Seeded, from: &[&'a str]) -> &'a str {
    from[random.below(from.len() as u64) as usize]
}

fn any_span(random: &mut Seeded, id: u64) -> Span {
    let parent = random.below(id);
    let span = child(1 + random.below(60), id, parent, pick(random, &SERVICES));
    let mut span = later(span, random.below(50) * 20 * US);
    span.end_ns = span.start_ns + random.below(40) * 500;
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
    query
}

fn any_filter(random: &mut Seeded, depth: u64) -> Filter {
    let some = |random: &mut Seeded| -> Vec<Filter> {
        (0..1 + random.below(2))
            .map(|_| any_filter(random, depth - 1))
            .collect()
    };
    match random.below(if depth == 0 { 2 } else { 5 }) {
        2 => Filter::And(some(random)),
        3 => Filter::Or(some(random)),
        4 => Filter::Not(Box::new(any_filter(random, depth - 1))),
        _ => tagged(pick(random, &KEYS), pick(random, &VALUES)),
    }
}
