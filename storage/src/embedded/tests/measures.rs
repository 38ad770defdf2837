//! Counting by columns against counting one by one: spans in the journal, in segments and in both; and what is said when a bound ends it.

use model::{SpanKind, Status, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::memory::{self, Memory};
use crate::port::{Grid, Measure, MeasureQuery, Measured, ReadLimits};

const SERVICES: [&str; 3] = ["cart", "shop", "pay"];

prop_compose! {
    fn spans()(
        (service, name) in (0_usize..3, 0_usize..2),
        kind in prop::sample::select(vec![SpanKind::Unspecified, SpanKind::Client, SpanKind::Server]),
        (start_ms, duration_us) in (900_u64..1_900, 0_u64..100_000),
        fails in any::<bool>(),
    ) -> Span {
        let code = if fails { StatusCode::Error } else { StatusCode::Ok };
        Span {
            name: ["get", "put"][name].into(),
            kind,
            start_ns: start_ms * 1_000_000 + 7,
            end_ns: start_ms * 1_000_000 + 7 + duration_us * 1_000 + 999,
            status: Status { code, ..Status::default() },
            resource: Arc::new(Resource::of_service(SERVICES[service])),
            ..span(1, 1)
        }
    }
}

prop_compose! {
    fn queries()(
        measure in prop::sample::select(vec![Measure::Calls, Measure::Errors, Measure::Latencies]),
        services in prop::sample::subsequence(SERVICES.to_vec(), 1..=3),
        kinds in prop::sample::subsequence(vec![SpanKind::Unspecified, SpanKind::Client, SpanKind::Server], 0..=3),
        by_operation in any::<bool>(),
        (lookback, step, rate) in (0_u64..900, 1_u64..300, 1_u64..600),
    ) -> MeasureQuery {
        MeasureQuery {
            measure,
            services: services.into_iter().map(Into::into).collect(),
            kinds,
            by_operation,
            grid: Grid::new(2_000, lookback, step, rate).unwrap(),
        }
    }
}

async fn measured(store: &dyn Backend, query: &MeasureQuery) -> Measured {
    let cx = ReadContext::default();
    let reader = store.measures(&Instance::default()).unwrap().reader;
    let measured = reader.measure(&cx, query).await.unwrap();
    assert_eq!(cx.lacks.reason(), None);
    measured
}

async fn check(batches: Vec<Vec<Span>>, queries: Vec<MeasureQuery>) {
    let memory = Memory::new(memory::Config::default());
    let disks = [
        SimulatedDisk::new(1),
        SimulatedDisk::new(2),
        SimulatedDisk::new(3),
    ];
    let whole = Config {
        generation_bytes: 1 << 20,
        ..config()
    };
    let stores = [
        open_with(&disks[0], whole),
        open_with(&disks[1], config()),
        open_with(&disks[2], sealing()),
    ];
    let mut id = 0;
    for mut spans in batches {
        for span in &mut spans {
            id += 1;
            span.span_id = SpanId::from_u64(id);
            span.trace_id = TraceId::from_halves(0, id % 5);
        }
        memory.writer().write(batch(spans.clone())).await.unwrap();
        for store in &stores {
            write(store, spans.clone()).await.unwrap();
        }
    }
    settled(&stores[2]).await;
    for query in &queries {
        let expected = measured(&memory, query).await;
        for store in &stores {
            assert_eq!(measured(store, query).await, expected, "{query:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if soak() { 500 } else { 16 }))]

    #[test]
    fn columns_are_counted_as_spans_are(
        batches in prop::collection::vec(prop::collection::vec(spans(), 1..30), 1..6),
        queries in prop::collection::vec(queries(), 8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(batches, queries));
    }
}

#[tokio::test]
async fn what_there_is_no_memory_or_time_for_is_said() {
    let store = open(&SimulatedDisk::new(1));
    write(&store, (1..=100).map(|id| span(1, id)).collect())
        .await
        .unwrap();
    let query = MeasureQuery {
        measure: Measure::Calls,
        services: vec!["cart".into()],
        kinds: Vec::new(),
        by_operation: false,
        grid: Grid::new(1_000, 0, 1_000, 1_000).unwrap(),
    };
    let reader = store.measures(&Instance::default()).unwrap().reader;
    let cx = ReadContext {
        limits: ReadLimits {
            bytes: 0,
            ..ReadLimits::default()
        },
        ..ReadContext::default()
    };
    reader.measure(&cx, &query).await.unwrap();
    let said = cx.lacks.reason().unwrap_or_default();
    assert!(said.contains("query.max-bytes"), "{said}");
    let late = ReadContext {
        deadline: Some(Instant::now()),
        ..ReadContext::default()
    };
    assert!(reader.measure(&late, &query).await.is_err());
}
