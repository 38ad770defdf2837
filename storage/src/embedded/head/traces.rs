//! The traces of a part: id to number, and the last row of each.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use model::TraceId;

use super::block::NONE;

/// Traces by number.
#[derive(Default)]
pub(super) struct Traces {
    ids: Vec<TraceId>,
    last_rows: Vec<u32>,
    number_of: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

// === impl Traces ===

impl Traces {
    /// Makes `row` the last of its trace. Answers the trace's number, and the row that was the last before, or [`NONE`].
    pub(super) fn chain(&mut self, id: TraceId, row: u32) -> (u32, u32) {
        let hash = self.hasher.hash_one(id);
        let Self {
            ids,
            last_rows,
            number_of,
            hasher,
        } = self;
        let found = number_of.find(hash, |n| ids.get(*n as usize) == Some(&id));
        if let Some(number) = found.copied()
            && let Some(last) = last_rows.get_mut(number as usize)
        {
            return (number, std::mem::replace(last, row));
        }
        let number = ids.len() as u32;
        ids.push(id);
        last_rows.push(row);
        number_of.insert_unique(hash, number, |n| {
            ids.get(*n as usize).map_or(0, |id| hasher.hash_one(id))
        });
        (number, NONE)
    }

    /// The last row of a trace.
    pub(super) fn last_row(&self, id: TraceId) -> Option<u32> {
        let hash = self.hasher.hash_one(id);
        let number = self
            .number_of
            .find(hash, |n| self.ids.get(*n as usize) == Some(&id))?;
        self.last_rows.get(*number as usize).copied()
    }

    /// A trace's id by number.
    pub(super) fn id(&self, number: u32) -> Option<TraceId> {
        self.ids.get(number as usize).copied()
    }

    /// All ids.
    pub(super) fn ids(&self) -> &[TraceId] {
        &self.ids
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<TraceId>()
            + self.last_rows.capacity() * size_of::<u32>()
            + self.number_of.allocation_size()
    }
}
