//! Takes payloads apart: row by row into labels and values.

use hashbrown::HashMap;

use super::column::Values;
use super::label::{KEY, Label, VALUE, Wire};
use crate::embedded::batch::{Reader, put_varint};

/// Rows, taken apart.
#[derive(Default)]
pub(super) struct Split<'a> {
    /// What is in one message is not in a column with what is in another, whatever its label.
    number_of: HashMap<(Message, Label<&'a [u8]>), u32>,
    labels: Vec<(Message, Label<&'a [u8]>)>,
    columns: Vec<Vec<&'a [u8]>>,
    shape_of: HashMap<Vec<u32>, u32>,
    shapes: Vec<Vec<u32>>,
    rows: Vec<u32>,
    /// The labels of the row that is taken apart.
    row: Vec<u32>,
}

/// Rows, taken apart: none comes any more.
pub(crate) struct Apart<'a> {
    labels: Vec<(Message, Label<&'a [u8]>)>,
    columns: Vec<Values<'a>>,
    shapes: Vec<Vec<u32>>,
    rows: Vec<u32>,
}

/// A message, as far as its fields matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Message {
    Span,
    Event,
    Link,
}

// === impl Message ===

impl Message {
    /// The tag of its attributes.
    fn attributes(self) -> u32 {
        let field = match self {
            Self::Span => 9,
            Self::Event => 3,
            Self::Link => 4,
        };
        field << 3 | 2
    }

    /// The message in the field with this tag.
    fn inner(self, tag: u32) -> Option<Self> {
        const EVENTS: u32 = 11 << 3 | 2;
        const LINKS: u32 = 13 << 3 | 2;
        match (self, tag) {
            (Self::Span, EVENTS) => Some(Self::Event),
            (Self::Span, LINKS) => Some(Self::Link),
            _ => None,
        }
    }
}

// === impl Split ===

impl<'a> Split<'a> {
    /// Takes one payload apart; `None`: it is no protobuf.
    pub(super) fn row(&mut self, payload: &'a [u8]) -> Option<()> {
        self.row.clear();
        self.message(payload, Message::Span)?;
        let number = match self.shape_of.get(&self.row) {
            Some(number) => *number,
            None => {
                let number = self.shapes.len() as u32;
                self.shapes.push(self.row.clone());
                self.shape_of.insert(self.row.clone(), number);
                number
            }
        };
        self.rows.push(number);
        Some(())
    }

    fn message(&mut self, bytes: &'a [u8], message: Message) -> Option<()> {
        let mut reader = Reader(bytes);
        while !reader.0.is_empty() {
            let tag = reader.varint32()?;
            let value = Wire::of(tag)?.take(&mut reader)?;
            if tag == message.attributes()
                && let Some((label, value)) = attribute(tag, value)
            {
                self.add(message, label, Some(value));
            } else if let Some(inner) = message.inner(tag) {
                self.add(message, Label::Begin(tag), None);
                self.message(value, inner)?;
                self.add(message, Label::End, None);
            } else {
                self.add(message, Label::Value(tag), Some(value));
            }
        }
        Some(())
    }

    fn add(&mut self, message: Message, label: Label<&'a [u8]>, value: Option<&'a [u8]>) {
        let Self {
            labels, columns, ..
        } = self;
        let label = (message, label);
        let number = *self.number_of.entry(label).or_insert_with(|| {
            labels.push(label);
            columns.push(Vec::new());
            labels.len() as u32 - 1
        });
        self.row.push(number);
        if let (Some(value), Some(column)) = (value, columns.get_mut(number as usize)) {
            column.push(value);
        }
    }

    /// When no row comes any more.
    pub(super) fn finish(self) -> Apart<'a> {
        let columns = self.columns.into_iter();
        Apart {
            labels: self.labels,
            columns: columns.map(Values::new).collect(),
            shapes: self.shapes,
            rows: self.rows,
        }
    }
}

// === impl Apart ===

impl<'a> Apart<'a> {
    /// Appends everything.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.labels.len() as u64);
        self.labels.iter().for_each(|(_, label)| label.put(out));
        put_varint(out, self.shapes.len() as u64);
        for shape in &self.shapes {
            put_varint(out, shape.len() as u64);
            shape.iter().for_each(|n| put_varint(out, u64::from(*n)));
        }
        put_varint(out, self.rows.len() as u64);
        self.rows
            .iter()
            .for_each(|n| put_varint(out, u64::from(*n)));
        for ((_, label), values) in self.labels.iter().zip(&self.columns) {
            if let Some(wire) = label.wire() {
                values.put(wire, out);
            }
        }
    }

    /// Calls `visit` with each label, the message it is in and its values, until there is `None`. A value that comes again in many rows is
    /// there once.
    pub(crate) fn for_each_column(
        &self,
        mut visit: impl FnMut(Message, Label<&'a [u8]>, &[&'a [u8]]) -> Option<()>,
    ) -> Option<()> {
        let mut columns = self.labels.iter().zip(&self.columns);
        columns
            .try_for_each(|((message, label), values)| visit(*message, *label, values.different()))
    }
}

/// The parts of an attribute that is written in the one usual way: key, then a value of one field.
fn attribute(tag: u32, bytes: &[u8]) -> Option<(Label<&[u8]>, &[u8])> {
    let mut reader = Reader(bytes);
    (reader.byte()? == KEY).then_some(())?;
    let key = reader.bytes()?;
    (reader.byte()? == VALUE).then_some(())?;
    let mut inner = Reader(reader.bytes()?);
    let value = inner.byte().filter(|tag| *tag < 0x80)?;
    let bytes = Wire::of(u32::from(value))?.take(&mut inner)?;
    (reader.0.is_empty() && inner.0.is_empty())
        .then_some((Label::Attribute { tag, key, value }, bytes))
}
