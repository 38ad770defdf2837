//! Spans of the `Jaeger` dialect in the `Otlp` dialect: tags become fields again.
//!
//! In: any span. Out: a span in the `Otlp` dialect; one that is already is handed back. Jaeger's flags are lost on this way, and a parent
//! that is a follows-from reference stands among the links as well: that is what Jaeger's own translation does. Here `otel.library.*`
//! names a scope like `otel.scope.*`, and what does not fit its field stays a tag.
//!
//! Source: `open-telemetry/opentelemetry-collector-contrib: pkg/translator/jaeger/jaegerproto_to_traces.go` v0.140.1.

use std::borrow::Cow;
use std::sync::Arc;

use model::{
    Dialect, Event, KeyValue, Link, RefType, Resource, Scope, Span, SpanKind, Status, StatusCode,
    Str, Value,
};

use super::tags::{
    ERROR, EVENT, SCOPE_NAME, SCOPE_VERSION, SPAN_KIND, STATUS_CODE, STATUS_DESCRIPTION,
    TRACE_STATE,
};

/// The service that stands for a resource without any attribute.
const NO_RESOURCE: &str = "OTLPResourceNoServiceName";
const HTTP_STATUS_CODE: &str = "http.status_code";
const HTTP_STATUS_MESSAGE: &str = "http.status_message";
const LIBRARY_NAME: &str = "otel.library.name";
const LIBRARY_VERSION: &str = "otel.library.version";

/// Translates spans; neighbours keep sharing their resource and their scope.
#[derive(Default)]
pub struct Translator {
    resource: Option<(Arc<Resource>, Arc<Resource>)>,
    scope: Arc<Scope>,
}

// === impl Translator ===

impl Translator {
    /// `span` in the `Otlp` dialect.
    pub fn translate<'a>(&mut self, span: &'a Span) -> Cow<'a, Span> {
        if span.dialect == Dialect::Otlp {
            return Cow::Borrowed(span);
        }
        let mut attributes = span.attributes.clone();
        let scope = self.scope(&mut attributes);
        let kind = take_kind(&mut attributes);
        let status = take_status(&mut attributes, kind);
        let trace_state = take_text(&mut attributes, TRACE_STATE).unwrap_or_default();
        Cow::Owned(Span {
            attributes,
            kind,
            status,
            trace_state,
            scope,
            events: span.events.iter().map(event).collect(),
            links: links(span),
            resource: self.resource(&span.resource),
            dialect: Dialect::Otlp,
            flags: 0,
            name: span.name.clone(),
            warnings: span.warnings.clone(),
            ..*span
        })
    }

    fn resource(&mut self, from: &Arc<Resource>) -> Arc<Resource> {
        match &self.resource {
            Some((last, to)) if Arc::ptr_eq(last, from) => to.clone(),
            _ => {
                let to = Arc::new(resource(from));
                self.resource = Some((from.clone(), to.clone()));
                to
            }
        }
    }

    fn scope(&mut self, attributes: &mut Vec<KeyValue>) -> Arc<Scope> {
        let mut scope = Scope::default();
        for (name, version) in [(SCOPE_NAME, SCOPE_VERSION), (LIBRARY_NAME, LIBRARY_VERSION)] {
            if let Some(text) = take_text(attributes, name) {
                scope.name = text;
                scope.version = take_text(attributes, version).unwrap_or_default();
                break;
            }
        }
        if *self.scope != scope {
            self.scope = Arc::new(scope);
        }
        self.scope.clone()
    }
}

fn resource(from: &Resource) -> Resource {
    if from.service_name() == NO_RESOURCE {
        return Resource::default();
    }
    let mut to = from.clone();
    rename(&mut to.attributes, "hostname", "host.name", |value| {
        value.clone()
    });
    rename(
        &mut to.attributes,
        "jaeger.version",
        "opencensus.exporterversion",
        |value| {
            let version = value.as_str().unwrap_or_default();
            Value::String(Str::from(format!("Jaeger-{version}")))
        },
    );
    to
}

/// Moves the value of `from` to `to`, unless `to` is there already.
fn rename(
    attributes: &mut Vec<KeyValue>,
    from: &str,
    to: &'static str,
    change: impl Fn(&Value) -> Value,
) {
    if attributes.iter().any(|a| a.key == to) {
        return;
    }
    if let Some(at) = attributes.iter().position(|a| a.key == from) {
        let value = change(&attributes.remove(at).value);
        attributes.push(KeyValue::new(to, value));
    }
}

/// Takes out the first attribute `key` that is text.
fn take_text(attributes: &mut Vec<KeyValue>, key: &str) -> Option<Str> {
    let at = attributes
        .iter()
        .position(|a| a.key == key && a.value.as_str().is_some())?;
    match attributes.remove(at).value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Of equal keys the last one counts, as in the map that Jaeger makes of them.
fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().rfind(|a| a.key == key).map(|a| &a.value)
}

/// The last word that is a kind counts; words that are none stay tags.
fn take_kind(attributes: &mut Vec<KeyValue>) -> SpanKind {
    let mut kind = SpanKind::Unspecified;
    attributes.retain(|attribute| {
        let known = (attribute.key == SPAN_KIND)
            .then(|| attribute.value.as_str())
            .flatten()
            .and_then(|word| SpanKind::from_name(&word.to_ascii_lowercase()));
        if let Some(known) = known {
            kind = known;
        }
        known.is_none()
    });
    kind
}

/// `error` is the last word; then `otel.status_code`; then what HTTP says.
fn take_status(attributes: &mut Vec<KeyValue>, kind: SpanKind) -> Status {
    let http_message = |attributes: &[KeyValue]| match find(attributes, HTTP_STATUS_MESSAGE) {
        Some(Value::String(text)) => text.clone(),
        _ => Str::default(),
    };
    if find(attributes, ERROR) == Some(&Value::Bool(true)) {
        attributes.retain(|a| a.key != ERROR && a.key != STATUS_CODE);
        let message = take_text(attributes, STATUS_DESCRIPTION);
        return Status {
            code: StatusCode::Error,
            message: message.unwrap_or_else(|| http_message(attributes)),
        };
    }
    if let Some(word) = take_text(attributes, STATUS_CODE) {
        let code = match word.to_ascii_uppercase().as_str() {
            "OK" => StatusCode::Ok,
            "ERROR" => StatusCode::Error,
            _ => StatusCode::Unset,
        };
        let message = take_text(attributes, STATUS_DESCRIPTION).unwrap_or_default();
        return Status { code, message };
    }
    let http_code = match find(attributes, HTTP_STATUS_CODE) {
        Some(Value::Int(code)) => Some(*code),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    match http_code {
        None | Some(100..=398) => Status::default(),
        Some(400..500) if kind == SpanKind::Server => Status::default(),
        Some(_) => Status {
            code: StatusCode::Error,
            message: http_message(attributes),
        },
    }
}

fn event(from: &Event) -> Event {
    let mut attributes = from.attributes.clone();
    let name = take_text(&mut attributes, EVENT).unwrap_or_else(|| from.name.clone());
    Event {
        name,
        attributes,
        ..*from
    }
}

/// All references but the child-of to the parent, which has a field.
fn links(span: &Span) -> Vec<Link> {
    let is_parent = |link: &&Link| {
        link.ref_type == RefType::ChildOf
            && link.trace_id == span.trace_id
            && Some(link.span_id) == span.parent_span_id
    };
    let typed = |link: &Link| {
        let word = match link.ref_type {
            RefType::ChildOf => "child_of",
            RefType::FollowsFrom => "follows_from",
        };
        let mut link = link.clone();
        link.attributes
            .push(KeyValue::new("opentracing.ref_type", word));
        link
    };
    let others = span.links.iter().filter(|link| !is_parent(link));
    others.map(typed).collect()
}

#[cfg(test)]
mod tests;
