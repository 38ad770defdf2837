//! The store against a plain list of spans: whatever is written and asked for, both give the same.

use std::collections::{BTreeMap, BTreeSet};

use model::{SpanKind, Value};
use proptest::prelude::*;

use super::*;
use crate::port::{
    DependencyLink, Durations, FoundTrace, LinkKind, Operation, OperationQuery, whole_hours,
};
use crate::query::{Comparison, Filter, Order, Pattern, Place};

fn kinds() -> impl Strategy<Value = SpanKind> {
    prop_oneof![
        Just(SpanKind::Unspecified),
        Just(SpanKind::Client),
        Just(SpanKind::Server)
    ]
}

prop_compose! {
    /// Few values, so that spans meet: equal ones, halves that share an id, parents that are there and that are not.
    fn spans()(
        (trace, id, parent) in (1_u64..6, 1_u64..6, 0_u64..6),
        (service, name) in (0_usize..3, 0_usize..3),
        kind in kinds(),
        (start, duration, hour) in (0_u64..12, 0_u64..5, prop_oneof![3 => Just(0_u64), 1 => Just(1), 1 => Just(30)]),
        peer in any::<bool>(),
        tag in prop_oneof![
            Just(Value::Empty),
            Just(Value::from("a")),
            Just(Value::from("rest/of it")),
            Just(Value::from(7_i64)),
            Just(Value::from(f64::NAN)),
        ],
    ) -> Span {
        Span {
            parent_span_id: (parent > 0).then(|| SpanId::from_u64(parent)),
            name: ["get", "put", ""][name].into(),
            kind,
            start_ns: start * 700 + hour * crate::port::HOUR_NS,
            end_ns: start * 700 + duration * 900 + hour * crate::port::HOUR_NS,
            attributes: match peer {
                true => vec![KeyValue::new("tag", tag), KeyValue::new("db.system", "mysql")],
                false => vec![KeyValue::new("tag", tag)],
            },
            resource: Arc::new(Resource {
                attributes: vec![KeyValue::new("tag", ["rest/of it", "b", "c"][service])],
                ..Resource::of_service(["cart", "shop", "pay"][service])
            }),
            ..span(trace, id)
        }
    }
}

/// Conditions of every kind, of which some let columns or tokens be passed over.
fn filters() -> impl Strategy<Value = Filter> {
    let values = prop::sample::select(vec!["a", "rest/of it", "7", "NaN", ""]);
    let comparisons = prop::sample::select(vec![
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Equal,
        Comparison::AtLeast,
        Comparison::More,
    ]);
    let names = prop::sample::select(vec!["cart|shop", "p.*", "get", "none"]);
    let alone = prop_oneof![
        values.clone().prop_map(|value| Filter::Tag {
            key: "tag".into(),
            value: Pattern::literal(value)
        }),
        values.prop_map(|value| Filter::SpanTag {
            key: "tag".into(),
            value: Pattern::literal(value)
        }),
        prop::sample::select(vec!["tag", "none", "span.kind"])
            .prop_map(|key| Filter::Has { key: key.into() }),
        (comparisons.clone(), 6_u64..9).prop_map(|(is, than)| Filter::Number {
            key: "tag".into(),
            is,
            than: than.to_string().parse().unwrap(),
        }),
        names
            .clone()
            .prop_map(|name| Filter::Service(Pattern::new(name))),
        names.prop_map(|name| Filter::Operation(Pattern::new(name))),
        (comparisons, 0_u64..4000).prop_map(|(is, than_ns)| Filter::Duration { is, than_ns }),
    ];
    alone.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

prop_compose! {
    fn queries()(
        service in prop::option::of(0_usize..3),
        operation in prop::option::of(0_usize..3),
        (from, to) in (0_u64..9000, 0_u64..9000),
        shortest in prop::option::of(0_u64..4000),
        longest in prop::option::of(0_u64..4000),
        filter in prop::option::of(filters()),
        limit in 0_usize..7,
        order in prop::sample::select(Order::ALL.to_vec()),
        after in prop::option::of((0_u64..9000, 0_u64..6)),
    ) -> TraceQuery {
        TraceQuery {
            service: service.map(|n| ["cart", "shop", "none"][n].into()),
            operation: operation.map(|n| ["get", "put", "none"][n].into()),
            filter: filter.unwrap_or_default(),
            start_min_ns: from,
            start_max_ns: from + to,
            duration_min_ns: shortest,
            duration_max_ns: longest,
            limit,
            order,
            after: after.map(|(key_ns, id)| Place { key_ns, trace_id: TraceId::from_halves(0, id) }),
        }
    }
}

/// Of a store that keeps what is written in its head, or seals it at once, or some of it.
fn config(step: u8) -> Config {
    Config {
        index_bytes: [96 << 20, 1, 20_000, 96 << 20][usize::from(step % 4)],
        generation_bytes: if step == 3 { 64 << 20 } else { 4096 },
        ..super::config()
    }
}

/// Wholly equal, NaN by its bits.
fn text(span: &Span) -> String {
    format!("{span:?}")
}

/// The list without what is equal to an earlier one.
fn distinct(spans: &[Span]) -> Vec<Span> {
    let mut seen = BTreeSet::new();
    spans
        .iter()
        .filter(|s| seen.insert(text(s)))
        .cloned()
        .collect()
}

fn found(spans: &[Span], query: &TraceQuery) -> Vec<FoundTrace> {
    let mut by_trace: BTreeMap<_, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        by_trace.entry(span.trace_id).or_default().push(span);
    }
    let mut places: Vec<_> = by_trace
        .into_values()
        .filter_map(|spans| query.place(spans))
        .filter(|place| query.is_wanted(place))
        .collect();
    places.sort_by(|a, b| query.order.compare(a, b));
    places.truncate(query.limit);
    let found = places.into_iter().map(|place| FoundTrace {
        trace_id: place.trace_id,
        start_ns: place.key_ns,
        key_ns: place.key_ns,
    });
    found.collect()
}

/// Without what is not promised: which of several spans of one duration is named.
fn plain(found: Vec<FoundTrace>) -> Vec<FoundTrace> {
    let plain = found.into_iter().map(|f| FoundTrace {
        start_ns: f.key_ns,
        ..f
    });
    plain.collect()
}

fn calls(spans: &[Span], from: u64, to: u64) -> Vec<DependencyLink> {
    let (from, to) = whole_hours(from, to);
    let mut seen = BTreeSet::new();
    // alike in all that a call is made of; a tag that names a database is, of who calls it
    let alike = |s: &&Span| {
        let service = s.resource.service_name().to_owned();
        let ids = (s.trace_id, s.span_id, s.parent_span_id);
        let peer = s.kind == SpanKind::Client && s.attributes.iter().any(|a| a.key == "db.system");
        seen.insert((
            ids,
            s.start_ns,
            s.duration_ns(),
            s.kind.number(),
            service,
            peer,
        ))
    };
    let spans: Vec<&Span> = spans.iter().filter(alike).collect();
    let mut links = Vec::new();
    for span in spans.iter().filter(|s| (from..=to).contains(&s.start_ns)) {
        let with = |id: SpanId, kind: Option<SpanKind>| {
            let fit = spans.iter().filter(|s| {
                s.trace_id == span.trace_id && s.span_id == id && kind.is_none_or(|k| k == s.kind)
            });
            fit.min_by_key(|s| (s.start_ns, s.resource.service_name()))
        };
        let client = (span.kind == SpanKind::Server)
            .then(|| with(span.span_id, Some(SpanKind::Client)))
            .flatten();
        let parent = span.parent_span_id.filter(|p| *p != span.span_id);
        let caller = client.or_else(|| {
            let parent = parent?;
            with(parent, Some(SpanKind::Server)).or_else(|| with(parent, None))
        });
        let us = span.duration_ns() / 1_000;
        let mut add = |kind, parent: &str, child: &str| {
            links.push(DependencyLink {
                kind,
                durations: Durations {
                    sum_us: us,
                    buckets: [(Durations::bucket(us), 1)].into(),
                },
                ..DependencyLink::calls(parent.into(), child.into(), 1)
            });
        };
        let service = span.resource.service_name();
        if let Some(caller) = caller
            && caller.resource.service_name() != service
        {
            add(LinkKind::Call, caller.resource.service_name(), service);
        }
        let has_peer = |s: &Span| {
            s.kind == SpanKind::Client && s.attributes.iter().any(|a| a.key == "db.system")
        };
        let is_answered = spans.iter().any(|s| {
            let child = s.parent_span_id == Some(span.span_id) && s.span_id != span.span_id;
            let half = s.span_id == span.span_id && s.kind == SpanKind::Server;
            // all of these tests' other kinds answer, and five minutes are less than their hours
            let answers = (child && (s.kind != SpanKind::Client || has_peer(s))) || half;
            answers
                && s.trace_id == span.trace_id
                && s.start_ns.abs_diff(span.start_ns) <= crate::port::NEAR_NS
        });
        if has_peer(span) && !is_answered {
            add(LinkKind::Database, service, "mysql");
        }
    }
    DependencyLink::sum(links)
}

async fn compare(store: &Embedded, spans: &[Span], queries: &[TraceQuery]) {
    let spans = distinct(spans);
    let cx = ReadContext::default();
    let reader = store.reader(&Instance::default());
    let (all, completeness) = read(store, 1..6).await;
    assert_eq!(completeness, Completeness::Complete);
    let sorted = |spans: &[Span]| {
        let mut texts: Vec<_> = spans.iter().map(text).collect();
        texts.sort();
        texts
    };
    assert_eq!(sorted(&all), sorted(&spans));
    for query in queries {
        let expect = found(&spans, query);
        let ours = reader.find_trace_ids(&cx, query).await.unwrap();
        assert_eq!(plain(ours.traces), expect, "{query:?}");
        assert_eq!(ours.completeness, Completeness::Complete);
        let mut given: Vec<Span> = Vec::new();
        let mut items = reader.find_traces(&cx, query);
        while let Some(Ok(ReadItem::Spans(chunk))) = items.next().await {
            given.extend(chunk);
        }
        let mut order: Vec<_> = given.iter().map(|s| s.trace_id).collect();
        order.dedup();
        assert_eq!(order, expect.iter().map(|f| f.trace_id).collect::<Vec<_>>());
        let whole: Vec<_> = spans
            .iter()
            .filter(|s| order.contains(&s.trace_id))
            .cloned()
            .collect();
        assert_eq!(sorted(&given), sorted(&whole));
    }
    let services: BTreeSet<_> = spans.iter().map(|s| s.resource.service_name()).collect();
    assert_eq!(
        reader.get_services(&cx).await.unwrap(),
        services.into_iter().collect::<Vec<_>>()
    );
    for kind in [None, Some(SpanKind::Server)] {
        let query = OperationQuery {
            service: "cart".into(),
            kind,
        };
        let expect: BTreeSet<_> = spans
            .iter()
            .filter(|s| s.resource.service_name() == "cart" && kind.is_none_or(|k| k == s.kind))
            .map(|s| Operation {
                name: s.name.clone(),
                kind: s.kind,
            })
            .collect();
        assert_eq!(
            reader.get_operations(&cx, &query).await.unwrap(),
            expect.into_iter().collect::<Vec<_>>()
        );
    }
    let dependencies = store.dependencies(&Instance::default());
    for (from, to) in [
        (0, u64::MAX),
        (2000, 5000),
        (crate::port::HOUR_NS, u64::MAX),
    ] {
        assert_eq!(
            dependencies.get_dependencies(&cx, from, to).await.unwrap(),
            calls(&spans, from, to)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if soak() { 5000 } else { 64 }))]

    #[test]
    fn the_store_answers_as_a_plain_list_does(
        batches in prop::collection::vec(prop::collection::vec(spans(), 1..12), 1..16),
        steps in prop::collection::vec(0_u8..9, 1..16),
        queries in prop::collection::vec(queries(), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut disk = SimulatedDisk::new(1);
            let mut store = open_with(&disk, config(steps.first().copied().unwrap_or_default()));
            let mut spans: Vec<Span> = Vec::new();
            for (batch, step) in batches.into_iter().zip(steps.iter().cycle()) {
                write(&store, batch.clone()).await.unwrap();
                spans.extend(batch);
                match step {
                    // read back, with or without sealing what is there, and going on so
                    0..4 => {
                        drop(store);
                        disk = disk.reboot();
                        store = open_with(&disk, config(*step));
                    }
                    4 => drop(store.keeper.merge_some(2)),
                    5 => compare(&store, &spans, &queries).await,
                    _ => {}
                }
            }
            compare(&store, &spans, &queries).await;
            while store.keeper.merge_some(2) {}
            compare(&store, &spans, &queries).await;
            drop(store);
            compare(&open_with(&disk.reboot(), config(1)), &spans, &queries).await;
        });
    }
}
