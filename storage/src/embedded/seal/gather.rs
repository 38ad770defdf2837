//! A generation's spans of one instance, as records are read: rows, what they refer to, and what columns do not hold of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hashbrown::{HashMap, HashSet};
use model::{Buffer, Instance, Span, TraceId};
use wire::record;

use crate::embedded::batch::{Malformed, Row, SpanRecord, flags};
use crate::embedded::segment::strip::{restore, strip};
use crate::embedded::segment::{Group, Material, Operation, fixed};

/// Nanoseconds of a day.
const DAY_NS: u64 = 24 * crate::port::HOUR_NS;

/// Spans of one instance.
#[derive(Default)]
pub(super) struct Gathered {
    rows: Vec<Row>,
    payloads: Vec<u8>,
    operations: Vec<Operation>,
    operation_of: HashMap<Operation, u32>,
    groups: Vec<Group>,
    group_of: HashMap<Group, u32>,
    /// When the first and the last were taken in.
    pub(super) received_ns: (u64, u64),
}

/// The rows of one day, trace by trace, by the start of the trace.
pub(super) struct Sorted {
    pub(super) day: u64,
    pub(super) rows: Vec<Row>,
}

/// Adds a record's spans, of which about `expect_bytes` are still to come. Answers how many. A record that is malformed adds the rows before the error.
pub(super) fn add(
    all: &mut BTreeMap<Instance, Gathered>,
    payload: &[u8],
    received_ns: u64,
    expect_bytes: usize,
) -> Result<u64, Malformed> {
    let record = SpanRecord::decode(payload)?;
    let gathered = match all.get_mut(&record.instance) {
        Some(gathered) => gathered,
        None => all
            .entry(record.instance.clone())
            .or_insert_with(|| Gathered {
                received_ns: (u64::MAX, 0),
                payloads: Vec::with_capacity(expect_bytes),
                ..Gathered::default()
            }),
    };
    // before the rows: those of a record that is malformed further on are kept, and need a time
    let (first, last) = &mut gathered.received_ns;
    (*first, *last) = ((*first).min(received_ns), (*last).max(received_ns));
    gathered.add(&record, payload)?;
    Ok(record.len())
}

// === impl Gathered ===

impl Gathered {
    fn add(&mut self, record: &SpanRecord<'_>, payload: &[u8]) -> Result<(), Malformed> {
        let part = |(offset, len): (u32, u32)| {
            let part = payload.get(offset as usize..(offset + len) as usize);
            part.ok_or(Malformed).map(<[u8]>::to_vec)
        };
        let mut groups = Vec::with_capacity(record.groups.len());
        for group in &record.groups {
            let group = Group {
                resource: part(group.resource)?,
                scope: part(group.scope)?,
            };
            groups.push(number(&mut self.groups, &mut self.group_of, group));
        }
        let mut operations = Vec::with_capacity(record.operations.len());
        for operation in &record.operations {
            let service = record.groups.get(operation.group as usize);
            let operation = Operation {
                service: service.ok_or(Malformed)?.service.to_owned(),
                kind: operation.kind,
                name: operation.name.to_owned(),
            };
            operations.push(number(
                &mut self.operations,
                &mut self.operation_of,
                operation,
            ));
        }
        let Self { rows, payloads, .. } = self;
        let mut malformed = false;
        record.for_each_row(|row| {
            let from = payloads.len();
            let bytes = payload.get(row.offset as usize..(row.offset + row.len) as usize);
            let stripped = bytes.and_then(|b| strip(b, row.start_ns, row.duration_ns, payloads));
            let (Some(apart), Some(operation), Some(group)) = (
                stripped,
                operations.get(row.operation as usize),
                groups.get(row.group as usize),
            ) else {
                payloads.truncate(from);
                malformed = true;
                return;
            };
            rows.push(Row {
                operation: *operation,
                group: *group,
                offset: from as u32,
                len: (payloads.len() - from) as u32,
                flags: row.flags | if apart { flags::END_APART } else { 0 },
                ..row
            });
        })?;
        if malformed { Err(Malformed) } else { Ok(()) }
    }

    /// All operations, by number.
    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// A row's span, without resource and scope; `None`: it does not decode.
    pub(super) fn span(&self, row: &Row) -> Option<Span> {
        let operation = self.operations.get(row.operation as usize)?;
        let mut bytes = Vec::with_capacity(64 + row.len as usize);
        restore(&fixed(row, &operation.name, operation.kind), &mut bytes);
        let at = row.offset as usize;
        bytes.extend_from_slice(self.payloads.get(at..at + row.len as usize)?);
        let range = 0..bytes.len();
        let buffer = Buffer::new(Bytes::from(bytes))?;
        record::decode_span(&buffer, range, Arc::default(), Arc::default()).ok()
    }

    /// What rows refer to.
    pub(super) fn material(&self) -> Material<'_> {
        Material {
            operations: &self.operations,
            groups: &self.groups,
            payloads: &self.payloads,
        }
    }

    /// The rows, day by day, equal spans once. A trace is of the day that its first span here starts in.
    pub(super) fn sorted(&self) -> Vec<Sorted> {
        let mut starts: HashMap<TraceId, u64> = HashMap::new();
        for row in &self.rows {
            let start = starts.entry(row.trace_id).or_insert(row.start_ns);
            *start = (*start).min(row.start_ns);
        }
        let start_of = |row: &Row| starts.get(&row.trace_id).copied().unwrap_or_default();
        let mut order: Vec<(u64, u32)> = (0..)
            .zip(&self.rows)
            .map(|(nth, row)| (start_of(row), nth))
            .collect();
        let id = |nth: u32| self.rows.get(nth as usize).map(|r| r.trace_id);
        // rows of a trace stay in the order they came in
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0)
                .then(id(a.1).cmp(&id(b.1)))
                .then(a.1.cmp(&b.1))
        });
        let mut days = Vec::new();
        for day in order.chunk_by(|a, b| a.0 / DAY_NS == b.0 / DAY_NS) {
            let mut rows: Vec<Row> = day
                .iter()
                .filter_map(|(_, nth)| self.rows.get(*nth as usize).copied())
                .collect();
            self.drop_equal(&mut rows);
            days.push(Sorted {
                day: day.first().map_or(0, |(start, _)| start / DAY_NS),
                rows,
            });
        }
        days
    }

    fn drop_equal(&self, rows: &mut Vec<Row>) {
        let payload = |row: &Row| {
            let at = row.offset as usize;
            self.payloads.get(at..at + row.len as usize)
        };
        let mut seen = HashSet::new();
        let mut trace = None;
        rows.retain(|row| {
            if trace != Some(row.trace_id) {
                trace = Some(row.trace_id);
                seen.clear();
            }
            seen.insert((
                row.span_id,
                row.parent_id(),
                row.start_ns,
                row.duration_ns,
                row.flags,
                row.operation,
                row.group,
                payload(row),
            ))
        });
    }
}

fn number<T: Clone + Eq + std::hash::Hash>(
    list: &mut Vec<T>,
    number_of: &mut HashMap<T, u32>,
    value: T,
) -> u32 {
    if let Some(number) = number_of.get(&value) {
        return *number;
    }
    let number = list.len() as u32;
    list.push(value.clone());
    number_of.insert(value, number);
    number
}
