//! A bounded reader of protobuf messages over a shared buffer.
//!
//! In: a [`Buffer`] and a range of it. Out: keys, numbers, and slices that share the buffer. Every length is compared with what is left
//! before it is believed; nothing is allocated; nothing panics. What a field means, and whether text is UTF-8, is the caller's business.
//!
//! Source: protobuf's "Encoding" page. As in prost, a varint has at most ten bytes and a key fits 32 bits.

use std::ops::Range;

use model::{Buffer, Slice};

use crate::{DecodeError, MAX_DEPTH};

/// How a field's value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// A number in groups of seven bits.
    Varint,
    /// Eight bytes, little-endian.
    Fixed64,
    /// A length and as many bytes.
    Len,
    /// The fields of a group follow, up to its end.
    GroupStart,
    /// The end of a group.
    GroupEnd,
    /// Four bytes, little-endian.
    Fixed32,
}

/// A place in a message. Cloning it is how a message is read twice.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    buffer: &'a Buffer,
    rest: &'a [u8],
    /// Where `rest` ends, counted from the start of the buffer.
    end: usize,
}

// === impl Cursor ===

impl<'a> Cursor<'a> {
    /// Over all of `buffer`.
    pub(crate) fn new(buffer: &'a Buffer) -> Self {
        let rest = buffer.as_bytes();
        Self {
            buffer,
            rest,
            end: rest.len(),
        }
    }

    /// Over a part of `buffer`.
    pub(crate) fn over(buffer: &'a Buffer, range: Range<usize>) -> Result<Self, DecodeError> {
        let end = range.end;
        let at = range.start;
        match buffer.as_bytes().get(range) {
            Some(rest) => Ok(Self { buffer, rest, end }),
            None => Err(DecodeError::Truncated { what: "record", at }),
        }
    }

    /// Where the next byte is, counted from the start of the buffer.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.end - self.rest.len()
    }

    /// What is left, as a range of the buffer.
    pub(crate) fn range(&self) -> Range<usize> {
        self.at()..self.end
    }

    /// What is left.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field's number and layout; `None` at the end.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Option<(u32, Wire)>, DecodeError> {
        let key = match self.rest.split_first() {
            None => return Ok(None),
            Some((&first, rest)) if first < 0x80 => {
                self.rest = rest;
                u32::from(first)
            }
            Some(_) => self.long_key()?,
        };
        let wire = match key & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Len,
            3 => Wire::GroupStart,
            4 => Wire::GroupEnd,
            5 => Wire::Fixed32,
            _ => return Err(self.invalid("wire type")),
        };
        match key >> 3 {
            0 => Err(self.invalid("field number")),
            number => Ok(Some((number, wire))),
        }
    }

    #[cold]
    fn long_key(&mut self) -> Result<u32, DecodeError> {
        let key = self.raw_varint("field key")?;
        u32::try_from(key).map_err(|_| self.invalid("field key"))
    }

    #[inline]
    fn raw_varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        match self.rest.split_first() {
            Some((&first, rest)) if first < 0x80 => {
                self.rest = rest;
                Ok(u64::from(first))
            }
            _ => self.long_varint(what),
        }
    }

    fn long_varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        let mut rest = self.rest;
        for shift in (0..70).step_by(7) {
            let Some((&byte, tail)) = rest.split_first() else {
                return Err(self.truncated(what));
            };
            rest = tail;
            // the tenth byte holds the last bit of 64
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(self.invalid(what))
    }

    #[inline]
    fn take(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let len = self.raw_varint(what)?;
        // a length beyond usize is beyond what is left, too
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match self.rest.split_at_checked(len) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(self.truncated(what)),
        }
    }

    #[inline]
    fn expect(&self, wire: Wire, expected: Wire, what: &'static str) -> Result<(), DecodeError> {
        if wire == expected {
            Ok(())
        } else {
            Err(self.invalid(what))
        }
    }

    /// A number.
    #[inline]
    pub(crate) fn varint(&mut self, wire: Wire, what: &'static str) -> Result<u64, DecodeError> {
        self.expect(wire, Wire::Varint, what)?;
        self.raw_varint(what)
    }

    /// Eight bytes.
    #[inline]
    pub(crate) fn fixed64(&mut self, wire: Wire, what: &'static str) -> Result<u64, DecodeError> {
        self.expect(wire, Wire::Fixed64, what)?;
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(u64::from_le_bytes(*taken))
            }
            None => Err(self.truncated(what)),
        }
    }

    /// Four bytes.
    #[inline]
    pub(crate) fn fixed32(&mut self, wire: Wire, what: &'static str) -> Result<u32, DecodeError> {
        self.expect(wire, Wire::Fixed32, what)?;
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(u32::from_le_bytes(*taken))
            }
            None => Err(self.truncated(what)),
        }
    }

    /// A message inside this one.
    #[inline]
    pub(crate) fn message(
        &mut self,
        wire: Wire,
        what: &'static str,
    ) -> Result<Cursor<'a>, DecodeError> {
        self.expect(wire, Wire::Len, what)?;
        let rest = self.take(what)?;
        Ok(Cursor {
            buffer: self.buffer,
            rest,
            end: self.at(),
        })
    }

    /// Bytes, to be looked at and forgotten.
    #[inline]
    pub(crate) fn raw(&mut self, wire: Wire, what: &'static str) -> Result<&'a [u8], DecodeError> {
        self.expect(wire, Wire::Len, what)?;
        self.take(what)
    }

    /// Bytes, shared with the buffer.
    #[inline]
    pub(crate) fn slice(&mut self, wire: Wire, what: &'static str) -> Result<Slice, DecodeError> {
        self.expect(wire, Wire::Len, what)?;
        let len = self.take(what)?.len();
        let start = self.at() - len;
        self.buffer
            .slice(start, len)
            .ok_or(DecodeError::Truncated { what, at: start })
    }

    /// The two texts of a message that is nothing but `head`, a text, `middle`, and a text up to the end, as most attributes are. `None`,
    /// and nothing read, for any other message.
    #[inline]
    pub(crate) fn two_texts(&self, head: u8, middle: &[u8]) -> Option<(Slice, Slice)> {
        let start = self.at();
        let (&[found, first_len], rest) = self.rest.split_first_chunk()?;
        if found != head || first_len > 0x7f {
            return None;
        }
        let first_len = usize::from(first_len);
        let rest = rest.get(first_len..)?.strip_prefix(middle)?;
        let (&second_len, second) = rest.split_first()?;
        if usize::from(second_len) != second.len() || second_len > 0x7f {
            return None;
        }
        Some((
            self.buffer.slice(start + 2, first_len)?,
            self.buffer.slice(self.end - second.len(), second.len())?,
        ))
    }

    /// Passes over the value of a field that nobody asked for.
    #[inline]
    pub(crate) fn skip(&mut self, number: u32, wire: Wire) -> Result<(), DecodeError> {
        match wire {
            Wire::Len => self.take("unknown field").map(|_| ()),
            Wire::Varint => self.raw_varint("unknown field").map(|_| ()),
            Wire::Fixed64 => self.fixed64(wire, "unknown field").map(|_| ()),
            Wire::Fixed32 => self.fixed32(wire, "unknown field").map(|_| ()),
            Wire::GroupStart => self.skip_group(number, MAX_DEPTH),
            Wire::GroupEnd => Err(self.invalid("end of group")),
        }
    }

    fn skip_group(&mut self, number: u32, depth: usize) -> Result<(), DecodeError> {
        let depth = depth
            .checked_sub(1)
            .ok_or(DecodeError::TooDeep { what: "group" })?;
        loop {
            match self.key()? {
                None => return Err(self.truncated("group")),
                Some((end, Wire::GroupEnd)) if end == number => return Ok(()),
                Some((inner, Wire::GroupStart)) => self.skip_group(inner, depth)?,
                Some((inner, wire)) => self.skip(inner, wire)?,
            }
        }
    }

    /// How often each of `numbers` stands in what is left. Lists are allocated once, at the size this says: it cannot be more than the
    /// message has room for.
    #[inline]
    pub(crate) fn count<const N: usize>(
        &self,
        numbers: [u32; N],
    ) -> Result<[usize; N], DecodeError> {
        let mut counts = [0; N];
        let mut cursor = self.clone();
        while let Some((number, wire)) = cursor.key()? {
            for (wanted, count) in numbers.iter().zip(&mut counts) {
                *count += usize::from(*wanted == number);
            }
            cursor.skip(number, wire)?;
        }
        Ok(counts)
    }

    /// The error of a value that its field cannot have, here.
    #[cold]
    pub(crate) fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Invalid {
            what,
            at: self.at(),
        }
    }

    #[cold]
    fn truncated(&self, what: &'static str) -> DecodeError {
        DecodeError::Truncated {
            what,
            at: self.at(),
        }
    }
}

#[cfg(test)]
mod tests;
