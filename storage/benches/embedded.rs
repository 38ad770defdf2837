//! The embedded store by itself: writes, a start, searches.
//!
//! `cargo bench -p storage --bench embedded [folder]`. Batches of 512 spans from 32 writers, each answered when durable; the processor time
//! is that of the whole process, generator excluded (spans are made before).
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark: it prints, and stops at what is wrong"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use model::{Batch, Instance};
use storage::disk::RealDisk;
use storage::embedded::{Config, Embedded};
use storage::{Backend, Filter, GetTrace, Pattern, ReadContext, TraceQuery};

#[path = "support/spans.rs"]
mod spans;

use spans::{cpu_seconds, percentile};

const WRITERS: usize = 32;
const BATCHES: u64 = 2000;

async fn write(store: &Embedded, batches: &[Batch]) {
    let next = AtomicUsize::new(0);
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let writers = (0..WRITERS).map(|_| {
        let (writer, next) = (store.writer(), &next);
        async move {
            let mut times = Vec::new();
            while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                let before = Instant::now();
                writer.write(batch.clone()).await.unwrap();
                times.push(before.elapsed().as_secs_f64() * 1000.0);
            }
            times
        }
    });
    let mut times: Vec<f64> = join_all(writers).await.into_iter().flatten().collect();
    let seconds = started.elapsed().as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    let count = batches.iter().map(Batch::len).sum::<usize>() as f64;
    println!(
        "write: {:.0} spans/s, {:.2} CPU-s per million, ack p50 {:.1} ms, p99 {:.1} ms",
        count / seconds,
        cpu * 1e6 / count,
        percentile(&mut times, 0.5),
        percentile(&mut times, 0.99),
    );
}

async fn search(store: &Embedded, name: &str, query: &TraceQuery) {
    let reader = store.reader(&Instance::default());
    let cx = ReadContext::default();
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..20 {
        let before = Instant::now();
        found = reader
            .find_trace_ids(&cx, query)
            .await
            .unwrap()
            .traces
            .len();
        let mut items = reader.find_traces(&cx, query);
        while items.next().await.is_some() {}
        times.push(before.elapsed().as_secs_f64() * 1000.0);
    }
    println!(
        "search, {name}: {found} traces, p50 {:.2} ms, p99 {:.2} ms",
        percentile(&mut times, 0.5),
        percentile(&mut times, 0.99)
    );
}

fn main() {
    let folder = std::env::args().nth(1).filter(|a| !a.starts_with('-'));
    let folder =
        tempfile::tempdir_in(folder.map_or_else(std::env::temp_dir, PathBuf::from)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let batches = spans::batches(5, BATCHES, 512);
    let config = || Config {
        index_bytes: 512 << 20,
        ..Config::in_directory(folder.path())
    };
    let open = || Embedded::open(config(), Arc::new(RealDisk)).unwrap();
    runtime.block_on(async {
        let store = open();
        write(&store, &batches).await;
        let mut registry = prometheus_client::registry::Registry::default();
        store.register(&mut registry);
        store.close().await;
        drop(store);
        let (started, cpu) = (Instant::now(), cpu_seconds());
        let store = open();
        let seconds = started.elapsed().as_secs_f64();
        let count = batches.iter().map(Batch::len).sum::<usize>() as f64;
        println!(
            "start: {count} spans read back in {seconds:.2} s, {:.1} M spans/s, {:.2} CPU-s per million",
            count / seconds / 1e6,
            (cpu_seconds() - cpu) * 1e6 / count
        );
        let mut text = String::new();
        store.register(&mut registry);
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in text.lines().filter(|l| l.starts_with("spoor_embedded_head_bytes") || l.starts_with("spoor_embedded_journal_bytes")) {
            println!("{line}");
        }
        let all = TraceQuery {
            start_max_ns: u64::MAX,
            limit: 20,
            ..TraceQuery::default()
        };
        let with = |filter: Option<(&str, &str)>| TraceQuery {
            service: Some("service-3".into()),
            filter: filter.map_or_else(Filter::default, |(key, value)| Filter::Tag {
                key: key.into(),
                value: Pattern::literal(value),
            }),
            ..all.clone()
        };
        search(&store, "everything", &all).await;
        search(&store, "service", &with(None)).await;
        search(&store, "service and common tag", &with(Some(("resource.key.1", "value-3")))).await;
        search(&store, "service and tag in 1 of 1000", &with(Some(("http.route", "http.route/77")))).await;
        search(&store, "service and no match", &with(Some(("http.route", "none")))).await;
        let first = batches.first().and_then(|b| b.spans.first()).unwrap().trace_id;
        let reader = store.reader(&Instance::default());
        let mut times = Vec::new();
        for _ in 0..200 {
            let before = Instant::now();
            let (cx, ids) = (ReadContext::default(), [GetTrace::by_id(first)]);
            let mut items = reader.get_traces(&cx, &ids);
            while items.next().await.is_some() {}
            times.push(before.elapsed().as_secs_f64() * 1000.0);
        }
        println!("trace by id: p50 {:.3} ms, p99 {:.3} ms", percentile(&mut times, 0.5), percentile(&mut times, 0.99));
        let before = Instant::now();
        let cx = ReadContext::default();
        let links = store.dependencies(&Instance::default()).get_dependencies(&cx, 0, u64::MAX).await.unwrap();
        println!("dependencies: {} links in {:.0} ms", links.len(), before.elapsed().as_secs_f64() * 1000.0);
    });
}
