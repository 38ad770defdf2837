//! Jaeger's protobuf, `jaeger.api_v2`: `PostSpansRequest` as its clients send it and `Span` as it stands in Kafka.
//!
//! In: bytes. Out: spans in the `Jaeger` dialect whose text points into them. And back: spans of either dialect, byte for byte as Jaeger
//! v1.76 writes them, through the one table of tag rules ([`super::tags`]).
//!
//! A span whose id has a wrong length, or that is broken inside, is rejected alone, where Jaeger refuses the whole message.
//! `process_id` is passed over: nothing sends it.
//!
//! Source: `jaegertracing/jaeger-idl: proto/api_v2/{model,collector}.proto` v0.6.0.

mod decode;
mod encode;
mod tag;

pub(crate) use decode::decode_span_within;
pub use decode::{Neighbours, decode_post_spans, decode_span, decode_span_after, decode_spans};
pub use encode::{
    Written, encode_each, encode_post_spans, encode_span, encode_span_after, encode_spans,
};

#[cfg(test)]
mod tests;
