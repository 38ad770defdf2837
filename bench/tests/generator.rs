//! What the generator promises: the same from the same seed, and in every request what the plan says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bench::generator::{UNIQUE, ids, topology};
use bench::{Epoch, Layout, Outcome, Profile, Sent, Shape, State, Workload};
use bytes::Bytes;
use proptest::prelude::*;

fn workloads() -> impl Strategy<Value = Workload> {
    let profiles = prop_oneof![
        Just(Profile::Small),
        Just(Profile::Common),
        Just(Profile::Medium),
        Just(Profile::Large)
    ];
    let shapes = prop_oneof![Just(Shape::Scattered), Just(Shape::Whole)];
    let trace_spans = prop_oneof![Just(None), Just(Some(16))];
    (
        any::<u64>(),
        profiles,
        shapes,
        1..3000_usize,
        1..600_usize,
        trace_spans,
    )
        .prop_map(
            |(seed, profile, shape, spans, batch, trace_spans)| Workload {
                seed,
                profile,
                shape,
                spans,
                batch,
                trace_spans,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn requests_hold_what_the_plan_says(workload in workloads(), round in any::<u64>()) {
        let (epoch, again) = (Epoch::new(&workload), Epoch::new(&workload));
        let layout = &epoch.layout;
        let now_ns = 1_700_000_000_000_000_000;
        let mut counts: BTreeMap<u128, BTreeSet<u64>> = BTreeMap::new();
        let mut uniques = BTreeSet::new();
        let mut spans = 0;
        for (number, request) in layout.requests.iter().enumerate() {
            let body = epoch.body(number, round, now_ns);
            prop_assert_eq!(&body, &again.body(number, round, now_ns));
            let decoded = wire::otlp::decode(Bytes::from(body)).expect("a body that decodes");
            prop_assert!(decoded.rejected.is_empty());
            prop_assert_eq!(decoded.spans.len(), request.spans.len());
            prop_assert_eq!(epoch.spans(number) as usize, request.spans.len());
            prop_assert!(!request.spans.is_empty());
            if workload.shape == Shape::Scattered {
                prop_assert!(request.spans.len() <= workload.batch);
            }
            spans += request.spans.len();
            for (span, (trace, at)) in decoded.spans.iter().zip(&request.spans) {
                let plan = &layout.traces[*trace as usize].spans[*at as usize];
                let id = layout.trace_id(round, *trace);
                prop_assert_eq!(u128::from_be_bytes(span.trace_id.0), id);
                prop_assert_eq!(u64::from_be_bytes(span.span_id.0), ids::span(id as u64, *at));
                let parent = plan.parent.map(|p| ids::span(id as u64, p));
                prop_assert_eq!(span.parent_span_id.map(|p| u64::from_be_bytes(p.0)), parent);
                prop_assert_eq!(span.resource.service_name(), topology::service_name(plan.service));
                prop_assert_eq!(span.name.as_str(), topology::operation_name(plan.service, plan.operation));
                prop_assert_eq!((span.end_ns - span.start_ns) as i64, plan.duration_ns);
                prop_assert!(span.start_ns <= now_ns as u64);
                prop_assert!(now_ns - span.start_ns as i64 <= topology::MAX_AGE_NS);
                let unique = span.attributes.iter().find(|a| a.key.as_str() == UNIQUE).expect("it");
                let unique = format!("{:?}", unique.value);
                prop_assert!(uniques.insert(unique), "twice");
                prop_assert!(counts.entry(id).or_default().insert(ids::span(id as u64, *at)));
            }
        }
        prop_assert!(spans >= workload.spans);
        prop_assert_eq!(counts.len(), layout.traces.len());
        for (number, trace) in layout.traces.iter().enumerate() {
            let id = layout.trace_id(round, number as u32);
            prop_assert_eq!(counts[&id].len(), trace.spans.len());
            prop_assert!(workload.trace_spans.is_none_or(|n| trace.spans.len() == n as usize));
        }
    }

    /// A plan is a function of (seed, i): a longer round begins as a shorter one.
    #[test]
    fn trace_i_does_not_depend_on_how_many_there_are(seed in any::<u64>()) {
        let plan = |spans| Layout::new(&Workload::new(seed, Profile::Common, spans, 512));
        let (short, long) = (plan(300), plan(3_000));
        for (a, b) in short.traces.iter().zip(&long.traces) {
            prop_assert_eq!(format!("{:?}", a.spans), format!("{:?}", b.spans));
        }
    }
}

#[test]
fn rounds_have_other_ids_and_bodies_of_the_same_length() {
    let epoch = Epoch::new(&Workload::new(1, Profile::Common, 2_000, 64));
    for request in 0..epoch.len() {
        let (a, b) = (epoch.body(request, 1, 5_000), epoch.body(request, 2, 6_000));
        assert_eq!(a.len(), b.len());
        assert_ne!(a, b);
    }
    assert_ne!(epoch.layout.trace_id(1, 0), epoch.layout.trace_id(2, 0));
}

#[test]
fn traces_are_scattered_or_whole_as_asked() {
    let mut workload = Workload::new(3, Profile::Small, 20_000, 128);
    let requests = |workload: &Workload| -> f64 {
        let layout = Layout::new(workload);
        let several = layout.traces.iter().filter(|t| t.spans.len() >= 8);
        let counts = several.map(|t| t.requests.iter().collect::<BTreeSet<_>>().len());
        let counts: Vec<usize> = counts.collect();
        counts.iter().sum::<usize>() as f64 / counts.len() as f64
    };
    assert!(requests(&workload) > 3.0, "{}", requests(&workload));
    workload.shape = Shape::Whole;
    assert!(requests(&workload) < 1.5, "{}", requests(&workload));
}

#[test]
fn sizes_are_those_of_the_profiles() {
    for (profile, low, high) in [
        (Profile::Small, 280.0, 420.0),
        (Profile::Common, 480.0, 600.0),
        (Profile::Medium, 700.0, 900.0),
        (Profile::Large, 1_500.0, 2_100.0),
    ] {
        let epoch = Epoch::new(&Workload::new(1, profile, 20_000, 512));
        let mean = epoch.mean_span_bytes();
        assert!((low..high).contains(&mean), "{profile:?}: {mean}");
    }
}

#[test]
fn spans_per_trace_have_the_promised_median_and_tail() {
    let layout = Layout::new(&Workload::new(1, Profile::Small, 400_000, 512));
    let mut counts: Vec<usize> = layout.traces.iter().map(|t| t.spans.len()).collect();
    counts.sort_unstable();
    let at = |quantile: f64| counts[(counts.len() as f64 * quantile) as usize];
    assert!((10..=14).contains(&at(0.5)), "{}", at(0.5));
    assert!((150..=260).contains(&at(0.99)), "{}", at(0.99));
    let full = layout
        .requests
        .iter()
        .filter(|r| r.spans.len() == 512)
        .count();
    assert!(
        full * 4 > layout.requests.len() * 3,
        "{full} of {}",
        layout.requests.len()
    );
}

#[test]
fn a_state_knows_what_was_refused_and_what_was_never_sent() {
    let workload = Workload::new(1, Profile::Small, 500, 64);
    let layout = Layout::new(&workload);
    assert!(layout.requests.len() > 3);
    let requests = layout.requests.len();
    let spans = |r: usize| layout.requests[r].spans.len() as u32;
    let sent = |request, acknowledged| Sent {
        round: 9,
        request,
        acknowledged,
        at: Duration::ZERO,
    };
    let outcome = Outcome {
        sent: vec![sent(0, true), sent(2, false)],
        rounds: BTreeMap::from([(9, (5, 7))]),
        ..Outcome::new().unwrap()
    };
    let state = State::new(&workload, requests, spans, &outcome);
    assert_eq!(state.acknowledged_spans, u64::from(spans(0)));
    assert_eq!(state.sent_spans, u64::from(spans(0) + spans(2)));
    let expect = bench::expect::Expect::new(state);
    let total = |pick: fn(&std::ops::RangeInclusive<usize>) -> usize| -> usize {
        let traces = 0..expect.layout.traces.len() as u32;
        traces.map(|t| pick(&expect.span_range(0, t))).sum()
    };
    assert_eq!(total(|r| *r.start()), spans(0) as usize);
    assert_eq!(total(|r| *r.end()), (spans(0) + spans(2)) as usize);
    let id = expect.layout.trace_id(9, 1);
    assert_eq!(expect.locate(id), Some((0, 1)));
    assert_eq!(expect.locate(id + 1), None);
}

/// A question about a trace expects all of it.
#[test]
fn samples_are_traces_that_were_wholly_acknowledged() {
    let workload = Workload::new(1, Profile::Small, 3_000, 64);
    let layout = Layout::new(&workload);
    let half = (0..layout.requests.len() as u32 / 2).map(|request| Sent {
        round: 1,
        request,
        acknowledged: true,
        at: Duration::ZERO,
    });
    let outcome = Outcome {
        sent: half.collect(),
        rounds: BTreeMap::from([(1, (5, 7))]),
        ..Outcome::new().unwrap()
    };
    let spans = |r: usize| layout.requests[r].spans.len() as u32;
    let state = State::new(&workload, layout.requests.len(), spans, &outcome);
    let expect = bench::expect::Expect::new(state);
    let mut rng = bench::rng::Rng::new(1);
    for _ in 0..200 {
        let sample = expect.sample(&mut rng, 0.0..=1.0).expect("some are whole");
        let planned = layout.traces[sample.trace as usize].spans.len();
        assert_eq!(
            expect.span_range(sample.round, sample.trace),
            planned..=planned
        );
    }
}

#[test]
fn a_number_of_spans_takes_so_many_requests() {
    let layout = Layout::new(&Workload::new(1, Profile::Small, 500, 64));
    let (requests, spans) = (layout.requests.len() as u64, layout.spans());
    assert_eq!(layout.requests_for(0), 0);
    assert_eq!(layout.requests_for(1), 1);
    assert_eq!(layout.requests_for(spans), requests);
    assert_eq!(layout.requests_for(3 * spans + 1), 3 * requests + 1);
}
