//! Drops spans that are equal to an earlier one.
//!
//! Rule: of spans equal in everything (resource and scope included, after the rules before this one) the first is kept, in its place.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/internal/adjuster/hash.go` v2.20.0.

use std::collections::HashSet;

use model::Span;

use crate::fingerprint::Fingerprints;

pub(super) fn adjust(spans: &mut Vec<Span>) {
    let fingerprints = Fingerprints::default();
    let mut seen = HashSet::with_capacity(spans.len());
    let mut bytes = Vec::new();
    spans.retain(|span| {
        bytes.clear();
        wire::otlp::append(std::slice::from_ref(span), &mut bytes);
        seen.insert(fingerprints.of_bytes(&bytes))
    });
}
