//! What a list of traces shows of one: its root, how long it took, how many spans and errors, and of which services.
//!
//! In: the spans of one trace in the `Otlp` dialect, after the corrections. Out: a [`TraceSummary`]; the same for the same spans in any order, but
//! that of several roots which start together the first one names the trace.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/querysvc/summary.go` v2.20.0.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use model::{Span, SpanId, StatusCode, Str, TraceId};

/// One trace in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceSummary {
    /// Its id.
    pub(crate) trace_id: TraceId,
    /// The service of the span without a parent that starts first; empty when each has one.
    pub(crate) root_service: Str,
    /// That span's operation.
    pub(crate) root_operation: Str,
    /// When the first span starts, nanoseconds since the Unix epoch.
    pub(crate) start_min_ns: u64,
    /// When the last span ends, nanoseconds since the Unix epoch.
    pub(crate) end_max_ns: u64,
    /// How many spans there are.
    pub(crate) spans: usize,
    /// How many of them failed.
    pub(crate) errors: usize,
    /// How many have a parent that is not in the trace.
    pub(crate) orphans: usize,
    /// Its services by name.
    pub(crate) services: Vec<ServiceSummary>,
}

/// One service's part in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceSummary {
    /// Its name.
    pub(crate) name: Str,
    /// How many spans are its own.
    pub(crate) spans: usize,
    /// How many of those failed.
    pub(crate) errors: usize,
}

// === impl TraceSummary ===

impl TraceSummary {
    /// Of the spans of one trace.
    pub(super) fn of(trace_id: TraceId, spans: &[Span]) -> Self {
        let ids: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
        let mut services: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut root: Option<&Span> = None;
        let mut orphans = 0;
        // a resource may have many attributes: its name is looked for once
        for group in spans.chunk_by(|a, b| Arc::ptr_eq(&a.resource, &b.resource)) {
            let name = group.first().map(|s| super::service_name(&s.resource));
            let (count, errors) = services.entry(name.unwrap_or_default()).or_default();
            let failed = |span: &&Span| span.status.code == StatusCode::Error;
            *count += group.len();
            *errors += group.iter().filter(failed).count();
        }
        for span in spans {
            match span.parent_span_id {
                None if root.is_none_or(|root| span.start_ns < root.start_ns) => root = Some(span),
                None => {}
                Some(parent) => orphans += usize::from(!ids.contains(&parent)),
            }
        }
        Self {
            trace_id,
            root_service: root.map_or_else(Str::default, |root| {
                super::service_name(&root.resource).into()
            }),
            root_operation: root.map(|root| root.name.clone()).unwrap_or_default(),
            start_min_ns: spans.iter().map(|s| s.start_ns).min().unwrap_or_default(),
            end_max_ns: spans.iter().map(|s| s.end_ns).max().unwrap_or_default(),
            spans: spans.len(),
            errors: services.values().map(|(_, errors)| errors).sum(),
            orphans,
            services: services
                .into_iter()
                .map(|(name, (spans, errors))| ServiceSummary {
                    name: name.into(),
                    spans,
                    errors,
                })
                .collect(),
        }
    }
}
