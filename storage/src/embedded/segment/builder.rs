//! Writes a segment: row group by row group, then tables, indexes and the footer.
//!
//! In: rows, trace by trace. Out: a file that is whole and durable, under the name it was created with; nobody knows of it yet.

use std::io;
use std::path::Path;
use std::sync::Arc;

use hashbrown::HashMap;
use model::SpanKind;

use super::block::{Deflater, Out, Pointer, damaged};
use super::cache::Cache;
use super::calls::Calls;
use super::filter;
use super::footer::{Footer, RowGroup, Summary};
use super::rows::{self, GROUP_ROWS, PayloadBlock};
use super::shred;
use super::strip::Fixed;
use super::table;
use super::tokens::{Groups, Tokens};
use super::trace_index::{Entry, IndexWriter};
use super::{Segment, TAIL};
use crate::disk::File;
use crate::embedded::batch::{Row, flags, put_bytes, put_varint};

/// The file's first bytes.
pub(super) const MAGIC: &[u8; 8] = b"SPOORSG1";
/// A row group ends once its payloads have this many bytes.
const GROUP_BYTES: usize = 8 << 20;
/// A block of payloads ends once it has this many bytes.
const PAYLOAD_BYTES: usize = 256 << 10;
/// How hard payloads are deflated.
const PAYLOAD_LEVEL: i32 = 3;
/// How hard everything else is deflated.
const LEVEL: i32 = 1;

/// An operation of a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    pub(crate) service: String,
    pub(crate) kind: SpanKind,
    pub(crate) name: String,
}

/// A resource and a scope, encoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) resource: Vec<u8>,
    pub(crate) scope: Vec<u8>,
}

/// What rows refer to.
pub(crate) struct Material<'a> {
    pub(crate) operations: &'a [Operation],
    pub(crate) groups: &'a [Group],
    /// What columns do not hold of the rows' spans, at each row's offset.
    pub(crate) payloads: &'a [u8],
}

/// Writes one segment.
pub(crate) struct Builder {
    out: Out,
    light: Deflater,
    hard: Deflater,
    footer: Footer,
    entries: Vec<Entry>,
    malformed: u64,
}

/// Numbers that were given to numbers, in the order they were first asked for.
#[derive(Default)]
struct Local {
    local_of: HashMap<u32, u32>,
    numbers: Vec<u32>,
}

// === impl Local ===

impl Local {
    fn of(&mut self, number: u32) -> u32 {
        let Self { local_of, numbers } = self;
        *local_of.entry(number).or_insert_with(|| {
            numbers.push(number);
            numbers.len() as u32 - 1
        })
    }
}

// === impl Builder ===

impl Builder {
    /// Into an empty file.
    pub(crate) fn new(file: Arc<dyn File>, summary: Summary) -> io::Result<Self> {
        let mut out = Out::new(file);
        out.put(MAGIC)?;
        Ok(Self {
            out,
            light: Deflater::new(LEVEL)?,
            hard: Deflater::new(PAYLOAD_LEVEL)?,
            footer: Footer {
                summary: Summary {
                    starts: (u64::MAX, 0),
                    ..summary
                },
                ..Footer::default()
            },
            entries: Vec::new(),
            malformed: 0,
        })
    }

    /// Writes `rows`, in which the rows of a trace stand together, and all that they refer to. Call it once.
    pub(crate) fn write_rows(&mut self, rows: &[Row], material: &Material<'_>) -> io::Result<()> {
        let mut operations = Local::default();
        let mut groups = Local::default();
        let mut decoded = Groups::default();
        let mut rest = rows;
        while !rest.is_empty() {
            let (group, left) = rest
                .split_at_checked(row_group_len(rest))
                .ok_or_else(|| damaged("row group has no end"))?;
            self.write_row_group(group, material, &mut operations, &mut groups, &mut decoded)?;
            rest = left;
        }
        let services = &mut self.footer.services;
        let mut service_of: HashMap<&str, u64> = HashMap::new();
        let mut strings = Vec::new();
        for operation in operations
            .numbers
            .iter()
            .filter_map(|n| material.operations.get(*n as usize))
        {
            let service = *service_of.entry(&operation.service).or_insert_with(|| {
                services.push(operation.service.clone());
                services.len() as u64 - 1
            });
            strings.push(operation_entry(
                service,
                operation.kind,
                operation.name.as_bytes(),
            ));
        }
        let strings = strings.iter().map(Vec::as_slice);
        self.footer.operations = table::write(strings, &mut self.out, &mut self.light)?;
        let mut string = Vec::new();
        let mut strings = Vec::new();
        for group in groups
            .numbers
            .iter()
            .filter_map(|n| material.groups.get(*n as usize))
        {
            string.clear();
            put_bytes(&mut string, &group.resource);
            put_bytes(&mut string, &group.scope);
            strings.push(string.clone());
        }
        let strings = strings.iter().map(Vec::as_slice);
        self.footer.groups = table::write(strings, &mut self.out, &mut self.light)?;
        Ok(())
    }

    fn write_row_group(
        &mut self,
        rows: &[Row],
        material: &Material<'_>,
        operations: &mut Local,
        groups: &mut Local,
        decoded: &mut Groups,
    ) -> io::Result<()> {
        let offset = self.out.at();
        let mut tokens = Tokens::of_rows(rows.len());
        tokens.add_rows(rows, material, decoded, &mut self.malformed)?;
        let mut blocks = Vec::new();
        let mut block = Vec::with_capacity(PAYLOAD_BYTES * 2);
        let mut ends = Vec::new();
        let mut first_row = 0;
        for (nth, row) in rows.iter().enumerate() {
            block.extend_from_slice(payload(row, material)?);
            ends.push(block.len() as u32);
            if block.len() >= PAYLOAD_BYTES || nth + 1 == rows.len() {
                let apart = shred::take_apart(&block, &ends);
                if apart.as_ref().and_then(|a| tokens.add_apart(a)).is_none() {
                    let rows = rows.get(first_row as usize..=nth).unwrap_or_default();
                    tokens.add_spans(rows, material, decoded, &mut self.malformed)?;
                }
                let bytes = shred::encode(&block, apart.as_ref());
                let mut pointer = self.out.deflate(&mut self.hard, &bytes)?;
                pointer.offset -= offset;
                blocks.push(PayloadBlock { first_row, pointer });
                block.clear();
                ends.clear();
                first_row = nth as u32 + 1;
            }
        }
        let (mut local_operations, mut local_groups) = (Local::default(), Local::default());
        let mut local = rows.to_vec();
        for row in &mut local {
            row.operation = local_operations.of(operations.of(row.operation));
            row.group = local_groups.of(groups.of(row.group));
        }
        let mut group = RowGroup {
            offset,
            rows: rows.len() as u32,
            operations: local_operations.numbers,
            groups: local_groups.numbers,
            starts: (u64::MAX, 0),
            ..RowGroup::default()
        };
        let number = self.footer.row_groups.len() as u32;
        for (nth, trace) in rows.chunk_by(|a, b| a.trace_id == b.trace_id).enumerate() {
            group.traces += 1;
            self.entries.extend(trace.first().map(|row| Entry {
                hash: filter::trace(&row.trace_id),
                row_group: number,
                trace: nth as u32,
            }));
        }
        for row in rows {
            group.starts = (
                group.starts.0.min(row.start_ns),
                group.starts.1.max(row.start_ns),
            );
            group.longest_ns = group.longest_ns.max(row.duration_ns);
        }
        let mut bytes = Vec::new();
        rows::encode_keys(&local, &mut bytes);
        group.keys = self.out.deflate(&mut self.light, &bytes)?;
        group.keys.offset -= offset;
        bytes.clear();
        rows::encode_details(&local, &blocks, &mut bytes);
        group.details = self.out.deflate(&mut self.light, &bytes)?;
        group.details.offset -= offset;
        group.tokens = tokens.filter().write(&mut self.out, offset)?;
        group.len = self.out.at() - offset;
        self.add(group);
        Ok(())
    }

    /// How many spans and resources do not decode, and so are found by no tag.
    pub(crate) fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Adds a row group that stands in the file.
    pub(super) fn add(&mut self, group: RowGroup) {
        let summary = &mut self.footer.summary;
        summary.starts.0 = summary.starts.0.min(group.starts.0);
        summary.starts.1 = summary.starts.1.max(group.starts.1);
        summary.spans += u64::from(group.rows);
        self.footer.row_groups.push(group);
    }

    /// What merging writes by itself.
    pub(super) fn parts(&mut self) -> (&mut Out, &mut Deflater, &mut Footer) {
        (&mut self.out, &mut self.light, &mut self.footer)
    }

    /// Writes the index over the traces of the rows, then shows the file as the segment it will be, so that calls can be counted with those
    /// of others.
    pub(crate) fn view(&mut self, number: u64, path: &Path, cache: Cache) -> io::Result<Segment> {
        self.entries.sort_unstable();
        let mut index = IndexWriter::new(self.entries.len());
        for entry in std::mem::take(&mut self.entries) {
            index.push(entry, &mut self.out)?;
        }
        self.write_index(index)?;
        let file = self.out.flushed()?;
        Ok(Segment::unfinished(
            number,
            path,
            file,
            self.footer.clone(),
            cache,
        ))
    }

    pub(super) fn write_index(&mut self, index: IndexWriter) -> io::Result<()> {
        let (filter, pages) = index.finish(&mut self.out, &mut self.light)?;
        self.footer.trace_filter = filter;
        self.footer.trace_index = pages;
        Ok(())
    }

    /// Writes the calls and the footer. Answers the file's length once all of it is durable.
    pub(crate) fn finish(mut self, calls: &Calls) -> io::Result<u64> {
        self.footer.calls = self.out.deflate(&mut self.light, &calls.encode())?;
        let footer = self.footer.encode();
        let pointer = self.out.deflate(&mut self.light, &footer)?;
        self.out.put(&tail(&pointer))?;
        self.out.finish()
    }
}

/// How many rows the next row group has: whole traces, unless one alone is too long.
fn row_group_len(rows: &[Row]) -> usize {
    let mut count = 0;
    let mut bytes = 0;
    for trace in rows.chunk_by(|a, b| a.trace_id == b.trace_id) {
        let more = trace.iter().map(|r| r.len as usize).sum::<usize>();
        if count + trace.len() <= GROUP_ROWS && (count == 0 || bytes + more <= GROUP_BYTES) {
            count += trace.len();
            bytes += more;
        } else if count > 0 {
            break;
        } else {
            return GROUP_ROWS;
        }
    }
    count
}

pub(super) fn operation_entry(service: u64, kind: SpanKind, name: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(name.len() + 4);
    put_varint(&mut entry, service);
    entry.push(kind.number() as u8);
    put_bytes(&mut entry, name);
    entry
}

fn tail(footer: &Pointer) -> [u8; TAIL] {
    let mut bytes = [0; TAIL];
    let fields = [
        &footer.offset.to_le_bytes()[..],
        &footer.len.to_le_bytes(),
        &footer.raw_len.to_le_bytes(),
        &footer.checksum.to_le_bytes(),
        super::TAIL_MAGIC,
    ];
    for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
        *to = *from;
    }
    bytes
}

/// What columns do not hold of a row's span.
pub(super) fn payload<'a>(row: &Row, material: &Material<'a>) -> io::Result<&'a [u8]> {
    let at = row.offset as usize;
    material
        .payloads
        .get(at..at + row.len as usize)
        .ok_or_else(|| damaged("row has no payload"))
}

/// What a row says of its span.
pub(crate) fn fixed<'a>(row: &Row, name: &'a str, kind: SpanKind) -> Fixed<'a> {
    Fixed {
        trace_id: row.trace_id.0,
        span_id: row.span_id,
        parent: row.parent_id(),
        name,
        kind: kind.number(),
        start_ns: row.start_ns,
        end_ns: (row.flags & flags::END_APART == 0)
            .then(|| row.start_ns.wrapping_add(row.duration_ns)),
    }
}
