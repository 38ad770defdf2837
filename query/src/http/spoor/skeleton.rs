//! A trace's skeleton: what a timeline of all its spans is drawn from, in 42 bytes a span.
//!
//! In: a [`Whole`]. Out: bytes, in pieces. `SPC1`, the length of a header as a little-endian u32, the header in JSON, then columns of numbers, little-endian, in the order of
//! [`COLUMNS`]. Header and columns each begin at a multiple of 8, with zeros before, so that a browser looks at them where they lie.

use std::collections::HashMap;

use serde::Serialize;
use wire::go_json;
use wire::jaeger::{Span, TagValue, tags};

use crate::adjust::Adjustable as _;
use crate::whole::{Parent, Whole, parents};
use model::SpanKind;

const MAGIC: &[u8; 4] = b"SPC1";
/// Everything begins at a multiple of this.
const ALIGN: usize = 8;

/// Names of the columns and bytes a span, in their order.
pub(super) const COLUMNS: [(&str, usize); 9] = [
    ("start", 8),
    ("duration", 8),
    ("id", 8),
    ("parent", 4),
    ("service", 4),
    ("operation", 4),
    ("resource", 4),
    ("kind", 1),
    ("flags", 1),
];

/// It names no parent.
const NO_PARENT: i32 = -1;
/// It names one that is not there.
const LOST_PARENT: i32 = -2;

/// Bits of the column `flags`.
const ERROR: u8 = 1;
const EVENTS: u8 = 2;
const LINKS: u8 = 4;
const WARNINGS: u8 = 8;
const ELSEWHERE: u8 = 16;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    trace_id: String,
    spans: usize,
    start_unix_nano: String,
    services: Vec<&'a str>,
    operations: Vec<&'a str>,
    fingerprint: &'a str,
    partial: Option<&'a str>,
    archived: bool,
}

/// Texts by number.
#[derive(Default)]
struct Numbered<'a> {
    texts: Vec<&'a str>,
    numbers: HashMap<&'a str, u32>,
}

/// The skeleton: the header and the columns, each with the zeros behind it.
pub(super) fn encode(whole: &Whole, archived: bool) -> Vec<Vec<u8>> {
    let spans = whole.spans();
    let first_ns = spans.first().map(|span| span.start_ns).unwrap_or_default();
    let parents = parents(spans);
    let mut services = Numbered::default();
    let of_processes: Vec<u32> = whole
        .processes
        .iter()
        .map(|process| services.number(&process.service_name))
        .collect();
    let mut operations = Numbered::default();
    let mut columns: [Vec<u8>; COLUMNS.len()] = Default::default();
    for ((_, bytes), column) in COLUMNS.iter().zip(&mut columns) {
        column.reserve_exact(aligned(bytes * spans.len()));
    }
    let [
        start,
        duration,
        id,
        parent,
        service,
        operation,
        resource,
        kind,
        flags,
    ] = &mut columns;
    for ((span, place), above) in spans.iter().zip(&whole.places).zip(&parents) {
        start.extend(number(span.start_ns.saturating_sub(first_ns)));
        duration.extend(number(span.duration_ns));
        id.extend(span.span_id.0);
        let at = match above {
            Parent::None => NO_PARENT,
            Parent::Missing => LOST_PARENT,
            Parent::At(at) => i32::try_from(*at).unwrap_or(LOST_PARENT),
        };
        parent.extend(at.to_le_bytes());
        let of_service = of_processes.get(*place as usize).copied();
        service.extend(of_service.unwrap_or_default().to_le_bytes());
        operation.extend(operations.number(&span.operation_name).to_le_bytes());
        resource.extend(place.to_le_bytes());
        kind.push(kind_of(span));
        let place_above = match above {
            Parent::At(at) => whole.places.get(*at).copied(),
            Parent::None | Parent::Missing => None,
        };
        let is_elsewhere = place_above.is_some_and(|above| above != *place);
        flags.push(flags_of(span) | if is_elsewhere { ELSEWHERE } else { 0 });
    }
    let header = go_json::to_vec(&Header {
        trace_id: format!(
            "{:016x}{:016x}",
            whole.trace_id.high(),
            whole.trace_id.low()
        ),
        spans: spans.len(),
        start_unix_nano: first_ns.to_string(),
        services: services.texts,
        operations: operations.texts,
        fingerprint: &whole.fingerprint,
        partial: whole.short.as_deref(),
        archived,
    });
    let mut head = Vec::with_capacity(header.len() + 2 * ALIGN);
    head.extend(MAGIC);
    head.extend(
        u32::try_from(header.len())
            .unwrap_or(u32::MAX)
            .to_le_bytes(),
    );
    head.extend(header);
    let mut pieces = vec![head];
    pieces.extend(columns);
    for piece in &mut pieces {
        piece.resize(aligned(piece.len()), 0);
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Nanoseconds as JavaScript counts them. Exact to 104 days.
#[allow(clippy::cast_precision_loss)]
fn number(ns: u64) -> [u8; 8] {
    (ns as f64).to_le_bytes()
}

fn aligned(len: usize) -> usize {
    len.next_multiple_of(ALIGN)
}

/// Of its tag: 0 is not said, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
fn kind_of(span: &Span) -> u8 {
    let tag = span.tags.iter().find(|tag| tag.key == tags::SPAN_KIND);
    let kind = match tag.map(|tag| &tag.value) {
        Some(TagValue::String(word)) => SpanKind::from_name(word),
        _ => None,
    };
    match kind.unwrap_or_default() {
        SpanKind::Unspecified => 0,
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}

fn flags_of(span: &Span) -> u8 {
    // as Jaeger's UI takes it
    let failed = span.tags.iter().any(|tag| {
        tag.key == tags::ERROR
            && match &tag.value {
                TagValue::Bool(value) => *value,
                TagValue::String(word) => *word == "true",
                _ => false,
            }
    });
    let parents = usize::from(span.parent().is_some());
    let bit = |is: bool, bit: u8| if is { bit } else { 0 };
    bit(failed, ERROR)
        | bit(!span.logs.is_empty(), EVENTS)
        | bit(span.references.len() > parents, LINKS)
        | bit(!span.warnings.is_empty(), WARNINGS)
}

// === impl Numbered ===

impl<'a> Numbered<'a> {
    fn number(&mut self, text: &'a str) -> u32 {
        let next = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(text).or_insert_with(|| {
            self.texts.push(text);
            next
        })
    }
}

#[cfg(test)]
pub(super) mod tests;
