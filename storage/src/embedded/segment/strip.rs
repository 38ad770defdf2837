//! A span's record without what columns hold: trace, id, parent, name, kind, start and end. And back.
//!
//! A record is protobuf (`wire::record`), so fields may be taken out and put in front again. The end stays where it is not start and
//! duration together: a span that ends before it starts.

use crate::embedded::batch::{Reader, put_varint};

const TRACE_ID: u64 = 1;
const SPAN_ID: u64 = 2;
const PARENT: u64 = 4;
const NAME: u64 = 5;
const KIND: u64 = 6;
const START: u64 = 7;
const END: u64 = 8;

/// What columns say of a span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed<'a> {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) name: &'a str,
    pub(crate) kind: i32,
    pub(crate) start_ns: u64,
    /// `None`: as the rest of the record says.
    pub(crate) end_ns: Option<u64>,
}

/// Appends what columns do not hold of `record` to `out`. Answers whether the end stayed; `None` when it is no record.
pub(crate) fn strip(
    record: &[u8],
    start_ns: u64,
    duration_ns: u64,
    out: &mut Vec<u8>,
) -> Option<bool> {
    let mut end = 0;
    let mut reader = Reader(record);
    while !reader.0.is_empty() {
        let from = reader.0;
        let tag = reader.varint()?;
        match tag & 7 {
            0 => drop(reader.varint()?),
            1 => {
                let value = u64::from_le_bytes(reader.array()?);
                if tag >> 3 == END {
                    end = value;
                }
            }
            2 => drop(reader.bytes()?),
            5 => drop(reader.array::<4>()?),
            _ => return None,
        }
        if !matches!(
            tag >> 3,
            TRACE_ID | SPAN_ID | PARENT | NAME | KIND | START | END
        ) {
            out.extend_from_slice(from.get(..from.len() - reader.0.len())?);
        }
    }
    let apart = start_ns.checked_add(duration_ns) != Some(end);
    if apart && end != 0 {
        out.push((END << 3 | 1) as u8);
        out.extend_from_slice(&end.to_le_bytes());
    }
    Some(apart)
}

/// Appends what columns hold of a record to `out`. With the rest behind it, it is whole.
pub(crate) fn restore(fixed: &Fixed<'_>, out: &mut Vec<u8>) {
    let mut bytes = |field: u64, bytes: &[u8]| {
        out.push((field << 3 | 2) as u8);
        put_varint(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    };
    bytes(TRACE_ID, &fixed.trace_id);
    bytes(SPAN_ID, &fixed.span_id.to_be_bytes());
    if let Some(parent) = fixed.parent {
        bytes(PARENT, &parent.to_be_bytes());
    }
    if !fixed.name.is_empty() {
        bytes(NAME, fixed.name.as_bytes());
    }
    if fixed.kind != 0 {
        out.push((KIND << 3) as u8);
        put_varint(out, fixed.kind as u64);
    }
    for (field, value) in [(START, fixed.start_ns), (END, fixed.end_ns.unwrap_or(0))] {
        if value != 0 {
            out.push((field << 3 | 1) as u8);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}
