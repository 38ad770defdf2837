//! What is made: the same for the same, whole, in its hour, and with something of everything.

use std::collections::{BTreeSet, HashMap, HashSet};

use model::{SpanId, SpanKind, StatusCode};

use super::*;

const NOW: u64 = 1_800_000_000_000_000_000;

fn made() -> Vec<Vec<Span>> {
    Demo {
        end_ns: NOW,
        seed: 7,
    }
    .traces()
}

#[test]
fn the_same_moment_and_seed_make_the_same() {
    assert_eq!(made(), made());
    let other = Demo {
        end_ns: NOW,
        seed: 8,
    };
    assert_ne!(made()[0][0].trace_id, other.traces()[0][0].trace_id);
}

#[test]
fn traces_are_whole_and_of_the_last_hour() {
    let traces = made();
    assert!((200..300).contains(&traces.len()), "{}", traces.len());
    let mut ids = HashSet::new();
    for trace in &traces {
        assert!(ids.insert(trace[0].trace_id));
        let spans: HashMap<SpanId, &Span> = trace.iter().map(|s| (s.span_id, s)).collect();
        assert_eq!(spans.len(), trace.len());
        let roots = trace.iter().filter(|span| span.parent_span_id.is_none());
        assert_eq!(roots.count(), 1);
        for span in trace {
            assert_eq!(span.trace_id, trace[0].trace_id);
            assert!(NOW - HOUR_NS <= span.start_ns && span.start_ns <= span.end_ns);
            assert!(span.end_ns <= NOW);
            let Some(parent) = span.parent_span_id else {
                continue;
            };
            let parent = spans[&parent];
            assert!(parent.start_ns <= span.start_ns);
            let waits = span.kind != SpanKind::Consumer && parent.kind != SpanKind::Consumer;
            assert!(!waits || span.end_ns <= parent.end_ns, "{span:?}");
        }
    }
}

#[test]
fn there_is_something_of_everything() {
    let traces = made();
    let spans: Vec<&Span> = traces.iter().flatten().collect();
    assert!((1_500..6_000).contains(&spans.len()), "{}", spans.len());
    let services: BTreeSet<&str> = spans.iter().map(|s| s.resource.service_name()).collect();
    assert_eq!(services.len(), 8, "{services:?}");
    let some = |is: &dyn Fn(&Span) -> bool| spans.iter().any(|span| is(span));
    for kind in [
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ] {
        assert!(some(&|span| span.kind == kind), "{kind:?}");
    }
    for event in [
        "exception",
        "retry",
        "cache miss",
        "waiting for lock",
        "out of stock",
    ] {
        let has = |span: &Span| span.events.iter().any(|e| e.name == event);
        assert!(some(&has), "{event}");
    }
    assert!(some(&|span| span.status.code == StatusCode::Error));
    assert!(some(&|span| !span.links.is_empty()));
    assert!(some(&|span| span.duration_ns() > 1_000_000_000));
    let failed = traces.iter().filter(|trace| {
        let is_failed = |span: &Span| span.status.code == StatusCode::Error;
        trace.iter().any(is_failed)
    });
    let failed = failed.count();
    assert!((2..60).contains(&failed), "{failed} failed");
}

#[test]
fn batches_hold_whole_traces() {
    let traces = made();
    let batches = batches(&traces, 100);
    assert!(
        batches
            .iter()
            .all(|batch| !batch.is_empty() && batch.len() <= 100)
    );
    let all: Vec<Span> = batches.into_iter().flatten().collect();
    assert_eq!(all, traces.concat());
}
