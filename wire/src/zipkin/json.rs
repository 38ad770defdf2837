//! Lists of spans in JSON, and the spans of the second model.
//!
//! In: text. Out: spans. Names and types are those of Zipkin's API; unknown names and `null` are passed over, of equal names the last
//! counts, whole numbers may stand in quotes or be written `5.0`, and a tag that is a number or a truth value counts as its text. Bytes
//! that are no UTF-8 become U+FFFD, as in Go.
//!
//! It uses the reader of OTLP's JSON, not serde: so a broken span can be left out and named, text is shared with the body, and nothing
//! recurses.
//!
//! Source: `openzipkin/zipkin-api: zipkin2-api.yaml`.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use model::{Buffer, KeyValue, SpanKind, Str, Value};

use super::attributes::keep_last;
use super::convert::{Converter, Rules};
use super::id;
use super::room::{charge_text, copied, push};
use super::{Annotation, Endpoint, Span};
use crate::budget::Budget;
use crate::otlp::json::fields::{self, Bad, Done, Reading};
use crate::otlp::json::reader::Kind;
use crate::{DecodeError, Decoded, RejectedSpan};

/// The text that is read, and what it may still take.
pub(crate) struct Source<'b> {
    buffer: &'b Buffer,
    text: &'b str,
    budget: Budget,
}

/// Decodes a list, whose elements `read` reads.
pub(crate) fn decode(
    body: Bytes,
    rules: Rules,
    received_ns: u64,
    mut read: impl FnMut(&mut Reading<'_>, &mut Source<'_>, &mut Span) -> Done,
) -> Result<Decoded, DecodeError> {
    let (body, budget) = utf8(body)?;
    let len = body.len();
    let buffer = Buffer::new(body.clone()).ok_or(DecodeError::TooLong(len))?;
    let text = std::str::from_utf8(buffer.as_bytes())
        .map_err(|error| DecodeError::Json(format!("JSON is not UTF-8: {error}")))?;
    let mut source = Source {
        buffer: &buffer,
        text,
        budget,
    };
    let mut converter = Converter::new(rules, received_ns);
    let mut scratch = Span::default();
    let mut decoded = Decoded::default();
    let mut reader = Reading::new(text);
    fields::array(&mut reader, "list of spans", |r| {
        if r.peek()? == Kind::Null {
            return Ok(r.null()?);
        }
        let before = r.clone();
        scratch.clear();
        let span = read(r, &mut source, &mut scratch)
            .and_then(|()| has_ids(&scratch))
            .and_then(|()| Ok(converter.convert(&mut scratch, &mut source.budget)?));
        match span {
            Ok(span) => push(&mut decoded.spans, span, &mut source.budget)?,
            Err(Bad::Value(reason)) => {
                *r = before.clone();
                r.skip_value()?;
                // its text, beside the list
                source.budget.charge(1, 256)?;
                let payload = body.slice(before.value_range(r));
                let rejected = RejectedSpan { reason, payload };
                push(&mut decoded.rejected, rejected, &mut source.budget)?;
            }
            Err(whole) => return Err(whole),
        }
        Ok(())
    })?;
    reader.end().map_err(Bad::from)?;
    Ok(decoded)
}

/// `body` in UTF-8, and what it may take.
fn utf8(body: Bytes) -> Result<(Bytes, Budget), DecodeError> {
    let mut budget = Budget::of_message(body.len());
    let mended = match String::from_utf8_lossy(&body) {
        Cow::Borrowed(_) => None,
        Cow::Owned(mended) => Some(mended),
    };
    match mended {
        None => Ok((body, budget)),
        Some(mended) => {
            // a byte may become three, and they stood there twice while the text grew
            budget.charge(6, body.len())?;
            Ok((Bytes::from(mended), budget))
        }
    }
}

fn has_ids(span: &Span) -> Done {
    let missing = |name| Bad::Value(format!("span has no {name}"));
    span.trace_id.ok_or_else(|| missing("traceId"))?;
    span.id.ok_or_else(|| missing("id"))?;
    Ok(())
}

/// A span of the second model.
pub(crate) fn span(r: &mut Reading<'_>, source: &mut Source<'_>, span: &mut Span) -> Done {
    fields::object(r, "span", |name, r| match name {
        "kind" => {
            span.kind = kind(&fields::string(r, name)?);
            Ok(())
        }
        "localEndpoint" => endpoint(r, name, source, canonical, &mut span.local),
        "remoteEndpoint" => endpoint(r, name, source, canonical, &mut span.remote),
        "annotations" => {
            span.annotations.clear();
            fields::array(r, name, |r| {
                let annotation = annotation(r, source)?;
                Ok(push(&mut span.annotations, annotation, &mut source.budget)?)
            })
        }
        "tags" => {
            span.tags.clear();
            tags(r, source, &mut span.tags)
        }
        _ => common(name, r, source, span),
    })
}

/// What both models have.
pub(crate) fn common(
    name: &str,
    r: &mut Reading<'_>,
    source: &mut Source<'_>,
    span: &mut Span,
) -> Done {
    match name {
        "traceId" => span.trace_id = Some(id::trace_id(name, &fields::string(r, name)?)?),
        "id" => span.id = Some(id::span_id(name, &fields::string(r, name)?)?),
        "parentId" => span.parent_id = id::parent_id(name, &fields::string(r, name)?)?,
        "name" => span.name = source.text(r, name)?,
        "timestamp" => span.timestamp_us = fields::whole(r, name)?,
        "duration" => span.duration_us = fields::whole(r, name)?,
        _ => fields::ignore(r)?,
    }
    Ok(())
}

/// Other words are no kind.
fn kind(word: &str) -> SpanKind {
    match word {
        "CLIENT" => SpanKind::Client,
        "SERVER" => SpanKind::Server,
        "PRODUCER" => SpanKind::Producer,
        "CONSUMER" => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

/// How a format writes addresses.
type Address = fn(Str, &mut Budget) -> Result<Str, DecodeError>;

/// An endpoint; what it does not say is empty, whatever stood there before.
pub(crate) fn endpoint(
    r: &mut Reading<'_>,
    what: &str,
    source: &mut Source<'_>,
    address: Address,
    endpoint: &mut Endpoint,
) -> Done {
    *endpoint = Endpoint::default();
    fields::object(r, what, |name, r| {
        match name {
            "serviceName" => endpoint.service_name = source.text(r, name)?,
            "ipv4" => endpoint.ipv4 = address(source.text(r, name)?, &mut source.budget)?,
            "ipv6" => endpoint.ipv6 = address(source.text(r, name)?, &mut source.budget)?,
            "port" => endpoint.port = fields::whole(r, name)?,
            _ => fields::ignore(r)?,
        }
        Ok(())
    })
}

/// An address as Go writes it; text that is none stays as it is.
fn canonical(text: Str, budget: &mut Budget) -> Result<Str, DecodeError> {
    let Ok(address) = text.parse::<IpAddr>() else {
        return Ok(text);
    };
    let canonical = address.to_canonical().to_string();
    if canonical == text.as_str() {
        return Ok(text);
    }
    copied(&canonical, budget)
}

fn annotation(r: &mut Reading<'_>, source: &mut Source<'_>) -> Result<Annotation, Bad> {
    let mut annotation = Annotation::default();
    fields::object(r, "annotation", |name, r| {
        match name {
            "timestamp" => annotation.timestamp_us = fields::whole(r, name)?,
            "value" => annotation.value = source.text(r, name)?,
            _ => fields::ignore(r)?,
        }
        Ok(())
    })?;
    Ok(annotation)
}

fn tags(r: &mut Reading<'_>, source: &mut Source<'_>, tags: &mut Vec<KeyValue>) -> Done {
    match r.peek()? {
        Kind::Object => r.begin_object()?,
        other => return Err(Bad::shape("tags", "an object", other)),
    }
    let mut first = true;
    while let Some(key) = r.next_name(first)? {
        first = false;
        let value = match r.peek()? {
            Kind::Null => {
                r.null()?;
                continue;
            }
            Kind::Number => source.share(Cow::Borrowed(r.number()?))?,
            Kind::Bool if r.bool()? => Str::from("true"),
            Kind::Bool => Str::from("false"),
            Kind::String => source.share(r.string()?)?,
            other => return Err(Bad::shape(&format!("tag {key:.32?}"), "text", other)),
        };
        let key = source.share(key)?;
        let value = Value::String(value);
        push(tags, KeyValue { key, value }, &mut source.budget)?;
    }
    Ok(keep_last(tags, &mut source.budget)?)
}

// === impl Source ===

impl Source<'_> {
    /// What the message may still take.
    pub(crate) fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// A text, shared with the body.
    pub(crate) fn text(&mut self, r: &mut Reading<'_>, what: &str) -> Result<Str, Bad> {
        Ok(self.share(fields::string(r, what)?)?)
    }

    /// A part of the body, shared with it; what had escapes is a text of its own.
    pub(crate) fn share(&mut self, part: Cow<'_, str>) -> Result<Str, DecodeError> {
        let part = match part {
            Cow::Borrowed(part) => part,
            Cow::Owned(made) => {
                charge_text(made.len(), &mut self.budget)?;
                return Ok(Str::from(made));
            }
        };
        let start = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr());
        let slice = start.and_then(|start| self.buffer.slice(start, part.len()));
        match slice.and_then(|slice| slice.into_str().ok()) {
            Some(text) if text == part => Ok(text),
            _ => copied(part, &mut self.budget),
        }
    }
}
