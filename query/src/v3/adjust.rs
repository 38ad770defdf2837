//! api_v3's adjusters: read-time corrections of a trace in OpenTelemetry's form. Asking for it raw leaves them out.
//!
//! In: the spans of one trace in the `Otlp` dialect, grouped. Out: the same spans, corrected and with warnings; nothing is written back. One file a
//! rule, in the order in which they run; the rules about shared ids and about clocks are those of [`crate::adjust`], and ask [`adjustable`] what they
//! need to know. Two of Jaeger's defects are mended: a span that is moved keeps its duration, and lists keep the order of the store.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/internal/adjuster/standard.go` v2.20.0, in v1.76.0
//! `cmd/query/app/querysvc/v2/adjuster`.

mod adjustable;
mod dedup;
mod ip_attributes;
mod library_attributes;
mod links;
pub(super) mod sort;

use model::Span;

pub(super) use adjustable::host;

use crate::Adjuster;
use crate::adjust::{clock_skew, shared_id};

/// Corrects the spans of one trace.
pub(super) fn adjust(spans: &mut Vec<Span>, adjuster: Adjuster) {
    shared_id::adjust(spans);
    sort::adjust(spans);
    dedup::adjust(spans);
    clock_skew::adjust(spans, adjuster.max_clock_skew);
    ip_attributes::adjust(spans);
    library_attributes::adjust(spans);
    links::adjust(spans);
}
