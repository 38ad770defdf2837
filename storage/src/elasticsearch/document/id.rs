//! The id of a document: made of what it holds, so that writing it once more leaves one copy.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blake3::{Hash, Hasher};
use model::Span;

/// How many characters it has.
const LEN: usize = DocumentId::ROOM.len();

/// The first 128 bits of BLAKE3 over trace id, span id and document, in base64url: 22 characters. What the document says of the process stands in it as a hash of
/// its own, since many spans share it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId([u8; LEN]);

// === impl DocumentId ===

impl DocumentId {
    /// As much text as an id is.
    pub const ROOM: &str = "----------------------";

    /// Of `span`, written down as `document`, all but the member of its process, of which `process` is the hash.
    pub(super) fn of(span: &Span, document: &[u8], process: &Hash) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(&span.trace_id.0);
        hasher.update(&span.span_id.0);
        // it has one length, so that no two pairs of texts are the same bytes
        hasher.update(process.as_bytes());
        hasher.update(document);
        Self::from(&hasher)
    }

    /// Its characters, all of them letters, digits, `-` and `_`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<&Hasher> for DocumentId {
    /// The first 128 bits of what was hashed.
    fn from(hasher: &Hasher) -> Self {
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        let mut text = [0; LEN];
        // 16 bytes are 22 characters
        URL_SAFE_NO_PAD
            .encode_slice(hash, &mut text)
            .unwrap_or_default();
        Self(text)
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use model::{SpanId, TraceId};

    use super::*;

    #[test]
    fn it_is_22_characters_of_all_that_the_span_is() {
        let span = Span {
            trace_id: TraceId::from_halves(1, 2),
            span_id: SpanId::from_u64(3),
            ..Span::default()
        };
        let other = Span {
            span_id: SpanId::from_u64(4),
            ..span.clone()
        };
        let process = blake3::hash(b"{}");
        let id = DocumentId::of(&span, b"{}", &process);
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert_eq!(id.as_str().len(), 22);
        assert!(id.as_str().chars().all(allowed), "{id}");
        assert_eq!(id, DocumentId::of(&span, b"{}", &process));
        assert_ne!(id, DocumentId::of(&span, b"{ }", &process));
        assert_ne!(id, DocumentId::of(&other, b"{}", &process));
        assert_ne!(id, DocumentId::of(&span, b"{}", &blake3::hash(b"")));
        // what is stored is found by it: it must never become another
        assert_eq!(id.as_str(), "Gj5KWKTEy3bBpLtX-G_HKw");
    }
}
