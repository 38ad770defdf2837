//! The order of a trace's spans that positions are of, and who hangs below whom in it.
//!
//! In: the spans of one trace. Out: the same sorted by start, then id; a fingerprint of that order; for each span the position of its parent. Two spans may
//! have one id (Zipkin's), and parents may go round in a ring (a defect of a sender): following parents ends all the same.

use std::collections::HashMap;

use model::SpanId;
use wire::jaeger::Span;

use crate::adjust::Adjustable;

/// Where a span's parent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// It names none.
    None,
    /// It names one that is not in the trace.
    Missing,
    /// At this position.
    At(usize),
}

/// By start, then id. Spans of one id that start together are told apart by what else is short.
pub(super) fn sort(spans: &mut [Span]) {
    let key = |span: &Span| (span.start_ns, span.span_id, span.duration_ns);
    spans.sort_by(|a, b| {
        key(a)
            .cmp(&key(b))
            .then_with(|| a.operation_name.as_str().cmp(&b.operation_name))
            .then_with(|| (*a.process.service_name).cmp(&b.process.service_name))
    });
}

/// Of ids and times, in their order.
pub(super) fn fingerprint(spans: &[Span]) -> String {
    let mut hasher = blake3::Hasher::new();
    for span in spans {
        hasher.update(&span.span_id.0);
        hasher.update(&span.start_ns.to_le_bytes());
        hasher.update(&span.duration_ns.to_le_bytes());
    }
    let mut hex = hasher.finalize().to_hex().to_string();
    hex.truncate(16);
    hex
}

/// The parent of each span. Of several spans with the id of a parent it is the first, and never the span itself. In a ring the first of its spans has none.
pub(crate) fn parents(spans: &[Span]) -> Vec<Parent> {
    let mut first: HashMap<SpanId, usize> = HashMap::with_capacity(spans.len());
    let mut second: HashMap<SpanId, usize> = HashMap::new();
    for (at, span) in spans.iter().enumerate() {
        let known = *first.entry(span.span_id).or_insert(at);
        if known != at {
            second.entry(span.span_id).or_insert(at);
        }
    }
    let find = |at: usize, span: &Span| {
        let Some(id) = span.parent() else {
            return Parent::None;
        };
        match (first.get(&id), second.get(&id)) {
            (Some(first), _) if *first != at => Parent::At(*first),
            // the first of two with one id hangs below the other, unless that one hangs below it
            (Some(_), Some(second))
                if spans.get(*second).and_then(Adjustable::parent) != Some(id) =>
            {
                Parent::At(*second)
            }
            (Some(_), _) => Parent::None,
            (None, _) => Parent::Missing,
        }
    };
    let mut parents: Vec<Parent> = spans
        .iter()
        .enumerate()
        .map(|(at, span)| find(at, span))
        .collect();
    cut_rings(&mut parents);
    parents
}

/// Takes the parent from the first span of each ring.
fn cut_rings(parents: &mut [Parent]) {
    /// On the way that is followed now; from there on a way is known to end.
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Now,
        Ends,
    }
    let mut seen = vec![Seen::No; parents.len()];
    let mut way = Vec::new();
    for begin in 0..parents.len() {
        let mut at = begin;
        loop {
            match seen.get(at) {
                Some(Seen::No) => {}
                Some(Seen::Now) => {
                    let ring = way.iter().rposition(|on: &usize| *on == at);
                    let ring = ring.and_then(|from| way.get(from..)).unwrap_or_default();
                    let first = ring.iter().min().copied();
                    if let Some(parent) = first.and_then(|first| parents.get_mut(first)) {
                        *parent = Parent::None;
                    }
                    break;
                }
                Some(Seen::Ends) | None => break,
            }
            if let Some(seen) = seen.get_mut(at) {
                *seen = Seen::Now;
            }
            way.push(at);
            match parents.get(at) {
                Some(Parent::At(next)) => at = *next,
                _ => break,
            }
        }
        for on in way.drain(..) {
            if let Some(seen) = seen.get_mut(on) {
                *seen = Seen::Ends;
            }
        }
    }
}
