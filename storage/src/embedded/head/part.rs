//! One instance's spans of one generation: columns, traces, services and operations.
//!
//! One writer adds records; readers look at it block by block, so that neither waits long for the other.

use model::TraceId;
use parking_lot::RwLock;

use super::block::{BLOCK_ROWS, Block, NONE, Stored};
use super::catalogue::Catalogue;
use super::traces::Traces;
use crate::embedded::batch::{Malformed, Row, SpanRecord};

/// One instance's spans of one generation.
#[derive(Default)]
pub(crate) struct Part(RwLock<Columns>);

/// What a [`Part`] holds.
#[derive(Default)]
pub(crate) struct Columns {
    /// All but the last are full.
    blocks: Vec<Block>,
    rows: u32,
    traces: Traces,
    catalogue: Catalogue,
    groups: Vec<Place>,
    bytes: usize,
}

/// Where a resource and a scope stand in the file: offsets and lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// Of the resource.
    pub(crate) resource: (u32, u32),
    /// Of the scope.
    pub(crate) scope: (u32, u32),
}

// === impl Part ===

impl Part {
    /// Adds a record's spans. Answers how many bytes of memory that took. A record that is malformed adds the rows before the error.
    pub(super) fn add(&self, record: &SpanRecord<'_>, payload_at: u32) -> Result<usize, Malformed> {
        let mut columns = self.0.write();
        let before = columns.bytes;
        let added = columns.add(record, payload_at);
        columns.bytes = columns.measure();
        added.map(|()| columns.bytes.saturating_sub(before))
    }

    /// Looks at what it holds. Do so briefly: the committer waits.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Columns) -> T) -> T {
        look(&self.0.read())
    }
}

// === impl Columns ===

impl Columns {
    fn add(&mut self, record: &SpanRecord<'_>, payload_at: u32) -> Result<(), Malformed> {
        let first_group = self.groups.len() as u32;
        let moved = |(offset, len): (u32, u32)| (payload_at.wrapping_add(offset), len);
        self.groups.extend(record.groups.iter().map(|g| Place {
            resource: moved(g.resource),
            scope: moved(g.scope),
        }));
        let service = |group: u32| record.groups.get(group as usize).map(|g| g.service);
        let numbers: Vec<u32> = record
            .operations
            .iter()
            .map(|o| {
                self.catalogue
                    .intern(service(o.group).unwrap_or_default(), o.kind, o.name)
            })
            .collect();
        record.for_each_row(|row| {
            let row = Row {
                operation: numbers.get(row.operation as usize).copied().unwrap_or(NONE),
                group: first_group + row.group,
                offset: payload_at.wrapping_add(row.offset),
                ..row
            };
            self.push(row);
        })
    }

    fn push(&mut self, row: Row) {
        let (trace, previous) = self.traces.chain(row.trace_id, self.rows);
        let block = match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK_ROWS => block,
            last => {
                // the first one grows, since many parts are small
                let next = match last {
                    None => Block::default(),
                    Some(_) => Block::full_size(),
                };
                self.blocks.push_mut(next)
            }
        };
        block.push(&Stored {
            trace,
            previous,
            row,
        });
        self.rows += 1;
    }

    /// All blocks.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Services and operations.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// How many rows.
    pub(crate) fn len(&self) -> u64 {
        u64::from(self.rows)
    }

    /// All traces.
    pub(crate) fn trace_ids(&self) -> &[TraceId] {
        self.traces.ids()
    }

    /// A trace's id by its number.
    pub(crate) fn trace_id(&self, number: u32) -> Option<TraceId> {
        self.traces.id(number)
    }

    /// A group by its number.
    pub(crate) fn group(&self, number: u32) -> Option<Place> {
        self.groups.get(number as usize).copied()
    }

    /// A row by its number in the part, with its trace's id.
    pub(crate) fn row(&self, number: u32) -> Option<Row> {
        let stored = self.stored(number)?;
        Some(Row {
            trace_id: self.traces.id(stored.trace)?,
            ..stored.row
        })
    }

    /// The rows of a trace, in the order they came.
    pub(crate) fn rows_of(&self, id: TraceId) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut next = self.traces.last_row(id).unwrap_or(NONE);
        while next != NONE
            && let Some(stored) = self.stored(next)
        {
            rows.push(Row {
                trace_id: id,
                ..stored.row
            });
            next = stored.previous;
        }
        rows.reverse();
        rows
    }

    fn stored(&self, number: u32) -> Option<Stored> {
        let number = number as usize;
        self.blocks
            .get(number / BLOCK_ROWS)?
            .get(number % BLOCK_ROWS)
    }

    fn measure(&self) -> usize {
        // all blocks but the first and the last are of one size
        let blocks = match &*self.blocks {
            [] => 0,
            [only] => only.bytes(),
            [first, rest @ ..] => first.bytes() + rest.len() * rest.last().map_or(0, Block::bytes),
        };
        blocks
            + self.traces.bytes()
            + self.catalogue.bytes()
            + self.groups.capacity() * size_of::<Place>()
    }
}
