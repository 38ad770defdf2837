//! Spans to write: built by code, in both dialects, with every field set somewhere.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use model::{
    Batch, Dialect, Dropped, Event, Instance, KeyValue, Link, RefType, Resource, Scope, Slice,
    Span, SpanId, SpanKind, Status, StatusCode, TraceId, Value,
};

/// A microsecond, in nanoseconds.
pub(super) const US: u64 = 1_000;
/// A second, in nanoseconds.
pub(super) const S: u64 = 1_000_000_000;

/// Times count from here: a whole second about an hour ago, so that no store finds the spans too old.
pub(super) fn t0() -> u64 {
    static T0: OnceLock<u64> = OnceLock::new();
    *T0.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        // the start of an hour, since calls are counted by hours
        (now.expect("it is after 1970").as_secs() / 3600 - 1) * 3600 * S
    })
}

pub(super) fn trace_id(number: u64) -> TraceId {
    TraceId::from_halves(0xabcd, number)
}

/// A span of service `svc`, operation `op`, that starts at [`t0`] and takes a millisecond.
pub(super) fn span(trace: u64, id: u64) -> Span {
    static RESOURCE: OnceLock<Arc<Resource>> = OnceLock::new();
    let resource = RESOURCE.get_or_init(|| Arc::new(Resource::of_service("svc")));
    Span {
        trace_id: trace_id(trace),
        span_id: SpanId::from_u64(id),
        name: "op".into(),
        start_ns: t0(),
        end_ns: t0() + 1_000 * US,
        resource: resource.clone(),
        ..Span::default()
    }
}

/// The same, of another service, with this parent.
pub(super) fn child(trace: u64, id: u64, parent: u64, service: &str) -> Span {
    Span {
        parent_span_id: (parent != 0).then(|| SpanId::from_u64(parent)),
        resource: Arc::new(Resource::of_service(service)),
        ..span(trace, id)
    }
}

/// The same, this much later.
pub(super) fn later(span: Span, by_ns: u64) -> Span {
    Span {
        start_ns: span.start_ns + by_ns,
        end_ns: span.end_ns + by_ns,
        ..span
    }
}

pub(super) fn batch(spans: Vec<Span>) -> Batch {
    Batch::new(Instance::default(), spans, 0)
}

/// Values of every type, extremes among them. A NaN makes the span unequal to itself by `==`: compare by [`text`].
fn attributes() -> Vec<KeyValue> {
    let nested = Value::Array(Box::new([
        Value::Map(Box::new([
            KeyValue::new("deep", Value::Array(Box::new([]))),
            KeyValue::new("deep", "twice"),
        ])),
        Value::Empty,
        Value::Double(-0.0),
    ]));
    vec![
        KeyValue::new("text", "größer \u{1f600} \"quoted\"\n"),
        KeyValue::new("empty", ""),
        KeyValue::new("", "no key"),
        KeyValue::new("nothing", Value::Empty),
        KeyValue::new("yes", true),
        KeyValue::new("no", false),
        KeyValue::new("min", i64::MIN),
        KeyValue::new("max", i64::MAX),
        KeyValue::new("zero", 0_i64),
        KeyValue::new("double", 1.0e-300),
        KeyValue::new("nan", f64::NAN),
        KeyValue::new("infinite", f64::NEG_INFINITY),
        KeyValue::new("bytes", Slice::from(&[0_u8, 255, 10][..])),
        KeyValue::new("twice", 1_i64),
        KeyValue::new("twice", "2"),
        KeyValue::new("nested", nested),
        KeyValue::new("long", "x".repeat(40_000).as_str()),
    ]
}

/// Every field of an OTLP span.
pub(super) fn full_otlp(trace: u64, id: u64) -> Span {
    Span {
        parent_span_id: Some(SpanId::from_u64(u64::MAX)),
        name: "GET /größe".into(),
        kind: SpanKind::Producer,
        start_ns: t0() + 123_456_789,
        end_ns: t0() + 987_654_321,
        attributes: attributes(),
        events: vec![
            Event {
                time_ns: t0() + 5,
                name: "started".into(),
                attributes: attributes(),
                dropped_attributes_count: 3,
            },
            Event::default(),
        ],
        links: vec![
            Link {
                trace_id: trace_id(99),
                span_id: SpanId::from_u64(98),
                trace_state: "l=1".into(),
                attributes: attributes(),
                dropped_attributes_count: 4,
                flags: 0x101,
                ..Link::default()
            },
            Link::default(),
        ],
        status: Status {
            code: StatusCode::Error,
            message: "it broke".into(),
        },
        resource: Arc::new(Resource {
            service_name: Some("full".into()),
            attributes: attributes(),
            dropped_attributes_count: 5,
            schema_url: "https://example.com/resource".into(),
        }),
        scope: Arc::new(Scope {
            name: "lib".into(),
            version: "1.2".into(),
            attributes: attributes(),
            dropped_attributes_count: 6,
            schema_url: "https://example.com/scope".into(),
        }),
        trace_state: "a=b,c=d".into(),
        flags: 0x301,
        warnings: vec!["odd".into(), "".into()],
        dropped: Dropped {
            attributes: 7,
            events: 8,
            links: 9,
        },
        ..span(trace, id)
    }
}

/// Every field of a Jaeger span.
pub(super) fn full_jaeger(trace: u64, id: u64) -> Span {
    let reference = |ref_type, trace, id| Link {
        trace_id: trace_id(trace),
        span_id: SpanId::from_u64(id),
        ref_type,
        ..Link::default()
    };
    let mut tags = attributes();
    tags.extend([
        KeyValue::new("span.kind", "client"),
        KeyValue::new("error", true),
        KeyValue::new("otel.status_code", "ERROR"),
    ]);
    Span {
        parent_span_id: Some(SpanId::from_u64(41)),
        kind: SpanKind::Client,
        attributes: tags,
        events: vec![Event {
            time_ns: t0() + 7,
            attributes: vec![KeyValue::new("event", "started"), KeyValue::new("n", 1_i64)],
            ..Event::default()
        }],
        links: vec![
            reference(RefType::FollowsFrom, trace, 40),
            reference(RefType::ChildOf, trace, 41),
            reference(RefType::ChildOf, 77, 42),
        ],
        status: Status {
            code: StatusCode::Error,
            ..Status::default()
        },
        resource: Arc::new(Resource {
            attributes: vec![
                KeyValue::new("hostname", "h1"),
                KeyValue::new("ip", "10.0.0.1"),
                KeyValue::new("ip", 5_i64),
            ],
            ..Resource::of_service("full-jaeger")
        }),
        dialect: Dialect::Jaeger,
        flags: 9,
        warnings: vec!["clock skew".into()],
        ..span(trace, id)
    }
}

/// A span as text: every field, floats so that a NaN is equal to itself.
pub(super) fn text(span: &Span) -> String {
    format!("{span:?}")
}

/// Numbers that look random and are the same each time (xorshift).
pub(super) struct Seeded(u64);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
