//! A block that was taken apart, ready to put any row of it together: what is asked for is most often few of its rows.

use std::ops::Range;

use super::column::Column;
use super::label::{Label, Wire};
use super::wanted::Wanted;
use crate::embedded::batch::{Reader, put_varint};

/// Labels, columns and which row has what of them. They point into the block's bytes, which each call is given.
pub(super) struct Table {
    labels: Vec<Label<Range<usize>>>,
    columns: Vec<Option<Column>>,
    shapes: Vec<Vec<u32>>,
    rows: Vec<Row>,
    /// Where each value of each row stands in its column.
    places: Vec<u32>,
    /// Of all rows together.
    len: usize,
}

/// A row's shape, and which of the places are its.
struct Row {
    shape: u32,
    places: Range<u32>,
}

// === impl Table ===

impl Table {
    /// Reads what stands at the end of `block`, payloads of `len` bytes in all.
    pub(super) fn take(reader: &mut Reader<'_>, block: &[u8], len: usize) -> Option<Self> {
        let labels = list(reader, |reader| label(reader, block))?;
        let shapes = list(reader, |r| list(r, Reader::varint32))?;
        let shape_of = list(reader, Reader::varint32)?;
        let mut all = 0_usize;
        for shape in &shape_of {
            all = all.checked_add(shapes.get(*shape as usize)?.len())?;
            // each label takes a byte at least, so that no short list of rows asks for all memory
            (all <= len).then_some(())?;
        }
        let wires: Vec<Option<Wire>> = labels.iter().map(Label::wire).collect();
        let mut counts = vec![0_u32; labels.len()];
        let mut places = Vec::with_capacity(all);
        let mut rows = Vec::with_capacity(shape_of.len());
        for shape in shape_of {
            let begin = places.len() as u32;
            for label in shapes.get(shape as usize)? {
                let label = *label as usize;
                if wires.get(label)?.is_some() {
                    let count = counts.get_mut(label)?;
                    places.push(*count);
                    *count += 1;
                }
            }
            rows.push(Row {
                shape,
                places: begin..places.len() as u32,
            });
        }
        let mut columns = Vec::with_capacity(labels.len());
        for (wire, count) in wires.into_iter().zip(counts) {
            columns.push(match wire {
                Some(wire) => Some(Column::take(wire, count as usize, reader, block)?),
                None => None,
            });
        }
        Some(Self {
            labels,
            columns,
            shapes,
            rows,
            places,
            len,
        })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// How many bytes all rows have together.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends a row's payload.
    pub(super) fn put(&self, row: usize, block: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mut open = Vec::new();
        let begin = out.len();
        self.for_each_label(row, |number, value| match self.labels.get(number)? {
            Label::Begin(tag) => {
                put_varint(out, u64::from(*tag));
                out.push(0);
                open.push(out.len());
                Some(())
            }
            Label::End => end(open.pop()?, out),
            label @ (Label::Value(_) | Label::Attribute { .. }) => {
                let (column, nth) = value?;
                let mut pieces = [0; 8];
                let value = column.get(nth, block, &mut pieces)?;
                // one row that takes the same long value again and again must not ask for all memory
                (out.len() - begin + value.len() <= self.len).then_some(())?;
                label.of(block).put_value(value, out)
            }
        })?;
        open.is_empty().then_some(())
    }

    /// Shows the numbers of a row's labels, each with its column and the position of its value there.
    fn for_each_label<'a>(
        &'a self,
        row: usize,
        mut each: impl FnMut(usize, Option<(&'a Column, usize)>) -> Option<()>,
    ) -> Option<()> {
        let row = self.rows.get(row)?;
        let places = row.places.start as usize..row.places.end as usize;
        let mut places = self.places.get(places)?.iter();
        for number in self.shapes.get(row.shape as usize)? {
            let value = match self.columns.get(*number as usize)? {
                Some(column) => Some((column, *places.next()? as usize)),
                None => None,
            };
            each(*number as usize, value)?;
        }
        Some(())
    }

    /// Whether each row may have what is wanted.
    pub(super) fn rows_that_may_have(&self, wanted: &Wanted, block: &[u8]) -> Option<Vec<bool>> {
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|label| wanted.of_label(&label.of(block)))
            .collect();
        let may = |number: &u32| {
            labels
                .get(*number as usize)
                .is_none_or(|may| *may != Some(false))
        };
        let shapes: Vec<bool> = self.shapes.iter().map(|s| s.iter().any(may)).collect();
        let mut rows = Vec::with_capacity(self.rows.len());
        for (nth, row) in self.rows.iter().enumerate() {
            let mut holds = false;
            if *shapes.get(row.shape as usize)? {
                self.for_each_label(nth, |number, value| {
                    match (labels.get(number)?, value) {
                        (Some(may), _) => holds |= may,
                        (None, Some((column, nth))) => {
                            holds |= wanted.is(column.get(nth, block, &mut [0; 8])?);
                        }
                        (None, None) => {}
                    }
                    Some(())
                })?;
            }
            rows.push(holds);
        }
        Some(rows)
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        let shapes: usize = self.shapes.iter().map(|s| 24 + s.len() * 4).sum();
        let columns = self.columns.iter().flatten().map(Column::bytes);
        self.labels.len() * size_of::<Label<Range<usize>>>()
            + shapes
            + columns.sum::<usize>()
            + self.rows.len() * size_of::<Row>()
            + self.places.len() * 4
    }
}

/// A message that began at `begin`, behind a byte for its length, ends.
fn end(begin: usize, out: &mut Vec<u8>) -> Option<()> {
    let len = out.len().checked_sub(begin)?;
    let place = begin.checked_sub(1)?;
    if len < 0x80 {
        *out.get_mut(place)? = len as u8;
    } else {
        let mut bytes = Vec::with_capacity(5);
        put_varint(&mut bytes, len as u64);
        drop(out.splice(place..begin, bytes));
    }
    Some(())
}

fn label(reader: &mut Reader<'_>, block: &[u8]) -> Option<Label<Range<usize>>> {
    Some(match Label::take(reader)? {
        Label::End => Label::End,
        Label::Begin(tag) => Label::Begin(tag),
        Label::Value(tag) => Label::Value(tag),
        Label::Attribute { tag, key, value } => {
            // the key is the last of it
            let end = block.len() - reader.0.len();
            let key = end - key.len()..end;
            Label::Attribute { tag, key, value }
        }
    })
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
