//! The traces of an instance, one after the other, each once and whole.
//!
//! In: what there is of an instance. Out: spans in chunks. Memory holds a chunk and what finds its rows, however much is stored: no list
//! of what was given is kept. A trace is given where its first row stands that is wanted; wherever else it appears, it is passed over.
//!
//! The order of a trace's spans does not depend on how they came to be stored: by start, then id. That of traces does.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use hashbrown::{HashMap, HashSet};
use model::{Span, TraceId};

use super::Damage;
use crate::embedded::head::{Columns, Snapshot, Source};
use crate::embedded::reader::{Fetcher, Located, locate};
use crate::embedded::segment::{GROUP_BITS, Segment};

/// How many damaged places are named.
const NAMED: usize = 1000;

/// Which traces are wanted: those with a span for which all of this holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// It is of this service.
    pub service: Option<String>,
    /// It starts at or after this, nanoseconds since the Unix epoch.
    pub start_ns: Option<u64>,
    /// It starts before this, nanoseconds since the Unix epoch.
    pub end_ns: Option<u64>,
}

/// Spans of one trace.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Never empty.
    pub spans: Vec<Span>,
    /// Whether more of the trace follows.
    pub has_more: bool,
}

/// Gives traces. See [`super::Inspection::traces`].
pub struct Traces {
    snapshot: Snapshot,
    selection: Selection,
    /// Whose turn it is: a source, and a row group in it.
    source: usize,
    group: usize,
    /// Traces to look for there.
    ids: IntoIter<TraceId>,
    /// Rows of a trace that were not given yet.
    current: VecDeque<Located>,
    fetcher: Fetcher,
    /// For each source, which of its operations are wanted.
    operations: HashMap<usize, Vec<bool>>,
    passed_rows: u64,
    damage: Vec<Damage>,
    told: HashSet<(PathBuf, String)>,
}

// === impl Selection ===

impl Selection {
    fn matches_start(&self, start_ns: u64) -> bool {
        self.start_ns.is_none_or(|min| start_ns >= min)
            && self.end_ns.is_none_or(|end| start_ns < end)
    }

    /// Whether a row that starts within these bounds may be wanted.
    fn may_match(&self, (earliest, latest): (u64, u64)) -> bool {
        self.start_ns.is_none_or(|min| latest >= min)
            && self.end_ns.is_none_or(|end| earliest < end)
    }

    fn matches_service(&self, service: &str) -> bool {
        self.service.as_ref().is_none_or(|wanted| wanted == service)
    }
}

// === impl Traces ===

impl Traces {
    pub(super) fn new(snapshot: Snapshot, selection: Selection) -> Self {
        Self {
            snapshot,
            selection,
            source: 0,
            group: 0,
            ids: Vec::new().into_iter(),
            current: VecDeque::new(),
            fetcher: Fetcher::default(),
            operations: HashMap::new(),
            passed_rows: 0,
            damage: Vec::new(),
            told: HashSet::new(),
        }
    }

    /// How many rows there are to go through.
    pub fn rows(&self) -> u64 {
        let rows = self.snapshot.iter().map(|source| match source {
            Source::Sealed(segment) => segment.summary.spans,
            Source::Open { part, .. } => part.with(Columns::len),
        });
        rows.sum()
    }

    /// How many of them it went through.
    pub fn passed_rows(&self) -> u64 {
        self.passed_rows
    }

    /// What could not be read so far and is left out. The first thousand of them.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// The next spans: at most `at_most` of one trace, and those that start at the same moment with the same id as the last.
    pub fn next_chunk(&mut self, at_most: usize) -> Option<Chunk> {
        loop {
            if self.current.is_empty() {
                self.current = self.next_trace()?;
            }
            let spans = self.read(at_most);
            if !spans.is_empty() {
                return Some(Chunk {
                    spans,
                    has_more: !self.current.is_empty(),
                });
            }
        }
    }

    fn read(&mut self, at_most: usize) -> Vec<Span> {
        let same = |a: &Located, b: &Located| {
            (a.row.start_ns, a.row.span_id) == (b.row.start_ns, b.row.span_id)
        };
        let mut count = self.current.len().min(at_most.max(1));
        while let (Some(last), Some(next)) = (self.current.get(count - 1), self.current.get(count))
            && same(last, next)
        {
            count += 1;
        }
        let rows: Vec<Located> = self.current.drain(..count).collect();
        let mut spans = Vec::with_capacity(rows.len());
        let mut failed = Vec::new();
        let Self {
            fetcher, snapshot, ..
        } = self;
        fetcher.spans(snapshot, &rows, |located, span| match span {
            Ok(span) => spans.push(span),
            Err(error) => failed.push((located.source, error.to_string())),
        });
        for (source, what) in failed {
            self.note(source, what);
        }
        spans
    }

    /// The rows of the next trace that is wanted and was not given.
    fn next_trace(&mut self) -> Option<VecDeque<Located>> {
        loop {
            let Some(id) = self.ids.next() else {
                self.ids = self.next_ids()?.into_iter();
                continue;
            };
            let mut failed = Vec::new();
            let mut rows = locate(
                &self.snapshot,
                id,
                &mut self.fetcher,
                &mut |source, error| failed.push((source.path().to_owned(), error.to_string())),
            );
            for (file, what) in failed {
                self.note_file(&file, what);
            }
            let first = rows.iter().copied().find(|row| self.wants(row));
            if !first.is_some_and(|row| self.is_here(&row)) {
                continue;
            }
            rows.sort_by_key(|l| {
                let row = &l.row;
                (row.start_ns, row.span_id, row.duration_ns, row.parent)
            });
            return Some(rows.into());
        }
    }

    /// Whether a row stands where the turn is.
    fn is_here(&self, row: &Located) -> bool {
        // the turn went on when the traces of a row group were listed
        row.source == self.source
            && match row.place {
                Some(_) => true,
                None => (row.row.offset >> GROUP_BITS) as usize + 1 == self.group,
            }
    }

    fn wants(&mut self, located: &Located) -> bool {
        self.selection.matches_start(located.row.start_ns)
            && self.is_wanted_operation(located.source, located.row.operation)
    }

    fn is_wanted_operation(&mut self, source: usize, operation: u32) -> bool {
        if self.selection.service.is_none() {
            return true;
        }
        if !self.operations.contains_key(&source) {
            let wanted = self.wanted_operations(source);
            self.operations.insert(source, wanted);
        }
        let wanted = self.operations.get(&source);
        wanted.is_some_and(|w| w.get(operation as usize).copied().unwrap_or_default())
    }

    fn wanted_operations(&mut self, source: usize) -> Vec<bool> {
        let selection = &self.selection;
        let read = match self.snapshot.get(source) {
            Some(Source::Open { part, .. }) => Ok(part.with(|columns| {
                let catalogue = columns.catalogue();
                let services = catalogue.operations().iter();
                services
                    .map(|o| {
                        let service = catalogue.service(o.service);
                        service.is_some_and(|s| selection.matches_service(s))
                    })
                    .collect()
            })),
            Some(Source::Sealed(segment)) => segment.footer().and_then(|footer| {
                let mut wanted = vec![false; footer.operations.len as usize];
                segment.for_each_operation(|number, service, _, _| {
                    if let Some(to) = wanted.get_mut(number as usize) {
                        *to = selection.matches_service(service);
                    }
                })?;
                Ok(wanted)
            }),
            None => Ok(Vec::new()),
        };
        read.unwrap_or_else(|error| {
            self.note(source, error.to_string());
            Vec::new()
        })
    }

    /// The traces of the next row group, or of the next source, that may be wanted. `None` at the end.
    fn next_ids(&mut self) -> Option<Vec<TraceId>> {
        let source = self.snapshot.get(self.source)?.clone();
        match source {
            Source::Open { part, .. } if self.group == 0 => {
                self.group = 1;
                let (ids, rows) = part.with(|c| (c.trace_ids().to_vec(), c.len()));
                self.passed_rows += rows;
                Some(ids)
            }
            Source::Sealed(segment) => match self.ids_of_group(&segment) {
                Ok(Some(ids)) => Some(ids),
                Ok(None) => self.next_source(),
                Err(error) => {
                    self.note(self.source, error.to_string());
                    Some(Vec::new())
                }
            },
            Source::Open { .. } => self.next_source(),
        }
    }

    fn next_source(&mut self) -> Option<Vec<TraceId>> {
        self.source += 1;
        self.group = 0;
        Some(Vec::new())
    }

    fn ids_of_group(&mut self, segment: &Segment) -> std::io::Result<Option<Vec<TraceId>>> {
        let footer = match segment.footer() {
            Ok(footer) => footer,
            Err(error) => {
                self.note(self.source, error.to_string());
                return Ok(None);
            }
        };
        let Some(group) = footer.row_groups.get(self.group) else {
            return Ok(None);
        };
        self.group += 1;
        self.passed_rows += u64::from(group.rows);
        if !self.selection.may_match(group.starts) {
            return Ok(Some(Vec::new()));
        }
        let wanted: Vec<bool> = group
            .operations
            .iter()
            .map(|number| self.is_wanted_operation(self.source, *number))
            .collect();
        if !wanted.contains(&true) {
            return Ok(Some(Vec::new()));
        }
        let keys = segment.keys(group)?;
        let rows = keys.start_ns.iter().zip(&keys.operation).zip(&keys.trace);
        let mut ids = Vec::new();
        let mut last = None;
        for ((start_ns, operation), trace) in rows {
            let is_wanted = self.selection.matches_start(*start_ns)
                && wanted.get(*operation as usize).copied().unwrap_or_default();
            // rows of a trace stand together
            if is_wanted && last != Some(*trace) {
                last = Some(*trace);
                ids.extend(keys.traces.get(*trace as usize));
            }
        }
        Ok(Some(ids))
    }

    fn note(&mut self, source: usize, what: String) {
        if let Some(source) = self.snapshot.get(source) {
            let file = source.path().to_owned();
            self.note_file(&file, what);
        }
    }

    fn note_file(&mut self, file: &Path, what: String) {
        let said = format!("spans cannot be read: {what}");
        if self.damage.len() < NAMED && self.told.insert((file.to_owned(), what)) {
            self.damage.push(Damage::new(file, None, said));
        }
    }
}
