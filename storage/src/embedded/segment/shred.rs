//! A block of payloads, taken apart so that it deflates well: values of one kind stand together, and what they are is said once.
//!
//! ```text
//! 0   the payloads as they are
//! 1   length of the payloads   labels   shapes   shape of each row   columns
//! ```
//! In: the payloads of a run of rows. Out: bytes from which the same payloads come back, byte for byte: what was taken apart is put together
//! again before it counts, and whatever protobuf could say in two ways stays as it is.

mod column;
mod join;
mod label;
mod split;

use super::block::damaged;
use super::cache::Block;
use crate::embedded::batch::{Reader, put_varint};
use split::Split;

pub(crate) use label::Label;
pub(crate) use split::{Apart, Message};

/// The payloads follow as they are.
const WHOLE: u8 = 0;
/// The payloads follow taken apart.
const APART: u8 = 1;
/// Payloads are at most so many times as long as what they are put together from, so that damage cannot ask for all memory.
const MOST: usize = 1024;

/// A block of payloads, put together.
pub(crate) struct Payloads(Vec<u8>);

/// Payloads taken apart, of which each ends where `ends` says; `None`: they are no protobuf.
pub(crate) fn take_apart<'a>(payloads: &'a [u8], ends: &[u32]) -> Option<Apart<'a>> {
    let mut split = Split::default();
    let mut begin = 0;
    for end in ends {
        split.row(payloads.get(begin..*end as usize)?)?;
        begin = *end as usize;
    }
    Some(split.finish())
}

/// A block's bytes, from its payloads and what they were taken apart into.
pub(crate) fn encode(payloads: &[u8], apart: Option<&Apart<'_>>) -> Vec<u8> {
    let mut out = Vec::new();
    if payloads.is_empty() {
        return out;
    }
    out.reserve(payloads.len() / 2 + 64);
    if let Some(apart) = apart {
        out.push(APART);
        put_varint(&mut out, payloads.len() as u64);
        apart.put(&mut out);
        if put_together(&out).as_deref() == Some(payloads) {
            return out;
        }
    }
    out.clear();
    out.push(WHOLE);
    out.extend_from_slice(payloads);
    out
}

fn put_together(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader(bytes);
    match reader.byte()? {
        WHOLE => Some(reader.0.to_vec()),
        APART => {
            let len = usize::try_from(reader.varint()?).ok()?;
            (len <= bytes.len().saturating_mul(MOST)).then_some(())?;
            join::join(&mut reader, len).filter(|_| reader.0.is_empty())
        }
        _ => None,
    }
}

// === impl Payloads ===

impl Payloads {
    /// These bytes of them.
    pub(crate) fn get(&self, range: std::ops::Range<usize>) -> std::io::Result<&[u8]> {
        let bytes = self.0.get(range);
        bytes.ok_or_else(|| damaged("payload is shorter than its row says"))
    }
}

impl Block for Payloads {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self(bytes));
        }
        put_together(&bytes).map(Self)
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests;
