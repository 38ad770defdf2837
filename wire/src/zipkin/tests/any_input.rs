//! Whatever members a span has, and whatever is in them, it is taken or named.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Values that some member can have, and that others cannot.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>()
            .prop_filter("JSON has no others", |f| f.is_finite())
            .prop_map(|f| f.to_string()),
        "\"[0-9a-fA-F]{0,36}\"",
        "\"(cs|cr|sr|ss|ms|mr|sa|ca|lc|error|CLIENT|SERVER|true|1\\.2\\.3\\.4|::1)\"",
        r#""[a-z|]{0,3}\|\{(\\"a\\":(1|\[2\]|null))?\}\|[0-9]""#,
        r#""(a|\\n|\\u00e4|\\ud800|ä){0,4}""#,
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let member = (name(), inner.clone()).prop_map(|(name, value)| format!("{name}:{value}"));
        prop_oneof![
            vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            vec(member, 0..4).prop_map(|list| format!("{{{}}}", list.join(","))),
        ]
    })
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "\"traceId\"",
            "\"id\"",
            "\"parentId\"",
            "\"name\"",
            "\"kind\"",
            "\"timestamp\"",
            "\"duration\"",
            "\"localEndpoint\"",
            "\"remoteEndpoint\"",
            "\"annotations\"",
            "\"binaryAnnotations\"",
            "\"tags\"",
            "\"endpoint\"",
            "\"serviceName\"",
            "\"ipv4\"",
            "\"port\"",
            "\"key\"",
            "\"value\"",
            "\"error\"",
            "\"otel.status_code\"",
            "\"otlp.link.0\"",
            "\"host.name\"",
            "\"else\"",
        ][..],
    )
}

fn members() -> impl Strategy<Value = String> {
    let member = (name(), value()).prop_map(|(name, value)| format!(",{name}:{value}"));
    vec(member, 0..6).prop_map(|members| members.concat())
}

proptest! {
    #[test]
    fn every_span_is_taken_or_named(spans in vec(members(), 1..4)) {
        let each: Vec<_> = spans.iter().map(|members| format!("{{{IDS}{members}}}")).collect();
        let body = Bytes::from(format!("[{}]", each.join(" ,")));
        for decode in [decode_v2_json, decode_v1_json] {
            let decoded = decode(body.clone(), RECEIVED_NS).unwrap();
            prop_assert_eq!(decoded.spans.len() + decoded.rejected.len(), each.len());
            for rejected in &decoded.rejected {
                let payload = std::str::from_utf8(&rejected.payload).unwrap();
                prop_assert!(each.iter().any(|span| span == payload), "{payload}");
                prop_assert!(!rejected.reason.is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused(data in vec(any::<u8>(), 0..200)) {
        for decode in [decode_v2_json, decode_v2_proto, decode_v1_json] {
            // either is fine, as long as it does not panic
            drop(decode(Bytes::from(data.clone()), RECEIVED_NS));
        }
    }
}
