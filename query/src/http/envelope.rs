//! Jaeger's envelope around every answer of the API, and its errors.
//!
//! In: data as compact JSON, errors, and why an answer was cut. Out: responses. Successes are `application/json` without a newline; errors
//! are the same envelope as `text/plain` with one, which clients read whatever it is called.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/http_handler.go` v1.76.0.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, StatusCode};
use model::TraceId;
use serde::Serialize;
use storage::ReadError;
use wire::go_json;

use super::pieces::Pieces;
use crate::partial::{PARTIAL, header_text};
use crate::service::{ArchiveError, Turn};

/// Says in a header what the member `next` says in the body.
const NEXT: HeaderName = HeaderName::from_static("spoor-next");
/// How every envelope begins.
const HEAD: &[u8] = b"{\"data\":";
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// An answer with data.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The answer's JSON up to the end of its data, in pieces: a large answer is not copied together.
    head: Vec<Vec<u8>>,
    turn: Option<Turn>,
    total: usize,
    errors: Vec<Entry>,
    /// What stands there when there are none.
    no_errors: &'static [u8],
    partial: Option<String>,
    next: Option<String>,
}

/// An answer without.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Error {
    status: StatusCode,
    message: String,
}

/// One of the envelope's errors.
#[derive(Debug, Serialize)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    msg: String,
    #[serde(rename = "traceID", skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

/// What an answer says that was cut.
#[derive(Serialize)]
pub(super) struct Partial<'a> {
    pub(super) reason: &'a str,
}

// === impl Envelope ===

impl Envelope {
    /// Around `data`. The total is what Jaeger counts: services and operations, nothing else.
    pub(super) fn of<T: Serialize + ?Sized>(data: &T, total: usize) -> Self {
        Self::new(vec![HEAD.to_vec(), go_json::to_vec(data)], total)
    }

    /// Around a list of items that are JSON already, each in pieces. `turn` is held until the answer is sent.
    pub(super) fn of_items(items: Vec<Vec<Vec<u8>>>, turn: Turn) -> Self {
        let mut head = Vec::with_capacity(2 * items.len() + 2);
        head.push([HEAD, b"["].concat());
        for (n, item) in items.into_iter().enumerate() {
            if n > 0 {
                head.push(b",".to_vec());
            }
            head.extend(item);
        }
        head.push(b"]".to_vec());
        let mut envelope = Self::new(head, 0);
        envelope.turn = Some(turn);
        envelope
    }

    /// Around nothing: something was done. Jaeger's list of errors is here empty and not null.
    pub(super) fn done() -> Self {
        let mut envelope = Self::new(vec![HEAD.to_vec(), b"[]".to_vec()], 0);
        envelope.no_errors = b"[]";
        envelope
    }

    fn new(head: Vec<Vec<u8>>, total: usize) -> Self {
        Self {
            head,
            turn: None,
            total,
            errors: Vec::new(),
            no_errors: b"null",
            partial: None,
            next: None,
        }
    }

    /// Adds that a trace of several was not found.
    pub(super) fn not_found(&mut self, id: TraceId) {
        self.errors.push(Entry {
            code: None,
            msg: "trace not found".to_owned(),
            trace_id: Some(id.to_string()),
        });
    }

    /// Adds that something which was sent is not in the answer.
    pub(super) fn left_out(&mut self, why: String) {
        self.errors.push(Entry {
            code: None,
            msg: why,
            trace_id: None,
        });
    }

    /// Says that the answer was cut, and why.
    pub(super) fn cut(&mut self, reason: String) {
        self.partial = Some(reason);
    }

    /// Says where the next page begins.
    pub(super) fn goes_on(&mut self, cursor: String) {
        self.next = Some(cursor);
    }

    /// The answer, indented when that was asked for.
    pub(super) fn into_response(mut self, pretty: bool) -> Response {
        let partial = self.partial.clone();
        let next = self.next.clone();
        let turn = self.turn.take();
        let body = Pieces::body(self.into_pieces(), pretty, turn);
        let mut response = json(body, partial.as_deref());
        if let Some(cursor) = next {
            say_next(&mut response, &cursor);
        }
        response
    }

    fn into_pieces(self) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let total = self.total;
        out.extend_from_slice(
            format!(",\"total\":{total},\"limit\":0,\"offset\":0,\"errors\":").as_bytes(),
        );
        if self.errors.is_empty() {
            out.extend_from_slice(self.no_errors);
        } else {
            out.extend_from_slice(&go_json::to_vec(&self.errors));
        }
        if let Some(reason) = &self.partial {
            out.extend_from_slice(&Partial { reason }.member());
        }
        if let Some(cursor) = &self.next {
            out.extend(next_member(cursor));
        }
        out.push(b'}');
        let mut pieces = self.head;
        pieces.push(out);
        pieces
    }
}

// === impl Partial ===

impl Partial<'_> {
    /// As one more member of an object.
    pub(super) fn member(&self) -> Vec<u8> {
        [b",\"partial\":".to_vec(), go_json::to_vec(self)].concat()
    }
}

// === impl Error ===

impl Error {
    /// The request is wrong: 400.
    pub(super) fn bad_request(message: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
        }
    }

    /// With any other status.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        let status = match &error {
            ReadError::Invalid(_) => StatusCode::BAD_REQUEST,
            ReadError::Late { .. } | ReadError::Cancelled(_) => StatusCode::SERVICE_UNAVAILABLE,
            ReadError::Unavailable { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ArchiveError> for Error {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Read(error) => error.into(),
            ArchiveError::NotFound => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            ArchiveError::NotConfigured | ArchiveError::Partial(_) | ArchiveError::Write(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if self.status.is_server_error() && self.status != StatusCode::NOT_IMPLEMENTED {
            tracing::error!(status = self.status.as_u16(), error = %self.message, "query failed");
        }
        let mut envelope = Envelope::of(&(), 0);
        envelope.errors.push(Entry {
            code: Some(self.status.as_u16()),
            msg: self.message,
            trace_id: None,
        });
        let mut body = envelope.into_pieces().concat();
        body.push(b'\n');
        text(self.status, body)
    }
}

/// Where the next page begins, as one more member of an object.
pub(super) fn next_member(cursor: &str) -> Vec<u8> {
    [b",\"next\":".to_vec(), go_json::to_vec(cursor)].concat()
}

/// The same as a header.
pub(super) fn say_next(response: &mut Response, cursor: &str) {
    response.headers_mut().insert(NEXT, header_text(cursor));
}

/// A success. Why it was cut, if it was, stands in a header too.
pub(super) fn json(body: Body, partial: Option<&str>) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    if let Some(reason) = partial {
        headers.insert(PARTIAL, header_text(reason));
    }
    response
}

/// A plain answer, of a type that browsers do not guess.
pub(super) fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, TEXT);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NO_SNIFF);
    response
}
