//! Counts which services call which, from columns alone; payloads are read only to tell equal spans from different ones.
//!
//! A call is a span whose parent is a span of another service. A server's half of a shared span is called by the client's half; where a
//! parent's id has two halves, the server's is the parent.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use model::{SpanKind, Str};

use super::fetch::Fetcher;
use super::trace::{Located, locate};
use crate::embedded::batch::flags;
use crate::embedded::head::Snapshot;
use crate::port::{DependencyLink, ReadContext, ReadError};

/// A span, as far as calls go.
#[derive(Clone, Copy)]
struct Call {
    span_id: u64,
    parent: Option<u64>,
    start_ns: u64,
    kind: SpanKind,
    service: usize,
}

/// Services by number, over all parts.
#[derive(Default)]
struct Names {
    names: Vec<Str>,
    number_of: HashMap<Str, usize>,
}

/// The calls by spans that start in `[start_ns, end_ns]`, sorted by parent, then child.
pub(super) fn count(
    cx: &ReadContext,
    snapshot: &Snapshot,
    start_ns: u64,
    end_ns: u64,
) -> Result<Vec<DependencyLink>, ReadError> {
    cx.check()?;
    let mut fetcher = Fetcher::default();
    let mut names = Names::default();
    let mut calls = HashMap::new();
    let mut done = HashSet::new();
    for source in snapshot {
        let ids = source.part.with(|columns| columns.trace_ids().to_vec());
        for (nth, id) in ids.into_iter().enumerate() {
            if nth.is_multiple_of(256) {
                cx.check()?;
            }
            // a trace may have rows in several parts, and is counted once
            if snapshot.len() > 1 && !done.insert(id) {
                continue;
            }
            let rows = locate(snapshot, id, &mut fetcher);
            let spans: Vec<Call> = rows
                .iter()
                .filter_map(|row| names.call(snapshot, row))
                .collect();
            count_trace(&spans, start_ns, end_ns, &mut calls);
        }
    }
    let name = |number: usize| names.names.get(number).cloned().unwrap_or_default();
    let sorted: BTreeMap<(Str, Str), u64> = calls
        .into_iter()
        .map(|((parent, child), count)| ((name(parent), name(child)), count))
        .collect();
    Ok(sorted
        .into_iter()
        .map(|((parent, child), call_count)| DependencyLink {
            parent,
            child,
            call_count,
        })
        .collect())
}

fn count_trace(
    spans: &[Call],
    start_ns: u64,
    end_ns: u64,
    calls: &mut HashMap<(usize, usize), u64>,
) {
    let mut by_id: HashMap<u64, Vec<&Call>> = HashMap::with_capacity(spans.len());
    for span in spans {
        by_id.entry(span.span_id).or_default().push(span);
    }
    for span in spans {
        if (start_ns..=end_ns).contains(&span.start_ns)
            && let Some(parent) = parent(span, &by_id)
            && parent.service != span.service
        {
            *calls.entry((parent.service, span.service)).or_default() += 1;
        }
    }
}

fn parent<'a>(span: &Call, by_id: &HashMap<u64, Vec<&'a Call>>) -> Option<&'a Call> {
    let all = |id: u64| by_id.get(&id).map(Vec::as_slice).unwrap_or_default();
    let of_kind = |spans: &[&'a Call], kind| spans.iter().copied().find(|s| s.kind == kind);
    if span.kind == SpanKind::Server
        && let Some(client) = of_kind(all(span.span_id), SpanKind::Client)
    {
        return Some(client);
    }
    let parents = all(span.parent.filter(|id| *id != span.span_id)?);
    of_kind(parents, SpanKind::Server).or_else(|| parents.first().copied())
}

// === impl Names ===

impl Names {
    fn call(&mut self, snapshot: &Snapshot, located: &Located) -> Option<Call> {
        let row = &located.row;
        let (kind, service) = snapshot.get(located.source)?.part.with(|columns| {
            let catalogue = columns.catalogue();
            let operation = catalogue.operation(row.operation)?;
            let name = catalogue.service(operation.service)?;
            Some((operation.kind, self.number(name)))
        })?;
        Some(Call {
            span_id: row.span_id,
            parent: (row.flags & flags::PARENT != 0).then_some(row.parent),
            start_ns: row.start_ns,
            kind,
            service,
        })
    }

    fn number(&mut self, name: &Str) -> usize {
        if let Some(number) = self.number_of.get(name) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(name.clone());
        self.number_of.insert(name.clone(), number);
        number
    }
}
