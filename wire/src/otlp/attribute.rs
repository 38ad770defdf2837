//! Attributes: OTLP's `KeyValue` and `AnyValue` from bytes.
//!
//! In: a cursor over one of them. Out: the model's. What is not UTF-8 is mended as Jaeger's sanitizer does, since a [`Str`] cannot hold
//! it: text becomes bytes, a key becomes `invalid-tag-key-N` with the bytes `key:value`. A message field that comes twice is merged.
//!
//! Source: `opentelemetry/proto/common/v1/common.proto`; `jaegertracing/jaeger: cmd/jaeger/internal/sanitizer/utf8.go` v1.76.0.

use model::{KeyValue, Slice, Str, Value};

use crate::budget::Budget;
use crate::cursor::Cursor;
use crate::jaeger::tags;
use crate::{DecodeError, MAX_DEPTH};

/// The name of a span whose name is not UTF-8, and the key of the attribute that keeps what came.
pub(crate) const INVALID_NAME: &str = "invalid-span-name";
const INVALID_KEY: &str = "invalid-tag-key";

/// A list of attributes that is being read.
pub(crate) struct Attributes {
    list: Vec<KeyValue>,
    invalid_keys: u32,
}

// === impl Attributes ===

impl Attributes {
    /// With room for `count`.
    #[inline]
    pub(crate) fn with_room(count: usize, budget: &mut Budget) -> Result<Self, DecodeError> {
        Ok(Self {
            list: budget.list(count)?,
            invalid_keys: 0,
        })
    }

    /// With no room yet.
    pub(crate) fn empty() -> Self {
        Self {
            list: Vec::new(),
            invalid_keys: 0,
        }
    }

    /// With room for `count` more.
    pub(crate) fn grow(&mut self, count: usize, budget: &mut Budget) -> Result<(), DecodeError> {
        budget.grow(&mut self.list, count)
    }

    /// Reads one more.
    #[inline]
    pub(crate) fn read(
        &mut self,
        cursor: Cursor<'_>,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        key_value(
            cursor,
            &mut self.list,
            &mut self.invalid_keys,
            MAX_DEPTH,
            budget,
        )
    }

    /// Appends an attribute that a rule made.
    pub(crate) fn push(&mut self, attribute: KeyValue) {
        self.list.push(attribute);
    }

    /// Takes out the first attribute `key`, if it is text.
    pub(crate) fn take_text(&mut self, key: &str) -> Option<Str> {
        let at = self.list.iter().position(|a| a.key == key)?;
        match self.list.get(at) {
            Some(KeyValue {
                value: Value::String(text),
                ..
            }) => {
                let text = text.clone();
                self.list.remove(at);
                Some(text)
            }
            _ => None,
        }
    }

    /// The list.
    #[inline]
    pub(crate) fn finish(self) -> Vec<KeyValue> {
        self.list
    }
}

#[inline]
fn key_value(
    cursor: Cursor<'_>,
    list: &mut Vec<KeyValue>,
    invalid_keys: &mut u32,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    if let Some((key, text)) = short_texts(&cursor) {
        list.push(KeyValue {
            key,
            value: Value::String(text),
        });
        return Ok(());
    }
    any_key_value(cursor, list, invalid_keys, depth, budget)
}

/// Key and value of a `KeyValue` that is short, in the usual order, and all UTF-8: read in one stroke.
#[inline]
fn short_texts(cursor: &Cursor<'_>) -> Option<(Str, Str)> {
    const KEY: u8 = 1 << 3 | 2;
    // the value's own key, how long it is (counted below), and the key of its text
    let bytes = cursor.bytes();
    let key_len = usize::from(*bytes.get(1)?);
    let value_len = *bytes.get(key_len + 3)?;
    if usize::from(value_len) != bytes.len().checked_sub(key_len + 4)? {
        return None;
    }
    let (key, text) = cursor.two_texts(KEY, &[2 << 3 | 2, value_len, KEY])?;
    Some((key.into_str().ok()?, text.into_str().ok()?))
}

fn any_key_value(
    mut cursor: Cursor<'_>,
    list: &mut Vec<KeyValue>,
    invalid_keys: &mut u32,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let mut key = Slice::default();
    let mut value = Value::Empty;
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => key = cursor.slice(wire, "attribute's key")?,
            2 => {
                let inner = cursor.message(wire, "attribute's value")?;
                any_value(inner, &mut value, depth, budget)?;
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    list.push(attribute(key, value, invalid_keys, budget)?);
    Ok(())
}

/// An attribute; one whose key is not UTF-8 is mended, and counted in `invalid_keys` of its list.
#[inline]
pub(crate) fn attribute(
    key: Slice,
    value: Value,
    invalid_keys: &mut u32,
    budget: &mut Budget,
) -> Result<KeyValue, DecodeError> {
    match key.into_str() {
        Ok(key) => Ok(KeyValue { key, value }),
        Err(key) => {
            *invalid_keys += 1;
            mended_attribute(&key, &value, *invalid_keys, budget)
        }
    }
}

/// The attribute that stands for one whose key is not UTF-8, the `number`th of its list.
#[cold]
fn mended_attribute(
    key: &Slice,
    value: &Value,
    number: u32,
    budget: &mut Budget,
) -> Result<KeyValue, DecodeError> {
    let value = match value {
        Value::Bytes(bytes) => std::borrow::Cow::Borrowed(bytes.as_bytes()),
        other => match tags::value(other).to_text() {
            std::borrow::Cow::Borrowed(text) => std::borrow::Cow::Owned(text.as_bytes().to_vec()),
            std::borrow::Cow::Owned(text) => std::borrow::Cow::Owned(text.into_bytes()),
        },
    };
    budget.charge(1, 2 * (key.len() + value.len()) + 160)?;
    Ok(KeyValue {
        key: Str::from(format!("{INVALID_KEY}-{number}")),
        value: Value::Bytes(Slice::from([key.as_bytes(), b":", &value].concat())),
    })
}

fn any_value(
    mut cursor: Cursor<'_>,
    value: &mut Value,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => *value = text_or_bytes(cursor.slice(wire, "string value")?),
            2 => *value = Value::Bool(cursor.varint(wire, "bool value")? != 0),
            3 => *value = Value::Int(cursor.varint(wire, "int value")? as i64),
            4 => *value = Value::Double(f64::from_bits(cursor.fixed64(wire, "double value")?)),
            5 => {
                let inner = cursor.message(wire, "array value")?;
                array(inner, value, deeper(depth)?, budget)?;
            }
            6 => {
                let inner = cursor.message(wire, "map value")?;
                map(inner, value, deeper(depth)?, budget)?;
            }
            7 => *value = Value::Bytes(cursor.slice(wire, "bytes value")?),
            8 => {
                // an index into a table that only profiles have: as if it were absent
                cursor.varint(wire, "string index")?;
                *value = Value::Empty;
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    Ok(())
}

fn deeper(depth: usize) -> Result<usize, DecodeError> {
    depth.checked_sub(1).ok_or(DecodeError::TooDeep {
        what: "attribute's value",
    })
}

/// Text, or bytes when it is not UTF-8.
#[inline]
pub(crate) fn text_or_bytes(slice: Slice) -> Value {
    match slice.into_str() {
        Ok(text) => Value::String(text),
        Err(bytes) => Value::Bytes(bytes),
    }
}

fn array(
    mut cursor: Cursor<'_>,
    value: &mut Value,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let [count] = cursor.count([1])?;
    let mut list = match std::mem::take(value) {
        Value::Array(values) => values.into_vec(),
        _ => Vec::new(),
    };
    budget.grow(&mut list, count)?;
    while let Some((number, wire)) = cursor.key()? {
        if number == 1 {
            let inner = cursor.message(wire, "array's element")?;
            let mut element = Value::Empty;
            any_value(inner, &mut element, depth, budget)?;
            list.push(element);
        } else {
            cursor.skip(number, wire)?;
        }
    }
    *value = Value::Array(list.into_boxed_slice());
    Ok(())
}

fn map(
    mut cursor: Cursor<'_>,
    value: &mut Value,
    depth: usize,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let [count] = cursor.count([1])?;
    let mut list = match std::mem::take(value) {
        Value::Map(entries) => entries.into_vec(),
        _ => Vec::new(),
    };
    budget.grow(&mut list, count)?;
    let mut invalid_keys = 0;
    while let Some((number, wire)) = cursor.key()? {
        if number == 1 {
            let inner = cursor.message(wire, "map's entry")?;
            key_value(inner, &mut list, &mut invalid_keys, depth, budget)?;
        } else {
            cursor.skip(number, wire)?;
        }
    }
    *value = Value::Map(list.into_boxed_slice());
    Ok(())
}

/// Text that is no attribute: what is not UTF-8 in it is replaced by U+FFFD.
#[inline]
pub(crate) fn text(slice: Slice, budget: &mut Budget) -> Result<Str, DecodeError> {
    match slice.into_str() {
        Ok(text) => Ok(text),
        Err(bytes) => {
            budget.charge(1, 3 * bytes.len() + 128)?;
            Ok(Str::from(String::from_utf8_lossy(&bytes).into_owned()))
        }
    }
}

/// A span's name; bytes that are not UTF-8 are kept in `attributes`.
#[inline]
pub(crate) fn name_or_kept(
    slice: Slice,
    attributes: &mut Vec<KeyValue>,
    budget: &mut Budget,
) -> Result<Str, DecodeError> {
    let (name, kept) = name(slice, budget)?;
    if let Some(kept) = kept {
        budget.grow(attributes, 1)?;
        attributes.push(kept);
    }
    Ok(name)
}

/// A span's name, and the bytes that came when they are not UTF-8.
#[inline]
pub(crate) fn name(
    slice: Slice,
    budget: &mut Budget,
) -> Result<(Str, Option<KeyValue>), DecodeError> {
    match slice.into_str() {
        Ok(name) => Ok((name, None)),
        Err(bytes) => {
            budget.charge(4, 160)?;
            let kept = KeyValue::new(INVALID_NAME, bytes);
            Ok((Str::from(INVALID_NAME), Some(kept)))
        }
    }
}
