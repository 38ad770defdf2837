//! Thrift: batches of Jaeger's clients and agents, and spans of Zipkin's.
//!
//! In: a body or a datagram in the binary or the compact protocol. Out: spans in the `Jaeger` dialect, whose text points into what came.
//! Counts and lengths are believed only as far as there are bytes for them, and lists are charged before they are allocated. Unknown fields
//! are left out, as are known ones of another type; a required field that is missing refuses the whole, as Jaeger does.
//!
//! Source: `jaegertracing/jaeger-idl: thrift/{jaeger,agent,zipkincore}.thrift`; Apache Thrift, "Thrift Binary protocol encoding" and "Thrift
//! Compact protocol encoding".

mod binary;
mod compact;
mod jaeger;
mod message;
mod reader;
mod zipkin;

use bytes::Bytes;
use model::Buffer;

use crate::budget::Budget;
use crate::{DecodeError, Decoded};
use reader::Reader;

pub use jaeger::{Batch, Stats};

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Numbers big-endian and of their full width.
    Binary,
    /// Numbers in as few bytes as they take.
    Compact,
}

/// A `jaeger.thrift` `Batch`, as it is posted.
///
/// # Errors
/// When the batch cannot be followed, or lacks a required field.
pub fn decode_batch(body: Bytes, protocol: Protocol) -> Result<Batch, DecodeError> {
    whole(body, protocol, jaeger::batch)
}

/// A message as agents get it: a call of `emitBatch` or of `emitZipkinBatch`. What stands behind it is left out.
///
/// # Errors
/// When the message cannot be followed, or calls something else.
pub fn decode_message(datagram: Bytes, protocol: Protocol) -> Result<Batch, DecodeError> {
    whole(datagram, protocol, message::message)
}

/// A list of `zipkincore.thrift` `Span`, as it is posted. A span that has a client's and a server's half becomes two.
///
/// # Errors
/// When the list cannot be followed.
pub fn decode_zipkin(body: Bytes, protocol: Protocol) -> Result<Decoded, DecodeError> {
    whole(body, protocol, zipkin::list)
}

fn whole<T>(
    body: Bytes,
    protocol: Protocol,
    read: fn(&mut Reader<'_>, &mut Budget) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let len = body.len();
    let buffer = Buffer::new(body).ok_or(DecodeError::TooLong(len))?;
    read(
        &mut Reader::new(&buffer, protocol),
        &mut Budget::of_message(len),
    )
}

#[cfg(test)]
mod tests;
