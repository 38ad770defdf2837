use std::sync::Arc;

use model::Scope;

use super::*;

fn tags(span: &Span) -> Vec<(String, String)> {
    let mut list = Vec::new();
    for_each_span_tag(span, |key, value| {
        list.push((key.as_str().to_owned(), value.to_text().into_owned()));
    });
    list
}

#[track_caller]
fn check(span: &Span, expect: &[(&str, &str)]) {
    let expect: Vec<_> = expect
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    assert_eq!(tags(span), expect);
}

#[test]
fn otlp_fields_become_tags_in_jaegers_order() {
    let span = Span {
        kind: SpanKind::Server,
        status: Status {
            code: StatusCode::Error,
            message: "boom".into(),
        },
        scope: Arc::new(Scope {
            name: "s".into(),
            version: "1".into(),
            ..Scope::default()
        }),
        trace_state: "a=b".into(),
        attributes: vec![KeyValue::new("k", 1_i64)],
        ..Span::default()
    };
    check(
        &span,
        &[
            ("otel.scope.name", "s"),
            ("otel.scope.version", "1"),
            ("k", "1"),
            ("span.kind", "server"),
            ("otel.status_code", "ERROR"),
            ("error", "true"),
            ("otel.status_description", "boom"),
            ("w3c.tracestate", "a=b"),
        ],
    );
}

#[test]
fn jaeger_tags_stay_as_they_came() {
    let span = Span {
        dialect: Dialect::Jaeger,
        kind: SpanKind::Client,
        attributes: vec![
            KeyValue::new("z", true),
            KeyValue::new("span.kind", "client"),
        ],
        ..Span::default()
    };
    check(&span, &[("z", "true"), ("span.kind", "client")]);
}

#[test]
fn nested_values_become_json_text() {
    let array = Value::Array(
        [
            Value::from("a<"),
            Value::from(1_i64),
            Value::Double(7.0),
            Value::Empty,
            Value::Double(f64::NAN),
        ]
        .into(),
    );
    let map = Value::Map(
        [
            KeyValue::new("y", 2_i64),
            KeyValue::new("x", "1"),
            KeyValue::new("b", Slice::from(&b"\x00\x01\xfe"[..])),
        ]
        .into(),
    );
    let span = Span {
        attributes: vec![
            KeyValue::new("a", array),
            KeyValue::new("m", map),
            KeyValue::new("e", Value::Empty),
        ],
        ..Span::default()
    };
    check(
        &span,
        &[
            ("a", r#"["a\u003c",1,7,null,"NaN"]"#),
            ("m", r#"{"b":"AAH+","x":"1","y":2}"#),
            ("e", ""),
        ],
    );
}

#[test]
fn the_parent_comes_first_and_a_link_to_it_only_sets_its_type() {
    let trace_id = TraceId::from_halves(1, 1);
    let link = |id: u64| Link {
        trace_id,
        span_id: SpanId::from_u64(id),
        ..Link::default()
    };
    let span = Span {
        trace_id,
        parent_span_id: Some(SpanId::from_u64(7)),
        links: vec![link(9), link(7)],
        ..Span::default()
    };
    let got: Vec<_> = references(&span)
        .iter()
        .map(|r| (r.ref_type, r.span_id.to_u64()))
        .collect();
    assert_eq!(got, [(RefType::FollowsFrom, 7), (RefType::FollowsFrom, 9)]);
    // of two links to it the last counts
    let child = Link {
        attributes: vec![KeyValue::new("opentracing.ref_type", "child_of")],
        ..link(7)
    };
    let types = |links: Vec<Link>| -> Vec<RefType> {
        let span = Span {
            links,
            ..span.clone()
        };
        references(&span).iter().map(|r| r.ref_type).collect()
    };
    let twice = vec![child.clone(), link(7)];
    assert_eq!(types(twice), [RefType::FollowsFrom]);
    assert_eq!(types(vec![link(7), child]), [RefType::ChildOf]);
}

#[test]
fn kind_status_and_parent_are_read_from_jaeger_tags() {
    let list = [
        KeyValue::new("span.kind", "SERVER"),
        KeyValue::new("error", true),
        KeyValue::new("otel.status_description", "x"),
    ];
    assert_eq!(kind_of_tags(&list), SpanKind::Server);
    assert_eq!(
        status_of_tags(&list),
        Status {
            code: StatusCode::Error,
            message: "x".into()
        }
    );
    let trace_id = TraceId::from_halves(1, 1);
    let link = |ref_type, trace_id, id| Link {
        ref_type,
        trace_id,
        span_id: SpanId::from_u64(id),
        ..Link::default()
    };
    let other = TraceId::from_halves(2, 2);
    let links = [
        link(RefType::ChildOf, other, 1),
        link(RefType::FollowsFrom, trace_id, 2),
        link(RefType::ChildOf, trace_id, 3),
    ];
    assert_eq!(
        parent_of_references(trace_id, &links),
        Some(SpanId::from_u64(3))
    );
    assert_eq!(
        parent_of_references(trace_id, &links[..2]),
        Some(SpanId::from_u64(2))
    );
    assert_eq!(parent_of_references(trace_id, &links[..1]), None);
}
