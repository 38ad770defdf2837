//! JSON that stands in no envelope: what Jaeger answers for some questions beside its others, and all of api_v3.
//!
//! In: a JSON object, in pieces. Out: a response of the same headers as an envelope's. A cut answer has one more member at its end, and says so in
//! the header.

use axum::response::Response;

use super::envelope::{self, Partial};
use super::pieces::Pieces;
use crate::service::Turn;

/// A JSON object.
#[derive(Debug)]
pub(super) struct Bare {
    /// All of it but the brace at its end, in pieces.
    pieces: Vec<Vec<u8>>,
    turn: Option<Turn>,
    partial: Option<String>,
}

// === impl Bare ===

impl Bare {
    /// The object `{"name":value}`.
    pub(super) fn member(name: &str, value: &[u8]) -> Self {
        Self::new(vec![[b"{\"", name.as_bytes(), b"\":", value].concat()])
    }

    /// Of an object that wants its last brace.
    pub(super) fn new(pieces: Vec<Vec<u8>>) -> Self {
        Self {
            pieces,
            turn: None,
            partial: None,
        }
    }

    /// Holds `turn` until the answer is sent.
    pub(super) fn holding(mut self, turn: Turn) -> Self {
        self.turn = Some(turn);
        self
    }

    /// Says that the answer was cut, and why, if it was.
    pub(super) fn cut(mut self, reason: Option<String>) -> Self {
        self.partial = reason;
        self
    }

    /// The answer, indented when that was asked for.
    pub(super) fn into_response(self, pretty: bool) -> Response {
        let mut pieces = self.pieces;
        let end = match &self.partial {
            Some(reason) => Partial { reason }.member(),
            None => Vec::new(),
        };
        pieces.push([end, b"}".to_vec()].concat());
        let body = Pieces::body(pieces, pretty, self.turn);
        envelope::json(body, self.partial.as_deref())
    }
}
