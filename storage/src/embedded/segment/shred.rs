//! A block of payloads, taken apart so that it deflates well: values of one kind stand together, and what they are is said once.
//!
//! ```text
//! 0   the payloads as they are
//! 1   length of the payloads   labels   shapes   shape of each row   columns
//! ```
//! In: the payloads of a run of rows. Out: bytes from which the same payloads come back, byte for byte: what was taken apart is put together
//! again before it counts, and whatever protobuf could say in two ways stays as it is.

mod column;
mod label;
mod split;
mod table;
mod wanted;

use std::io;
use std::ops::Range;

use super::block::damaged;
use super::cache::Block;
use crate::embedded::batch::{Reader, put_varint};
use split::Split;
use table::Table;

pub(crate) use label::Label;
pub(crate) use split::{Apart, Message};
pub(crate) use wanted::Wanted;

/// The payloads follow as they are.
const WHOLE: u8 = 0;
/// The payloads follow taken apart.
const APART: u8 = 1;
/// Payloads are at most so many times as long as what they are put together from, so that damage cannot ask for all memory.
const MOST: usize = 1024;

/// A block of payloads, as it stands in the file.
pub(crate) struct Payloads {
    block: Vec<u8>,
    /// `None`: the payloads are whole.
    table: Option<Table>,
}

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
        let table = table(&out);
        if table.is_some_and(|table| is_put_together(&table, &out, payloads)) {
            return out;
        }
    }
    out.clear();
    out.push(WHOLE);
    out.extend_from_slice(payloads);
    out
}

/// The table of a block that begins with [`APART`].
fn table(block: &[u8]) -> Option<Table> {
    let mut reader = Reader(block.get(1..)?);
    let len = usize::try_from(reader.varint()?).ok()?;
    (len <= block.len().saturating_mul(MOST)).then_some(())?;
    Table::take(&mut reader, block, len).filter(|_| reader.0.is_empty())
}

fn is_put_together(table: &Table, block: &[u8], payloads: &[u8]) -> bool {
    let mut row = Vec::new();
    let mut rest = payloads;
    for nth in 0..table.rows() {
        row.clear();
        match table
            .put(nth, block, &mut row)
            .and_then(|()| rest.strip_prefix(row.as_slice()))
        {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

// === impl Payloads ===

impl Payloads {
    /// Appends the payload of the `nth` row, which stands at `range` of all payloads.
    pub(crate) fn put(&self, nth: u32, range: Range<usize>, out: &mut Vec<u8>) -> io::Result<()> {
        let from = out.len();
        let mut put = || match &self.table {
            Some(table) => table.put(nth as usize, &self.block, out),
            None => {
                // where there are no payloads, there is no first byte either
                let whole = self.block.get(1..).unwrap_or_default();
                out.extend_from_slice(whole.get(range.clone())?);
                Some(())
            }
        };
        match put() {
            Some(()) if out.len() - from == range.len() => Ok(()),
            _ => {
                out.truncate(from);
                Err(damaged("payload is not as long as its row says"))
            }
        }
    }

    /// Whether each row may have what is wanted; `None`: any may.
    pub(crate) fn rows_that_may_have(&self, wanted: &Wanted) -> Option<Vec<bool>> {
        self.table.as_ref()?.rows_that_may_have(wanted, &self.block)
    }

    /// Puts every row together.
    pub(crate) fn verify(&self) -> io::Result<()> {
        let Some(table) = &self.table else {
            return Ok(());
        };
        let (mut row, mut len) = (Vec::new(), 0);
        for nth in 0..table.rows() {
            row.clear();
            table
                .put(nth, &self.block, &mut row)
                .ok_or_else(|| damaged("payload cannot be put together"))?;
            len += row.len();
        }
        match len == table.len() {
            true => Ok(()),
            false => Err(damaged("payloads are not as long as their block says")),
        }
    }
}

impl Block for Payloads {
    fn decode(block: Vec<u8>) -> Option<Self> {
        let table = match block.first() {
            None | Some(&WHOLE) => None,
            Some(&APART) => Some(table(&block)?),
            Some(_) => return None,
        };
        Some(Self { block, table })
    }

    fn bytes(&self) -> usize {
        self.block.len() + self.table.as_ref().map_or(0, Table::bytes)
    }
}

#[cfg(test)]
mod tests;
