mod any_input;
mod first_model;
mod golden;
mod protobuf;
mod second_model;

use model::{KeyValue, Value};

use super::*;

/// The time of receipt in these tests.
const RECEIVED_NS: u64 = 1_795_420_500_000_000_000;
/// Ids that are fine, for spans whose other members matter.
const IDS: &str = r#""traceId":"000000000000000a","id":"b""#;

#[track_caller]
fn one(decoded: Result<Decoded, DecodeError>) -> model::Span {
    let decoded = decoded.unwrap();
    assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
    assert_eq!(decoded.spans.len(), 1);
    decoded.spans.into_iter().next().unwrap()
}

/// The span of the second model with these members, beside its ids.
#[track_caller]
fn v2(members: &str) -> model::Span {
    let text = format!("[{{{IDS},{members}}}]");
    one(decode_v2_json(Bytes::from(text), RECEIVED_NS))
}

/// The span of the first model with these members, beside its ids.
#[track_caller]
fn v1(members: &str) -> model::Span {
    let text = format!("[{{{IDS},{members}}}]");
    one(decode_v1_json(Bytes::from(text), RECEIVED_NS))
}

/// Attributes as `key=value`, with a type where it is not text.
fn shown(attributes: &[KeyValue]) -> String {
    let each = attributes.iter().map(|a| match &a.value {
        Value::String(text) => format!("{}={text}", a.key),
        other => format!("{}={other:?}", a.key),
    });
    each.collect::<Vec<_>>().join(" ")
}

/// Attributes without the one that most spans here have, since they say no time.
fn told(span: &model::Span) -> String {
    let absent = "otel.zipkin.absentField.startTime=Bool(true)";
    shown(&span.attributes)
        .replace(absent, "")
        .trim_end()
        .to_owned()
}
