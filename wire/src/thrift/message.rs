//! Remote calls to the agent: an envelope with a name, and the arguments as a struct.
//!
//! In: a reader in front of the envelope. Out: the call. The agent answers none, so that a call's number and whether its sender waits are
//! passed over.
//!
//! Source: `jaegertracing/jaeger-idl: thrift/agent.thrift`.

use super::Message;
use super::jaeger::read_batch;
use super::reader::{Reader, Type};
use super::zipkin::read_spans;
use crate::DecodeError;
use crate::budget::Budget;

/// The longest part of an unknown name that an error repeats, in bytes.
const NAME_SHOWN: usize = 64;

/// Reads one call.
pub(super) fn read_message<'a, R: Reader<'a>>(
    reader: &mut R,
    budget: &mut Budget,
) -> Result<Message, DecodeError> {
    const CALL: u8 = 1;
    const ONEWAY: u8 = 4;
    let envelope = reader.envelope()?;
    if !matches!(envelope.kind, CALL | ONEWAY) {
        return Err(reader.input().invalid("message's type (not a call)"));
    }
    match envelope.name.as_bytes() {
        b"emitBatch" => argument(reader, Type::Struct, "batch of emitBatch", |reader| {
            read_batch(reader, budget).map(Message::EmitBatch)
        }),
        b"emitZipkinBatch" => argument(reader, Type::List, "spans of emitZipkinBatch", |reader| {
            read_spans(reader, budget).map(Message::EmitZipkinBatch)
        }),
        name => {
            let shown = name.get(..NAME_SHOWN).unwrap_or(name);
            let shown = String::from_utf8_lossy(shown).into_owned();
            Err(DecodeError::UnknownMessage(shown))
        }
    }
}

/// Reads field 1 of the arguments, which is of type `wanted`.
fn argument<'a, R: Reader<'a>, T>(
    reader: &mut R,
    wanted: Type,
    what: &'static str,
    mut read: impl FnMut(&mut R) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut argument = None;
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "message's arguments")? {
        last = number;
        match number {
            1 => {
                reader.expect(found, wanted, what)?;
                argument = Some(read(reader)?);
            }
            _ => reader.skip(found)?,
        }
    }
    let at = reader.input().at();
    argument.ok_or(DecodeError::Missing { what, at })
}
