//! An annotation as an event.
//!
//! OpenTelemetry's exporter writes an event with attributes as `name|{json}|dropped count`; a value of this form is taken apart again, and
//! any other is the event's name.
//!
//! Source: `zipkinv2/to_translator.go` `populateSpanEvents`, which refuses the request when a value of three parts has no JSON, and loses
//! the second of two parts.

use model::Event;

use super::attributes;
use super::room::copied;
use super::{Annotation, convert::Rules};
use crate::DecodeError;
use crate::budget::Budget;

/// The event that `annotation` is; one without a time happened at `start_ns`.
pub(crate) fn event(
    annotation: Annotation,
    rules: Rules,
    start_ns: u64,
    budget: &mut Budget,
) -> Result<Event, DecodeError> {
    let time_ns = match u64::try_from(annotation.timestamp_us) {
        Ok(us) if us != 0 => us.saturating_mul(1_000),
        _ => start_ns,
    };
    if rules == Rules::V2
        && let Some(parts) = parts(&annotation.value)
        && let Some(attributes) = attributes::of_json(parts.json, budget)?
    {
        return Ok(Event {
            time_ns,
            name: copied(parts.name, budget)?,
            attributes,
            dropped_attributes_count: parts.dropped,
        });
    }
    Ok(Event {
        time_ns,
        name: annotation.value,
        ..Event::default()
    })
}

struct Parts<'a> {
    name: &'a str,
    json: &'a str,
    dropped: u32,
}

fn parts(value: &str) -> Option<Parts<'_>> {
    let (name, rest) = value.split_once('|')?;
    let (json, dropped) = rest.rsplit_once('|')?;
    let dropped = dropped.parse().ok()?;
    Some(Parts {
        name,
        json,
        dropped,
    })
}
