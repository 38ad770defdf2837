//! A journal record's index, read where it lies, and, apart from that, its spans.

use std::sync::Arc;

use bytes::Bytes;
use model::{Buffer, Instance, Span, SpanKind};
use wire::record;

use super::rows::{Before, Row};
use super::varint::Reader;

/// A record of spans, as far as its index says.
pub(crate) struct SpanRecord<'a> {
    /// Whose spans they are.
    pub(crate) instance: Instance,
    /// Resource and scope, for the rows that name them by position.
    pub(crate) groups: Vec<Group<'a>>,
    /// Operations, for the rows that name them by position.
    pub(crate) operations: Vec<Operation<'a>>,
    rows: Reader<'a>,
    count: u64,
    body_len: u32,
}

/// A resource and a scope that spans share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group<'a> {
    /// Offset and length of the resource in the payload.
    pub(crate) resource: (u32, u32),
    /// Offset and length of the scope in the payload.
    pub(crate) scope: (u32, u32),
    /// The resource's service.
    pub(crate) service: &'a str,
}

/// What spans of a group did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Operation<'a> {
    /// The group.
    pub(crate) group: u32,
    /// The kind of span.
    pub(crate) kind: SpanKind,
    /// The name.
    pub(crate) name: &'a str,
}

/// The record's checksum holds, yet it is not what this version writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record of spans is not as this version writes it")]
pub(crate) struct Malformed;

/// Decodes a record: whose its spans are, and the spans in their order. An error says in words what is wrong with it.
pub(crate) fn spans(payload: &Bytes) -> Result<(Instance, Vec<Span>), String> {
    let unknown = |malformed: Malformed| malformed.to_string();
    let parsed = SpanRecord::decode(payload).map_err(unknown)?;
    let whole = Buffer::new(payload.clone()).ok_or_else(|| Malformed.to_string())?;
    let range = |(offset, len): (u32, u32)| offset as usize..offset as usize + len as usize;
    let mut groups = Vec::with_capacity(parsed.groups.len());
    for group in &parsed.groups {
        let decode = || {
            let resource = record::decode_resource(&whole, range(group.resource))?;
            let scope = record::decode_scope(&whole, range(group.scope))?;
            Ok::<_, wire::DecodeError>((Arc::new(resource), Arc::new(scope)))
        };
        groups.push(decode().map_err(|e| format!("resource does not decode: {e}"))?);
    }
    let (mut spans, mut bad) = (Vec::new(), None);
    let rows = parsed.for_each_row(|row| {
        let Some((resource, scope)) = groups.get(row.group as usize).cloned() else {
            return;
        };
        match record::decode_span(&whole, range((row.offset, row.len)), resource, scope) {
            Ok(span) if span.trace_id == row.trace_id && span.start_ns == row.start_ns => {
                spans.push(span);
            }
            Ok(_) => bad = Some("index and span say different things".to_owned()),
            Err(error) => bad = Some(format!("span does not decode: {error}")),
        }
    });
    rows.map_err(unknown)?;
    match bad {
        None => Ok((parsed.instance, spans)),
        Some(bad) => Err(bad),
    }
}

// === impl SpanRecord ===

impl<'a> SpanRecord<'a> {
    /// Reads the index of a record's payload.
    pub(crate) fn decode(payload: &'a [u8]) -> Result<Self, Malformed> {
        Self::try_decode(payload).ok_or(Malformed)
    }

    fn try_decode(payload: &'a [u8]) -> Option<Self> {
        let (rest, start) = payload.split_last_chunk()?;
        let body_len = u32::from_le_bytes(*start);
        let mut reader = Reader(rest.get(body_len as usize..)?);
        let instance = Instance::parse(reader.text()?).ok()?;
        let inside = |(offset, len): (u32, u32)| {
            offset
                .checked_add(len)
                .filter(|end| *end <= body_len)
                .map(|_| (offset, len))
        };
        let mut groups = Vec::new();
        for _ in 0..reader.varint()? {
            groups.push(Group {
                resource: inside((reader.varint32()?, reader.varint32()?))?,
                scope: inside((reader.varint32()?, reader.varint32()?))?,
                service: reader.text()?,
            });
        }
        let mut operations = Vec::new();
        for _ in 0..reader.varint()? {
            operations.push(Operation {
                group: reader.varint32().filter(|g| (*g as usize) < groups.len())?,
                kind: SpanKind::from_number(i32::from(reader.byte()?)),
                name: reader.text()?,
            });
        }
        let count = reader.varint()?;
        Some(Self {
            instance,
            groups,
            operations,
            rows: reader,
            count,
            body_len,
        })
    }

    /// How many spans it says it has.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// Shows each row to `each`. Every index in a row is checked.
    pub(crate) fn for_each_row(&self, mut each: impl FnMut(Row)) -> Result<(), Malformed> {
        let mut reader = self.rows;
        let mut before = Before::default();
        for _ in 0..self.count {
            let row = before
                .take(&mut reader)
                .filter(|row| self.holds(row))
                .ok_or(Malformed)?;
            each(row);
        }
        Ok(())
    }

    fn holds(&self, row: &Row) -> bool {
        (row.operation as usize) < self.operations.len()
            && (row.group as usize) < self.groups.len()
            && row
                .offset
                .checked_add(row.len)
                .is_some_and(|end| end <= self.body_len)
    }
}
