use model::{KeyValue, RefType, Slice, SpanId, SpanKind, TraceId, Value};
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::arbitrary;
use crate::r#gen::api_v2;

const ID: &str = r#""traceId":"AAAAAAAAAAAAAAAAAAAAAQ==""#;

fn encoded(span: &Span) -> String {
    let mut out = Vec::new();
    encode_span(span, &mut out);
    String::from_utf8(out).unwrap()
}

fn decoded(json: &str) -> Result<Span, DecodeError> {
    decode_span(Bytes::copy_from_slice(json.as_bytes()))
}

/// The span with these members beside its id.
#[track_caller]
fn span_of(members: &str) -> Span {
    decoded(&format!("{{{ID},{members}}}")).unwrap()
}

#[test]
fn both_spellings_of_every_name_are_taken() {
    let camel = r#"{"traceId":"AAAAAAAAAAEAAAAAAAAAAg==","spanId":"AAAAAAAAAAM=","operationName":"op","references":[{"traceId":"AAAAAAAAAAEAAAAAAAAAAg==","spanId":"AAAAAAAAAAQ=","refType":"FOLLOWS_FROM"}],"flags":3,"startTime":"2026-11-23T07:54:29.120Z","duration":"0.005s","tags":[{"key":"s","vStr":"text"},{"key":"b","vType":"BOOL","vBool":true},{"key":"i","vType":"INT64","vInt64":"-9"},{"key":"f","vType":"FLOAT64","vFloat64":2.5},{"key":"y","vType":"BINARY","vBinary":"/wA="}],"logs":[{"timestamp":"2026-11-23T07:54:29Z","fields":[{"key":"event"}]}],"process":{"serviceName":"svc","tags":[{"key":"host","vStr":"h"}]},"warnings":["odd"]}"#;
    let span = decoded(camel).unwrap();
    assert_eq!(span.trace_id, TraceId::from_halves(1, 2));
    assert_eq!(span.span_id, SpanId::from_u64(3));
    assert_eq!((span.name.as_str(), span.flags), ("op", 3));
    assert_eq!(span.parent_span_id, Some(SpanId::from_u64(4)));
    assert_eq!(span.links[0].ref_type, RefType::FollowsFrom);
    assert_eq!(span.start_ns, 1_795_420_469_120_000_000);
    assert_eq!(span.end_ns - span.start_ns, 5_000_000);
    let values: Vec<_> = span.attributes.iter().map(|a| a.value.clone()).collect();
    assert_eq!(
        values,
        [
            Value::String("text".into()),
            Value::Bool(true),
            Value::Int(-9),
            Value::Double(2.5),
            Value::Bytes(Slice::from(&[0xff, 0][..])),
        ]
    );
    assert_eq!(span.events[0].time_ns, 1_795_420_469_000_000_000);
    assert_eq!(span.events[0].attributes, [KeyValue::new("event", "")]);
    assert_eq!(span.resource.service_name(), "svc");
    assert_eq!(span.resource.attributes, [KeyValue::new("host", "h")]);
    assert_eq!(span.warnings, ["odd"]);
    assert_eq!(encoded(&span), camel);
    let mut snake = camel.to_owned();
    for (from, to) in [
        ("traceId", "trace_id"),
        ("spanId", "span_id"),
        ("operationName", "operation_name"),
        ("refType", "ref_type"),
        ("startTime", "start_time"),
        ("serviceName", "service_name"),
        ("vType", "v_type"),
        ("vStr", "v_str"),
        ("vBool", "v_bool"),
        ("vInt64", "v_int64"),
        ("vFloat64", "v_float64"),
        ("vBinary", "v_binary"),
    ] {
        assert!(snake.contains(from), "{from}");
        snake = snake.replace(from, to);
    }
    assert_eq!(decoded(&snake).unwrap(), span);
}

#[test]
fn values_may_be_written_in_every_form_that_jaeger_reads() {
    let tags = |tags: &str| span_of(&format!(r#""tags":[{tags}]"#)).attributes;
    assert_eq!(
        tags(
            r#"{"key":"k","vType":2,"vInt64":7},{"key":"k","vType":"3","vFloat64":"NaN"},{"key":"k","vType":"FLOAT64","vFloat64":"-Infinity"},{"key":"k","vType":9,"vStr":"t"}"#
        )
        .iter()
        .map(|a| format!("{:?}", a.value))
        .collect::<Vec<_>>(),
        ["Int(7)", "Double(NaN)", "Double(-inf)", "String(\"t\")"]
    );
    // the type decides, wherever it stands
    assert_eq!(
        tags(r#"{"vStr":"x","vInt64":"5","key":"k","vType":"INT64"}"#),
        [KeyValue::new("k", 5_i64)]
    );
    let span = span_of(r#""references":[{"refType":1}],"flags":null,"duration":"5ms","tags":[]"#);
    assert_eq!(span.links[0].ref_type, RefType::FollowsFrom);
    assert_eq!(span.end_ns, 5_000_000);
    // an id of 8 bytes is the lower half
    let short = decoded(r#"{"traceId":"AAAAAAAAAAI="}"#).unwrap();
    assert_eq!(short.trace_id, TraceId::from_halves(0, 2));
    // of two times the last counts, in all its parts
    let twice =
        span_of(r#""startTime":"1970-01-01T00:00:05.5Z","startTime":"1970-01-01T00:00:00Z""#);
    assert_eq!(twice.start_ns, 0);
}

#[test]
fn unknown_names_are_passed_over() {
    let known = span_of(r#""operationName":"op""#);
    let more =
        r#""spanKind":{"deep":[[{"a":null}]]},"processId":"p1","operationName":"op","tags":[]"#;
    assert_eq!(span_of(more), known);
}

#[track_caller]
fn check_refused(members: &str, reasons: &[&str]) {
    let error = decoded(&format!("{{{ID},{members}}}")).unwrap_err();
    for reason in reasons {
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    check_refused(
        r#""spanId":"AAAAAAAAAAAAAAAAAAAAAQ==""#,
        &["spanId", "base64 of 8 bytes", "before byte 73"],
    );
    // hex of 32 digits is base64 of 24 bytes
    check_refused(
        r#""traceId":"000102030405060708090a0b0c0d0e0f""#,
        &["traceId \"000102", "base64 of 16 or 8 bytes"],
    );
    // the alphabet of URLs, and ids without their padding
    check_refused(r#""spanId":"_________-8=""#, &["spanId"]);
    check_refused(r#""spanId":"AAAAAAAAAAM""#, &["spanId"]);
    check_refused(r#""spanId":7"#, &["spanId is a number, not text"]);
    check_refused(r#""startTime":"yesterday""#, &["startTime \"yesterday\""]);
    check_refused(r#""duration":"1 hour""#, &["duration \"1 hour\""]);
    check_refused(r#""flags":-1"#, &["flags \"-1\""]);
    check_refused(r#""tags":[{"vType":"TEXT"}]"#, &["vType \"TEXT\""]);
    check_refused(r#""tags":[{"vBinary":"_w=="}]"#, &["vBinary"]);
    check_refused(r#""tags":{}"#, &["tags is an object, not an array"]);
    check_refused(r#""logs":[1]"#, &["log is a number, not an object"]);
    check_refused(
        r#""warnings":["a" "b"]"#,
        &["JSON lacks ',' or ']' at byte"],
    );
    for (text, reason) in [
        ("{}", "traceId is missing"),
        ("null", "traceId is missing"),
        (r#"{"resourceSpans":[]}"#, "traceId is missing"),
        ("[]", "span is an array, not an object"),
        ("", "JSON lacks a value at byte 0"),
        (
            r#"{"traceId":"AAAAAAAAAAI="} x"#,
            "JSON lacks the end at byte 27",
        ),
    ] {
        let error = decoded(text).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = decode_span(Bytes::from_static(b"{\"a\":\"\xff\"}")).unwrap_err();
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn what_is_zero_or_empty_is_left_out() {
    let span = Span {
        dialect: model::Dialect::Jaeger,
        attributes: vec![
            KeyValue::new("", ""),
            KeyValue::new("b", false),
            KeyValue::new("i", 0_i64),
            KeyValue::new("f", -0.0_f64),
            KeyValue::new("y", Slice::default()),
        ],
        ..Span::default()
    };
    assert_eq!(
        encoded(&span),
        r#"{"traceId":"AAAAAAAAAAAAAAAAAAAAAA==","startTime":"1970-01-01T00:00:00Z","tags":[{},{"key":"b","vType":"BOOL"},{"key":"i","vType":"INT64"},{"key":"f","vType":"FLOAT64"},{"key":"y","vType":"BINARY"}]}"#
    );
    let nameless = model::Resource::of_service("");
    let span = Span {
        resource: nameless.into(),
        ..Span::default()
    };
    assert!(encoded(&span).ends_with(r#","process":{}}"#));
}

#[test]
fn kind_and_status_are_derived() {
    let span = span_of(r#""tags":[{"key":"span.kind","vStr":"server"}]"#);
    assert_eq!(span.kind, SpanKind::Server);
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\u{0}-\u{7f}<>&\u{2026}-\u{202a}]{0,20}"]
}

proptest! {
    #[test]
    fn what_jaeger_can_hold_comes_back(span in arbitrary::jaeger_span()) {
        let back = decoded(&encoded(&span)).unwrap();
        // JSON has one NaN, and so has this text
        prop_assert_eq!(format!("{back:?}"), format!("{span:?}"));
    }

    #[test]
    fn text_of_any_characters_comes_back(name in any_text(), key in any_text()) {
        let span = Span {
            name: name.into(),
            attributes: vec![KeyValue { key: key.into(), value: Value::Int(1) }],
            ..Span::default()
        };
        let back = decoded(&encoded(&span)).unwrap();
        prop_assert_eq!(&back.name, &span.name);
        prop_assert_eq!(&back.attributes, &span.attributes);
    }

    #[test]
    fn text_and_protobuf_say_the_same(span in arbitrary::span()) {
        let mut protobuf = Vec::new();
        proto::encode_span(&span, &mut protobuf);
        let theirs = api_v2::Span::decode(protobuf.as_slice()).unwrap();
        let json: serde_json::Value = serde_json::from_str(&encoded(&span)).unwrap();
        let len = |name: &str| json[name].as_array().map_or(0, Vec::len);
        prop_assert_eq!(len("tags"), theirs.tags.len());
        prop_assert_eq!(len("logs"), theirs.logs.len());
        prop_assert_eq!(len("references"), theirs.references.len());
        let start = theirs.start_time.unwrap().to_string();
        prop_assert_eq!(json["startTime"].as_str().unwrap(), start);
        let tag = |tag: &api_v2::KeyValue| {
            let int = tag.v_int64.to_string();
            let value = match tag.v_type() {
                api_v2::ValueType::String => tag.v_str.clone(),
                api_v2::ValueType::Bool => tag.v_bool.to_string(),
                api_v2::ValueType::Int64 => int,
                api_v2::ValueType::Float64 => format!("{:?}", tag.v_float64),
                api_v2::ValueType::Binary => BASE64.encode(&tag.v_binary),
            };
            (tag.key.clone(), value)
        };
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let shown = |tag: &serde_json::Value| {
            let value = match tag["vType"].as_str() {
                None => text(&tag["vStr"]).unwrap_or_default(),
                Some("BOOL") => tag["vBool"].as_bool().unwrap_or_default().to_string(),
                Some("INT64") => text(&tag["vInt64"]).unwrap_or("0".to_owned()),
                Some("FLOAT64") => {
                    let number = match &tag["vFloat64"] {
                        serde_json::Value::Null => 0.0,
                        serde_json::Value::String(word) => word.parse().unwrap(),
                        number => number.as_f64().unwrap(),
                    };
                    format!("{number:?}")
                }
                _ => text(&tag["vBinary"]).unwrap_or_default(),
            };
            (text(&tag["key"]).unwrap_or_default(), value)
        };
        let ours: Vec<_> = json["tags"].as_array().into_iter().flatten().map(shown).collect();
        prop_assert_eq!(ours, theirs.tags.iter().map(tag).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any_text()) {
        drop(decode_span(Bytes::from(bytes)));
        drop(decoded(&text));
        for name in ["traceId", "startTime", "duration", "flags"] {
            let text = serde_json::to_string(&text).unwrap();
            drop(decoded(&format!("{{{ID},\"{name}\":{text}}}")));
        }
    }
}
