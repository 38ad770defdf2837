//! A search: columns first, payloads only of rows that the columns let through, the newest first, until there are enough traces.
//!
//! Blocks are visited by their latest start, so a search of recent spans never looks at old ones. Rows that may answer wait in a heap by
//! start; one is decided when no block left can hold a newer one. So traces come in their final order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashSet;
use model::TraceId;
use regex::bytes::Regex;

use super::fetch::Fetcher;
use super::needle::needle;
use super::trace::{Located, located};
use super::{Damage, partial};
use crate::embedded::head::{BLOCK_ROWS, Block, Columns, Snapshot};
use crate::port::{Completeness, Found, FoundTrace, ReadContext, ReadError};
use crate::query::TraceQuery;

/// A row that may answer. The newest is the greatest, then the smallest trace id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    start_ns: u64,
    trace_id: Reverse<TraceId>,
    source: u32,
    row: u32,
}

/// A block, by its latest start.
struct Pending {
    latest_ns: u64,
    source: usize,
    block: usize,
}

struct Search<'a> {
    cx: &'a ReadContext,
    query: &'a TraceQuery,
    snapshot: &'a Snapshot,
    /// For each source, which of its operations answer; those that came later do not.
    operations: Vec<Option<Vec<bool>>>,
    /// The one with the latest start is the last.
    blocks: Vec<Pending>,
    heap: BinaryHeap<Candidate>,
    decode: bool,
    /// What a span has to hold to be worth decoding.
    needle: Option<Regex>,
}

/// The newest traces that have a span which answers `query`.
pub(super) fn find(
    cx: &ReadContext,
    query: &TraceQuery,
    snapshot: &Snapshot,
    fetcher: &mut Fetcher,
    damage: &mut Damage,
) -> Result<Found, ReadError> {
    cx.check()?;
    let mut search = Search::new(cx, query, snapshot);
    let mut traces = Vec::new();
    let mut found = HashSet::new();
    let mut completeness = Completeness::Complete;
    let mut steps = 0_u32;
    while traces.len() < query.limit {
        steps = steps.wrapping_add(1);
        if steps.is_multiple_of(256) {
            cx.check()?;
        }
        let Some(candidate) = search.next()? else {
            break;
        };
        let id = candidate.trace_id.0;
        if found.contains(&id) || !search.answers(&candidate, fetcher, damage) {
            continue;
        }
        if traces.len() >= cx.limits.traces {
            let limit = format!("{} traces (query.max-traces)", cx.limits.traces);
            completeness = partial(&limit);
            break;
        }
        found.insert(id);
        traces.push(FoundTrace {
            trace_id: id,
            start_ns: candidate.start_ns,
        });
    }
    Ok(Found {
        traces,
        completeness: damage.or(completeness),
    })
}

// === impl Search ===

impl<'a> Search<'a> {
    fn new(cx: &'a ReadContext, query: &'a TraceQuery, snapshot: &'a Snapshot) -> Self {
        let mut search = Self {
            cx,
            query,
            snapshot,
            operations: Vec::with_capacity(snapshot.len()),
            blocks: Vec::new(),
            heap: BinaryHeap::new(),
            decode: !query.filter.is_always_true(),
            needle: needle(&query.filter),
        };
        for (number, source) in snapshot.iter().enumerate() {
            source.part.with(|columns| search.plan(number, columns));
        }
        search.blocks.sort_unstable_by_key(|b| b.latest_ns);
        search
    }

    /// Which operations of a source answer, and which of its blocks may.
    fn plan(&mut self, source: usize, columns: &Columns) {
        let query = self.query;
        let operations = (query.service.is_some() || query.operation.is_some()).then(|| {
            let catalogue = columns.catalogue();
            let answers = catalogue.operations().iter().map(|o| {
                query
                    .service
                    .as_ref()
                    .is_none_or(|s| catalogue.service(o.service) == Some(s))
                    && query.operation.as_ref().is_none_or(|n| *n == o.name)
            });
            answers.collect::<Vec<_>>()
        });
        let none = operations.as_ref().is_some_and(|o| !o.contains(&true));
        self.operations.push(operations);
        if none {
            return;
        }
        for (block, content) in columns.blocks().iter().enumerate() {
            if let Some(latest_ns) = self.latest(content) {
                self.blocks.push(Pending {
                    latest_ns,
                    source,
                    block,
                });
            }
        }
    }

    /// A block's latest start; `None` when its bounds say that no row answers.
    fn latest(&self, block: &Block) -> Option<u64> {
        let (earliest, latest) = block.starts()?;
        let us = |ns: u64| ns / 1000;
        let query = self.query;
        let outside = us(latest) < us(query.start_min_ns)
            || us(earliest) > us(query.start_max_ns)
            || query
                .duration_min_ns
                .is_some_and(|min| us(block.longest_ns()) < us(min));
        (!outside).then_some(latest)
    }

    /// The newest row that may answer and was not given yet.
    fn next(&mut self) -> Result<Option<Candidate>, ReadError> {
        // a row is the newest once no block left starts as late
        while let Some(block) = self.blocks.last()
            && self
                .heap
                .peek()
                .is_none_or(|c| c.start_ns <= block.latest_ns)
        {
            self.cx.check()?;
            if let Some(block) = self.blocks.pop() {
                self.load(&block);
            }
        }
        Ok(self.heap.pop())
    }

    /// Puts the rows of a block that may answer into the heap.
    fn load(&mut self, pending: &Pending) {
        let Some(source) = self.snapshot.get(pending.source) else {
            return;
        };
        let operations = self.operations.get(pending.source).and_then(Option::as_ref);
        let Self { heap, query, .. } = self;
        source.part.with(|columns| {
            let Some(block) = columns.blocks().get(pending.block) else {
                return;
            };
            let answers = |operation: u32| {
                operations.is_none_or(|o| o.get(operation as usize).copied().unwrap_or_default())
            };
            let keys = block.keys().filter(|key| {
                answers(key.operation) && query.matches_times(key.start_ns, key.duration_ns)
            });
            heap.extend(keys.filter_map(|key| {
                Some(Candidate {
                    start_ns: key.start_ns,
                    trace_id: Reverse(columns.trace_id(key.trace)?),
                    source: pending.source as u32,
                    row: (pending.block * BLOCK_ROWS + key.at) as u32,
                })
            }));
        });
    }

    /// Whether a row's span answers. Decodes it when the query asks for tags.
    fn answers(&self, candidate: &Candidate, fetcher: &mut Fetcher, damage: &mut Damage) -> bool {
        if !self.decode {
            return true;
        }
        let number = candidate.source as usize;
        let Some(source) = self.snapshot.get(number) else {
            return false;
        };
        let row: Option<Located> = source
            .part
            .with(|columns| located(number, columns.row(candidate.row)?, columns));
        let Some(row) = row else {
            return false;
        };
        match fetcher.look(source, &row, self.needle.as_ref()) {
            Ok(span) => span.is_some_and(|span| self.query.matches(&span)),
            Err(error) => {
                damage.note(source, &row, &error);
                false
            }
        }
    }
}
