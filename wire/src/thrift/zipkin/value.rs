//! The value of a Zipkin tag.
//!
//! In: a binary annotation, whose value is bytes and whose type says what they are. Out: a value, which is a text that says so where the
//! bytes are not what the type says.
//!
//! Source: `jaegertracing/jaeger: model/converter/thrift/zipkin/to_domain.go` v1.20.0.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::{Str, Value};

use super::{BinaryAnnotation, kind};
use crate::DecodeError;
use crate::budget::Budget;
use crate::otlp::attribute::text_or_bytes;

/// The value of a binary annotation, by its type. One that cannot be read becomes a text that says so.
pub(super) fn value(
    annotation: &BinaryAnnotation,
    budget: &mut Budget,
) -> Result<Value, DecodeError> {
    let bytes = annotation.value.as_bytes();
    let read = match annotation.kind {
        kind::BOOL => return Ok(Value::Bool(bytes == [1])),
        kind::BYTES => return Ok(Value::Bytes(annotation.value.clone())),
        kind::STRING => return Ok(text_or_bytes(annotation.value.clone())),
        kind::I16 => first(bytes).map(|b| Value::Int(i16::from_be_bytes(b).into())),
        kind::I32 => first(bytes).map(|b| Value::Int(i32::from_be_bytes(b).into())),
        kind::I64 => first(bytes).map(|b| Value::Int(i64::from_be_bytes(b))),
        kind::DOUBLE => first(bytes).map(|b| Value::Double(f64::from_be_bytes(b))),
        unknown => Err(Cow::Owned(format!(
            "unknown zipkin annotation type: {unknown}"
        ))),
    };
    match read {
        Ok(value) => Ok(value),
        Err(error) => {
            budget.charge(1, 4 * bytes.len() + 256)?;
            let bytes = BASE64.encode(bytes);
            let text = format!("Cannot parse Zipkin value {bytes}: {error}");
            Ok(Value::String(Str::from(text)))
        }
    }
}

/// The first bytes; as Go reads numbers, what follows is passed over.
fn first<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Cow<'static, str>> {
    match bytes.first_chunk() {
        Some(first) => Ok(*first),
        None if bytes.is_empty() => Err(Cow::Borrowed("EOF")),
        None => Err(Cow::Borrowed("unexpected EOF")),
    }
}
