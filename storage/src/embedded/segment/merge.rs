//! Several segments of one instance and day become one: row groups are copied byte for byte, only what is over them is made anew.
//!
//! In: segments, the oldest first. Out: a file that is whole and durable and names those it takes the place of.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;

use hashbrown::HashMap;

use super::NO_ROW_GROUP;
use super::Segment;
use super::block::damaged;
use super::builder::{Builder, operation_entry};
use super::calls::Calls;
use super::footer::{Footer, Summary};
use super::table;
use super::trace_index::{Entry, IndexWriter, Page};
use crate::disk::{self, File};

/// How much is copied at once.
const COPY: usize = 1 << 20;

/// Strings by number, each once.
#[derive(Default)]
struct Strings {
    number_of: HashMap<Vec<u8>, u32>,
    strings: Vec<Vec<u8>>,
}

/// The entries of one segment's trace index, from front to back.
struct Entries<'a> {
    segment: &'a Segment,
    footer: Arc<Footer>,
    page: usize,
    entries: Vec<Entry>,
    next: usize,
    /// How many row groups stand before its own.
    shift: u32,
}

/// Writes what `segments` hold into an empty file. Answers its length.
pub(crate) fn merge(segments: &[Arc<Segment>], file: Arc<dyn File>) -> io::Result<u64> {
    let first = segments
        .first()
        .ok_or_else(|| damaged("nothing to merge"))?;
    let summaries = || segments.iter().map(|s| &s.summary);
    let summary = Summary {
        generations: (
            summaries()
                .map(|s| s.generations.0)
                .min()
                .unwrap_or_default(),
            summaries()
                .map(|s| s.generations.1)
                .max()
                .unwrap_or_default(),
        ),
        replaces: segments.iter().map(|s| s.number).collect(),
        received_ns: (
            summaries()
                .map(|s| s.received_ns.0)
                .min()
                .unwrap_or_default(),
            summaries()
                .map(|s| s.received_ns.1)
                .max()
                .unwrap_or_default(),
        ),
        spans: 0,
        ..first.summary.clone()
    };
    let mut builder = Builder::new(file, summary)?;
    let (mut operations, mut groups) = (Strings::default(), Strings::default());
    let (mut services, mut calls) = (Strings::default(), Calls::default());
    let mut cursors = Vec::new();
    let (mut row_groups, mut traces) = (0, 0);
    for segment in segments {
        let footer = segment.footer()?;
        calls.add_all(&*segment.calls()?);
        let mut operation_of = Vec::new();
        segment.for_each_operation(|_, service, kind, name| {
            let service = services.number(service.as_bytes());
            let entry = operation_entry(u64::from(service), kind, name.as_bytes());
            operation_of.push(operations.number(&entry));
        })?;
        let mut group_of = Vec::new();
        for (_, pointer) in &footer.groups.pages {
            let page = segment.block::<table::Page>(*pointer)?;
            group_of.extend(page.iter().map(|entry| groups.number(entry)));
        }
        cursors.push(Entries {
            segment,
            footer: footer.clone(),
            page: 0,
            entries: Vec::new(),
            next: 0,
            shift: row_groups,
        });
        for group in &footer.row_groups {
            let mut group = group.clone();
            let (from, len) = (group.offset, group.len);
            group.offset = builder.parts().0.at();
            for (numbers, table) in [
                (&mut group.operations, &operation_of),
                (&mut group.groups, &group_of),
            ] {
                for number in numbers.iter_mut() {
                    let new = table.get(*number as usize);
                    *number = *new.ok_or_else(|| damaged("table lacks a number"))?;
                }
            }
            copy(&*segment.file, from, len, &mut builder)?;
            traces += group.traces as usize;
            row_groups += 1;
            builder.add(group);
        }
    }
    let (out, deflater, footer) = builder.parts();
    footer.operations = operations.write(out, deflater)?;
    footer.groups = groups.write(out, deflater)?;
    footer.services = services
        .strings
        .into_iter()
        .map(|s| String::from_utf8(s).map_err(|_| damaged("service is no text")))
        .collect::<io::Result<_>>()?;
    let mut index = IndexWriter::new(traces);
    merge_entries(cursors, |entry| index.push(entry, out))?;
    builder.write_index(index)?;
    builder.finish(&calls)
}

/// Whether all that merging reads of a segment, but for row groups, is there.
pub(crate) fn check(segment: &Segment) -> io::Result<()> {
    let footer = segment.footer()?;
    segment.calls()?;
    segment.for_each_operation(|_, _, _, _| {})?;
    for (_, pointer) in &footer.groups.pages {
        segment.block::<table::Page>(*pointer)?;
    }
    for (_, pointer) in &footer.trace_index {
        segment.block::<Page>(*pointer)?;
    }
    Ok(())
}

fn copy(file: &dyn File, mut from: u64, mut len: u64, builder: &mut Builder) -> io::Result<()> {
    let mut bytes = vec![0; COPY.min(len as usize)];
    while len > 0 {
        let step = (bytes.len() as u64).min(len);
        let part = bytes.get_mut(..step as usize).unwrap_or_default();
        disk::read_exact_at(file, part, from)?;
        builder.parts().0.put(part)?;
        from += step;
        len -= step;
    }
    Ok(())
}

fn merge_entries(
    mut cursors: Vec<Entries<'_>>,
    mut each: impl FnMut(Entry) -> io::Result<()>,
) -> io::Result<()> {
    let mut heap = BinaryHeap::new();
    for (number, cursor) in cursors.iter_mut().enumerate() {
        if let Some(entry) = cursor.next()? {
            heap.push(Reverse((entry, number)));
        }
    }
    while let Some(Reverse((entry, number))) = heap.pop() {
        each(entry)?;
        if let Some(cursor) = cursors.get_mut(number)
            && let Some(entry) = cursor.next()?
        {
            heap.push(Reverse((entry, number)));
        }
    }
    Ok(())
}

// === impl Strings ===

impl Strings {
    fn number(&mut self, string: &[u8]) -> u32 {
        if let Some(number) = self.number_of.get(string) {
            return *number;
        }
        let number = self.strings.len() as u32;
        self.strings.push(string.to_vec());
        self.number_of.insert(string.to_vec(), number);
        number
    }

    fn write(
        &self,
        out: &mut super::block::Out,
        deflater: &mut super::block::Deflater,
    ) -> io::Result<table::Table> {
        table::write(self.strings.iter().map(Vec::as_slice), out, deflater)
    }
}

// === impl Entries ===

impl Entries<'_> {
    fn next(&mut self) -> io::Result<Option<Entry>> {
        if self.next >= self.entries.len() {
            let Some((_, pointer)) = self.footer.trace_index.get(self.page) else {
                return Ok(None);
            };
            self.page += 1;
            self.next = 0;
            self.entries = self.segment.block::<Page>(*pointer)?.0.clone();
        }
        let Some(entry) = self.entries.get(self.next).copied() else {
            return Ok(None);
        };
        self.next += 1;
        let there = (entry.row_group as usize) < self.footer.row_groups.len();
        let row_group = entry.row_group.checked_add(self.shift).filter(|_| there);
        Ok(Some(Entry {
            row_group: row_group.ok_or_else(|| damaged(NO_ROW_GROUP))?,
            ..entry
        }))
    }
}
