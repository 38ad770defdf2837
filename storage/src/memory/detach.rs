//! Copies a span out of its request's buffer, all of its text into one buffer of its own.
//!
//! In: a span that keeps a body of megabytes alive. Out: an equal span that keeps its own text alive and nothing else. Spans of one batch
//! that share a resource or a scope share its copy.

use std::sync::Arc;

use model::{Buffer, KeyValue, Resource, Scope, Slice, Span, Str, Value};

use super::store::Stored;

/// Allocations, reference counts and index entries of a span, beside its own bytes.
const SPAN_OVERHEAD: usize = 192;
/// The same of a resource or a scope.
const SHARED_OVERHEAD: usize = 64;

/// Copies the spans of one batch.
#[derive(Default)]
pub(super) struct Detacher {
    resource: Option<(Arc<Resource>, Arc<Resource>, usize)>,
    scope: Option<(Arc<Scope>, Arc<Scope>, usize)>,
}

/// Text or bytes somewhere in a value.
enum Place<'a> {
    Text(&'a mut Str),
    Bytes(&'a mut Slice),
}

/// What is called with every place.
type Visitor<'v> = dyn FnMut(Place<'_>) + 'v;

// === impl Detacher ===

impl Detacher {
    pub(super) fn detach(&mut self, span: &Span) -> Stored {
        let (resource, resource_bytes) = self.resource(&span.resource);
        let (scope, scope_bytes) = self.scope(&span.scope);
        let mut own = Span {
            resource,
            scope,
            ..span.clone()
        };
        let text = detach(&mut own, visit_span);
        Stored {
            bytes: own.size() + text + SPAN_OVERHEAD,
            resource_bytes,
            scope_bytes,
            span: own,
        }
    }

    fn resource(&mut self, resource: &Arc<Resource>) -> (Arc<Resource>, usize) {
        match &self.resource {
            Some((from, to, bytes)) if Arc::ptr_eq(from, resource) => (to.clone(), *bytes),
            _ => {
                let mut own = Resource::clone(resource);
                let bytes = detach(&mut own, visit_resource) + own.size() + SHARED_OVERHEAD;
                let own = Arc::new(own);
                self.resource = Some((resource.clone(), own.clone(), bytes));
                (own, bytes)
            }
        }
    }

    fn scope(&mut self, scope: &Arc<Scope>) -> (Arc<Scope>, usize) {
        match &self.scope {
            Some((from, to, bytes)) if Arc::ptr_eq(from, scope) => (to.clone(), *bytes),
            _ => {
                let mut own = Scope::clone(scope);
                let bytes = detach(&mut own, visit_scope) + own.size() + SHARED_OVERHEAD;
                let own = Arc::new(own);
                self.scope = Some((scope.clone(), own.clone(), bytes));
                (own, bytes)
            }
        }
    }
}

/// Moves all text of `value` into one buffer; gives its length.
fn detach<T>(value: &mut T, visit: fn(&mut T, &mut Visitor<'_>)) -> usize {
    let mut bytes = Vec::new();
    visit(value, &mut |place| {
        bytes.extend_from_slice(place.as_bytes());
    });
    let len = bytes.len();
    let buffer = Buffer::new(bytes.into_boxed_slice().into());
    let mut at = 0;
    visit(value, &mut |place| {
        let len = place.as_bytes().len();
        let own = buffer.as_ref().and_then(|b| b.slice(at, len));
        at += len;
        place.set(own);
    });
    len
}

fn visit_span(span: &mut Span, visit: &mut Visitor<'_>) {
    visit(Place::Text(&mut span.name));
    visit(Place::Text(&mut span.status.message));
    visit(Place::Text(&mut span.trace_state));
    visit_attributes(&mut span.attributes, visit);
    for event in &mut span.events {
        visit(Place::Text(&mut event.name));
        visit_attributes(&mut event.attributes, visit);
    }
    for link in &mut span.links {
        visit(Place::Text(&mut link.trace_state));
        visit_attributes(&mut link.attributes, visit);
    }
    for warning in &mut span.warnings {
        visit(Place::Text(warning));
    }
}

fn visit_resource(resource: &mut Resource, visit: &mut Visitor<'_>) {
    if let Some(name) = &mut resource.service_name {
        visit(Place::Text(name));
    }
    visit(Place::Text(&mut resource.schema_url));
    visit_attributes(&mut resource.attributes, visit);
}

fn visit_scope(scope: &mut Scope, visit: &mut Visitor<'_>) {
    visit(Place::Text(&mut scope.name));
    visit(Place::Text(&mut scope.version));
    visit(Place::Text(&mut scope.schema_url));
    visit_attributes(&mut scope.attributes, visit);
}

fn visit_attributes(attributes: &mut [KeyValue], visit: &mut Visitor<'_>) {
    for attribute in attributes {
        visit(Place::Text(&mut attribute.key));
        visit_value(&mut attribute.value, visit);
    }
}

fn visit_value(value: &mut Value, visit: &mut Visitor<'_>) {
    match value {
        Value::String(text) => visit(Place::Text(text)),
        Value::Bytes(bytes) => visit(Place::Bytes(bytes)),
        Value::Array(values) => {
            for value in values {
                visit_value(value, visit);
            }
        }
        Value::Map(entries) => visit_attributes(entries, visit),
        Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => {}
    }
}

// === impl Place ===

impl Place<'_> {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes.as_bytes(),
        }
    }

    /// Points to `own`, which holds the same bytes; without it, to a copy.
    fn set(self, own: Option<Slice>) {
        match self {
            Self::Text(text) => {
                *text = own
                    .and_then(|own| own.into_str().ok())
                    .unwrap_or_else(|| text.detach());
            }
            Self::Bytes(bytes) => *bytes = own.unwrap_or_else(|| bytes.detach()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::{Event, Link};

    use super::*;

    #[test]
    fn the_copy_is_equal_and_keeps_nothing_else_alive() {
        let body = Bytes::from(b"operation key value bytes event link warning".to_vec());
        let buffer = Buffer::new(body.clone()).unwrap();
        let str = |start, len| buffer.slice(start, len).unwrap().into_str().unwrap();
        let nested = Value::Array(Box::new([
            Value::Map(Box::new([KeyValue::new(str(10, 3), str(14, 5))])),
            Value::Double(f64::NAN),
        ]));
        let attributes = vec![
            KeyValue::new(str(10, 3), str(14, 5)),
            KeyValue::new(str(10, 3), buffer.slice(20, 5).unwrap()),
            KeyValue::new("", nested),
        ];
        let resource = Arc::new(Resource {
            service_name: Some(str(0, 9)),
            attributes: attributes.clone(),
            schema_url: str(0, 4),
            ..Resource::default()
        });
        let span = Span {
            name: str(0, 9),
            events: vec![Event {
                name: str(26, 5),
                attributes: attributes.clone(),
                ..Event::default()
            }],
            links: vec![Link {
                trace_state: str(32, 4),
                attributes: attributes.clone(),
                ..Link::default()
            }],
            warnings: vec![str(37, 7)],
            trace_state: str(32, 4),
            scope: Arc::new(Scope {
                name: str(0, 9),
                version: str(0, 2),
                attributes: attributes.clone(),
                schema_url: str(0, 3),
                ..Scope::default()
            }),
            attributes,
            resource,
            ..Span::default()
        };
        let mut detacher = Detacher::default();
        let (one, two) = (detacher.detach(&span), detacher.detach(&span));
        // by text: a NaN is not equal to itself
        assert_eq!(format!("{:?}", one.span), format!("{span:?}"));
        assert!(Arc::ptr_eq(&one.span.resource, &two.span.resource));
        assert!(Arc::ptr_eq(&one.span.scope, &two.span.scope));
        assert_eq!(one.bytes, span.weight() + SPAN_OVERHEAD);
        drop((span, detacher, buffer));
        assert!(body.is_unique());
    }
}
