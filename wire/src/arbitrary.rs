//! Spans of every shape the model can hold, for property tests.

use std::sync::Arc;

use model::{
    Dialect, Dropped, Event, KeyValue, Link, RefType, Resource, Scope, Slice, Span, SpanId,
    SpanKind, Status, StatusCode, Str, TraceId, Value,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(crate) fn text() -> impl Strategy<Value = Str> {
    prop_oneof![
        4 => "[a-z.äß]{0,12}".prop_map(Str::from),
        1 => "[a-z]{100,150}".prop_map(Str::from),
        1 => Just(Str::default()),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Empty),
        text().prop_map(Value::String),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::Double(f64::from_bits(bits))),
        vec(any::<u8>(), 0..9).prop_map(|bytes| Value::Bytes(Slice::from(bytes))),
    ];
    leaf.prop_recursive(4, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|v| Value::Array(v.into())),
            vec((text(), inner), 0..4).prop_map(|entries| {
                Value::Map(
                    entries
                        .into_iter()
                        .map(|(key, value)| KeyValue { key, value })
                        .collect(),
                )
            }),
        ]
    })
}

pub(crate) fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    vec(
        (text(), value()).prop_map(|(key, value)| KeyValue { key, value }),
        0..4,
    )
}

pub(crate) fn resource() -> impl Strategy<Value = Resource> {
    (option::of(text()), attributes(), any::<u32>(), text()).prop_map(
        |(service_name, attributes, dropped_attributes_count, schema_url)| Resource {
            service_name,
            attributes,
            dropped_attributes_count,
            schema_url,
        },
    )
}

pub(crate) fn scope() -> impl Strategy<Value = Scope> {
    (text(), text(), attributes(), any::<u32>(), text()).prop_map(
        |(name, version, attributes, dropped_attributes_count, schema_url)| Scope {
            name,
            version,
            attributes,
            dropped_attributes_count,
            schema_url,
        },
    )
}

fn kind() -> impl Strategy<Value = SpanKind> {
    (0..6).prop_map(SpanKind::from_number)
}

fn status() -> impl Strategy<Value = Status> {
    let code = prop_oneof![
        Just(StatusCode::Unset),
        Just(StatusCode::Ok),
        Just(StatusCode::Error)
    ];
    (code, text()).prop_map(|(code, message)| Status { code, message })
}

fn event() -> impl Strategy<Value = Event> {
    (any::<u64>(), text(), attributes(), any::<u32>()).prop_map(
        |(time_ns, name, attributes, dropped_attributes_count)| Event {
            time_ns,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    let ref_type = prop_oneof![Just(RefType::ChildOf), Just(RefType::FollowsFrom)];
    (
        any::<[u8; 16]>(),
        any::<[u8; 8]>(),
        ref_type,
        text(),
        attributes(),
        any::<u32>(),
        any::<u32>(),
    )
        .prop_map(
            |(trace_id, span_id, ref_type, trace_state, attributes, dropped, flags)| Link {
                trace_id: TraceId(trace_id),
                span_id: SpanId(span_id),
                ref_type,
                trace_state,
                attributes,
                dropped_attributes_count: dropped,
                flags,
            },
        )
}

/// Any span that the model can hold.
pub fn span() -> impl Strategy<Value = Span> {
    let ids = (
        any::<[u8; 16]>(),
        any::<[u8; 8]>(),
        option::of(any::<[u8; 8]>()),
    );
    let head = (
        text(),
        kind(),
        any::<u64>(),
        any::<u64>(),
        text(),
        any::<u32>(),
    );
    let lists = (
        attributes(),
        vec(event(), 0..3),
        vec(link(), 0..3),
        vec(text(), 0..3),
    );
    let dropped = (any::<u32>(), any::<u32>(), any::<u32>());
    let dialect = prop_oneof![Just(Dialect::Otlp), Just(Dialect::Jaeger)];
    (
        ids,
        head,
        lists,
        status(),
        dropped,
        dialect,
        resource(),
        scope(),
    )
        .prop_map(
            |(ids, head, lists, status, dropped, dialect, resource, scope)| Span {
                trace_id: TraceId(ids.0),
                span_id: SpanId(ids.1),
                parent_span_id: ids.2.map(SpanId),
                name: head.0,
                kind: head.1,
                start_ns: head.2,
                end_ns: head.3,
                trace_state: head.4,
                flags: head.5,
                attributes: lists.0,
                events: lists.1,
                links: lists.2,
                warnings: lists.3,
                status,
                dropped: Dropped {
                    attributes: dropped.0,
                    events: dropped.1,
                    links: dropped.2,
                },
                dialect,
                resource: Arc::new(resource),
                scope: Arc::new(scope),
            },
        )
}

/// What Jaeger's formats can hold of any span.
#[cfg(test)]
pub(crate) fn jaeger_span() -> impl Strategy<Value = Span> {
    span().prop_map(in_jaeger_dialect)
}

#[cfg(test)]
fn in_jaeger_dialect(mut span: Span) -> Span {
    use crate::jaeger::tags;

    fn flat(list: &mut Vec<KeyValue>) {
        list.retain(|a| !matches!(a.value, Value::Empty | Value::Array(_) | Value::Map(_)));
        for attribute in list {
            // Jaeger leaves zeros out, and so loses the sign of one
            if attribute.value == Value::Double(0.0) {
                attribute.value = Value::Double(0.0);
            }
        }
    }
    flat(&mut span.attributes);
    for event in &mut span.events {
        flat(&mut event.attributes);
        event.name = "".into();
        event.dropped_attributes_count = 0;
    }
    for link in &mut span.links {
        *link = Link {
            trace_id: link.trace_id,
            span_id: link.span_id,
            ref_type: link.ref_type,
            ..Link::default()
        };
    }
    let mut resource = Resource::clone(&span.resource);
    flat(&mut resource.attributes);
    resource.service_name.get_or_insert_default();
    resource.dropped_attributes_count = 0;
    resource.schema_url = "".into();
    // Go's times and durations have 63 bits
    let start_ns = span.start_ns >> 2;
    Span {
        kind: tags::kind_of_tags(&span.attributes),
        status: tags::status_of_tags(&span.attributes),
        parent_span_id: tags::parent_of_references(span.trace_id, &span.links),
        start_ns,
        end_ns: start_ns + (span.end_ns >> 2),
        resource: Arc::new(resource),
        scope: Arc::default(),
        dialect: Dialect::Jaeger,
        trace_state: "".into(),
        dropped: Dropped::default(),
        ..span
    }
}

/// A span with every float replaced by its bits, so that NaN equals itself.
#[cfg(test)]
pub(crate) fn by_bits(mut span: Span) -> Span {
    list_by_bits(&mut span.attributes);
    for event in &mut span.events {
        list_by_bits(&mut event.attributes);
    }
    for link in &mut span.links {
        list_by_bits(&mut link.attributes);
    }
    let mut resource = Resource::clone(&span.resource);
    list_by_bits(&mut resource.attributes);
    span.resource = Arc::new(resource);
    let mut scope = Scope::clone(&span.scope);
    list_by_bits(&mut scope.attributes);
    span.scope = Arc::new(scope);
    span
}

#[cfg(test)]
fn list_by_bits(list: &mut [KeyValue]) {
    for attribute in list {
        value_by_bits(&mut attribute.value);
    }
}

#[cfg(test)]
fn value_by_bits(value: &mut Value) {
    match value {
        Value::Double(float) => {
            *value = Value::String(Str::from(format!("double {:x}", float.to_bits())));
        }
        Value::Array(values) => values.iter_mut().for_each(value_by_bits),
        Value::Map(entries) => list_by_bits(entries),
        _ => {}
    }
}
