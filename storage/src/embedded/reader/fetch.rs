//! Reads spans out of the journal's files and out of segments.
//!
//! In: rows. Out: spans. Neighbours are read at once. Resources and scopes are decoded once an answer, within a bound.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use model::{Buffer, Resource, Scope, Span};
use wire::{DecodeError, record};

use super::needle::Needle;
use super::trace::Located;
use crate::disk;
use crate::embedded::batch::{flags, put_bytes};
use crate::embedded::head::{Index, Place, Snapshot, Source};
use crate::embedded::segment::strip::{restore, strip};
use crate::embedded::segment::{Operation, Rows, Segment, fixed};

/// Spans that stand closer than this in a file are read at once, in bytes.
const GAP: u32 = 512;
/// At most this many bytes are read at once, unless one span alone has more.
const RUN: u32 = 256 << 10;
/// A search reads a file in windows of twice this many bytes, one this far from the next.
const WINDOW: u32 = 64 << 10;
/// How many windows are kept.
const WINDOWS: usize = 8;
/// How many resources with their scope are kept.
const SHARED: usize = 4096;

/// Why a span could not be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::embedded) enum FetchError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What was read is no span.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

type Shared = (Arc<Resource>, Arc<Scope>);

/// A resource with its scope: of which file, and where there.
type Key = (u64, Group);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Group {
    Journal(Place),
    Sealed(u32),
}

/// Reads spans for one answer.
#[derive(Default)]
pub(in crate::embedded) struct Fetcher {
    shared: HashMap<Key, Shared>,
    holds: HashMap<Key, bool>,
    /// Which rows of a block of payloads may hold the needle, by segment and offset.
    blocks: HashMap<(u64, u64), Rows>,
    operations: HashMap<(u64, u32), Arc<Operation>>,
    windows: VecDeque<((u64, u32), Buffer)>,
}

// === impl Fetcher ===

impl Fetcher {
    /// Reads spans to be given away: what they keep in memory is little more than they need. `each` gets them in order.
    pub(in crate::embedded) fn spans(
        &mut self,
        snapshot: &Snapshot,
        rows: &[Located],
        mut each: impl FnMut(&Located, Result<Span, FetchError>),
    ) {
        for run in rows.chunk_by(follows) {
            for run in split(run) {
                self.run(snapshot, run, &mut each);
            }
        }
    }

    fn run(
        &mut self,
        snapshot: &Snapshot,
        run: &[Located],
        each: &mut impl FnMut(&Located, Result<Span, FetchError>),
    ) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            return;
        };
        let Some(source) = snapshot.get(first.source) else {
            return;
        };
        let index = match source {
            Source::Open { index, .. } => index,
            Source::Sealed(segment) => return self.sealed_run(source, segment, run, each),
        };
        let start = first.row.offset;
        let len = last.row.offset - start + last.row.len;
        match read(index, start, len) {
            Ok(buffer) => {
                for located in run {
                    let range = range(located.row.offset - start, located.row.len);
                    each(located, self.decode(source, located, &buffer, range));
                }
            }
            Err(error) => {
                let kind = error.kind();
                let mut error = Some(error);
                for located in run {
                    let error = error.take().unwrap_or_else(|| kind.into());
                    each(located, Err(error.into()));
                }
            }
        }
    }

    fn sealed_run(
        &mut self,
        source: &Source,
        segment: &Segment,
        run: &[Located],
        each: &mut impl FnMut(&Located, Result<Span, FetchError>),
    ) {
        let mut bytes = Vec::new();
        let ranges: Vec<_> = run
            .iter()
            .map(|located| {
                let from = bytes.len();
                self.restore(segment, located, &mut bytes)
                    .map(|()| from..bytes.len())
            })
            .collect();
        match buffer(bytes) {
            Ok(buffer) => {
                for (located, range) in run.iter().zip(ranges) {
                    let span = range
                        .map_err(FetchError::from)
                        .and_then(|range| self.decode(source, located, &buffer, range));
                    each(located, span);
                }
            }
            Err(error) => {
                for located in run {
                    each(located, Err(io::Error::from(error.kind()).into()));
                }
            }
        }
    }

    /// Appends the whole record of a sealed span.
    fn restore(
        &mut self,
        segment: &Segment,
        located: &Located,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let row = &located.row;
        let operation = self.operation(segment, row.operation)?;
        restore(&fixed(row, &operation.name, operation.kind), out);
        segment.payload(row.offset, out)
    }

    fn operation(&mut self, segment: &Segment, number: u32) -> io::Result<Arc<Operation>> {
        let key = (segment.number, number);
        if let Some(operation) = self.operations.get(&key) {
            return Ok(operation.clone());
        }
        if self.operations.len() >= SHARED {
            self.operations.clear();
        }
        let operation = Arc::new(segment.operation(number)?);
        self.operations.insert(key, operation.clone());
        Ok(operation)
    }

    /// Reads a span to be looked at and dropped; `None` when neither it nor its resource holds `needle`.
    pub(super) fn look(
        &mut self,
        source: &Source,
        located: &Located,
        needle: Option<&Needle>,
    ) -> Result<Option<Span>, FetchError> {
        match source {
            Source::Open { index, .. } => {
                let (buffer, range) = self.window(index, located.row.offset, located.row.len)?;
                if let Some(needle) = needle {
                    let bytes = buffer.as_bytes().get(range.clone()).unwrap_or_default();
                    if !needle.bytes.is_match(bytes)
                        && !self.resource_holds(source, located, needle)?
                    {
                        return Ok(None);
                    }
                }
                self.decode(source, located, &buffer, range).map(Some)
            }
            Source::Sealed(segment) => {
                if let Some(needle) = needle
                    && !self.payload_holds(segment, located.row.offset, needle)?
                    && !self.resource_holds(source, located, needle)?
                {
                    return Ok(None);
                }
                let mut bytes = Vec::new();
                self.restore(segment, located, &mut bytes)?;
                let range = 0..bytes.len();
                self.decode(source, located, &buffer(bytes)?, range)
                    .map(Some)
            }
        }
    }

    /// Whether the payload of a row may hold `needle`, which is the same for all calls.
    fn payload_holds(&mut self, segment: &Segment, row: u32, needle: &Needle) -> io::Result<bool> {
        let at = segment.payload_at(row)?;
        let key = (segment.number, at.block.offset);
        if let Some(rows) = self.blocks.get(&key) {
            return Ok(rows.holds(at.nth));
        }
        if self.blocks.len() >= SHARED {
            self.blocks.clear();
        }
        let rows = segment.rows_that_may_have(at.block, &needle.wanted, &needle.bytes)?;
        let holds = rows.holds(at.nth);
        self.blocks.insert(key, rows);
        Ok(holds)
    }

    /// Whether a resource's bytes hold `needle`, which is the same for all calls.
    fn resource_holds(
        &mut self,
        source: &Source,
        located: &Located,
        needle: &Needle,
    ) -> io::Result<bool> {
        let key = key(source, located);
        if let Some(holds) = self.holds.get(&key) {
            return Ok(*holds);
        }
        if self.holds.len() >= SHARED {
            self.holds.clear();
        }
        let (resource, _) = group_bytes(source, located)?;
        let holds = needle.bytes.is_match(resource.as_bytes());
        self.holds.insert(key, holds);
        Ok(holds)
    }

    /// The bytes that say all of a span, the same wherever it is: what columns hold, the rest, its resource and its scope.
    pub(super) fn bytes(&mut self, source: &Source, located: &Located) -> io::Result<Vec<u8>> {
        let row = &located.row;
        let mut bytes = Vec::new();
        for number in [row.span_id, row.parent, row.start_ns, row.duration_ns] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let mut rest = Vec::new();
        match source {
            Source::Open { index, part } => {
                let (buffer, range) = self.window(index, row.offset, row.len)?;
                let record = buffer.as_bytes().get(range).unwrap_or_default();
                let apart = strip(record, row.start_ns, row.duration_ns, &mut rest);
                bytes.push(
                    row.flags & flags::KEPT
                        | if apart == Some(true) {
                            flags::END_APART
                        } else {
                            0
                        },
                );
                part.with(|columns| {
                    if let Some(operation) = columns.catalogue().operation(row.operation) {
                        bytes.push(operation.kind.number() as u8);
                        put_bytes(&mut bytes, operation.name.as_bytes());
                    }
                });
            }
            Source::Sealed(segment) => {
                segment.payload(row.offset, &mut rest)?;
                let operation = self.operation(segment, row.operation)?;
                bytes.extend([row.flags, operation.kind.number() as u8]);
                put_bytes(&mut bytes, operation.name.as_bytes());
            }
        }
        let (resource, scope) = group_bytes(source, located)?;
        // lengths too, so that no two of them look alike when joined
        for part in [&rest, resource.as_bytes(), scope.as_bytes()] {
            put_bytes(&mut bytes, part);
        }
        Ok(bytes)
    }

    fn decode(
        &mut self,
        source: &Source,
        located: &Located,
        buffer: &Buffer,
        range: Range<usize>,
    ) -> Result<Span, FetchError> {
        let (resource, scope) = self.shared(source, located)?;
        Ok(record::decode_span(buffer, range, resource, scope)?)
    }

    fn shared(&mut self, source: &Source, located: &Located) -> Result<Shared, FetchError> {
        let key = key(source, located);
        if let Some(shared) = self.shared.get(&key) {
            return Ok(shared.clone());
        }
        if self.shared.len() >= SHARED {
            self.shared.clear();
        }
        let (resource, scope) = group_bytes(source, located)?;
        let all = |buffer: &Buffer| 0..buffer.as_bytes().len();
        let shared = (
            Arc::new(record::decode_resource(&resource, all(&resource))?),
            Arc::new(record::decode_scope(&scope, all(&scope))?),
        );
        self.shared.insert(key, shared.clone());
        Ok(shared)
    }

    fn window(
        &mut self,
        index: &Index,
        offset: u32,
        len: u32,
    ) -> io::Result<(Buffer, Range<usize>)> {
        let key = (index.generation.number, offset / WINDOW);
        let start = key.1 * WINDOW;
        let at = range(offset - start, len);
        let found = self.windows.iter().find(|(k, _)| *k == key);
        if let Some((_, buffer)) = found
            && at.end <= buffer.as_bytes().len()
        {
            return Ok((buffer.clone(), at));
        }
        let mut bytes = vec![0; 2 * WINDOW as usize];
        let read = index
            .generation
            .file
            .read_at(&mut bytes, u64::from(start))?;
        bytes.truncate(read);
        if at.end > bytes.len() {
            // longer than a window, or past the end of the file
            return Ok((self::read(index, offset, len)?, range(0, len)));
        }
        let buffer = buffer(bytes)?;
        self.windows.retain(|(k, _)| *k != key);
        if self.windows.len() >= WINDOWS {
            self.windows.pop_front();
        }
        self.windows.push_back((key, buffer.clone()));
        Ok((buffer, at))
    }
}

/// Whether `b` stands right behind `a`, or nearly. Rows of a segment are read block by block in any case.
fn follows(a: &Located, b: &Located) -> bool {
    if a.place.is_none() {
        return a.source == b.source;
    }
    let end = a.row.offset.saturating_add(a.row.len);
    a.source == b.source && b.row.offset >= end && b.row.offset - end <= GAP
}

/// Cuts rows that follow each other into runs of bounded length.
fn split(mut rows: &[Located]) -> impl Iterator<Item = &[Located]> {
    std::iter::from_fn(move || {
        let first = rows.first()?;
        let mut bytes = 0_u32;
        let fits = |l: &&Located| match l.place {
            Some(_) => l.row.offset - first.row.offset + l.row.len <= RUN,
            None => {
                bytes = bytes.saturating_add(l.row.len);
                bytes <= RUN
            }
        };
        let count = rows.iter().take_while(fits).count().max(1);
        let (run, rest) = rows.split_at_checked(count)?;
        rows = rest;
        Some(run)
    })
}

fn key(source: &Source, located: &Located) -> Key {
    let group = match located.place {
        Some(place) => Group::Journal(place),
        None => Group::Sealed(located.row.group),
    };
    (source.number(), group)
}

/// A row's resource and scope, encoded.
fn group_bytes(source: &Source, located: &Located) -> io::Result<(Buffer, Buffer)> {
    match (source, located.place) {
        (Source::Open { index, .. }, Some(Place { resource, scope })) => Ok((
            read(index, resource.0, resource.1)?,
            read(index, scope.0, scope.1)?,
        )),
        (Source::Sealed(segment), _) => {
            let group = segment.group(located.row.group)?;
            Ok((buffer(group.resource)?, buffer(group.scope)?))
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn read(index: &Index, offset: u32, len: u32) -> io::Result<Buffer> {
    let mut bytes = vec![0; len as usize];
    disk::read_exact_at(&*index.generation.file, &mut bytes, u64::from(offset))?;
    buffer(bytes)
}

fn buffer(bytes: Vec<u8>) -> io::Result<Buffer> {
    Buffer::new(Bytes::from(bytes)).ok_or_else(|| io::ErrorKind::FileTooLarge.into())
}

fn range(offset: u32, len: u32) -> Range<usize> {
    offset as usize..offset as usize + len as usize
}
