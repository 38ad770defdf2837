//! Promises of [`DependencyReader`](crate::DependencyReader).

use std::time::{Duration, Instant};

use model::{KeyValue, Span, SpanKind, StatusCode};

use super::Subject;
use super::data::{S, US, child, t0, trace_id};
use crate::port::{DependencyLink, Durations, LinkKind, ReadContext, ReadError};

/// Whether there is anything to test: a store that does not count shows what others counted.
fn counts(s: &Subject) -> bool {
    s.backend.capabilities().counts_calls
}

/// How long a store may take to count that says that nothing is visible at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// The links of what starts in this window, counted from [`t0`] in seconds.
async fn links(s: &Subject, from_s: i64, to_s: i64) -> Result<Vec<DependencyLink>, ReadError> {
    let cx = ReadContext::default();
    let at = |s: i64| t0().saturating_add_signed(s * S as i64);
    let reader = s.dependencies();
    reader.get_dependencies(&cx, at(from_s), at(to_s)).await
}

/// Whether what was told is the last word: it is right, or it had to be right at once, or there was time enough.
fn is_last(s: &Subject, is_right: bool, began: Instant) -> bool {
    is_right || s.backend.capabilities().visible_at_once || began.elapsed() >= PATIENCE
}

/// Until `expect` is told: at once, unless the store says otherwise.
async fn check_links(s: &Subject, (from_s, to_s): (i64, i64), expect: &[DependencyLink]) {
    let began = Instant::now();
    loop {
        let links = links(s, from_s, to_s).await;
        let is_right = links.as_deref() == Ok(expect);
        if is_last(s, is_right, began) {
            assert_eq!(links.expect("links are read"), expect);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The same of calls between services, whatever is told of them and beside them.
async fn check(s: &Subject, window: (i64, i64), expect: &[(&str, &str, u64)]) {
    let began = Instant::now();
    loop {
        let links = links(s, window.0, window.1).await;
        let calls = links.iter().flatten();
        let calls = calls.filter(|link| link.kind == LinkKind::Call);
        let calls = calls.map(|l| (l.parent.as_str(), l.child.as_str(), l.call_count));
        let calls: Vec<_> = calls.collect();
        let is_right = links.is_ok() && calls == expect;
        if is_last(s, is_right, began) {
            assert_eq!(calls, expect, "{:?}", links.as_ref().err());
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
    check(&s, (0, 0), &expect).await;
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
    check(&s, (0, 1), &[("a", "b", 1)]).await;
}

/// The window is that of the span that is called, in whole hours; its parent may lie outside.
pub async fn calls_are_counted_by_the_time_of_the_callee(s: Subject) {
    if !counts(&s) {
        return;
    }
    // all of it is over, since what is to come may not be counted yet
    let at = |id, parent, service, hour: i64| {
        let span = child(1, id, parent, service);
        let by = (hour - 30) * 3600 * S as i64;
        Span {
            start_ns: span.start_ns.saturating_add_signed(by),
            end_ns: span.end_ns.saturating_add_signed(by),
            ..span
        }
    };
    s.store(vec![
        at(1, 0, "a", 0),
        at(2, 1, "b", 10),
        at(3, 1, "b", 20),
        at(4, 1, "b", 30),
    ])
    .await;
    let within = |from_s: i64, to_s: i64| (from_s - 30 * 3600, to_s - 30 * 3600);
    for (from, to, count) in [(0, 40, 3), (10, 20, 2), (11, 29, 1), (30, 30, 1)] {
        let window = within(from * 3600, to * 3600);
        check(&s, window, &[("a", "b", count)]).await;
    }
    let window = within(10 * 3600 + 1800, 10 * 3600 + 1801);
    check(&s, window, &[("a", "b", 1)]).await;
    check(&s, within(31 * 3600, 40 * 3600), &[]).await;
    check(&s, within(11 * 3600, 20 * 3600 - 1), &[]).await;
}

/// A parent may be written before its child or after, but it is never that of another trace.
pub async fn parents_are_found_across_batches_but_not_across_traces(s: Subject) {
    if !counts(&s) {
        return;
    }
    s.store(vec![child(1, 2, 1, "b")]).await;
    check(&s, (0, 1), &[]).await;
    s.store(vec![child(2, 1, 0, "x")]).await;
    check(&s, (0, 1), &[]).await;
    s.store(vec![child(1, 1, 0, "a")]).await;
    check(&s, (0, 1), &[("a", "b", 1)]).await;
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
    check(&s, (0, 1), &expect).await;
}

/// How many calls failed, and how long they took, by the span that is called.
pub async fn calls_tell_failures_and_durations(s: Subject) {
    if !counts(&s) {
        return;
    }
    let took = |id, failed: bool, us| {
        let mut span = child(1, id, 1, "b");
        span.end_ns = span.start_ns + us * US;
        span.status.code = if failed {
            StatusCode::Error
        } else {
            StatusCode::Unset
        };
        span
    };
    s.store(vec![
        child(1, 1, 0, "a"),
        took(2, true, 5),
        took(3, false, 5),
        took(4, true, 3_000_000),
    ])
    .await;
    let link = DependencyLink {
        error_count: 2,
        durations: Durations {
            sum_us: 3_000_010,
            buckets: [(5, 2), (Durations::bucket(3_000_000), 1)].into(),
        },
        ..DependencyLink::calls("a".into(), "b".into(), 3)
    };
    check_links(&s, (0, 1), &[link]).await;
}

/// A database, a queue, a service that sends nothing: as clients, producers and consumers name them, unless spans answer.
pub async fn what_has_no_spans_is_told_by_who_calls_it(s: Subject) {
    if !counts(&s) {
        return;
    }
    use SpanKind::{Client, Consumer, Producer, Server};
    let of = |id, parent, service, kind, attributes: &[(&str, &str)]| {
        let attributes = attributes.iter();
        let span = child(1, id, parent, service);
        Span {
            kind,
            attributes: attributes.map(|(k, v)| KeyValue::new(*k, *v)).collect(),
            end_ns: span.start_ns,
            ..span
        }
    };
    let queue = [
        ("messaging.system", "kafka"),
        ("messaging.destination.name", "t"),
    ];
    s.store(vec![
        of(1, 0, "a", Server, &[("peer.service", "who asked")]),
        of(
            2,
            1,
            "a",
            Client,
            &[("db.system", "mysql"), ("db.name", "n")],
        ),
        of(3, 1, "a", Client, &[("peer.service", "b")]),
        of(4, 3, "b", Server, &[]),
        of(5, 1, "a", Client, &[("peer.service", "silent")]),
        of(6, 1, "a", Client, &[("server.address", "10.0.0.7")]),
        of(7, 1, "a", Producer, &queue),
    ])
    .await;
    // of another batch, in a trace of its own
    let consumer = Span {
        trace_id: trace_id(2),
        ..of(8, 0, "c", Consumer, &queue)
    };
    s.store(vec![consumer]).await;
    let link = |parent: &str, child: &str, kind| DependencyLink {
        kind,
        durations: Durations {
            sum_us: 0,
            buckets: [(0, 1)].into(),
        },
        ..DependencyLink::calls(parent.into(), child.into(), 1)
    };
    let expect = [
        link("a", "b", LinkKind::Call),
        link("a", "kafka:t", LinkKind::Publish),
        link("a", "mysql:n", LinkKind::Database),
        link("a", "silent", LinkKind::Peer),
        link("kafka:t", "c", LinkKind::Consume),
    ];
    check_links(&s, (0, 1), &expect).await;
    // and the answer comes late
    s.store(vec![of(9, 5, "silent", Server, &[])]).await;
    let expect = expect.map(|link| match link.child.as_str() {
        "silent" => DependencyLink {
            kind: LinkKind::Call,
            ..link
        },
        _ => link,
    });
    check_links(&s, (0, 1), &expect).await;
}
