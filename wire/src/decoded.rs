//! What every decoder answers.

use bytes::Bytes;
use model::Span;

/// How deep attribute values may nest, in arrays and maps.
pub const MAX_DEPTH: usize = 32;

/// What a message held.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The spans that can be stored.
    pub spans: Vec<Span>,
    /// The spans that never can be; their neighbours are in `spans`.
    pub rejected: Vec<RejectedSpan>,
}

/// A span that can never be stored.
#[derive(Clone, Debug)]
pub struct RejectedSpan {
    /// Why, in words for a person: the field and the value that were wrong.
    pub reason: String,
    /// The span's bytes as they came.
    pub payload: Bytes,
}

/// A message that could not be followed at all: nothing of it was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends inside a value.
    #[error("message ends inside {what} at byte {at}")]
    Truncated {
        /// The field or structure that was being read.
        what: &'static str,
        /// Offset from the start of the message, in bytes.
        at: usize,
    },
    /// A value or a wire type that its field cannot have.
    #[error("invalid {what} at byte {at}")]
    Invalid {
        /// The field or structure that was being read.
        what: &'static str,
        /// Offset from the start of the message, in bytes.
        at: usize,
    },
    /// A field that must be there is not.
    #[error("{what} is missing at byte {at}")]
    Missing {
        /// The field, and the structure that should hold it.
        what: &'static str,
        /// Where that structure ends: offset from the start of the message, in bytes.
        at: usize,
    },
    /// A remote call that nobody answers here.
    #[error("unknown message {0:?}")]
    UnknownMessage(String),
    /// Values nest deeper than [`MAX_DEPTH`].
    #[error("{what} nests deeper than {MAX_DEPTH} levels")]
    TooDeep {
        /// The field or structure that was being read.
        what: &'static str,
    },
    /// Longer than a buffer can be (4 GiB).
    #[error("message of {0} bytes is longer than 4 GiB")]
    TooLong(usize),
    /// Text that is not the JSON it should be.
    #[error("{0}")]
    Json(String),
}
