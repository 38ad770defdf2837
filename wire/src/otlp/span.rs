//! One span from bytes: OTLP's `Span`, and with [`OWN`] the same message as the store writes it, with private fields.
//!
//! In: a cursor over the span. Out: the model's span, with the resource and scope that it is given. A foreign span without valid ids is
//! an error; an own one is what it was.
//!
//! Source: `opentelemetry/proto/trace/v1/trace.proto`.

use std::sync::Arc;

use model::{
    Dialect, Dropped, Event, Link, RefType, Resource, Scope, Slice, Span, SpanId, SpanKind, Status,
    StatusCode, Str, TraceId,
};

use super::attribute::{Attributes, name, text};
use crate::DecodeError;
use crate::budget::Budget;
use crate::cursor::{Cursor, Wire};

/// From another program: ids are checked, zero parents are none, private fields are unknown.
pub(crate) const FOREIGN: bool = false;
/// From ourselves: private fields are read, and nothing is checked but that it fits the model.
pub(crate) const OWN: bool = true;

/// Private field of a span: 1 when it is in the Jaeger dialect.
pub(crate) const DIALECT: u32 = 1000;
/// Private field of a span: a warning, repeated.
pub(crate) const WARNING: u32 = 1001;
/// Private field of a link: 1 when it is a child-of reference.
pub(crate) const REF_TYPE: u32 = 1000;

/// Reads a span.
pub(crate) fn span<const MODE: bool>(
    mut cursor: Cursor<'_>,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
    budget: &mut Budget,
) -> Result<Span, DecodeError> {
    let [attribute_count, event_count, link_count] = cursor.count([9, 11, 13])?;
    let mut attributes = Attributes::with_room(attribute_count, budget)?;
    let mut events = budget.list(event_count)?;
    let mut links = budget.list(link_count)?;
    let mut warnings = Vec::new();
    let mut trace_id = TraceId::default();
    let mut span_id = SpanId::default();
    let mut parent_span_id = None;
    let mut trace_state = Str::default();
    let mut raw_name = Slice::default();
    let mut kind = SpanKind::default();
    let (mut start_ns, mut end_ns, mut flags) = (0, 0, 0);
    let mut dropped = Dropped::default();
    let mut status = Status::default();
    let mut dialect = Dialect::Otlp;
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => trace_id = read_trace_id(&mut cursor, wire)?,
            2 => span_id = read_span_id(&mut cursor, wire)?,
            3 => trace_state = text(cursor.slice(wire, "trace state")?, budget)?,
            4 => parent_span_id = parent::<MODE>(&mut cursor, wire)?,
            5 => raw_name = cursor.slice(wire, "span's name")?,
            6 => kind = SpanKind::from_number(cursor.varint(wire, "span's kind")? as i32),
            7 => start_ns = cursor.fixed64(wire, "start time")?,
            8 => end_ns = cursor.fixed64(wire, "end time")?,
            9 => attributes.read(cursor.message(wire, "span's attribute")?, budget)?,
            10 => dropped.attributes = cursor.varint(wire, "dropped attributes count")? as u32,
            11 => events.push(event(cursor.message(wire, "event")?, budget)?),
            12 => dropped.events = cursor.varint(wire, "dropped events count")? as u32,
            13 => links.push(link::<MODE>(cursor.message(wire, "link")?, budget)?),
            14 => dropped.links = cursor.varint(wire, "dropped links count")? as u32,
            15 => read_status(cursor.message(wire, "status")?, &mut status, budget)?,
            16 => flags = cursor.fixed32(wire, "span's flags")?,
            DIALECT if MODE == OWN => {
                if cursor.varint(wire, "dialect")? == 1 {
                    dialect = Dialect::Jaeger;
                }
            }
            WARNING if MODE == OWN => warnings.push(text(cursor.slice(wire, "warning")?, budget)?),
            _ => cursor.skip(number, wire)?,
        }
    }
    if MODE == FOREIGN {
        if trace_id.is_zero() {
            return Err(cursor.invalid("trace id (missing, or all zero)"));
        }
        if span_id.is_zero() {
            return Err(cursor.invalid("span id (missing, or all zero)"));
        }
    }
    let (name, kept) = name(raw_name, budget)?;
    if let Some(kept) = kept {
        attributes.grow(1, budget)?;
        attributes.push(kept);
    }
    Ok(Span {
        trace_id,
        span_id,
        parent_span_id,
        name,
        kind,
        start_ns,
        end_ns,
        attributes: attributes.finish(),
        events,
        links,
        status,
        resource,
        scope,
        dialect,
        trace_state,
        flags,
        warnings,
        dropped,
    })
}

/// An id of 16 bytes; none at all is the zero id.
#[inline]
fn read_trace_id(cursor: &mut Cursor<'_>, wire: Wire) -> Result<TraceId, DecodeError> {
    let bytes = cursor.raw(wire, "trace id")?;
    match <[u8; 16]>::try_from(bytes) {
        Ok(id) => Ok(TraceId(id)),
        Err(_) if bytes.is_empty() => Ok(TraceId::default()),
        Err(_) => Err(cursor.invalid("trace id (not of 16 bytes)")),
    }
}

/// An id of 8 bytes; none at all is the zero id.
#[inline]
fn read_span_id(cursor: &mut Cursor<'_>, wire: Wire) -> Result<SpanId, DecodeError> {
    let bytes = cursor.raw(wire, "span id")?;
    match <[u8; 8]>::try_from(bytes) {
        Ok(id) => Ok(SpanId(id)),
        Err(_) if bytes.is_empty() => Ok(SpanId::default()),
        Err(_) => Err(cursor.invalid("span id (not of 8 bytes)")),
    }
}

#[inline]
fn parent<const MODE: bool>(
    cursor: &mut Cursor<'_>,
    wire: Wire,
) -> Result<Option<SpanId>, DecodeError> {
    let id = read_span_id(cursor, wire)?;
    Ok((MODE == OWN || !id.is_zero()).then_some(id))
}

fn event(mut cursor: Cursor<'_>, budget: &mut Budget) -> Result<Event, DecodeError> {
    let [attribute_count] = cursor.count([3])?;
    let mut attributes = Attributes::with_room(attribute_count, budget)?;
    let mut event = Event::default();
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => event.time_ns = cursor.fixed64(wire, "event's time")?,
            2 => event.name = text(cursor.slice(wire, "event's name")?, budget)?,
            3 => attributes.read(cursor.message(wire, "event's attribute")?, budget)?,
            4 => {
                event.dropped_attributes_count =
                    cursor.varint(wire, "event's dropped attributes count")? as u32;
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    event.attributes = attributes.finish();
    Ok(event)
}

fn link<const MODE: bool>(
    mut cursor: Cursor<'_>,
    budget: &mut Budget,
) -> Result<Link, DecodeError> {
    let [attribute_count] = cursor.count([4])?;
    let mut attributes = Attributes::with_room(attribute_count, budget)?;
    let mut link = Link::default();
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => link.trace_id = read_trace_id(&mut cursor, wire)?,
            2 => link.span_id = read_span_id(&mut cursor, wire)?,
            3 => link.trace_state = text(cursor.slice(wire, "link's trace state")?, budget)?,
            4 => attributes.read(cursor.message(wire, "link's attribute")?, budget)?,
            5 => {
                link.dropped_attributes_count =
                    cursor.varint(wire, "link's dropped attributes count")? as u32;
            }
            6 => link.flags = cursor.fixed32(wire, "link's flags")?,
            REF_TYPE if MODE == OWN => {
                if cursor.varint(wire, "reference's type")? == 1 {
                    link.ref_type = RefType::ChildOf;
                }
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    link.attributes = attributes.finish();
    Ok(link)
}

fn read_status(
    mut cursor: Cursor<'_>,
    status: &mut Status,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    while let Some((number, wire)) = cursor.key()? {
        match number {
            2 => status.message = text(cursor.slice(wire, "status message")?, budget)?,
            3 => {
                status.code = match cursor.varint(wire, "status code")? as i32 {
                    1 => StatusCode::Ok,
                    2 => StatusCode::Error,
                    _ => StatusCode::Unset,
                }
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    Ok(())
}
