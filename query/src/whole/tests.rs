//! Whole traces: their order, who hangs below whom, what they hold of what was read.

use std::collections::HashSet;

use model::{Batch, Instance};
use proptest::prelude::*;

use super::*;
use crate::testing::{span, whole};

/// A span that starts at `start_ns`, below `parent` unless that is 0.
fn below(id: u64, start_ns: u64, parent: u64) -> model::Span {
    let mut span = span(1, id);
    span.parent_span_id = (parent != 0).then(|| SpanId::from_u64(parent));
    (span.start_ns, span.end_ns) = (start_ns, start_ns + 5);
    span
}

fn ids(whole: &Whole) -> Vec<u64> {
    whole.spans().iter().map(|s| s.span_id.to_u64()).collect()
}

#[test]
fn spans_stand_by_start_then_id() {
    let mixed = || {
        vec![
            below(3, 7, 1),
            below(9, 2, 0),
            below(1, 7, 0),
            below(2, 7, 9),
        ]
    };
    let one = whole(mixed());
    assert_eq!(ids(&one), [9, 1, 2, 3]);
    let mut back = mixed();
    back.reverse();
    assert_eq!(one.fingerprint, whole(back).fingerprint);
    let mut other = mixed();
    other[0].end_ns += 1;
    assert_ne!(one.fingerprint, whole(other).fingerprint);
}

#[track_caller]
fn check(spans: Vec<model::Span>, expect: &[Parent]) {
    assert_eq!(parents(whole(spans).spans()), expect);
}

#[test]
fn parents_are_positions() {
    use Parent::{At, Missing, None};
    check(vec![], &[]);
    check(
        vec![below(1, 0, 0), below(2, 1, 1), below(3, 2, 8)],
        &[None, At(0), Missing],
    );
    // a child may start before its parent
    check(vec![below(2, 0, 1), below(1, 1, 0)], &[At(1), None]);
    check(vec![below(1, 0, 1)], &[None]);
}

#[test]
fn of_two_spans_with_one_id_the_server_hangs_below_the_client() {
    use Parent::{At, None};
    let client = below(1, 0, 0);
    let server = below(1, 1, 1);
    check(vec![client, server, below(2, 2, 1)], &[None, At(0), At(0)]);
}

#[test]
fn a_ring_is_cut_at_its_first_span() {
    use Parent::{At, None};
    check(
        vec![
            below(1, 0, 3),
            below(2, 1, 1),
            below(3, 2, 2),
            below(4, 3, 2),
        ],
        &[None, At(0), At(1), At(1)],
    );
}

proptest! {
    #[test]
    fn following_parents_ends(links in proptest::collection::vec((0_u64..12, 0_u64..14), 0..12)) {
        let spans = links.iter().enumerate().map(|(at, (id, parent))| below(id + 1, at as u64, *parent));
        let whole = whole(spans.collect());
        let parents = parents(whole.spans());
        for begin in 0..parents.len() {
            let (mut at, mut steps) = (begin, 0);
            while let Parent::At(next) = parents[at] {
                at = next;
                steps += 1;
                prop_assert!(steps <= parents.len(), "{parents:?}");
            }
        }
    }

    #[test]
    fn nothing_is_lost_or_changed(spans in proptest::collection::vec(wire::arbitrary::span(), 0..8)) {
        let plain = Trace::from_model(&spans);
        let whole = whole(spans);
        prop_assert_eq!(whole.spans().len(), plain.spans.len());
        // NaN is no equal of itself
        let shown = |spans: &[Span]| {
            let mut shown: Vec<String> = spans.iter().map(|span| format!("{span:?}")).collect();
            shown.sort();
            shown
        };
        prop_assert_eq!(shown(whole.spans()), shown(&plain.spans));
        prop_assert_eq!(whole.places.len(), whole.spans().len());
        for (span, place) in whole.spans().iter().zip(&whole.places) {
            prop_assert!(Arc::ptr_eq(&span.process, &whole.processes[*place as usize]));
        }
    }
}

#[test]
fn equal_processes_are_one() {
    let mut spans: Vec<model::Span> = (1..=3).map(|id| below(id, id, 0)).collect();
    spans[1].resource = Arc::new(model::Resource::of_service("other"));
    let whole = whole(spans);
    assert_eq!(whole.places, [0, 1, 0]);
    assert_eq!(whole.processes.len(), 2);
}

#[test]
fn no_text_keeps_the_buffer_of_a_request_alive() {
    let request = model::Str::from("x".repeat(1 << 20));
    let mut one = below(1, 0, 0);
    one.name = request.clone();
    let spans = vec![one];
    let batch = Batch::new(Instance::default(), spans.clone(), 0);
    let whole = whole(spans);
    let held = whole.spans()[0].operation_name.as_str().as_ptr();
    assert_ne!(held, batch.spans[0].name.as_str().as_ptr());
    assert!(whole.weight() > 1 << 20);
    let again = self::whole(vec![below(1, 0, 0); 1]);
    assert!(again.weight() < 4096, "{}", again.weight());
}

#[test]
fn some_spans_are_a_trace_of_their_own() {
    let whole = whole((1..=4).map(|id| below(id, id, 0)).collect());
    let wanted: HashSet<SpanId> = [2, 4, 9].map(SpanId::from_u64).into();
    let only = whole.only(|id| wanted.contains(&id));
    let ids: Vec<u64> = only.spans.iter().map(|s| s.span_id.to_u64()).collect();
    assert_eq!(ids, [2, 4]);
}
