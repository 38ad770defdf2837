//! Which encoding a value is of, by its beginning.
//!
//! In: a value. Out: an encoding, which its decoder then holds it to. The first field of Jaeger's span is an id of 16 bytes, or of 8; the first of
//! OTLP's `TracesData` is a message that is longer, since it holds a span with both ids. A list of structs in binary Thrift begins with their
//! type. Zipkin's protobuf looks like OTLP's and is never told.

use super::Encoding;
use crate::otlp::json::reader::Reader;

/// Field 1, of a declared length.
const FIRST_FIELD: u8 = 1 << 3 | 2;
/// Thrift's type of a struct.
const STRUCT: u8 = 12;

/// The encoding of `value`.
pub(super) fn detect(value: &[u8]) -> Option<Encoding> {
    match value {
        [FIRST_FIELD, 16 | 8, ..] => Some(Encoding::JaegerProto),
        // a line feed in front of JSON looks like this, too: no producer writes one
        [FIRST_FIELD, ..] => Some(Encoding::OtlpProto),
        [STRUCT, ..] => Some(Encoding::ZipkinThrift),
        _ => match value.trim_ascii_start() {
            [b'[', ..] => Some(Encoding::ZipkinJson),
            object @ [b'{', ..] => by_names(object),
            _ => None,
        },
    }
}

/// By the first name of an object that is a telling one.
fn by_names(object: &[u8]) -> Option<Encoding> {
    // what is no UTF-8 ends the search, and is named by the decoder if that is known by then
    let text = object.utf8_chunks().next()?.valid();
    let mut reader = Reader::new(text);
    reader.begin_object().ok()?;
    let mut first = true;
    while let Some(name) = reader.next_name(first).ok()? {
        first = false;
        match &*name {
            "resourceSpans" | "resource_spans" => return Some(Encoding::OtlpJson),
            "traceId" | "trace_id" => return Some(Encoding::JaegerJson),
            _ => reader.skip_value().ok()?,
        }
    }
    None
}
