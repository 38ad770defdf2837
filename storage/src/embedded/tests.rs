//! The store as a whole: against a plain list of spans, under power cuts, faults, damage and bounds.

mod bounds;
mod faults;
mod inspected;
mod measures;
mod oracle;
mod power_cuts;
mod room;
mod sealed;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use model::{Batch, Instance, KeyValue, Resource, Span, SpanId, TraceId};

use super::*;
use crate::disk::SimulatedDisk;
use crate::port::{Completeness, GetTrace, ReadContext, ReadItem, WriteError};
use crate::query::TraceQuery;
use crate::tests::soak;

/// Small files, so that a test has several.
fn config() -> Config {
    Config {
        generation_bytes: 4096,
        clock: Arc::new(|| 1_000_000_000),
        ..Config::in_directory("/data")
    }
}

/// Everything is sealed with the write that brought it.
fn sealing() -> Config {
    Config {
        index_bytes: 1,
        ..config()
    }
}

fn open(disk: &SimulatedDisk) -> Embedded {
    open_with(disk, config())
}

fn open_with(disk: &SimulatedDisk, config: Config) -> Embedded {
    Embedded::open(config, Arc::new(disk.clone())).unwrap()
}

fn span(trace: u64, id: u64) -> Span {
    Span {
        trace_id: TraceId::from_halves(0, trace),
        span_id: SpanId::from_u64(id),
        name: "get".into(),
        start_ns: id * 1000,
        end_ns: id * 1000 + 5000,
        attributes: vec![KeyValue::new("n", id as i64)],
        resource: Arc::new(Resource::of_service("cart")),
        ..Span::default()
    }
}

fn batch(spans: Vec<Span>) -> Batch {
    Batch::new(Instance::default(), spans, 0)
}

async fn write(store: &Embedded, spans: Vec<Span>) -> Result<(), WriteError> {
    store.writer().write(batch(spans)).await
}

/// All spans of these traces, and whether that is all.
async fn read(
    store: &Embedded,
    traces: impl IntoIterator<Item = u64>,
) -> (Vec<Span>, Completeness) {
    read_from(&*store.reader(&Instance::default()), traces).await
}

/// The same from this reader.
async fn read_from(
    reader: &dyn TraceReader,
    traces: impl IntoIterator<Item = u64>,
) -> (Vec<Span>, Completeness) {
    let ids: Vec<_> = traces
        .into_iter()
        .map(|t| GetTrace::by_id(TraceId::from_halves(0, t)))
        .collect();
    let cx = ReadContext::default();
    let mut items = reader.get_traces(&cx, &ids);
    let mut spans = Vec::new();
    while let Some(item) = items.next().await {
        match item.unwrap() {
            ReadItem::Spans(chunk) => spans.extend(chunk),
            ReadItem::End(completeness) => return (spans, completeness),
        }
    }
    panic!("the stream has no end");
}

/// Waits until `done`, which has to come true.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "waited for: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until nothing is left in the journal.
async fn settled(store: &Embedded) {
    until("all is sealed", || {
        store.shared.head.totals().generations == 0
    })
    .await;
}

#[tokio::test]
async fn spans_are_there_after_a_close_and_after_a_kill() {
    let disk = SimulatedDisk::new(1);
    let store = open(&disk);
    write(&store, vec![span(1, 1), span(1, 2)]).await.unwrap();
    store.close().await;
    let error = write(&store, vec![span(1, 3)]).await.unwrap_err();
    assert!(matches!(error, WriteError::Unavailable { .. }));
    let store = open(&disk);
    write(&store, vec![span(1, 3)]).await.unwrap();
    let killed = disk.after_kill();
    drop(store);
    let store = open(&killed);
    let (spans, completeness) = read(&store, [1]).await;
    assert_eq!(spans, [span(1, 1), span(1, 2), span(1, 3)]);
    assert_eq!(completeness, Completeness::Complete);
}

#[tokio::test]
async fn one_store_has_the_folder_at_a_time() {
    let disk = SimulatedDisk::new(1);
    let store = open(&disk);
    let error = Embedded::open(config(), Arc::new(disk.clone())).err();
    assert!(matches!(error, Some(OpenError::InUse { .. })));
    store.close().await;
    open(&disk);
}

#[tokio::test]
async fn waiting_writes_share_a_sync() {
    let disk = SimulatedDisk::new(1);
    let store = open_with(&disk, Config::in_directory("/data"));
    write(&store, vec![span(0, 1)]).await.unwrap();
    let before = disk.syncs();
    let writes = (1..=500).map(|n| write(&store, vec![span(n, 1)]));
    let results = futures_util::future::join_all(writes).await;
    assert!(results.iter().all(Result::is_ok));
    assert!(disk.syncs() - before < 250, "{}", disk.syncs() - before);
}

#[tokio::test]
async fn a_queue_that_is_full_makes_writers_wait_and_loses_none() {
    let disk = SimulatedDisk::new(1);
    let small = Config {
        queue_bytes: 2000,
        ..config()
    };
    let store = open_with(&disk, small);
    let writes = (1..=100).map(|n| write(&store, (1..=20).map(|id| span(n, id)).collect()));
    let results = futures_util::future::join_all(writes).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(read(&store, 1..=100).await.0.len(), 2000);
}

#[tokio::test]
async fn dead_letters_outlive_a_restart() {
    let disk = SimulatedDisk::new(1);
    let store = open(&disk);
    let letter = |n: u32| crate::port::DeadLetter {
        instance: Instance::default(),
        reason: format!("reason {n}"),
        origin: "otlp-grpc",
        payload: vec![7; 10].into(),
    };
    let letters = store.dead_letters().unwrap();
    letters.bury(vec![letter(1), letter(2)]).await.unwrap();
    letters.bury((3..=30).map(letter).collect()).await.unwrap();
    for store in [store, open(&disk.reboot())] {
        assert_eq!(store.dead_letter_count(), 30);
        let recent = store.recent_dead_letters();
        assert_eq!(recent.len(), 16);
        assert_eq!(recent.last().unwrap().reason, "reason 30");
        assert_eq!(recent.last().unwrap().origin, "otlp-grpc");
    }
}

#[tokio::test]
async fn numbers_are_shown_to_an_operator() {
    let disk = SimulatedDisk::new(1);
    let store = open(&disk);
    let mut registry = Registry::default();
    store.register(&mut registry);
    write(&store, vec![span(1, 1), span(1, 2)]).await.unwrap();
    let text = || {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    };
    until("two spans shown", || {
        text().contains("spoor_embedded_spans 2")
    })
    .await;
    for name in [
        "spoor_embedded_generations 1",
        "spoor_embedded_sync_seconds_count 1",
        "spoor_embedded_poisoned 0",
        "spoor_embedded_damaged_records_total 0",
        "spoor_embedded_retired_spans_total{reason=\"age\"} 0",
    ] {
        assert!(text().contains(name), "{name} in {}", text());
    }
}
