//! Spans as a line of a file of OTLP JSON, as the OpenTelemetry Collector's file exporter writes them: one `TracesData` a line.
//!
//! In: spans. Out: a line that is the same whatever order they came in and whatever they share in memory, so that what was exported,
//! imported and exported again is the same file. And back, with a span's warnings, which OTLP has no field for, where they were.
//!
//! Source: `open-telemetry/opentelemetry-collector-contrib: exporter/fileexporter`, format `json`.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use model::{Span, Str, Value};

use super::decode_json;
use super::json::write::encode_otlp;
use super::write::{WARNINGS, in_otlp};
use crate::{DecodeError, Decoded, record};

/// `spans` as a line, without its end. Spans in the `Jaeger` dialect are translated. Those of equal resource and scope stand together;
/// groups and spans by start, then id.
pub fn encode(spans: &[Span]) -> Vec<u8> {
    let mut spans = in_otlp(spans).into_owned();
    spans.sort_by(|a, b| {
        let key = |s: &Span| (s.start_ns, s.span_id);
        // the bytes of both are made only where nothing else tells them apart
        key(a).cmp(&key(b)).then_with(|| bytes(a).cmp(&bytes(b)))
    });
    let mut resources = Numbers::default();
    let mut scopes = Numbers::default();
    let mut numbered: Vec<_> = spans
        .into_iter()
        .map(|mut span| {
            let resource = resources.of(&mut span.resource, record::encode_resource);
            let scope = scopes.of(&mut span.scope, record::encode_scope);
            (resource, scope, span)
        })
        .collect();
    numbered.sort_by_key(|(resource, scope, _)| (*resource, *scope));
    let spans: Vec<Span> = numbered.into_iter().map(|(_, _, span)| span).collect();
    encode_otlp(&spans)
}

/// The spans of a line. A line without any says so: it is likely of another format.
pub fn decode(line: &Bytes) -> Result<Decoded, DecodeError> {
    let mut decoded = decode_json(line.clone())?;
    if decoded.spans.is_empty() && decoded.rejected.is_empty() && !names_spans(line) {
        let reason = "there is no resourceSpans in it: is it OTLP JSON of traces?";
        return Err(DecodeError::Json(reason.to_owned()));
    }
    decoded.spans.iter_mut().for_each(restore_warnings);
    Ok(decoded)
}

fn names_spans(line: &[u8]) -> bool {
    let names: [&[u8]; 2] = [b"\"resourceSpans\"", b"\"resource_spans\""];
    names
        .iter()
        .any(|name| line.windows(name.len()).any(|w| w == *name))
}

/// Puts a span's warnings, which go out as the last attribute, back where they were.
pub(crate) fn restore_warnings(span: &mut Span) {
    let texts = |value: &Value| match value {
        Value::Array(values) if !values.is_empty() => {
            let texts = values.iter().map(|value| match value {
                Value::String(text) => Some(text.clone()),
                _ => None,
            });
            texts.collect::<Option<Vec<Str>>>()
        }
        _ => None,
    };
    let last = span.attributes.last().filter(|a| a.key == WARNINGS);
    if let Some(warnings) = last.and_then(|a| texts(&a.value)) {
        span.attributes.pop();
        span.warnings = warnings;
    }
}

/// All of a span.
fn bytes(span: &Span) -> Vec<u8> {
    let mut out = Vec::new();
    record::encode_span(span, &mut out);
    record::encode_resource(&span.resource, &mut out);
    record::encode_scope(&span.scope, &mut out);
    out
}

/// What spans share, numbered by first appearance; equal ones are one, by their encoding, in which a NaN equals itself.
struct Numbers<T> {
    number_of: HashMap<Vec<u8>, usize>,
    shared: Vec<Arc<T>>,
    /// Neighbours mostly share.
    last: Option<(Arc<T>, usize)>,
}

// === impl Numbers ===

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self {
            number_of: HashMap::new(),
            shared: Vec::new(),
            last: None,
        }
    }
}

impl<T> Numbers<T> {
    /// The number of `value`, which becomes the first one that is equal to it.
    fn of(&mut self, value: &mut Arc<T>, encode: impl FnOnce(&T, &mut Vec<u8>)) -> usize {
        if let Some((last, number)) = &self.last
            && Arc::ptr_eq(last, value)
        {
            let number = *number;
            self.share(value, number);
            return number;
        }
        let mut key = Vec::new();
        encode(value, &mut key);
        let next = self.shared.len();
        let number = *self.number_of.entry(key).or_insert(next);
        if number == next {
            self.shared.push(value.clone());
        }
        self.last = Some((value.clone(), number));
        self.share(value, number);
        number
    }

    fn share(&self, value: &mut Arc<T>, number: usize) {
        if let Some(shared) = self.shared.get(number) {
            *value = shared.clone();
        }
    }
}

#[cfg(test)]
mod tests;
