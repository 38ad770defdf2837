//! A search: columns first, payloads only of rows that the columns let through, the newest first, until there are enough traces.
//!
//! Blocks are visited by their latest start, so a search of recent spans never looks at old ones. Rows that may answer wait in a heap by
//! start; one is decided when no block left can hold a newer one. So traces come in their final order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use hashbrown::HashSet;
use model::TraceId;

use super::fetch::Fetcher;
use super::needle::{Needle, needle};
use super::trace::{Located, located, sealed};
use super::{Damage, partial};
use crate::embedded::head::{BLOCK_ROWS, Columns, Snapshot, Source};
use crate::embedded::segment::{self, Segment, filter};
use crate::port::{Completeness, Found, FoundTrace, ReadContext, ReadError};
use crate::query::{Filter, TraceQuery};

/// A row that may answer. The newest is the greatest, then the smallest trace id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    start_ns: u64,
    trace_id: Reverse<TraceId>,
    source: u32,
    row: u32,
}

/// A block of a part, or a row group of a segment, by its latest start.
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
    needle: Option<Needle>,
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
    let mut search = Search::new(cx, query, snapshot, damage);
    let mut traces = Vec::new();
    let mut found = HashSet::new();
    let mut completeness = Completeness::Complete;
    let mut steps = 0_u32;
    while traces.len() < query.limit {
        steps = steps.wrapping_add(1);
        if steps.is_multiple_of(256) {
            cx.check()?;
        }
        let Some(candidate) = search.next(damage)? else {
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

/// Whether an operation answers: all do where nothing is asked of them.
fn answers(operations: Option<&Vec<bool>>, number: u32) -> bool {
    operations.is_none_or(|o| o.get(number as usize).copied().unwrap_or_default())
}

/// Whether a span may answer `wanted` where only the tags are that `may_have` says.
fn may_answer(wanted: &Filter, may_have: &impl Fn(u64) -> io::Result<bool>) -> io::Result<bool> {
    match wanted {
        Filter::And(all) => {
            for one in all {
                if !may_answer(one, may_have)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Filter::Or(some) => {
            for one in some {
                if may_answer(one, may_have)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Filter::Tag { key, value } if value.is_literal() => {
            may_have(filter::token(key, value.text()))
        }
        Filter::Not(_) | Filter::Tag { .. } => Ok(true),
    }
}

// === impl Search ===

impl<'a> Search<'a> {
    fn new(
        cx: &'a ReadContext,
        query: &'a TraceQuery,
        snapshot: &'a Snapshot,
        damage: &mut Damage,
    ) -> Self {
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
            match source {
                Source::Open { part, .. } => part.with(|columns| search.plan(number, columns)),
                Source::Sealed(segment) => {
                    if let Err(error) = search.plan_sealed(number, segment) {
                        damage.note(source, 0, &error);
                    }
                }
            }
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
            let bounds = content.starts();
            if let Some(latest_ns) = bounds.and_then(|b| self.latest(b, content.longest_ns())) {
                self.blocks.push(Pending {
                    latest_ns,
                    source,
                    block,
                });
            }
        }
    }

    /// The same for a segment.
    fn plan_sealed(&mut self, source: usize, segment: &Segment) -> io::Result<()> {
        self.operations.push(Some(Vec::new()));
        if self.latest(segment.summary.starts, u64::MAX).is_none() {
            return Ok(());
        }
        let query = self.query;
        let footer = segment.footer()?;
        let mut operations = None;
        if query.service.is_some() || query.operation.is_some() {
            let mut answers = vec![false; footer.operations.len as usize];
            segment.for_each_operation(|number, service, _, name| {
                let answer = query.service.as_ref().is_none_or(|s| *s == *service)
                    && query.operation.as_ref().is_none_or(|n| *n == *name);
                if let Some(to) = answers.get_mut(number as usize) {
                    *to = answer;
                }
            })?;
            if !answers.contains(&true) {
                return Ok(());
            }
            operations = Some(answers);
        }
        for (block, group) in footer.row_groups.iter().enumerate() {
            let some = group
                .operations
                .iter()
                .any(|number| answers(operations.as_ref(), *number));
            if some && let Some(latest_ns) = self.latest(group.starts, group.longest_ns) {
                self.blocks.push(Pending {
                    latest_ns,
                    source,
                    block,
                });
            }
        }
        if let Some(last) = self.operations.last_mut() {
            *last = operations;
        }
        Ok(())
    }

    /// The latest of `starts`; `None` when bounds say that no row answers.
    fn latest(&self, (earliest, latest): (u64, u64), longest_ns: u64) -> Option<u64> {
        let us = |ns: u64| ns / 1000;
        let query = self.query;
        let outside = us(latest) < us(query.start_min_ns)
            || us(earliest) > us(query.start_max_ns)
            || query
                .duration_min_ns
                .is_some_and(|min| us(longest_ns) < us(min));
        (!outside).then_some(latest)
    }

    /// The newest row that may answer and was not given yet.
    fn next(&mut self, damage: &mut Damage) -> Result<Option<Candidate>, ReadError> {
        // a row is the newest once no block left starts as late
        while let Some(block) = self.blocks.last()
            && self
                .heap
                .peek()
                .is_none_or(|c| c.start_ns <= block.latest_ns)
        {
            self.cx.check()?;
            let Some(block) = self.blocks.pop() else {
                break;
            };
            match self.snapshot.get(block.source) {
                Some(Source::Open { part, .. }) => {
                    part.with(|columns| self.load(&block, columns));
                }
                Some(source @ Source::Sealed(segment)) => {
                    if let Err(error) = self.load_sealed(&block, segment) {
                        damage.note(source, block.block as u64, &error);
                    }
                }
                None => {}
            }
        }
        Ok(self.heap.pop())
    }

    /// Puts the rows of a block that may answer into the heap.
    fn load(&mut self, pending: &Pending, columns: &Columns) {
        let operations = self.operations.get(pending.source).and_then(Option::as_ref);
        let Some(block) = columns.blocks().get(pending.block) else {
            return;
        };
        let Self { heap, query, .. } = self;
        let keys = block.keys().filter(|key| {
            answers(operations, key.operation) && query.matches_times(key.start_ns, key.duration_ns)
        });
        heap.extend(keys.filter_map(|key| {
            Some(Candidate {
                start_ns: key.start_ns,
                trace_id: Reverse(columns.trace_id(key.trace)?),
                source: pending.source as u32,
                row: (pending.block * BLOCK_ROWS + key.at) as u32,
            })
        }));
    }

    /// The same for a row group of a segment.
    fn load_sealed(&mut self, pending: &Pending, segment: &Segment) -> io::Result<()> {
        let footer = segment.footer()?;
        let Some(group) = footer.row_groups.get(pending.block) else {
            return Ok(());
        };
        let may_have = |token| segment.may_have(group, token);
        if !may_answer(&self.query.filter, &may_have)? {
            return Ok(());
        }
        let operations = self.operations.get(pending.source).and_then(Option::as_ref);
        let operations: Vec<bool> = group
            .operations
            .iter()
            .map(|number| answers(operations, *number))
            .collect();
        let keys = segment.keys(group)?;
        let columns = keys
            .start_ns
            .iter()
            .zip(&keys.duration_ns)
            .zip(&keys.operation)
            .zip(&keys.trace)
            .enumerate();
        let Self { heap, query, .. } = self;
        heap.extend(
            columns.filter_map(|(at, (((start, duration), operation), trace))| {
                let wanted = operations.get(*operation as usize).copied()?
                    && query.matches_times(*start, *duration);
                wanted.then_some(())?;
                Some(Candidate {
                    start_ns: *start,
                    trace_id: Reverse(*keys.traces.get(*trace as usize)?),
                    source: pending.source as u32,
                    row: segment::row_number(pending.block as u32, at as u32),
                })
            }),
        );
        Ok(())
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
        let row: io::Result<Option<Located>> = match source {
            Source::Open { part, .. } => {
                Ok(part.with(|columns| located(number, columns.row(candidate.row)?, columns)))
            }
            Source::Sealed(segment) => segment
                .row(candidate.row)
                .map(|row| Some(sealed(number, row))),
        };
        let row = match row {
            Ok(Some(row)) => row,
            Ok(None) => return false,
            Err(error) => {
                damage.note(source, u64::from(candidate.row), &error);
                return false;
            }
        };
        match fetcher.look(source, &row, self.needle.as_ref()) {
            Ok(span) => span.is_some_and(|span| self.query.matches(&span)),
            Err(error) => {
                damage.note(source, u64::from(row.row.offset), &error);
                false
            }
        }
    }
}
