//! From a [`Span`] of Zipkin's second model to the model's.
//!
//! In: what a format was read into. Out: a span in the `Otlp` dialect. The service's name is the local endpoint's; when there is none, it
//! is left to [`model::sanitize`].
//!
//! Source: `zipkinv2/to_translator.go` v0.140.1. A span without a time lies at 1970-01-01 there (quirk 103).

use std::sync::Arc;

use model::{Dialect, KeyValue, Resource, Str, Value};

use super::annotation::event;
use super::resource::{SERVICE_NAME, Sharing};
use super::{Span, tags};
use crate::DecodeError;
use crate::budget::Budget;

/// Whose rules for tags and annotations hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// The first model's, which its reader has applied already.
    V1,
    /// The second model's.
    V2,
}

/// Converts the spans of one message.
pub(crate) struct Converter {
    rules: Rules,
    received_ns: u64,
    sharing: Sharing,
    keys: Keys,
}

// === impl Converter ===

impl Converter {
    /// For a message that was received at `received_ns`, in nanoseconds since the Unix epoch.
    pub(crate) fn new(rules: Rules, received_ns: u64) -> Self {
        Self {
            rules,
            received_ns,
            sharing: Sharing::default(),
            keys: Keys::new(),
        }
    }

    /// The model's span of `span`, which has its ids and is empty afterwards.
    pub(crate) fn convert(
        &mut self,
        span: &mut Span,
        budget: &mut Budget,
    ) -> Result<model::Span, DecodeError> {
        if self.rules == Rules::V2 {
            tags::settle(span, budget)?;
        }
        let (start_ns, said) = self.start_ns(span);
        let duration_ns = span.duration_us.unsigned_abs().saturating_mul(1_000);
        let end_ns = if span.duration_us < 0 {
            start_ns.saturating_sub(duration_ns)
        } else {
            start_ns.saturating_add(duration_ns)
        };
        let attributes = self.keys.attributes(span, !said, budget)?;
        let mut events = budget.list(span.annotations.len())?;
        for annotation in span.annotations.drain(..) {
            events.push(event(annotation, self.rules, start_ns, budget)?);
        }
        let scope_name = std::mem::take(&mut span.scope_name);
        let scope_version = std::mem::take(&mut span.scope_version);
        Ok(model::Span {
            trace_id: span.trace_id.unwrap_or_default(),
            span_id: span.id.unwrap_or_default(),
            // a span of Zipkin's that has its own id for a parent is a root
            parent_span_id: span.parent_id.filter(|parent| span.id != Some(*parent)),
            name: std::mem::take(&mut span.name),
            kind: span.kind,
            start_ns,
            end_ns,
            attributes,
            events,
            links: std::mem::take(&mut span.links),
            status: std::mem::take(&mut span.status),
            trace_state: std::mem::take(&mut span.trace_state),
            resource: self.resource(span, budget)?,
            scope: self.sharing.scope(scope_name, scope_version, budget)?,
            dialect: Dialect::Otlp,
            ..model::Span::default()
        })
    }

    /// When it began, and whether the span says so.
    fn start_ns(&self, span: &Span) -> (u64, bool) {
        if let Some(ns) = nanos(span.timestamp_us) {
            return (ns, true);
        }
        let times = span.annotations.iter().map(|a| a.timestamp_us);
        let earliest = times.filter_map(nanos).min();
        (earliest.unwrap_or(self.received_ns), false)
    }

    fn resource(
        &mut self,
        span: &mut Span,
        budget: &mut Budget,
    ) -> Result<Arc<Resource>, DecodeError> {
        let mut attributes = std::mem::take(&mut span.resource);
        let local = std::mem::take(&mut span.local.service_name);
        let named = !local.is_empty();
        let mut service_name = named.then_some(local);
        let source = std::mem::take(&mut span.service_name_source);
        if !source.is_empty() && source != SERVICE_NAME {
            let name = service_name.take();
            attributes.extend(name.map(|name| KeyValue::new(source, name)));
        }
        // a tag has the last word, even an empty one where the endpoint names a service
        if let Some(at) = attributes.iter().position(|a| a.key == SERVICE_NAME)
            && let Value::String(name) = attributes.remove(at).value
            && (named || !name.is_empty())
        {
            service_name = Some(name);
        }
        self.sharing.resource(service_name, attributes, budget)
    }
}

/// Nanoseconds of microseconds above 0.
fn nanos(us: i64) -> Option<u64> {
    let us = u64::try_from(us).ok().filter(|us| *us != 0)?;
    Some(us.saturating_mul(1_000))
}

/// The keys of attributes that are made here: one text each for all spans of a message.
struct Keys {
    host_ip: Str,
    host_port: Str,
    peer_service: Str,
    peer_ip: Str,
    peer_port: Str,
    absent_start: Str,
}

// === impl Keys ===

impl Keys {
    fn new() -> Self {
        Self {
            host_ip: "net.host.ip".into(),
            host_port: "net.host.port".into(),
            peer_service: "peer.service".into(),
            peer_ip: "net.peer.ip".into(),
            peer_port: "net.peer.port".into(),
            absent_start: "otel.zipkin.absentField.startTime".into(),
        }
    }

    /// Tags, then what the endpoints say. One attribute has room for one address only: the longer kind.
    fn attributes(
        &self,
        span: &mut Span,
        start_is_absent: bool,
        budget: &mut Budget,
    ) -> Result<Vec<KeyValue>, DecodeError> {
        let made = [
            (&self.host_ip, text(span.local.address())),
            (&self.host_port, port(span.local.port)),
            (&self.peer_service, text(&span.remote.service_name)),
            (&self.peer_ip, text(span.remote.address())),
            (&self.peer_port, port(span.remote.port)),
            (
                &self.absent_start,
                start_is_absent.then_some(Value::Bool(true)),
            ),
        ];
        let count = made.iter().filter(|(_, value)| value.is_some()).count();
        let mut list = budget.list(span.tags.len() + count)?;
        list.append(&mut span.tags);
        for (key, value) in made {
            if let Some(value) = value {
                put(&mut list, key, value);
            }
        }
        Ok(list)
    }
}

fn text(text: &Str) -> Option<Value> {
    (!text.is_empty()).then(|| Value::String(text.clone()))
}

fn port(port: i64) -> Option<Value> {
    (port > 0).then_some(Value::Int(port))
}

/// Sets an attribute: in its place when there is one of that key, else at the end.
fn put(list: &mut Vec<KeyValue>, key: &Str, value: Value) {
    match list.iter_mut().find(|a| a.key == *key) {
        Some(there) => there.value = value,
        None => list.push(KeyValue {
            key: key.clone(),
            value,
        }),
    }
}
