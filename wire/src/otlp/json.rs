//! OTLP in JSON, turned into protobuf: one rule book for both.
//!
//! In: JSON text. Out: the same request as protobuf in one buffer, which [`super::request`] then reads, and where each span stood in the
//! text. So a string is copied once, into a buffer that all spans share. A span with a value that its field cannot have is left out and
//! named; text that is no JSON, or a frame of the wrong shape, is an error of the whole.
//!
//! Names are taken in lowerCamelCase and in snake_case, ids in hex of either case, 64-bit numbers as text too, enums by number or name.
//! Unknown names, and `null`, are passed over.
//!
//! Source: OTLP specification 1.9, "JSON Protobuf Encoding"; `go.opentelemetry.io/collector/pdata: ptrace/json.go` v0.140.

pub(crate) mod fields;
pub(crate) mod reader;
pub(crate) mod write;

use std::ops::Range;

use crate::DecodeError;
use crate::budget::Budget;
use crate::writer::Writer;
use fields::{Bad, Output, Reading};
use reader::{Fault, Reader};

/// A request in protobuf, with what became of its spans.
pub(crate) struct Transcoded {
    /// The request.
    pub(crate) protobuf: Vec<u8>,
    /// Spans that are not in it: why, and where they stood in the text.
    pub(crate) rejected: Vec<(String, Range<usize>)>,
    /// What the text may still take in memory.
    pub(crate) budget: Budget,
}

/// Turns `text` into protobuf.
pub(crate) fn transcode(text: &[u8]) -> Result<Transcoded, DecodeError> {
    let mut frame = Frame {
        rejected: Vec::new(),
        budget: Budget::of_message(text.len()),
        spans: 0,
        wanted: &[],
        found: Vec::new(),
    };
    let protobuf = frame.run(text)?;
    // it moves while it grows
    frame.budget.charge(2, protobuf.len())?;
    Ok(Transcoded {
        protobuf,
        rejected: frame.rejected,
        budget: frame.budget,
    })
}

/// Where in `text` the spans stood that became these of the request, in ascending order. Asked when one of them turns out to be broken, and
/// so not kept for all.
pub(crate) fn locate(text: &[u8], wanted: &[usize]) -> Result<Vec<Range<usize>>, DecodeError> {
    let mut frame = Frame {
        rejected: Vec::new(),
        budget: Budget::unlimited(),
        spans: 0,
        wanted,
        found: Vec::with_capacity(wanted.len()),
    };
    frame.run(text)?;
    Ok(frame.found)
}

/// Everything around the spans.
struct Frame<'w> {
    rejected: Vec<(String, Range<usize>)>,
    budget: Budget,
    /// How many spans were written.
    spans: usize,
    wanted: &'w [usize],
    found: Vec<Range<usize>>,
}

// === impl Frame ===

impl Frame<'_> {
    fn run(&mut self, text: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let text = std::str::from_utf8(text)
            .map_err(|error| DecodeError::Json(format!("JSON is not UTF-8: {error}")))?;
        let mut reader = Reader::new(text);
        let mut protobuf = Vec::with_capacity(text.len() / 2);
        self.request(&mut reader, &mut Writer::new(&mut protobuf))
            .and_then(|()| reader.end().map_err(Bad::from))
            .map_err(DecodeError::from)?;
        Ok(protobuf)
    }

    fn request(&mut self, r: &mut Reading<'_>, w: &mut Output<'_>) -> Result<(), Bad> {
        fields::object(r, "request", |name, r| match name {
            "resourceSpans" | "resource_spans" => fields::array(r, "resourceSpans", |r| {
                w.in_message(1, |w| self.resource_spans(r, w))
            }),
            _ => fields::ignore(r),
        })
    }

    fn resource_spans(&mut self, r: &mut Reading<'_>, w: &mut Output<'_>) -> Result<(), Bad> {
        fields::object(r, "resourceSpans", |name, r| match name {
            "resource" => w.in_message(1, |w| fields::resource(r, w)),
            "scopeSpans" | "scope_spans" => fields::array(r, "scopeSpans", |r| {
                w.in_message(2, |w| self.scope_spans(r, w))
            }),
            "schemaUrl" | "schema_url" => fields::text(r, "schemaUrl", 3, w),
            _ => fields::ignore(r),
        })
    }

    fn scope_spans(&mut self, r: &mut Reading<'_>, w: &mut Output<'_>) -> Result<(), Bad> {
        fields::object(r, "scopeSpans", |name, r| match name {
            "scope" => w.in_message(1, |w| fields::scope(r, w)),
            "spans" => fields::array(r, "spans", |r| self.span(r, w)),
            "schemaUrl" | "schema_url" => fields::text(r, "schemaUrl", 3, w),
            _ => fields::ignore(r),
        })
    }

    /// A span that is broken in itself is passed over as a JSON value, and what was written of it is taken back.
    fn span(&mut self, r: &mut Reading<'_>, w: &mut Output<'_>) -> Result<(), Bad> {
        let before = r.clone();
        let written = w.len();
        match w.in_message(2, |w| fields::span(r, w)) {
            Ok(()) => {
                if self.wanted.get(self.found.len()) == Some(&self.spans) {
                    self.found.push(before.value_range(r));
                }
                self.spans += 1;
                Ok(())
            }
            Err(Bad::Value(reason)) => {
                w.truncate(written);
                *r = before.clone();
                r.skip_value()?;
                self.budget
                    .charge(1, 768)
                    .map_err(|_| Bad::Value("too many broken spans".to_owned()))?;
                self.rejected.push((reason, before.value_range(r)));
                Ok(())
            }
            Err(whole) => Err(whole),
        }
    }
}

impl From<Fault> for Bad {
    fn from(fault: Fault) -> Self {
        Self::Text(fault)
    }
}

impl From<DecodeError> for Bad {
    fn from(error: DecodeError) -> Self {
        Self::Whole(error)
    }
}

impl From<Bad> for DecodeError {
    fn from(bad: Bad) -> Self {
        match bad {
            Bad::Whole(error) => error,
            other => Self::Json(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
