//! Attributes: a key and a typed value. Source: OpenTelemetry's `common.proto`, `KeyValue` and `AnyValue`.

use crate::{Slice, Str};

/// A key and its value. Order among attributes is kept, equal keys too: clients and golden files see both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyValue {
    /// The key, never interpreted here.
    pub key: Str,
    /// The value.
    pub value: Value,
}

/// A typed value. Arrays and maps nest at most as deep as the decoders allow (32).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// No value at all, as OTLP allows. Jaeger shows it as the empty string.
    #[default]
    Empty,
    /// Text.
    String(Str),
    /// A truth value.
    Bool(bool),
    /// A signed 64-bit integer.
    Int(i64),
    /// A 64-bit float, NaN and infinities included.
    Double(f64),
    /// Bytes, and text that was not UTF-8.
    Bytes(Slice),
    /// A list.
    Array(Box<[Value]>),
    /// A list of keys and values.
    Map(Box<[KeyValue]>),
}

// === impl KeyValue ===

impl KeyValue {
    /// A key with a value.
    pub fn new(key: impl Into<Str>, value: impl Into<Value>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }

    /// The bytes it keeps in memory, beside what its slices point into.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.value.heap_size()
    }

    /// The bytes of the text and of the bytes that it points to.
    pub(crate) fn text_size(&self) -> usize {
        self.key.len() + self.value.text_size()
    }

    /// A copy that keeps no request's buffer alive.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self {
            key: self.key.detach(),
            value: self.value.detach(),
        }
    }
}

// === impl Value ===

impl Value {
    /// The text, when it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// A copy that keeps no request's buffer alive.
    #[must_use]
    pub fn detach(&self) -> Self {
        match self {
            Self::String(text) => Self::String(text.detach()),
            Self::Bytes(bytes) => Self::Bytes(bytes.detach()),
            Self::Array(values) => Self::Array(values.iter().map(Self::detach).collect()),
            Self::Map(entries) => Self::Map(entries.iter().map(KeyValue::detach).collect()),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => self.clone(),
        }
    }

    fn text_size(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.as_bytes().len(),
            Self::Array(values) => values.iter().map(Self::text_size).sum(),
            Self::Map(entries) => entries.iter().map(KeyValue::text_size).sum(),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
        }
    }

    fn heap_size(&self) -> usize {
        match self {
            Self::Array(values) => values
                .iter()
                .map(|v| size_of::<Self>() + v.heap_size())
                .sum(),
            Self::Map(entries) => entries.iter().map(KeyValue::size).sum(),
            _ => 0,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<Slice> for Value {
    fn from(bytes: Slice) -> Self {
        Self::Bytes(bytes)
    }
}
