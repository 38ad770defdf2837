//! The store against a plain list of spans: whatever is written and asked for, both give the same.

use std::collections::{BTreeMap, BTreeSet};

use model::{SpanKind, Value};
use proptest::prelude::*;

use super::*;
use crate::port::{DependencyLink, FoundTrace, Operation, OperationQuery, whole_hours};
use crate::query::{Filter, Pattern};

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
            attributes: vec![KeyValue::new("tag", tag)],
            resource: Arc::new(Resource {
                attributes: vec![KeyValue::new("tag", ["rest/of it", "b", "c"][service])],
                ..Resource::of_service(["cart", "shop", "pay"][service])
            }),
            ..span(trace, id)
        }
    }
}

prop_compose! {
    fn queries()(
        service in prop::option::of(0_usize..3),
        operation in prop::option::of(0_usize..3),
        (from, to) in (0_u64..9000, 0_u64..9000),
        shortest in prop::option::of(0_u64..4000),
        longest in prop::option::of(0_u64..4000),
        tag in prop::option::of(prop_oneof![Just("a"), Just("rest/of it"), Just("7"), Just("NaN"), Just("")]),
        limit in 0_usize..7,
    ) -> TraceQuery {
        TraceQuery {
            service: service.map(|n| ["cart", "shop", "none"][n].into()),
            operation: operation.map(|n| ["get", "put", "none"][n].into()),
            filter: match tag {
                Some(value) => Filter::Tag { key: "tag".into(), value: Pattern::literal(value) },
                None => Filter::default(),
            },
            start_min_ns: from,
            start_max_ns: from + to,
            duration_min_ns: shortest,
            duration_max_ns: longest,
            limit,
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
    let mut latest = BTreeMap::new();
    for span in spans.iter().filter(|s| query.matches(s)) {
        let start = latest.entry(span.trace_id).or_insert(0);
        *start = span.start_ns.max(*start);
    }
    let mut found: Vec<_> = latest
        .into_iter()
        .map(|(trace_id, start_ns)| FoundTrace { trace_id, start_ns })
        .collect();
    // stable: by id among equal starts
    found.sort_by_key(|f| std::cmp::Reverse(f.start_ns));
    found.truncate(query.limit);
    found
}

fn calls(spans: &[Span], from: u64, to: u64) -> Vec<DependencyLink> {
    let (from, to) = whole_hours(from, to);
    let mut calls = BTreeMap::new();
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
        if let Some(caller) = caller
            && caller.resource.service_name() != span.resource.service_name()
        {
            let pair = (
                caller.resource.service_name().into(),
                span.resource.service_name().into(),
            );
            *calls.entry(pair).or_insert(0) += 1;
        }
    }
    calls
        .into_iter()
        .map(|((parent, child), call_count)| DependencyLink {
            parent,
            child,
            call_count,
        })
        .collect()
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
        assert_eq!(ours.traces, expect, "{query:?}");
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
