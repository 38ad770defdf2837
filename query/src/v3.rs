//! Traces as api_v3 gives them, over HTTP and over gRPC alike: in OpenTelemetry's form, with corrections of its own, and in summaries.
//!
//! In: the spans of one trace, as the store gave them, in either dialect. Out: the same spans in the `Otlp` dialect, those of one resource and scope
//! together, corrected unless the trace is asked for raw; or its [`TraceSummary`]. What a trace lacks is said as a warning of its first span:
//! OpenTelemetry's form has no place for what is odd about a trace.
//!
//! Deliberately absent: bytes (`wire::otlp`), parameters, limits, and any protocol.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/apiv3` v1.76.0; summaries: `cmd/jaeger/internal/extension/jaegerquery/querysvc/summary.go` v2.20.0.

mod adjust;
mod group;
mod summaries;
mod summary;

use model::{Dialect, Resource, Span, Str, Value};
use wire::jaeger::to_otlp::Translator;

use crate::Adjuster;
use crate::service::Assembled;

pub(crate) use summaries::{Summaries, find as find_summaries, find_page as find_summaries_page};
pub(crate) use summary::TraceSummary;

/// The resource's attribute that names the service.
const SERVICE_NAME: &str = "service.name";

/// The spans of a trace, or of a part of it, as api_v3 gives them. Without `adjuster`: as they were sent.
pub(crate) fn spans(trace: Assembled, adjuster: Option<Adjuster>) -> Vec<Span> {
    let mut translator = Translator::default();
    let mut spans: Vec<Span> = trace
        .spans
        .into_iter()
        .map(|span| match span.dialect {
            Dialect::Otlp => span,
            Dialect::Jaeger => translator.translate(&span).into_owned(),
        })
        .collect();
    group::group(&mut spans);
    if let Some(adjuster) = adjuster {
        adjust::adjust(&mut spans, adjuster);
    }
    if let (Some(reason), Some(first)) = (&trace.short, spans.first_mut()) {
        let warning = format!("spans may be missing: {reason}");
        first.warnings.push(Str::from(warning));
    }
    spans
}

/// The service's name: a field, and an attribute once attributes were sorted.
fn service_name(resource: &Resource) -> &str {
    if let Some(name) = &resource.service_name {
        return name;
    }
    let named = resource.attributes.iter().find(|a| a.key == SERVICE_NAME);
    match named.map(|a| &a.value) {
        Some(Value::String(name)) => name,
        _ => "",
    }
}

#[cfg(test)]
mod tests;
