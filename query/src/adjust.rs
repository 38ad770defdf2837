//! Adjusters: read-time corrections of a trace, for people who look at it. Asking for `raw` leaves them out.
//!
//! In: the spans of one trace. Out: the same spans, corrected and with warnings; nothing is written back. One file a rule, in the order in
//! which they run. Each result is the same whatever the number of times a trace is read: lists keep the order of the store.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/querysvc/adjusters.go` v1.76.0.

mod clock_skew;
mod dedup;
mod ip_tags;
mod library_tags;
mod parent_first;
mod references;
mod shared_id;
mod sort;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use model::{RefType, SpanId};
use wire::jaeger::{Process, Span, TagValue, tags};

use crate::Trace;

/// All adjusters, with their settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Adjuster {
    /// How far a span may be moved to fit into its parent. Zero: none is moved, and a warning says by how much it would have been.
    pub max_clock_skew: Duration,
}

// === impl Adjuster ===

impl Adjuster {
    /// Corrects `trace`.
    pub fn adjust(&self, trace: &mut Trace) {
        let spans = &mut trace.spans;
        shared_id::adjust(spans);
        sort::adjust(spans);
        dedup::adjust(spans);
        clock_skew::adjust(spans, self.max_clock_skew);
        ip_tags::adjust(spans);
        library_tags::adjust(spans);
        references::adjust(spans);
        parent_first::adjust(spans);
    }
}

/// The parent: the first `CHILD_OF` in its own trace, else the first `FOLLOWS_FROM` there; none when that id is zero.
fn parent(span: &Span) -> Option<SpanId> {
    parent_position(span)
        .and_then(|at| span.references.get(at))
        .map(|reference| reference.span_id)
        .filter(|id| !id.is_zero())
}

fn parent_position(span: &Span) -> Option<usize> {
    let first = |wanted: RefType| {
        span.references
            .iter()
            .position(|r| r.ref_type == wanted && r.trace_id == span.trace_id)
    };
    first(RefType::ChildOf).or_else(|| first(RefType::FollowsFrom))
}

/// Whether the span's first tag `span.kind` says so.
fn has_kind(span: &Span, kind: &str) -> bool {
    let tag = span.tags.iter().find(|t| t.key == tags::SPAN_KIND);
    matches!(tag.map(|t| &t.value), Some(TagValue::String(text)) if *text == kind)
}

/// Replaces each process by what `change` makes of it; spans that shared one share the new one.
fn map_processes(spans: &mut [Span], change: impl Fn(&mut Process)) {
    // the old ones stay alive in the map, so that no address is used twice
    let mut changed: HashMap<*const Process, (Arc<Process>, Arc<Process>)> = HashMap::new();
    for span in spans {
        let entry = changed
            .entry(Arc::as_ptr(&span.process))
            .or_insert_with(|| {
                let mut process = Process::clone(&span.process);
                change(&mut process);
                (span.process.clone(), Arc::new(process))
            });
        span.process = entry.1.clone();
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
