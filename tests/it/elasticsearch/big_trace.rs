//! A trace that is larger than any answer of the cluster, with more spans in one microsecond than one answer holds: every span comes once.
//!
//! `SPOOR_SOAK=1` raises it to 120,000 spans, 20,000 of them in one microsecond, read 10,000 at once.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use model::{Instance, TraceId};
use storage::{Completeness, GetTrace, ReadContext, ReadItem};
use tests::servers::{Kind, shared};

use super::sender::{Sender, place, span};
use crate::support::soak;

/// Most memory that this process had, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kib = line
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap();
    kib / 1024
}

async fn check(kind: Kind) {
    let (all, at_once, page) = if soak() {
        (120_000, 20_000, 10_000)
    } else {
        (6_000, 1_500, 500)
    };
    let server = tokio::task::block_in_place(|| shared(kind));
    let mut main = place(&server.url(), "big-trace");
    main.limits.max_doc_count = page;
    let sender = Sender::with(main, server.client());
    let trace_id = TraceId::from_halves(9, 9);
    let began = span(1).start_ns / 1_000_000_000 * 1_000_000_000;
    const BATCH: u64 = 500;
    let sent = sender
        .send_spans(all / BATCH, 4, |batch| {
            let one = |nth: u64| {
                let id = 1 + batch * BATCH + nth;
                // a run in the middle starts at one moment, the others each at its own
                let middle = all / 3..all / 3 + at_once;
                let at = if middle.contains(&id) { all / 3 } else { id };
                model::Span {
                    trace_id,
                    start_ns: began + at * 1_000,
                    end_ns: began + at * 1_000 + 5_000,
                    ..span(id)
                }
            };
            (0..BATCH).map(one).collect()
        })
        .await;
    assert_eq!(sent.acknowledged.len() as u64, all);
    sender.check("a huge trace", &sent).await;
    let before = peak_mib();
    let reader = sender.storage.reader(&Instance::default());
    let cx = ReadContext::default();
    let wanted = [GetTrace::by_id(trace_id)];
    let mut items = reader.get_traces(&cx, &wanted);
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    let (mut largest, mut end) = (0, None);
    while let Some(item) = items.next().await {
        match item.unwrap() {
            ReadItem::Spans(spans) => {
                largest = largest.max(spans.len());
                for span in spans {
                    *seen.entry(span.span_id.to_u64()).or_default() += 1;
                }
            }
            ReadItem::End(completeness) => end = Some(completeness),
        }
    }
    println!(
        "{} spans, {at_once} in one microsecond, {page} at once: at most {largest} in one item, peak {before} MiB before and {} MiB after",
        seen.len(),
        peak_mib()
    );
    assert_eq!(end, Some(Completeness::Complete));
    assert_eq!(seen.len() as u64, all);
    assert!(seen.values().all(|times| *times == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_span_of_a_huge_trace_comes_once() {
    check(Kind::Elasticsearch7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_span_of_a_huge_trace_comes_once_on_elasticsearch_6() {
    check(Kind::Elasticsearch6).await;
}
