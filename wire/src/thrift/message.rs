//! The envelope of a call: its name, its kind, its number; then its arguments.

use super::jaeger::{self, Batch};
use super::reader::{Reader, Type};
use super::{Protocol, zipkin};
use crate::DecodeError;
use crate::budget::Budget;

const ENVELOPE: &str = "message's envelope";
const NAME: &str = "message's name (neither emitBatch nor emitZipkinBatch)";
const ARGUMENTS: &str = "message (its argument is missing)";
/// Calls that are answered, and those that are not.
const CALLS: [u8; 2] = [1, 4];
/// How the compact protocol says what it is.
const COMPACT: u8 = 0x82;
/// The upper half of the first word of the binary protocol, where it has a version.
const VERSION: u32 = 0x8001;

/// A call of one of the agent's methods.
pub(super) fn message(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Batch, DecodeError> {
    let is_zipkin = match envelope(reader)?.as_slice() {
        b"emitBatch" => false,
        b"emitZipkinBatch" => true,
        _ => return Err(reader.invalid(NAME)),
    };
    let mut last = 0;
    let mut found = None;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::List) if is_zipkin => {
                let decoded = zipkin::list(reader, budget)?;
                found = Some(Batch {
                    decoded,
                    ..Batch::default()
                });
            }
            (1, Type::Struct) if !is_zipkin => found = Some(jaeger::batch(reader, budget)?),
            (_, kind) => reader.skip(kind)?,
        }
    }
    found.ok_or_else(|| reader.invalid(ARGUMENTS))
}

/// Answers the name.
fn envelope(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let (kind, name);
    match reader.protocol {
        Protocol::Compact => {
            let [protocol, version] = reader.array(ENVELOPE)?;
            if protocol != COMPACT || version & 0x1f != 1 {
                return Err(reader.invalid(ENVELOPE));
            }
            kind = version >> 5;
            super::compact::varint(reader, ENVELOPE)?;
            name = reader.slice(ENVELOPE)?;
        }
        Protocol::Binary => {
            let begin = reader.at;
            let first = u32::from_be_bytes(reader.array(ENVELOPE)?);
            if first >> 16 == VERSION {
                kind = first as u8;
                name = reader.slice(ENVELOPE)?;
            } else {
                // without a version the name comes first
                reader.at = begin;
                name = reader.slice(ENVELOPE)?;
                kind = reader.byte(ENVELOPE)?;
            }
            reader.array::<4>(ENVELOPE)?;
        }
    }
    match CALLS.contains(&kind) {
        true => Ok(name.as_bytes().to_vec()),
        false => Err(reader.invalid(ENVELOPE)),
    }
}
