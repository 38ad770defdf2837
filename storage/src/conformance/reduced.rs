//! Spans as Jaeger's documents keep them: what is compared where a store says that it is not lossless.
//!
//! In: a span of either dialect. Out: one of the `Jaeger` dialect, in whole microseconds, without what such a document has no place for:
//! warnings, trace state, attributes of links and scopes, counts of what was dropped, flags of 32 bits. Reducing twice changes nothing.
//!
//! Source: `jaegertracing/jaeger: internal/storage/elasticsearch/dbmodel/model.go` v1.76.0.

use std::sync::Arc;

use model::{Event, KeyValue, Link, Resource, Scope, Span, Value};
use wire::jaeger::TagValue;
use wire::jaeger::tags::{self, Text, ValueRef};

/// What Jaeger's documents keep of `span`.
pub(super) fn reduced(span: &Span) -> Span {
    let us = |ns: u64| ns / 1_000 * 1_000;
    let mut attributes = Vec::new();
    tags::for_each_span_tag(span, |key, value| attributes.push(tag(&key, &value)));
    let links = tags::references(span).into_iter().map(|reference| Link {
        trace_id: reference.trace_id,
        span_id: reference.span_id,
        ref_type: reference.ref_type,
        ..Link::default()
    });
    let events = span.events.iter().map(|event| {
        let mut attributes = Vec::new();
        tags::for_each_log_field(span.dialect, event, |key, value| {
            attributes.push(tag(&key, &value));
        });
        Event {
            time_ns: us(event.time_ns),
            attributes,
            ..Event::default()
        }
    });
    let mut resource = Resource {
        service_name: Some(span.resource.service_name().into()),
        ..Resource::default()
    };
    tags::for_each_process_tag(&span.resource, |key, value| {
        resource.attributes.push(tag(&key, &value));
    });
    Span {
        span_id: span.span_id,
        name: span.name.clone(),
        start_ns: us(span.start_ns),
        end_ns: us(span.start_ns) + us(span.duration_ns()),
        events: events.collect(),
        flags: tags::flags(span) & i32::MAX as u32,
        ..tags::span(
            span.trace_id,
            attributes,
            links.collect(),
            Arc::new(resource),
            Arc::new(Scope::default()),
        )
    }
}

fn tag(key: &Text<'_>, value: &ValueRef<'_>) -> KeyValue {
    let value = match value.to_value() {
        TagValue::String(text) => Value::String(text),
        TagValue::Bool(value) => Value::Bool(value),
        TagValue::Int(value) => Value::Int(value),
        TagValue::Double(value) => Value::Double(value),
        TagValue::Binary(bytes) => Value::Bytes(bytes),
    };
    KeyValue {
        key: key.to_str(),
        value,
    }
}

#[cfg(test)]
mod tests {
    use model::Dialect;

    use super::super::data::{full_jaeger, full_otlp, text};
    use super::*;

    #[test]
    fn a_reduced_span_is_reduced_no_further() {
        for span in [full_otlp(1, 1), full_jaeger(1, 2)] {
            let once = reduced(&span);
            assert_eq!(once.dialect, Dialect::Jaeger);
            assert_eq!(once.start_ns % 1_000, 0);
            assert_eq!(text(&reduced(&once)), text(&once));
        }
    }

    #[test]
    fn what_documents_hold_stays() {
        let span = full_jaeger(1, 2);
        let kept = reduced(&span);
        let of = |span: &Span| (span.span_id, span.parent_span_id, span.kind, span.flags);
        assert_eq!(of(&kept), of(&span));
        assert_eq!(kept.links, span.links);
        assert_eq!(kept.events[0].attributes, span.events[0].attributes);
        assert_eq!(kept.attributes.len(), span.attributes.len());
        assert_eq!(kept.resource, span.resource);
        assert!(kept.warnings.is_empty());
    }
}
