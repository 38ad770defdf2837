//! Finds a trace's rows in all parts, and sees to it that equal spans are one.
//!
//! Equal means wholly equal: two halves that share an id, as Zipkin makes them, both stay.

use std::io;

use hashbrown::{HashMap, HashSet};
use model::{SpanKind, TraceId};

use super::fetch::Fetcher;
use crate::calls::{Call, Names, Peer, names_peers};
use crate::embedded::batch::{Row, flags};
use crate::embedded::head::{Columns, Place, Snapshot, Source};

/// A row and where its span is.
#[derive(Clone, Copy, Debug)]
pub(in crate::embedded) struct Located {
    /// The source's position in the snapshot.
    pub(in crate::embedded) source: usize,
    /// The row.
    pub(in crate::embedded) row: Row,
    /// Its resource and scope in a journal file; `None`: in a segment, as the row says.
    pub(in crate::embedded) place: Option<Place>,
}

/// The rows of a trace, the oldest part first, in the order they came; equal spans once. Parts that cannot be read are shown to `failed`.
pub(in crate::embedded) fn locate(
    snapshot: &Snapshot,
    id: TraceId,
    fetcher: &mut Fetcher,
    failed: &mut dyn FnMut(&Source, &io::Error),
) -> Vec<Located> {
    let mut found = Vec::new();
    for (number, source) in snapshot.iter().enumerate() {
        match source {
            Source::Open { part, .. } => part.with(|columns| {
                let rows = columns.rows_of(id).into_iter();
                found.extend(rows.filter_map(|row| located(number, row, columns)));
            }),
            Source::Sealed(segment) => match segment.rows_of(&id) {
                Ok(rows) => found.extend(rows.into_iter().map(|row| sealed(number, row))),
                Err(error) => failed(source, &error),
            },
        }
    }
    drop_equal(snapshot, &mut found, fetcher);
    found
}

/// A row with the place of its resource and scope.
pub(super) fn located(source: usize, row: Row, columns: &Columns) -> Option<Located> {
    let place = Some(columns.group(row.group)?);
    Some(Located { source, row, place })
}

/// A row of a segment.
pub(in crate::embedded) fn sealed(source: usize, row: Row) -> Located {
    Located {
        source,
        row,
        place: None,
    }
}

/// What calls are counted by, of those rows for which `is_before` holds first, and how many these are: they come first. Rows whose operation cannot be read are left out.
pub(in crate::embedded) fn calls_of(
    snapshot: &Snapshot,
    rows: &[Located],
    is_before: impl Fn(&Located) -> bool,
    fetcher: &mut Fetcher,
    names: &mut Names,
) -> (Vec<Call>, usize) {
    let (mut calls, mut before) = (Vec::with_capacity(rows.len()), 0);
    for located in rows {
        let Some(call) = call_of(snapshot, located, fetcher, names) else {
            continue;
        };
        before += usize::from(is_before(located));
        calls.push(call);
    }
    (calls, before)
}

fn call_of(
    snapshot: &Snapshot,
    located: &Located,
    fetcher: &mut Fetcher,
    names: &mut Names,
) -> Option<Call> {
    let row = &located.row;
    let source = snapshot.get(located.source)?;
    let (kind, service) = match source {
        Source::Open { part, .. } => part.with(|columns| {
            let catalogue = columns.catalogue();
            let operation = catalogue.operation(row.operation)?;
            let name = catalogue.service(operation.service)?;
            Some((operation.kind, names.number(name)))
        })?,
        Source::Sealed(segment) => names.sealed(segment.number, row.operation, || {
            let operation = segment.operation(row.operation).ok()?;
            Some((operation.kind, operation.service))
        })?,
    };
    let mut peer = None;
    if names_peers(kind) {
        // what cannot be read names none
        let span = fetcher.look(source, located, None).ok().flatten();
        peer = span.and_then(|span| Peer::of(&span, names));
    }
    Some(call(row, kind, service, peer))
}

/// What a row says of calls.
pub(in crate::embedded) fn call(
    row: &Row,
    kind: SpanKind,
    service: u32,
    peer: Option<Peer>,
) -> Call {
    Call {
        span_id: row.span_id,
        parent: row.parent_id(),
        start_ns: row.start_ns,
        duration_ns: row.duration_ns,
        kind,
        is_error: row.flags & flags::ERROR != 0,
        service,
        peer,
    }
}

/// Keeps the first of spans that are equal.
fn drop_equal(snapshot: &Snapshot, rows: &mut Vec<Located>, fetcher: &mut Fetcher) {
    let key = |l: &Located| {
        let row = &l.row;
        (row.span_id, row.start_ns, row.duration_ns, row.parent)
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
