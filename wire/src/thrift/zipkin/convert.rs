//! Zipkin spans as Jaeger's.
//!
//! In: a mended Zipkin span. Out: one span, or two of one id for a call whose both sides share it: a client's and a server's. In the
//! `Jaeger` dialect, with kind, status and parent derived from their tags and references.
//!
//! Source: `jaegertracing/jaeger: model/converter/thrift/zipkin/to_domain.go` v1.20.0.

use std::sync::Arc;

use model::{
    Dialect, Event, KeyValue, Resource, Scope, Span as ModelSpan, SpanId, Str, TraceId, Value,
};

use super::log::Fields;
use super::value::value;
use super::{Annotation, BinaryAnnotation, Endpoint, Span};
use crate::DecodeError;
use crate::budget::Budget;
use crate::jaeger::{service, tags, time};
use crate::otlp::attribute::{attribute, name_or_kept, text, text_or_bytes};
use crate::thrift::jaeger::add_parent;

const CLIENT_SEND: &[u8] = b"cs";
const CLIENT_RECEIVE: &[u8] = b"cr";
const SERVER_SEND: &[u8] = b"ss";
const SERVER_RECEIVE: &[u8] = b"sr";
const LOCAL_COMPONENT: &[u8] = b"lc";
const DEBUG: u32 = 2;

/// Makes spans, which share what neighbours have in common.
#[derive(Default)]
pub(super) struct Converter {
    words: Words,
    scope: Arc<Scope>,
    last: Option<Arc<Resource>>,
    fields: Fields,
}

/// Keys and values that the rules make.
struct Words {
    span_kind: Str,
    client: Str,
    server: Str,
    component: Str,
    peer_service: Str,
    peer_ipv4: Str,
    peer_ipv6: Str,
    peer_port: Str,
    ip: Str,
    version: Str,
    hostname: Str,
    unknown_service: Str,
}

// === impl Words ===

impl Default for Words {
    fn default() -> Self {
        Self {
            span_kind: tags::SPAN_KIND.into(),
            client: "client".into(),
            server: "server".into(),
            component: "component".into(),
            peer_service: "peer.service".into(),
            peer_ipv4: "peer.ipv4".into(),
            peer_ipv6: "peer.ipv6".into(),
            peer_port: "peer.port".into(),
            ip: "ip".into(),
            version: "jaeger.version".into(),
            hostname: "hostname".into(),
            unknown_service: "unknown-service-name".into(),
        }
    }
}

impl Words {
    /// The value of `span.kind` that a core annotation says.
    fn kind_of(&self, annotation: &Annotation) -> Option<&Str> {
        match annotation.value.as_bytes() {
            CLIENT_SEND | CLIENT_RECEIVE => Some(&self.client),
            SERVER_SEND | SERVER_RECEIVE => Some(&self.server),
            _ => None,
        }
    }

    /// The key of the process tag that a binary annotation is.
    fn process_key(&self, annotation: &BinaryAnnotation) -> Option<&Str> {
        match annotation.key.as_bytes() {
            b"jaegerClient" | b"jaeger.version" => Some(&self.version),
            b"jaeger.hostname" => Some(&self.hostname),
            _ => None,
        }
    }
}

// === impl Converter ===

impl Converter {
    /// Appends what `span` becomes to `out`.
    pub(super) fn convert(
        &mut self,
        span: &Span,
        out: &mut Vec<ModelSpan>,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        let trace_id = TraceId::from_halves(span.trace_id_high as u64, span.trace_id_low as u64);
        let mut links = Vec::new();
        if let Some(parent) = span.parent_id.filter(|p| *p != 0) {
            add_parent(
                trace_id,
                SpanId::from_u64(parent as u64),
                &mut links,
                budget,
            )?;
        }
        let mut attributes = self.span_tags(span, budget)?;
        let operation = name_or_kept(span.name.clone(), &mut attributes, budget)?;
        let (start, duration) = times(span);
        let first = ModelSpan {
            trace_id,
            span_id: SpanId::from_u64(span.id as u64),
            name: operation,
            links,
            resource: self.resource(span, budget)?,
            scope: self.scope.clone(),
            dialect: Dialect::Jaeger,
            flags: if span.debug { DEBUG } else { 0 },
            ..ModelSpan::default()
        };
        let other = self.other_side(span, &first, &attributes, budget)?;
        let events = self.events(span, budget)?;
        let first = ModelSpan { events, ..first };
        push(finished(first, attributes, start, duration), out, budget)?;
        match other {
            Some(other) => push(other, out, budget),
            None => Ok(()),
        }
    }

    /// The second span of a call whose both sides are in one. All else is as in `first`, which has no events yet.
    fn other_side(
        &self,
        span: &Span,
        first: &ModelSpan,
        tags_of_first: &[KeyValue],
        budget: &mut Budget,
    ) -> Result<Option<ModelSpan>, DecodeError> {
        let (Some(sent), Some(received)) = (
            span.annotation(CLIENT_SEND),
            span.annotation(SERVER_RECEIVE),
        ) else {
            return Ok(None);
        };
        let kind = tags_of_first.iter().find(|t| t.key == tags::SPAN_KIND);
        let first_is_client = kind.and_then(|t| t.value.as_str()) == Some("client");
        let (kind, start, end) = if first_is_client {
            (&self.words.server, received, span.annotation(SERVER_SEND))
        } else {
            (&self.words.client, sent, span.annotation(CLIENT_RECEIVE))
        };
        let duration = end.map_or(0, |end| end.timestamp.wrapping_sub(start.timestamp));
        let mut attributes = budget.list(1)?;
        attributes.push(KeyValue::new(
            self.words.span_kind.clone(),
            Value::String(kind.clone()),
        ));
        budget.charge(first.links.len(), size_of::<model::Link>())?;
        Ok(Some(finished(
            first.clone(),
            attributes,
            start.timestamp,
            duration,
        )))
    }

    /// The tags of a span: its binary annotations that are not the process', and its kind.
    fn span_tags(&self, span: &Span, budget: &mut Budget) -> Result<Vec<KeyValue>, DecodeError> {
        let kind = span.annotations.iter().find_map(|a| self.words.kind_of(a));
        let own = || {
            span.binary_annotations
                .iter()
                .filter(|a| self.words.process_key(a).is_none())
        };
        let count: usize = own().map(|a| if is_address(a) { 4 } else { 1 }).sum();
        let mut list = budget.list(count + usize::from(kind.is_some()))?;
        let mut invalid_keys = 0;
        for annotation in own() {
            if is_address(annotation) {
                if let Some(host) = &annotation.host {
                    self.peer_tags(host, &mut list, budget)?;
                }
            } else if *annotation.key == *LOCAL_COMPONENT {
                list.push(KeyValue {
                    key: self.words.component.clone(),
                    value: text_or_bytes(annotation.value.clone()),
                });
            } else {
                let value = value(annotation, budget)?;
                let key = annotation.key.clone();
                list.push(attribute(key, value, &mut invalid_keys, budget)?);
            }
        }
        if let Some(kind) = kind {
            list.push(KeyValue::new(
                self.words.span_kind.clone(),
                Value::String(kind.clone()),
            ));
        }
        Ok(list)
    }

    fn peer_tags(
        &self,
        host: &Endpoint,
        list: &mut Vec<KeyValue>,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        let words = &self.words;
        let service = text(host.service_name.clone(), budget)?;
        list.push(KeyValue::new(words.peer_service.clone(), service));
        if host.ipv4 != 0 {
            let ipv4 = i64::from(host.ipv4 as u32);
            list.push(KeyValue::new(words.peer_ipv4.clone(), ipv4));
        }
        if let Some(ipv6) = &host.ipv6 {
            list.push(KeyValue::new(words.peer_ipv6.clone(), ipv6.clone()));
        }
        if host.port != 0 {
            let port = i64::from(host.port as u16);
            list.push(KeyValue::new(words.peer_port.clone(), port));
        }
        Ok(())
    }

    /// Annotations that are not core ones, as logs.
    fn events(&mut self, span: &Span, budget: &mut Budget) -> Result<Vec<Event>, DecodeError> {
        let Self { words, fields, .. } = self;
        let logs = || {
            span.annotations
                .iter()
                .filter(|a| !a.value.is_empty() && words.kind_of(a).is_none())
        };
        let mut events = budget.list(logs().count())?;
        for annotation in logs() {
            events.push(Event {
                time_ns: time::nanos_of_micros(annotation.timestamp) as u64,
                attributes: fields.of(&annotation.value, budget)?,
                ..Event::default()
            });
        }
        Ok(events)
    }

    /// The process: a service, its address, and the tags that are about it. Equal neighbours are shared.
    fn resource(&mut self, span: &Span, budget: &mut Budget) -> Result<Arc<Resource>, DecodeError> {
        let words = &self.words;
        let host = service_host(span, words);
        let own = || {
            span.binary_annotations
                .iter()
                .filter_map(|a| Some((words.process_key(a)?, a)))
        };
        let ip = host.filter(|h| h.ipv4 != 0).map(|h| h.ipv4);
        let mut attributes = budget.list(own().count() + usize::from(ip.is_some()))?;
        for (key, annotation) in own() {
            attributes.push(KeyValue::new(key.clone(), value(annotation, budget)?));
        }
        if let Some(ip) = ip {
            attributes.push(KeyValue::new(words.ip.clone(), i64::from(ip)));
        }
        let service_name = match host {
            Some(host) => service::name(host.service_name.clone(), &mut attributes, budget)?,
            None => words.unknown_service.clone(),
        };
        let resource = Resource {
            service_name: Some(service_name),
            attributes,
            ..Resource::default()
        };
        match &self.last {
            Some(last) if **last == resource => Ok(last.clone()),
            _ => {
                budget.charge(1, size_of::<Resource>() + 16)?;
                let resource = Arc::new(resource);
                self.last = Some(resource.clone());
                Ok(resource)
            }
        }
    }
}

/// `sa`, `ca` and `ma`, whose host is the other side.
fn is_address(annotation: &BinaryAnnotation) -> bool {
    matches!(annotation.key.as_bytes(), b"sa" | b"ca" | b"ma")
}

/// The host that names the service: that of a core annotation, of `lc`, of any annotation, of any binary annotation.
fn service_host<'a>(span: &'a Span, words: &Words) -> Option<&'a Endpoint> {
    fn named(host: &Option<Endpoint>) -> Option<&Endpoint> {
        host.as_ref().filter(|h| !h.service_name.is_empty())
    }
    let core = span
        .annotations
        .iter()
        .filter(|a| words.kind_of(a).is_some());
    let local = span
        .binary_annotations
        .iter()
        .filter(|a| *a.key == *LOCAL_COMPONENT);
    core.map(|a| &a.host)
        .chain(local.map(|a| &a.host))
        .chain(span.annotations.iter().map(|a| &a.host))
        .chain(span.binary_annotations.iter().map(|a| &a.host))
        .find_map(named)
}

/// Start and duration in microseconds. A span without a time takes that of its annotations.
fn times(span: &Span) -> (i64, i64) {
    let mut start = span.timestamp.unwrap_or_default();
    let mut duration = span.duration.unwrap_or_default();
    if start == 0 {
        let client = span.annotation(CLIENT_SEND).map(|a| (a, CLIENT_RECEIVE));
        let server = || span.annotation(SERVER_RECEIVE).map(|a| (a, SERVER_SEND));
        if let Some((first, end)) = client.or_else(server) {
            start = first.timestamp;
            if let (0, Some(end)) = (duration, span.annotation(end)) {
                duration = end.timestamp.wrapping_sub(start);
            }
        }
    }
    (start, duration)
}

/// A span with its tags and times, and what they say.
fn finished(
    span: ModelSpan,
    attributes: Vec<KeyValue>,
    start_us: i64,
    duration_us: i64,
) -> ModelSpan {
    let start_ns = time::nanos_of_micros(start_us) as u64;
    ModelSpan {
        kind: tags::kind_of_tags(&attributes),
        status: tags::status_of_tags(&attributes),
        parent_span_id: tags::parent_of_references(span.trace_id, &span.links),
        start_ns,
        end_ns: time::end_ns(start_ns, time::nanos_of_micros(duration_us)),
        attributes,
        ..span
    }
}

/// Appends to a list that has room for one span of each read, and so may grow where they are split.
fn push(span: ModelSpan, out: &mut Vec<ModelSpan>, budget: &mut Budget) -> Result<(), DecodeError> {
    if out.len() == out.capacity() {
        budget.grow(out, out.len().max(4))?;
    }
    out.push(span);
    Ok(())
}
