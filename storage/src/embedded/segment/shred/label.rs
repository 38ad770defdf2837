//! What a value is: the field it stands in, and for an attribute its key and the field of its value.

use std::ops::Range;

use crate::embedded::batch::{Reader, put_bytes, put_varint};

/// The tag of an attribute's key.
pub(super) const KEY: u8 = 1 << 3 | 2;
/// The tag of an attribute's value.
pub(super) const VALUE: u8 = 2 << 3 | 2;

/// What stands at one place of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Label<K> {
    /// A message begun before ends here.
    End,
    /// A message begins in the field with this tag (number and wire type, as protobuf has it).
    Begin(u32),
    /// A value of the field with this tag.
    Value(u32),
    /// A value in an attribute, which stands in the field `tag`: its key, and the tag of the value.
    Attribute { tag: u32, key: K, value: u8 },
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Varint,
    /// So many bytes.
    Fixed(usize),
    Bytes,
}

// === impl Label ===

impl<'a> Label<&'a [u8]> {
    /// Appends what it is.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::End => out.push(0),
            Self::Begin(tag) => {
                out.push(1);
                put_varint(out, u64::from(*tag));
            }
            Self::Value(tag) => {
                out.push(2);
                put_varint(out, u64::from(*tag));
            }
            Self::Attribute { tag, key, value } => {
                out.push(3);
                put_varint(out, u64::from(*tag));
                out.push(*value);
                put_bytes(out, key);
            }
        }
    }

    pub(super) fn take(reader: &mut Reader<'a>) -> Option<Self> {
        Some(match reader.byte()? {
            0 => Self::End,
            1 => Self::Begin(reader.varint32()?),
            2 => Self::Value(reader.varint32()?),
            3 => Self::Attribute {
                tag: reader.varint32()?,
                value: reader.byte()?,
                key: reader.bytes()?,
            },
            _ => return None,
        })
    }

    /// Appends a value of this label as it stands in its message; `None`: it has none.
    pub(crate) fn put_value(&self, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let wire = self.wire()?;
        match self {
            Self::End | Self::Begin(_) => return None,
            Self::Value(tag) => put_varint(out, u64::from(*tag)),
            Self::Attribute {
                tag,
                key,
                value: value_tag,
            } => {
                let inner = 1 + match wire {
                    Wire::Bytes => varint_len(value.len()) + value.len(),
                    Wire::Varint | Wire::Fixed(_) => value.len(),
                };
                let outer = 1 + varint_len(key.len()) + key.len() + 1 + varint_len(inner) + inner;
                put_varint(out, u64::from(*tag));
                put_varint(out, outer as u64);
                out.push(KEY);
                put_bytes(out, key);
                out.push(VALUE);
                put_varint(out, inner as u64);
                out.push(*value_tag);
            }
        }
        wire.put(value, out);
        Some(())
    }
}

impl<K> Label<K> {
    /// How its values are written; `None`: it has none.
    pub(super) fn wire(&self) -> Option<Wire> {
        match self {
            Self::End | Self::Begin(_) => None,
            Self::Value(tag) => Wire::of(*tag),
            Self::Attribute { value, .. } => Wire::of(u32::from(*value)),
        }
    }
}

impl Label<Range<usize>> {
    /// With its key, which stands in `bytes`.
    pub(super) fn of<'a>(&self, bytes: &'a [u8]) -> Label<&'a [u8]> {
        match self {
            Self::End => Label::End,
            Self::Begin(tag) => Label::Begin(*tag),
            Self::Value(tag) => Label::Value(*tag),
            Self::Attribute { tag, key, value } => Label::Attribute {
                tag: *tag,
                key: bytes.get(key.clone()).unwrap_or_default(),
                value: *value,
            },
        }
    }
}

// === impl Wire ===

impl Wire {
    /// Of a field with this tag.
    pub(super) fn of(tag: u32) -> Option<Self> {
        match tag & 7 {
            0 => Some(Self::Varint),
            1 => Some(Self::Fixed(8)),
            2 => Some(Self::Bytes),
            5 => Some(Self::Fixed(4)),
            _ => None,
        }
    }

    /// Takes a value: without its length, where it has one.
    pub(super) fn take<'a>(self, reader: &mut Reader<'a>) -> Option<&'a [u8]> {
        let from = reader.0;
        match self {
            Self::Bytes => return reader.bytes(),
            Self::Varint => drop(reader.varint()?),
            Self::Fixed(width) => reader.0 = reader.0.get(width..)?,
        }
        from.get(..from.len() - reader.0.len())
    }
    /// Appends a value, with its length where it has one.
    pub(super) fn put(self, value: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Bytes => put_bytes(out, value),
            Self::Varint | Self::Fixed(_) => out.extend_from_slice(value),
        }
    }
}

/// How many bytes a number takes.
fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}
