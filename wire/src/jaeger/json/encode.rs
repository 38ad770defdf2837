//! From spans to the JSON of protobuf, as Jaeger's code writes it: the trace id, times and `process` always, anything else unless it is zero
//! or empty.
//!
//! In: spans of either dialect. Out: text at the end of a buffer, equal to Jaeger's byte for byte; tags, fields and references come from
//! [`tags`]. What Jaeger cannot say is lost, as in [`crate::jaeger::proto`].
//!
//! Source: `gogo/protobuf: jsonpb/jsonpb.go` v1.3.2 and the golden Kafka records of v1.76.0.

use std::fmt::Display;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::{Event, RefType, Resource, Span};

use super::time;
use crate::go_json;
use crate::jaeger::Reference;
use crate::jaeger::tags::{self, Text, ValueRef};
use crate::otlp::json::write::double_word;

/// Appends `span` to `out`, with its process inside. Beyond `out` nothing is allocated, but for the text of an attribute that is an array or a
/// map, and of a float that Go writes with an exponent.
pub fn encode_span(span: &Span, out: &mut Vec<u8>) {
    Json(out).object(|w| {
        w.bytes("traceId", &span.trace_id.0);
        // a number to Go, which leaves zeros out
        if !span.span_id.is_zero() {
            w.bytes("spanId", &span.span_id.0);
        }
        w.text("operationName", &span.name);
        w.list("references", |w| {
            tags::for_each_reference(span, |reference| w.reference(&reference));
        });
        match tags::flags(span) {
            0 => {}
            flags => w.shown("flags", flags),
        }
        w.quoted("startTime", time::timestamp_of(span.start_ns));
        // an end before its start is a negative duration, which Jaeger can say
        let duration = span.end_ns.wrapping_sub(span.start_ns) as i64;
        if duration != 0 {
            w.quoted("duration", time::duration_of(duration));
        }
        w.list("tags", |w| {
            tags::for_each_span_tag(span, |key, value| w.tag(&key, &value));
        });
        w.list("logs", |w| {
            for event in &span.events {
                w.log(span, event);
            }
        });
        if tags::has_process(&span.resource) {
            w.process(&span.resource);
        }
        w.list("warnings", |w| {
            for warning in &span.warnings {
                w.comma();
                go_json::append(warning.as_str(), w.0);
            }
        });
    });
}

/// Appends to a buffer.
struct Json<'a>(&'a mut Vec<u8>);

// === impl Json ===

impl Json<'_> {
    fn reference(&mut self, reference: &Reference) {
        self.comma();
        self.object(|w| {
            w.bytes("traceId", &reference.trace_id.0);
            if !reference.span_id.is_zero() {
                w.bytes("spanId", &reference.span_id.0);
            }
            if reference.ref_type == RefType::FollowsFrom {
                w.text("refType", "FOLLOWS_FROM");
            }
        });
    }

    fn log(&mut self, span: &Span, event: &Event) {
        self.comma();
        self.object(|w| {
            w.quoted("timestamp", time::timestamp_of(event.time_ns));
            w.list("fields", |w| {
                tags::for_each_log_field(span.dialect, event, |key, value| w.tag(&key, &value));
            });
        });
    }

    fn process(&mut self, resource: &Resource) {
        self.name("process");
        self.object(|w| {
            w.text("serviceName", resource.service_name());
            w.list("tags", |w| {
                tags::for_each_process_tag(resource, |key, value| w.tag(&key, &value));
            });
        });
    }

    fn tag(&mut self, key: &Text<'_>, value: &ValueRef<'_>) {
        self.comma();
        self.object(|w| {
            w.text("key", key.as_str());
            match value {
                ValueRef::String(text) => w.text("vStr", text.as_str()),
                ValueRef::Bool(value) => {
                    w.text("vType", "BOOL");
                    if *value {
                        w.shown("vBool", value);
                    }
                }
                ValueRef::Int(value) => {
                    w.text("vType", "INT64");
                    if *value != 0 {
                        w.quoted("vInt64", value);
                    }
                }
                ValueRef::Double(value) => {
                    w.text("vType", "FLOAT64");
                    match double_word(*value) {
                        Some(word) => w.text("vFloat64", word),
                        None if *value == 0.0 => {}
                        None => {
                            w.name("vFloat64");
                            go_json::append(value, w.0);
                        }
                    }
                }
                ValueRef::Binary(bytes) => {
                    w.text("vType", "BINARY");
                    if !bytes.is_empty() {
                        w.bytes("vBinary", bytes);
                    }
                }
            }
        });
    }

    /// A comma, unless an object or a list was begun just now: no value ends in these brackets.
    fn comma(&mut self) {
        if !matches!(self.0.last(), Some(b'{' | b'[')) {
            self.0.push(b',');
        }
    }

    /// A member's name.
    fn name(&mut self, name: &'static str) {
        self.comma();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn object(&mut self, members: impl FnOnce(&mut Json<'_>)) {
        self.0.push(b'{');
        members(&mut Json(self.0));
        self.0.push(b'}');
    }

    /// A member that is a list, unless it stays empty.
    fn list(&mut self, name: &'static str, elements: impl FnOnce(&mut Json<'_>)) {
        let before = self.0.len();
        self.name(name);
        self.0.push(b'[');
        let empty = self.0.len();
        elements(&mut Json(self.0));
        if self.0.len() == empty {
            self.0.truncate(before);
        } else {
            self.0.push(b']');
        }
    }

    /// A member that is text, unless it is empty.
    fn text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.name(name);
            go_json::append(text, self.0);
        }
    }

    /// A member that is bytes in base64.
    fn bytes(&mut self, name: &'static str, bytes: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        let start = self.0.len();
        let room = base64::encoded_len(bytes.len(), true).unwrap_or_default();
        self.0.resize(start + room, 0);
        let written = match self.0.get_mut(start..) {
            Some(room) => BASE64.encode_slice(bytes, room).unwrap_or_default(),
            None => 0,
        };
        self.0.truncate(start + written);
        self.0.push(b'"');
    }

    /// A member as it is shown.
    fn shown(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        self.show(value);
    }

    /// The same between quotes; nothing in it wants an escape.
    fn quoted(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        self.0.push(b'"');
        self.show(value);
        self.0.push(b'"');
    }

    fn show(&mut self, value: impl Display) {
        let written = write!(self.0, "{value}");
        debug_assert!(written.is_ok(), "memory takes what is written");
    }
}
