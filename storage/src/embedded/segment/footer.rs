//! A segment's footer: what is in it, and where.
//!
//! Fields in this order, LEB128 unless said otherwise: version (1); instance; day (since the Unix epoch); first and last generation that it
//! holds; numbers of the segments it took the place of; earliest and latest time that a span was taken in, earliest and latest start (u64
//! each); spans; services; tables of operations (service, kind as a byte, name) and of groups (resource, scope, each after its length);
//! trace filter; trace index: pages, each with the first hash (u64) and a pointer; call counts (see `calls`); row groups.
//!
//! A row group: where it starts (offset), its length; rows; traces; earliest start (u64), latest beyond that; longest duration; its
//! operations and its groups, by number; pointers of its keys and details and the pages of its token filter, from where it starts.

use model::Instance;

use super::block::Pointer;
use super::cache::Block;
use super::filter::Pages;
use super::rows::{GROUP_BITS, GROUP_ROWS};
use super::table::Table;
use crate::embedded::batch::{Reader, put_bytes, put_varint};

const VERSION: u64 = 1;
/// Row groups of a segment at most: a row's number in its segment has 32 bits.
const MAX_GROUPS: usize = 1 << (u32::BITS - GROUP_BITS);

/// What is in a segment, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) summary: Summary,
    pub(crate) services: Vec<String>,
    pub(crate) operations: Table,
    pub(crate) groups: Table,
    pub(crate) trace_filter: Pointer,
    pub(crate) trace_index: Vec<(u64, Pointer)>,
    pub(crate) calls: Pointer,
    pub(crate) row_groups: Vec<RowGroup>,
}

/// What is in a segment, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Whose spans they are.
    pub(crate) instance: Instance,
    /// The day that its traces start in, counted from the Unix epoch.
    pub(crate) day: u64,
    /// The first and the last generation of the journal that it holds spans of.
    pub(crate) generations: (u64, u64),
    /// The segments it took the place of.
    pub(crate) replaces: Vec<u64>,
    /// When its first and its last span were taken in, nanoseconds since the Unix epoch.
    pub(crate) received_ns: (u64, u64),
    /// Earliest and latest start of a span, nanoseconds since the Unix epoch.
    pub(crate) starts: (u64, u64),
    pub(crate) spans: u64,
}

/// A run of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowGroup {
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) rows: u32,
    pub(crate) traces: u32,
    pub(crate) starts: (u64, u64),
    pub(crate) longest_ns: u64,
    /// The segment's numbers of the operations that rows name by their position here.
    pub(crate) operations: Vec<u32>,
    /// The segment's numbers of the groups that rows name by their position here.
    pub(crate) groups: Vec<u32>,
    pub(crate) keys: Pointer,
    pub(crate) details: Pointer,
    pub(crate) tokens: Pages,
}

fn put_numbers(out: &mut Vec<u8>, numbers: &[u32]) {
    put_varint(out, numbers.len() as u64);
    numbers.iter().for_each(|n| put_varint(out, u64::from(*n)));
}

fn take_numbers(reader: &mut Reader<'_>, below: u32) -> Option<Vec<u32>> {
    let mut numbers = Vec::new();
    for _ in 0..reader.varint()? {
        numbers.push(reader.varint32().filter(|n| *n < below)?);
    }
    Some(numbers)
}

fn take_u64(reader: &mut Reader<'_>) -> Option<u64> {
    reader.array().map(u64::from_le_bytes)
}

// === impl Footer ===

impl Footer {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, VERSION);
        self.summary.put(&mut out);
        put_varint(&mut out, self.services.len() as u64);
        for service in &self.services {
            put_bytes(&mut out, service.as_bytes());
        }
        self.operations.put(&mut out);
        self.groups.put(&mut out);
        self.trace_filter.put(&mut out);
        put_varint(&mut out, self.trace_index.len() as u64);
        for (first, pointer) in &self.trace_index {
            out.extend_from_slice(&first.to_le_bytes());
            pointer.put(&mut out);
        }
        self.calls.put(&mut out);
        put_varint(&mut out, self.row_groups.len() as u64);
        self.row_groups.iter().for_each(|g| g.put(&mut out));
        out
    }
}

impl Block for Footer {
    const ASKED_ALWAYS: bool = true;

    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let reader = &mut Reader(&bytes);
        (reader.varint()? == VERSION).then_some(())?;
        let mut footer = Self {
            summary: Summary::take(reader)?,
            ..Self::default()
        };
        for _ in 0..reader.varint()? {
            footer.services.push(reader.text()?.to_owned());
        }
        footer.operations = Table::take(reader)?;
        footer.groups = Table::take(reader)?;
        footer.trace_filter = Pointer::take(reader)?;
        for _ in 0..reader.varint()? {
            footer
                .trace_index
                .push((take_u64(reader)?, Pointer::take(reader)?));
        }
        footer.calls = Pointer::take(reader)?;
        for _ in 0..reader.varint()? {
            let (operations, groups) = (footer.operations.len, footer.groups.len);
            footer
                .row_groups
                .push(RowGroup::take(reader, operations, groups)?);
        }
        (footer.row_groups.len() <= MAX_GROUPS).then_some(footer)
    }

    fn bytes(&self) -> usize {
        let groups = self.row_groups.iter().map(|g| {
            size_of::<RowGroup>() + 4 * (g.operations.len() + g.groups.len()) + g.tokens.bytes()
        });
        size_of::<Self>()
            + self.services.iter().map(|s| s.len() + 24).sum::<usize>()
            + self.operations.bytes()
            + self.groups.bytes()
            + self.trace_index.len() * size_of::<(u64, Pointer)>()
            + groups.sum::<usize>()
    }
}

// === impl Summary ===

impl Summary {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.instance.as_str().as_bytes());
        put_varint(out, self.day);
        put_varint(out, self.generations.0);
        put_varint(out, self.generations.1);
        put_varint(out, self.replaces.len() as u64);
        self.replaces.iter().for_each(|n| put_varint(out, *n));
        for time in [
            self.received_ns.0,
            self.received_ns.1,
            self.starts.0,
            self.starts.1,
        ] {
            out.extend_from_slice(&time.to_le_bytes());
        }
        put_varint(out, self.spans);
    }

    fn take(reader: &mut Reader<'_>) -> Option<Self> {
        let summary = Self {
            instance: Instance::parse(reader.text()?).ok()?,
            day: reader.varint()?,
            generations: (reader.varint()?, reader.varint()?),
            replaces: {
                let mut replaces = Vec::new();
                for _ in 0..reader.varint()? {
                    replaces.push(reader.varint()?);
                }
                replaces
            },
            received_ns: (take_u64(reader)?, take_u64(reader)?),
            starts: (take_u64(reader)?, take_u64(reader)?),
            spans: reader.varint()?,
        };
        let rises = |(first, last): (u64, u64)| first <= last;
        let sound = [summary.generations, summary.received_ns, summary.starts].map(rises);
        (sound == [true; 3]).then_some(summary)
    }
}

// === impl RowGroup ===

impl RowGroup {
    fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.offset);
        put_varint(out, self.len);
        put_varint(out, u64::from(self.rows));
        put_varint(out, u64::from(self.traces));
        out.extend_from_slice(&self.starts.0.to_le_bytes());
        put_varint(out, self.starts.1.saturating_sub(self.starts.0));
        put_varint(out, self.longest_ns);
        put_numbers(out, &self.operations);
        put_numbers(out, &self.groups);
        self.keys.put(out);
        self.details.put(out);
        self.tokens.put(out);
    }

    fn take(reader: &mut Reader<'_>, operations: u32, groups: u32) -> Option<Self> {
        let mut group = Self {
            offset: reader.varint()?,
            len: reader.varint()?,
            rows: reader.varint32().filter(|r| *r as usize <= GROUP_ROWS)?,
            traces: reader.varint32()?,
            ..Self::default()
        };
        let first = take_u64(reader)?;
        group.starts = (first, first.checked_add(reader.varint()?)?);
        group.longest_ns = reader.varint()?;
        group.operations = take_numbers(reader, operations)?;
        group.groups = take_numbers(reader, groups)?;
        group.keys = Pointer::take(reader)?;
        group.details = Pointer::take(reader)?;
        group.tokens = Pages::take(reader)?;
        Some(group)
    }
}
