//! A segment: spans of one instance that start in one day, sealed. It never changes.
//!
//! ```text
//! magic (8)   row groups   tables   trace index   call counts   footer   tail
//! row group   blocks of payloads, keys, details, token filter
//! tail        footer's offset (u64), length (u32), inflated length (u32), checksum (u64); magic (8)
//! ```
//! In: a file. Out: rows and their spans, block by block, each checked when it is read. What is read often is kept in a cache that all
//! segments share, so that memory does not grow with what is stored. `docs/embedded-format.md` has the format in full.

mod block;
mod builder;
mod cache;
pub(crate) mod calls;
pub(crate) mod filter;
mod footer;
pub(crate) mod merge;
mod rows;
mod shred;
pub(crate) mod strip;
mod table;
mod tokens;
mod trace_index;
mod verify;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::{SpanKind, TraceId};
use regex::bytes::Regex;

use self::block::{Pointer, damaged};
use self::cache::Block;
use self::calls::Calls;
use self::filter::Filter;
use self::rows::GROUP_ROWS;
use self::shred::Payloads;
pub(crate) use self::shred::Wanted;
use super::batch::{Reader, Row};
use crate::disk::{self, Disk, File};

pub(crate) use builder::{Builder, Group, Material, Operation, fixed};
pub(crate) use cache::Cache;
pub(crate) use footer::{Footer, RowGroup, Summary};
pub(crate) use rows::{GROUP_BITS, Keys};
pub(crate) use verify::{Piece, place_of_damage};

/// The length of a file's end.
const TAIL: usize = 32;
/// The file's last bytes.
const TAIL_MAGIC: &[u8; 8] = b"SPOORSGF";
const OTHER_BLOCK: &str = "block is not as this version writes it";
const NO_ROW_GROUP: &str = "trace index names a row group that is not there";
/// What is in the cache under an offset that no block has.
const WHOLE_FOOTER: u64 = u64::MAX;

/// Where a row's payload is.
pub(crate) struct PayloadAt {
    pub(crate) block: Pointer,
    /// Which row of the block it is.
    pub(crate) nth: u32,
    /// Where it stands among the block's payloads.
    range: Range<usize>,
}

/// Which rows of a block may have what is wanted.
pub(crate) enum Rows {
    None,
    Some(Vec<bool>),
    Any,
}

/// A segment, opened.
pub(crate) struct Segment {
    /// Counts up from 1, never used twice.
    pub(crate) number: u64,
    /// Where it stands.
    pub(crate) path: PathBuf,
    /// Bytes on disk.
    pub(crate) file_bytes: u64,
    /// What is in it.
    pub(crate) summary: Summary,
    file: Arc<dyn File>,
    footer: At,
    cache: Cache,
}

/// Where a footer is.
enum At {
    File(Pointer),
    /// The file is not finished.
    Memory(Arc<Footer>),
}

/// The name of a segment's file.
pub(crate) fn name(number: u64) -> String {
    format!("{number:010}.seg")
}

/// The number in the name of a segment's file.
pub(crate) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg")?;
    (digits.len() >= 10 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(())?;
    digits.parse().ok().filter(|n| *n > 0 && *n < u64::MAX)
}

// === impl Segment ===

impl Segment {
    /// Opens a file and reads its footer.
    pub(crate) fn open(
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        cache: Cache,
    ) -> io::Result<Self> {
        let file = disk.open(path)?;
        let file_bytes = file.len()?;
        let mut magic = [0; 8];
        disk::read_exact_at(&*file, &mut magic, 0)?;
        let at = file_bytes.checked_sub(TAIL as u64);
        let at = at.ok_or_else(|| damaged("file is shorter than a segment"))?;
        let mut tail = [0; TAIL];
        disk::read_exact_at(&*file, &mut tail, at)?;
        let footer = footer_pointer(&tail)
            .filter(|_| magic == *builder::MAGIC)
            // it stands right before the tail, so no damage of these lengths makes it longer than the file
            .filter(|p| p.offset.checked_add(u64::from(p.len)) == Some(at))
            .ok_or_else(|| damaged("file is no segment, or its end is missing"))?;
        let mut segment = Self {
            number,
            path: path.to_owned(),
            file_bytes,
            summary: Summary::default(),
            file,
            footer: At::File(footer),
            cache,
        };
        segment.summary = segment.footer()?.summary.clone();
        Ok(segment)
    }

    /// A file that has all but the end.
    fn unfinished(
        number: u64,
        path: &Path,
        file: Arc<dyn File>,
        footer: Footer,
        cache: Cache,
    ) -> Self {
        Self {
            number,
            path: path.to_owned(),
            file_bytes: 0,
            summary: footer.summary.clone(),
            file,
            footer: At::Memory(Arc::new(footer)),
            cache,
        }
    }

    fn block<T: Block>(&self, pointer: Pointer) -> io::Result<Arc<T>> {
        self.decoded(pointer, pointer.offset)
    }

    fn decoded<T: Block>(&self, pointer: Pointer, key: u64) -> io::Result<Arc<T>> {
        let read = || T::decode(pointer.read(&*self.file)?).ok_or_else(|| damaged(OTHER_BLOCK));
        if pointer.len == 0 {
            // it stands where the next one begins, so it has no place of its own in the cache
            return read().map(Arc::new);
        }
        self.cache
            .get((self.number, key), T::ASKED_ALWAYS, T::bytes, read)
    }

    /// What is where.
    pub(crate) fn footer(&self) -> io::Result<Arc<Footer>> {
        match &self.footer {
            At::File(pointer) => self.decoded(*pointer, WHOLE_FOOTER),
            At::Memory(footer) => Ok(footer.clone()),
        }
    }

    /// The filter over its traces.
    pub(crate) fn trace_filter(&self) -> io::Result<Arc<Filter>> {
        self.block(self.footer()?.trace_filter)
    }

    /// How its spans changed the numbers of calls.
    pub(crate) fn calls(&self) -> io::Result<Arc<Calls>> {
        self.block(self.footer()?.calls)
    }

    /// The rows of a trace, in the order they came. Their operations and groups are the segment's, their offsets their numbers.
    pub(crate) fn rows_of(&self, id: &TraceId) -> io::Result<Vec<Row>> {
        let hash = filter::trace(id);
        let mut found = Vec::new();
        if !self.trace_filter()?.may_hold(hash) {
            return Ok(found);
        }
        let footer = self.footer()?;
        let index = &footer.trace_index;
        // entries of one hash may begin on the page before
        let first = index
            .partition_point(|(page, _)| *page < hash)
            .saturating_sub(1);
        for (page, pointer) in index.iter().skip(first) {
            if *page > hash {
                break;
            }
            let page = self.block::<trace_index::Page>(*pointer)?;
            let begin = page.0.partition_point(|e| e.hash < hash);
            for entry in page.0.iter().skip(begin).take_while(|e| e.hash == hash) {
                let Some(group) = footer.row_groups.get(entry.row_group as usize) else {
                    return Err(damaged(NO_ROW_GROUP));
                };
                let keys = self.keys(group)?;
                if keys.traces.get(entry.trace as usize) == Some(id) {
                    let details = self.details(group, &keys)?;
                    for row in keys.rows_of(entry.trace) {
                        found.push(row_in(group, &keys, &details, entry.row_group, row)?);
                    }
                }
            }
        }
        Ok(found)
    }

    /// A row by its number.
    pub(crate) fn row(&self, number: u32) -> io::Result<Row> {
        let footer = self.footer()?;
        let group = (number >> GROUP_BITS) as usize;
        let group = footer.row_groups.get(group);
        let group = group.ok_or_else(|| damaged("there is no such row"))?;
        let keys = self.keys(group)?;
        let details = self.details(group, &keys)?;
        row_in(
            group,
            &keys,
            &details,
            number >> GROUP_BITS,
            number % GROUP_ROWS as u32,
        )
    }

    /// What a search compares of a row group.
    pub(crate) fn keys(&self, group: &RowGroup) -> io::Result<Arc<Keys>> {
        let keys: Arc<Keys> = self.block(group.keys.at_base(group.offset))?;
        match keys.flags.len() == group.rows as usize {
            true => Ok(keys),
            false => Err(damaged("row group has not the rows that the footer says")),
        }
    }

    fn details(&self, group: &RowGroup, keys: &Keys) -> io::Result<Arc<rows::Details>> {
        let pointer = group.details.at_base(group.offset);
        let key = (self.number, pointer.offset);
        self.cache.get(key, false, rows::Details::bytes, || {
            rows::Details::decode(&pointer.read(&*self.file)?, keys)
                .ok_or_else(|| damaged(OTHER_BLOCK))
        })
    }

    /// Appends what columns do not hold of a row's span.
    pub(crate) fn payload(&self, number: u32, out: &mut Vec<u8>) -> io::Result<()> {
        let at = self.payload_at(number)?;
        self.block::<Payloads>(at.block)?.put(at.nth, at.range, out)
    }

    /// The block that has a row's payload, and where in it.
    pub(crate) fn payload_at(&self, number: u32) -> io::Result<PayloadAt> {
        let footer = self.footer()?;
        let group = footer.row_groups.get((number >> GROUP_BITS) as usize);
        let group = group.ok_or_else(|| damaged("there is no such row"))?;
        let details = self.details(group, &*self.keys(group)?)?;
        let row = number % GROUP_ROWS as u32;
        let (block, range) = details
            .payload(row)
            .ok_or_else(|| damaged("row has no payload"))?;
        Ok(PayloadAt {
            block: block.pointer.at_base(group.offset),
            nth: row - block.first_row,
            range,
        })
    }

    /// Which rows of a block may have what is wanted. A block that does not hold `bytes` of it, as nearly all do not, costs no more than
    /// inflating it.
    pub(crate) fn rows_that_may_have(
        &self,
        block: Pointer,
        wanted: &Wanted,
        bytes: &Regex,
    ) -> io::Result<Rows> {
        let inflated = block.read(&*self.file)?;
        if !bytes.is_match(&inflated) {
            return Ok(Rows::None);
        }
        let payloads = Payloads::decode(inflated).ok_or_else(|| damaged(OTHER_BLOCK))?;
        Ok(match payloads.rows_that_may_have(wanted) {
            Some(rows) if rows.contains(&true) => Rows::Some(rows),
            Some(_) => Rows::None,
            None => Rows::Any,
        })
    }

    /// Puts a block of payloads together.
    fn verify_payloads(&self, at: Pointer) -> io::Result<()> {
        let payloads = Payloads::decode(at.read(&*self.file)?);
        payloads.ok_or_else(|| damaged(OTHER_BLOCK))?.verify()
    }

    /// Whether a row group may have a span with this token.
    pub(crate) fn may_have(&self, group: &RowGroup, token: u64) -> io::Result<bool> {
        group.tokens.may_hold(&*self.file, group.offset, token)
    }

    fn entry(&self, table: &table::Table, number: u32) -> io::Result<(Arc<table::Page>, u32)> {
        let page = table.page_of(number).filter(|_| number < table.len);
        let (first, pointer) = page.ok_or_else(|| damaged("table lacks a number"))?;
        Ok((self.block(pointer)?, number - first))
    }

    /// An operation by its number.
    pub(crate) fn operation(&self, number: u32) -> io::Result<Operation> {
        let footer = self.footer()?;
        let (page, nth) = self.entry(&footer.operations, number)?;
        let entry = page.get(nth).and_then(|entry| operation(&footer, entry));
        let (service, kind, name) = entry.ok_or_else(|| damaged("operation is damaged"))?;
        Ok(Operation {
            service: service.to_owned(),
            kind,
            name: name.to_owned(),
        })
    }

    /// Shows every operation: number, service, kind and name.
    pub(crate) fn for_each_operation(
        &self,
        mut each: impl FnMut(u32, &str, SpanKind, &str),
    ) -> io::Result<()> {
        let footer = self.footer()?;
        for (first, pointer) in &footer.operations.pages {
            let page = self.block::<table::Page>(*pointer)?;
            for (nth, entry) in page.iter().enumerate() {
                let (service, kind, name) =
                    operation(&footer, entry).ok_or_else(|| damaged("operation is damaged"))?;
                let number = first.checked_add(nth as u32);
                let number = number.filter(|n| *n < footer.operations.len);
                let number =
                    number.ok_or_else(|| damaged("table has more than the footer says"))?;
                each(number, service, kind, name);
            }
        }
        Ok(())
    }

    /// A resource and a scope, encoded, by their number.
    pub(crate) fn group(&self, number: u32) -> io::Result<Group> {
        let footer = self.footer()?;
        let (page, nth) = self.entry(&footer.groups, number)?;
        let parse = || {
            let mut reader = Reader(page.get(nth)?);
            Some(Group {
                resource: reader.bytes()?.to_vec(),
                scope: reader.bytes()?.to_vec(),
            })
        };
        parse().ok_or_else(|| damaged("resource is damaged"))
    }
}

// === impl Rows ===

impl Rows {
    /// Whether the `nth` may.
    pub(crate) fn holds(&self, nth: u32) -> bool {
        match self {
            Self::None => false,
            Self::Some(rows) => rows.get(nth as usize).copied().unwrap_or_default(),
            Self::Any => true,
        }
    }
}

/// A row of a row group.
fn row_in(
    group: &RowGroup,
    keys: &Keys,
    details: &rows::Details,
    number: u32,
    row: u32,
) -> io::Result<Row> {
    let make = || {
        let at = row as usize;
        let trace = *keys.trace.get(at)?;
        let begin = |at: usize| details.begins.get(at).copied();
        Some(Row {
            trace_id: *keys.traces.get(trace as usize)?,
            span_id: *details.span_id.get(at)?,
            parent: *details.parent.get(at)?,
            start_ns: *keys.start_ns.get(at)?,
            duration_ns: *keys.duration_ns.get(at)?,
            operation: *group.operations.get(*keys.operation.get(at)? as usize)?,
            group: *group.groups.get(*details.group.get(at)? as usize)?,
            offset: row_number(number, row),
            len: begin(at + 1)? - begin(at)?,
            flags: *keys.flags.get(at)?,
        })
    };
    make().ok_or_else(|| damaged("row group lacks a row"))
}

/// A row's number in its segment.
pub(crate) fn row_number(group: u32, row: u32) -> u32 {
    group << GROUP_BITS | row
}

fn operation<'a>(footer: &'a Footer, entry: &'a [u8]) -> Option<(&'a str, SpanKind, &'a str)> {
    let mut reader = Reader(entry);
    let service = footer.services.get(reader.varint()? as usize)?;
    let kind = SpanKind::from_number(i32::from(reader.byte()?));
    Some((service, kind, reader.text()?))
}

fn footer_pointer(tail: &[u8; TAIL]) -> Option<Pointer> {
    let (offset, rest) = tail.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let (raw_len, rest) = rest.split_first_chunk()?;
    let (checksum, magic) = rest.split_first_chunk()?;
    (magic == TAIL_MAGIC).then_some(Pointer {
        offset: u64::from_le_bytes(*offset),
        len: u32::from_le_bytes(*len),
        raw_len: u32::from_le_bytes(*raw_len),
        checksum: u64::from_le_bytes(*checksum),
    })
}

impl Block for Filter {
    const ASKED_ALWAYS: bool = true;

    fn decode(bytes: Vec<u8>) -> Option<Self> {
        Self::from_bytes(bytes)
    }

    fn bytes(&self) -> usize {
        self.bytes().len()
    }
}
