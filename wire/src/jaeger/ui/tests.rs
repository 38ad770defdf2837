use model::Dialect;

use super::*;

fn trace(span: &str) -> String {
    format!(
        r#"{{"traceID":"a1","spans":[{{"traceID":"a1","spanID":"b1","operationName":"good","startTime":1,"duration":0,"processID":"p1"}},{span}],
            "processes":{{"p1":{{"serviceName":"svc","tags":[{{"key":"hostname","type":"string","value":"h"}}]}}}}}}"#
    )
}

#[test]
fn all_of_a_span_is_read() {
    let decoded = decode(trace(
        r#"{"spanID":"b2","flags":1,"operationName":"op","startTime":1795420469123456,"duration":1500,"processID":"p1",
            "references":[{"refType":"FOLLOWS_FROM","traceID":"a2","spanID":"b9"},{"refType":"CHILD_OF","traceID":"a1","spanID":"b1"}],
            "tags":[{"key":"span.kind","type":"string","value":"server"},{"key":"error","type":"bool","value":true},
                {"key":"i","type":"int64","value":"9007199254740993"},{"key":"j","type":"int64","value":-4},
                {"key":"f","type":"float64","value":1},{"key":"n","type":"float64","value":"NaN"},{"key":"p","type":"float64","value":"+Inf"},
                {"key":"b","type":"binary","value":"AP8="},{"key":"u","value":7},{"key":"w","value":false}],
            "logs":[{"timestamp":5,"fields":[{"key":"event","type":"string","value":"e"}]}],"warnings":["odd"]}"#,
    ).as_bytes())
    .unwrap();
    assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
    let span = &decoded.spans[1];
    assert_eq!(span.trace_id, TraceId::from_halves(0, 0xa1));
    assert_eq!(
        (span.start_ns, span.end_ns),
        (1_795_420_469_123_456_000, 1_795_420_469_124_956_000)
    );
    assert_eq!(span.parent_span_id, Some(SpanId::from_u64(0xb1)));
    assert_eq!(
        (span.kind, span.status.code),
        (model::SpanKind::Server, model::StatusCode::Error)
    );
    assert_eq!((span.flags, span.dialect), (1, Dialect::Jaeger));
    assert_eq!(span.links[0].ref_type, RefType::FollowsFrom);
    assert_eq!(span.warnings, ["odd"]);
    assert_eq!(
        (span.events[0].time_ns, span.events[0].attributes.len()),
        (5000, 1)
    );
    assert_eq!(span.resource.service_name(), "svc");
    assert_eq!(span.resource.attributes, [KeyValue::new("hostname", "h")]);
    let values: Vec<_> = span.attributes.iter().map(|a| &a.value).collect();
    assert_eq!(
        values[2..5],
        [
            &Value::Int(9_007_199_254_740_993),
            &Value::Int(-4),
            &Value::Double(1.0)
        ]
    );
    assert!(matches!(values[5], Value::Double(f) if f.is_nan()));
    assert_eq!(values[6], &Value::Double(f64::INFINITY));
    assert_eq!(values[7], &Value::Bytes(Slice::from(&[0_u8, 0xff][..])));
    assert_eq!(values[8..], [&Value::Int(7), &Value::Bool(false)]);
    assert!(Arc::ptr_eq(&decoded.spans[0].resource, &span.resource));
}

#[test]
fn a_parent_of_old_files_is_a_reference() {
    let decoded = decode(trace(
        r#"{"spanID":"b2","parentSpanID":"b1","startTime":1,"duration":1,"process":{"serviceName":"own"}}"#,
    ).as_bytes())
    .unwrap();
    let span = &decoded.spans[1];
    assert_eq!(span.parent_span_id, Some(SpanId::from_u64(0xb1)));
    assert_eq!(span.resource.service_name(), "own");
}

#[test]
fn a_span_that_cannot_be_is_named_by_its_field_and_its_neighbours_stay() {
    let with = |more: &str| {
        format!(r#"{{"spanID":"b2","startTime":1,"duration":1,"processID":"p1"{more}}}"#)
    };
    for (span, wrong) in [
        ("7".to_owned(), "span 7 is not an object"),
        (
            r#"{"spanID":"xyz"}"#.to_owned(),
            "spanID \"xyz\" is not an id",
        ),
        ("{}".to_owned(), "spanID is missing"),
        (
            r#"{"spanID":"b2","startTime":1,"duration":-1}"#.to_owned(),
            "duration -1 is not microseconds",
        ),
        (
            r#"{"spanID":"b2","duration":1}"#.to_owned(),
            "startTime is missing",
        ),
        (
            r#"{"spanID":"b2","startTime":1,"duration":1,"processID":"p9"}"#.to_owned(),
            "processID \"p9\" is not among",
        ),
        (
            with(r#","tags":[{},{"key":"k","type":"int64","value":"x"}]"#),
            "tags[0].value is missing",
        ),
        (
            with(r#","tags":[{"key":"k","type":"int64","value":"x"}]"#),
            "tags[0].value \"x\" is not a whole number",
        ),
        (
            with(r#","tags":[{"key":"k","type":"date","value":"x"}]"#),
            "tags[0].type \"date\" is none of",
        ),
        (
            with(r#","logs":[{"timestamp":"x"}]"#),
            "logs[0].timestamp \"x\"",
        ),
        (
            with(r#","references":[{"refType":"UNCLE"}]"#),
            "references[0].refType \"UNCLE\"",
        ),
    ] {
        let decoded = decode(trace(&span).as_bytes()).unwrap();
        assert_eq!(decoded.spans.len(), 1, "{span}");
        let reason = &decoded.rejected[0].reason;
        assert!(
            reason.starts_with("spans[1].") && reason.contains(wrong),
            "{reason}"
        );
    }
}

#[test]
fn what_is_no_trace_is_an_error() {
    for text in ["", "1", "{}", r#"{"spans":7}"#, r#"{"spans":[}"#] {
        assert!(decode(text.as_bytes()).is_err(), "{text}");
    }
}
