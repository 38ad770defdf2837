//! Links in tags: OpenTelemetry's exporter writes the first as `otlp.link.0`, `trace id|span id|trace state|{json}|dropped count`.
//!
//! Source: `zipkinv2/to_translator.go` `zTagsToSpanLinks`, which refuses the request when it cannot read one.

use model::{Link, SpanId, Str, TraceId};

use super::attributes;
use super::room::copied;
use crate::DecodeError;
use crate::budget::Budget;

/// How many links are looked for.
const MAX_LINKS: u32 = 128;

/// Which link the tag `key` holds, counted from 0.
pub(crate) fn number(key: &str) -> Option<u32> {
    let digits = key.strip_prefix("otlp.link.")?;
    let plain = digits == "0" || !digits.starts_with(['0', '+']);
    let number = digits.parse().ok().filter(|n| *n < MAX_LINKS)?;
    plain.then_some(number)
}

/// How many links stand in tags of these keys without a gap; those behind one are only tags.
pub(crate) fn count<'a>(keys: impl Iterator<Item = &'a Str>) -> u32 {
    let found = keys.filter_map(|key| number(key));
    found.fold(0_u128, |set, n| set | 1 << n).trailing_ones()
}

/// The link that a tag's value describes; `None` when it describes none.
pub(crate) fn parse(value: &str, budget: &mut Budget) -> Result<Option<Link>, DecodeError> {
    let Some(parts) = parts(value) else {
        return Ok(None);
    };
    let Some(attributes) = attributes::of_json(parts.json, budget)? else {
        return Ok(None);
    };
    Ok(Some(Link {
        trace_id: parts.trace_id,
        span_id: parts.span_id,
        trace_state: copied(parts.trace_state, budget)?,
        attributes,
        dropped_attributes_count: parts.dropped,
        ..Link::default()
    }))
}

struct Parts<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    trace_state: &'a str,
    json: &'a str,
    dropped: u32,
}

fn parts(value: &str) -> Option<Parts<'_>> {
    let (trace_id, rest) = value.split_once('|')?;
    let (span_id, rest) = rest.split_once('|')?;
    let (trace_state, rest) = rest.split_once('|')?;
    let (json, dropped) = rest.rsplit_once('|')?;
    Some(Parts {
        trace_id: TraceId::parse(trace_id).ok()?,
        span_id: SpanId::parse(span_id).ok()?,
        trace_state,
        json,
        dropped: dropped.parse().ok()?,
    })
}
