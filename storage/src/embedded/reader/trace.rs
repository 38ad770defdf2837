//! Finds a trace's rows in all parts, and sees to it that equal spans are one.
//!
//! Equal means wholly equal: two halves that share an id, as Zipkin makes them, both stay.

use hashbrown::{HashMap, HashSet};
use model::TraceId;

use super::fetch::Fetcher;
use crate::embedded::batch::Row;
use crate::embedded::head::{Columns, Place, Snapshot};

/// A row and where its span is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Located {
    /// The source's position in the snapshot.
    pub(super) source: usize,
    /// The row.
    pub(super) row: Row,
    /// Its resource and scope.
    pub(super) place: Place,
}

/// The rows of a trace, the oldest generation first, in the order they came; equal spans once.
pub(super) fn locate(snapshot: &Snapshot, id: TraceId, fetcher: &mut Fetcher) -> Vec<Located> {
    let mut found = Vec::new();
    for (source, part) in snapshot.iter().enumerate() {
        part.part.with(|columns| {
            let rows = columns.rows_of(id);
            found.extend(
                rows.into_iter()
                    .filter_map(|row| located(source, row, columns)),
            );
        });
    }
    drop_equal(snapshot, &mut found, fetcher);
    found
}

/// A row with the place of its resource and scope.
pub(super) fn located(source: usize, row: Row, columns: &Columns) -> Option<Located> {
    let place = columns.group(row.group)?;
    Some(Located { source, row, place })
}

/// Keeps the first of spans that are equal.
pub(super) fn drop_equal(snapshot: &Snapshot, rows: &mut Vec<Located>, fetcher: &mut Fetcher) {
    let key = |l: &Located| {
        let row = &l.row;
        (
            row.span_id,
            row.start_ns,
            row.duration_ns,
            row.parent,
            row.len,
            l.place.resource.1,
        )
    };
    let mut seen = HashMap::with_capacity(rows.len());
    for row in rows.iter() {
        *seen.entry(key(row)).or_insert(0_u32) += 1;
    }
    if seen.len() == rows.len() {
        return;
    }
    // only these can be equal: look at every byte of them
    let mut contents = HashSet::new();
    rows.retain(|row| {
        if seen.get(&key(row)).is_none_or(|count| *count < 2) {
            return true;
        }
        let bytes = snapshot
            .get(row.source)
            .and_then(|source| fetcher.bytes(source, row).ok());
        // what cannot be read is not dropped here: reading it again will say so
        bytes.is_none_or(|bytes| contents.insert(bytes))
    });
}
