//! What a fuzzer runs: one function a parser of foreign bytes, each with an oracle that is not the parser.
//!
//! In: any bytes. Out: nothing, or a panic that says what was broken. A decoder may refuse; what it takes must survive its encoder, and
//! what the generated types take must be taken. The test beside this file runs them over seeds and mutations; a fuzzer can run them for as long as it likes.

use std::sync::Arc;

use bytes::Bytes;
use model::{Buffer, Span};
use prost::Message as _;

use crate::encoding::{self, Encoder, Encoding, Expected, Written};
use crate::r#gen;
use crate::jaeger::{json, proto};
use crate::thrift::{self, Message, Protocol};
use crate::{DecodeError, Decoded, otlp, record, zipkin};

/// A function here, with its name.
pub type Target = (&'static str, fn(&[u8]));

/// Every function here.
pub const ALL: [Target; 13] = [
    ("otlp_protobuf", otlp_protobuf),
    ("otlp_json", otlp_json),
    ("jaeger_post_spans", jaeger_post_spans),
    ("jaeger_span", jaeger_span),
    ("jaeger_json", jaeger_json),
    ("record_value", record_value),
    ("own_record", own_record),
    ("zipkin_v2_json", zipkin_v2_json),
    ("zipkin_v2_protobuf", zipkin_v2_protobuf),
    ("zipkin_v1_json", zipkin_v1_json),
    ("thrift_batch", thrift_batch),
    ("thrift_message", thrift_message),
    ("thrift_zipkin", thrift_zipkin),
];

/// Floats are compared by their text, since NaN differs from itself.
fn same(a: &[Span], b: &[Span]) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

/// An OTLP request in protobuf.
pub fn otlp_protobuf(data: &[u8]) {
    let ours = otlp::decode(Bytes::copy_from_slice(data));
    if r#gen::otlp::ExportTraceServiceRequest::decode(data).is_ok() {
        assert!(ours.is_ok(), "prost takes it and we do not");
    }
    if let Ok(decoded) = ours {
        through_otlp(&decoded.spans);
        for span in &decoded.spans {
            through_record(span);
            stays_in_jaeger(span);
        }
    }
}

/// An OTLP request in JSON.
pub fn otlp_json(data: &[u8]) {
    let ours = otlp::decode_json(Bytes::copy_from_slice(data));
    if ours.is_ok() {
        let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(data);
        assert!(theirs.is_ok(), "serde does not take it and we do");
    }
    if let Ok(decoded) = ours {
        through_otlp(&decoded.spans);
        let again = otlp::decode_json(Bytes::from(otlp::encode_json(&decoded.spans)));
        same(&decoded.spans, &again.map(|d| d.spans).unwrap_or_default());
    }
}

/// A Jaeger `PostSpansRequest`.
pub fn jaeger_post_spans(data: &[u8]) {
    let ours = proto::decode_post_spans(Bytes::copy_from_slice(data));
    if r#gen::api_v2::PostSpansRequest::decode(data).is_ok() {
        assert!(ours.is_ok(), "prost takes it and we do not");
    }
    if let Ok(decoded) = ours {
        through_jaeger(&decoded.spans);
    }
}

/// One Jaeger `Span`.
pub fn jaeger_span(data: &[u8]) {
    let ours = proto::decode_span(Bytes::copy_from_slice(data));
    match (r#gen::api_v2::Span::decode(data), &ours) {
        (Ok(theirs), Ok(ours)) => {
            let text = *ours.name == theirs.operation_name && ours.flags == theirs.flags;
            assert!(text, "{ours:?} is not {theirs:?}");
            let counts = |s: &Span| (s.events.len(), s.links.len(), s.warnings.len());
            let expect = (
                theirs.logs.len(),
                theirs.references.len(),
                theirs.warnings.len(),
            );
            assert_eq!(counts(ours), expect, "parts are missing");
            assert!(
                ours.attributes.len() == theirs.tags.len(),
                "tags are missing"
            );
        }
        (Ok(_), Err(error)) => {
            // what prost does not look at: how long ids are, how deep groups are, how much memory it takes
            let known = ["trace id", "span id", "message of many", "group nests"];
            let error = error.to_string();
            assert!(
                known.iter().any(|known| error.contains(known)),
                "prost takes it and we do not: {error}"
            );
        }
        (Err(_), _) => {}
    }
    if let Ok(span) = ours {
        through_record(&span);
        stays_in_jaeger(&span);
    }
}

/// One Jaeger `Span` in JSON.
pub fn jaeger_json(data: &[u8]) {
    let Ok(span) = json::decode_span(Bytes::copy_from_slice(data)) else {
        return;
    };
    let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(data);
    assert!(theirs.is_ok(), "serde does not take it and we do");
    through_record(&span);
    stays_in_jaeger(&span);
}

/// The value of a Kafka record in each encoding, and in the one that it is taken for.
pub fn record_value(data: &[u8]) {
    let value = || Bytes::copy_from_slice(data);
    for encoding in encoding::ALL {
        let Ok(decoded) = encoding.decode(value(), RECEIVED_NS) else {
            continue;
        };
        assert!(!data.is_empty(), "nothing is a value");
        let longer = Bytes::from([data, b"\0"].concat());
        let garbage = encoding.decode(longer, RECEIVED_NS).is_err();
        assert!(garbage, "{encoding} takes what follows the value");
        for encoding in encoding::ALL {
            comes_back(encoding, &decoded.spans);
        }
    }
    // what it is taken for need not be what it is
    drop(Expected::Auto.decode(value(), RECEIVED_NS));
}

/// What was written is told to be what it is, and holds as many spans.
fn comes_back(encoding: Encoding, spans: &[Span]) {
    let (Some(encoder), Some(first)) = (encoding.encoder(), spans.first()) else {
        return;
    };
    let mut value = Vec::new();
    let count = match encoder {
        Encoder::Span(encode) => {
            encode(first, &mut Written::default(), &mut value);
            1
        }
        Encoder::Batch(encode) => {
            encode(spans, &mut value);
            spans.len()
        }
    };
    assert_eq!(Expected::Auto.encoding_of(&value), Some(encoding));
    let again = Expected::Auto.decode(Bytes::from(value), RECEIVED_NS);
    let (found, rejected) = again.map_or((0, 0), |d| (d.spans.len(), d.rejected.len()));
    // ids of zeros, which Jaeger keeps, are none to OTLP
    assert_eq!(found + rejected, count, "spans are missing");
}

const PROTOCOLS: [Protocol; 2] = [Protocol::Binary, Protocol::Compact];

/// A batch in Jaeger's Thrift.
pub fn thrift_batch(data: &[u8]) {
    for protocol in PROTOCOLS {
        if let Ok(batch) = thrift::decode_batch(Bytes::copy_from_slice(data), protocol) {
            through_jaeger(&batch.decoded.spans);
        }
    }
}

/// A remote call to Jaeger's agent.
pub fn thrift_message(data: &[u8]) {
    for protocol in PROTOCOLS {
        match thrift::decode_message(Bytes::copy_from_slice(data), protocol) {
            Ok(Message::EmitBatch(batch)) => through_jaeger(&batch.decoded.spans),
            Ok(Message::EmitZipkinBatch(decoded)) => through_jaeger(&decoded.spans),
            Err(_) => {}
        }
    }
}

/// A list of Zipkin's spans in Thrift.
pub fn thrift_zipkin(data: &[u8]) {
    for protocol in PROTOCOLS {
        if let Ok(decoded) = thrift::decode_zipkin(Bytes::copy_from_slice(data), protocol) {
            through_jaeger(&decoded.spans);
        }
    }
}

/// The store's own records, as a damaged file might hold them.
pub fn own_record(data: &[u8]) {
    let Some(buffer) = Buffer::new(Bytes::copy_from_slice(data)) else {
        return;
    };
    // damage may be refused, as long as it does not panic
    drop(record::decode_resource(&buffer, 0..data.len()));
    drop(record::decode_scope(&buffer, 0..data.len()));
    if let Ok(span) = record::decode_span(&buffer, 0..data.len(), Arc::default(), Arc::default()) {
        through_record(&span);
    }
}

/// A time of receipt, in nanoseconds since the Unix epoch.
const RECEIVED_NS: u64 = 1_795_420_469_000_000_000;

/// Spans of Zipkin's second model in JSON.
pub fn zipkin_v2_json(data: &[u8]) {
    zipkin_json(data, zipkin::decode_v2_json);
}

/// Spans of Zipkin's first model in JSON.
pub fn zipkin_v1_json(data: &[u8]) {
    zipkin_json(data, zipkin::decode_v1_json);
}

fn zipkin_json(data: &[u8], decode: fn(Bytes, u64) -> Result<Decoded, DecodeError>) {
    if let Ok(decoded) = decode(Bytes::copy_from_slice(data), RECEIVED_NS) {
        let text = String::from_utf8_lossy(data);
        let theirs = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&text);
        assert!(theirs.is_ok(), "serde does not take it and we do");
        of_zipkin(&decoded.spans);
    }
}

/// A `zipkin.proto3.ListOfSpans`.
pub fn zipkin_v2_protobuf(data: &[u8]) {
    let ours = zipkin::decode_v2_proto(Bytes::copy_from_slice(data), RECEIVED_NS);
    match (r#gen::zipkin::ListOfSpans::decode(data), &ours) {
        (Ok(theirs), Ok(ours)) => {
            let count = ours.spans.len() + ours.rejected.len();
            assert_eq!(theirs.spans.len(), count, "spans are missing");
        }
        (Ok(_), Err(error)) => panic!("prost takes it and we do not: {error}"),
        (Err(_), _) => {}
    }
    of_zipkin(&ours.map(|d| d.spans).unwrap_or_default());
}

fn of_zipkin(spans: &[Span]) {
    for span in spans {
        let ids = !span.trace_id.is_zero() && !span.span_id.is_zero();
        assert!(ids, "a span without ids is taken");
        assert_ne!(span.parent_span_id, Some(span.span_id));
        through_record(span);
        stays_in_jaeger(span);
    }
    through_otlp(spans);
}

/// What every span in Jaeger's dialect must survive.
fn through_jaeger(spans: &[Span]) {
    for span in spans {
        through_record(span);
        stays_in_jaeger(span);
    }
    drop(otlp::encode(spans));
    drop(otlp::encode_json(spans));
    drop(proto::encode_post_spans(spans));
}

fn through_otlp(spans: &[Span]) {
    let again = otlp::decode(Bytes::from(otlp::encode(spans)));
    same(spans, &again.map(|d| d.spans).unwrap_or_default());
}

fn through_record(span: &Span) {
    let mut bytes = Vec::new();
    record::encode_span(span, &mut bytes);
    let len = bytes.len();
    let again = Buffer::new(Bytes::from(bytes)).map(|buffer| {
        let (resource, scope) = (span.resource.clone(), span.scope.clone());
        record::decode_span(&buffer, 0..len, resource, scope)
    });
    assert_eq!(
        format!("{:?}", Some(Ok::<_, ()>(span))),
        format!("{again:?}")
    );
}

/// Jaeger's bytes and text, read and written again, are the same, and mean the same; but for times that Go cannot hold.
fn stays_in_jaeger(span: &Span) {
    let (mut first, mut text) = (Vec::new(), Vec::new());
    proto::encode_span(span, &mut first);
    json::encode_span(span, &mut text);
    let of_bytes = proto::decode_span(Bytes::from(first.clone()));
    let of_text = json::decode_span(Bytes::from(text.clone()));
    let (Ok(of_bytes), Ok(of_text)) = (of_bytes, of_text) else {
        panic!("what was encoded is not decoded");
    };
    let in_range = span.start_ns >> 63 == 0 && span.end_ns >> 63 == 0;
    if in_range {
        let mut again = Vec::new();
        proto::encode_span(&of_bytes, &mut again);
        assert_eq!(first, again);
        again.clear();
        json::encode_span(&of_text, &mut again);
        assert_eq!(text, again);
        same(&[of_bytes], &[of_text]);
    }
}

#[cfg(test)]
mod tests;
