//! One tag from bytes: Jaeger's `KeyValue`.
//!
//! In: a cursor over it. Out: a key and the value that its type names. Text and keys that are not UTF-8 are mended as in OTLP.

use model::{KeyValue, Slice, Value};

use crate::DecodeError;
use crate::budget::Budget;
use crate::cursor::Cursor;
use crate::otlp::attribute::{attribute, text_or_bytes};

/// A tag: the value is the one that its type names, and a type that nobody knows is text.
#[inline]
pub(super) fn read_tag(
    cursor: Cursor<'_>,
    invalid_keys: &mut u32,
    budget: &mut Budget,
) -> Result<KeyValue, DecodeError> {
    // most tags are short texts, whose type is left out: those are read in one stroke
    let short = cursor.two_texts(1 << 3 | 2, &[3 << 3 | 2]);
    if let Some((key, text)) = short
        && let (Ok(key), Ok(text)) = (key.into_str(), text.into_str())
    {
        return Ok(KeyValue {
            key,
            value: Value::String(text),
        });
    }
    read_any_tag(cursor, invalid_keys, budget)
}

fn read_any_tag(
    mut cursor: Cursor<'_>,
    invalid_keys: &mut u32,
    budget: &mut Budget,
) -> Result<KeyValue, DecodeError> {
    let mut key = Slice::default();
    let mut value_type = 0;
    let mut text = Slice::default();
    let mut binary = Slice::default();
    let (mut truth, mut int, mut float) = (false, 0, 0.0);
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => key = cursor.slice(wire, "tag's key")?,
            2 => value_type = cursor.varint(wire, "tag's type")?,
            3 => text = cursor.slice(wire, "tag's text")?,
            4 => truth = cursor.varint(wire, "tag's bool")? != 0,
            5 => int = cursor.varint(wire, "tag's int64")? as i64,
            6 => float = f64::from_bits(cursor.fixed64(wire, "tag's float64")?),
            7 => binary = cursor.slice(wire, "tag's binary")?,
            _ => cursor.skip(number, wire)?,
        }
    }
    let value = match value_type {
        1 => Value::Bool(truth),
        2 => Value::Int(int),
        3 => Value::Double(float),
        4 => Value::Bytes(binary),
        _ => text_or_bytes(text),
    };
    attribute(key, value, invalid_keys, budget)
}
