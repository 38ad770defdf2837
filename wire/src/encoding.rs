//! Spans in the values of Kafka records: Jaeger's encodings, by the names that versions 1 and 2 give them.
//!
//! In: a record's value. Out: its spans, as a receiver of that format gives them; nothing is sanitized. And back: a span, or a batch of spans,
//! as a value, and a trace id as a key. Each format is read and written by its own module: here stands which is which.
//!
//! A record does not say its encoding; producer and consumer must agree. A consumer may ask for [`Expected::Auto`], which looks at each value.
//!
//! Deliberately absent: topics, partitions, headers, compression.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/kafka` v1.76.0; `open-telemetry/opentelemetry-collector-contrib:
//! {exporter/kafkaexporter,receiver/kafkareceiver}` v0.155.

mod detect;

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use model::{Span, TraceId};

use crate::jaeger::{json, proto};
use crate::{DecodeError, Decoded, otlp, thrift, zipkin};

pub use crate::jaeger::proto::{Neighbours, Written};

/// How the value of a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// `jaeger.api_v2.Span` in protobuf.
    JaegerProto,
    /// The same in protobuf's JSON.
    JaegerJson,
    /// OTLP's `TracesData` in protobuf.
    OtlpProto,
    /// The same in JSON.
    OtlpJson,
    /// `zipkin.proto3.ListOfSpans`.
    ZipkinProto,
    /// A list of spans of Zipkin's second model in JSON.
    ZipkinJson,
    /// A list of spans of Zipkin's first model in Thrift's binary protocol.
    ZipkinThrift,
}

/// What a consumer is told of a topic's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// All are of this encoding.
    One(Encoding),
    /// Each is of the encoding that its first bytes tell: any but [`Encoding::ZipkinProto`], which looks like OTLP.
    Auto,
}

/// Appends the value of a record to a buffer; how many spans are a record is the variant.
#[derive(Clone, Copy, Debug)]
pub enum Encoder {
    /// Each span is a record, with its trace's key. What it has in common with the record before it need not be written anew.
    Span(fn(&Span, &mut Written, &mut Vec<u8>)),
    /// All spans of a batch are one record. Jaeger gives it no key.
    Batch(fn(&[Span], &mut Vec<u8>)),
}

/// A text that names no encoding.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "encoding {0:?} is none of protobuf (jaeger_proto), json (jaeger_json), zipkin-thrift, otlp_proto, otlp_json, zipkin_proto, zipkin_json"
)]
pub struct UnknownEncoding(String);

/// A value that no span can be had of, however often it is tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// It is null or empty.
    #[error("record has no value")]
    Empty,
    /// It is not what its encoding says.
    #[error("value is no {encoding}: {error}")]
    Undecodable {
        /// The encoding that it was taken for.
        encoding: Encoding,
        /// What is wrong with it, and where.
        error: DecodeError,
    },
    /// Its beginning is that of no encoding.
    #[error("value that begins with {start} is of no known encoding")]
    Unknown {
        /// Its first bytes, in hex.
        start: String,
    },
}

/// Every encoding.
pub const ALL: [Encoding; 7] = [
    Encoding::JaegerProto,
    Encoding::JaegerJson,
    Encoding::OtlpProto,
    Encoding::OtlpJson,
    Encoding::ZipkinProto,
    Encoding::ZipkinJson,
    Encoding::ZipkinThrift,
];

/// Appends the key of the records of a trace: its id in lower-case hex, of 16 digits when the higher half is zero, else of 32. Jaeger's
/// partitions, and stream jobs behind them, depend on this text.
pub fn encode_key(trace: TraceId, out: &mut Vec<u8>) {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
    let zeros = if trace.high() == 0 { 8 } else { 0 };
    let bytes = trace.0.iter().skip(zeros);
    out.extend(bytes.flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
}

// === impl Encoding ===

impl Encoding {
    /// The name in Jaeger 2.
    pub fn name(self) -> &'static str {
        match self {
            Self::JaegerProto => "jaeger_proto",
            Self::JaegerJson => "jaeger_json",
            Self::OtlpProto => "otlp_proto",
            Self::OtlpJson => "otlp_json",
            Self::ZipkinProto => "zipkin_proto",
            Self::ZipkinJson => "zipkin_json",
            Self::ZipkinThrift => "zipkin_thrift",
        }
    }

    /// The name in Jaeger 1, which has three.
    pub fn v1_name(self) -> Option<&'static str> {
        match self {
            Self::JaegerProto => Some("protobuf"),
            Self::JaegerJson => Some("json"),
            Self::ZipkinThrift => Some("zipkin-thrift"),
            Self::OtlpProto | Self::OtlpJson | Self::ZipkinProto | Self::ZipkinJson => None,
        }
    }

    /// How spans are written in it. `None`: it is read only, as in Jaeger.
    pub fn encoder(self) -> Option<Encoder> {
        match self {
            Self::JaegerProto => Some(Encoder::Span(proto::encode_span_after)),
            Self::JaegerJson => Some(Encoder::Span(|span, _, out| json::encode_span(span, out))),
            Self::OtlpProto => Some(Encoder::Batch(otlp::append)),
            Self::OtlpJson => Some(Encoder::Batch(otlp::append_json)),
            Self::ZipkinProto | Self::ZipkinJson | Self::ZipkinThrift => None,
        }
    }

    /// Decodes a record's value; a null one is given as an empty one. `received_ns` is the record's time in nanoseconds since the Unix epoch,
    /// for spans of Zipkin's that say no time. Spans that are broken in themselves are rejected one by one where the encoding holds many. A
    /// span's warnings, which Jaeger puts into an attribute of OTLP's, are warnings again.
    ///
    /// # Errors
    ///
    /// When there is nothing in it, or it cannot be followed, or it has nothing of its format about it and holds no span.
    pub fn decode(self, value: Bytes, received_ns: u64) -> Result<Decoded, ValueError> {
        self.decode_after(value, received_ns, &mut Neighbours::default())
    }

    fn decode_after(
        self,
        value: Bytes,
        received_ns: u64,
        neighbours: &mut Neighbours,
    ) -> Result<Decoded, ValueError> {
        // Protobuf takes no bytes for a message of defaults, and Jaeger 1 so stores a span of zeros under the service
        // `null-process-and-service-name` for every tombstone of a compacted topic
        if value.is_empty() {
            return Err(ValueError::Empty);
        }
        let len = value.len();
        let decoded = match self {
            Self::JaegerProto => proto::decode_span_after(value, neighbours).map(one),
            Self::JaegerJson => json::decode_span(value).map(one),
            Self::OtlpProto => otlp::decode(value)
                .and_then(|decoded| not_nothing(decoded, len))
                .map(with_warnings),
            Self::OtlpJson => otlp::line::decode(&value),
            Self::ZipkinProto => zipkin::decode_v2_proto(value, received_ns)
                .and_then(|decoded| not_nothing(decoded, len)),
            Self::ZipkinJson => zipkin::decode_v2_json(value, received_ns),
            Self::ZipkinThrift => thrift::decode_zipkin_record(value),
        };
        decoded.map_err(|error| ValueError::Undecodable {
            encoding: self,
            error,
        })
    }
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(text: &str) -> Result<Self, UnknownEncoding> {
        let as_in_v2 = text.replace('-', "_");
        ALL.into_iter()
            .find(|encoding| encoding.name() == as_in_v2 || encoding.v1_name() == Some(text))
            .ok_or_else(|| UnknownEncoding(text.to_owned()))
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Expected ===

impl Expected {
    /// The encoding of a record's value; `None` when its beginning is that of none.
    pub fn encoding_of(self, value: &[u8]) -> Option<Encoding> {
        match self {
            Self::One(encoding) => Some(encoding),
            Self::Auto => detect::detect(value),
        }
    }

    /// As [`Encoding::decode`].
    ///
    /// # Errors
    ///
    /// As [`Encoding::decode`], and when the value is of no encoding that can be told.
    pub fn decode(self, value: Bytes, received_ns: u64) -> Result<Decoded, ValueError> {
        self.decode_after(value, received_ns, &mut Neighbours::default())
    }

    /// The same of a record that comes after others: what its span has in common with that before it is one thing in memory.
    ///
    /// # Errors
    ///
    /// As [`Expected::decode`].
    pub fn decode_after(
        self,
        value: Bytes,
        received_ns: u64,
        neighbours: &mut Neighbours,
    ) -> Result<Decoded, ValueError> {
        if value.is_empty() {
            return Err(ValueError::Empty);
        }
        match self.encoding_of(&value) {
            Some(encoding) => encoding.decode_after(value, received_ns, neighbours),
            None => {
                let start = value.iter().take(8).map(|byte| format!("{byte:02x}"));
                let start = start.collect();
                Err(ValueError::Unknown { start })
            }
        }
    }
}

impl FromStr for Expected {
    type Err = UnknownEncoding;

    fn from_str(text: &str) -> Result<Self, UnknownEncoding> {
        match text {
            "auto" => Ok(Self::Auto),
            name => name.parse().map(Self::One),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(encoding) => encoding.fmt(f),
            Self::Auto => f.write_str("auto"),
        }
    }
}

fn one(span: Span) -> Decoded {
    Decoded {
        spans: vec![span],
        rejected: Vec::new(),
    }
}

/// Unknown fields alone are a valid message of protobuf, and so is now and then a value of another encoding: one without a span in it would be
/// lost without a word.
fn not_nothing(decoded: Decoded, len: usize) -> Result<Decoded, DecodeError> {
    if decoded.spans.is_empty() && decoded.rejected.is_empty() {
        return Err(DecodeError::Missing {
            what: "span",
            at: len,
        });
    }
    Ok(decoded)
}

fn with_warnings(mut decoded: Decoded) -> Decoded {
    decoded
        .spans
        .iter_mut()
        .for_each(otlp::line::restore_warnings);
    decoded
}

#[cfg(test)]
mod tests;
