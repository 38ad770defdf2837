//! Jaeger's own structs: a batch of spans of one process.
//!
//! In: a reader in front of a `Batch`. Out: spans in the `Jaeger` dialect, with kind, status and parent derived once from their tags and
//! references. Nothing is sanitized here.
//!
//! Source: `jaegertracing/jaeger-idl: thrift/jaeger.thrift`; times as Go's `time` package holds them.

use std::sync::Arc;

use model::{Event, Link, RefType, Resource, Scope, Slice, Span, SpanId, TraceId};

use super::reader::{Reader, Seen, Type};
use super::tag::read_tags;
use super::{Batch, ClientStats};
use crate::budget::Budget;
use crate::jaeger::{service, tags, time};
use crate::otlp::attribute::name_or_kept;
use crate::{DecodeError, Decoded};

/// The fewest bytes of a span: eight required fields of two bytes, and the end.
const SMALLEST_SPAN: usize = 17;
/// The fewest bytes of a reference: four required fields of two bytes, and the end.
const SMALLEST_REFERENCE: usize = 9;
/// The fewest bytes of a log: a time, an empty list, and the end.
const SMALLEST_LOG: usize = 5;

const BATCH: [(i16, &str); 2] = [(1, "batch's process"), (2, "batch's spans")];
const PROCESS: [(i16, &str); 1] = [(1, "process's service name")];
const SPAN: [(i16, &str); 8] = [
    (1, "span's lower trace id"),
    (2, "span's higher trace id"),
    (3, "span's id"),
    (4, "span's parent id"),
    (5, "span's operation name"),
    (7, "span's flags"),
    (8, "span's start time"),
    (9, "span's duration"),
];
const REFERENCE: [(i16, &str); 4] = [
    (1, "reference's type"),
    (2, "reference's lower trace id"),
    (3, "reference's higher trace id"),
    (4, "reference's span id"),
];
const LOG: [(i16, &str); 2] = [(1, "log's time"), (2, "log's fields")];
const STATS: [(i16, &str); 3] = [
    (1, "client's count of spans dropped by a full queue"),
    (2, "client's count of spans too large"),
    (3, "client's count of spans not sent"),
];

/// Reads a `Batch`.
pub(super) fn read_batch<'a, R: Reader<'a>>(
    reader: &mut R,
    budget: &mut Budget,
) -> Result<Batch, DecodeError> {
    let mut spans = Vec::new();
    let mut process = None;
    let (mut sequence, mut stats) = (None, None);
    // a span's process may stand behind it: then it is put in at the end
    let nobody = Arc::new(Resource::default());
    let scope = Arc::new(Scope::default());
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "batch")? {
        last = number;
        match number {
            1 => {
                reader.expect(found, Type::Struct, "batch's process")?;
                budget.charge(1, size_of::<Resource>() + 16)?;
                process = Some(Arc::new(read_process(reader, budget)?));
            }
            2 => {
                let (count, list) =
                    reader.structs(found, SMALLEST_SPAN, "batch's spans", budget)?;
                spans = list;
                for _ in 0..count {
                    let resource = process.as_ref().unwrap_or(&nobody);
                    spans.push(read_span(reader, resource, &scope, budget)?);
                }
            }
            3 => sequence = Some(reader.get_i64(found, "batch's number")?),
            4 => {
                reader.expect(found, Type::Struct, "client's counts")?;
                stats = Some(read_stats(reader)?);
            }
            _ => reader.skip(found)?,
        }
        seen.mark(number);
    }
    seen.require(&BATCH, reader.input().at())?;
    let process = process.unwrap_or(nobody);
    for span in &mut spans {
        if !Arc::ptr_eq(&span.resource, &process) {
            span.resource = process.clone();
        }
    }
    Ok(Batch {
        decoded: Decoded {
            spans,
            rejected: Vec::new(),
        },
        process,
        sequence,
        stats,
    })
}

fn read_process<'a, R: Reader<'a>>(
    reader: &mut R,
    budget: &mut Budget,
) -> Result<Resource, DecodeError> {
    let mut service_name = Slice::default();
    let mut attributes = Vec::new();
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "process")? {
        last = number;
        match number {
            1 => service_name = reader.get_bytes(found, "process's service name")?,
            2 => attributes = read_tags(reader, found, "process's tags", budget)?,
            _ => reader.skip(found)?,
        }
        seen.mark(number);
    }
    seen.require(&PROCESS, reader.input().at())?;
    let service_name = service::name(service_name, &mut attributes, budget)?;
    Ok(Resource {
        service_name: Some(service_name),
        attributes,
        ..Resource::default()
    })
}

fn read_span<'a, R: Reader<'a>>(
    reader: &mut R,
    resource: &Arc<Resource>,
    scope: &Arc<Scope>,
    budget: &mut Budget,
) -> Result<Span, DecodeError> {
    let (mut low, mut high, mut id, mut parent) = (0, 0, 0, 0);
    let (mut start, mut duration, mut flags) = (0, 0, 0);
    let mut operation = Slice::default();
    let (mut attributes, mut events, mut links) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "span")? {
        last = number;
        match number {
            1 => low = reader.get_i64(found, "span's lower trace id")?,
            2 => high = reader.get_i64(found, "span's higher trace id")?,
            3 => id = reader.get_i64(found, "span's id")?,
            4 => parent = reader.get_i64(found, "span's parent id")?,
            5 => operation = reader.get_bytes(found, "span's operation name")?,
            6 => {
                let (count, list) =
                    reader.structs(found, SMALLEST_REFERENCE, "span's references", budget)?;
                links = list;
                for _ in 0..count {
                    links.push(read_reference(reader)?);
                }
            }
            7 => flags = reader.get_i32(found, "span's flags")?,
            8 => start = reader.get_i64(found, "span's start time")?,
            9 => duration = reader.get_i64(found, "span's duration")?,
            10 => attributes = read_tags(reader, found, "span's tags", budget)?,
            11 => {
                let (count, list) = reader.structs(found, SMALLEST_LOG, "span's logs", budget)?;
                events = list;
                for _ in 0..count {
                    events.push(read_log(reader, budget)?);
                }
            }
            _ => reader.skip(found)?,
        }
        seen.mark(number);
    }
    seen.require(&SPAN, reader.input().at())?;
    let trace_id = TraceId::from_halves(high as u64, low as u64);
    if parent != 0 {
        add_parent(
            trace_id,
            SpanId::from_u64(parent as u64),
            &mut links,
            budget,
        )?;
    }
    let name = name_or_kept(operation, &mut attributes, budget)?;
    let start_ns = time::nanos_of_micros(start) as u64;
    Ok(Span {
        span_id: SpanId::from_u64(id as u64),
        name,
        start_ns,
        end_ns: time::end_ns(start_ns, time::nanos_of_micros(duration)),
        events,
        flags: flags as u32,
        ..tags::span(trace_id, attributes, links, resource.clone(), scope.clone())
    })
}

/// Puts a reference to the parent first, unless any names it already.
pub(super) fn add_parent(
    trace_id: TraceId,
    span_id: SpanId,
    links: &mut Vec<Link>,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let known = |l: &Link| l.trace_id == trace_id && l.span_id == span_id;
    if !links.iter().any(known) {
        budget.grow(links, 1)?;
        let parent = Link {
            trace_id,
            span_id,
            ref_type: RefType::ChildOf,
            ..Link::default()
        };
        links.insert(0, parent);
    }
    Ok(())
}

fn read_reference<'a, R: Reader<'a>>(reader: &mut R) -> Result<Link, DecodeError> {
    let (mut ref_type, mut low, mut high, mut id) = (0, 0, 0, 0);
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "reference")? {
        last = number;
        match number {
            1 => ref_type = reader.get_i32(found, "reference's type")?,
            2 => low = reader.get_i64(found, "reference's lower trace id")?,
            3 => high = reader.get_i64(found, "reference's higher trace id")?,
            4 => id = reader.get_i64(found, "reference's span id")?,
            _ => reader.skip(found)?,
        }
        seen.mark(number);
    }
    seen.require(&REFERENCE, reader.input().at())?;
    Ok(Link {
        trace_id: TraceId::from_halves(high as u64, low as u64),
        span_id: SpanId::from_u64(id as u64),
        ref_type: match ref_type {
            0 => RefType::ChildOf,
            _ => RefType::FollowsFrom,
        },
        ..Link::default()
    })
}

fn read_log<'a, R: Reader<'a>>(reader: &mut R, budget: &mut Budget) -> Result<Event, DecodeError> {
    let mut event = Event::default();
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "log")? {
        last = number;
        match number {
            1 => {
                let micros = reader.get_i64(found, "log's time")?;
                event.time_ns = time::nanos_of_micros(micros) as u64;
            }
            2 => event.attributes = read_tags(reader, found, "log's fields", budget)?,
            _ => reader.skip(found)?,
        }
        seen.mark(number);
    }
    seen.require(&LOG, reader.input().at())?;
    Ok(event)
}

fn read_stats<'a, R: Reader<'a>>(reader: &mut R) -> Result<ClientStats, DecodeError> {
    let mut stats = ClientStats::default();
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "client's counts")? {
        last = number;
        match number {
            1 => stats.full_queue_dropped_spans = reader.get_i64(found, "client's count")?,
            2 => stats.too_large_dropped_spans = reader.get_i64(found, "client's count")?,
            3 => stats.failed_to_emit_spans = reader.get_i64(found, "client's count")?,
            _ => reader.skip(found)?,
        }
        seen.mark(number);
    }
    seen.require(&STATS, reader.input().at())?;
    Ok(stats)
}
