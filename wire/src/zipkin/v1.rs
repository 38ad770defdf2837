//! Spans of Zipkin's first model in JSON, as spans of the second.
//!
//! In: a span with annotations and binary annotations, each with an endpoint. Out: a [`Span`]. The core annotations (`cs`, `cr`, `ss`, `sr`,
//! `ms`, `mr`) say its kind and, where it does not say so itself, when it began and how long it took; the endpoint of the first one that
//! names a service made the span, and its address and port are attributes of the resource. Other annotations stay annotations, binary
//! ones become tags.
//!
//! Without such an endpoint the service is the last that a binary annotation names, else what `lc` says, else the first that any annotation
//! names (Envoy's spans of plain annotations), else `unknown-service`.
//!
//! Source: `zipkinv1/json.go` v0.140.1, which takes text for values only; `openzipkin/zipkin-api: zipkin-api.yaml`. Values that are truth
//! values or numbers keep their type, as in Jaeger v1.20. `sa` and `ca` name the other party by their endpoint.

mod status;

use model::{KeyValue, SpanKind, Str, Value};

use super::attributes::{keep_last, number};
use super::json::{Source, common, endpoint};
use super::room::{copied, push};
use super::{Annotation, Endpoint, Span};
use crate::DecodeError;
use crate::budget::Budget;
use crate::otlp::json::fields::{self, Bad, Done, Reading};
use crate::otlp::json::reader::Kind;
use status::Outcome;

const UNKNOWN_SERVICE: &str = "unknown-service";
/// The binary annotation that names the component of a span inside one process.
const LOCAL_COMPONENT: &str = "lc";
/// The tag that it becomes.
const COMPONENT: &str = "component";

/// Reads spans one after the other; its lists are allocated once.
#[derive(Default)]
pub(crate) struct SpanReader {
    annotations: Vec<(Annotation, Endpoint)>,
    binary: Vec<Binary>,
}

#[derive(Default)]
struct Binary {
    key: Str,
    value: Value,
    endpoint: Endpoint,
}

// === impl SpanReader ===

impl SpanReader {
    /// Reads one into `span`, which is empty.
    pub(crate) fn span(
        &mut self,
        r: &mut Reading<'_>,
        source: &mut Source<'_>,
        span: &mut Span,
    ) -> Done {
        self.annotations.clear();
        self.binary.clear();
        fields::object(r, "span", |name, r| match name {
            "annotations" => {
                self.annotations.clear();
                fields::array(r, name, |r| {
                    let read = annotation(r, source)?;
                    Ok(push(&mut self.annotations, read, source.budget())?)
                })
            }
            "binaryAnnotations" => {
                self.binary.clear();
                fields::array(r, name, |r| {
                    let read = binary(r, source)?;
                    Ok(push(&mut self.binary, read, source.budget())?)
                })
            }
            _ => common(name, r, source, span),
        })?;
        Ok(self.settle(span, source.budget())?)
    }

    fn settle(&mut self, span: &mut Span, budget: &mut Budget) -> Result<(), DecodeError> {
        let any = self.annotations.iter();
        let any = any
            .map(|(_, endpoint)| &endpoint.service_name)
            .find(|name| !name.is_empty())
            .cloned();
        self.annotations(span, budget)?;
        let fallback = self.binary(span, budget)?;
        let maker = std::mem::take(&mut span.local);
        span.local.service_name = if !maker.service_name.is_empty() {
            maker.service_name.clone()
        } else if let Some(name) = fallback.or(any) {
            name
        } else {
            copied(UNKNOWN_SERVICE, budget)?
        };
        span.resource = process_tags(maker, budget)?;
        Ok(())
    }

    fn annotations(&mut self, span: &mut Span, budget: &mut Budget) -> Result<(), DecodeError> {
        // of all annotations, and the last of the core ones
        let (mut first_us, mut last_us, mut done_us) = (i64::MAX, 0, 0);
        for (annotation, endpoint) in self.annotations.drain(..) {
            if annotation.value.is_empty() {
                continue;
            }
            if annotation.timestamp_us > 0 {
                first_us = first_us.min(annotation.timestamp_us);
                last_us = last_us.max(annotation.timestamp_us);
            }
            let kind = kind(&annotation.value);
            if kind == SpanKind::Unspecified {
                push(&mut span.annotations, annotation, budget)?;
                continue;
            }
            done_us = done_us.max(annotation.timestamp_us);
            if span.kind == SpanKind::Unspecified {
                span.kind = kind;
            }
            if span.local.service_name.is_empty() && !endpoint.service_name.is_empty() {
                span.local = endpoint;
            }
        }
        if span.timestamp_us <= 0 && last_us > 0 {
            span.timestamp_us = first_us;
            done_us = last_us;
        }
        if span.duration_us == 0 && span.timestamp_us > 0 {
            span.duration_us = done_us.saturating_sub(span.timestamp_us).max(0);
        }
        Ok(())
    }

    /// Returns what may name the service.
    fn binary(&mut self, span: &mut Span, budget: &mut Budget) -> Result<Option<Str>, DecodeError> {
        let mut outcome = Outcome::default();
        let mut named = None;
        let mut component = None;
        let (mut callee, mut caller) = (None, None);
        for Binary {
            mut key,
            value,
            endpoint,
        } in self.binary.drain(..)
        {
            let party = match key.as_str() {
                "sa" => Some(&mut callee),
                "ca" => Some(&mut caller),
                _ => None,
            };
            if let Some(party) = party {
                *party = Some(endpoint);
                if matches!(value, Value::Bool(_)) {
                    continue;
                }
            } else if !endpoint.service_name.is_empty() {
                named = Some(endpoint.service_name);
            }
            if key == LOCAL_COMPONENT {
                key = copied(COMPONENT, budget)?;
                if let Value::String(text) = &value {
                    component = Some(text.clone());
                }
            }
            if !outcome.take(&key, &value) {
                push(&mut span.tags, KeyValue { key, value }, budget)?;
            }
        }
        keep_last(&mut span.tags, budget)?;
        span.status = outcome.status();
        let other = match span.kind {
            SpanKind::Server | SpanKind::Consumer => caller.or(callee),
            _ => callee.or(caller),
        };
        span.remote = other.unwrap_or_default();
        Ok(named.or(component).filter(|name| !name.is_empty()))
    }
}

/// What a core annotation says of the span's kind.
fn kind(value: &str) -> SpanKind {
    match value {
        "cs" | "cr" => SpanKind::Client,
        "ss" | "sr" => SpanKind::Server,
        "ms" => SpanKind::Producer,
        "mr" => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

fn process_tags(maker: Endpoint, budget: &mut Budget) -> Result<Vec<KeyValue>, DecodeError> {
    let mut list = Vec::new();
    let port = match maker.port {
        0 => Str::default(),
        port => copied(&port.to_string(), budget)?,
    };
    for (key, text) in [("ipv4", maker.ipv4), ("ipv6", maker.ipv6), ("port", port)] {
        if !text.is_empty() {
            let key = copied(key, budget)?;
            push(&mut list, KeyValue::new(key, text), budget)?;
        }
    }
    Ok(list)
}

fn annotation(r: &mut Reading<'_>, source: &mut Source<'_>) -> Result<(Annotation, Endpoint), Bad> {
    let mut read = (Annotation::default(), Endpoint::default());
    let (annotation, host) = &mut read;
    fields::object(r, "annotation", |name, r| {
        match name {
            "timestamp" => annotation.timestamp_us = fields::whole(r, name)?,
            "value" => annotation.value = source.text(r, name)?,
            "endpoint" => endpoint(r, name, source, as_it_is, host)?,
            _ => fields::ignore(r)?,
        }
        Ok(())
    })?;
    Ok(read)
}

fn binary(r: &mut Reading<'_>, source: &mut Source<'_>) -> Result<Binary, Bad> {
    let mut binary = Binary {
        value: Value::String(Str::default()),
        ..Binary::default()
    };
    fields::object(r, "binary annotation", |name, r| {
        match name {
            "key" => binary.key = source.text(r, name)?,
            "value" => binary.value = value(r, source)?,
            "endpoint" => endpoint(r, name, source, as_it_is, &mut binary.endpoint)?,
            _ => fields::ignore(r)?,
        }
        Ok(())
    })?;
    Ok(binary)
}

fn value(r: &mut Reading<'_>, source: &mut Source<'_>) -> Result<Value, Bad> {
    match r.peek()? {
        Kind::String => Ok(Value::String(source.text(r, "value")?)),
        Kind::Bool => Ok(Value::Bool(r.bool()?)),
        Kind::Number => Ok(number(r.number()?)),
        other => Err(Bad::shape(
            "value",
            "text, a number or a truth value",
            other,
        )),
    }
}

/// The first model's addresses are kept as they are.
fn as_it_is(text: Str, _: &mut Budget) -> Result<Str, DecodeError> {
    Ok(text)
}
