//! A run of rows, column by column.

use crate::embedded::batch::Row;

/// Rows in a block that is full. A search holds a part's lock for one block at a time.
pub(crate) const BLOCK_ROWS: usize = 4096;

/// No row.
pub(crate) const NONE: u32 = u32::MAX;

/// Up to [`BLOCK_ROWS`] rows. All columns are equally long.
#[derive(Default)]
pub(crate) struct Block {
    trace: Vec<u32>,
    previous: Vec<u32>,
    span_id: Vec<u64>,
    parent: Vec<u64>,
    start_ns: Vec<u64>,
    duration_ns: Vec<u64>,
    operation: Vec<u32>,
    group: Vec<u32>,
    offset: Vec<u32>,
    len: Vec<u32>,
    flags: Vec<u8>,
    /// The earliest and the latest start.
    starts: Option<(u64, u64)>,
    longest_ns: u64,
}

/// A row, by the numbers of its part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    /// Its trace's number.
    pub(crate) trace: u32,
    /// The row before it in its trace, or [`NONE`].
    pub(crate) previous: u32,
    /// The row; `operation`, `group` and `offset` are the part's and the file's.
    pub(crate) row: Row,
}

/// What a search compares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The row's number in the block.
    pub(crate) at: usize,
    /// Its trace's number.
    pub(crate) trace: u32,
    /// Nanoseconds since the Unix epoch.
    pub(crate) start_ns: u64,
    /// Nanoseconds.
    pub(crate) duration_ns: u64,
    /// Number of its operation.
    pub(crate) operation: u32,
    /// The row's flags.
    pub(crate) flags: u8,
}

// === impl Block ===

impl Block {
    /// A block with room for all its rows.
    pub(super) fn full_size() -> Self {
        Self {
            trace: Vec::with_capacity(BLOCK_ROWS),
            previous: Vec::with_capacity(BLOCK_ROWS),
            span_id: Vec::with_capacity(BLOCK_ROWS),
            parent: Vec::with_capacity(BLOCK_ROWS),
            start_ns: Vec::with_capacity(BLOCK_ROWS),
            duration_ns: Vec::with_capacity(BLOCK_ROWS),
            operation: Vec::with_capacity(BLOCK_ROWS),
            group: Vec::with_capacity(BLOCK_ROWS),
            offset: Vec::with_capacity(BLOCK_ROWS),
            len: Vec::with_capacity(BLOCK_ROWS),
            flags: Vec::with_capacity(BLOCK_ROWS),
            ..Self::default()
        }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, stored: &Stored) {
        let row = &stored.row;
        self.trace.push(stored.trace);
        self.previous.push(stored.previous);
        self.span_id.push(row.span_id);
        self.parent.push(row.parent);
        self.start_ns.push(row.start_ns);
        self.duration_ns.push(row.duration_ns);
        self.operation.push(row.operation);
        self.group.push(row.group);
        self.offset.push(row.offset);
        self.len.push(row.len);
        self.flags.push(row.flags);
        let (first, last) = self.starts.unwrap_or((u64::MAX, 0));
        self.starts = Some((first.min(row.start_ns), last.max(row.start_ns)));
        self.longest_ns = self.longest_ns.max(row.duration_ns);
    }

    /// A row by its number in the block. The trace's id is left out.
    pub(super) fn get(&self, at: usize) -> Option<Stored> {
        Some(Stored {
            trace: *self.trace.get(at)?,
            previous: *self.previous.get(at)?,
            row: Row {
                trace_id: model::TraceId::default(),
                span_id: *self.span_id.get(at)?,
                parent: *self.parent.get(at)?,
                start_ns: *self.start_ns.get(at)?,
                duration_ns: *self.duration_ns.get(at)?,
                operation: *self.operation.get(at)?,
                group: *self.group.get(at)?,
                offset: *self.offset.get(at)?,
                len: *self.len.get(at)?,
                flags: *self.flags.get(at)?,
            },
        })
    }

    /// What a search compares, row by row.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let columns = self
            .start_ns
            .iter()
            .zip(&self.duration_ns)
            .zip(&self.operation)
            .zip(&self.trace)
            .zip(&self.flags)
            .enumerate();
        columns.map(
            |(at, ((((start, duration), operation), trace), flags))| Key {
                at,
                trace: *trace,
                start_ns: *start,
                duration_ns: *duration,
                operation: *operation,
                flags: *flags,
            },
        )
    }

    /// The earliest and the latest start; `None` when it is empty.
    pub(crate) fn starts(&self) -> Option<(u64, u64)> {
        self.starts
    }

    /// The longest duration.
    pub(crate) fn longest_ns(&self) -> u64 {
        self.longest_ns
    }

    /// How many rows.
    pub(super) fn len(&self) -> usize {
        self.flags.len()
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        let narrow = self.trace.capacity()
            + self.previous.capacity()
            + self.operation.capacity()
            + self.group.capacity()
            + self.offset.capacity()
            + self.len.capacity();
        let wide = self.span_id.capacity()
            + self.parent.capacity()
            + self.start_ns.capacity()
            + self.duration_ns.capacity();
        size_of::<Self>() + 4 * narrow + 8 * wide + self.flags.capacity()
    }
}
