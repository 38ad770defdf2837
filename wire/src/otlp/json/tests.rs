use bytes::Bytes;
use model::{KeyValue, Slice, Value};

use crate::otlp::decode_json;

#[test]
fn json_takes_every_spelling() {
    let decoded = decode_json(Bytes::from_static(
        br#"{"unknown": [1, {"x": null}], "resource_spans": [{"resource": {"attributes": [
            {"key": "service.name", "value": {"string_value": "a"}}], "dropped_attributes_count": "3"},
            "scopeSpans": [{"scope": null, "spans": [{
            "traceId": "0A0b0000000000000000000000000001", "span_id": "b100000000000001", "parentSpanId": "",
            "name": "x\u00e4", "kind": "SPAN_KIND_SERVER", "startTimeUnixNano": 1795420469123456789,
            "end_time_unix_nano": "1795420469123456790", "flags": 257, "status": {"code": "STATUS_CODE_ERROR"},
            "attributes": [
                {"key": "i", "value": {"intValue": "-9223372036854775808"}}, {"key": "j", "value": {"intValue": 5.0}},
                {"key": "d", "value": {"doubleValue": "NaN"}}, {"key": "b", "value": {"bytesValue": "AP8="}},
                {"key": "e", "value": {}}, {"key": "n", "value": null},
                {"key": "m", "value": {"kvlistValue": {"values": [{"key": "t", "value": {"boolValue": true}}]}}}
            ]}]}]}]}"#,
    ))
    .unwrap();
    assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
    let span = &decoded.spans[0];
    assert_eq!(
        span.trace_id.to_string(),
        "0a0b0000000000000000000000000001"
    );
    assert_eq!(
        (span.start_ns, span.end_ns),
        (1_795_420_469_123_456_789, 1_795_420_469_123_456_790)
    );
    assert_eq!(
        (span.name.as_str(), span.flags, span.parent_span_id),
        ("xä", 257, None)
    );
    assert_eq!(span.kind, model::SpanKind::Server);
    assert_eq!(span.status.code, model::StatusCode::Error);
    assert_eq!(span.resource.dropped_attributes_count, 3);
    let values: Vec<_> = span.attributes.iter().map(|a| &a.value).collect();
    assert_eq!(values[0], &Value::Int(i64::MIN));
    assert_eq!(values[1], &Value::Int(5));
    assert!(matches!(values[2], Value::Double(d) if d.is_nan()));
    assert_eq!(values[3], &Value::Bytes(Slice::from(&[0u8, 0xff][..])));
    assert_eq!((values[4], values[5]), (&Value::Empty, &Value::Empty));
    let entry = KeyValue::new("t", true);
    assert_eq!(values[6], &Value::Map([entry].into()));
}

#[test]
fn a_broken_span_in_json_is_rejected_alone_with_its_text() {
    let good = |name: &str| {
        format!(
            r#"{{"traceId":"{}","spanId":"{}","name":"{name}"}}"#,
            "1".repeat(32),
            "2".repeat(16)
        )
    };
    let deep = format!(
        r#"{{"traceId":"{}","spanId":"{}","attributes":[{{"key":"k","value":{}{}}}]}}"#,
        "1".repeat(32),
        "2".repeat(16),
        r#"{"arrayValue":{"values":["#.repeat(33),
        "]}}".repeat(33)
    );
    for (bad, reason) in [
        ("{}", "trace id (missing"),
        (
            r#"{"traceId":"xyz"}"#,
            "traceId \"xyz\" is not an id in hex",
        ),
        (
            r#"{"traceId":"01","spanId":[1,{"a":2}]}"#,
            "spanId is an array",
        ),
        (r#"{"traceId":"01"}"#, "trace id (not of 16"),
        (r#"{"kind":"SIDEWAYS"}"#, "kind \"SIDEWAYS\""),
        (r#"{"startTimeUnixNano":"-1"}"#, "startTimeUnixNano"),
        ("[1,2]", "span is an array"),
        (deep.as_str(), "deeper than 32"),
    ] {
        let text = format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}, {bad} ,{}]}}]}}]}}"#,
            good("1"),
            good("2")
        );
        let decoded = decode_json(Bytes::from(text)).unwrap();
        assert_eq!(decoded.spans.len(), 2, "{bad}");
        assert_eq!(decoded.rejected.len(), 1, "{bad}");
        assert_eq!(decoded.rejected[0].payload, bad.as_bytes());
        let found = &decoded.rejected[0].reason;
        assert!(found.contains(reason), "{found}");
    }
}

#[test]
fn what_is_no_json_or_no_request_is_an_error() {
    for text in [
        "",
        "{",
        "[]",
        "{\"resourceSpans\":{}}",
        "{} x",
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{]}]}]}",
        "\u{1}",
    ] {
        assert!(
            decode_json(Bytes::copy_from_slice(text.as_bytes())).is_err(),
            "{text}"
        );
    }
    assert!(decode_json(Bytes::from_static(b"{\"a\":\"\xff\"}")).is_err());
}
