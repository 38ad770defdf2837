//! Promises of searching. What a query means is [`TraceQuery::matches`](crate::TraceQuery::matches); here it is held to every store.

mod evaluator;

use std::sync::Arc;

use model::{Dialect, Event, KeyValue, Resource, Scope, Span, SpanKind, Status, StatusCode, Value};

use super::Subject;
use super::data::{S, US, child, full_jaeger, full_otlp, later, span, t0, text};
use super::reads::{collect, everything};
use crate::port::outline::{RESOURCE_KEYS, SPAN_KEYS};
use crate::port::{Completeness, ReadContext};
use crate::query::{Comparison, Filter, Pattern, TraceQuery};

pub(super) use evaluator::expect_numbers;
pub use evaluator::{every_query_finds_what_the_evaluator_says, expect};

/// Newest first; of traces that start at the same time, by id. Asked again, the same.
pub async fn traces_come_newest_first_and_the_same_each_time(s: Subject) {
    for (trace, second) in [(1, 5), (2, 9), (3, 5), (4, 1), (5, 9), (6, 5)] {
        s.store(vec![later(span(trace, 1), second * S)]).await;
    }
    for _ in 0..3 {
        assert_eq!(s.found(&everything()).await, [2, 5, 1, 3, 6, 4]);
    }
    s.store(vec![later(span(7, 1), 9 * S + 1)]).await;
    let expect = if s.backend.capabilities().lossless {
        // nanoseconds count here
        [7, 2, 5]
    } else {
        [2, 5, 7]
    };
    assert_eq!(s.found(&everything()).await[..3], expect);
}

/// A trace stands where its latest span that answers puts it; spans that do not answer do not move it.
pub async fn a_trace_is_as_new_as_its_latest_span_that_answers(s: Subject) {
    let other = |trace, id, second| later(child(trace, id, 0, "other"), second * S);
    s.store(vec![
        later(span(1, 1), 5 * S),
        other(1, 2, 50),
        later(span(2, 1), 6 * S),
        later(span(3, 1), S),
        later(span(3, 2), 7 * S),
    ])
    .await;
    let query = TraceQuery {
        service: Some("svc".into()),
        ..everything()
    };
    assert_eq!(s.found(&query).await, [3, 2, 1]);
    assert_eq!(s.found(&everything()).await, [1, 3, 2]);
}

/// The newest are given, as many as the query asks for, and the answer is complete.
pub async fn at_most_the_limit_is_found(s: Subject) {
    s.store(
        (1..=20)
            .map(|trace| later(span(trace, 1), trace * S))
            .collect(),
    )
    .await;
    for (limit, expect) in [(1, vec![20]), (3, vec![20, 19, 18])] {
        let query = TraceQuery {
            limit,
            ..everything()
        };
        assert_eq!(s.found(&query).await, expect);
    }
    let query = TraceQuery {
        limit: 20,
        ..everything()
    };
    assert_eq!(s.found(&query).await.len(), 20);
}

/// Both ends of the window are included, and parts of a microsecond are not compared.
pub async fn times_are_compared_in_whole_microseconds(s: Subject) {
    for trace in 1..=3 {
        s.store(vec![later(span(trace, 1), trace * 10 * US + 500)])
            .await;
    }
    let window = |from_us: u64, to_us: u64| TraceQuery {
        start_min_ns: t0() + from_us * US + 999,
        start_max_ns: t0() + to_us * US,
        ..everything()
    };
    assert_eq!(s.found(&window(10, 30)).await, [3, 2, 1]);
    assert_eq!(s.found(&window(11, 29)).await, [2]);
    assert_eq!(s.found(&window(20, 20)).await, [2]);
    assert!(s.found(&window(21, 29)).await.is_empty());
    let never = TraceQuery {
        start_max_ns: 0,
        ..everything()
    };
    assert!(s.found(&never).await.is_empty());
}

/// Both bounds are included, and parts of a microsecond are not compared. There is no upper bound unless one is given.
pub async fn durations_are_compared_in_whole_microseconds(s: Subject) {
    let lasting = |trace, ns| Span {
        end_ns: t0() + ns,
        ..span(trace, 1)
    };
    const DAYS_3: u64 = 3 * 24 * 3600 * S;
    s.store(vec![
        lasting(1, 0),
        lasting(2, 10 * US + 400),
        lasting(3, 20 * US),
        lasting(4, DAYS_3),
    ])
    .await;
    let between = |min_us: Option<u64>, max_us: Option<u64>| TraceQuery {
        duration_min_ns: min_us.map(|us| us * US + 900),
        duration_max_ns: max_us.map(|us| us * US),
        ..everything()
    };
    for (min, max, expect) in [
        (Some(10), None, vec![2, 3, 4]),
        (Some(11), None, vec![3, 4]),
        (None, Some(10), vec![1, 2]),
        (None, Some(9), vec![1]),
        (Some(10), Some(20), vec![2, 3]),
        (Some(21), Some(30), vec![]),
    ] {
        let found = s.found(&between(min, max)).await;
        assert_eq!(found, expect, "between {min:?} and {max:?}");
    }
}

/// Service, operation, time, duration and tags must all hold for one span; two spans that each answer half do not make a trace answer.
pub async fn all_conditions_must_hold_for_one_span(s: Subject) {
    let with = |span: Span, name: &str, tag: &str| Span {
        name: name.into(),
        attributes: vec![KeyValue::new("tag", tag)],
        ..span
    };
    s.store(vec![
        with(child(1, 1, 0, "a"), "get", "x"),
        with(child(1, 2, 1, "b"), "put", "y"),
        with(child(2, 1, 0, "a"), "put", "y"),
        with(child(3, 1, 0, "b"), "get", "x"),
    ])
    .await;
    let query = |service: Option<&str>, operation: Option<&str>, tag: Option<&str>| TraceQuery {
        service: service.map(Into::into),
        operation: operation.map(Into::into),
        filter: tag.map_or_else(Filter::default, |tag| tagged("tag", tag)),
        ..everything()
    };
    for (service, operation, tag, expect) in [
        (Some("a"), None, None, vec![1, 2]),
        (Some("a"), Some("get"), None, vec![1]),
        (Some("b"), Some("get"), None, vec![3]),
        (Some("a"), Some("put"), Some("y"), vec![2]),
        (Some("a"), Some("get"), Some("y"), vec![]),
        (None, Some("put"), None, vec![1, 2]),
        (None, None, Some("x"), vec![1, 3]),
        (Some("A"), None, None, vec![]),
        (Some(""), None, None, vec![]),
        (Some("nobody"), None, None, vec![]),
    ] {
        let found = s.found(&query(service, operation, tag)).await;
        assert_eq!(found, expect, "{service:?} {operation:?} {tag:?}");
    }
}

/// A trace comes with all of its spans, also those that do not answer.
pub async fn found_traces_are_whole(s: Subject) {
    let mut spans: Vec<_> = (1..=50).map(|id| child(1, id, 0, "quiet")).collect();
    spans[20] = later(child(1, 21, 0, "wanted"), S);
    s.store(spans[..30].to_vec()).await;
    s.store(spans[30..].to_vec()).await;
    s.store(vec![child(2, 1, 0, "quiet")]).await;
    let query = TraceQuery {
        service: Some("wanted".into()),
        start_min_ns: t0() + S,
        ..everything()
    };
    let found = s.find(&query).await;
    assert_eq!(found.numbers(), [1]);
    assert_eq!(s.texts(&found.traces[0].1), s.stored(&spans));
}

/// An outline of a trace has each of its spans, with what is needed to count them and to put them where they belong.
pub async fn outlines_have_every_span(s: Subject) {
    let mut spans = vec![full_otlp(1, 1), full_jaeger(1, 2)];
    // they differ in what is left out
    for n in 0..40 {
        let mut span = child(1, 3, 1, "a");
        span.attributes
            .push(KeyValue::new("n", format!("{n}").as_str()));
        span.dialect = Dialect::Jaeger;
        spans.push(span);
    }
    s.store(spans.clone()).await;
    let (reader, cx) = (s.reader(), ReadContext::default());
    let query = everything();
    let outlines = collect(reader.find_outlines(&cx, &query)).await;
    let outlines = outlines.expect("outlines are found");
    assert_eq!(outlines.completeness, Completeness::Complete);
    assert_eq!(outlines.numbers(), [1]);
    let told = |spans: &[Span]| {
        let mut texts: Vec<String> = spans.iter().map(|span| text(&outline(span))).collect();
        texts.sort();
        texts
    };
    assert_eq!(told(&outlines.traces[0].1), told(&s.trace(1).await));
    assert_eq!(outlines.spans(), spans.len());
}

fn outline(span: &Span) -> Span {
    let only = |keys: &[&str], attributes: &[KeyValue]| {
        let kept = attributes.iter().filter(|a| keys.contains(&&*a.key));
        kept.cloned().collect()
    };
    Span {
        trace_id: span.trace_id,
        span_id: span.span_id,
        parent_span_id: span.parent_span_id,
        name: span.name.clone(),
        kind: span.kind,
        start_ns: span.start_ns,
        end_ns: span.end_ns,
        status: Status {
            code: span.status.code,
            ..Status::default()
        },
        attributes: only(&SPAN_KEYS, &span.attributes),
        resource: Arc::new(Resource {
            service_name: span.resource.service_name.clone(),
            attributes: only(&RESOURCE_KEYS, &span.resource.attributes),
            ..Resource::default()
        }),
        dialect: span.dialect,
        ..Span::default()
    }
}

/// Span tags, process tags, fields of logs, and the tags that are made of OTLP's fields, of every type, by their text or an expression.
pub async fn tags_of_every_kind_are_found(s: Subject) {
    let otlp = Span {
        kind: SpanKind::Client,
        attributes: vec![
            KeyValue::new("string", "v w"),
            KeyValue::new("int", -7_i64),
            KeyValue::new("double", 2.5),
            KeyValue::new("bool", true),
            KeyValue::new("array", Value::Array(Box::new([Value::Int(1), "x".into()]))),
            KeyValue::new("same", "first"),
            KeyValue::new("same", "second"),
        ],
        events: vec![Event {
            name: "cache miss".into(),
            attributes: vec![KeyValue::new("field", 3_i64)],
            ..Event::default()
        }],
        status: Status {
            code: StatusCode::Error,
            message: "it broke".into(),
        },
        resource: Arc::new(Resource {
            attributes: vec![KeyValue::new("host.name", "h1")],
            ..Resource::of_service("svc")
        }),
        scope: Arc::new(Scope {
            name: "lib".into(),
            ..Scope::default()
        }),
        ..span(1, 1)
    };
    let jaeger = Span {
        dialect: Dialect::Jaeger,
        kind: SpanKind::Client,
        attributes: vec![KeyValue::new("only.jaeger", "yes")],
        ..span(2, 1)
    };
    s.store(vec![otlp, jaeger, span(3, 1)]).await;
    for (key, value, expect) in [
        ("string", "v w", vec![1]),
        ("string", "v.*", vec![1]),
        ("string", "v", vec![]),
        ("String", "v w", vec![]),
        ("int", "-7", vec![1]),
        ("double", "2.5", vec![1]),
        ("bool", "true", vec![1]),
        ("array", "[1,\"x\"]", vec![1]),
        ("same", "first", vec![1]),
        ("same", "second", vec![1]),
        ("field", "3", vec![1]),
        ("event", "cache miss", vec![1]),
        ("host.name", "h1|h2", vec![1]),
        // made of OTLP's fields, so not found in a Jaeger span, whose tags are what they are
        ("span.kind", "client", vec![1]),
        ("error", "true", vec![1]),
        ("otel.status_code", "ERROR", vec![1]),
        ("otel.status_description", "it broke", vec![1]),
        ("otel.scope.name", "lib", vec![1]),
        ("only.jaeger", "yes", vec![2]),
        ("absent", ".*", vec![]),
    ] {
        let query = TraceQuery {
            filter: tagged(key, value),
            ..everything()
        };
        assert_eq!(s.found(&query).await, expect, "{key}={value}");
    }
    let both = |a, b| vec![tagged("string", a), tagged("only.jaeger", b)];
    for (filter, expect) in [
        (Filter::And(both("v w", "yes")), vec![]),
        (Filter::Or(both("v w", "yes")), vec![1, 2]),
        (Filter::Or(Vec::new()), vec![]),
        (Filter::And(Vec::new()), vec![1, 2, 3]),
        (Filter::Not(Box::new(tagged("string", "v w"))), vec![2, 3]),
    ] {
        let text = format!("{filter:?}");
        let query = TraceQuery {
            filter,
            ..everything()
        };
        assert_eq!(s.found(&query).await, expect, "{text}");
    }
}

/// A number is one by its text, whatever type it was sent as, and compares exactly.
pub async fn values_are_numbers_by_their_text(s: Subject) {
    let with = |trace, value: Value| Span {
        attributes: vec![KeyValue::new("n", value)],
        ..span(trace, 1)
    };
    s.store(vec![
        with(1, Value::Int(500)),
        with(2, Value::Double(500.0)),
        with(3, "500".into()),
        with(4, "500.00".into()),
        with(5, "00500".into()),
        with(6, "5e2".into()),
        with(7, Value::Double(0.1 + 0.2)),
        with(8, Value::Double(1e300)),
        with(9, Value::Int(-3)),
        with(10, "9007199254740993".into()),
        with(11, "five".into()),
        with(12, Value::Double(f64::NAN)),
        with(13, Value::Bool(true)),
        with(14, "1".repeat(300).as_str().into()),
        with(15, "-0".into()),
        with(16, Value::Double(f64::INFINITY)),
        span(17, 1),
    ])
    .await;
    use Comparison::{AtLeast, AtMost, Equal, Less, More};
    for (is, than, expect) in [
        (Equal, "500", vec![1, 2, 3, 4, 5, 6]),
        (Equal, "5.000e2", vec![1, 2, 3, 4, 5, 6]),
        (More, "500", vec![8, 10]),
        (AtLeast, "500", vec![1, 2, 3, 4, 5, 6, 8, 10]),
        (More, "9007199254740992", vec![8, 10]),
        (More, "9007199254740993", vec![8]),
        (Less, "0.3", vec![9, 15]),
        (AtMost, "0.30000000000000004", vec![7, 9, 15]),
        (Less, "0", vec![9]),
        (AtMost, "0", vec![9, 15]),
        (Equal, "0", vec![15]),
        (AtLeast, "-3", vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15]),
        (More, "-3.5", vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15]),
        (AtLeast, "1e300", vec![8]),
        (More, "1e999", vec![]),
    ] {
        let filter = Filter::Number {
            key: "n".into(),
            is,
            than: than.parse().unwrap(),
        };
        assert_eq!(having(&s, filter).await, expect, "{is:?} {than}");
    }
}

/// A key that is there, names that match, durations: each a condition of a filter, and joined with others on one span.
pub async fn keys_names_and_durations_are_conditions_too(s: Subject) {
    let long = "x".repeat(300);
    let of = |trace, service: &str, name: &str, us: u64, key: &str, value: &str| Span {
        name: name.into(),
        end_ns: t0() + us * US,
        attributes: vec![KeyValue::new(key, value)],
        ..child(trace, 1, 0, service)
    };
    s.store(vec![
        of(1, "cart", "get", 5, "k", "v"),
        of(2, "cart-eu", "put", 7, "k", &long),
        of(3, "pay", "get", 5_000_000, &long, "v"),
        of(4, "pay", "post", 8, "other", ""),
        of(5, &long, "get", 5, "span.kind", "client"),
    ])
    .await;
    let has = |key: &str| Filter::Has { key: key.into() };
    let service = |text| Filter::Service(Pattern::expression(text).unwrap());
    let duration = |is, us: u64| Filter::Duration {
        is,
        than_ns: us * US + 999,
    };
    let not = |filter| Filter::Not(Box::new(filter));
    let kind = |value: &str| Filter::SpanTag {
        key: "span.kind".into(),
        value: Pattern::literal(value),
    };
    for (filter, expect) in [
        (has("k"), vec![1, 2]),
        (has(&long), vec![3]),
        (has("other"), vec![4]),
        (not(has("k")), vec![3, 4, 5]),
        (service("cart.*"), vec![1, 2]),
        (service("x*"), vec![5]),
        (not(service("pay|x*")), vec![1, 2]),
        (Filter::Service(Pattern::literal("cart")), vec![1]),
        (Filter::Service(Pattern::literal(long.as_str())), vec![5]),
        (
            Filter::Operation(Pattern::expression("p.*t").unwrap()),
            vec![2, 4],
        ),
        (duration(Comparison::More, 5), vec![2, 3, 4]),
        (duration(Comparison::Equal, 5), vec![1, 5]),
        (duration(Comparison::AtMost, 7), vec![1, 2, 5]),
        (kind("client"), vec![5]),
        (
            Filter::And(vec![service("cart.*"), duration(Comparison::More, 5)]),
            vec![2],
        ),
        (Filter::Or(vec![has("other"), service("cart")]), vec![1, 4]),
    ] {
        let text = format!("{filter:?}");
        assert_eq!(having(&s, filter).await, expect, "{text}");
    }
}

/// The numbers of the traces that a filter finds, rising.
async fn having(s: &Subject, filter: Filter) -> Vec<u64> {
    let query = TraceQuery {
        filter,
        ..everything()
    };
    let mut found = s.found(&query).await;
    found.sort_unstable();
    found
}

fn tagged(key: &str, value: &str) -> Filter {
    Filter::Tag {
        key: key.into(),
        value: Pattern::new(value),
    }
}
