//! From bytes to spans.
//!
//! In: a `PostSpansRequest` or one `Span`. Out: spans in the `Jaeger` dialect, with kind, status and parent derived once from their tags and
//! references. A frame is read twice, since the batch's process may stand behind its spans. Nothing is sanitized here.
//!
//! Source: `jaegertracing/jaeger-idl: proto/api_v2/model.proto` v0.6.0; times as Go's `time` package holds them.

use std::sync::Arc;

use bytes::Bytes;
use model::{Buffer, Event, Link, RefType, Resource, Scope, Slice, Span, SpanId, TraceId};

use super::tag::read_tag;
use crate::budget::Budget;
use crate::cursor::{Cursor, Wire};
use crate::jaeger::{service, tags, time};
use crate::otlp::attribute::{name_or_kept, text};
use crate::{DecodeError, Decoded, RejectedSpan};

/// Decodes a `PostSpansRequest`. A span's own process wins over the batch's; with neither, its resource names no service.
pub fn decode_post_spans(body: Bytes) -> Result<Decoded, DecodeError> {
    let whole = body.clone();
    let len = whole.len();
    let buffer = Buffer::new(body).ok_or(DecodeError::TooLong(len))?;
    let mut budget = Budget::of_message(len);
    let request = Cursor::new(&buffer);
    let mut batch = BatchProcess::default();
    each_message(request.clone(), 1, "batch", |cursor| {
        batch.read(cursor, &mut budget)
    })?;
    let mut reader = SpanReader::new(Arc::new(batch.process.unwrap_or_default().finish()));
    let mut decoded = Decoded {
        spans: budget.list(batch.spans)?,
        rejected: Vec::new(),
    };
    each_message(request, 1, "batch", |cursor| {
        each_message(cursor, 1, "span", |one| {
            let read = reader.span(one.clone(), &mut budget);
            keep(read, &mut decoded, &mut budget, || whole.slice(one.range()))
        })
    })?;
    Ok(decoded)
}

/// Decodes a message that holds spans in field 1, each with its process inside, such as `SpansResponseChunk` or a `WriteSpanRequest`.
pub fn decode_spans(body: Bytes) -> Result<Decoded, DecodeError> {
    let whole = body.clone();
    let buffer = Buffer::new(body).ok_or(DecodeError::TooLong(whole.len()))?;
    let mut budget = Budget::of_message(whole.len());
    let message = Cursor::new(&buffer);
    let [spans] = message.count([1])?;
    let mut reader = SpanReader::new(Arc::default());
    let mut decoded = Decoded {
        spans: budget.list(spans)?,
        rejected: Vec::new(),
    };
    each_message(message, 1, "span", |one| {
        let read = reader.span(one.clone(), &mut budget);
        keep(read, &mut decoded, &mut budget, || whole.slice(one.range()))
    })?;
    Ok(decoded)
}

/// Decodes one `Span`, with the process inside, as it stands in a Kafka record.
///
/// A trace id must be there, be it of zeros: Jaeger always writes one. Without this rule no bytes at all would be a span, as they are for
/// Jaeger 1, which stores one without ids under the service `null-process-and-service-name`; and so would be many a message of another
/// format.
pub fn decode_span(bytes: Bytes) -> Result<Span, DecodeError> {
    decode_span_after(bytes, &mut Neighbours::default())
}

/// The same, after others: a process that is that of the span before, byte for byte, is the same one in memory.
pub fn decode_span_after(bytes: Bytes, neighbours: &mut Neighbours) -> Result<Span, DecodeError> {
    let budget = Budget::of_message(bytes.len());
    read_span(bytes, budget, neighbours)
}

/// The same, when some of what the message may take is taken already.
pub(crate) fn decode_span_within(bytes: Bytes, budget: Budget) -> Result<Span, DecodeError> {
    read_span(bytes, budget, &mut Neighbours::default())
}

fn read_span(
    bytes: Bytes,
    mut budget: Budget,
    neighbours: &mut Neighbours,
) -> Result<Span, DecodeError> {
    let len = bytes.len();
    let buffer = Buffer::new(bytes).ok_or(DecodeError::TooLong(len))?;
    let cursor = Cursor::new(&buffer);
    let mut reader = SpanReader {
        batch: neighbours.nobody.clone(),
        scope: neighbours.scope.clone(),
        last: neighbours
            .last
            .as_ref()
            .map(|(bytes, process)| (bytes.as_slice(), process.clone())),
    };
    let span = reader.span(cursor.clone(), &mut budget)?;
    if span.trace_id.is_zero() && cursor.count([1])? == [0] {
        return Err(DecodeError::Missing {
            what: "span's trace id",
            at: len,
        });
    }
    if let Some((bytes, process)) = reader.last {
        let known = neighbours.last.as_ref().map(|(_, process)| process);
        if !known.is_some_and(|known| Arc::ptr_eq(known, &process)) {
            neighbours.last = Some((bytes.to_vec(), process));
        }
    }
    Ok(span)
}

/// Keeps a span that was read, or its bytes and why it could not be.
fn keep(
    read: Result<Span, DecodeError>,
    decoded: &mut Decoded,
    budget: &mut Budget,
    payload: impl FnOnce() -> Bytes,
) -> Result<(), DecodeError> {
    match read {
        Ok(span) => decoded.spans.push(span),
        Err(error) => {
            // the list doubles as it grows
            budget.charge(1, 320)?;
            decoded.rejected.push(RejectedSpan {
                reason: error.to_string(),
                payload: payload(),
            });
        }
    }
    Ok(())
}

/// Calls `read` with every message in field `number`.
fn each_message<'a>(
    mut cursor: Cursor<'a>,
    number: u32,
    what: &'static str,
    mut read: impl FnMut(Cursor<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    while let Some((found, wire)) = cursor.key()? {
        if found == number {
            read(cursor.message(wire, what)?)?;
        } else {
            cursor.skip(found, wire)?;
        }
    }
    Ok(())
}

/// The process of a batch, and how many spans it has.
#[derive(Default)]
struct BatchProcess {
    process: Option<Process>,
    spans: usize,
}

/// A process that is being read; further occurrences are merged.
#[derive(Default)]
struct Process {
    resource: Resource,
    invalid_keys: u32,
}

/// What spans that come one after the other, each in a message of its own, may share.
#[derive(Debug, Default)]
pub struct Neighbours {
    /// The process of the last one, as it was written.
    last: Option<(Vec<u8>, Arc<Resource>)>,
    nobody: Arc<Resource>,
    scope: Arc<Scope>,
}

/// Reads spans, which share what neighbours have in common.
struct SpanReader<'a> {
    batch: Arc<Resource>,
    scope: Arc<Scope>,
    /// The last process that came inside a span: neighbours often repeat it.
    last: Option<(&'a [u8], Arc<Resource>)>,
}

// === impl BatchProcess ===

impl BatchProcess {
    fn read(&mut self, mut cursor: Cursor<'_>, budget: &mut Budget) -> Result<(), DecodeError> {
        while let Some((number, wire)) = cursor.key()? {
            match number {
                1 => {
                    cursor.message(wire, "span")?;
                    self.spans += 1;
                }
                2 => {
                    let process = cursor.message(wire, "process")?;
                    self.process.get_or_insert_default().read(process, budget)?;
                }
                _ => cursor.skip(number, wire)?,
            }
        }
        Ok(())
    }
}

// === impl Process ===

impl Process {
    fn read(&mut self, mut cursor: Cursor<'_>, budget: &mut Budget) -> Result<(), DecodeError> {
        let [tags] = cursor.count([2])?;
        budget.grow(&mut self.resource.attributes, tags)?;
        let mut name = Slice::default();
        while let Some((number, wire)) = cursor.key()? {
            match number {
                1 => name = cursor.slice(wire, "service's name")?,
                2 => {
                    let tag = cursor.message(wire, "process tag")?;
                    let tag = read_tag(tag, &mut self.invalid_keys, budget)?;
                    self.resource.attributes.push(tag);
                }
                _ => cursor.skip(number, wire)?,
            }
        }
        let name = service::name(name, &mut self.resource.attributes, budget)?;
        if self.resource.service_name.is_none() || !name.is_empty() {
            self.resource.service_name = Some(name);
        }
        Ok(())
    }

    fn finish(self) -> Resource {
        self.resource
    }
}

// === impl SpanReader ===

impl<'a> SpanReader<'a> {
    fn new(batch: Arc<Resource>) -> Self {
        Self {
            batch,
            scope: Arc::default(),
            last: None,
        }
    }

    fn span(&mut self, mut cursor: Cursor<'a>, budget: &mut Budget) -> Result<Span, DecodeError> {
        let [references, tag_count, logs, processes, warning_count] =
            cursor.count([4, 8, 9, 10, 12])?;
        let mut attributes = budget.list(tag_count)?;
        let mut events = budget.list(logs)?;
        let mut links = budget.list(references)?;
        let mut warnings = budget.list(warning_count)?;
        let mut trace_id = TraceId::default();
        let mut span_id = SpanId::default();
        let mut operation = Slice::default();
        let mut flags = 0;
        let (mut start, mut duration) = (Time::default(), Time::default());
        let mut resource = None;
        let mut merged = Process::default();
        let mut invalid_keys = 0;
        while let Some((number, wire)) = cursor.key()? {
            match number {
                1 => trace_id = read_trace_id(&mut cursor, wire)?,
                2 => span_id = read_span_id(&mut cursor, wire)?,
                3 => operation = cursor.slice(wire, "operation's name")?,
                4 => links.push(reference(cursor.message(wire, "reference")?)?),
                5 => flags = cursor.varint(wire, "flags")? as u32,
                6 => start.read(cursor.message(wire, "start time")?)?,
                7 => duration.read(cursor.message(wire, "duration")?)?,
                8 => {
                    let tag = cursor.message(wire, "tag")?;
                    attributes.push(read_tag(tag, &mut invalid_keys, budget)?);
                }
                9 => events.push(log(cursor.message(wire, "log")?, budget)?),
                10 if processes == 1 => {
                    let process = cursor.message(wire, "process")?;
                    resource = Some(self.process(&process, budget)?);
                }
                10 => merged.read(cursor.message(wire, "process")?, budget)?,
                12 => warnings.push(text(cursor.slice(wire, "warning")?, budget)?),
                _ => cursor.skip(number, wire)?,
            }
        }
        if processes > 1 {
            resource = Some(Arc::new(merged.finish()));
        }
        let name = name_or_kept(operation, &mut attributes, budget)?;
        let start_ns = start.nanos() as u64;
        let end_ns = time::end_ns(start_ns, duration.nanos());
        let resource = resource.unwrap_or_else(|| self.batch.clone());
        Ok(Span {
            span_id,
            name,
            start_ns,
            end_ns,
            events,
            flags,
            warnings,
            ..tags::span(trace_id, attributes, links, resource, self.scope.clone())
        })
    }

    fn process(
        &mut self,
        cursor: &Cursor<'a>,
        budget: &mut Budget,
    ) -> Result<Arc<Resource>, DecodeError> {
        match &self.last {
            Some((bytes, resource)) if *bytes == cursor.bytes() => Ok(resource.clone()),
            _ => {
                let mut process = Process::default();
                process.read(cursor.clone(), budget)?;
                budget.charge(1, size_of::<Resource>() + 16)?;
                let resource = Arc::new(process.finish());
                self.last = Some((cursor.bytes(), resource.clone()));
                Ok(resource)
            }
        }
    }
}

/// 16 bytes, or 8 that are the lower half.
fn read_trace_id(cursor: &mut Cursor<'_>, wire: Wire) -> Result<TraceId, DecodeError> {
    let bytes = cursor.raw(wire, "trace id")?;
    if let Ok(id) = <[u8; 16]>::try_from(bytes) {
        return Ok(TraceId(id));
    }
    match <[u8; 8]>::try_from(bytes) {
        Ok(low) => Ok(TraceId::from_halves(0, u64::from_be_bytes(low))),
        Err(_) => Err(cursor.invalid("trace id (not of 16 or 8 bytes)")),
    }
}

fn read_span_id(cursor: &mut Cursor<'_>, wire: Wire) -> Result<SpanId, DecodeError> {
    match <[u8; 8]>::try_from(cursor.raw(wire, "span id")?) {
        Ok(id) => Ok(SpanId(id)),
        Err(_) => Err(cursor.invalid("span id (not of 8 bytes)")),
    }
}

fn reference(mut cursor: Cursor<'_>) -> Result<Link, DecodeError> {
    let mut link = Link {
        ref_type: RefType::ChildOf,
        ..Link::default()
    };
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => link.trace_id = read_trace_id(&mut cursor, wire)?,
            2 => link.span_id = read_span_id(&mut cursor, wire)?,
            3 => {
                link.ref_type = match cursor.varint(wire, "reference's type")? {
                    0 => RefType::ChildOf,
                    _ => RefType::FollowsFrom,
                }
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    Ok(link)
}

fn log(mut cursor: Cursor<'_>, budget: &mut Budget) -> Result<Event, DecodeError> {
    let [fields] = cursor.count([2])?;
    let mut attributes = budget.list(fields)?;
    let mut time = Time::default();
    let mut invalid_keys = 0;
    while let Some((number, wire)) = cursor.key()? {
        match number {
            1 => time.read(cursor.message(wire, "log's time")?)?,
            2 => {
                let field = cursor.message(wire, "log's field")?;
                attributes.push(read_tag(field, &mut invalid_keys, budget)?);
            }
            _ => cursor.skip(number, wire)?,
        }
    }
    Ok(Event {
        time_ns: time.nanos() as u64,
        attributes,
        ..Event::default()
    })
}

/// `google.protobuf.Timestamp` and `Duration`, which have one shape.
#[derive(Clone, Copy, Default)]
struct Time {
    seconds: i64,
    nanos: i32,
}

impl Time {
    fn read(&mut self, mut cursor: Cursor<'_>) -> Result<(), DecodeError> {
        while let Some((number, wire)) = cursor.key()? {
            match number {
                1 => self.seconds = cursor.varint(wire, "seconds")? as i64,
                2 => self.nanos = cursor.varint(wire, "nanoseconds")? as i32,
                _ => cursor.skip(number, wire)?,
            }
        }
        Ok(())
    }

    /// In nanoseconds. What 64 bits cannot hold wraps, as Go's `UnixNano` does.
    fn nanos(self) -> i64 {
        self.seconds
            .wrapping_mul(time::NANOS)
            .wrapping_add(i64::from(self.nanos))
    }
}
