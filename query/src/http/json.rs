//! A trace as Jaeger's web UI and its clients read it.
//!
//! In: a [`Trace`]. Out: compact JSON in Go's spelling, written straight from the spans. Processes are `p1`, `p2` … by first appearance over
//! the spans, equal ones merged. What JSON has no number for is text: integers beyond 2^53 − 1, NaN and infinities.
//!
//! Source: `jaegertracing/jaeger: internal/uimodel` v1.76.0.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::RefType;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use wire::go_json;
use wire::jaeger::{Log, Process, Reference, Span, Tag, TagValue};

use crate::Trace;
use crate::fingerprint::Fingerprints;

/// Beyond it JavaScript's numbers are not exact.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// `trace` as one JSON object.
pub(crate) fn write(trace: &Trace) -> Vec<u8> {
    go_json::to_vec(&Page::of(trace))
}

/// The same in pieces, for a body that is given piece by piece: one text of many megabytes would be held twice whenever it grows.
pub(crate) fn pieces(trace: &Trace) -> Vec<Vec<u8>> {
    go_json::to_pieces(&Page::of(trace))
}

/// A trace with its processes numbered.
struct Page<'a> {
    trace: &'a Trace,
    /// For each span, in their order.
    process_ids: Vec<Arc<str>>,
    /// Sorted by id as text, as Go sorts the keys of a map.
    processes: BTreeMap<Arc<str>, &'a Process>,
}

struct Spans<'a>(&'a Page<'a>);
struct SpanJson<'a>(&'a Span, &'a str);
struct ReferenceJson<'a>(&'a Reference);
pub(super) struct TagJson<'a>(pub(super) &'a Tag);
struct LogJson<'a>(&'a Log);
struct ProcessJson<'a>(&'a Process);
/// An empty list of warnings is null.
struct Warnings<'a, T>(&'a [T]);
struct Each<'a, T, F>(&'a [T], F);

// === impl Page ===

impl<'a> Page<'a> {
    fn of(trace: &'a Trace) -> Self {
        let mut fingerprints = Fingerprints::default();
        let mut ids: HashMap<u128, Arc<str>> = HashMap::new();
        let mut page = Self {
            trace,
            process_ids: Vec::with_capacity(trace.spans.len()),
            processes: BTreeMap::new(),
        };
        for span in &trace.spans {
            let next = ids.len() + 1;
            let id = ids
                .entry(fingerprints.of_process(&span.process))
                .or_insert_with(|| Arc::from(format!("p{next}")));
            page.process_ids.push(id.clone());
            page.processes
                .entry(id.clone())
                .or_insert_with(|| &*span.process);
        }
        page
    }
}

impl Serialize for Page<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("traceID", &Text(self.trace.id()))?;
        map.serialize_entry("spans", &Spans(self))?;
        map.serialize_entry("processes", &ProcessesJson(&self.processes))?;
        map.serialize_entry("warnings", &Warnings(&self.trace.warnings))?;
        map.end()
    }
}

struct ProcessesJson<'a>(&'a BTreeMap<Arc<str>, &'a Process>);

impl Serialize for ProcessesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (id, process) in self.0 {
            map.serialize_entry(&**id, &ProcessJson(process))?;
        }
        map.end()
    }
}

impl Serialize for Spans<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for (span, id) in self.0.trace.spans.iter().zip(&self.0.process_ids) {
            seq.serialize_element(&SpanJson(span, id))?;
        }
        seq.end()
    }
}

impl Serialize for SpanJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(span, process_id) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("traceID", &Text(span.trace_id))?;
        map.serialize_entry("spanID", &Text(span.span_id))?;
        if span.flags != 0 {
            map.serialize_entry("flags", &span.flags)?;
        }
        map.serialize_entry("operationName", span.operation_name.as_str())?;
        map.serialize_entry("references", &Each(&span.references, ReferenceJson))?;
        map.serialize_entry("startTime", &(span.start_ns / 1000))?;
        map.serialize_entry("duration", &(span.duration_ns / 1000))?;
        map.serialize_entry("tags", &Each(&span.tags, TagJson))?;
        map.serialize_entry("logs", &Each(&span.logs, LogJson))?;
        map.serialize_entry("processID", process_id)?;
        map.serialize_entry("warnings", &Warnings(&span.warnings))?;
        map.end()
    }
}

impl Serialize for ReferenceJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ref_type = match self.0.ref_type {
            RefType::ChildOf => "CHILD_OF",
            RefType::FollowsFrom => "FOLLOWS_FROM",
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("refType", ref_type)?;
        map.serialize_entry("traceID", &Text(self.0.trace_id))?;
        map.serialize_entry("spanID", &Text(self.0.span_id))?;
        map.end()
    }
}

impl Serialize for TagJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("key", self.0.key.as_str())?;
        map.serialize_entry("type", self.0.value.type_name())?;
        match &self.0.value {
            TagValue::String(text) => map.serialize_entry("value", text.as_str())?,
            TagValue::Bool(value) => map.serialize_entry("value", value)?,
            TagValue::Int(value) if value.unsigned_abs() > MAX_SAFE => {
                map.serialize_entry("value", &Text(value))?;
            }
            TagValue::Int(value) => map.serialize_entry("value", value)?,
            TagValue::Double(value) if value.is_finite() => map.serialize_entry("value", value)?,
            TagValue::Double(value) => {
                map.serialize_entry("value", &go_json::float_text(*value))?;
            }
            TagValue::Binary(bytes) => {
                map.serialize_entry("value", &BASE64.encode(bytes.as_bytes()))?;
            }
        }
        map.end()
    }
}

impl Serialize for LogJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &(self.0.time_ns / 1000))?;
        map.serialize_entry("fields", &Each(&self.0.fields, TagJson))?;
        map.end()
    }
}

impl Serialize for ProcessJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("serviceName", self.0.service_name.as_str())?;
        map.serialize_entry("tags", &Each(&self.0.tags, TagJson))?;
        map.end()
    }
}

impl<T: AsRef<str>> Serialize for Warnings<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            return serializer.serialize_none();
        }
        serializer.collect_seq(self.0.iter().map(AsRef::as_ref))
    }
}

impl<'a, T, J: Serialize, F: Fn(&'a T) -> J> Serialize for Each<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// What is shown as text.
struct Text<T>(T);

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
