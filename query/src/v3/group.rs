//! Brings spans of one resource together, and in it those of one scope, as OpenTelemetry's messages have them.
//!
//! In: spans in the store's order. Out: the same spans; resources and scopes that are equal are one, and stand where the first of them stood. Spans that share
//! both keep their order.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Resource, Scope, Span};

use crate::fingerprint::Fingerprints;

pub(super) fn group(spans: &mut Vec<Span>) {
    let (mut resources, mut scopes) = (Shared::default(), Shared::default());
    let mut placed: Vec<((usize, usize), Span)> = std::mem::take(spans)
        .into_iter()
        .map(|mut span| {
            let place = (
                resources.place(&mut span.resource, of_resource),
                scopes.place(&mut span.scope, of_scope),
            );
            (place, span)
        })
        .collect();
    // stable
    placed.sort_by_key(|(place, _)| *place);
    spans.extend(placed.into_iter().map(|(_, span)| span));
}

/// Parts that spans share, each kept once.
struct Shared<T> {
    fingerprints: Fingerprints,
    /// The place of each that was seen, kept alive so that no address is used twice.
    seen: HashMap<*const T, (Arc<T>, usize)>,
    /// The place of each that differs from all others, by its fingerprint.
    places: HashMap<u128, usize>,
    kept: Vec<Arc<T>>,
}

// === impl Shared ===

impl<T> Shared<T> {
    /// Replaces `part` by the one that is equal to it and was there first; gives its place.
    fn place(&mut self, part: &mut Arc<T>, span: impl Fn(Arc<T>) -> Span) -> usize {
        let place = match self.seen.get(&Arc::as_ptr(part)) {
            Some((_, place)) => *place,
            None => {
                let bytes = wire::otlp::encode(&[span(part.clone())]);
                let next = self.kept.len();
                let place = *self
                    .places
                    .entry(self.fingerprints.of_bytes(&bytes))
                    .or_insert(next);
                if place == next {
                    self.kept.push(part.clone());
                }
                self.seen.insert(Arc::as_ptr(part), (part.clone(), place));
                place
            }
        };
        if let Some(kept) = self.kept.get(place) {
            *part = kept.clone();
        }
        place
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self {
            fingerprints: Fingerprints::default(),
            seen: HashMap::new(),
            places: HashMap::new(),
            kept: Vec::new(),
        }
    }
}

/// A span that tells of its resource alone.
fn of_resource(resource: Arc<Resource>) -> Span {
    Span {
        resource,
        ..Span::default()
    }
}

fn of_scope(scope: Arc<Scope>) -> Span {
    Span {
        scope,
        ..Span::default()
    }
}
