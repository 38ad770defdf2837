//! What is beyond a bound is let go, the oldest first, and nothing else is.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::layers::window::Clock;
use crate::port::OperationQuery;

const HOUR_NS: u64 = 3_600_000_000_000;

/// Each trace of its own: which of `1..=count` are there.
async fn present(store: &Embedded, count: u64) -> Vec<u64> {
    let (spans, _) = read(store, 1..=count).await;
    spans.iter().map(|s| s.trace_id.low()).collect()
}

/// A clock at a round hour, and what moves it.
fn clock() -> (Arc<AtomicU64>, Clock) {
    let now = Arc::new(AtomicU64::new(1000 * HOUR_NS));
    let moved = now.clone();
    (now, Arc::new(move || moved.load(Ordering::Relaxed)))
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
    let (now, clock) = clock();
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

/// How many spans the first instance of a namespace has.
async fn of_namespace(store: &Embedded, namespace: &str) -> usize {
    let reader = store.reader(&Instance::new(namespace, "jaeger").unwrap());
    read_from(&*reader, 1..=1000).await.0.len()
}

/// Asks until the answer is one to be content with, for ten seconds. The last answer.
async fn asked_until<T>(ask: impl AsyncFn() -> T, content: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = ask().await;
        if content(&answer) || Instant::now() >= deadline {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_namespace_may_have_bounds_of_its_own() {
    let disk = SimulatedDisk::new(1);
    let (now, clock) = clock();
    let own = |max_age, max_bytes| NamespaceBounds { max_age, max_bytes };
    let day = Duration::from_secs(24 * 3600);
    let bounded = Config {
        max_age: Duration::from_secs(3600),
        namespaces: [
            ("long".to_owned(), own(Some(day), 0)),
            ("ever".to_owned(), own(Some(Duration::ZERO), 0)),
            ("small".to_owned(), own(Some(day), 2500)),
        ]
        .into(),
        clock,
        ..config()
    };
    let store = open_with(&disk, bounded);
    let names = ["short", "long", "ever", "small"];
    for trace in 1..=300 {
        for name in names {
            let batch = Batch::new(
                Instance::new(name, "jaeger").unwrap(),
                vec![span(trace, 1)],
                0,
            );
            store.writer().write(batch).await.unwrap();
        }
    }
    let bytes = |name: &str| -> u64 {
        let segments = store.shared.head.segments();
        let its = segments
            .iter()
            .filter(|s| s.summary.instance.namespace() == name);
        its.map(|s| s.file_bytes).sum()
    };
    until("the small one to be within its bytes", || {
        store.keeper.bell.ring();
        let retired = store.metrics.retired_spans(keeper::Bound::NamespaceBytes);
        retired.get() > 0 && bytes("small") <= 2500
    })
    .await;
    until("the long one to have more than that", || {
        bytes("long") > 2500
    })
    .await;
    // the last file ends by its age, then each goes at its own
    now.fetch_add(2 * HOUR_NS, Ordering::Relaxed);
    let left =
        async |name| asked_until(async || of_namespace(&store, name).await, |n| *n == 0).await;
    assert_eq!(left("short").await, 0);
    assert_eq!(of_namespace(&store, "long").await, 300);
    now.fetch_add(30 * HOUR_NS, Ordering::Relaxed);
    assert_eq!(left("long").await, 0);
    assert_eq!(of_namespace(&store, "small").await, 0);
    assert_eq!(of_namespace(&store, "ever").await, 300);
}

#[tokio::test]
async fn an_archived_trace_stays_when_all_else_goes() {
    let disk = SimulatedDisk::new(1);
    let (now, clock) = clock();
    let aged = Config {
        max_age: Duration::from_secs(3600),
        clock,
        ..config()
    };
    let store = open_with(&disk, aged.clone());
    let instance = Instance::default();
    let archive = store.archive().unwrap();
    assert!(
        archive.reader(&instance).is_none(),
        "nobody archived anything"
    );
    fill(&store, 1..=10).await;
    // twice is once
    for _ in 0..2 {
        archive.keep(batch(vec![span(3, 1)])).await.unwrap();
    }
    now.fetch_add(2 * HOUR_NS, Ordering::Relaxed);
    until("all files gone", || totals(&store).spans == 0).await;
    let archived = async |store: &Embedded| {
        let reader = store.archive().unwrap().reader(&instance).unwrap();
        read_from(&*reader, [3]).await.0
    };
    assert_eq!(archived(&store).await, [span(3, 1)]);
    assert!(present(&store, 10).await.is_empty());
    drop(store);
    let store = open_with(&disk.reboot(), aged);
    assert_eq!(archived(&store).await, [span(3, 1)]);
    // an archive that cannot be opened stops nothing else
    drop(store);
    let disk = disk.reboot();
    let format = std::path::Path::new("/data/archive/FORMAT");
    disk.remove(format).unwrap();
    let file = disk.create(format).unwrap();
    file.write_at(b"spoor embedded\nversion 2\n", 0).unwrap();
    file.sync().unwrap();
    let store = open_with(&disk, config());
    write(&store, vec![span(11, 1)]).await.unwrap();
    assert!(store.metrics.damaged.get() > 0);
    let error = store.archive().unwrap().keep(batch(vec![span(3, 1)])).await;
    assert!(
        matches!(error, Err(WriteError::Unavailable { .. })),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_does_not_span_more_than_a_part_of_the_age() {
    let disk = SimulatedDisk::new(1);
    let (now, clock) = clock();
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
    let left = asked_until(async || present(&store, 100).await.len(), |n| *n <= 33).await;
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
    let gone = asked_until(async || read(&store, [1]).await.0.is_empty(), |gone| *gone).await;
    assert!(gone, "the first file stays");
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
