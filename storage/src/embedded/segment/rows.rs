//! A row group's columns: what a search compares (keys) and what an answer needs beside (details).
//!
//! ```text
//! keys     traces; their ids (16 each); rows of each; then a column after the other: start, as a zigzag difference from the row before;
//!          duration; operation, by its number in the group; flags (u8)
//! details  span ids (u64 each); parents: 0 and a u64 at the end of the column, or 1 + the row in the trace that has the id; resource and
//!          scope, by their number in the group; length of the payload; payload blocks: rows, pointer from the row group's start
//! ```
//! Numbers are LEB128 where no width is given. Only rows whose flags say so have a parent.

use std::ops::Range;

use hashbrown::HashMap;
use model::TraceId;

use super::block::Pointer;
use super::cache::Block;
use crate::embedded::batch::{Reader, Row, flags, put_varint};

/// Rows of a row group at most: a row's number in its segment is that of its group, shifted by this, and its own.
pub(crate) const GROUP_BITS: u32 = 13;
/// Rows of a row group at most.
pub(crate) const GROUP_ROWS: usize = 1 << GROUP_BITS;

/// What a search compares.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) traces: Vec<TraceId>,
    /// Where each trace's rows begin, and the count of all.
    pub(crate) begins: Vec<u32>,
    /// Each row's trace.
    pub(crate) trace: Vec<u32>,
    pub(crate) start_ns: Vec<u64>,
    pub(crate) duration_ns: Vec<u64>,
    /// By its number in the row group.
    pub(crate) operation: Vec<u32>,
    pub(crate) flags: Vec<u8>,
}

/// What an answer needs beside.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) span_id: Vec<u64>,
    pub(crate) parent: Vec<u64>,
    /// By its number in the row group.
    pub(crate) group: Vec<u32>,
    /// Where each row's payload begins, as if all blocks were one, and where the last ends.
    pub(crate) begins: Vec<u32>,
    pub(crate) blocks: Vec<PayloadBlock>,
}

/// A block of payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PayloadBlock {
    pub(crate) first_row: u32,
    /// Offsets count from the row group's start.
    pub(crate) pointer: Pointer,
}

fn zigzag(from: u64, to: u64) -> u64 {
    let difference = to.wrapping_sub(from) as i64;
    ((difference << 1) ^ (difference >> 63)) as u64
}

fn unzigzag(from: u64, code: u64) -> u64 {
    let difference = (code >> 1) as i64 ^ -((code & 1) as i64);
    from.wrapping_add(difference as u64)
}

fn column<T>(count: usize, one: impl FnMut() -> Option<T>) -> Option<Vec<T>> {
    std::iter::repeat_with(one).take(count).collect()
}

/// Appends the keys of `rows`, whose operations are numbers of the row group, to `out`.
pub(crate) fn encode_keys(rows: &[Row], out: &mut Vec<u8>) {
    let traces = || rows.chunk_by(|a, b| a.trace_id == b.trace_id);
    put_varint(out, traces().count() as u64);
    for trace in traces() {
        out.extend(trace.first().map(|r| r.trace_id.0).unwrap_or_default());
    }
    for trace in traces() {
        put_varint(out, trace.len() as u64);
    }
    let mut before = 0;
    for row in rows {
        put_varint(out, zigzag(before, row.start_ns));
        before = row.start_ns;
    }
    rows.iter().for_each(|r| put_varint(out, r.duration_ns));
    rows.iter()
        .for_each(|r| put_varint(out, u64::from(r.operation)));
    out.extend(rows.iter().map(|r| r.flags));
}

/// Appends the details of `rows`, whose groups are numbers of the row group, to `out`.
pub(crate) fn encode_details(rows: &[Row], blocks: &[PayloadBlock], out: &mut Vec<u8>) {
    for row in rows {
        out.extend_from_slice(&row.span_id.to_le_bytes());
    }
    let mut apart = Vec::new();
    let mut row_of = HashMap::new();
    for trace in rows.chunk_by(|a, b| a.trace_id == b.trace_id) {
        row_of.clear();
        for (nth, row) in trace.iter().enumerate() {
            row_of.entry(row.span_id).or_insert(nth as u64);
        }
        for row in trace.iter().filter(|r| r.flags & flags::PARENT != 0) {
            if let Some(nth) = row_of.get(&row.parent) {
                put_varint(out, nth + 1);
            } else {
                out.push(0);
                apart.extend_from_slice(&row.parent.to_le_bytes());
            }
        }
    }
    out.extend_from_slice(&apart);
    rows.iter()
        .for_each(|r| put_varint(out, u64::from(r.group)));
    rows.iter().for_each(|r| put_varint(out, u64::from(r.len)));
    put_varint(out, blocks.len() as u64);
    let ends = blocks.iter().skip(1).map(|b| b.first_row);
    for (block, end) in blocks.iter().zip(ends.chain([rows.len() as u32])) {
        put_varint(out, u64::from(end - block.first_row));
        block.pointer.put(out);
    }
}

// === impl Keys ===

impl Keys {
    /// The rows of a trace, by its number.
    pub(crate) fn rows_of(&self, trace: u32) -> std::ops::Range<u32> {
        let begin = |n: usize| self.begins.get(n).copied().unwrap_or_default();
        begin(trace as usize)..begin(trace as usize + 1)
    }
}

impl Block for Keys {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(&bytes);
        let traces = reader.varint()? as usize;
        (traces <= GROUP_ROWS).then_some(())?;
        let mut keys = Self {
            traces: column(traces, || reader.array().map(TraceId))?,
            ..Self::default()
        };
        let mut rows = 0;
        for number in 0..traces as u32 {
            keys.begins.push(rows);
            let count = reader.varint32()?;
            rows = rows
                .checked_add(count)
                .filter(|r| *r as usize <= GROUP_ROWS)?;
            keys.trace
                .extend(std::iter::repeat_n(number, count as usize));
        }
        keys.begins.push(rows);
        let rows = rows as usize;
        let mut before = 0;
        keys.start_ns = column(rows, || {
            before = unzigzag(before, reader.varint()?);
            Some(before)
        })?;
        keys.duration_ns = column(rows, || reader.varint())?;
        keys.operation = column(rows, || reader.varint32())?;
        keys.flags = reader.0.get(..rows)?.to_vec();
        Some(keys)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.traces.len() * 20 + self.trace.len() * 25
    }
}

// === impl Details ===

impl Details {
    /// Reads them back, beside the keys of the same row group.
    pub(crate) fn decode(bytes: &[u8], keys: &Keys) -> Option<Self> {
        let mut reader = Reader(bytes);
        let rows = keys.flags.len();
        let mut details = Self {
            span_id: column(rows, || reader.array().map(u64::from_le_bytes))?,
            ..Self::default()
        };
        let has_parent = |row: usize| keys.flags.get(row).is_some_and(|f| f & flags::PARENT != 0);
        let codes: Vec<u64> = (0..rows)
            .map(|row| match has_parent(row) {
                true => reader.varint(),
                false => Some(0),
            })
            .collect::<Option<_>>()?;
        for (row, code) in codes.into_iter().enumerate() {
            let parent = match code {
                _ if !has_parent(row) => 0,
                0 => u64::from_le_bytes(reader.array()?),
                nth => {
                    let trace = keys.rows_of(*keys.trace.get(row)?);
                    let at = u64::from(trace.start).checked_add(nth - 1);
                    let at = at.filter(|at| *at < u64::from(trace.end))?;
                    *details.span_id.get(at as usize)?
                }
            };
            details.parent.push(parent);
        }
        details.group = column(rows, || reader.varint32())?;
        let mut end = 0_u32;
        details.begins.push(end);
        for _ in 0..rows {
            end = end.checked_add(reader.varint32()?)?;
            details.begins.push(end);
        }
        let mut first_row = 0_u32;
        for _ in 0..reader.varint()? {
            let count = reader.varint32()?;
            let pointer = Pointer::take(&mut reader)?;
            details.blocks.push(PayloadBlock { first_row, pointer });
            first_row = first_row.checked_add(count)?;
        }
        (first_row as usize == rows).then_some(details)
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.span_id.len() * 24 + self.blocks.len() * size_of::<PayloadBlock>()
    }

    /// The block that has a row's payload, and where in it once it is put together.
    pub(crate) fn payload(&self, row: u32) -> Option<(&PayloadBlock, Range<usize>)> {
        let after = self.blocks.partition_point(|b| b.first_row <= row);
        let block = self.blocks.get(after.checked_sub(1)?)?;
        let begin = |row: u32| self.begins.get(row as usize).map(|at| *at as usize);
        let base = begin(block.first_row)?;
        Some((block, begin(row)? - base..begin(row + 1)? - base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        (0..300_u64)
            .map(|n| Row {
                trace_id: TraceId::from_halves(0, n / 7),
                span_id: n * 3,
                parent: if n % 5 == 0 {
                    u64::MAX - n
                } else {
                    (n - n % 7) * 3
                },
                start_ns: u64::MAX / 3 * (n % 4),
                duration_ns: n * n * 1000,
                operation: (n % 9) as u32,
                group: (n % 3) as u32,
                offset: 0,
                len: (n % 11) as u32,
                flags: if n % 7 == 0 { 0 } else { flags::PARENT } | (n % 2) as u8,
            })
            .collect()
    }

    #[test]
    fn columns_read_back() {
        let rows = rows();
        let (mut keys, mut details) = (Vec::new(), Vec::new());
        encode_keys(&rows, &mut keys);
        let block = |first_row| PayloadBlock {
            first_row,
            pointer: Pointer::default(),
        };
        let blocks = [block(0), block(120)];
        encode_details(&rows, &blocks, &mut details);
        let keys = Keys::decode(keys).unwrap();
        let details = Details::decode(&details, &keys).unwrap();
        for (nth, row) in rows.iter().enumerate() {
            let trace = keys.trace[nth];
            assert!(keys.rows_of(trace).contains(&(nth as u32)));
            assert_eq!(keys.traces[trace as usize], row.trace_id);
            assert_eq!(keys.start_ns[nth], row.start_ns);
            assert_eq!(keys.duration_ns[nth], row.duration_ns);
            assert_eq!(
                (keys.operation[nth], keys.flags[nth]),
                (row.operation, row.flags)
            );
            assert_eq!(
                (details.span_id[nth], details.group[nth]),
                (row.span_id, row.group)
            );
            let parent = if row.flags & flags::PARENT != 0 {
                row.parent
            } else {
                0
            };
            assert_eq!(details.parent[nth], parent);
            let (block, range) = details.payload(nth as u32).unwrap();
            assert_eq!(block.first_row, if nth < 120 { 0 } else { 120 });
            assert_eq!(range.len(), row.len as usize);
        }
    }

    #[test]
    fn damaged_columns_never_panic() {
        let (mut keys, mut details) = (Vec::new(), Vec::new());
        encode_keys(&rows(), &mut keys);
        encode_details(&rows(), &[], &mut details);
        let sound = Keys::decode(keys.clone()).unwrap();
        for at in 0..keys.len() {
            let mut bytes = keys.clone();
            bytes[at] ^= 0x81;
            drop(Keys::decode(bytes));
            drop(Keys::decode(keys[..at].to_vec()));
        }
        for at in 0..details.len() {
            let mut bytes = details.clone();
            bytes[at] ^= 0x81;
            drop(Details::decode(&bytes, &sound));
            drop(Details::decode(&details[..at], &sound));
        }
    }
}
