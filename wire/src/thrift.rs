//! Jaeger's Thrift: batches over HTTP and in the datagrams of its agent; and Zipkin's spans, as its old clients send them.
//!
//! In: bytes, and the [`Protocol`] that they are written in. Out: spans in the `Jaeger` dialect whose text points into them. A message that
//! lacks a field it must have, or that is broken anywhere, is refused as a whole, as Jaeger does; a span with odd ids is kept, as in Jaeger's
//! protobuf. The tag that says which format spans came in is added by whoever receives them.
//!
//! Source: `jaegertracing/jaeger-idl: thrift/{jaeger,agent,zipkincore}.thrift`; `jaegertracing/jaeger: internal/converter/thrift` v1.76.0.

mod binary;
mod compact;
mod input;
mod jaeger;
mod message;
mod reader;
mod tag;
mod zipkin;

use std::sync::Arc;

use bytes::Bytes;
use model::{Buffer, Resource};

use crate::budget::Budget;
use crate::{DecodeError, Decoded};
use binary::Binary;
use compact::Compact;
use jaeger::read_batch;
use message::read_message;
use reader::Reader as _;
use zipkin::read_spans;

/// How a message is written. It does not say so itself: the port it came to does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Numbers of a fixed size: HTTP, and port 6832.
    Binary,
    /// Numbers in groups of seven bits: ports 6831 and 5775.
    Compact,
}

/// What a client sent at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// Its spans, which share one process.
    pub decoded: Decoded,
    /// The process, which is there without spans too.
    pub process: Arc<Resource>,
    /// The client's number of this batch. Numbers that are left out are batches that were lost.
    pub sequence: Option<i64>,
    /// What the client says that it lost.
    pub stats: Option<ClientStats>,
}

/// Spans that a client lost, each counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// Its queue was full.
    pub full_queue_dropped_spans: i64,
    /// They were larger than a datagram.
    pub too_large_dropped_spans: i64,
    /// They could not be sent.
    pub failed_to_emit_spans: i64,
}

/// A remote call to the agent; it takes no answer.
#[derive(Debug)]
pub enum Message {
    /// `emitBatch`: Jaeger's spans.
    EmitBatch(Batch),
    /// `emitZipkinBatch`: Zipkin's spans, already converted.
    EmitZipkinBatch(Decoded),
}

/// Decodes one `Batch`, without an envelope, as it is posted to port 14268. What follows it is passed over.
///
/// # Errors
///
/// When it cannot be followed, or lacks a field that it must have: the field and where it was missed.
pub fn decode_batch(body: Bytes, protocol: Protocol) -> Result<Batch, DecodeError> {
    let (buffer, mut budget) = open(body)?;
    match protocol {
        Protocol::Binary => read_batch(&mut Binary::new(&buffer), &mut budget),
        Protocol::Compact => read_batch(&mut Compact::new(&buffer), &mut budget),
    }
}

/// Decodes one remote call to the agent: an envelope and its arguments. What follows them is passed over. In the binary protocol the
/// envelope may have a version or not.
///
/// # Errors
///
/// When it cannot be followed or lacks a field that it must have: the field and where it was missed. A call of another name: that name.
pub fn decode_message(datagram: Bytes, protocol: Protocol) -> Result<Message, DecodeError> {
    let (buffer, mut budget) = open(datagram)?;
    match protocol {
        Protocol::Binary => read_message(&mut Binary::new(&buffer), &mut budget),
        Protocol::Compact => read_message(&mut Compact::new(&buffer), &mut budget),
    }
}

/// Decodes a list of Zipkin's spans, as it is posted to port 9411 with the content type `application/x-thrift`, by the rules of Jaeger's own
/// converter. What follows it is passed over.
///
/// # Errors
///
/// When it cannot be followed: the field and where.
pub fn decode_zipkin(body: Bytes, protocol: Protocol) -> Result<Decoded, DecodeError> {
    let (buffer, mut budget) = open(body)?;
    match protocol {
        Protocol::Binary => read_spans(&mut Binary::new(&buffer), &mut budget),
        Protocol::Compact => read_spans(&mut Compact::new(&buffer), &mut budget),
    }
}

/// Decodes a list of Zipkin's spans in the binary protocol that is all of `value`, as it stands in a Kafka record. All its spans are kept, where
/// Jaeger's ingester keeps the first.
///
/// # Errors
///
/// When it cannot be followed, or something follows it: the field and where.
pub fn decode_zipkin_record(value: Bytes) -> Result<Decoded, DecodeError> {
    let (buffer, mut budget) = open(value)?;
    let mut reader = Binary::new(&buffer);
    let decoded = read_spans(&mut reader, &mut budget)?;
    match reader.input().left() {
        0 => Ok(decoded),
        _ => Err(reader.input().invalid("byte behind the list of spans")),
    }
}

fn open(body: Bytes) -> Result<(Buffer, Budget), DecodeError> {
    let len = body.len();
    let buffer = Buffer::new(body).ok_or(DecodeError::TooLong(len))?;
    Ok((buffer, Budget::of_message(len)))
}

#[cfg(test)]
pub(crate) mod tests;
