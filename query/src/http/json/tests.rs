//! The JSON letter by letter: members, order and spelling are what clients see.

use std::sync::Arc;

use model::{Slice, SpanId, TraceId};

use super::*;

fn tag(key: &str, value: TagValue) -> Tag {
    Tag {
        key: key.into(),
        value,
    }
}

fn process(service: &str) -> Arc<Process> {
    Arc::new(Process {
        service_name: service.into(),
        tags: vec![tag("h", TagValue::Bool(true))],
    })
}

fn span(id: u64, process: Arc<Process>) -> Span {
    Span {
        trace_id: TraceId::from_halves(0, 0xa),
        span_id: SpanId::from_u64(id),
        operation_name: "<op>".into(),
        references: Vec::new(),
        flags: 0,
        start_ns: 1_999,
        duration_ns: 999,
        tags: Vec::new(),
        logs: Vec::new(),
        process,
        warnings: Vec::new(),
    }
}

fn json(trace: &Trace) -> String {
    String::from_utf8(write(trace)).unwrap()
}

#[test]
fn members_stand_in_jaegers_order() {
    let mut full = span(1, process("s"));
    full.flags = 3;
    full.references = vec![Reference {
        ref_type: RefType::FollowsFrom,
        trace_id: TraceId::from_halves(1, 2),
        span_id: SpanId::from_u64(3),
    }];
    full.logs = vec![Log {
        time_ns: 5_000,
        fields: vec![tag("event", TagValue::String("e".into()))],
    }];
    full.warnings = vec!["odd".into()];
    let trace = Trace {
        spans: vec![full, span(2, process("t"))],
        warnings: vec!["short".to_owned()],
    };
    assert_eq!(
        json(&trace),
        concat!(
            r#"{"traceID":"000000000000000a","spans":["#,
            r#"{"traceID":"000000000000000a","spanID":"0000000000000001","flags":3,"operationName":"\u003cop\u003e","#,
            r#""references":[{"refType":"FOLLOWS_FROM","traceID":"00000000000000010000000000000002","spanID":"0000000000000003"}],"#,
            r#""startTime":1,"duration":0,"tags":[],"#,
            r#""logs":[{"timestamp":5,"fields":[{"key":"event","type":"string","value":"e"}]}],"#,
            r#""processID":"p1","warnings":["odd"]},"#,
            r#"{"traceID":"000000000000000a","spanID":"0000000000000002","operationName":"\u003cop\u003e","references":[],"#,
            r#""startTime":1,"duration":0,"tags":[],"logs":[],"processID":"p2","warnings":null}],"#,
            r#""processes":{"p1":{"serviceName":"s","tags":[{"key":"h","type":"bool","value":true}]},"#,
            r#""p2":{"serviceName":"t","tags":[{"key":"h","type":"bool","value":true}]}},"#,
            r#""warnings":["short"]}"#,
        )
    );
}

#[test]
fn values_have_jaegers_types_and_what_has_no_number_is_text() {
    for (value, expect) in [
        (TagValue::String("a\n".into()), r#""string","value":"a\n""#),
        (TagValue::Bool(false), r#""bool","value":false"#),
        (TagValue::Int(-9), r#""int64","value":-9"#),
        (
            TagValue::Int(9_007_199_254_740_991),
            r#""int64","value":9007199254740991"#,
        ),
        (
            TagValue::Int(9_007_199_254_740_992),
            r#""int64","value":"9007199254740992""#,
        ),
        (
            TagValue::Int(i64::MIN),
            r#""int64","value":"-9223372036854775808""#,
        ),
        (TagValue::Double(1.0), r#""float64","value":1"#),
        (TagValue::Double(1e-9), r#""float64","value":1e-9"#),
        (TagValue::Double(f64::NAN), r#""float64","value":"NaN""#),
        (
            TagValue::Double(f64::NEG_INFINITY),
            r#""float64","value":"-Inf""#,
        ),
        (
            TagValue::Binary(Slice::from([0xff, 0].as_slice())),
            r#""binary","value":"/wA=""#,
        ),
    ] {
        let mut span = span(1, process("s"));
        span.tags = vec![tag("k", value)];
        let json = json(&Trace {
            spans: vec![span],
            warnings: Vec::new(),
        });
        let expect = format!(r#""tags":[{{"key":"k","type":{expect}}}]"#);
        assert!(json.contains(&expect), "{json} has no {expect}");
    }
}

#[test]
fn equal_processes_are_one_and_numbers_follow_the_spans() {
    let trace = Trace {
        spans: (0..12)
            .map(|n| span(n, process(&format!("s{}", n % 11))))
            .collect(),
        warnings: Vec::new(),
    };
    let json: serde_json::Value = serde_json::from_str(&json(&trace)).unwrap();
    let ids: Vec<_> = json["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| span["processID"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        [
            "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p1"
        ]
    );
    let keys: Vec<_> = json["processes"].as_object().unwrap().keys().collect();
    assert_eq!(keys[..3], ["p1", "p10", "p11"], "sorted as text");
    assert_eq!(json["processes"]["p11"]["serviceName"], "s10");
}
