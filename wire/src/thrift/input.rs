//! What is left of a Thrift message, and how it is taken from.
//!
//! In: a [`Buffer`]. Out: numbers of a fixed size, and slices that share the buffer. Every length is compared with what is left before it is
//! believed; nothing is allocated; nothing panics. How a protocol lays out what it writes is not known here.

use model::{Buffer, Slice};

use crate::DecodeError;

/// A place in a message.
pub(super) struct Input<'a> {
    buffer: &'a Buffer,
    rest: &'a [u8],
}

// === impl Input ===

impl<'a> Input<'a> {
    /// All of `buffer`.
    pub(super) fn new(buffer: &'a Buffer) -> Self {
        Self {
            buffer,
            rest: buffer.as_bytes(),
        }
    }

    /// Where the next byte is, counted from the start of the message.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.buffer.as_bytes().len() - self.rest.len()
    }

    /// How many bytes are left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// One byte.
    #[inline]
    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        match self.rest.split_first() {
            Some((&byte, rest)) => {
                self.rest = rest;
                Ok(byte)
            }
            None => Err(self.truncated(what)),
        }
    }

    /// As many bytes as the array has.
    #[inline]
    pub(super) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(self.truncated(what)),
        }
    }

    /// `len` bytes, shared with the buffer.
    #[inline]
    pub(super) fn slice(&mut self, len: usize, what: &'static str) -> Result<Slice, DecodeError> {
        let at = self.at();
        self.skip(len, what)?;
        self.buffer
            .slice(at, len)
            .ok_or(DecodeError::Truncated { what, at })
    }

    /// Passes over `len` bytes.
    #[inline]
    pub(super) fn skip(&mut self, len: usize, what: &'static str) -> Result<(), DecodeError> {
        match self.rest.get(len..) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.truncated(what)),
        }
    }

    /// The error of a value that its field cannot have, here.
    #[cold]
    pub(super) fn invalid(&self, what: &'static str) -> DecodeError {
        DecodeError::Invalid {
            what,
            at: self.at(),
        }
    }

    /// The error of a message that ends here.
    #[cold]
    pub(super) fn truncated(&self, what: &'static str) -> DecodeError {
        DecodeError::Truncated {
            what,
            at: self.at(),
        }
    }
}
