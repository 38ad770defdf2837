//! The messages of OTLP, from JSON to protobuf: which name is which field, and what its value may be.
//!
//! In: a reader at a value, and a writer inside the message that the value belongs to. Out: fields appended.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::reader::{Fault, Kind, Reader};
use crate::writer::Writer;
use crate::{DecodeError, MAX_DEPTH};

pub(crate) type Reading<'a> = Reader<'a>;
pub(crate) type Output<'a> = Writer<'a>;

/// Why a value cannot be taken.
#[derive(Debug)]
pub(crate) enum Bad {
    /// The text is no JSON: nothing behind it can be read.
    Text(Fault),
    /// The value is not one that its field can have.
    Value(String),
    /// Nothing of the message can be kept, however well it is written.
    Whole(DecodeError),
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(fault) => fault.fmt(f),
            Self::Value(reason) => f.write_str(reason),
            Self::Whole(error) => error.fmt(f),
        }
    }
}

/// What reading one value comes to.
pub(crate) type Done = Result<(), Bad>;

/// Calls `field` with each name of an object; `null` is an object without any.
pub(crate) fn object<'a>(
    r: &mut Reading<'a>,
    what: &str,
    mut field: impl FnMut(&str, &mut Reading<'a>) -> Done,
) -> Done {
    match r.peek()? {
        Kind::Object => {}
        Kind::Null => return Ok(r.null()?),
        other => return Err(Bad::shape(what, "an object", other)),
    }
    r.begin_object()?;
    let mut first = true;
    while let Some(name) = r.next_name(first)? {
        first = false;
        if r.peek()? == Kind::Null {
            r.null()?;
        } else {
            field(&name, r)?;
        }
    }
    Ok(())
}

/// Calls `element` at each element of an array.
pub(crate) fn array<'a>(
    r: &mut Reading<'a>,
    what: &str,
    mut element: impl FnMut(&mut Reading<'a>) -> Done,
) -> Done {
    match r.peek()? {
        Kind::Array => {}
        other => return Err(Bad::shape(what, "an array", other)),
    }
    r.begin_array()?;
    let mut first = true;
    while r.next_element(first)? {
        first = false;
        element(r)?;
    }
    Ok(())
}

/// Passes over what nobody asked for.
pub(crate) fn ignore(r: &mut Reading<'_>) -> Done {
    Ok(r.skip_value()?)
}

/// Text, borrowed where it holds no escape.
pub(crate) fn string<'a>(r: &mut Reading<'a>, what: &str) -> Result<Cow<'a, str>, Bad> {
    match r.peek()? {
        Kind::String => Ok(r.string()?),
        other => Err(Bad::shape(what, "text", other)),
    }
}

/// Text into field `number`.
pub(crate) fn text(r: &mut Reading<'_>, what: &str, number: u32, w: &mut Output<'_>) -> Done {
    w.bytes(number, string(r, what)?.as_bytes());
    Ok(())
}

/// An id in hex, of 16 bytes at most, into field `number`.
fn hex(r: &mut Reading<'_>, what: &str, number: u32, w: &mut Output<'_>) -> Done {
    let text = string(r, what)?;
    let digit = |b: u8| char::from(b).to_digit(16);
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let mut id = [0; 16];
    let mut good = odd.is_empty();
    for (byte, [high, low]) in id.iter_mut().zip(pairs) {
        match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => *byte = (high << 4 | low) as u8,
            _ => good = false,
        }
    }
    match id.get(..pairs.len()) {
        Some(id) if good => {
            w.bytes(number, id);
            Ok(())
        }
        _ => Err(Bad::value(what, "an id in hex", &text)),
    }
}

/// A number, or text that is one.
fn numeric<'a>(r: &mut Reading<'a>, what: &str) -> Result<Cow<'a, str>, Bad> {
    match r.peek()? {
        Kind::Number => Ok(Cow::Borrowed(r.number()?)),
        Kind::String => Ok(r.string()?),
        other => Err(Bad::shape(what, "a number", other)),
    }
}

/// A whole number within the bounds of `T`; `1e3` and `5.0` are whole, too.
pub(crate) fn whole<T: std::str::FromStr + TryFrom<i128>>(
    r: &mut Reading<'_>,
    what: &str,
) -> Result<T, Bad> {
    let text = numeric(r, what)?;
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let float = text.parse::<f64>().ok().filter(|f| f.fract() == 0.0);
    float
        .and_then(|float| T::try_from(float as i128).ok())
        .ok_or_else(|| Bad::value(what, "a whole number in range", &text))
}

/// An enum by number or name.
pub(crate) fn choice(
    r: &mut Reading<'_>,
    what: &str,
    names: &[&str],
    number: u32,
    w: &mut Output<'_>,
) -> Done {
    let value = match r.peek()? {
        Kind::String => {
            let name = r.string()?;
            match names.iter().position(|known| *known == name) {
                Some(value) => value as i64,
                None => name
                    .parse()
                    .map_err(|_| Bad::value(what, "a known name", &name))?,
            }
        }
        _ => whole::<i32>(r, what)?.into(),
    };
    w.varint(number, value as u64);
    Ok(())
}

fn dropped(r: &mut Reading<'_>, what: &str, number: u32, w: &mut Output<'_>) -> Done {
    w.varint(number, whole::<u32>(r, what)?.into());
    Ok(())
}

fn time(r: &mut Reading<'_>, what: &str, number: u32, w: &mut Output<'_>) -> Done {
    w.fixed64(number, whole(r, what)?);
    Ok(())
}

/// `Resource`.
pub(crate) fn resource(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    object(r, "resource", |name, r| match name {
        "attributes" => attributes(r, 1, MAX_DEPTH, w),
        "droppedAttributesCount" | "dropped_attributes_count" => dropped(r, name, 2, w),
        _ => ignore(r),
    })
}

/// `InstrumentationScope`.
pub(crate) fn scope(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    object(r, "scope", |name, r| match name {
        "name" => text(r, name, 1, w),
        "version" => text(r, name, 2, w),
        "attributes" => attributes(r, 3, MAX_DEPTH, w),
        "droppedAttributesCount" | "dropped_attributes_count" => dropped(r, name, 4, w),
        _ => ignore(r),
    })
}

/// `Span`.
pub(crate) fn span(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    const KINDS: [&str; 6] = [
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ];
    object(r, "span", |name, r| match name {
        "traceId" | "trace_id" => hex(r, name, 1, w),
        "spanId" | "span_id" => hex(r, name, 2, w),
        "traceState" | "trace_state" => text(r, name, 3, w),
        "parentSpanId" | "parent_span_id" => hex(r, name, 4, w),
        "name" => text(r, name, 5, w),
        "kind" => choice(r, name, &KINDS, 6, w),
        "startTimeUnixNano" | "start_time_unix_nano" => time(r, name, 7, w),
        "endTimeUnixNano" | "end_time_unix_nano" => time(r, name, 8, w),
        "attributes" => attributes(r, 9, MAX_DEPTH, w),
        "droppedAttributesCount" | "dropped_attributes_count" => dropped(r, name, 10, w),
        "events" => array(r, name, |r| w.in_message(11, |w| event(r, w))),
        "droppedEventsCount" | "dropped_events_count" => dropped(r, name, 12, w),
        "links" => array(r, name, |r| w.in_message(13, |w| link(r, w))),
        "droppedLinksCount" | "dropped_links_count" => dropped(r, name, 14, w),
        "status" => w.in_message(15, |w| status(r, w)),
        "flags" => flags(r, 16, w),
        _ => ignore(r),
    })
}

fn flags(r: &mut Reading<'_>, number: u32, w: &mut Output<'_>) -> Done {
    w.fixed32(number, whole(r, "flags")?);
    Ok(())
}

fn event(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    object(r, "event", |name, r| match name {
        "timeUnixNano" | "time_unix_nano" => time(r, name, 1, w),
        "name" => text(r, name, 2, w),
        "attributes" => attributes(r, 3, MAX_DEPTH, w),
        "droppedAttributesCount" | "dropped_attributes_count" => dropped(r, name, 4, w),
        _ => ignore(r),
    })
}

fn link(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    object(r, "link", |name, r| match name {
        "traceId" | "trace_id" => hex(r, name, 1, w),
        "spanId" | "span_id" => hex(r, name, 2, w),
        "traceState" | "trace_state" => text(r, name, 3, w),
        "attributes" => attributes(r, 4, MAX_DEPTH, w),
        "droppedAttributesCount" | "dropped_attributes_count" => dropped(r, name, 5, w),
        "flags" => flags(r, 6, w),
        _ => ignore(r),
    })
}

fn status(r: &mut Reading<'_>, w: &mut Output<'_>) -> Done {
    const CODES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];
    object(r, "status", |name, r| match name {
        "message" => text(r, name, 2, w),
        "code" => choice(r, name, &CODES, 3, w),
        _ => ignore(r),
    })
}

fn attributes(r: &mut Reading<'_>, number: u32, depth: usize, w: &mut Output<'_>) -> Done {
    array(r, "attributes", |r| {
        w.in_message(number, |w| {
            object(r, "attribute", |name, r| match name {
                "key" => text(r, name, 1, w),
                "value" => w.in_message(2, |w| any_value(r, depth, w)),
                _ => ignore(r),
            })
        })
    })
}

fn any_value(r: &mut Reading<'_>, depth: usize, w: &mut Output<'_>) -> Done {
    object(r, "value", |name, r| match name {
        "stringValue" | "string_value" => text(r, name, 1, w),
        "boolValue" | "bool_value" => {
            let value = match r.peek()? {
                Kind::Bool => r.bool()?,
                other => return Err(Bad::shape(name, "true or false", other)),
            };
            w.varint(2, value.into());
            Ok(())
        }
        "intValue" | "int_value" => {
            w.varint(3, whole::<i64>(r, name)? as u64);
            Ok(())
        }
        "doubleValue" | "double_value" => {
            w.fixed64(4, double(r, name)?.to_bits());
            Ok(())
        }
        "arrayValue" | "array_value" => {
            let depth = deeper(depth)?;
            w.in_message(5, |w| {
                object(r, name, |name, r| match name {
                    "values" => array(r, name, |r| w.in_message(1, |w| any_value(r, depth, w))),
                    _ => ignore(r),
                })
            })
        }
        "kvlistValue" | "kvlist_value" => {
            let depth = deeper(depth)?;
            w.in_message(6, |w| {
                object(r, name, |name, r| match name {
                    "values" => attributes(r, 1, depth, w),
                    _ => ignore(r),
                })
            })
        }
        "bytesValue" | "bytes_value" => {
            let text = string(r, name)?;
            let bytes = STANDARD.decode(text.as_bytes());
            let bytes = bytes.or_else(|_| URL_SAFE.decode(text.as_bytes()));
            w.bytes(7, &bytes.map_err(|_| Bad::value(name, "base64", &text))?);
            Ok(())
        }
        _ => ignore(r),
    })
}

fn deeper(depth: usize) -> Result<usize, Bad> {
    depth.checked_sub(1).ok_or_else(|| {
        Bad::Value(format!(
            "attribute's value nests deeper than {MAX_DEPTH} levels"
        ))
    })
}

/// A float; protobuf's JSON has words for those that are no numbers.
pub(crate) fn double(r: &mut Reading<'_>, what: &str) -> Result<f64, Bad> {
    let text = numeric(r, what)?;
    match &*text {
        "NaN" => Ok(f64::NAN),
        "Infinity" => Ok(f64::INFINITY),
        "-Infinity" => Ok(f64::NEG_INFINITY),
        other => other
            .parse()
            .map_err(|_| Bad::value(what, "a number", other)),
    }
}

// === impl Bad ===

impl Bad {
    /// A value of the wrong type.
    #[cold]
    pub(crate) fn shape(what: &str, wanted: &str, found: Kind) -> Self {
        let found = match found {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::String => "text",
            Kind::Number => "a number",
            Kind::Bool => "true or false",
            Kind::Null => "null",
        };
        Self::Value(format!("{what} is {found}, not {wanted}"))
    }

    /// A value of the right type that cannot be.
    #[cold]
    pub(crate) fn value(what: &str, wanted: &str, found: &str) -> Self {
        // enough to know it by, and no more: it comes from a stranger
        let shown: String = found.chars().take(32).collect();
        Self::Value(format!("{what} {shown:?} is not {wanted}"))
    }
}
