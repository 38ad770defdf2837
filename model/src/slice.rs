//! Shared slices of a request's buffer: [`Slice`] (bytes) and [`Str`] (text).
//!
//! In: a request's body. Out: handles of 16 bytes that keep the body alive. What outlives its request copies itself out with
//! `detach`, so that no service name pins a body of megabytes.
//!
//! This is the one file of the crate with `unsafe`: `Str` checks UTF-8 once, when it is made, and never again.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

/// The buffer that slices point into: one allocation a request, shared by everything decoded from it.
#[derive(Clone)]
pub struct Buffer(Arc<Bytes>);

/// Bytes of a [`Buffer`]. Cloning counts a reference up; the empty slice holds none.
#[derive(Clone, Default)]
pub struct Slice {
    buffer: Option<Arc<Bytes>>,
    start: u32,
    len: u32,
}

/// Text of a [`Buffer`]: a [`Slice`] that was checked to be UTF-8 when it was made.
#[derive(Clone, Default)]
pub struct Str(Slice);

// === impl Buffer ===

impl Buffer {
    /// The longest buffer that slices can address, in bytes.
    pub const MAX_LEN: usize = u32::MAX as usize;

    /// Shares `bytes`; `None` when it is longer than [`Buffer::MAX_LEN`].
    pub fn new(bytes: Bytes) -> Option<Self> {
        (bytes.len() <= Self::MAX_LEN).then(|| Self(Arc::new(bytes)))
    }

    /// All of the buffer.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes from `start` on, `len` of them; `None` when that is not inside the buffer.
    #[inline]
    pub fn slice(&self, start: usize, len: usize) -> Option<Slice> {
        let end = start.checked_add(len)?;
        if end > self.0.len() {
            return None;
        }
        if len == 0 {
            return Some(Slice::default());
        }
        // both fit: the buffer is no longer than u32::MAX
        Some(Slice {
            buffer: Some(self.0.clone()),
            start: start as u32,
            len: len as u32,
        })
    }
}

// === impl Slice ===

impl Slice {
    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.buffer {
            Some(buffer) => buffer
                .get(self.start as usize..(self.start + self.len) as usize)
                .unwrap_or_default(),
            None => &[],
        }
    }

    /// A copy in a buffer of its own, which keeps nothing else alive.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self::from(self.as_bytes())
    }

    /// The same bytes as text, or the bytes back when they are not UTF-8.
    #[inline]
    pub fn into_str(self) -> Result<Str, Self> {
        let bytes = self.as_bytes();
        // nearly all text is short and ASCII, which is checked faster without a call
        if bytes.is_ascii() || std::str::from_utf8(bytes).is_ok() {
            Ok(Str(self))
        } else {
            Err(self)
        }
    }
}

impl From<&[u8]> for Slice {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Slice {
    /// Longer than [`Buffer::MAX_LEN`] is cut there: nothing that long gets past the limits on messages.
    fn from(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(Buffer::MAX_LEN);
        if bytes.is_empty() {
            return Self::default();
        }
        let len = bytes.len() as u32;
        Self {
            buffer: Some(Arc::new(Bytes::from(bytes))),
            start: 0,
            len,
        }
    }
}

impl Deref for Slice {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl PartialEq for Slice {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Slice {}

impl Hash for Slice {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.as_bytes().escape_ascii())
    }
}

// === impl Str ===

impl Str {
    /// The text.
    #[inline]
    #[allow(unsafe_code)]
    pub fn as_str(&self) -> &str {
        // SAFETY: a `Str` is only made by `Slice::into_str`, which checks these very bytes, and by copying a `&str`. The buffer is
        // immutable (`Bytes` behind an `Arc`, handed out by shared reference only), so what was checked then is what is here now.
        unsafe { std::str::from_utf8_unchecked(self.0.as_bytes()) }
    }

    /// A copy in a buffer of its own, which keeps nothing else alive.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self(self.0.detach())
    }

    /// The same bytes, no longer known to be text.
    pub fn into_slice(self) -> Slice {
        self.0
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Str {
    /// Longer than [`Buffer::MAX_LEN`] is cut at a character's border below it.
    fn from(mut text: String) -> Self {
        if text.len() > Buffer::MAX_LEN {
            text.truncate(text.floor_char_boundary(Buffer::MAX_LEN));
        }
        Self(Slice::from(text.into_bytes()))
    }
}

impl Deref for Str {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
