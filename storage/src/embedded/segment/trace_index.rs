//! Which row group has a trace: entries sorted by the hash of the trace's id, in pages.
//!
//! A page is the number of its entries, their hashes (u64 each), then for each the row group and the trace's number in it (LEB128). A trace that is cut over row groups
//! has an entry for each.

use std::io;

use super::block::{Deflater, Out, Pointer};
use super::cache::Block;
use super::filter::Filter;
use crate::embedded::batch::{Reader, put_varint};

/// Entries of a page.
const PAGE: usize = 1024;
/// Bits of the trace filter for each entry.
const FILTER_BITS: usize = 16;

/// Where a trace is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) hash: u64,
    pub(crate) row_group: u32,
    pub(crate) trace: u32,
}

/// A page in memory.
pub(crate) struct Page(pub(crate) Vec<Entry>);

/// Writes entries as they come, which must be sorted.
pub(crate) struct IndexWriter {
    filter: Filter,
    page: Vec<Entry>,
    pages: Vec<(u64, Pointer)>,
}

// === impl IndexWriter ===

impl IndexWriter {
    /// For about this many entries.
    pub(crate) fn new(entries: usize) -> Self {
        Self {
            filter: Filter::for_hashes(entries, FILTER_BITS),
            page: Vec::with_capacity(PAGE),
            pages: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, entry: Entry, out: &mut Out) -> io::Result<()> {
        self.filter.insert(entry.hash);
        self.page.push(entry);
        if self.page.len() >= PAGE {
            self.end_page(out)?;
        }
        Ok(())
    }

    fn end_page(&mut self, out: &mut Out) -> io::Result<()> {
        let Some(first) = self.page.first().map(|e| e.hash) else {
            return Ok(());
        };
        let mut bytes = Vec::with_capacity(PAGE * 11);
        put_varint(&mut bytes, self.page.len() as u64);
        for entry in &self.page {
            bytes.extend_from_slice(&entry.hash.to_le_bytes());
        }
        for entry in &self.page {
            put_varint(&mut bytes, u64::from(entry.row_group));
            put_varint(&mut bytes, u64::from(entry.trace));
        }
        self.pages.push((first, out.put_block(&bytes, 0)?));
        self.page.clear();
        Ok(())
    }

    /// The filter and the pages.
    pub(crate) fn finish(
        mut self,
        out: &mut Out,
        deflater: &mut Deflater,
    ) -> io::Result<(Pointer, Vec<(u64, Pointer)>)> {
        self.end_page(out)?;
        let filter = out.deflate(deflater, self.filter.bytes())?;
        Ok((filter, self.pages))
    }
}

impl Block for Page {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(&bytes);
        let count = reader.varint()? as usize;
        (count <= PAGE).then_some(())?;
        let mut entries = Vec::with_capacity(count);
        for _ in 0..count {
            entries.push(Entry {
                hash: u64::from_le_bytes(reader.array()?),
                row_group: 0,
                trace: 0,
            });
        }
        for entry in &mut entries {
            entry.row_group = reader.varint32()?;
            entry.trace = reader.varint32()?;
        }
        // one that stands there twice would give its rows twice
        entries.is_sorted_by(|a, b| a < b).then_some(Self(entries))
    }

    fn bytes(&self) -> usize {
        self.0.len() * size_of::<Entry>()
    }
}
