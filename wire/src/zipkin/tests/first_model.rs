//! Zipkin's first model in JSON, rule by rule.

use model::{SpanKind, StatusCode};

use super::*;

/// An annotation at `us` by the service `host`, which may be empty.
fn at(us: i64, value: &str, host: &str) -> String {
    let endpoint = match host {
        "" => String::new(),
        host => format!(r#","endpoint":{{"serviceName":"{host}"}}"#),
    };
    format!(r#"{{"timestamp":{us},"value":"{value}"{endpoint}}}"#)
}

fn annotated(annotations: &[String]) -> model::Span {
    v1(&format!("\"annotations\":[{}]", annotations.join(",")))
}

#[test]
fn core_annotations_say_the_kind_and_are_not_kept() {
    for (value, kind) in [
        ("cs", SpanKind::Client),
        ("cr", SpanKind::Client),
        ("ss", SpanKind::Server),
        ("sr", SpanKind::Server),
        ("ms", SpanKind::Producer),
        ("mr", SpanKind::Consumer),
        ("x", SpanKind::Unspecified),
    ] {
        let span = annotated(&[at(1, value, "")]);
        assert_eq!(span.kind, kind, "{value}");
        let kept = kind == SpanKind::Unspecified;
        assert_eq!(span.events.len(), usize::from(kept), "{value}");
    }
    let both = annotated(&[at(1, "sr", ""), at(2, "cs", ""), at(3, "", "")]);
    assert_eq!(both.kind, SpanKind::Server, "the first one counts");
    assert!(both.events.is_empty());
}

#[test]
fn the_service_is_looked_for_in_turn() {
    #[track_caller]
    fn check(annotations: &[String], binary: &str, service: &str, process: &str) {
        let annotations = annotations.join(",");
        let span = v1(&format!(
            "\"annotations\":[{annotations}],\"binaryAnnotations\":[{binary}]"
        ));
        assert_eq!(span.resource.service_name(), service);
        assert_eq!(shown(&span.resource.attributes), process);
    }
    let core = [at(1, "x", "first"), at(2, "cs", ""), at(3, "cr", "core")];
    let lc = r#"{"key":"lc","value":"component"}"#;
    let binary = r#"{"key":"a","value":"b","endpoint":{"serviceName":"binary","ipv4":"1.2.3.4"}}"#;
    let sa = r#"{"key":"sa","value":true,"endpoint":{"serviceName":"other"}}"#;
    check(&core, binary, "core", "");
    let all = [binary, lc, sa].join(",");
    check(&core[..2], &all, "binary", "");
    check(&core[..2], &[lc, sa].join(","), "component", "");
    check(&core[..2], sa, "first", "");
    check(&[], sa, "unknown-service", "");
    let full = r#"{"timestamp":1,"value":"sr","endpoint":{"serviceName":"s","ipv4":"1.2.3.4","ipv6":"::1","port":80}}"#;
    check(&[full.to_owned()], "", "s", "ipv4=1.2.3.4 ipv6=::1 port=80");
}

#[test]
fn times_come_from_annotations_when_they_are_missing() {
    #[track_caller]
    fn check(times: &str, annotations: &[String], start_us: u64, end_us: u64) {
        let annotations = annotations.join(",");
        let span = v1(&format!("{times}\"annotations\":[{annotations}]"));
        assert_eq!(span.start_ns, start_us * 1_000, "{times}");
        assert_eq!(span.end_ns, end_us * 1_000, "{times}");
        let absent = !told(&span).is_empty() || !span.attributes.is_empty();
        assert_eq!(absent, start_us * 1_000 == RECEIVED_NS, "{times}");
    }
    let core = [at(7, "cr", ""), at(9, "x", ""), at(3, "cs", "")];
    let received = RECEIVED_NS / 1_000;
    check("\"timestamp\":2,\"duration\":3,", &core, 2, 5);
    check("\"timestamp\":2,", &core, 2, 7);
    check("\"timestamp\":20,", &core, 20, 20);
    check("\"timestamp\":2,", &core[1..2], 2, 2);
    check("\"duration\":1,", &core, 3, 4);
    check("", &core, 3, 9);
    // Envoy's spans of annotations only
    check("", &core[1..2], 9, 9);
    check("", &[], received, received);
    check("\"timestamp\":0,", &[at(0, "cs", "")], received, received);
}

#[test]
fn binary_annotations_become_tags_of_their_type() {
    let span = v1(
        r#""binaryAnnotations":[{"key":"s","value":"1","type":"I64"},{"key":"b","value":true},{"key":"i","value":-5},{"key":"d","value":1.5},{"key":"s","value":"2"},{"key":"none"},{"key":"lc","value":"c"},null]"#,
    );
    assert_eq!(
        told(&span),
        "s=2 b=Bool(true) i=Int(-5) d=Double(1.5) none= component=c ="
    );
}

#[test]
fn addresses_name_the_other_party() {
    let party = |key: &str, value: &str, service: &str| {
        format!(
            r#"{{"key":"{key}","value":{value},"endpoint":{{"serviceName":"{service}","ipv4":"1.2.3.4","port":80}}}}"#
        )
    };
    let span = |kind: &str| {
        let (sa, ca) = (party("sa", "true", "callee"), party("ca", "true", "caller"));
        let annotation = at(1, kind, "me");
        told(&v1(&format!(
            "\"annotations\":[{annotation}],\"binaryAnnotations\":[{sa},{ca}]"
        )))
    };
    let told_of =
        |name: &str| format!("peer.service={name} net.peer.ip=1.2.3.4 net.peer.port=Int(80)");
    assert_eq!(span("cs"), told_of("callee"));
    assert_eq!(span("sr"), told_of("caller"));
    assert_eq!(span("x"), told_of("callee"));
    let text = party("sa", "\"true\"", "callee");
    let text = told(&v1(&format!("\"binaryAnnotations\":[{text}]")));
    assert_eq!(text, format!("sa=true {}", told_of("callee")));
}

#[test]
fn the_status_is_in_binary_annotations() {
    #[track_caller]
    fn check(tags: &[(&str, &str)], code: StatusCode, message: &str, left: &str) {
        let binary: Vec<_> = tags
            .iter()
            .map(|(key, value)| format!(r#"{{"key":"{key}","value":{value}}}"#))
            .collect();
        let span = v1(&format!("\"binaryAnnotations\":[{}]", binary.join(",")));
        let status = (span.status.code, span.status.message.as_str());
        assert_eq!(status, (code, message), "{tags:?}");
        assert_eq!(told(&span), left, "{tags:?}");
    }
    use StatusCode::{Error, Ok, Unset};
    check(&[("error", "\"true\"")], Error, "", "");
    check(&[("error", "true")], Error, "", "");
    check(&[("error", "false")], Unset, "", "error=Bool(false)");
    // quirk 20: its text is kept
    check(&[("error", "\"boom\"")], Error, "", "error=boom");
    check(
        &[
            ("error", "\"true\""),
            ("otel.status_description", "\"why\""),
        ],
        Error,
        "why",
        "",
    );
    let http = ("http.status_code", "\"500\"");
    let left = "http.status_code=500";
    check(&[http], Error, "", left);
    check(
        &[http, ("http.status_message", "\"bad\"")],
        Error,
        "bad",
        &format!("{left} http.status_message=bad"),
    );
    check(
        &[("http.status_code", "200")],
        Unset,
        "",
        "http.status_code=Int(200)",
    );
    check(&[http, ("census.status_code", "0")], Ok, "", left);
    check(
        &[
            ("census.status_code", "\"5\""),
            ("census.status_description", "\"gone\""),
        ],
        Error,
        "gone",
        "",
    );
    for (word, code) in [("1", Ok), ("\"2\"", Error), ("\"OK\"", Ok), ("0", Unset)] {
        check(&[http, ("otel.status_code", word)], code, "", left);
    }
    for unread in ["otel.status_code", "census.status_code"] {
        check(&[(unread, "\"x\"")], Unset, "", "");
    }
}

#[test]
fn the_rules_of_the_second_model_do_not_hold() {
    let span = v1(
        r#""parentId":"b","annotations":[{"timestamp":5,"value":"n|{\"a\":1}|0"}],"binaryAnnotations":[{"key":"host.name","value":"h"},{"key":"span.kind","value":"client"}]"#,
    );
    assert_eq!(shown(&span.attributes), "host.name=h span.kind=client");
    assert_eq!(span.events[0].name, "n|{\"a\":1}|0");
    assert_eq!(span.parent_span_id, None, "it is its own parent");
}

#[test]
fn broken_spans_are_rejected_and_named() {
    let text = format!(
        r#"[{{{IDS}}},{{{IDS},"binaryAnnotations":[{{"value":{{}}}}]}},{{{IDS},"parentId":"-"}}]"#
    );
    let decoded = decode_v1_json(Bytes::from(text), RECEIVED_NS).unwrap();
    assert_eq!(decoded.spans.len(), 1);
    let reasons: Vec<_> = decoded.rejected.iter().map(|r| r.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "value is an object, not text, a number or a truth value",
            "parentId \"-\" is not an id in hex"
        ]
    );
    assert!(decode_v1_json(Bytes::from("[{]"), RECEIVED_NS).is_err());
}
