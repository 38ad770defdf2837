use std::sync::Arc;

use futures_util::StreamExt as _;
use model::{Resource, Span, SpanId, TraceId};
use proptest::prelude::*;

use super::*;
use crate::port::{GetTrace, ReadContext, ReadItem};

fn span(trace: u64, id: u64) -> Span {
    Span {
        trace_id: TraceId::from_halves(0, trace),
        span_id: SpanId::from_u64(id),
        name: "x".repeat(1000).into(),
        resource: Arc::new(Resource::of_service("svc")),
        ..Span::default()
    }
}

fn instance(name: &str) -> Instance {
    Instance::parse(name).unwrap()
}

async fn write(memory: &Memory, instance: &Instance, spans: Vec<Span>) -> Result<(), WriteError> {
    let batch = Batch::new(instance.clone(), spans, 0);
    memory.writer().write(batch).await
}

/// Which of these traces are there, each with the number of its spans.
async fn kept(memory: &Memory, instance: &Instance, traces: &[u64]) -> Vec<(u64, usize)> {
    let ids: Vec<_> = traces
        .iter()
        .map(|id| GetTrace::by_id(TraceId::from_halves(0, *id)))
        .collect();
    let (reader, cx) = (memory.reader(instance), ReadContext::default());
    let mut items = reader.get_traces(&cx, &ids);
    let mut kept: Vec<(u64, usize)> = Vec::new();
    while let Some(item) = items.next().await {
        if let ReadItem::Spans(spans) = item.unwrap() {
            kept.push((spans[0].trace_id.low(), spans.len()));
        }
    }
    kept
}

fn memory(max_bytes: usize, max_traces: usize) -> Memory {
    Memory::new(Config {
        max_bytes,
        max_traces,
    })
}

fn totals(memory: &Memory) -> store::Totals {
    memory.shared.store.read().totals()
}

#[tokio::test]
async fn the_oldest_traces_leave_whole_when_there_is_no_room() {
    let memory = memory(10_000, 0);
    let whose = Instance::default();
    for trace in 1..=20 {
        write(&memory, &whose, vec![span(trace, 1), span(trace, 2)])
            .await
            .unwrap();
        assert!(totals(&memory).bytes <= 10_000);
    }
    let all: Vec<u64> = (1..=20).collect();
    let kept = kept(&memory, &whose, &all).await;
    assert!(kept.len() >= 2 && kept.len() < 6, "{kept:?}");
    assert!(kept.iter().all(|(_, spans)| *spans == 2), "{kept:?}");
    assert_eq!(kept.last(), Some(&(20, 2)));
    let totals = totals(&memory);
    assert_eq!((totals.spans, totals.traces), (kept.len() * 2, kept.len()));
    assert_eq!(totals.evicted_traces as usize, 20 - kept.len());
    assert_eq!(totals.evicted_spans as usize, (20 - kept.len()) * 2);
}

#[tokio::test]
async fn a_growing_trace_is_spared_and_others_leave() {
    let memory = memory(10_000, 0);
    let whose = Instance::default();
    write(&memory, &whose, vec![span(1, 1)]).await.unwrap();
    write(&memory, &whose, vec![span(2, 1)]).await.unwrap();
    write(&memory, &whose, (2..6).map(|id| span(1, id)).collect())
        .await
        .unwrap();
    let kept = kept(&memory, &whose, &[1, 2]).await;
    assert_eq!(kept[0], (1, 5));
}

#[tokio::test]
async fn a_trace_larger_than_all_the_room_is_cut_and_says_so() {
    let memory = memory(5_000, 0);
    let whose = Instance::default();
    let spans = (1..=10).map(|id| span(1, id)).collect();
    let Err(WriteError::Rejected(spans)) = write(&memory, &whose, spans).await else {
        panic!("it fits");
    };
    assert_eq!(kept(&memory, &whose, &[1]).await, [(1, 10 - spans.len())]);
    let positions: Vec<usize> = spans.iter().map(|span| span.at).collect();
    assert!(positions.is_sorted() && positions.last() == Some(&9) && positions[0] > 1);
    assert!(spans[0].reason.contains("memory.max-bytes"), "{spans:?}");
    // one that never fits leaves no empty trace behind
    let huge = Span {
        name: "y".repeat(6_000).into(),
        ..span(2, 1)
    };
    write(&memory, &whose, vec![huge]).await.unwrap_err();
    assert_eq!(totals(&memory).traces, 1);
}

#[tokio::test]
async fn traces_are_bounded_by_number_too() {
    let memory = memory(1 << 20, 3);
    let whose = Instance::default();
    for trace in 1..=5 {
        write(&memory, &whose, vec![span(trace, 1)]).await.unwrap();
    }
    assert_eq!(
        kept(&memory, &whose, &[1, 2, 3, 4, 5]).await,
        [(3, 1), (4, 1), (5, 1)]
    );
}

#[tokio::test]
async fn who_holds_most_makes_room_for_others() {
    let memory = memory(20_000, 0);
    let (loud, quiet) = (instance("a/loud"), instance("a/quiet"));
    write(&memory, &quiet, vec![span(1, 1)]).await.unwrap();
    for trace in 1..=100 {
        write(&memory, &loud, vec![span(trace, 1)]).await.unwrap();
    }
    assert_eq!(kept(&memory, &quiet, &[1]).await, [(1, 1)]);
    assert!(kept(&memory, &loud, &[1]).await.is_empty());
}

#[tokio::test]
async fn the_metrics_show_what_is_kept_and_what_left() {
    let memory = memory(1 << 20, 2);
    let mut registry = Registry::default();
    memory.register(&mut registry);
    for trace in 1..=3 {
        write(&memory, &Instance::default(), vec![span(trace, 1)])
            .await
            .unwrap();
    }
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        "spoor_memory_spans 2",
        "spoor_memory_traces 2",
        "spoor_memory_evicted_spans_total 1",
        "spoor_memory_evicted_traces_total 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

/// Instance, trace, span, and the length of its name.
type Small = (u8, u64, u64, usize);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is written: the bounds hold, the numbers are right, and the span that was taken last is there.
    #[test]
    fn the_bounds_hold_and_the_numbers_are_right(
        batches in prop::collection::vec(
            prop::collection::vec((0u8..3, 0u64..6, 0u64..8, 0usize..3_000), 0..8),
            1..40,
        ),
        max_bytes in 1_000usize..30_000,
        max_traces in 0usize..6,
    ) {
        let config = Config { max_bytes, max_traces };
        let mut store = Store::default();
        let names = ["a/a", "a/b", "b/a"].map(instance);
        for batch in batches {
            for (of, spans) in by_instance(&batch) {
                let mut detacher = Detacher::default();
                let kept = spans.iter().map(|s| detacher.detach(s)).collect();
                let rejected = store.insert(&names[of], kept, &config);
                prop_assert!(rejected.is_sorted());
                store.assert_sound(&config);
                let Some(last) = spans.last().filter(|_| !rejected.contains(&(spans.len() - 1)))
                else {
                    continue;
                };
                let trace = store.trace(&names[of], last.trace_id);
                let there = trace.iter().flat_map(|t| t.iter()).any(|s| s.span == *last);
                prop_assert!(there, "{last:?} was taken last");
            }
        }
    }
}

fn by_instance(batch: &[Small]) -> Vec<(usize, Vec<Span>)> {
    let of = |instance: usize| {
        let own = batch.iter().filter(|(of, ..)| usize::from(*of) == instance);
        let spans: Vec<_> = own
            .map(|(_, trace, id, len)| Span {
                name: "n".repeat(*len).into(),
                ..span(*trace, *id)
            })
            .collect();
        (instance, spans)
    };
    (0..3)
        .map(of)
        .filter(|(_, spans)| !spans.is_empty())
        .collect()
}
