//! How often services called each other, hour by hour, as far as a segment's spans changed it: numbers that may be below zero, since a span
//! that came late can give an older one another parent. The sum over all segments is what is.
//!
//! Count; for each: hour since the Unix epoch, parent, child, number of calls in zigzag. LEB128, texts after their length.

use std::collections::BTreeMap;

use super::cache::Block;
use crate::embedded::batch::{Reader, put_bytes, put_varint};

/// Calls by hour, parent and child.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls(pub(crate) BTreeMap<(u64, String, String), i64>);

// === impl Calls ===

impl Calls {
    /// Adds calls.
    pub(crate) fn add(&mut self, hour: u64, parent: &str, child: &str, count: i64) {
        let key = (hour, parent.to_owned(), child.to_owned());
        let sum = self.0.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }

    /// Adds what another has.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for ((hour, parent, child), count) in &other.0 {
            self.add(*hour, parent, child, *count);
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let changed = || self.0.iter().filter(|(_, count)| **count != 0);
        put_varint(&mut out, changed().count() as u64);
        for ((hour, parent, child), count) in changed() {
            put_varint(&mut out, *hour);
            put_bytes(&mut out, parent.as_bytes());
            put_bytes(&mut out, child.as_bytes());
            put_varint(&mut out, ((count << 1) ^ (count >> 63)) as u64);
        }
        out
    }
}

impl Block for Calls {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(&bytes);
        let mut calls = Self::default();
        for _ in 0..reader.varint()? {
            let hour = reader.varint()?;
            let (parent, child) = (reader.text()?, reader.text()?);
            let code = reader.varint()?;
            let count = (code >> 1) as i64 ^ -((code & 1) as i64);
            calls.add(hour, parent, child, count);
        }
        Some(calls)
    }

    fn bytes(&self) -> usize {
        let texts = self.0.keys().map(|(_, p, c)| p.len() + c.len() + 96);
        texts.sum()
    }
}
