//! Sanitizing: what is made of a span before it is written, so that every store and every reader can hold it.
//!
//! In: decoded spans. Out: spans with a service name and with an end that is not before the start. Text that is not UTF-8 is mended by
//! the decoders (`wire`), since a [`crate::Str`] cannot hold it.
//!
//! Source: `jaegertracing/jaeger: cmd/collector/app/sanitizer` and `cmd/jaeger/internal/sanitizer` v1.76.0. One thing is
//! different on purpose: a duration of zero is left alone, only a negative one is mended.

use std::sync::Arc;

use crate::{Dialect, KeyValue, Resource, Slice, Span, Str, Value};

/// The service of a Jaeger span that came without a process.
pub const NO_PROCESS: &str = "null-process-and-service-name";
/// The service of a span whose service name is empty.
pub const EMPTY_SERVICE: &str = "empty-service-name";
/// The service of an OTLP span whose resource names none.
pub const MISSING_SERVICE: &str = "missing-service-name";
/// The service of an OTLP span whose resource names one that is not text.
pub const WRONG_TYPE_SERVICE: &str = "service-name-wrong-type";
/// The tag that Jaeger's clients know a mended duration by.
pub const NEGATIVE_DURATION_TAG: &str = "InvalidNegativeDuration";

const NEGATIVE_DURATION_TEXT: &str =
    "Duration can't be negative, so it is changed to default value";
const SERVICE_NAME: &str = "service.name";

/// Mends `spans` in place. Spans that share a resource share the mended one.
pub fn spans(spans: &mut [Span]) {
    let mut last: Option<(Arc<Resource>, Dialect, Arc<Resource>)> = None;
    for span in spans {
        if span.resource.service_name().is_empty() {
            let mended = match &last {
                Some((from, dialect, to))
                    if Arc::ptr_eq(from, &span.resource) && *dialect == span.dialect =>
                {
                    to.clone()
                }
                _ => Arc::new(with_service_name(&span.resource, span.dialect)),
            };
            last = Some((span.resource.clone(), span.dialect, mended.clone()));
            span.resource = mended;
        }
        if span.end_ns < span.start_ns {
            mend_end(span);
        }
    }
}

fn with_service_name(resource: &Resource, dialect: Dialect) -> Resource {
    let mut resource = resource.clone();
    let name = match (dialect, &resource.service_name) {
        (_, Some(_)) => EMPTY_SERVICE,
        (Dialect::Jaeger, None) => NO_PROCESS,
        (Dialect::Otlp, None) if resource.attributes.iter().any(|a| a.key == SERVICE_NAME) => {
            resource.attributes.retain(|a| a.key != SERVICE_NAME);
            WRONG_TYPE_SERVICE
        }
        (Dialect::Otlp, None) => MISSING_SERVICE,
    };
    resource.service_name = Some(name.into());
    resource
}

fn mend_end(span: &mut Span) {
    let was = span.end_ns;
    span.end_ns = span.start_ns.saturating_add(1);
    match span.dialect {
        Dialect::Jaeger => span.attributes.push(KeyValue {
            key: NEGATIVE_DURATION_TAG.into(),
            value: Value::Bytes(Slice::from(NEGATIVE_DURATION_TEXT.as_bytes())),
        }),
        Dialect::Otlp => span.warnings.push(Str::from(format!(
            "Negative duration detected, sanitizing end timestamp. Original end: {was} ns, adjusted to: {} ns since the Unix epoch",
            span.end_ns
        ))),
    }
}

#[cfg(test)]
mod tests;
