//! What the parts of a trace say, without a store.

use std::sync::Arc;

use model::{KeyValue, SpanId, Value as ModelValue};
use serde_json::{Value, json};

use super::*;
use crate::testing::{span, whole};

fn json_of<T: Serialize>(part: &T) -> Value {
    serde_json::to_value(part).unwrap()
}

/// Spans with these ids, one after another, each made more of.
fn spans(make: impl Fn(u64, &mut model::Span)) -> Vec<model::Span> {
    let one = |id: u64| {
        let mut span = span(1, id);
        (span.start_ns, span.end_ns) = (id, id + 1);
        make(id, &mut span);
        span
    };
    (1..=4).map(one).collect()
}

fn with(span: &mut model::Span, key: &str, value: impl Into<ModelValue>) {
    span.attributes.push(KeyValue {
        key: key.into(),
        value: value.into(),
    });
}

fn far() -> Arc<model::Resource> {
    let mut resource = model::Resource::of_service("far");
    resource.attributes = vec![KeyValue::new("host", "h1"), KeyValue::new("zone", "z")];
    Arc::new(resource)
}

#[test]
fn keys_are_told_most_frequent_first() {
    let whole = whole(spans(|id, span| {
        with(span, "all", "x");
        if id > 2 {
            with(span, "some", "x");
            with(span, "some", "y");
        }
        if id == 4 {
            span.resource = far();
        }
    }));
    let keys = attributes::keys(&whole);
    assert_eq!(keys.cut(), None);
    assert_eq!(
        json_of(&keys),
        json!({"keys": [
            {"key": "all", "spans": 4}, {"key": "some", "spans": 2},
            {"key": "host", "spans": 1}, {"key": "zone", "spans": 1},
        ]})
    );
}

#[test]
fn more_keys_than_anyone_reads_are_cut_and_that_is_said() {
    let whole = whole(spans(|_, span| {
        for n in 0..1100 {
            with(span, &format!("k{n}"), "x");
        }
    }));
    let keys = attributes::keys(&whole);
    assert_eq!(json_of(&keys)["keys"].as_array().unwrap().len(), 1000);
    let why = "1000 of 1100 keys are all that are told";
    assert_eq!(keys.cut().as_deref(), Some(why));
}

#[test]
fn a_column_has_each_value_once() {
    let whole = whole(spans(|id, span| {
        match id {
            1 => with(span, "host", "own"),
            2 => with(span, "n", 5_i64),
            3 => with(span, "host", "own"),
            _ => {}
        }
        if id == 1 || id == 4 {
            span.resource = far();
        }
    }));
    let column = |key: &str| json_of(&attributes::column(&whole, key));
    assert_eq!(
        column("host"),
        json!({"values": ["own", "h1"], "spans": [0, -1, 0, 1]})
    );
    assert_eq!(
        column("n"),
        json!({"values": ["5"], "spans": [-1, 0, -1, -1]})
    );
    assert_eq!(
        column("absent"),
        json!({"values": [], "spans": [-1, -1, -1, -1]})
    );
}

#[test]
fn words_are_found_wherever_a_span_has_text() {
    let whole = whole(spans(|id, span| match id {
        1 => {
            span.name = "GET /cart".into();
            with(span, "http.method", "GET");
            with(span, "http.status_code", 503_i64);
        }
        2 => span.events.push(model::Event {
            name: "Retry later".into(),
            attributes: vec![KeyValue::new("reason", "Überlast")],
            ..model::Event::default()
        }),
        3 => span.resource = far(),
        _ => with(span, "retry", true),
    }));
    let find = |text: &str| {
        let words = words::Words::parse(text).unwrap();
        json_of(&find::find(&whole, &words))["spans"].clone()
    };
    for (text, expect) in [
        ("get", json!([0])),
        ("GET /CART", json!([0])),
        ("http.method=get", json!([0])),
        ("status_code=50", json!([0])),
        ("503 cart", json!([0])),
        ("503 later", json!([])),
        ("retry", json!([1, 3])),
        ("retry -\"retry later\"", json!([3])),
        ("retry=true", json!([3])),
        ("überlast", json!([1])),
        ("far", json!([2])),
        ("zone=z", json!([2])),
        ("-svc", json!([2])),
        ("0000000000000004", json!([3])),
        ("op", json!([1, 2, 3])),
    ] {
        assert_eq!(find(text), expect, "{text}");
    }
}

#[test]
fn events_come_by_time_page_by_page() {
    let whole = whole(spans(|id, span| {
        for time_ns in [10 - id, 20] {
            span.events.push(model::Event {
                time_ns,
                name: format!("e{id}").as_str().into(),
                attributes: vec![KeyValue::new("k", ModelValue::Int(7))],
                ..model::Event::default()
            });
        }
    }));
    let page = |from, limit| -> Value {
        let page = params::Page { from, limit };
        serde_json::from_slice(&events::page(&whole, page)).unwrap()
    };
    assert_eq!(
        page(3, 2),
        json!({"total": 8, "events": [
            {
                "spanID": SpanId::from_u64(1).to_string(), "timeUnixNano": "9", "name": "e1",
                "attributes": [{"key": "k", "type": "int64", "value": 7}],
            },
            {
                "spanID": SpanId::from_u64(1).to_string(), "timeUnixNano": "20", "name": "e1",
                "attributes": [{"key": "k", "type": "int64", "value": 7}],
            },
        ]})
    );
    assert_eq!(page(9, 2), json!({"total": 8, "events": []}));
    assert_eq!(page(0, 0)["total"], 8);
}
