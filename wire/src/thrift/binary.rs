//! What the binary protocol writes in its own way.

use super::reader::{Field, Reader, Type};
use crate::DecodeError;

const STOP: u8 = 0;
const FIELD: &str = "field's header";

fn kind(code: u8) -> Option<Type> {
    Some(match code {
        2 => Type::Bool,
        3 => Type::Byte,
        4 => Type::Double,
        6 => Type::I16,
        8 => Type::I32,
        10 => Type::I64,
        11 => Type::Binary,
        12 => Type::Struct,
        13 => Type::Map,
        14 | 15 => Type::List,
        16 => Type::Uuid,
        _ => return None,
    })
}

pub(super) fn field(reader: &mut Reader<'_>) -> Result<Option<Field>, DecodeError> {
    let code = reader.byte(FIELD)?;
    if code == STOP {
        return Ok(None);
    }
    let kind = kind(code).ok_or_else(|| reader.invalid(FIELD))?;
    let id = i16::from_be_bytes(reader.array(FIELD)?);
    Ok(Some(Field { id, kind }))
}

/// A length or a count.
pub(super) fn len(reader: &mut Reader<'_>, what: &'static str) -> Result<usize, DecodeError> {
    let len = i32::from_be_bytes(reader.array(what)?);
    usize::try_from(len).map_err(|_| reader.invalid(what))
}

/// The type of no elements may be any.
pub(super) fn list(
    reader: &mut Reader<'_>,
    what: &'static str,
) -> Result<(Option<Type>, usize), DecodeError> {
    let code = reader.byte(what)?;
    Ok((kind(code), len(reader, what)?))
}

pub(super) fn map(
    reader: &mut Reader<'_>,
    what: &'static str,
) -> Result<(Type, Type, usize), DecodeError> {
    let (key, value) = (kind(reader.byte(what)?), kind(reader.byte(what)?));
    let count = len(reader, what)?;
    match (key, value) {
        (Some(key), Some(value)) => Ok((key, value, count)),
        _ if count == 0 => Ok((Type::Byte, Type::Byte, 0)),
        _ => Err(reader.invalid(what)),
    }
}
