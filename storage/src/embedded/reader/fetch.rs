//! Reads spans out of the journal's files.
//!
//! In: rows. Out: spans. Neighbours in a file are read at once. Resources and scopes are decoded once an answer, within a bound.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use hashbrown::HashMap;
use model::{Buffer, Resource, Scope, Span};
use regex::bytes::Regex;
use wire::{DecodeError, record};

use super::trace::Located;
use crate::disk;
use crate::embedded::head::{Index, Place, Snapshot, Source};

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
pub(super) enum FetchError {
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What was read is no span.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

type Shared = (Arc<Resource>, Arc<Scope>);

/// Reads spans for one answer.
#[derive(Default)]
pub(super) struct Fetcher {
    shared: HashMap<(u64, Place), Shared>,
    holds: HashMap<(u64, Place), bool>,
    windows: VecDeque<((u64, u32), Buffer)>,
}

// === impl Fetcher ===

impl Fetcher {
    /// Reads spans to be given away: what they keep in memory is little more than they need. `each` gets them in order.
    pub(super) fn spans(
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
        let start = first.row.offset;
        let len = last.row.offset - start + last.row.len;
        match read(&source.index, start, len) {
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

    /// Reads a span to be looked at and dropped; `None` when neither it nor its resource holds `needle`.
    pub(super) fn look(
        &mut self,
        source: &Source,
        located: &Located,
        needle: Option<&Regex>,
    ) -> Result<Option<Span>, FetchError> {
        let (buffer, range) = self.window(&source.index, located.row.offset, located.row.len)?;
        if let Some(needle) = needle {
            let bytes = buffer.as_bytes().get(range.clone()).unwrap_or_default();
            if !needle.is_match(bytes)
                && !self.resource_holds(&source.index, located.place, needle)?
            {
                return Ok(None);
            }
        }
        self.decode(source, located, &buffer, range).map(Some)
    }

    /// Whether a resource's bytes hold `needle`, which is the same for all calls.
    fn resource_holds(&mut self, index: &Index, place: Place, needle: &Regex) -> io::Result<bool> {
        let key = (index.generation.number, place);
        if let Some(holds) = self.holds.get(&key) {
            return Ok(*holds);
        }
        if self.holds.len() >= SHARED {
            self.holds.clear();
        }
        let (offset, len) = place.resource;
        let holds = needle.is_match(read(index, offset, len)?.as_bytes());
        self.holds.insert(key, holds);
        Ok(holds)
    }

    /// The bytes that say all of a span: its own, its resource's and its scope's.
    pub(super) fn bytes(&mut self, source: &Source, located: &Located) -> io::Result<Vec<u8>> {
        let Place { resource, scope } = located.place;
        let mut bytes = Vec::new();
        for (offset, len) in [(located.row.offset, located.row.len), resource, scope] {
            let (buffer, range) = self.window(&source.index, offset, len)?;
            // lengths too, so that no two of them look alike when joined
            bytes.extend_from_slice(&len.to_le_bytes());
            bytes.extend_from_slice(buffer.as_bytes().get(range).unwrap_or_default());
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
        let (resource, scope) = self.shared(&source.index, located.place)?;
        Ok(record::decode_span(buffer, range, resource, scope)?)
    }

    fn shared(&mut self, index: &Index, place: Place) -> Result<Shared, FetchError> {
        let key = (index.generation.number, place);
        if let Some(shared) = self.shared.get(&key) {
            return Ok(shared.clone());
        }
        if self.shared.len() >= SHARED {
            self.shared.clear();
        }
        let (offset, len) = place.resource;
        let buffer = read(index, offset, len)?;
        let resource = record::decode_resource(&buffer, range(0, len))?;
        let (offset, len) = place.scope;
        let buffer = read(index, offset, len)?;
        let scope = record::decode_scope(&buffer, range(0, len))?;
        let shared = (Arc::new(resource), Arc::new(scope));
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

/// Whether `b` stands right behind `a`, or nearly.
fn follows(a: &Located, b: &Located) -> bool {
    let end = a.row.offset.saturating_add(a.row.len);
    a.source == b.source && b.row.offset >= end && b.row.offset - end <= GAP
}

/// Cuts rows that follow each other into runs of bounded length.
fn split(mut rows: &[Located]) -> impl Iterator<Item = &[Located]> {
    std::iter::from_fn(move || {
        let start = rows.first()?.row.offset;
        let fits = |l: &&Located| l.row.offset - start + l.row.len <= RUN;
        let count = rows.iter().take_while(fits).count().max(1);
        let (run, rest) = rows.split_at_checked(count)?;
        rows = rest;
        Some(run)
    })
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
