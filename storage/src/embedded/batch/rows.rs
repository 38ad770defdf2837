//! One span's line in a record's index: what the columns hold of it.
//!
//! Flags (u8); trace id (16) unless it is that of the row before; span id (8); parent (8) when there is one; start (u64); duration
//! (LEB128); operation (LEB128); group and offset (LEB128) unless the span follows the one before in the same group; length (LEB128).

use model::TraceId;

use super::varint::{Reader, put_varint};

/// Bits of a row's flags.
pub(crate) mod flags {
    /// The span's status is error.
    pub(crate) const ERROR: u8 = 1;
    /// It has a parent.
    pub(crate) const PARENT: u8 = 2;
    /// Its end is not its start and its duration together: it ends before it starts. Of segments only.
    pub(crate) const END_APART: u8 = 4;
    /// What columns keep; the others say how the row is written.
    pub(crate) const KEPT: u8 = ERROR | PARENT;
    /// The trace is that of the row before.
    pub(super) const SAME_TRACE: u8 = 0x40;
    /// The group is that of the row before, and the span follows it.
    pub(super) const SAME_GROUP: u8 = 0x80;
}

/// A span, as far as columns know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its trace.
    pub(crate) trace_id: TraceId,
    /// Its id, as a number.
    pub(crate) span_id: u64,
    /// Its parent's id, where [`flags::PARENT`] is set.
    pub(crate) parent: u64,
    /// Nanoseconds since the Unix epoch.
    pub(crate) start_ns: u64,
    /// Nanoseconds.
    pub(crate) duration_ns: u64,
    /// Index among the record's operations.
    pub(crate) operation: u32,
    /// Index among the record's groups.
    pub(crate) group: u32,
    /// Where its encoding starts in the payload.
    pub(crate) offset: u32,
    /// How long its encoding is.
    pub(crate) len: u32,
    /// See [`flags`].
    pub(crate) flags: u8,
}

/// What a row leaves out because the one before said it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    trace_id: TraceId,
    group: Option<u32>,
    end: u32,
}

// === impl Row ===

impl Row {
    /// Its parent's id, when it has one.
    pub(crate) fn parent_id(&self) -> Option<u64> {
        (self.flags & flags::PARENT != 0).then_some(self.parent)
    }
}

// === impl Before ===

impl Before {
    /// Appends `row`.
    pub(super) fn put(&mut self, out: &mut Vec<u8>, row: &Row) {
        let same_trace = row.trace_id == self.trace_id;
        let same_group = self.group == Some(row.group) && self.end == row.offset;
        let mut bits = row.flags & flags::KEPT;
        bits |= if same_trace { flags::SAME_TRACE } else { 0 };
        bits |= if same_group { flags::SAME_GROUP } else { 0 };
        out.push(bits);
        if !same_trace {
            out.extend_from_slice(&row.trace_id.0);
        }
        out.extend_from_slice(&row.span_id.to_le_bytes());
        if bits & flags::PARENT != 0 {
            out.extend_from_slice(&row.parent.to_le_bytes());
        }
        out.extend_from_slice(&row.start_ns.to_le_bytes());
        put_varint(out, row.duration_ns);
        put_varint(out, u64::from(row.operation));
        if !same_group {
            put_varint(out, u64::from(row.group));
            put_varint(out, u64::from(row.offset));
        }
        put_varint(out, u64::from(row.len));
        self.follow(row);
    }

    /// Takes a row.
    pub(super) fn take(&mut self, reader: &mut Reader<'_>) -> Option<Row> {
        let bits = reader.byte()?;
        let trace_id = match bits & flags::SAME_TRACE {
            0 => TraceId(reader.array()?),
            _ => self.trace_id,
        };
        let span_id = u64::from_le_bytes(reader.array()?);
        let parent = match bits & flags::PARENT {
            0 => 0,
            _ => u64::from_le_bytes(reader.array()?),
        };
        let start_ns = u64::from_le_bytes(reader.array()?);
        let duration_ns = reader.varint()?;
        let operation = reader.varint32()?;
        let (group, offset) = match bits & flags::SAME_GROUP {
            0 => (reader.varint32()?, reader.varint32()?),
            _ => (self.group?, self.end),
        };
        let row = Row {
            trace_id,
            span_id,
            parent,
            start_ns,
            duration_ns,
            operation,
            group,
            offset,
            len: reader.varint32()?,
            flags: bits & flags::KEPT,
        };
        self.follow(&row);
        Some(row)
    }

    fn follow(&mut self, row: &Row) {
        *self = Self {
            trace_id: row.trace_id,
            group: Some(row.group),
            end: row.offset.wrapping_add(row.len),
        };
    }
}
