use std::sync::Arc;

use model::{Event, KeyValue, Resource, SpanKind};

use super::*;

fn span() -> Span {
    Span {
        name: "op".into(),
        kind: SpanKind::Client,
        start_ns: 5_000_999,
        end_ns: 8_000_999,
        attributes: vec![KeyValue::new("i", -9_i64), KeyValue::new("d", 2.5)],
        events: vec![Event {
            name: "started".into(),
            attributes: vec![KeyValue::new("n", 1_i64)],
            ..Event::default()
        }],
        resource: Arc::new(Resource {
            attributes: vec![KeyValue::new("hostname", "h1")],
            ..Resource::of_service("svc")
        }),
        ..Span::default()
    }
}

fn all() -> TraceQuery {
    TraceQuery {
        start_max_ns: u64::MAX,
        limit: 20,
        ..TraceQuery::default()
    }
}

#[test]
fn a_tag_is_looked_for_in_tags_process_tags_and_log_fields() {
    for (key, value) in [
        ("i", "-9"),
        ("d", "2.5"),
        ("span.kind", "client"),
        ("event", "started"),
        ("n", "1"),
        ("hostname", "h1"),
    ] {
        let tag = |value: &str| Filter::Tag {
            key: key.into(),
            value: Pattern::new(value),
        };
        assert!(tag(value).matches(&span()), "{key}");
        assert!(!tag("other").matches(&span()), "{key}");
        assert!(!Filter::Not(Box::new(tag(value))).matches(&span()), "{key}");
        assert!(
            Filter::Or(vec![tag("other"), tag(value)]).matches(&span()),
            "{key}"
        );
        assert!(
            !Filter::And(vec![tag("other"), tag(value)]).matches(&span()),
            "{key}"
        );
    }
}

#[test]
fn times_are_compared_in_whole_microseconds() {
    let query = TraceQuery {
        start_min_ns: 5_000_000,
        start_max_ns: 5_000_000,
        ..all()
    };
    assert!(query.matches(&span()));
    assert!(
        !TraceQuery {
            start_min_ns: 5_001_000,
            ..all()
        }
        .matches(&span())
    );
    assert!(
        TraceQuery {
            duration_min_ns: Some(3_000_999),
            duration_max_ns: Some(3_000_000),
            ..all()
        }
        .matches(&span())
    );
    assert!(
        !TraceQuery {
            duration_max_ns: Some(2_999_999),
            ..all()
        }
        .matches(&span())
    );
}

#[test]
fn service_and_operation_are_exact() {
    assert!(
        TraceQuery {
            service: Some("svc".into()),
            operation: Some("op".into()),
            ..all()
        }
        .matches(&span())
    );
    assert!(
        !TraceQuery {
            service: Some("SVC".into()),
            ..all()
        }
        .matches(&span())
    );
    assert!(
        !TraceQuery {
            operation: Some("o".into()),
            ..all()
        }
        .matches(&span())
    );
}
