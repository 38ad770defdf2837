//! Checks a segment: every block against its checksum, that it decodes, and that the parts agree with each other.
//!
//! In: a segment. Out: for each part of the file what it is, where it stands, and what is wrong with it. Spans are not decoded here.

use std::io;
use std::sync::Arc;

use super::block::{Pointer, damaged};
use super::filter::{self, Filter};
use super::footer::{Footer, RowGroup};
use super::trace_index::Page;
use super::{At, Reader, Segment, TAIL, builder, footer_pointer, operation, table};
use crate::disk::{self, File};

/// A part of a segment's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// What it holds.
    pub(crate) what: &'static str,
    /// Where it starts in the file.
    pub(crate) offset: u64,
    /// How long it is.
    pub(crate) len: u64,
}

/// Is told of each part, and what is wrong with it.
type Each<'a> = dyn FnMut(Piece, io::Result<()>) + 'a;

/// Where the damage is of a file that does not open as a segment.
pub(crate) fn place_of_damage(file: &dyn File) -> u64 {
    let mut magic = [0; 8];
    let has_magic = disk::read_exact_at(file, &mut magic, 0).is_ok() && magic == *builder::MAGIC;
    let Some(at) = file.len().ok().and_then(|l| l.checked_sub(TAIL as u64)) else {
        return 0;
    };
    let mut tail = [0; TAIL];
    let read = disk::read_exact_at(file, &mut tail, at);
    match read.ok().and_then(|()| footer_pointer(&tail)) {
        _ if !has_magic => 0,
        Some(footer) if footer.offset < at => footer.offset,
        _ => at,
    }
}

// === impl Segment ===

impl Segment {
    /// Reads every part of it but for row groups. The footer, when it can be read.
    pub(crate) fn verify(&self, each: &mut Each<'_>) -> Option<Arc<Footer>> {
        let footer = self.footer();
        if let At::File(pointer) = &self.footer {
            let agrees = footer.as_ref().map_err(again).and_then(|f| counts_agree(f));
            each(piece("footer", pointer), agrees);
        }
        let footer = footer.ok()?;
        for (_, pointer) in &footer.operations.pages {
            let check = || {
                let page = self.block::<table::Page>(*pointer)?;
                let whole = page.iter().all(|entry| operation(&footer, entry).is_some());
                whole
                    .then_some(())
                    .ok_or_else(|| damaged("operation is damaged"))
            };
            each(piece("operations", pointer), check());
        }
        for (_, pointer) in &footer.groups.pages {
            let check = || {
                let page = self.block::<table::Page>(*pointer)?;
                let whole = page.iter().all(|entry| {
                    let mut reader = Reader(entry);
                    reader.bytes().and_then(|_| reader.bytes()).is_some()
                });
                whole
                    .then_some(())
                    .ok_or_else(|| damaged("resource is damaged"))
            };
            each(piece("resources", pointer), check());
        }
        each(
            piece("trace filter", &footer.trace_filter),
            self.trace_filter().map(drop),
        );
        self.verify_trace_index(&footer, each);
        each(piece("call counts", &footer.calls), self.calls().map(drop));
        Some(footer)
    }

    fn verify_trace_index(&self, footer: &Footer, each: &mut Each<'_>) {
        let mut entries = 0;
        let mut whole = true;
        for (_, pointer) in &footer.trace_index {
            let page = self.block::<Page>(*pointer).and_then(|page| {
                entries += page.0.len() as u64;
                let there = page.0.iter().all(|entry| {
                    let group = footer.row_groups.get(entry.row_group as usize);
                    group.is_some_and(|group| entry.trace < group.traces)
                });
                there
                    .then_some(())
                    .ok_or_else(|| damaged("trace index names a trace that is not there"))
            });
            whole &= page.is_ok();
            each(piece("trace index", pointer), page);
        }
        let traces: u64 = footer.row_groups.iter().map(|g| u64::from(g.traces)).sum();
        if whole && entries != traces {
            let first = footer.trace_index.first().map(|(_, pointer)| *pointer);
            each(
                piece("trace index", &first.unwrap_or_default()),
                Err(damaged(
                    "trace index has not as many traces as the footer says",
                )),
            );
        }
    }

    /// Reads every block of a row group. Whether its rows can be read.
    pub(crate) fn verify_row_group(&self, group: &RowGroup, each: &mut Each<'_>) -> bool {
        let keys_at = group.keys.at_base(group.offset);
        let details_at = group.details.at_base(group.offset);
        let (from, len) = group.tokens.place();
        let tokens = Piece {
            what: "token filter",
            offset: group.offset.saturating_add(from),
            len,
        };
        each(tokens, group.tokens.verify(&*self.file, group.offset));
        let keys = self.keys(group);
        let agrees = keys.as_ref().map_err(again).and_then(|keys| {
            // one that cannot be read was told already
            let filter: Option<Arc<Filter>> = self.trace_filter().ok();
            let held = |id| {
                filter
                    .as_ref()
                    .is_none_or(|f| f.may_hold(filter::trace(id)))
            };
            let same = keys.flags.len() == group.rows as usize
                && keys.traces.len() == group.traces as usize
                && keys.traces.iter().all(held);
            same.then_some(())
                .ok_or_else(|| damaged("row group has not the rows that the footer says"))
        });
        each(piece("keys", &keys_at), agrees);
        let Ok(keys) = keys else {
            return false;
        };
        let details = self.details(group, &keys);
        each(
            piece("details", &details_at),
            details.as_ref().map(drop).map_err(again),
        );
        let Ok(details) = details else {
            return false;
        };
        let mut whole = true;
        for block in &details.blocks {
            let at = block.pointer.at_base(group.offset);
            let read = self.verify_payloads(at);
            whole &= read.is_ok();
            each(piece("spans", &at), read);
        }
        whole
    }
}

fn counts_agree(footer: &Footer) -> io::Result<()> {
    let rows: u64 = footer.row_groups.iter().map(|g| u64::from(g.rows)).sum();
    (rows == footer.summary.spans)
        .then_some(())
        .ok_or_else(|| damaged("footer counts other rows than its row groups have"))
}

fn piece(what: &'static str, pointer: &Pointer) -> Piece {
    Piece {
        what,
        offset: pointer.offset,
        len: u64::from(pointer.len),
    }
}

/// The same error once more: it cannot be cloned.
fn again(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}
