//! Spans into journal records, on the caller's task.
//!
//! In: spans of one instance, in order. Out: records of about a mebibyte, so that damage costs little and a replay needs little memory;
//! a longer span has a record of its own.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use model::{Batch, Instance, Span, SpanKind, StatusCode, Str};
use wire::record;

use super::rows::{Before, Row, flags};
use super::varint::{put_bytes, put_varint};
use crate::embedded::journal::{HEADER_LEN, Kind, Pending};
use crate::port::WriteError;

/// A record ends once its spans take this many bytes.
const RECORD_BYTES: usize = 1 << 20;
/// A task gives way to others after encoding this many bytes.
const STEP: usize = 256 << 10;
/// A batch that takes more than this is refused for good: no file could hold it.
const MAX_BATCH: usize = 1 << 30;

/// `Rejected` when no file could hold the batch.
pub(crate) fn check_len(batch: &Batch) -> Result<(), WriteError> {
    if batch.retained_bytes <= MAX_BATCH {
        return Ok(());
    }
    Err(WriteError::rejected(
        0..batch.len(),
        format!(
            "a batch of {} bytes is longer than a file of the store can be",
            batch.retained_bytes
        ),
    ))
}

/// The records of a batch that was taken in at `received_ns`. Gives way to other tasks now and then.
pub(crate) async fn encode(batch: &Batch, received_ns: u64) -> Vec<Pending> {
    let mut encoder = Encoder::new(&batch.instance, received_ns, batch.retained_bytes);
    let mut step = STEP;
    for span in batch.spans.iter() {
        encoder.push(span);
        if encoder.encoded_bytes() > step {
            step = encoder.encoded_bytes() + STEP;
            tokio::task::yield_now().await;
        }
    }
    encoder.finish()
}

/// Encodes spans of one instance.
pub(crate) struct Encoder<'a> {
    instance: &'a Instance,
    received_ns: u64,
    done: Vec<Pending>,
    open: Open<'a>,
    hasher: DefaultHashBuilder,
    encoded: usize,
}

/// The record that is being written.
#[derive(Default)]
struct Open<'a> {
    bytes: Vec<u8>,
    rows: Vec<u8>,
    count: u64,
    before: Before,
    groups: Vec<GroupParts<'a>>,
    /// By the addresses of resource and scope, which live as long as the spans.
    group_of: HashMap<(usize, usize), u32>,
    last_group: Option<((usize, usize), u32)>,
    operations: Vec<(u32, SpanKind, &'a Str)>,
    operation_of: HashTable<u32>,
}

struct GroupParts<'a> {
    resource: (u32, u32),
    scope: (u32, u32),
    service: &'a str,
}

// === impl Encoder ===

impl<'a> Encoder<'a> {
    /// For spans of `instance` that were taken in at `received_ns`; `expect_bytes` is how much memory the records may need, as a guess.
    pub(crate) fn new(instance: &'a Instance, received_ns: u64, expect_bytes: usize) -> Self {
        let mut encoder = Self {
            instance,
            received_ns,
            done: Vec::new(),
            open: Open::default(),
            hasher: DefaultHashBuilder::default(),
            encoded: 0,
        };
        encoder
            .open
            .begin(HEADER_LEN + expect_bytes.min(RECORD_BYTES + RECORD_BYTES / 4));
        encoder
    }

    /// Encodes one more span.
    pub(crate) fn push(&mut self, span: &'a Span) {
        let before = self.open.bytes.len();
        self.open.push(span, &self.hasher);
        self.encoded += self.open.bytes.len() - before;
        if self.open.bytes.len() >= RECORD_BYTES {
            self.end_record(RECORD_BYTES + RECORD_BYTES / 4);
        }
    }

    /// How many bytes the spans took so far.
    pub(crate) fn encoded_bytes(&self) -> usize {
        self.encoded
    }

    /// The records. None when no span was pushed.
    pub(crate) fn finish(mut self) -> Vec<Pending> {
        if self.open.count > 0 {
            self.end_record(0);
        }
        self.done
    }

    fn end_record(&mut self, next_capacity: usize) {
        let open = std::mem::take(&mut self.open);
        let bytes = open.end(self.instance);
        self.done
            .push(Pending::new(Kind::Spans, self.received_ns, bytes));
        if next_capacity > 0 {
            self.open.begin(next_capacity);
        }
    }
}

// === impl Open ===

impl<'a> Open<'a> {
    fn begin(&mut self, capacity: usize) {
        self.bytes = Vec::with_capacity(capacity);
        self.bytes.resize(HEADER_LEN, 0);
    }

    fn push(&mut self, span: &'a Span, hasher: &DefaultHashBuilder) {
        let group = self.group(span);
        let operation = self.operation(group, span, hasher);
        let offset = self.at();
        record::encode_span(span, &mut self.bytes);
        let mut bits = 0;
        if span.status.code == StatusCode::Error {
            bits |= flags::ERROR;
        }
        if span.parent_span_id.is_some() {
            bits |= flags::PARENT;
        }
        let row = Row {
            trace_id: span.trace_id,
            span_id: span.span_id.to_u64(),
            parent: span.parent_span_id.unwrap_or_default().to_u64(),
            start_ns: span.start_ns,
            duration_ns: span.duration_ns(),
            operation,
            group,
            offset,
            len: self.at() - offset,
            flags: bits,
        };
        self.before.put(&mut self.rows, &row);
        self.count += 1;
    }

    /// Where the payload ends now. Records end below 4 GiB: a span's text is that of a request's body.
    fn at(&self) -> u32 {
        (self.bytes.len() - HEADER_LEN) as u32
    }

    fn group(&mut self, span: &'a Span) -> u32 {
        let key = (
            Arc::as_ptr(&span.resource) as usize,
            Arc::as_ptr(&span.scope) as usize,
        );
        if let Some((last, group)) = self.last_group
            && last == key
        {
            return group;
        }
        let group = match self.group_of.get(&key) {
            Some(group) => *group,
            None => self.add_group(key, span),
        };
        self.last_group = Some((key, group));
        group
    }

    fn add_group(&mut self, key: (usize, usize), span: &'a Span) -> u32 {
        let resource = self.part(|out| record::encode_resource(&span.resource, out));
        let scope = self.part(|out| record::encode_scope(&span.scope, out));
        let group = self.groups.len() as u32;
        self.groups.push(GroupParts {
            resource,
            scope,
            service: span.resource.service_name(),
        });
        self.group_of.insert(key, group);
        group
    }

    fn part(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> (u32, u32) {
        let offset = self.at();
        encode(&mut self.bytes);
        (offset, self.at() - offset)
    }

    fn operation(&mut self, group: u32, span: &'a Span, hasher: &DefaultHashBuilder) -> u32 {
        let Self {
            operations,
            operation_of,
            ..
        } = self;
        let hash = |group: u32, kind: SpanKind, name: &str| hasher.hash_one((group, kind, name));
        let wanted = hash(group, span.kind, &span.name);
        let same = |index: &u32| {
            operations
                .get(*index as usize)
                .is_some_and(|(g, k, n)| *g == group && *k == span.kind && **n == span.name)
        };
        if let Some(index) = operation_of.find(wanted, same) {
            return *index;
        }
        let index = operations.len() as u32;
        operations.push((group, span.kind, &span.name));
        operation_of.insert_unique(wanted, index, |index| {
            operations
                .get(*index as usize)
                .map_or(0, |(g, k, n)| hash(*g, *k, n))
        });
        index
    }

    fn end(mut self, instance: &Instance) -> Vec<u8> {
        let index = self.at();
        let out = &mut self.bytes;
        put_bytes(out, instance.as_str().as_bytes());
        put_varint(out, self.groups.len() as u64);
        for group in &self.groups {
            for number in [
                group.resource.0,
                group.resource.1,
                group.scope.0,
                group.scope.1,
            ] {
                put_varint(out, u64::from(number));
            }
            put_bytes(out, group.service.as_bytes());
        }
        put_varint(out, self.operations.len() as u64);
        for (group, kind, name) in &self.operations {
            put_varint(out, u64::from(*group));
            out.push(kind.number() as u8);
            put_bytes(out, name.as_bytes());
        }
        put_varint(out, self.count);
        out.extend_from_slice(&self.rows);
        out.extend_from_slice(&index.to_le_bytes());
        self.bytes
    }
}
