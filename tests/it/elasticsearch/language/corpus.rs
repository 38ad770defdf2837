//! Spans that are hard to tell apart: values of every type that share a text, missing keys, values that no index holds, logs that say a thing twice.
//!
//! Times are whole microseconds, by which every store orders alike. No key comes twice in the same place: as a field one of them would stay.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use model::{
    Dialect, Event, KeyValue, Resource, Slice, Span, SpanId, SpanKind, Status, StatusCode, TraceId,
    Value,
};

use super::Random;

pub(super) const US: u64 = 1_000;
const SPANS: u64 = 600;
const TRACES: u64 = 150;

/// Services, one of which has a name that no index holds.
pub(super) const SERVICES: [&str; 5] = ["checkout", "cart", "cart-eu", "größe service", LONG_A];
pub(super) const OPERATIONS: [&str; 4] = ["GET /pay", "POST /pay", "get", LONG_B];
/// Keys of tags, one of which no index holds.
pub(super) const KEYS: [&str; 8] = [
    "k",
    "n",
    "http.status_code",
    "größe",
    "two words",
    "service",
    "retry",
    LONG_A,
];
/// 300 characters, and others that differ in the last.
pub(super) const LONG_A: &str = concat!(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxa",
);
pub(super) const LONG_B: &str = concat!(
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxb",
);

/// Where times count from: a whole second half an hour ago.
pub(super) fn t0() -> u64 {
    static T0: OnceLock<u64> = OnceLock::new();
    *T0.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        (now.as_secs() - 1_800) * 1_000_000_000
    })
}

fn value(random: &mut Random) -> Value {
    match random.below(12) {
        0 => Value::Int([500, 404, 0, -3, 9_007_199_254_740_993][random.below(5) as usize]),
        1 => Value::Double([500.0, 0.5, 0.1 + 0.2, -2.5, 1e21][random.below(5) as usize]),
        2 => Value::Double([f64::NAN, f64::INFINITY, -0.0, 1e-9, 1e300][random.below(5) as usize]),
        3 => Value::Bool(random.is_one_in(2)),
        4 => random
            .pick(&["500", "500.00", "0500", "5e2", "-3.0", "0.50"])
            .into(),
        5 => random
            .pick(&["GET", "POST", "get", "", "true", "false"])
            .into(),
        6 => random
            .pick(&["größe", "\u{1f600}", "日本", "e\u{301}", "İ"])
            .into(),
        7 => random
            .pick(&[
                "a|b",
                "a\"b",
                "a\\b",
                "a.b",
                "a b\tc\nd",
                "<a&b>",
                "x*(",
                "#@~",
            ])
            .into(),
        8 => random.pick(&[LONG_A, LONG_B]).into(),
        9 => Value::Array(Box::new([Value::Int(500), "GET".into()])),
        10 => Value::Bytes(Slice::from(&[5_u8, 0, 255][..])),
        _ => random
            .pick(&["a", "b", "aab", "aabc", "10.0.0.1", "1 500"])
            .into(),
    }
}

fn tags(random: &mut Random, most: u64) -> Vec<KeyValue> {
    let mut tags: Vec<KeyValue> = Vec::new();
    for _ in 0..random.below(most + 1) {
        let key = random.pick(&KEYS);
        if tags.iter().all(|tag| tag.key != *key) {
            tags.push(KeyValue::new(key, value(random)));
        }
    }
    tags
}

fn log(random: &mut Random, dialect: Dialect) -> Event {
    let mut attributes = tags(random, 2);
    // a list may say a thing twice
    attributes.push(KeyValue::new("k", value(random)));
    Event {
        name: if dialect == Dialect::Otlp {
            "cache miss".into()
        } else {
            "".into()
        },
        attributes,
        ..Event::default()
    }
}

fn span(random: &mut Random, id: u64) -> Span {
    let start_ns = t0() + random.below(2_000) * 50 * US;
    let duration_us = match random.below(4) {
        0 => 0,
        1 => random.below(20),
        2 => random.below(2_000_000),
        _ => 1_500_000,
    };
    let dialect = if random.is_one_in(3) {
        Dialect::Jaeger
    } else {
        Dialect::Otlp
    };
    let mut span = Span {
        // of 64 bits and of 128: an index sorts them as texts, in which short ones lie between long ones
        trace_id: TraceId::from_halves(random.below(2), 1 + random.below(TRACES / 2)),
        span_id: SpanId::from_u64(id),
        name: random.pick(&OPERATIONS).into(),
        start_ns,
        end_ns: start_ns + duration_us * US,
        attributes: tags(random, 4),
        resource: Arc::new(Resource {
            attributes: tags(random, 1),
            ..Resource::of_service(random.pick(&SERVICES))
        }),
        dialect,
        ..Span::default()
    };
    for _ in 0..random.below(3) {
        let log = log(random, dialect);
        span.events.push(log);
    }
    let kinds = [
        SpanKind::Unspecified,
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
    ];
    let kind = kinds[random.below(4) as usize];
    let codes = [
        StatusCode::Unset,
        StatusCode::Unset,
        StatusCode::Ok,
        StatusCode::Error,
    ];
    let code = codes[random.below(4) as usize];
    if dialect == Dialect::Otlp {
        span.kind = kind;
        span.status = Status {
            code,
            ..Status::default()
        };
    } else {
        if kind != SpanKind::Unspecified {
            span.attributes
                .push(KeyValue::new("span.kind", kind.as_str()));
        }
        match code {
            StatusCode::Error if random.is_one_in(2) => {
                span.attributes.push(KeyValue::new("error", true));
            }
            StatusCode::Error => span
                .attributes
                .push(KeyValue::new("otel.status_code", "ERROR")),
            StatusCode::Ok => span.attributes.push(KeyValue::new("error", "false")),
            StatusCode::Unset => {}
        }
    }
    span
}

/// Some hundred spans in fewer traces.
pub(super) fn spans(random: &mut Random) -> Vec<Span> {
    (1..=SPANS).map(|id| span(random, id)).collect()
}
