//! Zipkin's second model, rule by rule.

use std::sync::Arc;

use model::{SpanKind, StatusCode};

use super::*;

#[track_caller]
fn tags(tags: &str) -> model::Span {
    v2(&format!("\"tags\":{{{tags}}}"))
}

#[test]
fn the_kind_is_a_member_or_the_tag_internal() {
    let kind = |members: &str| {
        let span = v2(members);
        (span.kind, told(&span))
    };
    let none = String::new();
    for (word, expected) in [
        ("CLIENT", SpanKind::Client),
        ("SERVER", SpanKind::Server),
        ("PRODUCER", SpanKind::Producer),
        ("CONSUMER", SpanKind::Consumer),
        ("ELSE", SpanKind::Unspecified),
    ] {
        let member = format!("\"kind\":\"{word}\"");
        assert_eq!(kind(&member), (expected, none.clone()), "{word}");
    }
    let tag = |value: &str| format!("\"tags\":{{\"span.kind\":\"{value}\"}}");
    assert_eq!(kind(&tag("internal")), (SpanKind::Internal, none.clone()));
    assert_eq!(kind(&tag("client")), (SpanKind::Unspecified, none));
    let both = format!("\"kind\":\"CLIENT\",{}", tag("x"));
    assert_eq!(kind(&both), (SpanKind::Client, "span.kind=x".to_owned()));
}

#[test]
fn the_status_is_in_tags() {
    #[track_caller]
    fn check(given: &str, code: StatusCode, message: &str, left: &str) {
        let span = tags(given);
        let status = (span.status.code, span.status.message.as_str());
        assert_eq!(status, (code, message), "{given}");
        assert_eq!(told(&span), left, "{given}");
    }
    use StatusCode::{Error, Ok, Unset};
    check(r#""error":"true""#, Error, "", "");
    check(r#""error":"boom""#, Error, "", "error=boom");
    check(r#""error":"""#, Error, "", "error=");
    check(r#""error":true"#, Error, "", "");
    for (word, code) in [
        ("STATUS_CODE_OK", Ok),
        ("STATUS_CODE_ERROR", Error),
        ("STATUS_CODE_UNSET", Unset),
        ("Ok", Ok),
        ("OK", Ok),
        ("ERROR", Error),
        ("else", Unset),
    ] {
        let both = format!(r#""otel.status_description":"why","otel.status_code":"{word}""#);
        check(&both, code, "why", "");
    }
    let alone = r#""otel.status_description":"why""#;
    check(alone, Unset, "", "otel.status_description=why");
    let either = [r#""error":"true""#, r#""otel.status_code":"OK""#];
    check(&either.join(","), Error, "", "");
    check(&[either[1], either[0]].join(","), Error, "", "");
}

#[test]
fn trace_state_and_scope_are_in_tags() {
    let span = tags(
        r#""w3c.tracestate":"a=1","otel.library.name":"lib","otel.library.version":"2","otel.scope.name":"lib""#,
    );
    assert_eq!(span.trace_state, "a=1");
    assert_eq!((&*span.scope.name, &*span.scope.version), ("lib", "2"));
    assert_eq!(told(&span), "");
}

#[test]
fn links_are_in_tags_and_stay_there_when_they_cannot_be_read() {
    let trace = "0".repeat(31) + "1";
    let span = tags(&format!(
        r#""otlp.link.1":"{trace}|000000000000000b|s=1|{{\"a\":\"x|y\",\"n\":2}}|3","otlp.link.0":"{trace}|000000000000000a||{{}}|0","otlp.link.3":"gap","otlp.link.x":"y""#
    ));
    assert_eq!(told(&span), "otlp.link.3=gap otlp.link.x=y");
    let links: Vec<_> = span
        .links
        .iter()
        .map(|l| {
            let attributes = shown(&l.attributes);
            let dropped = l.dropped_attributes_count;
            format!("{} {} {attributes} {dropped}", l.span_id, l.trace_state)
        })
        .collect();
    let second = "000000000000000b s=1 a=x|y n=Int(2) 3";
    assert_eq!(links, ["000000000000000a   0", second]);
    assert_eq!(span.links[0].trace_id.to_string(), "0000000000000001");
    let span = tags(r#""otlp.link.0":"a|b|c","otlp.link.1":"x|y|z|{}|0","otlp.link.01":"""#);
    assert!(span.links.is_empty());
    assert!(told(&span).starts_with("otlp.link.0=a|b|c otlp.link.1=x|y|z|{}|0"));
}

#[test]
fn tags_of_the_resource_are_moved_there_from_every_span() {
    let span = |id: &str, pod: &str| {
        format!(
            r#"{{"traceId":"a","id":"{id}","localEndpoint":{{"serviceName":"s"}},"tags":{{"k8s.pod.name":"{pod}","x":"y"}}}}"#
        )
    };
    let text = format!("[{},{},{}]", span("1", "p"), span("2", "q"), span("3", "p"));
    let spans = decode_v2_json(Bytes::from(text), RECEIVED_NS)
        .unwrap()
        .spans;
    let resources: Vec<_> = spans
        .iter()
        .map(|s| (s.resource.service_name(), shown(&s.resource.attributes)))
        .collect();
    let of = |pod: &str| ("s", format!("k8s.pod.name={pod}"));
    assert_eq!(resources, [of("p"), of("q"), of("p")]);
    assert!(Arc::ptr_eq(&spans[0].resource, &spans[2].resource));
    assert!(spans.iter().all(|s| told(s) == "x=y"));
}

#[test]
fn the_service_is_the_local_endpoints() {
    #[track_caller]
    fn check(members: &str, service: Option<&str>, attributes: &str) {
        let resource = v2(members).resource;
        assert_eq!(resource.service_name.as_deref(), service, "{members}");
        assert_eq!(shown(&resource.attributes), attributes, "{members}");
    }
    let local = r#""localEndpoint":{"serviceName":"s"}"#;
    check(local, Some("s"), "");
    check(r#""localEndpoint":{"serviceName":""}"#, None, "");
    check(r#""localEndpoint":null"#, None, "");
    check(r#""localEndpoint":{}"#, None, "");
    check(r#""tags":{"host.name":"h"}"#, None, "host.name=h");
    let tag = |tag: &str| format!("{local},\"tags\":{{{tag}}}");
    check(&tag(r#""service.name":"t""#), Some("t"), "");
    let empty = "\"service.name\":\"\"";
    check(&tag(empty), Some(""), "");
    check(&format!("\"tags\":{{{empty}}}"), None, "");
    let source = r#""otlp.service.name.source":"faas.name""#;
    check(&tag(source), None, "faas.name=s");
    let source = r#""otlp.service.name.source":"service.name""#;
    check(&tag(source), Some("s"), "");
}

#[test]
fn endpoints_become_attributes() {
    #[track_caller]
    fn check(members: &str, attributes: &str) {
        assert_eq!(told(&v2(members)), attributes, "{members}");
    }
    check(
        r#""localEndpoint":{"ipv4":"10.0.0.1","port":80},"remoteEndpoint":{"serviceName":"r","ipv6":"2001:DB8:0::1","port":"81"}"#,
        "net.host.ip=10.0.0.1 net.host.port=Int(80) peer.service=r net.peer.ip=2001:db8::1 net.peer.port=Int(81)",
    );
    check(
        r#""localEndpoint":{"ipv4":"10.0.0.1","ipv6":"::1","port":0}"#,
        "net.host.ip=::1",
    );
    check(
        r#""localEndpoint":{"ipv6":"::ffff:1.2.3.4"}"#,
        "net.host.ip=1.2.3.4",
    );
    check(r#""localEndpoint":{"ipv4":"a host"}"#, "net.host.ip=a host");
    check(
        r#""tags":{"net.host.ip":"old","b":"c"},"localEndpoint":{"ipv4":"1.2.3.4"}"#,
        "net.host.ip=1.2.3.4 b=c",
    );
}

#[test]
fn annotations_become_events() {
    let events = |value: &str| {
        let members =
            format!("\"timestamp\":5,\"annotations\":[{{\"timestamp\":7,\"value\":{value}}}]");
        let event = v2(&members).events.remove(0);
        assert_eq!(event.time_ns, 7_000);
        let dropped = event.dropped_attributes_count;
        format!("{} [{}] {dropped}", event.name, shown(&event.attributes))
    };
    assert_eq!(events(r#""plain""#), "plain [] 0");
    assert_eq!(events(r#""""#), " [] 0");
    let with = r#""name|{\"a\":\"b|c\",\"n\":1,\"t\":true}|2""#;
    assert_eq!(events(with), "name [a=b|c n=Int(1) t=Bool(true)] 2");
    for whole in ["a|b", "a|b|c", "a|{}|x", "a|{|1", "|"] {
        assert_eq!(events(&format!("\"{whole}\"")), format!("{whole} [] 0"));
    }
    let unnamed = v2(r#""timestamp":5,"annotations":[{"value":"v"},null]"#);
    assert_eq!(unnamed.events[0].time_ns, 5_000);
}

#[test]
fn times_are_microseconds() {
    #[track_caller]
    fn check(members: &str, start_ns: u64, end_ns: u64, said: bool) {
        let span = v2(members);
        assert_eq!(
            (span.start_ns, span.end_ns),
            (start_ns, end_ns),
            "{members}"
        );
        let absent = shown(&span.attributes) == "otel.zipkin.absentField.startTime=Bool(true)";
        assert_eq!(absent, !said, "{members}");
    }
    check(r#""timestamp":5,"duration":2"#, 5_000, 7_000, true);
    check(r#""timestamp":"5","duration":"2""#, 5_000, 7_000, true);
    check(r#""timestamp":5.0,"duration":2e0"#, 5_000, 7_000, true);
    check(r#""timestamp":5,"duration":-2"#, 5_000, 3_000, true);
    check(r#""timestamp":5,"timestamp":6"#, 6_000, 6_000, true);
    let late = RECEIVED_NS + 2_000;
    for absent in ["0", "null", "-1"] {
        let members = format!("\"timestamp\":{absent},\"duration\":2");
        check(&members, RECEIVED_NS, late, false);
    }
    let annotations =
        r#""annotations":[{"timestamp":9,"value":"a"},{"timestamp":8,"value":"b"},{"value":"c"}]"#;
    check(annotations, 8_000, 8_000, false);
    let huge = i64::MAX;
    let members = format!("\"timestamp\":{huge},\"duration\":{huge}");
    check(&members, u64::MAX, u64::MAX, true);
}

#[test]
fn ids_of_both_lengths_are_kept_as_they_are() {
    let text = r#"[{"traceId":"463ac35c9f6413ad48485a3953bb6124","id":"A2FB4A1D1A96D312"},
        {"traceId":"48485a3953bb6124","id":"1","parentId":"a2fb4a1d1a96d312"},
        {"traceId":"ffff463ac35c9f6413ad48485a3953bb6124","id":"ff0000000000000002","parentId":"2"},
        {"traceId":"1","id":"3","parentId":"0000000000000000"}]"#;
    let spans = decode_v2_json(Bytes::from(text), RECEIVED_NS)
        .unwrap()
        .spans;
    let ids: Vec<_> = spans
        .iter()
        .map(|s| {
            let parent = s.parent_span_id.map(|id| id.to_string());
            let parent = parent.unwrap_or_default();
            format!("{} {} {parent}", s.trace_id, s.span_id)
        })
        .collect();
    assert_eq!(
        ids,
        [
            "463ac35c9f6413ad48485a3953bb6124 a2fb4a1d1a96d312 ",
            "48485a3953bb6124 0000000000000001 a2fb4a1d1a96d312",
            // its parent is itself
            "463ac35c9f6413ad48485a3953bb6124 0000000000000002 ",
            "0000000000000001 0000000000000003 ",
        ]
    );
}

#[test]
fn broken_spans_are_rejected_and_named() {
    let good = format!("{{{IDS}}}");
    for (bad, reason) in [
        (r#"{"traceId":"a"}"#, "span has no id"),
        (r#"{"id":"a"}"#, "span has no traceId"),
        (
            r#"{"traceId":"a","id":"xyz"}"#,
            r#"id "xyz" is not an id in hex"#,
        ),
        (r#"{"traceId":7,"id":"1"}"#, "traceId is a number, not text"),
        ("5", "span is a number, not an object"),
        (
            r#"{"traceId":"a","id":"1","timestamp":1.5}"#,
            r#"timestamp "1.5" is not a whole number in range"#,
        ),
        (
            r#"{"traceId":"a","id":"1","tags":{"x":[]}}"#,
            r#"tag "x" is an array, not text"#,
        ),
        (
            r#"{"traceId":"a","id":"1","annotations":{}}"#,
            "annotations is an object, not an array",
        ),
    ] {
        let text = format!("[{good}, {bad} ,null,{good}]");
        let decoded = decode_v2_json(Bytes::from(text), RECEIVED_NS).unwrap();
        assert_eq!(decoded.spans.len(), 2, "{bad}");
        assert_eq!(decoded.rejected[0].reason, reason);
        assert_eq!(decoded.rejected[0].payload, bad);
        let alone = decode_v2_json(Bytes::from(format!("[{bad}]")), RECEIVED_NS).unwrap();
        assert_eq!((alone.spans.len(), alone.rejected.len()), (0, 1));
    }
}

#[test]
fn text_that_is_no_list_is_an_error() {
    for (text, reason) in [
        ("", "JSON lacks a value at byte 0"),
        ("{}", "list of spans is an object, not an array"),
        ("null", "list of spans is null, not an array"),
        ("[", "JSON lacks a value at byte 1"),
        ("[{]", "JSON lacks '\"' at byte 2"),
        ("[] x", "JSON lacks the end at byte 3"),
    ] {
        let error = decode_v2_json(Bytes::from(text), RECEIVED_NS).unwrap_err();
        assert_eq!(error.to_string(), reason);
    }
    assert!(
        decode_v2_json(Bytes::from("[]"), RECEIVED_NS)
            .unwrap()
            .spans
            .is_empty()
    );
}

#[test]
fn members_are_read_leniently() {
    let span = v2(
        r#""name":"a","name":"b","unknown":{"deep":[[1]]},"shared":true,"debug":true,"tags":{"n":1.50,"t":true,"f":false,"none":null,"\u006b":"\"v\"","n":2}"#,
    );
    assert_eq!(span.name, "b");
    assert_eq!(told(&span), r#"n=2 t=true f=false k="v""#);
    let text = [b"[{".as_slice(), IDS.as_bytes(), b",\"name\":\"a\xffb\"}]"].concat();
    let span = one(decode_v2_json(Bytes::from(text), RECEIVED_NS));
    assert_eq!(span.name, "a\u{fffd}b");
}

#[test]
fn text_points_into_the_body() {
    let body = Bytes::from(format!(
        r#"[{{{IDS},"name":"plain","tags":{{"key" :"value"}}}}]"#
    ));
    let span = one(decode_v2_json(body.clone(), RECEIVED_NS));
    let inside = |text: &str| body.as_ptr_range().contains(&text.as_ptr());
    assert!(inside(&span.name) && inside(&span.attributes[0].key));
    assert!(inside(span.attributes[0].value.as_str().unwrap()));
}

#[test]
fn large_requests_of_real_spans_are_not_taken_for_hostile_ones() {
    let many: Vec<_> = (0..40).map(|n| format!("\"k{n}\":\"value\"")).collect();
    let escaped: Vec<_> = (0..8).map(|n| format!("\"k{n}\":\"\\/a\\/b\"")).collect();
    for tags in [String::new(), many.join(","), escaped.join(",")] {
        let span = format!(
            r#"{{"traceId":"463ac35c9f6413ad48485a3953bb6124","id":"a2fb4a1d1a96d312","kind":"CLIENT","name":"get","timestamp":1795420469123456,"duration":9,"localEndpoint":{{"serviceName":"s","ipv4":"10.0.0.1"}},"tags":{{{tags}}}}}"#
        );
        let text = format!("[{}]", vec![span.as_str(); 5_000].join(","));
        let decoded = decode_v2_json(Bytes::from(text), RECEIVED_NS).unwrap();
        assert_eq!(decoded.spans.len(), 5_000, "{span}");
    }
}
