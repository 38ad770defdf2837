//! The one table of OTLP ⇄ Jaeger tag rules.
//!
//! In: a model span of either dialect. Out: its tags, fields and references in Jaeger's order, borrowed, without building anything;
//! and the other way, what a Jaeger span's tags say of kind, status and parent.
//!
//! Source: `open-telemetry/opentelemetry-collector-contrib: pkg/translator/jaeger` v0.140.1 as Jaeger v1.76.0 uses it.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::{
    Dialect, Dropped, Event, KeyValue, Link, RefType, Resource, Scope, Slice, Span, SpanId,
    SpanKind, Status, StatusCode, Str, TraceId, Value,
};

use super::{Reference, TagValue};
use crate::go_json;

/// A tag's key.
pub const SPAN_KIND: &str = "span.kind";
/// A tag's key.
pub const STATUS_CODE: &str = "otel.status_code";
/// A tag's key.
pub const STATUS_DESCRIPTION: &str = "otel.status_description";
/// A tag's key.
pub const ERROR: &str = "error";
/// A tag's key.
pub const SCOPE_NAME: &str = "otel.scope.name";
/// A tag's key.
pub const SCOPE_VERSION: &str = "otel.scope.version";
/// A tag's key.
pub const TRACE_STATE: &str = "w3c.tracestate";
/// The field of a log that says what happened.
pub const EVENT: &str = "event";
/// The tag that says which of Jaeger's own formats a span came in.
pub const FORMAT: &str = "@jaeger@format";

/// A key or a text: one of the span's own, or one of this table's.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// One that the span holds.
    Shared(&'a Str),
    /// One of the table, or made by a rule.
    Made(Cow<'static, str>),
}

/// A tag's value, borrowed from the span where it can be.
#[derive(Clone, Debug)]
pub enum ValueRef<'a> {
    /// `string`
    String(Text<'a>),
    /// `bool`
    Bool(bool),
    /// `int64`
    Int(i64),
    /// `float64`
    Double(f64),
    /// `binary`
    Binary(&'a Slice),
}

/// Calls `visit` with each tag of `span`, in Jaeger's order.
pub fn for_each_span_tag<'a>(span: &'a Span, mut visit: impl FnMut(Text<'a>, ValueRef<'a>)) {
    if span.dialect == Dialect::Otlp {
        if !span.scope.name.is_empty() {
            visit(Text::made(SCOPE_NAME), ValueRef::text(&span.scope.name));
        }
        if !span.scope.version.is_empty() {
            visit(
                Text::made(SCOPE_VERSION),
                ValueRef::text(&span.scope.version),
            );
        }
    }
    each_attribute(&span.attributes, &mut visit);
    if span.dialect == Dialect::Otlp {
        derived_tags(span, &mut visit);
    }
}

/// What OTLP keeps in fields of the span and Jaeger in tags.
fn derived_tags<'a>(span: &'a Span, visit: &mut impl FnMut(Text<'a>, ValueRef<'a>)) {
    if span.kind != SpanKind::Unspecified {
        visit(Text::made(SPAN_KIND), ValueRef::made(span.kind.as_str()));
    }
    match span.status.code {
        StatusCode::Unset => {}
        StatusCode::Ok => visit(Text::made(STATUS_CODE), ValueRef::made("OK")),
        StatusCode::Error => {
            visit(Text::made(STATUS_CODE), ValueRef::made("ERROR"));
            visit(Text::made(ERROR), ValueRef::Bool(true));
        }
    }
    if !span.status.message.is_empty() {
        visit(
            Text::made(STATUS_DESCRIPTION),
            ValueRef::text(&span.status.message),
        );
    }
    if !span.trace_state.is_empty() {
        visit(Text::made(TRACE_STATE), ValueRef::text(&span.trace_state));
    }
}

/// Calls `visit` with each process tag of `resource`.
pub fn for_each_process_tag<'a>(
    resource: &'a Resource,
    mut visit: impl FnMut(Text<'a>, ValueRef<'a>),
) {
    each_attribute(&resource.attributes, &mut visit);
}

/// Calls `visit` with each field of the log that `event` is.
pub fn for_each_log_field<'a>(
    dialect: Dialect,
    event: &'a Event,
    mut visit: impl FnMut(Text<'a>, ValueRef<'a>),
) {
    let named = dialect == Dialect::Otlp
        && !event.name.is_empty()
        && !event.attributes.iter().any(|a| a.key == EVENT);
    if named {
        visit(Text::made(EVENT), ValueRef::text(&event.name));
    }
    each_attribute(&event.attributes, &mut visit);
}

fn each_attribute<'a>(attributes: &'a [KeyValue], visit: &mut impl FnMut(Text<'a>, ValueRef<'a>)) {
    for attribute in attributes {
        visit(Text::Shared(&attribute.key), value(&attribute.value));
    }
}

/// Jaeger's value for `value`: arrays and maps become JSON text, nothing becomes the empty text.
pub fn value(value: &Value) -> ValueRef<'_> {
    match value {
        Value::Empty => ValueRef::made(""),
        Value::String(text) => ValueRef::text(text),
        Value::Bool(value) => ValueRef::Bool(*value),
        Value::Int(value) => ValueRef::Int(*value),
        Value::Double(value) => ValueRef::Double(*value),
        Value::Bytes(bytes) => ValueRef::Binary(bytes),
        Value::Array(_) | Value::Map(_) => {
            ValueRef::String(Text::Made(go_json::to_string(&to_json(value)).into()))
        }
    }
}

/// As Go's `json.Marshal` of the raw value: keys sorted, the last of equal keys kept, bytes in base64, NaN and infinities as text.
fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Empty => Json::Null,
        Value::String(text) => Json::from(text.as_str()),
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Double(value) => match serde_json::Number::from_f64(*value) {
            Some(number) => Json::Number(number),
            None => Json::from(go_json::float_text(*value)),
        },
        Value::Bytes(bytes) => Json::from(BASE64.encode(bytes.as_bytes())),
        Value::Array(values) => Json::Array(values.iter().map(to_json).collect()),
        Value::Map(entries) => {
            let sorted: std::collections::BTreeMap<&str, &Value> =
                entries.iter().map(|e| (e.key.as_str(), &e.value)).collect();
            Json::Object(
                sorted
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), to_json(value)))
                    .collect(),
            )
        }
    }
}

/// All references of `span`: in the `Otlp` dialect the parent first, then its links.
pub fn references(span: &Span) -> Vec<Reference> {
    let mut references = Vec::with_capacity(span.links.len() + 1);
    for_each_reference(span, |reference| references.push(reference));
    references
}

/// Calls `visit` with each of them.
pub fn for_each_reference(span: &Span, mut visit: impl FnMut(Reference)) {
    let parent = match span.dialect {
        Dialect::Jaeger => None,
        Dialect::Otlp => span.parent_span_id,
    };
    // a link to the parent only says what kind of parent it is, and the last one has the last word
    let names_parent =
        |link: &&Link| parent == Some(link.span_id) && link.trace_id == span.trace_id;
    if let Some(span_id) = parent {
        let typed = span.links.iter().rfind(names_parent);
        visit(Reference {
            ref_type: typed.map_or(RefType::ChildOf, |link| link_type(span.dialect, link)),
            trace_id: span.trace_id,
            span_id,
        });
    }
    for link in span.links.iter().filter(|link| !names_parent(link)) {
        visit(Reference {
            ref_type: link_type(span.dialect, link),
            trace_id: link.trace_id,
            span_id: link.span_id,
        });
    }
}

/// Whether Jaeger's span has a process. A resource without even a service's name is one that was never there.
pub(crate) fn has_process(resource: &Resource) -> bool {
    resource.service_name.is_some() || !resource.attributes.is_empty()
}

fn link_type(dialect: Dialect, link: &Link) -> RefType {
    let child_of =
        |a: &KeyValue| a.key == "opentracing.ref_type" && a.value.as_str() == Some("child_of");
    match dialect {
        Dialect::Jaeger => link.ref_type,
        Dialect::Otlp if link.attributes.iter().any(child_of) => RefType::ChildOf,
        Dialect::Otlp => RefType::FollowsFrom,
    }
}

/// Jaeger's flags; OTLP's never become them.
pub fn flags(span: &Span) -> u32 {
    match span.dialect {
        Dialect::Jaeger => span.flags,
        Dialect::Otlp => 0,
    }
}

/// A span in the `Jaeger` dialect with these tags and references, and what they say of kind, status and parent. All else is empty.
pub fn span(
    trace_id: TraceId,
    attributes: Vec<KeyValue>,
    links: Vec<Link>,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
) -> Span {
    // no default to take the rest from: that would allocate a resource and a scope
    Span {
        kind: kind_of_tags(&attributes),
        status: status_of_tags(&attributes),
        parent_span_id: parent_of_references(trace_id, &links),
        trace_id,
        attributes,
        links,
        resource,
        scope,
        dialect: Dialect::Jaeger,
        span_id: SpanId::default(),
        name: Str::default(),
        start_ns: 0,
        end_ns: 0,
        events: Vec::new(),
        trace_state: Str::default(),
        flags: 0,
        warnings: Vec::new(),
        dropped: Dropped::default(),
    }
}

/// What a Jaeger span's tags say of its kind. The last `span.kind` with a known word counts.
pub fn kind_of_tags(tags: &[KeyValue]) -> SpanKind {
    let kinds = tags
        .iter()
        .rev()
        .filter(|t| t.key == SPAN_KIND)
        .filter_map(|t| t.value.as_str());
    kinds
        .map(str::to_ascii_lowercase)
        .find_map(|name| SpanKind::from_name(&name))
        .unwrap_or_default()
}

/// What a Jaeger span's tags say of its status: `error`, else `otel.status_code`.
pub fn status_of_tags(tags: &[KeyValue]) -> Status {
    let mut status = Status::default();
    let mut errors = false;
    for tag in tags {
        match (tag.key.as_str(), &tag.value) {
            (ERROR, Value::Bool(true)) => errors = true,
            (ERROR, Value::String(text)) if text == "true" => errors = true,
            (STATUS_CODE, Value::String(text)) if text == "ERROR" => {
                status.code = StatusCode::Error;
            }
            (STATUS_CODE, Value::String(text)) if text == "OK" => status.code = StatusCode::Ok,
            (STATUS_DESCRIPTION, Value::String(text)) => status.message = text.clone(),
            _ => {}
        }
    }
    if errors {
        status.code = StatusCode::Error;
    }
    status
}

/// The parent that a Jaeger span's references name: the first `CHILD_OF` in its own trace, else the first `FOLLOWS_FROM` there.
pub fn parent_of_references(trace_id: TraceId, links: &[Link]) -> Option<SpanId> {
    let first = |wanted: RefType| {
        links
            .iter()
            .find(|l| l.ref_type == wanted && l.trace_id == trace_id)
    };
    first(RefType::ChildOf)
        .or_else(|| first(RefType::FollowsFrom))
        .map(|l| l.span_id)
        .filter(|id| !id.is_zero())
}

// === impl Text ===

impl<'a> Text<'a> {
    fn made(text: &'static str) -> Self {
        Self::Made(Cow::Borrowed(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Shared(text) => text,
            Self::Made(text) => text,
        }
    }

    /// As a text of its own; the span's stay where they are.
    pub fn to_str(&self) -> Str {
        match self {
            Self::Shared(text) => (*text).clone(),
            Self::Made(text) => Str::from(text.as_ref()),
        }
    }
}

// === impl ValueRef ===

impl<'a> ValueRef<'a> {
    fn text(text: &'a Str) -> Self {
        Self::String(Text::Shared(text))
    }

    fn made(text: &'static str) -> Self {
        Self::String(Text::made(text))
    }

    /// As a value of its own; text stays where it is.
    pub fn to_value(&self) -> TagValue {
        match self {
            Self::String(text) => TagValue::String(text.to_str()),
            Self::Bool(value) => TagValue::Bool(*value),
            Self::Int(value) => TagValue::Int(*value),
            Self::Double(value) => TagValue::Double(*value),
            Self::Binary(bytes) => TagValue::Binary((*bytes).clone()),
        }
    }

    /// The text that a search compares with: numbers as Go's JSON writes them, binary in lower-case hex.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::String(text) => Cow::Borrowed(text.as_str()),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Int(value) => Cow::Owned(value.to_string()),
            Self::Double(value) => Cow::Owned(go_json::float_text(*value)),
            Self::Binary(bytes) => Cow::Owned(bytes.iter().map(|b| format!("{b:02x}")).collect()),
        }
    }
}

#[cfg(test)]
mod tests;
