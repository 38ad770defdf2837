//! A search: columns first, payloads only of rows that the columns let through, in the query's order, until there are enough traces.
//!
//! Blocks are visited by the best of their rows, such as their latest start, so a search of recent spans never looks at old ones. Rows that
//! may answer wait in a heap; one is decided when no block left can hold one that comes before it. So traces come in their final order. By
//! duration many rows may wait: beyond a bound no more blocks are looked at, and the answer says so.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

use hashbrown::HashSet;
use model::TraceId;

use super::fetch::Fetcher;
use super::needle::{Needle, needle};
use super::trace::{Located, locate, located, sealed};
use super::{Damage, partial};
use crate::embedded::head::{BLOCK_ROWS, Columns, Snapshot, Source};
use crate::embedded::segment::{self, Segment, filter};
use crate::port::{Completeness, Found, FoundTrace, ReadContext, ReadError};
use crate::query::{Filter, Order, Place, TraceQuery, us};

/// Rows that wait to be decided at most, in an order by duration: some 200 MB.
const MAX_WAITING: usize = 4_000_000;

/// A row that may answer. What comes first is the greatest, then the smallest trace id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rank: u64,
    trace_id: Reverse<TraceId>,
    start_ns: u64,
    source: u32,
    row: u32,
}

/// A block of a part, or a row group of a segment, by the best rank of its rows.
struct Pending {
    rank: u64,
    source: usize,
    block: usize,
}

struct Search<'a> {
    cx: &'a ReadContext,
    query: &'a TraceQuery,
    snapshot: &'a Snapshot,
    /// For each source, which of its operations answer; those that came later do not.
    operations: Vec<Option<Vec<bool>>>,
    /// The one whose rows come first is the last.
    blocks: Vec<Pending>,
    heap: BinaryHeap<Candidate>,
    /// Blocks were left out, since too many rows waited.
    is_cut: bool,
    decode: bool,
    /// What a span has to hold to be worth decoding.
    needle: Option<Needle>,
}

/// The first traces that have a span which answers `query`.
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
        if search.came_before(id, fetcher, damage)? {
            found.insert(id);
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
            key_ns: query.order.rank(candidate.rank),
        });
    }
    if search.is_cut && completeness == Completeness::Complete {
        completeness = Completeness::Partial {
            reason: format!(
                "the order by duration looked at {MAX_WAITING} spans only: ask for less time, or with more conditions"
            ),
        };
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
    let mut failed = None;
    let answer = wanted.decide(&mut |alone: &Filter| match alone {
        Filter::Tag { key, value } | Filter::SpanTag { key, value } if value.is_literal() => {
            match may_have(filter::token(key, value.text())) {
                Ok(true) => None,
                Ok(false) => Some(false),
                Err(error) => {
                    failed.get_or_insert(error);
                    None
                }
            }
        }
        _ => None,
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(answer != Some(false)),
    }
}

/// Whether spans of an operation may answer `query`.
fn may_be_of(query: &TraceQuery, service: &str, operation: &str) -> bool {
    let is_service = query.service.as_ref().is_none_or(|s| **s == *service);
    let is_operation = query.operation.as_ref().is_none_or(|o| **o == *operation);
    let known = &mut |alone: &Filter| match alone {
        Filter::Service(name) => Some(name.matches(service)),
        Filter::Operation(name) => Some(name.matches(operation)),
        _ => None,
    };
    is_service && is_operation && query.filter.decide(known) != Some(false)
}

/// Whether `query` asks anything of services and operations.
fn asks_of_names(query: &TraceQuery) -> bool {
    let is_of_names = |alone: &Filter| matches!(alone, Filter::Service(_) | Filter::Operation(_));
    query.service.is_some() || query.operation.is_some() || query.filter.any(&is_of_names)
}

/// Whether a row with these columns may answer `query`, and was not on a page before.
fn may_be(query: &TraceQuery, start_ns: u64, duration_ns: u64) -> bool {
    let rank = query.order.rank(query.order.key(start_ns, duration_ns));
    let after = query.after.map(|after| query.order.rank(after.key_ns));
    query.matches_times(start_ns, duration_ns)
        && after.is_none_or(|after| rank <= after)
        && query.filter.decide(&mut |alone: &Filter| match alone {
            Filter::Duration { is, than_ns } => Some(is.holds(us(duration_ns).cmp(&us(*than_ns)))),
            _ => None,
        }) != Some(false)
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
            is_cut: false,
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
        search.blocks.sort_unstable_by_key(|b| b.rank);
        search
    }

    /// Which operations of a source answer, and which of its blocks may.
    fn plan(&mut self, source: usize, columns: &Columns) {
        let query = self.query;
        let operations = asks_of_names(query).then(|| {
            let catalogue = columns.catalogue();
            let answers = catalogue.operations().iter().map(|o| {
                let service = catalogue.service(o.service);
                service.is_some_and(|service| may_be_of(query, service, &o.name))
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
            if let Some(rank) = bounds.and_then(|b| self.best(b, content.longest_ns())) {
                self.blocks.push(Pending {
                    rank,
                    source,
                    block,
                });
            }
        }
    }

    /// The same for a segment.
    fn plan_sealed(&mut self, source: usize, segment: &Segment) -> io::Result<()> {
        self.operations.push(Some(Vec::new()));
        if self.best(segment.summary.starts, u64::MAX).is_none() {
            return Ok(());
        }
        let query = self.query;
        let footer = segment.footer()?;
        let mut operations = None;
        if asks_of_names(query) {
            let mut answers = vec![false; footer.operations.len as usize];
            segment.for_each_operation(|number, service, _, name| {
                let answer = may_be_of(query, service, name);
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
            if some && let Some(rank) = self.best(group.starts, group.longest_ns) {
                self.blocks.push(Pending {
                    rank,
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

    /// The rank that the first of a block's rows may have; `None` when bounds say that no row answers.
    fn best(&self, (earliest, latest): (u64, u64), longest_ns: u64) -> Option<u64> {
        let query = self.query;
        let outside = us(latest) < us(query.start_min_ns)
            || us(earliest) > us(query.start_max_ns)
            || query
                .duration_min_ns
                .is_some_and(|min| us(longest_ns) < us(min));
        let best_key = match query.order {
            Order::NewestFirst => latest,
            Order::OldestFirst => earliest,
            Order::LongestFirst => longest_ns,
            // how short the shortest is stands nowhere
            Order::ShortestFirst => 0,
        };
        (!outside).then(|| query.order.rank(best_key))
    }

    /// The first row that may answer and was not given yet.
    fn next(&mut self, damage: &mut Damage) -> Result<Option<Candidate>, ReadError> {
        // a row is the first once no block left may have one before it
        while let Some(block) = self.blocks.last()
            && self.heap.peek().is_none_or(|c| c.rank <= block.rank)
        {
            self.cx.check()?;
            if self.query.order.is_by_duration() && self.heap.len() >= MAX_WAITING {
                self.is_cut = true;
                self.blocks.clear();
                break;
            }
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
            answers(operations, key.operation) && may_be(query, key.start_ns, key.duration_ns)
        });
        heap.extend(keys.filter_map(|key| {
            let order = query.order;
            Some(Candidate {
                rank: order.rank(order.key(key.start_ns, key.duration_ns)),
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
                    && may_be(query, *start, *duration);
                wanted.then_some(())?;
                Some(Candidate {
                    rank: query.order.rank(query.order.key(*start, *duration)),
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
        self.is_answer(source, &row, fetcher, damage)
    }

    fn is_answer(
        &self,
        source: &Source,
        row: &Located,
        fetcher: &mut Fetcher,
        damage: &mut Damage,
    ) -> bool {
        match fetcher.look(source, row, self.needle.as_ref()) {
            Ok(span) => span.is_some_and(|span| self.query.matches(&span)),
            Err(error) => {
                damage.note(source, u64::from(row.row.offset), &error);
                false
            }
        }
    }

    /// Whether a trace that answers stands at or before the place to begin after, and so on a page before.
    fn came_before(
        &self,
        id: TraceId,
        fetcher: &mut Fetcher,
        damage: &mut Damage,
    ) -> Result<bool, ReadError> {
        let query = self.query;
        let Some(after) = query.after else {
            return Ok(false);
        };
        let mut failed = |source: &Source, error: &io::Error| damage.note(source, 0, error);
        let rows = locate(self.snapshot, id, fetcher, &mut failed);
        for row in rows {
            self.cx.check()?;
            let (start_ns, duration_ns) = (row.row.start_ns, row.row.duration_ns);
            let place = Place {
                key_ns: query.order.key(start_ns, duration_ns),
                trace_id: id,
            };
            let is_before = query.order.compare(&place, &after).is_le();
            if is_before
                && query.matches_times(start_ns, duration_ns)
                && let Some(source) = self.snapshot.get(row.source)
                && self.is_answer(source, &row, fetcher, damage)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
