//! What a union does that no single reader does: spans of several are one trace, and who fails is named.

use model::{Batch, KeyValue, Resource, Span, SpanId, TraceId};

use super::*;
use crate::memory::{Config, Memory};
use crate::port::{Backend as _, ReadItem, ReadLimits};
use crate::query::Order;
use crate::write_only::WriteOnly;

const MS: u64 = 1_000_000;

fn instance(text: &str) -> Instance {
    Instance::parse(text).unwrap()
}

fn span(trace: u64, id: u64, start_ms: u64, service: &str) -> Span {
    Span {
        trace_id: TraceId::from_halves(0, trace),
        span_id: SpanId::from_u64(id),
        start_ns: start_ms * MS,
        end_ns: start_ms * MS + 1,
        name: "op".into(),
        resource: Arc::new(Resource::of_service(service)),
        ..Span::default()
    }
}

/// A union over instances that hold these spans.
async fn union(held: &[(&str, Vec<Span>)]) -> Union {
    let memory = Memory::new(Config::default());
    for (name, spans) in held {
        let batch = Batch::new(instance(name), spans.clone(), 0);
        memory.writer().write(batch).await.unwrap();
    }
    let mut union = Union {
        sources: Vec::new(),
    };
    for (name, _) in held {
        let of = instance(name);
        union.add(&of, memory.reader(&of), memory.dependencies(&of));
    }
    union
}

/// One that answers nothing but an error.
fn down() -> Arc<WriteOnly> {
    Arc::new(WriteOnly {
        elsewhere: "it is down".to_owned(),
    })
}

/// One that answers nothing at all.
struct Stuck;

impl TraceReader for Stuck {
    fn get_traces<'a>(&'a self, _: &'a ReadContext, _: &'a [GetTrace]) -> TraceStream<'a> {
        futures_util::stream::pending().boxed()
    }

    fn find_traces<'a>(&'a self, _: &'a ReadContext, _: &'a TraceQuery) -> TraceStream<'a> {
        futures_util::stream::pending().boxed()
    }

    fn find_trace_ids<'a>(
        &'a self,
        _: &'a ReadContext,
        _: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>> {
        std::future::pending().boxed()
    }

    fn get_services<'a>(
        &'a self,
        _: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        std::future::pending().boxed()
    }

    fn get_operations<'a>(
        &'a self,
        _: &'a ReadContext,
        _: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        std::future::pending().boxed()
    }
}

fn everything() -> TraceQuery {
    TraceQuery {
        start_max_ns: u64::MAX,
        limit: 100,
        ..TraceQuery::default()
    }
}

/// Trace and span of each span, in the order they came, and how it ended.
type Read = Result<(Vec<(u64, u64)>, Completeness), ReadError>;

async fn read(mut stream: TraceStream<'_>) -> Read {
    let mut spans = Vec::new();
    loop {
        match stream.next().await.expect("it has an end")? {
            ReadItem::Spans(chunk) => spans.extend(chunk.iter().map(|span| {
                let trace = span.trace_id.0;
                let trace = trace.last_chunk::<8>().map(|low| u64::from_be_bytes(*low));
                (trace.unwrap(), u64::from_be_bytes(span.span_id.0))
            })),
            ReadItem::End(completeness) => return Ok((spans, completeness)),
        }
    }
}

#[track_caller]
fn names(completeness: &Completeness, who: &str) {
    let is_named = matches!(completeness, Completeness::Partial { reason } if reason.contains(who));
    assert!(is_named, "{completeness:?}");
}

#[tokio::test]
async fn spans_of_several_are_one_trace_and_the_newest_of_all_come_first() {
    let union = union(&[
        ("a/jaeger", vec![span(1, 1, 10, "x"), span(2, 1, 30, "x")]),
        ("b/jaeger", vec![span(1, 2, 40, "y"), span(3, 1, 20, "y")]),
        ("c/jaeger", vec![span(1, 3, 5, "z")]),
    ])
    .await;
    let cx = ReadContext::default();
    let (spans, end) = read(union.find_traces(&cx, &everything())).await.unwrap();
    assert_eq!(spans, [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]);
    assert_eq!(end, Completeness::Complete);
    let two = TraceQuery {
        limit: 2,
        ..everything()
    };
    let (spans, end) = read(union.find_traces(&cx, &two)).await.unwrap();
    assert_eq!(spans, [(1, 1), (1, 2), (1, 3), (2, 1)]);
    assert_eq!(end, Completeness::Complete, "as many as were asked for");
    assert_eq!(union.get_services(&cx).await.unwrap(), ["x", "y", "z"]);
}

#[tokio::test]
async fn a_span_that_several_hold_comes_once_and_one_that_differs_stays() {
    let other = Span {
        attributes: vec![KeyValue::new("only", "here")],
        ..span(1, 1, 10, "x")
    };
    let union = union(&[
        ("a/jaeger", vec![span(1, 1, 10, "x"), span(1, 2, 11, "x")]),
        ("b/jaeger", vec![span(1, 2, 11, "x"), other]),
    ])
    .await;
    let (cx, ids) = (
        ReadContext::default(),
        [GetTrace::by_id(TraceId::from_halves(0, 1)); 2],
    );
    let (mut spans, _) = read(union.get_traces(&cx, &ids)).await.unwrap();
    spans.sort_unstable();
    assert_eq!(spans, [(1, 1), (1, 1), (1, 2)]);
}

#[tokio::test]
async fn limits_hold_over_all() {
    let union = union(&[
        (
            "a/jaeger",
            (0..6).map(|id| span(1, id + 1, 10, "x")).collect(),
        ),
        (
            "b/jaeger",
            (0..6).map(|id| span(1, id + 10, 10, "x")).collect(),
        ),
    ])
    .await;
    let limits = ReadLimits {
        spans: 8,
        ..ReadLimits::default()
    };
    let cx = ReadContext {
        limits,
        ..ReadContext::default()
    };
    let (spans, end) = read(union.find_traces(&cx, &everything())).await.unwrap();
    assert_eq!(spans.len(), 8);
    names(&end, "query.max-spans");
}

#[tokio::test]
async fn one_that_fails_is_named_and_the_others_answer() {
    let mut union = union(&[("a/jaeger", vec![span(1, 1, 10, "x")])]).await;
    union.add(&instance("b/jaeger"), down(), down());
    let cx = ReadContext::default();
    let ids = [GetTrace::by_id(TraceId::from_halves(0, 1))];
    for stream in [
        union.find_traces(&cx, &everything()),
        union.get_traces(&cx, &ids),
    ] {
        let (spans, end) = read(stream).await.unwrap();
        assert_eq!(spans, [(1, 1)]);
        names(&end, "b/jaeger: storage is unavailable");
    }
    let found = union.find_trace_ids(&cx, &everything()).await.unwrap();
    names(&found.completeness, "b/jaeger");
    assert_eq!(cx.lacks.reason(), None);
    assert_eq!(union.get_services(&cx).await.unwrap(), ["x"]);
    assert!(cx.lacks.reason().is_some_and(|r| r.contains("b/jaeger")));
    let cx = ReadContext::default();
    union.get_dependencies(&cx, 0, 1).await.unwrap();
    assert!(cx.lacks.reason().is_some_and(|r| r.contains("b/jaeger")));
}

#[tokio::test]
async fn all_that_fail_are_an_error() {
    let mut union = Union::new(&instance("a/jaeger"), down(), down());
    union.add(&instance("b/jaeger"), down(), down());
    let cx = ReadContext::default();
    let ids = [GetTrace::by_id(TraceId::from_halves(0, 1))];
    assert!(read(union.find_traces(&cx, &everything())).await.is_err());
    assert!(read(union.get_traces(&cx, &ids)).await.is_err());
    assert!(union.get_services(&cx).await.is_err());
}

#[tokio::test]
async fn one_that_hangs_leaves_the_others_their_time() {
    let mut union = union(&[("a/jaeger", vec![span(1, 1, 10, "x")])]).await;
    union.add(&instance("b/jaeger"), Arc::new(Stuck), down());
    let deadline = || Some(Instant::now() + Duration::from_secs(2));
    let cx = ReadContext {
        deadline: deadline(),
        ..ReadContext::default()
    };
    let (spans, end) = read(union.find_traces(&cx, &everything())).await.unwrap();
    assert_eq!(spans, [(1, 1)]);
    names(
        &end,
        "b/jaeger: storage is unavailable: it did not answer within 0.",
    );
    assert_eq!(union.get_services(&cx).await.unwrap(), ["x"]);
}

#[tokio::test]
async fn all_that_hang_are_late_and_not_broken() {
    let union = Union::new(&instance("b/jaeger"), Arc::new(Stuck), down());
    let cx = ReadContext {
        deadline: Some(Instant::now() + Duration::from_millis(20)),
        ..ReadContext::default()
    };
    let found = read(union.find_traces(&cx, &everything())).await;
    assert!(matches!(found, Err(ReadError::Late { .. })), "{found:?}");
}

/// A source that holds only the later spans of a trace does not know that it was given for an earlier one of another.
#[tokio::test]
async fn pages_give_a_trace_once_though_its_spans_lie_in_several() {
    let long = |span: Span, ms: u64| Span {
        end_ns: span.start_ns + ms * MS,
        ..span
    };
    let union = union(&[
        (
            "a/jaeger",
            vec![
                long(span(1, 1, 90, "x"), 1),
                long(span(2, 1, 50, "x"), 9),
                long(span(3, 1, 40, "x"), 5),
            ],
        ),
        (
            "b/jaeger",
            vec![
                long(span(1, 2, 30, "y"), 8),
                long(span(2, 2, 80, "y"), 2),
                long(span(4, 1, 20, "y"), 5),
                long(span(3, 2, 10, "y"), 7),
            ],
        ),
    ])
    .await;
    let cx = ReadContext::default();
    for (order, expect) in [
        (Order::NewestFirst, [1, 2, 3, 4]),
        (Order::OldestFirst, [3, 4, 1, 2]),
        (Order::LongestFirst, [2, 1, 3, 4]),
        (Order::ShortestFirst, [1, 2, 3, 4]),
    ] {
        for limit in 1..=4 {
            let mut query = TraceQuery {
                order,
                limit,
                ..everything()
            };
            let mut pages = Vec::new();
            loop {
                let found = union.find_trace_ids(&cx, &query).await.unwrap();
                assert_eq!(found.completeness, Completeness::Complete);
                let (spans, _) = read(union.find_traces(&cx, &query)).await.unwrap();
                let mut given: Vec<u64> = spans.iter().map(|(trace, _)| *trace).collect();
                given.dedup();
                let ids = found.traces.iter().map(|f| f.trace_id.low());
                assert_eq!(given, ids.clone().collect::<Vec<_>>());
                pages.extend(ids);
                let Some(last) = found.traces.last() else {
                    break;
                };
                query.after = Some(last.place());
                assert!(pages.len() <= 4, "{order} {limit}: {pages:?}");
            }
            assert_eq!(pages, expect, "{order} in pages of {limit}");
        }
    }
}
