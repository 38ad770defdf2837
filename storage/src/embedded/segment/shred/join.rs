//! Puts payloads together from labels and values.

use super::column::Column;
use super::label::{Label, Wire};
use crate::embedded::batch::{Reader, put_bytes, put_varint};

/// The payloads, one after the other, `len` bytes in all.
pub(super) fn join(reader: &mut Reader<'_>, len: usize) -> Option<Vec<u8>> {
    let labels = list(reader, Label::take)?;
    let shapes = list(reader, |r| list(r, Reader::varint32))?;
    let rows = list(reader, Reader::varint32)?;
    let mut counts = vec![0usize; labels.len()];
    let mut uses = vec![0usize; shapes.len()];
    for row in &rows {
        *uses.get_mut(*row as usize)? += 1;
    }
    for (shape, uses) in shapes.iter().zip(uses) {
        for label in shape {
            *counts.get_mut(*label as usize)? += uses;
        }
    }
    let mut columns = Vec::with_capacity(labels.len());
    for (label, count) in labels.iter().zip(counts) {
        columns.push(match label.wire() {
            Some(wire) => Some(Column::take(wire, count, reader)?),
            None => None,
        });
    }
    let mut out = Vec::with_capacity(len.min(1 << 20));
    let mut open = Vec::new();
    for row in &rows {
        for label in shapes.get(*row as usize)? {
            let column = columns.get_mut(*label as usize)?.as_mut();
            put(labels.get(*label as usize)?, column, &mut open, &mut out)?;
            (out.len() <= len).then_some(())?;
        }
        open.is_empty().then_some(())?;
    }
    (out.len() == len).then_some(out)
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    mut take: impl FnMut(&mut Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let count = usize::try_from(reader.varint()?).ok()?;
    // each takes a byte at least
    let mut all = Vec::with_capacity(count.min(reader.0.len()));
    for _ in 0..count {
        all.push(take(reader)?);
    }
    Some(all)
}

fn put(
    label: &Label<'_>,
    column: Option<&mut Column<'_>>,
    open: &mut Vec<usize>,
    out: &mut Vec<u8>,
) -> Option<()> {
    match label {
        Label::Begin(tag) => {
            put_varint(out, u64::from(*tag));
            open.push(out.len());
        }
        Label::End => {
            let begin = open.pop()?;
            let mut len = Vec::with_capacity(10);
            put_varint(&mut len, (out.len() - begin) as u64);
            out.splice(begin..begin, len);
        }
        Label::Value(tag) => {
            put_varint(out, u64::from(*tag));
            put_value(Wire::of(*tag)?, column?.next()?, out);
        }
        Label::Attribute { tag, key, value } => {
            let wire = Wire::of(u32::from(*value))?;
            let bytes = column?.next()?;
            let inner = 1 + match wire {
                Wire::Bytes => varint_len(bytes.len()) + bytes.len(),
                Wire::Varint | Wire::Fixed(_) => bytes.len(),
            };
            let outer = 1 + varint_len(key.len()) + key.len() + 1 + varint_len(inner) + inner;
            put_varint(out, u64::from(*tag));
            put_varint(out, outer as u64);
            out.push(1 << 3 | 2);
            put_bytes(out, key);
            out.push(2 << 3 | 2);
            put_varint(out, inner as u64);
            out.push(*value);
            put_value(wire, bytes, out);
        }
    }
    Some(())
}

fn put_value(wire: Wire, bytes: &[u8], out: &mut Vec<u8>) {
    match wire {
        Wire::Bytes => put_bytes(out, bytes),
        Wire::Varint | Wire::Fixed(_) => out.extend_from_slice(bytes),
    }
}

/// How many bytes a number takes.
fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}
