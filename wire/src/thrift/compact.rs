//! The compact protocol: numbers in groups of seven bits, fields counted from the one before.
//!
//! In: a message. Out: what it holds, as [`Reader`] says. A field that is a bool has its value in its header; in a list it is a byte.
//!
//! Source: `apache/thrift: doc/specs/thrift-compact-protocol.md`; doubles are little-endian, as every library writes them.

use model::Buffer;

use super::input::Input;
use super::reader::{Envelope, Field, Map, Reader, Type};
use crate::DecodeError;

/// A message in the compact protocol.
pub(super) struct Compact<'a>(Input<'a>);

// === impl Compact ===

impl<'a> Compact<'a> {
    /// Over all of `buffer`.
    pub(super) fn new(buffer: &'a Buffer) -> Self {
        Self(Input::new(buffer))
    }

    #[inline]
    fn varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.0.byte(what)?;
            // the tenth byte holds the last bit of 64
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.0.invalid(what))
    }

    /// A length or a count: 31 bits.
    #[inline]
    fn size(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let size = self.varint(what)?;
        i32::try_from(size)
            .ok()
            .and_then(|size| usize::try_from(size).ok())
            .ok_or_else(|| self.0.invalid(what))
    }

    /// The type that a nibble says; `None` for 0, which ends a struct. 1 and 2 are not asked here.
    #[inline]
    fn type_of(&self, nibble: u8, what: &'static str) -> Result<Option<Type>, DecodeError> {
        Ok(Some(match nibble & 0x0f {
            0 => return Ok(None),
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
            _ => return Err(self.0.invalid(what)),
        }))
    }

    /// The type of elements. 1 and 2 are both bool: libraries differ.
    fn element(&self, nibble: u8, what: &'static str) -> Result<Option<Type>, DecodeError> {
        match nibble & 0x0f {
            1 | 2 => Ok(Some(Type::Bool)),
            _ => self.type_of(nibble, what),
        }
    }
}

impl<'a> Reader<'a> for Compact<'a> {
    #[inline]
    fn input(&mut self) -> &mut Input<'a> {
        &mut self.0
    }

    #[inline]
    fn field(&mut self, last: i16, what: &'static str) -> Result<Option<Field>, DecodeError> {
        let header = self.0.byte(what)?;
        let found = match header & 0x0f {
            1 => Type::True,
            2 => Type::False,
            _ => match self.type_of(header, what)? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let number = match header >> 4 {
            0 => self.i16(what)?,
            further => last
                .checked_add(i16::from(further))
                .ok_or_else(|| self.0.invalid(what))?,
        };
        Ok(Some((number, found)))
    }

    fn bool_byte(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        Ok(self.0.byte(what)? == 1)
    }

    fn i16(&mut self, what: &'static str) -> Result<i16, DecodeError> {
        let value = self.i64(what)?;
        i16::try_from(value).map_err(|_| self.0.invalid(what))
    }

    #[inline]
    fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        let value = self.i64(what)?;
        i32::try_from(value).map_err(|_| self.0.invalid(what))
    }

    #[inline]
    fn i64(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        let value = self.varint(what)?;
        // the lowest bit is the sign
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    #[inline]
    fn double(&mut self, what: &'static str) -> Result<f64, DecodeError> {
        self.0.array(what).map(f64::from_le_bytes)
    }

    #[inline]
    fn len(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        self.size(what)
    }

    fn raw_list(&mut self, what: &'static str) -> Result<(Option<Type>, usize), DecodeError> {
        let header = self.0.byte(what)?;
        let count = match header >> 4 {
            15 => self.size(what)?,
            count => usize::from(count),
        };
        Ok((self.element(header, what)?, count))
    }

    fn raw_map(&mut self, what: &'static str) -> Result<Option<Map>, DecodeError> {
        let count = self.size(what)?;
        if count == 0 {
            return Ok(None);
        }
        let types = self.0.byte(what)?;
        match (self.element(types >> 4, what)?, self.element(types, what)?) {
            (Some(key), Some(value)) => Ok(Some(Map { key, value, count })),
            _ => Err(self.0.invalid(what)),
        }
    }

    fn envelope(&mut self) -> Result<Envelope, DecodeError> {
        const VERSION: u8 = 1;
        if self.0.byte("message's envelope")? != 0x82 {
            return Err(self.0.invalid("message's envelope"));
        }
        let kind_and_version = self.0.byte("message's version")?;
        if kind_and_version & 0x1f != VERSION {
            return Err(self.0.invalid("message's version"));
        }
        self.varint("message's number")?;
        let len = self.size("message's name")?;
        Ok(Envelope {
            name: self.0.slice(len, "message's name")?,
            kind: kind_and_version >> 5,
        })
    }

    fn smallest(element: Type) -> usize {
        Self::fixed(element).unwrap_or(1).max(1)
    }

    #[inline]
    fn fixed(element: Type) -> Option<usize> {
        match element {
            Type::True | Type::False => Some(0),
            Type::Bool | Type::Byte => Some(1),
            Type::Double => Some(8),
            Type::Uuid => Some(16),
            _ => None,
        }
    }
}
