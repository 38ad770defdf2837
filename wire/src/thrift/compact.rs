//! What the compact protocol writes in its own way.

use super::reader::{Field, Reader, Type};
use crate::DecodeError;

const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const FIELD: &str = "field's header";
/// The count of a list that does not fit its header.
const LONG: u8 = 15;

fn kind(code: u8) -> Option<Type> {
    Some(match code {
        TRUE | FALSE => Type::Bool,
        3 => Type::Byte,
        4 => Type::I16,
        5 => Type::I32,
        6 => Type::I64,
        7 => Type::Double,
        8 => Type::Binary,
        9 | 10 => Type::List,
        11 => Type::Map,
        12 => Type::Struct,
        13 => Type::Uuid,
        _ => return None,
    })
}

/// Seven bits a byte, the lowest first.
pub(super) fn varint(reader: &mut Reader<'_>, what: &'static str) -> Result<u64, DecodeError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = reader.byte(what)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(reader.invalid(what))
}

/// A number whose sign is its lowest bit.
pub(super) fn zigzag(reader: &mut Reader<'_>, what: &'static str) -> Result<i64, DecodeError> {
    let value = varint(reader, what)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}

pub(super) fn field(reader: &mut Reader<'_>, last: i16) -> Result<Option<Field>, DecodeError> {
    let header = reader.byte(FIELD)?;
    if header == STOP {
        return Ok(None);
    }
    let code = header & 0x0f;
    let kind = kind(code).ok_or_else(|| reader.invalid(FIELD))?;
    let id = match header >> 4 {
        0 => i16::try_from(zigzag(reader, FIELD)?).ok(),
        delta => last.checked_add(i16::from(delta)),
    };
    let id = id.ok_or_else(|| reader.invalid(FIELD))?;
    if kind == Type::Bool {
        reader.truth = Some(code == TRUE);
    }
    Ok(Some(Field { id, kind }))
}

/// A length or a count.
pub(super) fn len(reader: &mut Reader<'_>, what: &'static str) -> Result<usize, DecodeError> {
    let len = varint(reader, what)?;
    // more than 31 bits would be negative in other implementations
    let len = i32::try_from(len)
        .ok()
        .and_then(|l| usize::try_from(l).ok());
    len.ok_or_else(|| reader.invalid(what))
}

pub(super) fn list(
    reader: &mut Reader<'_>,
    what: &'static str,
) -> Result<(Option<Type>, usize), DecodeError> {
    let header = reader.byte(what)?;
    let count = match header >> 4 {
        LONG => len(reader, what)?,
        count => usize::from(count),
    };
    Ok((kind(header & 0x0f), count))
}

/// No elements have no types either.
pub(super) fn map(
    reader: &mut Reader<'_>,
    what: &'static str,
) -> Result<(Type, Type, usize), DecodeError> {
    let count = len(reader, what)?;
    if count == 0 {
        return Ok((Type::Byte, Type::Byte, 0));
    }
    let types = reader.byte(what)?;
    match (kind(types >> 4), kind(types & 0x0f)) {
        (Some(key), Some(value)) => Ok((key, value, count)),
        _ => Err(reader.invalid(what)),
    }
}
