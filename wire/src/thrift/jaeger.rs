//! Jaeger's model: `Batch`, `Process`, `Span`, `SpanRef`, `Tag`, `Log`.
//!
//! The numbers of tags' types are not those of the protobuf model. Times are microseconds.

use std::sync::Arc;

use model::{
    Dialect, Event, KeyValue, Link, RefType, Resource, Scope, Slice, Span, SpanId, Str, TraceId,
    Value,
};

use super::reader::{Reader, Type};
use crate::budget::Budget;
use crate::jaeger::tags;
use crate::otlp::attribute::{mended_attribute, name, text_or_bytes};
use crate::{DecodeError, Decoded};

/// The service of a process whose name is not UTF-8, and the tag that keeps what came.
const INVALID_SERVICE: &str = "invalid-service-name";
const MICROS: i64 = 1000;

/// What a client sent at once.
#[derive(Debug, Default)]
pub struct Batch {
    /// Its spans.
    pub decoded: Decoded,
    /// The number of the batch, counted up by the client.
    pub seq_no: Option<i64>,
    /// What the client had to drop since it started.
    pub stats: Option<Stats>,
}

/// What a client had to drop since it started, in spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Its queue was full.
    pub full_queue: i64,
    /// They were larger than a datagram.
    pub too_large: i64,
    /// They could not be sent.
    pub failed_to_emit: i64,
}

/// Required fields that were there, a bit each by number.
#[derive(Default)]
struct Seen(u32);

// === impl Seen ===

impl Seen {
    fn add(&mut self, id: i16) {
        self.0 |= 1 << (id & 31);
    }

    fn all(&self, ids: &[i16]) -> bool {
        ids.iter().all(|id| self.0 & 1 << (id & 31) != 0)
    }
}

/// One batch.
pub(super) fn batch(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Batch, DecodeError> {
    let mut batch = Batch::default();
    let mut resource = None;
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::Struct) => resource = Some(process(reader, budget)?),
            (2, Type::List) => batch.decoded.spans = list(reader, budget, "spans", span)?,
            (3, Type::I64) => batch.seq_no = Some(reader.i64("batch's number")?),
            (4, Type::Struct) => batch.stats = Some(stats(reader)?),
            (_, kind) => {
                reader.skip(kind)?;
                continue;
            }
        }
        seen.add(field.id);
    }
    let Some(resource) = resource.filter(|_| seen.all(&[1, 2])) else {
        return Err(reader.invalid("batch (process or spans are missing)"));
    };
    let resource = Arc::new(resource);
    for span in &mut batch.decoded.spans {
        span.resource = resource.clone();
    }
    Ok(batch)
}

/// A list of structs.
pub(super) fn list<T>(
    reader: &mut Reader<'_>,
    budget: &mut Budget,
    what: &'static str,
    one: impl Fn(&mut Reader<'_>, &mut Budget) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let (kind, count) = reader.list(what)?;
    if count > 0 && kind != Type::Struct {
        return Err(reader.invalid(what));
    }
    let mut all = budget.list(count)?;
    for _ in 0..count {
        all.push(one(reader, budget)?);
    }
    Ok(all)
}

fn stats(reader: &mut Reader<'_>) -> Result<Stats, DecodeError> {
    let mut stats = Stats::default();
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::I64) => stats.full_queue = reader.i64("client's statistics")?,
            (2, Type::I64) => stats.too_large = reader.i64("client's statistics")?,
            (3, Type::I64) => stats.failed_to_emit = reader.i64("client's statistics")?,
            (_, kind) => reader.skip(kind)?,
        }
    }
    Ok(stats)
}

fn process(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Resource, DecodeError> {
    let mut resource = Resource::default();
    let mut service = None;
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::Binary) => service = Some(reader.slice("service's name")?),
            (2, Type::List) => resource.attributes = tag_list(reader, budget)?,
            (_, kind) => reader.skip(kind)?,
        }
    }
    let service = service.ok_or_else(|| reader.invalid("process (serviceName is missing)"))?;
    resource.service_name = Some(match service.into_str() {
        Ok(name) => name,
        Err(bytes) => {
            budget.grow(&mut resource.attributes, 1)?;
            budget.charge(4, 80)?;
            let kept = KeyValue::new(INVALID_SERVICE, bytes);
            resource.attributes.push(kept);
            Str::from(INVALID_SERVICE)
        }
    });
    Ok(resource)
}

fn tag_list(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Vec<KeyValue>, DecodeError> {
    let invalid_keys = std::cell::Cell::new(0);
    list(reader, budget, "tags", |reader, budget| {
        tag(reader, &invalid_keys, budget)
    })
}

fn tag(
    reader: &mut Reader<'_>,
    invalid_keys: &std::cell::Cell<u32>,
    budget: &mut Budget,
) -> Result<KeyValue, DecodeError> {
    let (mut key, mut kind) = (None, None);
    let (mut text, mut binary) = (Slice::default(), Slice::default());
    let (mut float, mut truth, mut int) = (0.0, false, 0);
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::Binary) => key = Some(reader.slice("tag's key")?),
            (2, Type::I32) => kind = Some(reader.i32("tag's type")?),
            (3, Type::Binary) => text = reader.slice("tag's text")?,
            (4, Type::Double) => float = reader.double("tag's double")?,
            (5, Type::Bool) => truth = reader.bool("tag's bool")?,
            (6, Type::I64) => int = reader.i64("tag's long")?,
            (7, Type::Binary) => binary = reader.slice("tag's binary")?,
            (_, kind) => reader.skip(kind)?,
        }
    }
    let (Some(key), Some(kind)) = (key, kind) else {
        return Err(reader.invalid("tag (key or vType is missing)"));
    };
    let value = match kind {
        0 => text_or_bytes(text),
        1 => Value::Double(float),
        2 => Value::Bool(truth),
        3 => Value::Int(int),
        4 => Value::Bytes(binary),
        other => {
            budget.charge(1, 80)?;
            Value::String(Str::from(format!("Unknown VType: {other}")))
        }
    };
    match key.into_str() {
        Ok(key) => Ok(KeyValue { key, value }),
        Err(key) => {
            invalid_keys.set(invalid_keys.get() + 1);
            mended_attribute(&key, &value, invalid_keys.get(), budget)
        }
    }
}

fn reference(reader: &mut Reader<'_>, _: &mut Budget) -> Result<Link, DecodeError> {
    let (mut low, mut high, mut span_id) = (0, 0, 0);
    let mut ref_type = RefType::ChildOf;
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::I32) => {
                ref_type = match reader.i32("reference's type")? {
                    0 => RefType::ChildOf,
                    _ => RefType::FollowsFrom,
                }
            }
            (2, Type::I64) => low = reader.i64("reference's trace id")?,
            (3, Type::I64) => high = reader.i64("reference's trace id")?,
            (4, Type::I64) => span_id = reader.i64("reference's span id")?,
            (_, kind) => {
                reader.skip(kind)?;
                continue;
            }
        }
        seen.add(field.id);
    }
    if !seen.all(&[1, 2, 3, 4]) {
        return Err(reader.invalid("reference (a required field is missing)"));
    }
    Ok(Link {
        trace_id: TraceId::from_halves(high as u64, low as u64),
        span_id: SpanId::from_u64(span_id as u64),
        ref_type,
        ..Link::default()
    })
}

fn log(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Event, DecodeError> {
    let mut event = Event::default();
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::I64) => event.time_ns = nanos(reader.i64("log's time")?) as u64,
            (2, Type::List) => event.attributes = tag_list(reader, budget)?,
            (_, kind) => {
                reader.skip(kind)?;
                continue;
            }
        }
        seen.add(field.id);
    }
    match seen.all(&[1, 2]) {
        true => Ok(event),
        false => Err(reader.invalid("log (timestamp or fields are missing)")),
    }
}

/// What 64 bits cannot hold wraps, as in Go.
pub(super) fn nanos(micros: i64) -> i64 {
    micros.wrapping_mul(MICROS)
}

/// When a span ends that started at `start_ns`: as the protobuf model has it.
pub(super) fn end_ns(start_ns: u64, duration_ns: i64) -> u64 {
    match u64::try_from(duration_ns) {
        // across the epoch it wraps, so that the duration is written again as it came
        Ok(duration) => start_ns.wrapping_add(duration),
        Err(_) => start_ns.saturating_sub(duration_ns.unsigned_abs()),
    }
}

fn span(reader: &mut Reader<'_>, budget: &mut Budget) -> Result<Span, DecodeError> {
    const REQUIRED: [i16; 8] = [1, 2, 3, 4, 5, 7, 8, 9];
    let (mut low, mut high, mut span_id, mut parent) = (0, 0, 0, 0);
    let (mut start, mut duration, mut flags) = (0, 0, 0);
    let mut operation = Slice::default();
    let (mut links, mut attributes, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = Seen::default();
    let mut last = 0;
    while let Some(field) = reader.field(&mut last)? {
        match (field.id, field.kind) {
            (1, Type::I64) => low = reader.i64("trace id")?,
            (2, Type::I64) => high = reader.i64("trace id")?,
            (3, Type::I64) => span_id = reader.i64("span id")?,
            (4, Type::I64) => parent = reader.i64("parent's span id")?,
            (5, Type::Binary) => operation = reader.slice("operation's name")?,
            (6, Type::List) => links = list(reader, budget, "references", reference)?,
            (7, Type::I32) => flags = reader.i32("flags")?,
            (8, Type::I64) => start = reader.i64("start time")?,
            (9, Type::I64) => duration = reader.i64("duration")?,
            (10, Type::List) => attributes = tag_list(reader, budget)?,
            (11, Type::List) => events = list(reader, budget, "logs", log)?,
            (_, kind) => {
                reader.skip(kind)?;
                continue;
            }
        }
        seen.add(field.id);
    }
    if !seen.all(&REQUIRED) {
        return Err(reader.invalid("span (a required field is missing)"));
    }
    let trace_id = TraceId::from_halves(high as u64, low as u64);
    let parent = SpanId::from_u64(parent as u64);
    let is_there = |link: &Link| link.trace_id == trace_id && link.span_id == parent;
    if !parent.is_zero() && !links.iter().any(is_there) {
        budget.grow(&mut links, 1)?;
        links.insert(
            0,
            Link {
                trace_id,
                span_id: parent,
                ref_type: RefType::ChildOf,
                ..Link::default()
            },
        );
    }
    let (name, kept) = name(operation, budget)?;
    if let Some(kept) = kept {
        budget.grow(&mut attributes, 1)?;
        attributes.push(kept);
    }
    let start_ns = nanos(start) as u64;
    Ok(Span {
        kind: tags::kind_of_tags(&attributes),
        status: tags::status_of_tags(&attributes),
        parent_span_id: tags::parent_of_references(trace_id, &links),
        trace_id,
        span_id: SpanId::from_u64(span_id as u64),
        name,
        start_ns,
        end_ns: end_ns(start_ns, nanos(duration)),
        attributes,
        events,
        links,
        scope: no_scope(),
        dialect: Dialect::Jaeger,
        flags: flags as u32,
        ..Span::default()
    })
}

/// Thrift knows no scopes: all spans share the one that says nothing.
pub(super) fn no_scope() -> Arc<Scope> {
    thread_local! {
        static NONE: Arc<Scope> = Arc::default();
    }
    NONE.with(Arc::clone)
}
