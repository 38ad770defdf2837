//! OpenTelemetry's protocol: traces in protobuf and in JSON.
//!
//! In: the body of an `ExportTraceServiceRequest` (or a `TracesData`, which has its shape). Out: spans in the `Otlp` dialect whose text
//! points into that body. And back: spans of either dialect as a `TracesData`, those in the `Jaeger` dialect by the rules of
//! [`crate::jaeger::to_otlp`].
//!
//! Beyond protobuf's own rules: text that is not UTF-8 is mended, attribute values nest at most [`crate::MAX_DEPTH`] deep, and a message of
//! many tiny parts, which would take over 8 times its length in memory, is refused.

pub(crate) mod attribute;
pub(crate) mod json;
pub mod line;
mod request;
pub(crate) mod resource;
pub(crate) mod span;
pub(crate) mod write;

use bytes::Bytes;
use model::Buffer;

use crate::budget::Budget;
use crate::{DecodeError, Decoded, RejectedSpan};

pub use json::write::{append_json, encode_json};
pub use write::{append, encode, encode_own};

/// Decodes a protobuf body. A span that is broken in itself (no valid ids, too deep, cut short) is rejected and its neighbours are kept; an
/// error says that the frame around the spans could not be followed.
pub fn decode(body: Bytes) -> Result<Decoded, DecodeError> {
    decode_as::<{ span::FOREIGN }>(body)
}

/// Decodes what [`encode_own`] wrote: private fields are read, and ids are what they were.
pub fn decode_own(body: Bytes) -> Result<Decoded, DecodeError> {
    decode_as::<{ span::OWN }>(body)
}

fn decode_as<const MODE: bool>(body: Bytes) -> Result<Decoded, DecodeError> {
    let whole = body.clone();
    let buffer = Buffer::new(body).ok_or(DecodeError::TooLong(whole.len()))?;
    let request = request::request::<MODE>(&buffer, Budget::of_message(whole.len()))?;
    let rejected = request
        .rejections
        .into_iter()
        .map(|rejection| RejectedSpan {
            reason: rejection.reason.to_string(),
            payload: whole.slice(rejection.range),
        })
        .collect();
    Ok(Decoded {
        spans: request.spans,
        rejected,
    })
}

/// Decodes a JSON body by the same rules. A rejected span's payload is its JSON text.
#[allow(clippy::needless_pass_by_value)] // every decoder takes the body
pub fn decode_json(body: Bytes) -> Result<Decoded, DecodeError> {
    let transcoded = json::transcode(&body)?;
    let protobuf = Bytes::from(transcoded.protobuf);
    let len = protobuf.len();
    let buffer = Buffer::new(protobuf).ok_or(DecodeError::TooLong(len))?;
    let request = request::request::<{ span::FOREIGN }>(&buffer, transcoded.budget)?;
    let unfit = request.rejections;
    let ordinals: Vec<usize> = unfit.iter().map(|rejection| rejection.ordinal).collect();
    let places = match ordinals.as_slice() {
        [] => Vec::new(),
        wanted => json::locate(&body, wanted)?,
    };
    let unfit = unfit.iter().map(|rejection| rejection.reason.to_string());
    let rejected = transcoded
        .rejected
        .into_iter()
        .chain(unfit.zip(places))
        .map(|(reason, range)| RejectedSpan {
            reason,
            payload: body.slice(range),
        })
        .collect();
    Ok(Decoded {
        spans: request.spans,
        rejected,
    })
}

#[cfg(test)]
pub(crate) mod tests;
