use std::time::Duration;

use futures_util::StreamExt as _;
use model::{Batch, Span, SpanId, TraceId};

use super::*;
use crate::memory::{Config, Memory};
use crate::port::{GetTrace, ReadContext, ReadItem, WriteError};

/// Now is 100 s; spans may be 50 s old.
fn settings() -> Settings {
    Settings {
        window: Window {
            max_age: Duration::from_secs(50),
            max_future: Duration::ZERO,
        },
        clock: Arc::new(|| 100_000_000_000),
        ..Settings::default()
    }
}

fn memory() -> Arc<dyn Backend> {
    Arc::new(Memory::new(Config::default()))
}

fn batch(starts_s: &[u64]) -> Batch {
    let spans = starts_s
        .iter()
        .map(|s| Span {
            trace_id: TraceId::from_halves(0, 7),
            span_id: SpanId::from_u64(*s),
            start_ns: s * 1_000_000_000,
            ..Span::default()
        })
        .collect();
    Batch::new(Instance::default(), spans, 0)
}

async fn starts_s(reader: Arc<dyn TraceReader>) -> Vec<u64> {
    let (cx, ids) = (
        ReadContext::default(),
        [GetTrace::by_id(TraceId::from_halves(0, 7))],
    );
    let items: Vec<_> = reader.get_traces(&cx, &ids).collect().await;
    items
        .into_iter()
        .filter_map(|item| match item.unwrap() {
            ReadItem::Spans(spans) => Some(spans),
            ReadItem::End(_) => None,
        })
        .flatten()
        .map(|s| s.start_ns / 1_000_000_000)
        .collect()
}

#[tokio::test]
async fn a_batch_goes_through_all_layers_and_is_read_back() {
    let storage = Storage::build(vec![memory()], &settings()).unwrap();
    let answer = storage.writer().write(batch(&[40, 60, 70])).await;
    assert!(
        matches!(answer, Err(WriteError::Rejected(spans)) if spans.len() == 1 && spans[0].at == 0)
    );
    assert_eq!(
        starts_s(storage.reader(&Instance::default())).await,
        [60, 70]
    );
    let counts = storage.ledger().counts();
    assert!(counts.balance());
    assert_eq!((counts.received, counts.durable, counts.dropped), (3, 2, 1));
    let services = storage
        .reader(&Instance::default())
        .get_services(&ReadContext::default())
        .await
        .unwrap();
    assert_eq!(services, [model::sanitize::MISSING_SERVICE]);
}

#[tokio::test]
async fn a_list_writes_to_all_and_reads_from_the_first() {
    let backends = [memory(), memory()];
    let storage = Storage::build(backends.to_vec(), &settings()).unwrap();
    storage.writer().write(batch(&[60, 70])).await.unwrap();
    for backend in &backends {
        assert_eq!(
            starts_s(backend.reader(&Instance::default())).await,
            [60, 70]
        );
    }
    backends[1].close().await;
    let error = storage.writer().write(batch(&[80])).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(error.to_string().contains("memory: memory is closed"));
    assert_eq!(storage.health(), Err("memory: memory is closed".to_owned()));
    assert!(storage.ledger().counts().balance());
}

#[tokio::test]
async fn only_configured_instances_are_written() {
    let prod = Instance::parse("prod/jaeger").unwrap();
    let settings = Settings {
        instances: vec![prod.clone().into()],
        ..settings()
    };
    let storage = Storage::build(vec![memory()], &settings).unwrap();
    let error = storage.writer().write(batch(&[60])).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("default/jaeger is not configured")
    );
    let own = Batch {
        instance: prod,
        ..batch(&[60])
    };
    storage.writer().write(own).await.unwrap();
}

#[tokio::test]
async fn closing_ends_writing_and_is_seen_in_health() {
    let storage = Storage::build(vec![memory()], &settings()).unwrap();
    assert_eq!(storage.health(), Ok(()));
    storage.close().await;
    assert!(storage.health().is_err());
    let error = storage.writer().write(batch(&[60])).await.unwrap_err();
    assert!(matches!(error, WriteError::Unavailable { .. }));
}

#[test]
fn no_backend_is_an_error_that_names_the_setting() {
    let Err(error) = Storage::build(Vec::new(), &settings()) else {
        panic!("built on nothing");
    };
    assert!(error.to_string().contains("span-storage.type"));
}

#[test]
fn the_layers_metrics_are_registered_once() {
    let storage = Storage::build(vec![memory()], &settings()).unwrap();
    let mut registry = Registry::default();
    storage.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert_eq!(text.matches("# TYPE spoor_write_seconds ").count(), 1);
}
