//! What the fixture of version 1 was made from.

use std::sync::Arc;

use model::{
    Batch, Dialect, Dropped, Event, Instance, KeyValue, Link, RefType, Resource, Scope, Slice,
    Span, SpanId, SpanKind, Status, StatusCode, TraceId, Value,
};
use storage::DeadLetter;

const DAY_NS: u64 = 24 * 3600 * 1_000_000_000;
/// A day, and five days later.
const DAY: u64 = 20_000 * DAY_NS;
/// What time it is when the fixture is written and read: its days are over, so that segments are merged.
pub(crate) const NOW: u64 = DAY + 5 * DAY_NS;

/// Whose spans there are.
pub(crate) fn instances() -> [Instance; 2] {
    ["default/jaeger", "shop/traces"].map(|name| Instance::parse(name).unwrap())
}

fn batch(instance: usize, spans: Vec<Span>) -> Batch {
    Batch::new(instances()[instance].clone(), spans, 4096)
}

fn span(trace: u64, id: u64, parent: u64, service: &str, kind: SpanKind) -> Span {
    let start_ns = DAY + trace * 1_000_000_000 + id * 1_000_000;
    Span {
        trace_id: TraceId::from_halves(0x0102_0304_0506_0708, trace),
        span_id: SpanId::from_u64(id),
        parent_span_id: (parent > 0).then(|| SpanId::from_u64(parent)),
        name: format!("{service} does {id}").into(),
        kind,
        start_ns,
        end_ns: start_ns + 1000 * id,
        attributes: vec![KeyValue::new("http.route", format!("/{service}").as_str())],
        resource: Arc::new(Resource::of_service(service)),
        ..Span::default()
    }
}

fn call() -> Span {
    span(1, 2, 1, "frontend", SpanKind::Client)
}

/// Writes that are sealed one by one. The first four are of one instance and day, and become one segment.
pub(crate) fn sealed() -> Vec<Batch> {
    let bare = |id| Span {
        attributes: Vec::new(),
        ..span(7, id, id - 1, "billing", SpanKind::Internal)
    };
    vec![
        batch(0, vec![span(1, 1, 0, "frontend", SpanKind::Server), call()]),
        // the other half of the call, and a span that came twice
        batch(0, vec![span(1, 2, 1, "cart", SpanKind::Server), call()]),
        // whose parent is in another segment, and whose parent is nowhere
        batch(
            0,
            vec![
                span(1, 3, 2, "db", SpanKind::Server),
                span(2, 4, 0xffff_ffff_ffff_fff0, "db", SpanKind::Server),
            ],
        ),
        batch(
            0,
            vec![
                span(3, 1, 0, "frontend", SpanKind::Producer),
                span(3, 2, 1, "mail", SpanKind::Consumer),
                nothing(),
            ],
        ),
        batch(0, next_day()),
        // no more than columns hold, so that the payloads have no bytes
        batch(1, vec![bare(1), bare(2), bare(3)]),
    ]
}

/// A span with nothing in it but a trace, of the first day that is in the segments.
fn nothing() -> Span {
    Span {
        trace_id: TraceId::from_halves(0, 77),
        start_ns: DAY,
        end_ns: DAY,
        ..Span::default()
    }
}

/// Spans that look alike, so that their blocks are deflated, and one that ends before it starts.
fn next_day() -> Vec<Span> {
    let resource = Arc::new(Resource {
        attributes: vec![KeyValue::new("host.name", "h1")],
        ..Resource::of_service("batch")
    });
    let mut spans: Vec<_> = (1..=40)
        .map(|id| {
            let span = span(
                9 + id % 3,
                id,
                id.saturating_sub(3),
                "batch",
                SpanKind::Internal,
            );
            Span {
                name: "run".into(),
                start_ns: span.start_ns + DAY_NS,
                end_ns: span.end_ns + DAY_NS,
                resource: resource.clone(),
                attributes: vec![
                    KeyValue::new("job", "nightly-report"),
                    KeyValue::new("nth", (id % 7) as i64),
                    KeyValue::new("share", id as f64 / 8.0),
                ],
                ..span
            }
        })
        .collect();
    spans[20].status = Status {
        code: StatusCode::Error,
        message: "out of paper".into(),
    };
    spans[21].end_ns = spans[21].start_ns - 5;
    spans[22].end_ns = 0;
    spans
}

/// Writes that stay in the journal.
pub(crate) fn open() -> Vec<Batch> {
    vec![
        // it is sealed, too
        batch(0, vec![call(), every_value(), jaeger()]),
        batch(1, vec![span(8, 1, 0, "billing", SpanKind::Server)]),
        batch(0, neighbours()),
    ]
}

/// Spans of one trace, resource and scope, so that rows leave out what the one before said. The trace's id is all zero, and so is a parent's.
fn neighbours() -> Vec<Span> {
    let resource = Arc::new(Resource::of_service("batch"));
    let scope = Arc::new(Scope::default());
    let ids = 20..23;
    let spans = ids.map(|id| Span {
        trace_id: TraceId::default(),
        parent_span_id: Some(SpanId::from_u64((id - 20) * 20)),
        resource: resource.clone(),
        scope: scope.clone(),
        ..span(4, id, 0, "batch", SpanKind::Internal)
    });
    spans.collect()
}

fn every_value() -> Span {
    let array = Value::Array(
        [
            Value::from("a"),
            Value::Empty,
            Value::from(false),
            Value::Array([Value::from(1_i64)].into()),
        ]
        .into(),
    );
    let map = Value::Map(
        [
            KeyValue::new("inner", Value::Map([].into())),
            KeyValue::new("inner", 0.5),
        ]
        .into(),
    );
    Span {
        attributes: vec![
            KeyValue::new("empty", Value::Empty),
            KeyValue::new("text", "caf\u{e9} \u{1f375}"),
            KeyValue::new("no text", ""),
            KeyValue::new("", "no key"),
            KeyValue::new("true", true),
            KeyValue::new("false", false),
            KeyValue::new("zero", 0_i64),
            KeyValue::new("least", i64::MIN),
            KeyValue::new("most", i64::MAX),
            KeyValue::new("minus zero", -0.0),
            KeyValue::new("nan", f64::from_bits(0x7ff8_0000_0000_1234)),
            KeyValue::new("infinite", f64::NEG_INFINITY),
            KeyValue::new("small", 1.5e-300),
            KeyValue::new("bytes", Slice::from(&b"\x00\xff\x80"[..])),
            KeyValue::new("no bytes", Slice::from(&b""[..])),
            KeyValue::new("array", array),
            KeyValue::new("no array", Value::Array([].into())),
            KeyValue::new("map", map),
            KeyValue::new("text", "again"),
        ],
        events: vec![
            Event {
                time_ns: DAY + 1,
                name: "exception".into(),
                attributes: vec![KeyValue::new("exception.type", "E")],
                dropped_attributes_count: 3,
            },
            Event::default(),
        ],
        links: vec![
            Link {
                trace_id: TraceId::from_halves(u64::MAX, 1),
                span_id: SpanId::from_u64(u64::MAX),
                trace_state: "l=1".into(),
                attributes: vec![KeyValue::new("k", 2_i64)],
                dropped_attributes_count: 4,
                flags: 0x0000_0301,
                ..Link::default()
            },
            Link::default(),
        ],
        status: Status {
            code: StatusCode::Ok,
            message: String::new().as_str().into(),
        },
        resource: Arc::new(Resource {
            service_name: Some("values".into()),
            attributes: vec![KeyValue::new("service.name", 7_i64)],
            dropped_attributes_count: 1,
            schema_url: "https://example.com/schema/1".into(),
        }),
        scope: Arc::new(Scope {
            name: "library".into(),
            version: "1.2".into(),
            attributes: vec![KeyValue::new("k", "v")],
            dropped_attributes_count: 2,
            schema_url: "https://example.com/schema/2".into(),
        }),
        trace_state: "a=b,c=d".into(),
        flags: 0x0000_0101,
        warnings: vec!["odd".into(), "odder".into()],
        dropped: Dropped {
            attributes: 5,
            events: 6,
            links: u32::MAX,
        },
        ..span(5, 1, 0, "values", SpanKind::Client)
    }
}

fn jaeger() -> Span {
    let trace_id = TraceId::from_halves(0, 6);
    let link = |id, ref_type| Link {
        trace_id,
        span_id: SpanId::from_u64(id),
        ref_type,
        ..Link::default()
    };
    Span {
        trace_id,
        dialect: Dialect::Jaeger,
        attributes: vec![
            KeyValue::new("span.kind", "server"),
            KeyValue::new("error", true),
        ],
        events: vec![Event {
            time_ns: DAY + 2,
            attributes: vec![KeyValue::new("event", "sent")],
            ..Event::default()
        }],
        links: vec![link(8, RefType::ChildOf), link(9, RefType::FollowsFrom)],
        status: Status {
            code: StatusCode::Error,
            ..Status::default()
        },
        flags: 3,
        ..span(6, 10, 8, "legacy", SpanKind::Server)
    }
}

/// A dead letter that is sealed, and one that stays in the journal.
pub(crate) fn letters() -> [DeadLetter; 2] {
    let letter = |instance: usize, reason: &str, payload: &[u8]| DeadLetter {
        instance: instances()[instance].clone(),
        reason: reason.to_owned(),
        origin: "otlp-grpc",
        payload: payload.to_vec().into(),
    };
    [
        letter(0, "a span without an id", b"\x0a\x00\xff"),
        letter(1, "not a request: caf\u{e9}", b""),
    ]
}
