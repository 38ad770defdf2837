//! One tag from bytes: Jaeger's `Tag`.
//!
//! In: a reader in front of it. Out: a key and the value that its type names. Text and keys that are not UTF-8 are mended as in OTLP.
//!
//! The numbers of types are not those of Jaeger's protobuf.

use model::{KeyValue, Slice, Str, Value};

use super::reader::{Reader, Seen, Type};
use crate::DecodeError;
use crate::budget::Budget;
use crate::otlp::attribute::{attribute, text_or_bytes};

/// The fewest bytes of a tag: key, type, and the end.
const SMALLEST: usize = 5;
const REQUIRED: [(i16, &str); 2] = [(1, "tag's key"), (2, "tag's type")];

/// Reads the list of tags that field `what` is.
pub(super) fn read_tags<'a, R: Reader<'a>>(
    reader: &mut R,
    found: Type,
    what: &'static str,
    budget: &mut Budget,
) -> Result<Vec<KeyValue>, DecodeError> {
    let (count, mut tags) = reader.structs(found, SMALLEST, what, budget)?;
    let mut invalid_keys = 0;
    for _ in 0..count {
        tags.push(read_tag(reader, &mut invalid_keys, budget)?);
    }
    Ok(tags)
}

fn read_tag<'a, R: Reader<'a>>(
    reader: &mut R,
    invalid_keys: &mut u32,
    budget: &mut Budget,
) -> Result<KeyValue, DecodeError> {
    let mut key = Slice::default();
    let mut value_type = 0;
    let mut text = Slice::default();
    let mut binary = Slice::default();
    let (mut truth, mut int, mut float) = (false, 0, 0.0);
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "tag")? {
        last = number;
        match number {
            1 => key = reader.get_bytes(found, "tag's key")?,
            2 => value_type = reader.get_i32(found, "tag's type")?,
            3 => text = reader.get_bytes(found, "tag's text")?,
            4 => float = reader.get_double(found, "tag's double")?,
            5 => truth = reader.get_bool(found, "tag's bool")?,
            6 => int = reader.get_i64(found, "tag's long")?,
            7 => binary = reader.get_bytes(found, "tag's binary")?,
            _ => reader.skip(found)?,
        }
        seen.mark(number);
    }
    seen.require(&REQUIRED, reader.input().at())?;
    let value = match value_type {
        0 => text_or_bytes(text),
        1 => Value::Double(float),
        2 => Value::Bool(truth),
        3 => Value::Int(int),
        4 => Value::Bytes(binary),
        unknown => {
            budget.charge(1, 128)?;
            Value::String(Str::from(format!("Unknown VType: {unknown}")))
        }
    };
    attribute(key, value, invalid_keys, budget)
}
