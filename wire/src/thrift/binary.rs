//! The binary protocol: numbers of a fixed size, big-endian.
//!
//! In: a message. Out: what it holds, as [`Reader`] says. Envelopes may be strict, with a version, or of the time before there was one.
//!
//! Source: `apache/thrift: doc/specs/thrift-binary-protocol.md`.

use model::Buffer;

use super::input::Input;
use super::reader::{Envelope, Field, Map, Reader, Type};
use crate::DecodeError;

/// A message in the binary protocol.
pub(super) struct Binary<'a>(Input<'a>);

// === impl Binary ===

impl<'a> Binary<'a> {
    /// Over all of `buffer`.
    pub(super) fn new(buffer: &'a Buffer) -> Self {
        Self(Input::new(buffer))
    }

    /// A length or a count, which must not be negative.
    #[inline]
    fn size(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let size = self.i32(what)?;
        usize::try_from(size).map_err(|_| self.0.invalid(what))
    }

    /// A type; `None` for 0, which ends a struct.
    #[inline]
    fn type_byte(&mut self, what: &'static str) -> Result<Option<Type>, DecodeError> {
        Ok(Some(match self.0.byte(what)? {
            0 => return Ok(None),
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
            _ => return Err(self.0.invalid(what)),
        }))
    }
}

impl<'a> Reader<'a> for Binary<'a> {
    #[inline]
    fn input(&mut self) -> &mut Input<'a> {
        &mut self.0
    }

    #[inline]
    fn field(&mut self, _last: i16, what: &'static str) -> Result<Option<Field>, DecodeError> {
        match self.type_byte(what)? {
            None => Ok(None),
            Some(found) => Ok(Some((self.i16(what)?, found))),
        }
    }

    fn bool_byte(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        // as Go reads it: anything else is false
        Ok(self.0.byte(what)? == 1)
    }

    #[inline]
    fn i16(&mut self, what: &'static str) -> Result<i16, DecodeError> {
        self.0.array(what).map(i16::from_be_bytes)
    }

    #[inline]
    fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        self.0.array(what).map(i32::from_be_bytes)
    }

    #[inline]
    fn i64(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        self.0.array(what).map(i64::from_be_bytes)
    }

    #[inline]
    fn double(&mut self, what: &'static str) -> Result<f64, DecodeError> {
        self.0.array(what).map(f64::from_be_bytes)
    }

    #[inline]
    fn len(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        self.size(what)
    }

    fn raw_list(&mut self, what: &'static str) -> Result<(Option<Type>, usize), DecodeError> {
        let element = self.type_byte(what)?;
        Ok((element, self.size(what)?))
    }

    fn raw_map(&mut self, what: &'static str) -> Result<Option<Map>, DecodeError> {
        let (key, value) = (self.type_byte(what)?, self.type_byte(what)?);
        let count = self.size(what)?;
        match (key, value) {
            _ if count == 0 => Ok(None),
            (Some(key), Some(value)) => Ok(Some(Map { key, value, count })),
            _ => Err(self.0.invalid(what)),
        }
    }

    fn envelope(&mut self) -> Result<Envelope, DecodeError> {
        const WHAT: &str = "message's envelope";
        let first = self.i32(WHAT)?;
        let envelope = if first < 0 {
            // a version and the type, in one number whose first bit is set
            if (first as u32) >> 16 != 0x8001 {
                return Err(self.0.invalid("message's version"));
            }
            let len = self.size("message's name")?;
            let name = self.0.slice(len, "message's name")?;
            Envelope {
                name,
                kind: first as u8,
            }
        } else {
            let len = usize::try_from(first).unwrap_or(usize::MAX);
            let name = self.0.slice(len, "message's name")?;
            let kind = self.0.byte("message's type")?;
            Envelope { name, kind }
        };
        self.i32("message's number")?;
        Ok(envelope)
    }

    fn smallest(element: Type) -> usize {
        match element {
            Type::Map => 6,
            Type::List => 5,
            Type::Binary => 4,
            Type::Struct => 1,
            _ => Self::fixed(element).unwrap_or(1).max(1),
        }
    }

    #[inline]
    fn fixed(element: Type) -> Option<usize> {
        match element {
            Type::True | Type::False => Some(0),
            Type::Bool | Type::Byte => Some(1),
            Type::I16 => Some(2),
            Type::I32 => Some(4),
            Type::I64 | Type::Double => Some(8),
            Type::Uuid => Some(16),
            Type::Binary | Type::Struct | Type::Map | Type::List => None,
        }
    }
}
