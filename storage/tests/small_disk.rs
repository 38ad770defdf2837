//! The embedded store on a real file system that is full: `SPOOR_TEST_SMALL_DISK` names a folder on one of about 64 MiB.
#![allow(
    clippy::disallowed_methods,
    reason = "a switch of the tests, no setting of the program"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Batch, Instance, KeyValue, Resource, Span, SpanId, TraceId};
use storage::disk::RealDisk;
use storage::embedded::{Config, Embedded};
use storage::{Backend, GetTrace, ReadContext, ReadItem, WriteError};

use futures_util::StreamExt as _;

fn batch(nth: u64) -> Batch {
    let resource = Arc::new(Resource::of_service("cart"));
    let spans = (0..512).map(|id| Span {
        trace_id: TraceId::from_halves(0, nth + 1),
        span_id: SpanId::from_u64(id + 1),
        attributes: vec![KeyValue::new("k", "v".repeat(400).as_str())],
        resource: resource.clone(),
        ..Span::default()
    });
    Batch::new(Instance::default(), spans.collect(), 512 * 540)
}

async fn count(store: &Embedded, traces: u64) -> usize {
    let ids: Vec<_> = (1..=traces)
        .map(|n| GetTrace::by_id(TraceId::from_halves(0, n)))
        .collect();
    let (reader, cx) = (store.reader(&Instance::default()), ReadContext::default());
    let mut items = reader.get_traces(&cx, &ids);
    let mut count = 0;
    while let Some(Ok(ReadItem::Spans(spans))) = items.next().await {
        count += spans.len();
    }
    count
}

#[tokio::test]
async fn a_full_disk_refuses_at_once_reads_on_and_takes_writes_again() {
    let Ok(small) = std::env::var("SPOOR_TEST_SMALL_DISK") else {
        println!("skipped: set SPOOR_TEST_SMALL_DISK to a folder on a file system of about 64 MiB");
        return;
    };
    let folder = tempfile::tempdir_in(PathBuf::from(small)).unwrap();
    let ballast = folder.path().join("ballast");
    std::fs::write(&ballast, vec![1; 16 << 20]).unwrap();
    let config = Config::in_directory(folder.path().join("data"));
    let store = Embedded::open(config, Arc::new(RealDisk)).unwrap();
    let mut kept = 0;
    let refused = loop {
        let started = Instant::now();
        match store.writer().write(batch(kept)).await {
            Ok(()) => kept += 1,
            Err(error) => {
                assert!(started.elapsed() < Duration::from_secs(1));
                break error;
            }
        }
    };
    assert!(matches!(refused, WriteError::Throttled { .. }), "{refused}");
    assert!(store.health().is_err());
    assert!(kept > 10, "{kept}");
    assert_eq!(count(&store, kept).await as u64, kept * 512);
    std::fs::remove_file(&ballast).unwrap();
    let started = Instant::now();
    while store.health().is_err() {
        assert!(started.elapsed() < Duration::from_secs(5), "still refusing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.writer().write(batch(kept)).await.unwrap();
    assert_eq!(count(&store, kept + 1).await as u64, (kept + 1) * 512);
}
