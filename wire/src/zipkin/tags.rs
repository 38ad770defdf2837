//! What the tags of Zipkin's second model say beside themselves: kind, status, trace state, links, resource, scope.
//!
//! In: a [`Span`] as it was read. Out: the same, with those tags in their fields and taken from its list. Other tags stay as they are, in
//! order, text without guessing at types; of equal keys the last value counts.
//!
//! Source: `zipkinv2/to_translator.go` v0.140.1. It moves the resource's tags of the first span of each service only and loses the others
//! (quirk 21); it does not know the words `OK` and `ERROR`, which the OpenTelemetry specification prescribes for `otel.status_code`.

use model::{KeyValue, SpanKind, StatusCode, Str, Value};

use super::Span;
use super::attributes::keep_last;
use super::link;
use super::resource::is_of_resource;
use crate::DecodeError;
use crate::budget::Budget;
use crate::jaeger::tags::{
    ERROR, SCOPE_NAME, SCOPE_VERSION, SPAN_KIND, STATUS_CODE, STATUS_DESCRIPTION, TRACE_STATE,
};

const LIBRARY_NAME: &str = "otel.library.name";
const LIBRARY_VERSION: &str = "otel.library.version";
/// The name of the resource's attribute that the service was named after.
const SERVICE_NAME_SOURCE: &str = "otlp.service.name.source";

/// Moves what `span`'s tags say into its fields.
pub(crate) fn settle(span: &mut Span, budget: &mut Budget) -> Result<(), DecodeError> {
    let mut tags = std::mem::take(&mut span.tags);
    keep_last(&mut tags, budget)?;
    let links = link::count(tags.iter().map(|t| &t.key));
    let says_status = tags.iter().any(|t| t.key == STATUS_CODE);
    let mut numbered = Vec::new();
    let mut outcome = Ok(());
    // no more than each of the keys known here once: too few to be charged
    tags.retain_mut(|tag| {
        if let Some(number) = link::number(&tag.key).filter(|n| *n < links) {
            match link::parse(tag.value.as_str().unwrap_or_default(), budget) {
                Ok(Some(link)) => numbered.push((number, link)),
                Ok(None) => return true,
                Err(error) => outcome = Err(error),
            }
            return false;
        }
        !take(span, tag, says_status)
    });
    numbered.sort_by_key(|(number, _)| *number);
    span.links = numbered.into_iter().map(|(_, link)| link).collect();
    span.tags = tags;
    outcome
}

/// Whether `tag` is in a field of `span` now.
fn take(span: &mut Span, tag: &mut KeyValue, says_status: bool) -> bool {
    let text = match &tag.value {
        Value::String(text) => text.clone(),
        _ => return false,
    };
    match tag.key.as_str() {
        ERROR => {
            span.status.code = StatusCode::Error;
            text == "true"
        }
        STATUS_CODE => {
            // an error's tag is the last word, wherever it stands
            if span.status.code == StatusCode::Unset {
                span.status.code = status_code(&text);
            }
            true
        }
        STATUS_DESCRIPTION if says_status => keep(&mut span.status.message, text),
        SPAN_KIND if span.kind == SpanKind::Unspecified => {
            if text == SpanKind::Internal.as_str() {
                span.kind = SpanKind::Internal;
            }
            true
        }
        TRACE_STATE => keep(&mut span.trace_state, text),
        LIBRARY_NAME | SCOPE_NAME => keep(&mut span.scope_name, text),
        LIBRARY_VERSION | SCOPE_VERSION => keep(&mut span.scope_version, text),
        SERVICE_NAME_SOURCE => keep(&mut span.service_name_source, text),
        key if is_of_resource(key) => {
            span.resource.push(std::mem::take(tag));
            true
        }
        _ => false,
    }
}

fn keep(field: &mut Str, text: Str) -> bool {
    *field = text;
    true
}

/// The specification's words, those of `zipkinv2`, and those of an older exporter.
pub(crate) fn status_code(word: &str) -> StatusCode {
    match word {
        "OK" | "Ok" | "STATUS_CODE_OK" => StatusCode::Ok,
        "ERROR" | "Error" | "STATUS_CODE_ERROR" => StatusCode::Error,
        _ => StatusCode::Unset,
    }
}
