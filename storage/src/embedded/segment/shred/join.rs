//! Puts payloads together from labels and values.

use super::column::Column;
use super::label::Label;
use crate::embedded::batch::{Reader, put_varint};

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
            out.push(0);
            open.push(out.len());
        }
        Label::End => {
            let begin = open.pop()?;
            let mut len = out.len() - begin;
            // most lengths fit into the byte that was left for them
            let mut more = Vec::new();
            while len >= 0x80 {
                more.push(len as u8 | 0x80);
                len >>= 7;
            }
            more.push(len as u8);
            let place = begin.checked_sub(1)?;
            match more.as_slice() {
                [len] => *out.get_mut(place)? = *len,
                _ => drop(out.splice(place..begin, more)),
            }
        }
        Label::Value(_) | Label::Attribute { .. } => label.put_value(column?.next()?, out)?,
    }
    Some(())
}
