//! Why a cluster did not do what it was asked, by what the caller can do.
//!
//! In: a failed connection, or an answer that is no success. Out: an [`Error`] in words for an operator.

use super::request::Response;
use crate::port::{ReadError, WriteError};

/// Longest part of a server's own words that is passed on, in characters.
const MOST_WORDS: usize = 500;

/// Why it failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// No node was reached, or the answer was cut off: try again. Whether it was done is unknown.
    #[error("{0}")]
    Unreachable(String),
    /// It knows us and does not let us, or does not know us: the same again fails until somebody mends it.
    #[error("{0}")]
    Denied(String),
    /// It has too much to do, or is not whole: try again later.
    #[error("{0}")]
    Busy(String),
    /// What was asked for is not there.
    #[error("{0}")]
    Missing(String),
    /// It is larger than the cluster takes.
    #[error("{0}")]
    TooLarge(String),
    /// The same again fails always.
    #[error("{0}")]
    Invalid(String),
    /// The caller no longer waits.
    #[error("{0}")]
    Cancelled(&'static str),
}

// === impl Response ===

impl Response {
    /// The answer, when it is a success. `shown` is how the cluster is called in messages, with its setting.
    pub(crate) fn succeeded(self, shown: &str) -> Result<Self, Error> {
        if self.is_success() {
            return Ok(self);
        }
        let said = format!("{shown} answered {}: {}", self.status, self.reason());
        Err(match self.status {
            401 => Error::Denied(said),
            403 if self.is_block() => Error::Busy(said),
            403 => Error::Denied(said),
            404 => Error::Missing(said),
            408 | 429 => Error::Busy(said),
            413 => Error::TooLarge(said),
            400..500 => Error::Invalid(said),
            _ => Error::Busy(said),
        })
    }

    /// Why, in the server's words.
    pub(crate) fn reason(&self) -> String {
        let json = self.json();
        let error = json.get("error");
        // a search that fails on every shard says why only of its causes
        let of = |value: &serde_json::Value| {
            let reason = value.get("reason")?.as_str()?;
            let kind = value.get("type").and_then(|kind| kind.as_str());
            Some(kind.map_or_else(|| reason.to_owned(), |kind| format!("{kind}: {reason}")))
        };
        let cause = error
            .and_then(|error| error.get("root_cause"))
            .and_then(|causes| causes.get(0))
            // what fails when shards have answered has no root
            .or_else(|| error?.get("caused_by"))
            .and_then(of);
        let text = (error.and_then(of))
            .map(|said| match cause {
                Some(cause) if !said.contains(&cause) => format!("{said} ({cause})"),
                _ => said,
            })
            .or_else(|| error.and_then(|error| error.as_str()).map(str::to_owned))
            .unwrap_or_else(|| String::from_utf8_lossy(&self.body).trim().to_owned());
        if text.is_empty() {
            return "nothing more".to_owned();
        }
        shortened(&text)
    }

    /// Whether a refusal is a block on an index or the cluster, which goes away, and not a matter of rights.
    fn is_block(&self) -> bool {
        let kind = self.json();
        let kind = kind.get("error").and_then(|error| error.get("type"));
        kind.and_then(|kind| kind.as_str())
            .is_some_and(|kind| kind == "cluster_block_exception")
    }
}

/// Text of others, bounded, on one line.
pub(crate) fn shortened(text: &str) -> String {
    let mut line = text.replace(['\n', '\r'], " ");
    if let Some((at, _)) = line.char_indices().nth(MOST_WORDS) {
        line.truncate(at);
        line.push('…');
    }
    line
}

// === impl ReadError ===

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        match error {
            Error::Cancelled(why) => Self::Cancelled(why),
            Error::Invalid(said) | Error::TooLarge(said) => Self::Invalid(said),
            error => Self::Unavailable {
                reason: error.to_string(),
            },
        }
    }
}

// === impl WriteError ===

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        match error {
            Error::Busy(reason) => Self::Throttled {
                after: std::time::Duration::from_secs(1),
                reason,
            },
            error => Self::Unavailable {
                reason: error.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Response {
        Response {
            status,
            body: Bytes::from_static(body.as_bytes()),
            product: None,
        }
    }

    #[track_caller]
    fn check(status: u16, body: &'static str, expect: fn(String) -> Error, said: &str) {
        let expect = expect(format!("es answered {status}: {said}"));
        assert_eq!(answer(status, body).succeeded("es").err(), Some(expect));
    }

    #[test]
    fn answers_are_sorted_by_what_can_be_done() {
        check(401, "", Error::Denied, "nothing more");
        check(
            403,
            r#"{"error":{"type":"security_exception","reason":"no permissions"},"status":403}"#,
            Error::Denied,
            "security_exception: no permissions",
        );
        check(
            403,
            r#"{"error":{"type":"cluster_block_exception","reason":"blocked"}}"#,
            Error::Busy,
            "cluster_block_exception: blocked",
        );
        check(
            413,
            "<html>\nno</html>",
            Error::TooLarge,
            "<html> no</html>",
        );
        check(429, "{}", Error::Busy, "{}");
        check(400, r#"{"error":"odd"}"#, Error::Invalid, "odd");
        check(503, "", Error::Busy, "nothing more");
        check(404, "{}", Error::Missing, "{}");
    }
}
