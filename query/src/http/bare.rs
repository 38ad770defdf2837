//! JSON that stands in no envelope: what Jaeger answers for some questions beside its others, and all of api_v3.
//!
//! In: a JSON object, in pieces. Out: a response of the same headers as an envelope's. A cut answer has one more member at its end, and says so in
//! the header; one that goes on has another.

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
    next: Option<String>,
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
            next: None,
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

    /// Says where the next page begins, if there is one.
    pub(super) fn goes_on(mut self, cursor: Option<String>) -> Self {
        self.next = cursor;
        self
    }

    /// The answer, indented when that was asked for.
    pub(super) fn into_response(self, pretty: bool) -> Response {
        let mut pieces = self.pieces;
        let mut end = Vec::new();
        if let Some(reason) = &self.partial {
            end.extend(Partial { reason }.member());
        }
        if let Some(cursor) = &self.next {
            end.extend(envelope::next_member(cursor));
        }
        end.push(b'}');
        pieces.push(end);
        let body = Pieces::body(pieces, pretty, self.turn);
        let mut response = envelope::json(body, self.partial.as_deref());
        if let Some(cursor) = &self.next {
            envelope::say_next(&mut response, cursor);
        }
        response
    }
}
