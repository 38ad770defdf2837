//! What is asked of a cluster, and what it answers.
//!
//! In: a method, a path of encoded parts, a query, a body. Out: the same, ready to be sent any number of times. Bodies are shared, so that sending
//! again copies nothing.

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;

/// What stays as it is in a part of a path: what names of indices and ids are made of, and the comma and star of lists.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b',')
    .remove(b'*');

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Begins with a slash, is encoded, holds the query.
    pub(crate) path: String,
    pub(crate) body: Body,
    /// When nobody waits for the answer any more.
    pub(crate) deadline: Option<Instant>,
    /// The reader's own token or key.
    pub(crate) credentials: Option<SecretString>,
    /// It must not be done twice: what may have been done is not sent again.
    pub(crate) once: bool,
    /// A longer answer is not read.
    pub(crate) max_answer_bytes: usize,
}

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    #[default]
    None,
    /// `application/json`
    Json(Bytes),
    /// `application/x-ndjson`
    Lines(Bytes),
    /// `application/x-www-form-urlencoded`
    Form(Bytes),
}

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// At most [`super::MAX_ANSWER_BYTES`].
    pub(crate) body: Bytes,
    /// `X-Elastic-Product`, where it is sent.
    pub(crate) product: Option<String>,
}

// === impl Request ===

impl Request {
    /// To the path of these parts, each encoded by itself.
    pub(crate) fn new(method: Method, parts: &[&str]) -> Self {
        let mut path = String::new();
        for part in parts {
            path.push('/');
            path.extend(utf8_percent_encode(part, KEPT));
        }
        if path.is_empty() {
            path.push('/');
        }
        Self {
            method,
            path,
            body: Body::None,
            deadline: None,
            credentials: None,
            once: false,
            max_answer_bytes: super::MAX_ANSWER_BYTES,
        }
    }

    pub(crate) fn get(parts: &[&str]) -> Self {
        Self::new(Method::GET, parts)
    }

    pub(crate) fn post(parts: &[&str]) -> Self {
        Self::new(Method::POST, parts)
    }

    pub(crate) fn put(parts: &[&str]) -> Self {
        Self::new(Method::PUT, parts)
    }

    pub(crate) fn delete(parts: &[&str]) -> Self {
        Self::new(Method::DELETE, parts)
    }

    /// With another pair in its query.
    pub(crate) fn query<'a>(mut self, name: &str, value: impl Into<Cow<'a, str>>) -> Self {
        self.path
            .push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(name);
        self.path.push('=');
        self.path
            .extend(utf8_percent_encode(&value.into(), NON_ALPHANUMERIC));
        self
    }

    pub(crate) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Body::Json(Bytes::from(body.to_string()));
        self
    }

    /// A body that is JSON already.
    pub(crate) fn document(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Json(body.into());
        self
    }

    pub(crate) fn lines(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Lines(body.into());
        self
    }

    pub(crate) fn form(mut self, body: Bytes) -> Self {
        self.body = Body::Form(body);
        self
    }

    pub(crate) fn deadline(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Not to be done twice.
    pub(crate) fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// For an answer of at most so many bytes.
    pub(crate) fn at_most(mut self, bytes: usize) -> Self {
        self.max_answer_bytes = bytes;
        self
    }

    pub(crate) fn credentials(mut self, credentials: Option<SecretString>) -> Self {
        self.credentials = credentials;
        self
    }
}

// === impl Response ===

impl Response {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; `Null` when it is none, as of a proxy's page.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_queries_are_encoded() {
        let request = Request::get(&["a,b*", "x/y", "_search"]).query("q", "a&b");
        assert_eq!(request.path, "/a,b*/x%2Fy/_search?q=a%26b");
        assert_eq!(Request::get(&[]).path, "/");
    }
}
