//! What is beyond a bound is let go, the oldest first, and nothing else is.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::port::OperationQuery;

const HOUR_NS: u64 = 3_600_000_000_000;

/// Each trace of its own: which of `1..=count` are there.
async fn present(store: &Embedded, count: u64) -> Vec<u64> {
    let (spans, _) = read(store, 1..=count).await;
    spans.iter().map(|s| s.trace_id.low()).collect()
}

async fn fill(store: &Embedded, traces: std::ops::RangeInclusive<u64>) {
    for trace in traces {
        write(store, vec![span(trace, 1)]).await.unwrap();
    }
}

fn totals(store: &Embedded) -> head::Totals {
    store.shared.head.totals()
}

#[tokio::test]
async fn bytes_on_disk_stay_within_their_bound() {
    let disk = SimulatedDisk::new(1);
    let bounded = Config {
        max_bytes: 40_000,
        ..config()
    };
    let store = open_with(&disk, bounded.clone());
    fill(&store, 1..=1000).await;
    until("old files gone", || totals(&store).disk_bytes() <= 40_000).await;
    let left = present(&store, 1000).await;
    assert!(left.len() < 1000 && left.len() > 50, "{}", left.len());
    assert_eq!(left, (1001 - left.len() as u64..=1000).collect::<Vec<_>>());
    let on_disk: usize = disk
        .files()
        .iter()
        .filter_map(|f| disk.bytes(f))
        .map(|b| b.len())
        .sum();
    assert!(on_disk < 50_000, "{on_disk}");
    let retired = store.metrics.retired_spans(keeper::Bound::Bytes).get();
    assert_eq!(retired + left.len() as u64, 1000);
    // a start with a lower bound keeps to it at once
    drop(store);
    let store = open_with(
        &disk,
        Config {
            max_bytes: 20_000,
            ..bounded
        },
    );
    assert!(totals(&store).disk_bytes() <= 20_000);
    let fewer = present(&store, 1000).await;
    assert!(!fewer.is_empty() && left.ends_with(&fewer));
}

#[tokio::test]
async fn memory_of_the_index_stays_within_its_bound_and_nothing_goes_for_it() {
    let disk = SimulatedDisk::new(1);
    let bounded = Config {
        index_bytes: 200_000,
        generation_bytes: 64 << 20,
        ..config()
    };
    let head_bytes = bounded.head_bytes();
    let part = bounded.index_bytes_per_generation();
    let store = open_with(&disk, bounded.clone());
    for trace in 1..=300 {
        write(&store, (1..=20).map(|id| span(trace, id)).collect())
            .await
            .unwrap();
        // what is being written may be a generation more
        assert!(totals(&store).bytes <= head_bytes + 2 * part);
    }
    assert_eq!(read(&store, 1..=300).await.0.len(), 6000);
    assert!(totals(&store).segments > 1);
    // nor at a start
    drop(store);
    let tight = Config {
        index_bytes: 1000,
        ..bounded
    };
    let store = open_with(&disk.reboot(), tight);
    assert_eq!(read(&store, 1..=300).await.0.len(), 6000);
}

#[tokio::test]
async fn writes_are_refused_while_sealing_cannot_go_on() {
    let disk = SimulatedDisk::new(1);
    let bounded = Config {
        index_bytes: 100_000,
        generation_bytes: 64 << 20,
        ..config()
    };
    let store = open_with(&disk, bounded);
    disk.fail("rename", 0, std::io::ErrorKind::StorageFull);
    let refused = async {
        for trace in 1.. {
            let spans = (1..=20).map(|id| span(trace, id)).collect();
            if let Err(error) = write(&store, spans).await {
                return (trace, error);
            }
        }
        unreachable!("it ends with a refusal");
    };
    let (taken, error) = refused.await;
    assert!(
        error.is_retryable() && error.to_string().contains("could not seal"),
        "{error}"
    );
    assert!(store.health().is_err());
    assert_eq!(
        read(&store, 1..taken).await.0.len() as u64,
        (taken - 1) * 20
    );
    disk.mend();
    until("it seals again", || store.health().is_ok()).await;
    write(&store, vec![span(9999, 1)]).await.unwrap();
    assert_eq!(
        read(&store, 1..taken).await.0.len() as u64,
        (taken - 1) * 20
    );
}

#[tokio::test]
async fn what_is_too_old_goes_and_its_services_with_it() {
    let disk = SimulatedDisk::new(1);
    let now = Arc::new(AtomicU64::new(1000 * HOUR_NS));
    let clock = {
        let now = now.clone();
        Arc::new(move || now.load(Ordering::Relaxed))
    };
    let aged = Config {
        max_age: Duration::from_secs(3600),
        clock,
        ..config()
    };
    let store = open_with(&disk, aged);
    fill(&store, 1..=100).await;
    now.fetch_add(2 * HOUR_NS, Ordering::Relaxed);
    let other = Span {
        resource: Arc::new(Resource::of_service("shop")),
        // enough to start a file of its own
        attributes: vec![KeyValue::new("k", "x".repeat(5000).as_str())],
        ..span(101, 1)
    };
    write(&store, vec![other]).await.unwrap();
    until("old files gone", || totals(&store).spans == 1).await;
    assert_eq!(present(&store, 101).await, [101]);
    let reader = store.reader(&Instance::default());
    let cx = ReadContext::default();
    assert_eq!(reader.get_services(&cx).await.unwrap(), ["shop"]);
    let gone = OperationQuery {
        service: "cart".into(),
        kind: None,
    };
    assert!(reader.get_operations(&cx, &gone).await.unwrap().is_empty());
    // the last file too, with nobody writing; and the next write is kept
    now.fetch_add(2 * HOUR_NS, Ordering::Relaxed);
    until("all files gone", || totals(&store).spans == 0).await;
    assert!(reader.get_services(&cx).await.unwrap().is_empty());
    fill(&store, 102..=103).await;
    drop(store);
    let store = open(&disk.reboot());
    assert_eq!(present(&store, 103).await, [102, 103]);
}

#[tokio::test]
async fn a_file_does_not_span_more_than_a_part_of_the_age() {
    let disk = SimulatedDisk::new(1);
    let now = Arc::new(AtomicU64::new(1000 * HOUR_NS));
    let clock = {
        let now = now.clone();
        Arc::new(move || now.load(Ordering::Relaxed))
    };
    let aged = Config {
        max_age: Duration::from_secs(24 * 3600),
        generation_bytes: 64 << 20,
        clock,
        ..config()
    };
    let store = open_with(&disk, aged);
    for hour in 1..=100 {
        write(&store, vec![span(hour, 1)]).await.unwrap();
        now.fetch_add(HOUR_NS, Ordering::Relaxed);
    }
    // retention follows an answer, it does not come before it
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let mut left = present(&store, 100).await.len();
    while left > 33 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
        left = present(&store, 100).await.len();
    }
    assert!((23..=33).contains(&left), "{left}");
}

#[tokio::test]
async fn a_reader_goes_on_with_a_file_that_was_let_go() {
    let disk = SimulatedDisk::new(1);
    let bounded = Config {
        max_bytes: 40_000,
        ..config()
    };
    let store = open_with(&disk, bounded);
    write(&store, (1..=3000).map(|id| span(1, id)).collect())
        .await
        .unwrap();
    let reader = store.reader(&Instance::default());
    let (cx, ids) = (
        ReadContext::default(),
        [GetTrace::by_id(TraceId::from_halves(0, 1))],
    );
    let mut items = reader.get_traces(&cx, &ids);
    let Some(Ok(ReadItem::Spans(first))) = items.next().await else {
        panic!("no spans");
    };
    fill(&store, 2..=500).await;
    let gone = async || read(&store, [1]).await.0.is_empty();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !gone().await {
        assert!(Instant::now() < deadline, "the first file stays");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut count = first.len();
    while let Some(Ok(ReadItem::Spans(chunk))) = items.next().await {
        count += chunk.len();
    }
    assert_eq!(count, 3000);
}

#[tokio::test]
async fn the_index_takes_at_most_a_hundred_bytes_a_span() {
    let disk = SimulatedDisk::new(1);
    let store = open_with(
        &disk,
        Config {
            generation_bytes: 64 << 20,
            ..config()
        },
    );
    for n in 0..50 {
        let spans = (0..1000).map(|id| span(n * 100 + id / 10, id));
        write(&store, spans.collect()).await.unwrap();
    }
    let totals = totals(&store);
    let each = totals.bytes as f64 / totals.spans as f64;
    println!("{each:.1} bytes of index a span, traces of ten spans");
    assert!(each <= 100.0, "{each}");
}
