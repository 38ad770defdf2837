//! The store's own encoding of spans, for journals and segments: nothing that the model can hold is lost.
//!
//! It is OTLP's protobuf with private fields (numbers from 1000 on) for what OTLP cannot say: the dialect, warnings, a reference's
//! type, a service's name that is missing or empty, schemas beside their resource and scope. A resource, a scope and a span are three
//! records, so that a batch writes the first two once. Floats are kept by their bits.
//!
//! Deliberately absent: framing, checksums and versions. Those belong to the file that holds the records.

use std::ops::Range;
use std::sync::Arc;

use model::{Buffer, Resource, Scope, Span};

use crate::DecodeError;
use crate::budget::Budget;
use crate::cursor::Cursor;
use crate::otlp::resource::{ResourceReader, ScopeReader};
use crate::otlp::span::OWN;
use crate::otlp::{span, write};
use crate::writer::Writer;

/// Appends `resource` to `out`.
pub fn encode_resource(resource: &Resource, out: &mut Vec<u8>) {
    write::own_resource(&mut Writer::new(out), resource);
}

/// Appends `scope` to `out`.
pub fn encode_scope(scope: &Scope, out: &mut Vec<u8>) {
    write::own_scope(&mut Writer::new(out), scope);
}

/// Appends `span` to `out`, without its resource and scope.
pub fn encode_span(span: &Span, out: &mut Vec<u8>) {
    write::span::<OWN>(&mut Writer::new(out), span);
}

/// The resource that `range` of `buffer` holds.
pub fn decode_resource(buffer: &Buffer, range: Range<usize>) -> Result<Resource, DecodeError> {
    let mut reader = ResourceReader::new();
    reader.read::<OWN>(Cursor::over(buffer, range)?, &mut Budget::unlimited())?;
    Ok(reader.finish_own())
}

/// The scope that `range` of `buffer` holds.
pub fn decode_scope(buffer: &Buffer, range: Range<usize>) -> Result<Scope, DecodeError> {
    let mut reader = ScopeReader::new();
    reader.read::<OWN>(Cursor::over(buffer, range)?, &mut Budget::unlimited())?;
    Ok(reader.finish_own())
}

/// The span that `range` of `buffer` holds, of this resource and scope. Its text points into the buffer.
pub fn decode_span(
    buffer: &Buffer,
    range: Range<usize>,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
) -> Result<Span, DecodeError> {
    let cursor = Cursor::over(buffer, range)?;
    span::span::<OWN>(cursor, resource, scope, &mut Budget::unlimited())
}

#[cfg(test)]
mod tests;
