use std::collections::BTreeMap;

use model::SpanId;
use proptest::prelude::*;

use super::*;

/// A span of service `abc[service]`.
fn call(span_id: u64, parent: u64, service: u32, kind: SpanKind) -> Call {
    Call {
        span_id,
        parent: (parent > 0).then_some(parent),
        start_ns: span_id * 1_000,
        duration_ns: span_id * 1_000,
        kind,
        is_error: span_id.is_multiple_of(2),
        service,
        peer: None,
    }
}

fn names() -> Names {
    let mut names = Names::default();
    for name in ["c", "b", "a", "q", "d"] {
        names.number(name);
    }
    names
}

fn found(spans: &[Call]) -> BTreeMap<(u64, Ends<u32>, bool, u64), u64> {
    let mut all = BTreeMap::new();
    for_each(spans, &names(), |f| {
        *all.entry((f.hour, f.ends, f.is_error, f.duration_us))
            .or_default() += 1;
    });
    all
}

/// The rule again, as slow and as plain as it can be.
fn brute_force(spans: &[Call]) -> BTreeMap<(u64, Ends<u32>, bool, u64), u64> {
    let names = names();
    let mut alike: Vec<&Call> = Vec::new();
    for span in spans {
        if !alike.contains(&span) {
            alike.push(span);
        }
    }
    let best = |id: u64, kind: Option<SpanKind>| {
        let fit = alike.iter().filter(|s| s.span_id == id);
        let fit = fit.filter(|s| kind.is_none_or(|kind| kind == s.kind));
        fit.min_by_key(|s| (s.start_ns, names.name(s.service), s.kind.number()))
    };
    let mut all = BTreeMap::new();
    for span in &alike {
        let mut add = |kind, parent, child| {
            let ends = Ends {
                parent,
                child,
                kind,
            };
            let key = (
                span.start_ns / HOUR_NS,
                ends,
                span.is_error,
                span.duration_ns / 1_000,
            );
            *all.entry(key).or_default() += 1;
        };
        let parent = span.parent.filter(|p| *p != span.span_id);
        let caller = (span.kind == SpanKind::Server)
            .then(|| best(span.span_id, Some(SpanKind::Client)))
            .flatten()
            .or_else(|| {
                let parent = parent?;
                best(parent, Some(SpanKind::Server)).or_else(|| best(parent, None))
            });
        let other = caller.filter(|c| c.service != span.service);
        if let Some(caller) = other {
            add(LinkKind::Call, caller.service, span.service);
        }
        let Some(peer) = span.peer else { continue };
        if peer.kind == LinkKind::Consume {
            if other.is_none() && caller.is_none_or(|c| c.kind != SpanKind::Consumer) {
                add(peer.kind, peer.name, span.service);
            }
            continue;
        }
        let answered = alike.iter().any(|a| {
            let kind = matches!(
                a.kind,
                SpanKind::Server | SpanKind::Consumer | SpanKind::Unspecified
            );
            let child = a.parent == Some(span.span_id) && a.span_id != span.span_id;
            let half = a.span_id == span.span_id && a.kind == SpanKind::Server;
            ((child && (kind || a.peer.is_some())) || half)
                && a.start_ns.abs_diff(span.start_ns) <= NEAR_NS
        });
        if !answered {
            add(peer.kind, span.service, peer.name);
        }
    }
    all
}

fn any_call() -> impl Strategy<Value = Call> {
    let kinds = prop::sample::select(vec![
        SpanKind::Unspecified,
        SpanKind::Internal,
        SpanKind::Client,
        SpanKind::Server,
        SpanKind::Producer,
        SpanKind::Consumer,
    ]);
    // around the end of an hour, and of five minutes
    let starts = prop::sample::select(vec![0, 1, NEAR_NS, NEAR_NS + 1, HOUR_NS - 1, HOUR_NS]);
    (
        1u64..6,
        0u64..6,
        0u32..3,
        kinds,
        starts,
        any::<bool>(),
        0u32..3,
    )
        .prop_map(
            |(span_id, parent, service, kind, start_ns, is_error, peer)| Call {
                start_ns,
                is_error,
                peer: (peer > 0 && names_peers(kind)).then(|| Peer {
                    kind: match kind {
                        SpanKind::Consumer => LinkKind::Consume,
                        SpanKind::Producer => LinkKind::Publish,
                        _ => LinkKind::Database,
                    },
                    name: 2 + peer,
                }),
                ..call(span_id, parent, service, kind)
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn calls_are_those_of_brute_force_in_any_order(
        spans in prop::collection::vec(any_call(), 0..12), shuffle in any::<prop::sample::Index>(),
    ) {
        let expect = brute_force(&spans);
        prop_assert_eq!(&found(&spans), &expect);
        let mut turned: Vec<_> = spans.iter().rev().copied().collect();
        if !turned.is_empty() {
            let at = shuffle.index(turned.len());
            turned.rotate_left(at);
            // and each twice
            turned.extend_from_within(..);
        }
        prop_assert_eq!(&found(&turned), &expect);
    }

    #[test]
    fn what_is_taken_back_leaves_what_is_left(
        spans in prop::collection::vec(any_call(), 0..12), late in 0usize..12,
    ) {
        let (early, names) = (spans.get(..late.min(spans.len())).unwrap(), names());
        let (mut all, mut steps) = (Totals::default(), Totals::default());
        for_each(&spans, &names, |f| all.count(&f, 1));
        for_each(early, &names, |f| steps.count(&f, 1));
        for_each(&spans, &names, |f| steps.count(&f, 1));
        for_each(early, &names, |f| steps.count(&f, -1));
        prop_assert_eq!(steps.into_links(&names), all.into_links(&names));
    }
}

#[test]
fn spans_beyond_number_of_one_id_take_no_time() {
    let spans: Vec<Call> = (0..200_000)
        .map(|n| Call {
            start_ns: n,
            ..call(1 + n % 2, 2 - n % 2, (n % 3) as u32, SpanKind::Client)
        })
        .collect();
    let mut count = 0;
    for_each(&spans, &names(), |_| count += 1);
    assert!(count > 0);
}

#[test]
fn a_span_says_what_its_call_is() {
    let mut names = Names::default();
    let mut span = Span {
        span_id: SpanId::from_u64(7),
        start_ns: 5_000,
        end_ns: 4_000,
        kind: SpanKind::Client,
        attributes: vec![model::KeyValue::new("db.system", "mysql")],
        ..Span::default()
    };
    span.status.code = StatusCode::Error;
    let call = Call::of(&span, &mut names);
    assert_eq!((call.duration_ns, call.is_error), (0, true));
    let peer = call.peer.unwrap();
    assert_eq!(
        (peer.kind, names.name(peer.name)),
        (LinkKind::Database, "mysql")
    );
}
