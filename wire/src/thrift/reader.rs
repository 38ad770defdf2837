//! Values from bytes, in either protocol.

use model::{Buffer, Slice};

use super::{Protocol, binary, compact};
use crate::{DecodeError, MAX_DEPTH};

/// What a field or an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    /// Text, or bytes.
    Binary,
    Uuid,
    /// A list, or a set.
    List,
    Map,
    Struct,
}

/// A field's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) id: i16,
    pub(super) kind: Type,
}

/// Bytes that are read from front to back.
pub(super) struct Reader<'a> {
    buffer: &'a Buffer,
    pub(super) at: usize,
    pub(super) protocol: Protocol,
    /// The value of a boolean whose header has it.
    pub(super) truth: Option<bool>,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    pub(super) fn new(buffer: &'a Buffer, protocol: Protocol) -> Self {
        Self {
            buffer,
            at: 0,
            protocol,
            truth: None,
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.buffer.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub(super) fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Invalid { what, at: self.at }
    }

    pub(super) fn truncated(&self, what: &'static str) -> DecodeError {
        DecodeError::Truncated { what, at: self.at }
    }

    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        let byte = self.rest().first().copied();
        let byte = byte.ok_or_else(|| self.truncated(what))?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        let array = self.rest().first_chunk::<N>().copied();
        let array = array.ok_or_else(|| self.truncated(what))?;
        self.at += N;
        Ok(array)
    }

    fn number(&mut self, kind: Type, what: &'static str) -> Result<i64, DecodeError> {
        match (self.protocol, kind) {
            (_, Type::Byte) => Ok(i64::from(self.byte(what)? as i8)),
            (Protocol::Binary, Type::I16) => Ok(i64::from(i16::from_be_bytes(self.array(what)?))),
            (Protocol::Binary, Type::I32) => Ok(i64::from(i32::from_be_bytes(self.array(what)?))),
            (Protocol::Binary, _) => Ok(i64::from_be_bytes(self.array(what)?)),
            (Protocol::Compact, _) => compact::zigzag(self, what),
        }
    }

    pub(super) fn i16(&mut self, what: &'static str) -> Result<i16, DecodeError> {
        let number = self.number(Type::I16, what)?;
        i16::try_from(number).map_err(|_| self.invalid(what))
    }

    pub(super) fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        let number = self.number(Type::I32, what)?;
        i32::try_from(number).map_err(|_| self.invalid(what))
    }

    pub(super) fn i64(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        self.number(Type::I64, what)
    }

    pub(super) fn double(&mut self, what: &'static str) -> Result<f64, DecodeError> {
        let bytes = self.array(what)?;
        // the one number that the compact protocol has little-endian
        Ok(match self.protocol {
            Protocol::Binary => f64::from_be_bytes(bytes),
            Protocol::Compact => f64::from_le_bytes(bytes),
        })
    }

    /// The value of a field that is a boolean.
    pub(super) fn bool(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        match self.truth.take() {
            Some(truth) => Ok(truth),
            None => Ok(self.byte(what)? == 1),
        }
    }

    /// Text or bytes, which stay where they are.
    pub(super) fn slice(&mut self, what: &'static str) -> Result<Slice, DecodeError> {
        let len = match self.protocol {
            Protocol::Binary => binary::len(self, what)?,
            Protocol::Compact => compact::len(self, what)?,
        };
        let slice = self.buffer.slice(self.at, len);
        let slice = slice.ok_or_else(|| self.truncated(what))?;
        self.at += len;
        Ok(slice)
    }

    /// The next field of a struct, `None` at its end. `last` is the number of the field before, 0 at first.
    pub(super) fn field(&mut self, last: &mut i16) -> Result<Option<Field>, DecodeError> {
        // of a field before that nobody asked for
        self.truth = None;
        let field = match self.protocol {
            Protocol::Binary => binary::field(self)?,
            Protocol::Compact => compact::field(self, *last)?,
        };
        if let Some(field) = &field {
            *last = field.id;
        }
        Ok(field)
    }

    /// The type and the number of a list's elements, for which there are bytes.
    pub(super) fn list(&mut self, what: &'static str) -> Result<(Type, usize), DecodeError> {
        let (kind, count) = match self.protocol {
            Protocol::Binary => binary::list(self, what)?,
            Protocol::Compact => compact::list(self, what)?,
        };
        self.enough(count, kind.map_or(1, |kind| self.least(kind)), what)?;
        match kind {
            Some(kind) => Ok((kind, count)),
            None if count == 0 => Ok((Type::Byte, 0)),
            None => Err(self.invalid(what)),
        }
    }

    fn enough(&self, count: usize, least: usize, what: &'static str) -> Result<(), DecodeError> {
        match count <= self.rest().len() / least {
            true => Ok(()),
            false => Err(self.truncated(what)),
        }
    }

    /// The fewest bytes of an element.
    fn least(&self, kind: Type) -> usize {
        match (kind, self.protocol) {
            (Type::Double, _) => 8,
            (Type::Uuid, _) => 16,
            (Type::Bool | Type::Byte | Type::Struct, _) | (_, Protocol::Compact) => 1,
            (Type::I16, _) => 2,
            (Type::I32 | Type::Binary, _) => 4,
            (Type::List, _) => 5,
            (Type::Map, _) => 6,
            (Type::I64, _) => 8,
        }
    }

    /// Leaves out the value of a field.
    pub(super) fn skip(&mut self, kind: Type) -> Result<(), DecodeError> {
        match (kind, self.truth.take()) {
            (Type::Bool, Some(_)) => Ok(()),
            _ => self.skip_value(kind, MAX_DEPTH),
        }
    }

    fn skip_value(&mut self, kind: Type, depth: usize) -> Result<(), DecodeError> {
        const WHAT: &str = "field that is left out";
        let deeper = || {
            depth
                .checked_sub(1)
                .ok_or(DecodeError::TooDeep { what: WHAT })
        };
        match kind {
            Type::Bool | Type::Byte => drop(self.byte(WHAT)?),
            Type::I16 | Type::I32 | Type::I64 => drop(self.number(kind, WHAT)?),
            Type::Double => drop(self.array::<8>(WHAT)?),
            Type::Uuid => drop(self.array::<16>(WHAT)?),
            Type::Binary => drop(self.slice(WHAT)?),
            Type::List => {
                let depth = deeper()?;
                let (kind, count) = self.list(WHAT)?;
                for _ in 0..count {
                    self.skip_value(kind, depth)?;
                }
            }
            Type::Map => {
                let depth = deeper()?;
                let (key, value, count) = match self.protocol {
                    Protocol::Binary => binary::map(self, WHAT)?,
                    Protocol::Compact => compact::map(self, WHAT)?,
                };
                self.enough(count, self.least(key) + self.least(value), WHAT)?;
                for _ in 0..count {
                    self.skip_value(key, depth)?;
                    self.skip_value(value, depth)?;
                }
            }
            Type::Struct => {
                let depth = deeper()?;
                let mut last = 0;
                while let Some(field) = self.field(&mut last)? {
                    match (field.kind, self.truth.take()) {
                        (Type::Bool, Some(_)) => {}
                        _ => self.skip_value(field.kind, depth)?,
                    }
                }
            }
        }
        Ok(())
    }
}
