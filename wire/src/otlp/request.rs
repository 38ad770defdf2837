//! The frame around spans: `ExportTraceServiceRequest`, which has the shape of `TracesData`.
//!
//! In: a body. Out: spans that share their resource and scope, and the spans that are broken in themselves. A broken frame is an error
//! of the whole, since nobody can say where the next span would begin. Fields may come in any order, so each frame is read twice:
//! first who made the spans, then the spans.
//!
//! Source: `opentelemetry/proto/collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`.

use std::ops::Range;
use std::sync::Arc;

use model::{Buffer, Resource, Scope, Slice, Span};

use super::attribute::text;
use super::resource::{ResourceReader, ScopeReader};
use super::span::{OWN, span};
use crate::DecodeError;
use crate::budget::Budget;
use crate::cursor::Cursor;

/// What a request held.
#[derive(Default)]
pub(crate) struct Request {
    /// The spans that can be stored.
    pub(crate) spans: Vec<Span>,
    /// The others.
    pub(crate) rejections: Vec<Rejection>,
}

/// A span that can never be stored.
pub(crate) struct Rejection {
    /// Why.
    pub(crate) reason: DecodeError,
    /// Where its bytes are in the buffer.
    pub(crate) range: Range<usize>,
    /// Which of the request's spans it is, counted from 0.
    pub(crate) ordinal: usize,
}

/// Reads all of `buffer`: with `FOREIGN`, another program's; with `OWN`, another Spoor's, with private fields.
pub(crate) fn request<const MODE: bool>(
    buffer: &Buffer,
    mut budget: Budget,
) -> Result<Request, DecodeError> {
    let mut request = Request {
        spans: budget.list(count_spans(Cursor::new(buffer))?)?,
        rejections: Vec::new(),
    };
    let mut cursor = Cursor::new(buffer);
    while let Some((number, wire)) = cursor.key()? {
        if number == 1 {
            let group = cursor.message(wire, "resource spans")?;
            resource_spans::<MODE>(&group, &mut request, &mut budget)?;
        } else {
            cursor.skip(number, wire)?;
        }
    }
    Ok(request)
}

fn count_spans(mut request: Cursor<'_>) -> Result<usize, DecodeError> {
    let mut spans = 0;
    while let Some((number, wire)) = request.key()? {
        if number != 1 {
            request.skip(number, wire)?;
            continue;
        }
        let mut group = request.message(wire, "resource spans")?;
        while let Some((number, wire)) = group.key()? {
            if number == 2 {
                let [count] = group.message(wire, "scope spans")?.count([2])?;
                spans += count;
            } else {
                group.skip(number, wire)?;
            }
        }
    }
    Ok(spans)
}

fn resource_spans<const MODE: bool>(
    group: &Cursor<'_>,
    request: &mut Request,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut resource = ResourceReader::new();
    let mut schema_url = Slice::default();
    let mut cursor = group.clone();
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => resource.read::<MODE>(cursor.message(wire, "resource")?, budget)?,
            3 => schema_url = cursor.slice(wire, "resource's schema url")?,
            _ => cursor.skip(number, wire)?,
        }
    }
    budget.charge(1, size_of::<Resource>() + 16)?;
    let resource = Arc::new(match MODE {
        OWN => resource.finish_own(),
        _ => resource.finish_foreign(text(schema_url, budget)?),
    });
    let mut cursor = group.clone();
    while let Some((number, wire)) = cursor.key()? {
        if number == 2 {
            let group = cursor.message(wire, "scope spans")?;
            scope_spans::<MODE>(&group, &resource, request, budget)?;
        } else {
            cursor.skip(number, wire)?;
        }
    }
    Ok(())
}

fn scope_spans<const MODE: bool>(
    group: &Cursor<'_>,
    resource: &Arc<Resource>,
    request: &mut Request,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut scope = ScopeReader::new();
    let mut schema_url = Slice::default();
    let mut cursor = group.clone();
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => scope.read::<MODE>(cursor.message(wire, "scope")?, budget)?,
            3 => schema_url = cursor.slice(wire, "scope's schema url")?,
            _ => cursor.skip(number, wire)?,
        }
    }
    budget.charge(1, size_of::<Scope>() + 16)?;
    let scope = Arc::new(match MODE {
        OWN => scope.finish_own(),
        _ => scope.finish_foreign(text(schema_url, budget)?),
    });
    let mut cursor = group.clone();
    while let Some((number, wire)) = cursor.key()? {
        if number == 2 {
            let one = cursor.message(wire, "span")?;
            let range = one.range();
            match span::<MODE>(one, resource.clone(), scope.clone(), budget) {
                Ok(span) => request.spans.push(span),
                Err(reason) => request.reject(reason, range, budget)?,
            }
        } else {
            cursor.skip(number, wire)?;
        }
    }
    Ok(())
}

// === impl Request ===

impl Request {
    fn reject(
        &mut self,
        reason: DecodeError,
        range: Range<usize>,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        // the list doubles as it grows, and becomes one of payloads and texts
        budget.charge(1, 320)?;
        self.rejections.push(Rejection {
            ordinal: self.spans.len() + self.rejections.len(),
            reason,
            range,
        });
        Ok(())
    }
}
