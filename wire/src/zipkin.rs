//! Zipkin's formats: its second model in JSON and protobuf, its first in JSON.
//!
//! In: the body of a request, and when it was received. Out: spans in the `Otlp` dialect, as Jaeger 1.76 makes them of Zipkin's over HTTP,
//! with text that points into that body. Every format becomes a `Span` of Zipkin's second model first, and there is one way from that to
//! the model's.
//!
//! A span that is broken in itself (no valid ids, a value that its field cannot have) is rejected and its neighbours are kept, as in
//! [`crate::otlp`], also when no good one is left; Jaeger refuses the request. Text that is no JSON, and what is no list of spans, is an
//! error of the whole. Ids have 64 or 128 bits and are kept as they are, also when one trace has both; longer ones are cut to their last
//! digits, as Zipkin does. `debug` and `shared` are lost, as in Jaeger: the `Otlp` dialect has no place for them.
//!
//! What differs from Jaeger on purpose: a span without a time begins at its earliest annotation, else when it was received; tags that
//! describe the resource are moved there from every span; the text of a `v1` error is kept; and an annotation or a link that cannot be
//! taken apart stays whole, where Jaeger refuses the request.
//!
//! Source: `open-telemetry/opentelemetry-collector-contrib: pkg/translator/zipkin` v0.140.1; `openzipkin/zipkin-go: model` v0.4.3;
//! `openzipkin/zipkin-api: zipkin.proto`, `zipkin2-api.yaml`, `zipkin-api.yaml`.

mod annotation;
mod attributes;
mod convert;
mod id;
mod json;
mod link;
mod proto;
mod resource;
mod room;
mod span;
mod tags;
mod v1;

use bytes::Bytes;

use crate::{DecodeError, Decoded};
use convert::Rules;
use span::{Annotation, Endpoint, Span};

/// Decodes the body of `POST /api/v2/spans` in JSON: a list of spans. `received_ns` is the time of receipt in nanoseconds since the Unix
/// epoch, for spans that say no time. An error says that the text is no JSON or no list; a rejected span's payload is its JSON text.
pub fn decode_v2_json(body: Bytes, received_ns: u64) -> Result<Decoded, DecodeError> {
    json::decode(body, Rules::V2, received_ns, json::span)
}

/// Decodes the body of `POST /api/v2/spans` in protobuf: a `zipkin.proto3.ListOfSpans`. An error says that the frame around the spans could
/// not be followed.
#[allow(clippy::needless_pass_by_value)] // every decoder takes the body
pub fn decode_v2_proto(body: Bytes, received_ns: u64) -> Result<Decoded, DecodeError> {
    proto::decode(&body, received_ns)
}

/// Decodes the body of `POST /api/v1/spans` in JSON, by the same rules as [`decode_v2_json`].
pub fn decode_v1_json(body: Bytes, received_ns: u64) -> Result<Decoded, DecodeError> {
    let mut reader = v1::SpanReader::default();
    json::decode(body, Rules::V1, received_ns, |r, source, span| {
        reader.span(r, source, span)
    })
}

#[cfg(test)]
mod tests;
