//! The embedded store answers as the memory store does, which keeps no index and goes through all spans.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use model::{Batch, Instance, KeyValue, Resource, Span, SpanId, SpanKind, TraceId};
use proptest::prelude::*;
use storage::disk::RealDisk;
use storage::embedded::{self, Embedded};
use storage::memory::{self, Memory};
use storage::{
    Backend, DependencyLink, GetTrace, Operation, OperationQuery, ReadContext, ReadItem, TraceQuery,
};

const SERVICES: [&str; 3] = ["a", "b", "c"];
const KINDS: [SpanKind; 4] = [
    SpanKind::Unspecified,
    SpanKind::Client,
    SpanKind::Server,
    SpanKind::Internal,
];

/// What can be read of a store, in one value.
#[derive(Debug, PartialEq)]
struct Everything {
    traces: Vec<Vec<String>>,
    found: Vec<Vec<String>>,
    services: Vec<String>,
    operations: Vec<Vec<Operation>>,
    dependencies: Vec<DependencyLink>,
}

/// Few traces, ids, services and times, so that spans meet: equal ones, two halves of one id, parents and strangers.
fn any_span(t0: u64) -> impl Strategy<Value = Span> {
    let numbers = (1u64..4, 1u64..6, 0u64..6, 0usize..3, 0usize..4, 0u64..3);
    (numbers, 0u64..2).prop_map(
        move |((trace, id, parent, service, kind, time), tag)| Span {
            trace_id: TraceId::from_halves(1, trace),
            span_id: SpanId::from_u64(id),
            parent_span_id: (parent > 0).then(|| SpanId::from_u64(parent)),
            name: ["get", "put"].get(id as usize % 2).copied().unwrap().into(),
            kind: KINDS.get(kind).copied().unwrap(),
            start_ns: t0 + time * 1_000_000,
            end_ns: t0 + time * 1_000_000 + tag,
            attributes: vec![
                KeyValue::new("tag", tag as i64),
                KeyValue::new("peer.service", *SERVICES.get(service).unwrap()),
            ],
            resource: Arc::new(Resource::of_service(*SERVICES.get(service).unwrap())),
            ..Span::default()
        },
    )
}

async fn everything(store: &dyn Backend, t0: u64) -> Everything {
    let (cx, whose) = (ReadContext::default(), Instance::default());
    let reader = store.reader(&whose);
    let ids: Vec<_> = (1..4)
        .map(|id| GetTrace::by_id(TraceId::from_halves(1, id)))
        .collect();
    let query = TraceQuery {
        service: Some("a".into()),
        start_min_ns: t0,
        start_max_ns: t0 + 1_000_000,
        limit: 10,
        ..TraceQuery::default()
    };
    let mut answers = Vec::new();
    for stream in [
        reader.get_traces(&cx, &ids),
        reader.find_traces(&cx, &query),
    ] {
        let items: Vec<_> = stream.collect().await;
        let traces = items.into_iter().filter_map(|item| match item.unwrap() {
            ReadItem::Spans(spans) => {
                let mut texts: Vec<_> = spans.iter().map(|s| format!("{s:?}")).collect();
                texts.sort();
                Some(texts)
            }
            ReadItem::End(_) => None,
        });
        answers.push(traces.collect::<Vec<_>>());
    }
    let mut operations = Vec::new();
    for service in SERVICES {
        let query = OperationQuery {
            service: service.into(),
            kind: None,
        };
        operations.push(reader.get_operations(&cx, &query).await.unwrap());
    }
    let services = reader.get_services(&cx).await.unwrap();
    let dependencies = store.dependencies(&whose);
    Everything {
        found: answers.pop().unwrap(),
        traces: answers.pop().unwrap(),
        services: services.iter().map(ToString::to_string).collect(),
        operations,
        dependencies: dependencies
            .get_dependencies(&cx, t0, t0 + 1_000_000)
            .await
            .unwrap(),
    }
}

async fn compare(batches: Vec<Vec<Span>>, t0: u64) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let config = embedded::Config::in_directory(folder.path());
    let embedded = Embedded::open(config, Arc::new(RealDisk)).unwrap();
    let memory = Memory::new(memory::Config::default());
    for spans in batches {
        let batch = Batch::new(Instance::default(), spans, 0);
        embedded.writer().write(batch.clone()).await.unwrap();
        memory.writer().write(batch).await.unwrap();
    }
    let ours = everything(&embedded, t0).await;
    let oracle = everything(&memory, t0).await;
    embedded.close().await;
    prop_assert_eq!(ours, oracle);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_embedded_store_answers_as_the_memory_store(
        batches in prop::collection::vec(prop::collection::vec(any_span(0), 0..12), 1..4),
    ) {
        // a whole second about an hour ago
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let t0 = (now - 3600) * 1_000_000_000;
        let mut batches = batches;
        for span in batches.iter_mut().flatten() {
            span.start_ns += t0;
            span.end_ns += t0;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(batches, t0))?;
    }
}
