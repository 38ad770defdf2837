//! What is mended in a Zipkin span before it becomes Jaeger's.
//!
//! In and out: a span as it was read. Its times come from its annotations when it has none; a negative duration and a parent of zero are
//! taken away and kept in tags; a tag `error` becomes a bool. In this order, as Jaeger does.
//!
//! Source: `jaegertracing/jaeger: cmd/collector/app/sanitizer/zipkin` v1.20.0. Its `error.message` had the type bool by oversight; it is
//! text here.

use model::Slice;

use super::{BinaryAnnotation, Span, kind, make_room};
use crate::DecodeError;
use crate::budget::Budget;

/// Microseconds of a span that does not say how long it took.
const DEFAULT_DURATION: i64 = 1;

/// Mends `span`.
pub(super) fn sanitize(span: &mut Span, budget: &mut Budget) -> Result<(), DecodeError> {
    start_time(span);
    duration(span, budget)?;
    if span.parent_id == Some(0) {
        span.parent_id = None;
        keep(span, "errZeroParentID", "0", budget)?;
    }
    error_tags(span, budget)
}

/// The time when the client sent, else when the server of a root received.
fn start_time(span: &mut Span) {
    if span.timestamp.is_some() {
        return;
    }
    let sent = span.annotation(b"cs");
    let received = || span.annotations.iter().rfind(|a| *a.value == *b"sr");
    span.timestamp = match sent {
        Some(sent) => Some(sent.timestamp),
        None if span.parent_id.is_none() => received().map(|a| a.timestamp),
        None => None,
    };
}

fn duration(span: &mut Span, budget: &mut Budget) -> Result<(), DecodeError> {
    match span.duration {
        None => {
            span.duration = Some(DEFAULT_DURATION);
            let [first, .., last] = span.annotations.as_slice() else {
                return Ok(());
            };
            let at = |value: &[u8]| span.annotations.iter().rfind(|a| *a.value == *value);
            let first = at(b"cs").unwrap_or(first).timestamp;
            let last = at(b"cr").unwrap_or(last).timestamp;
            if first < last {
                span.duration = Some(last.wrapping_sub(first));
                span.timestamp.get_or_insert(first);
            }
        }
        Some(negative @ ..0) => {
            span.duration = Some(DEFAULT_DURATION);
            keep(span, "errNegativeDuration", &negative.to_string(), budget)?;
        }
        Some(_) => {}
    }
    Ok(())
}

/// Adds a tag of text.
fn keep(span: &mut Span, key: &str, value: &str, budget: &mut Budget) -> Result<(), DecodeError> {
    make_room(&mut span.binary_annotations, 1, budget)?;
    budget.charge(1, 192)?;
    span.binary_annotations.push(BinaryAnnotation {
        key: Slice::from(key.as_bytes()),
        value: Slice::from(value.as_bytes()),
        kind: kind::STRING,
        host: None,
    });
    Ok(())
}

/// Tags `error` become bools, and what they said goes to `error.message`.
fn error_tags(span: &mut Span, budget: &mut Budget) -> Result<(), DecodeError> {
    let is_error =
        |a: &BinaryAnnotation| a.kind != kind::BOOL && a.key.eq_ignore_ascii_case(b"error");
    let count = span
        .binary_annotations
        .iter()
        .filter(|a| is_error(a))
        .count();
    if count == 0 {
        return Ok(());
    }
    make_room(&mut span.binary_annotations, count, budget)?;
    budget.charge(count, 192)?;
    let mut messages = Vec::new();
    for annotation in span.binary_annotations.iter_mut().filter(|a| is_error(a)) {
        annotation.kind = kind::BOOL;
        let said = std::mem::take(&mut annotation.value);
        let truth = !said.eq_ignore_ascii_case(b"false");
        if truth && !said.is_empty() && !said.eq_ignore_ascii_case(b"true") {
            messages.push(said);
        }
        annotation.value = Slice::from([u8::from(truth)].as_slice());
    }
    for value in messages {
        span.binary_annotations.push(BinaryAnnotation {
            key: Slice::from(b"error.message".as_slice()),
            value,
            kind: kind::STRING,
            host: None,
        });
    }
    Ok(())
}
