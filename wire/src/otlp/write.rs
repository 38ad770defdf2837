//! Spans, resources and scopes as protobuf: OTLP's, and with the private fields that the store's own records add.
//!
//! In: model values. Out: bytes at the end of a buffer, in one pass. What has OTLP's default is left out, as prost does.
//!
//! Source: `opentelemetry/proto/trace/v1/trace.proto` and its neighbours.

use std::borrow::Cow;
use std::sync::Arc;

use model::{Dialect, Event, KeyValue, Link, RefType, Resource, Scope, Span, StatusCode, Value};

use super::resource::{OWN_SCHEMA_URL, OWN_SERVICE_NAME, SERVICE_NAME};
use super::span::{DIALECT, FOREIGN, OWN, REF_TYPE, WARNING};
use crate::jaeger::to_otlp::Translator;
use crate::writer::Writer;

/// The attribute that carries a span's warnings through OTLP.
pub(crate) const WARNINGS: &str = "@jaeger@warnings";

/// `spans` as a `TracesData`: neighbours that share a resource and a scope stand in one group. Spans in the `Jaeger` dialect are translated.
pub fn encode(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 512);
    append(spans, &mut out);
    out
}

/// Appends the same to `out`.
pub fn append(spans: &[Span], out: &mut Vec<u8>) {
    groups::<FOREIGN>(&in_otlp(spans), out);
}

/// `spans` in the same frame, each as it is: with private fields for what OTLP cannot say, the dialect among them. Only another Spoor reads that.
pub fn encode_own(spans: &[Span]) -> Vec<u8> {
    let mut out = Vec::with_capacity(spans.len() * 512);
    groups::<OWN>(spans, &mut out);
    out
}

fn groups<const MODE: bool>(spans: &[Span], out: &mut Vec<u8>) {
    let mut writer = Writer::new(out);
    for group in spans.chunk_by(|a, b| Arc::ptr_eq(&a.resource, &b.resource)) {
        writer.long_message(1, |w| resource_spans::<MODE>(w, group));
    }
}

/// `spans` in the `Otlp` dialect, translated when one of them is not.
pub(crate) fn in_otlp(spans: &[Span]) -> Cow<'_, [Span]> {
    if spans.iter().all(|span| span.dialect == Dialect::Otlp) {
        return Cow::Borrowed(spans);
    }
    let mut translator = Translator::default();
    let translate = |span| translator.translate(span).into_owned();
    Cow::Owned(spans.iter().map(translate).collect())
}

fn resource_spans<const MODE: bool>(w: &mut Writer<'_>, group: &[Span]) {
    let Some(first) = group.first() else { return };
    let resource = &*first.resource;
    w.message(1, |w| match MODE {
        OWN => own_resource(w, resource),
        FOREIGN => foreign_resource(w, resource),
    });
    for group in group.chunk_by(|a, b| Arc::ptr_eq(&a.scope, &b.scope)) {
        w.long_message(2, |w| scope_spans::<MODE>(w, group));
    }
    if MODE == FOREIGN {
        w.bytes_unless_empty(3, resource.schema_url.as_bytes());
    }
}

fn scope_spans<const MODE: bool>(w: &mut Writer<'_>, group: &[Span]) {
    let Some(first) = group.first() else { return };
    let scope = &*first.scope;
    w.message(1, |w| match MODE {
        OWN => own_scope(w, scope),
        FOREIGN => scope_fields(w, scope),
    });
    for one in group {
        w.long_message(2, |w| span::<MODE>(w, one));
    }
    if MODE == FOREIGN {
        w.bytes_unless_empty(3, scope.schema_url.as_bytes());
    }
}

fn foreign_resource(w: &mut Writer<'_>, resource: &Resource) {
    if let Some(name) = &resource.service_name {
        w.message(1, |w| {
            w.bytes(1, SERVICE_NAME.as_bytes());
            w.message(2, |w| w.bytes(1, name.as_bytes()));
        });
    }
    resource_fields(w, resource);
}

/// A resource with its private fields.
pub(crate) fn own_resource(w: &mut Writer<'_>, resource: &Resource) {
    resource_fields(w, resource);
    if let Some(name) = &resource.service_name {
        w.bytes(OWN_SERVICE_NAME, name.as_bytes());
    }
    w.bytes_unless_empty(OWN_SCHEMA_URL, resource.schema_url.as_bytes());
}

fn resource_fields(w: &mut Writer<'_>, resource: &Resource) {
    attributes(w, 1, &resource.attributes);
    w.varint_unless_zero(2, resource.dropped_attributes_count.into());
}

/// A scope with its private fields.
pub(crate) fn own_scope(w: &mut Writer<'_>, scope: &Scope) {
    scope_fields(w, scope);
    w.bytes_unless_empty(OWN_SCHEMA_URL, scope.schema_url.as_bytes());
}

fn scope_fields(w: &mut Writer<'_>, scope: &Scope) {
    w.bytes_unless_empty(1, scope.name.as_bytes());
    w.bytes_unless_empty(2, scope.version.as_bytes());
    attributes(w, 3, &scope.attributes);
    w.varint_unless_zero(4, scope.dropped_attributes_count.into());
}

/// A span's fields, without a frame. The private ones only in [`OWN`] mode; warnings become an attribute in the other.
pub(crate) fn span<const MODE: bool>(w: &mut Writer<'_>, span: &Span) {
    w.bytes(1, &span.trace_id.0);
    w.bytes(2, &span.span_id.0);
    w.bytes_unless_empty(3, span.trace_state.as_bytes());
    if let Some(parent) = &span.parent_span_id {
        w.bytes(4, &parent.0);
    }
    w.bytes_unless_empty(5, span.name.as_bytes());
    w.varint_unless_zero(6, span.kind.number() as u64);
    if span.start_ns != 0 {
        w.fixed64(7, span.start_ns);
    }
    if span.end_ns != 0 {
        w.fixed64(8, span.end_ns);
    }
    attributes(w, 9, &span.attributes);
    if MODE != OWN && !span.warnings.is_empty() {
        warnings_attribute(w, span);
    }
    w.varint_unless_zero(10, span.dropped.attributes.into());
    for one in &span.events {
        w.message(11, |w| event(w, one));
    }
    w.varint_unless_zero(12, span.dropped.events.into());
    for one in &span.links {
        w.message(13, |w| link::<MODE>(w, one));
    }
    w.varint_unless_zero(14, span.dropped.links.into());
    let code = match span.status.code {
        StatusCode::Unset => 0,
        StatusCode::Ok => 1,
        StatusCode::Error => 2,
    };
    if code != 0 || !span.status.message.is_empty() {
        w.message(15, |w| {
            w.bytes_unless_empty(2, span.status.message.as_bytes());
            w.varint_unless_zero(3, code);
        });
    }
    if span.flags != 0 {
        w.fixed32(16, span.flags);
    }
    if MODE == OWN {
        if span.dialect == Dialect::Jaeger {
            w.varint(DIALECT, 1);
        }
        for warning in &span.warnings {
            w.bytes(WARNING, warning.as_bytes());
        }
    }
}

fn warnings_attribute(w: &mut Writer<'_>, span: &Span) {
    w.message(9, |w| {
        w.bytes(1, WARNINGS.as_bytes());
        w.message(2, |w| {
            w.message(5, |w| {
                for warning in &span.warnings {
                    w.message(1, |w| w.bytes(1, warning.as_bytes()));
                }
            });
        });
    });
}

fn event(w: &mut Writer<'_>, event: &Event) {
    if event.time_ns != 0 {
        w.fixed64(1, event.time_ns);
    }
    w.bytes_unless_empty(2, event.name.as_bytes());
    attributes(w, 3, &event.attributes);
    w.varint_unless_zero(4, event.dropped_attributes_count.into());
}

fn link<const MODE: bool>(w: &mut Writer<'_>, link: &Link) {
    w.bytes(1, &link.trace_id.0);
    w.bytes(2, &link.span_id.0);
    w.bytes_unless_empty(3, link.trace_state.as_bytes());
    attributes(w, 4, &link.attributes);
    w.varint_unless_zero(5, link.dropped_attributes_count.into());
    if link.flags != 0 {
        w.fixed32(6, link.flags);
    }
    if MODE == OWN && link.ref_type == RefType::ChildOf {
        w.varint(REF_TYPE, 1);
    }
}

#[inline]
fn attributes(w: &mut Writer<'_>, number: u32, attributes: &[KeyValue]) {
    for attribute in attributes {
        match &attribute.value {
            Value::String(text)
                if w.short_pair(number, attribute.key.as_bytes(), text.as_bytes()) => {}
            _ => w.message(number, |w| key_value(w, attribute)),
        }
    }
}

#[inline]
fn key_value(w: &mut Writer<'_>, attribute: &KeyValue) {
    w.bytes_unless_empty(1, attribute.key.as_bytes());
    if attribute.value != Value::Empty {
        w.message(2, |w| any_value(w, &attribute.value));
    }
}

fn any_value(w: &mut Writer<'_>, value: &Value) {
    match value {
        Value::Empty => {}
        Value::String(text) => w.bytes(1, text.as_bytes()),
        Value::Bool(value) => w.varint(2, u64::from(*value)),
        Value::Int(value) => w.varint(3, *value as u64),
        Value::Double(value) => w.fixed64(4, value.to_bits()),
        Value::Array(values) => w.message(5, |w| {
            for value in values {
                w.message(1, |w| any_value(w, value));
            }
        }),
        Value::Map(entries) => w.message(6, |w| attributes(w, 1, entries)),
        Value::Bytes(bytes) => w.bytes(7, bytes),
    }
}
