//! A span as a dead letter: sealed when it is buried, opened when a person wants to see it or send it again.
//!
//! In: a span. Out: a payload that stands for itself: one byte of format, then resource, scope and span in the store's own encoding, each
//! behind its length (u32, little-endian).

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use model::{Buffer, Instance, Span};
use wire::DecodeError;
use wire::record;

use crate::port::DeadLetter;

/// The origin of letters that were decoded spans: they came through the write path.
pub const ORIGIN: &str = "spans";

/// The first byte of a payload.
const FORMAT: u8 = 1;

/// Why a payload is not a span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// Not sealed by [`seal`], or by a newer one.
    #[error("dead letter has format {0:?}, this version knows {FORMAT}")]
    Format(Option<u8>),
    /// Cut, or damaged.
    #[error("dead letter is damaged: {0}")]
    Damaged(#[from] DecodeError),
}

/// A letter with `span` in it.
pub fn seal(instance: &Instance, reason: String, span: &Span) -> DeadLetter {
    let mut payload = vec![FORMAT];
    with_length(&mut payload, |out| {
        record::encode_resource(&span.resource, out);
    });
    with_length(&mut payload, |out| record::encode_scope(&span.scope, out));
    with_length(&mut payload, |out| record::encode_span(span, out));
    DeadLetter {
        instance: instance.clone(),
        reason,
        origin: ORIGIN,
        payload: payload.into(),
    }
}

/// The span that [`seal`] put into `payload`.
pub fn open(payload: &Bytes) -> Result<Span, LetterError> {
    match payload.first() {
        Some(&FORMAT) => {}
        other => return Err(LetterError::Format(other.copied())),
    }
    let buffer = Buffer::new(payload.clone()).ok_or(DecodeError::TooLong(payload.len()))?;
    let resource = behind_length(payload, 1)?;
    let scope = behind_length(payload, resource.end)?;
    let span = behind_length(payload, scope.end)?;
    if span.end != payload.len() {
        return Err(LetterError::Damaged(DecodeError::Invalid {
            what: "dead letter",
            at: span.end,
        }));
    }
    let resource = Arc::new(record::decode_resource(&buffer, resource)?);
    let scope = Arc::new(record::decode_scope(&buffer, scope)?);
    Ok(record::decode_span(&buffer, span, resource, scope)?)
}

fn with_length(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let mut part = Vec::new();
    encode(&mut part);
    // decoded from a buffer that u32 addresses, and never longer than it was there by more than a few bytes an attribute
    let len = u32::try_from(part.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&part);
}

fn behind_length(payload: &[u8], at: usize) -> Result<Range<usize>, DecodeError> {
    let truncated = DecodeError::Truncated {
        what: "dead letter",
        at,
    };
    let start = at + 4;
    let Some(len) = payload.get(at..start).and_then(|b| b.try_into().ok()) else {
        return Err(truncated);
    };
    let end = start.saturating_add(u32::from_le_bytes(len) as usize);
    if end > payload.len() {
        return Err(truncated);
    }
    Ok(start..end)
}

#[cfg(test)]
mod tests {
    use model::{Dialect, KeyValue, Resource, Scope, SpanId, TraceId};

    use super::*;

    fn span() -> Span {
        Span {
            trace_id: TraceId::from_halves(1, 2),
            span_id: SpanId::from_u64(3),
            name: "op".into(),
            attributes: vec![KeyValue::new("k", 1_i64)],
            dialect: Dialect::Jaeger,
            resource: Arc::new(Resource {
                attributes: vec![KeyValue::new("hostname", "h")],
                ..Resource::of_service("svc")
            }),
            scope: Arc::new(Scope {
                name: "lib".into(),
                ..Scope::default()
            }),
            ..Span::default()
        }
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let letter = seal(&Instance::default(), "why".to_owned(), &span());
        assert_eq!(open(&letter.payload).unwrap(), span());
        let empty = seal(&Instance::default(), String::new(), &Span::default());
        assert_eq!(open(&empty.payload).unwrap(), Span::default());
    }

    #[test]
    fn a_damaged_letter_is_an_error() {
        let whole = seal(&Instance::default(), String::new(), &span()).payload;
        assert_eq!(open(&Bytes::new()), Err(LetterError::Format(None)));
        assert_eq!(
            open(&Bytes::from_static(b"\x09abc")),
            Err(LetterError::Format(Some(9)))
        );
        for cut in 1..whole.len() {
            assert!(open(&whole.slice(..cut)).is_err(), "cut at {cut}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.to_vec();
            bytes[at] ^= 0xff;
            // any answer will do, but it must be one
            let _answer = open(&bytes.into());
        }
    }
}
