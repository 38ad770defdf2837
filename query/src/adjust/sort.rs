//! Sorts tags and log fields, so that people and comparisons find them.
//!
//! Rule: span tags and process tags by key, then type, then value. In a log the first text field `event` comes first and the others are
//! sorted. Equal ones keep their order.
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster sort_tags_and_log_fields.go`; the order is `KeyValue.Compare` of
//! `jaegertracing/jaeger-idl: model/v1`.

use std::cmp::Ordering;

use wire::jaeger::{Log, Span, Tag, TagValue, tags};

pub(super) fn adjust(spans: &mut [Span]) {
    for span in spans.iter_mut() {
        sort_tags(&mut span.tags);
        span.logs.iter_mut().for_each(sort_fields);
    }
    super::map_processes(spans, |process| sort_tags(&mut process.tags));
}

/// By key, then type, then value.
pub(super) fn sort_tags(tags: &mut [Tag]) {
    tags.sort_by(compare);
}

fn sort_fields(log: &mut Log) {
    let is_event = |f: &Tag| f.key == tags::EVENT && matches!(f.value, TagValue::String(_));
    match log.fields.iter().position(is_event) {
        Some(at) => {
            log.fields.swap(0, at);
            sort_tags(log.fields.get_mut(1..).unwrap_or_default());
        }
        None => sort_tags(&mut log.fields),
    }
}

fn compare(a: &Tag, b: &Tag) -> Ordering {
    a.key
        .cmp(&b.key)
        .then_with(|| compare_values(&a.value, &b.value))
}

fn compare_values(a: &TagValue, b: &TagValue) -> Ordering {
    match (a, b) {
        (TagValue::String(a), TagValue::String(b)) => a.cmp(b),
        (TagValue::Bool(a), TagValue::Bool(b)) => a.cmp(b),
        (TagValue::Int(a), TagValue::Int(b)) => a.cmp(b),
        (TagValue::Double(a), TagValue::Double(b)) => a.total_cmp(b),
        (TagValue::Binary(a), TagValue::Binary(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &TagValue) -> u8 {
    match value {
        TagValue::String(_) => 0,
        TagValue::Bool(_) => 1,
        TagValue::Int(_) => 2,
        TagValue::Double(_) => 3,
        TagValue::Binary(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn tags_are_sorted_by_key_then_type_then_value() {
        let sorted = [
            tag("a", "x"),
            tag("a", "y"),
            tag("a", false),
            tag("a", true),
            tag("a", -3),
            tag("a", 2),
            tag("a", 1.5),
            tag("a", f64::INFINITY),
            tag("a", b"\x00".as_slice()),
            tag("b", "a"),
        ];
        let mut spans = vec![span(1, 0), span(2, 1)];
        for span in &mut spans {
            span.tags = sorted.iter().rev().cloned().collect();
            span.process = process("s", sorted.iter().rev().cloned().collect());
        }
        adjust(&mut spans);
        for span in &spans {
            assert_eq!(span.tags, sorted);
            assert_eq!(span.process.tags, sorted);
        }
    }

    #[test]
    fn a_text_event_comes_first_in_a_log() {
        for (fields, expect) in [
            (vec!["z", "event", "a"], vec!["event", "a", "z"]),
            (vec!["b", "a"], vec!["a", "b"]),
            (vec!["event"], vec!["event"]),
            (vec![], vec![]),
        ] {
            let mut spans = vec![span(1, 0)];
            spans[0].logs = vec![log(1, fields.iter().map(|key| tag(key, "v")).collect())];
            adjust(&mut spans);
            let keys: Vec<_> = spans[0].logs[0]
                .fields
                .iter()
                .map(|f| f.key.as_str())
                .collect();
            assert_eq!(keys, expect);
        }
    }

    #[test]
    fn an_event_that_is_no_text_is_a_field_like_others() {
        let mut spans = vec![span(1, 0)];
        spans[0].logs = vec![log(1, vec![tag("event", 1), tag("a", "v")])];
        adjust(&mut spans);
        assert_eq!(spans[0].logs[0].fields, [tag("a", "v"), tag("event", 1)]);
    }
}
