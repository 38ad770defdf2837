//! Adjusters: read-time corrections of a trace, for people who look at it. Asking for `raw` leaves them out.
//!
//! In: the spans of one trace. Out: the same spans, corrected and with warnings; nothing is written back. One file a rule, in the order in
//! which they run. Each result is the same whatever the number of times a trace is read: lists keep the order of the store.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/querysvc/adjusters.go` v1.76.0.

mod adjustable;
pub(crate) mod clock_skew;
mod dedup;
pub(crate) mod ip_tags;
pub(crate) mod library_tags;
mod parent_first;
mod references;
pub(crate) mod shared_id;
mod sort;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wire::jaeger::{Process, Span};

use crate::Trace;

pub(crate) use adjustable::Adjustable;

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

/// Replaces each process by what `change` makes of it; spans that shared one share the new one.
fn map_processes(spans: &mut [Span], change: impl Fn(&mut Process)) {
    map_shared(spans, |span| &mut span.process, change);
}

/// The same for any part that spans share.
pub(crate) fn map_shared<S, T: Clone>(
    spans: &mut [S],
    part: impl Fn(&mut S) -> &mut Arc<T>,
    change: impl Fn(&mut T),
) {
    // the old ones stay alive in the map, so that no address is used twice
    let mut changed: HashMap<*const T, (Arc<T>, Arc<T>)> = HashMap::new();
    for span in spans {
        let shared = part(span);
        let entry = changed.entry(Arc::as_ptr(shared)).or_insert_with(|| {
            let mut new = T::clone(shared);
            change(&mut new);
            (shared.clone(), Arc::new(new))
        });
        *shared = entry.1.clone();
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
