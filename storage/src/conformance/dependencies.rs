//! Promises of [`DependencyReader`](crate::DependencyReader).

use model::{Span, SpanKind};

use super::Subject;
use super::data::{S, child, later, t0};
use crate::port::ReadContext;

/// Whether there is anything to test: a store that does not count shows what others counted.
fn counts(s: &Subject) -> bool {
    s.backend.capabilities().counts_calls
}

/// The calls that start in this window, counted from [`t0`] in seconds.
async fn calls(s: &Subject, from_s: u64, to_s: u64) -> Vec<(String, String, u64)> {
    let cx = ReadContext::default();
    let (start_ns, end_ns) = (t0() + from_s * S, t0() + to_s * S);
    let reader = s.dependencies();
    let links = reader.get_dependencies(&cx, start_ns, end_ns).await;
    let links = links.expect("calls are read").into_iter();
    links
        .map(|l| (l.parent.to_string(), l.child.to_string(), l.call_count))
        .collect()
}

#[track_caller]
fn check(calls: &[(String, String, u64)], expect: &[(&str, &str, u64)]) {
    let calls: Vec<_> = calls
        .iter()
        .map(|(parent, child, count)| (parent.as_str(), child.as_str(), *count))
        .collect();
    assert_eq!(calls, expect);
}

/// Calls are counted exactly, sorted by parent, then child. A parent of the same service, or one that is not there, is no call.
pub async fn a_call_is_a_span_whose_parent_is_of_another_service(s: Subject) {
    if !counts(&s) {
        return;
    }
    for trace in 1..=7 {
        s.store(vec![
            child(trace, 1, 0, "web"),
            child(trace, 2, 1, "web"),
            child(trace, 3, 2, "shop"),
            child(trace, 4, 3, "db"),
            child(trace, 5, 3, "db"),
            child(trace, 6, 1, "auth"),
            child(trace, 7, 99, "orphan"),
            child(trace, 8, 8, "self"),
        ])
        .await;
    }
    let expect = [("shop", "db", 14), ("web", "auth", 7), ("web", "shop", 7)];
    check(&calls(&s, 0, 0).await, &expect);
}

/// A span that was written twice is one call.
pub async fn equal_spans_count_once(s: Subject) {
    if !counts(&s) {
        return;
    }
    let spans = || {
        vec![
            child(1, 1, 0, "a"),
            child(1, 2, 1, "b"),
            child(1, 2, 1, "b"),
        ]
    };
    for _ in 0..3 {
        s.store(spans()).await;
    }
    check(&calls(&s, 0, 1).await, &[("a", "b", 1)]);
}

/// The window is that of the span that is called, in whole hours; its parent may lie outside.
pub async fn calls_are_counted_by_the_time_of_the_callee(s: Subject) {
    if !counts(&s) {
        return;
    }
    let at =
        |id, parent, service, hour| later(child(1, id, parent, service), hour as u64 * 3600 * S);
    s.store(vec![
        at(1, 0, "a", 0),
        at(2, 1, "b", 10),
        at(3, 1, "b", 20),
        at(4, 1, "b", 30),
    ])
    .await;
    for (from, to, count) in [(0, 40, 3), (10, 20, 2), (11, 29, 1), (30, 30, 1)] {
        check(
            &calls(&s, from * 3600, to * 3600).await,
            &[("a", "b", count)],
        );
    }
    check(
        &calls(&s, 10 * 3600 + 1800, 10 * 3600 + 1801).await,
        &[("a", "b", 1)],
    );
    check(&calls(&s, 31 * 3600, 40 * 3600).await, &[]);
    check(&calls(&s, 11 * 3600, 20 * 3600 - 1).await, &[]);
}

/// A parent may be written before its child or after, but it is never that of another trace.
pub async fn parents_are_found_across_batches_but_not_across_traces(s: Subject) {
    if !counts(&s) {
        return;
    }
    s.store(vec![child(1, 2, 1, "b")]).await;
    check(&calls(&s, 0, 1).await, &[]);
    s.store(vec![child(2, 1, 0, "x")]).await;
    check(&calls(&s, 0, 1).await, &[]);
    s.store(vec![child(1, 1, 0, "a")]).await;
    check(&calls(&s, 0, 1).await, &[("a", "b", 1)]);
}

/// Zipkin's two halves of one id: the server's is called by the client's, and calls what names the id as its parent.
pub async fn a_shared_id_is_a_call_from_its_client_to_its_server(s: Subject) {
    if !counts(&s) {
        return;
    }
    use SpanKind::{Client, Server};
    let half = |id, parent, service, kind| Span {
        kind,
        ..child(1, id, parent, service)
    };
    s.store(vec![half(2, 1, "b", Server), half(1, 0, "root", Server)])
        .await;
    s.store(vec![half(3, 2, "c", Server), half(2, 1, "a", Client)])
        .await;
    let expect = [("a", "b", 1), ("b", "c", 1), ("root", "a", 1)];
    check(&calls(&s, 0, 1).await, &expect);
}
