//! A table of byte strings by number, in pages, so that one of them is read without the others.
//!
//! A page is the strings one after the other, each after its length. Where it stands is a list in the footer: count, then for each page its
//! number of strings and its pointer.

use std::io;

use super::block::{Deflater, Out, Pointer};
use super::cache::Block;
use crate::embedded::batch::{Reader, put_bytes, put_varint};

/// A page ends once it has this many bytes.
const PAGE: usize = 32 << 10;

/// Where a table's pages stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// The number of the first string of each page, and the page.
    pub(crate) pages: Vec<(u32, Pointer)>,
    /// How many strings.
    pub(crate) len: u32,
}

/// A page in memory.
pub(crate) struct Page {
    bytes: Vec<u8>,
    /// Where each string is.
    at: Vec<(u32, u32)>,
}

/// Writes strings as a table.
pub(crate) fn write<'a>(
    strings: impl Iterator<Item = &'a [u8]>,
    out: &mut Out,
    deflater: &mut Deflater,
) -> io::Result<Table> {
    let mut table = Table::default();
    let mut page = Vec::new();
    let mut first = 0;
    for string in strings {
        put_bytes(&mut page, string);
        table.len += 1;
        if page.len() >= PAGE {
            table.pages.push((first, out.deflate(deflater, &page)?));
            page.clear();
            first = table.len;
        }
    }
    if !page.is_empty() {
        table.pages.push((first, out.deflate(deflater, &page)?));
    }
    Ok(table)
}

// === impl Table ===

impl Table {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.pages.len() as u64);
        let ends = self.pages.iter().skip(1).map(|(first, _)| *first);
        for ((first, pointer), end) in self.pages.iter().zip(ends.chain([self.len])) {
            put_varint(out, u64::from(end - first));
            pointer.put(out);
        }
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = Self::default();
        for _ in 0..reader.varint()? {
            let count = reader.varint32()?;
            let pointer = Pointer::take(reader)?;
            // each string takes a byte at least: no count beyond that may be set aside for
            (count <= pointer.len.max(pointer.raw_len)).then_some(())?;
            table.pages.push((table.len, pointer));
            table.len = table.len.checked_add(count)?;
        }
        Some(table)
    }

    /// The page that has a string, and the number of its first.
    pub(crate) fn page_of(&self, number: u32) -> Option<(u32, Pointer)> {
        let after = self.pages.partition_point(|(first, _)| *first <= number);
        self.pages.get(after.checked_sub(1)?).copied()
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.pages.len() * size_of::<(u32, Pointer)>()
    }
}

// === impl Page ===

impl Page {
    /// A string by its number in the page.
    pub(crate) fn get(&self, nth: u32) -> Option<&[u8]> {
        let (at, len) = *self.at.get(nth as usize)?;
        self.bytes.get(at as usize..(at + len) as usize)
    }

    /// All strings.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.at.len() as u32).filter_map(|nth| self.get(nth))
    }
}

impl Block for Page {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut at = Vec::new();
        let mut reader = Reader(&bytes);
        while !reader.0.is_empty() {
            let string = reader.bytes()?;
            let end = bytes.len() - reader.0.len();
            at.push(((end - string.len()) as u32, string.len() as u32));
        }
        Some(Self { bytes, at })
    }

    fn bytes(&self) -> usize {
        self.bytes.len() + self.at.len() * 8
    }
}
