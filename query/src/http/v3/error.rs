//! The errors of api_v3 over HTTP.
//!
//! In: what went wrong. Out: a response whose body is JSON and whose type says that it is text, as Jaeger's. The texts are 1.76's.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use storage::ReadError;
use wire::go_json;

use crate::http::envelope;

/// An answer without a result.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Error {
    status: StatusCode,
    message: String,
}

#[derive(Serialize)]
struct Outer<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inner<'a> {
    http_code: u16,
    message: &'a str,
}

// === impl Error ===

impl Error {
    /// The request is wrong.
    pub(in crate::http) fn bad_request(message: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
        }
    }

    /// A parameter cannot be read.
    pub(in crate::http) fn malformed(name: &str, why: &str) -> Self {
        Self::bad_request(format!("malformed parameter {name}: {why}"))
    }

    /// With any other status.
    pub(in crate::http) fn new(status: StatusCode, message: String) -> Self {
        Self { status, message }
    }

    /// There is nothing.
    pub(in crate::http) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            message: "No traces found".to_owned(),
        }
    }

    /// It could not be found out.
    pub(in crate::http) fn unknown(why: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match &error {
            ReadError::Invalid(_) => Self::bad_request(error.to_string()),
            ReadError::Late { .. } | ReadError::Cancelled(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            ReadError::Unavailable { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(status = self.status.as_u16(), error = %self.message, "query failed");
        }
        let mut body = go_json::to_vec(&Outer {
            error: Inner {
                http_code: self.status.as_u16(),
                message: &self.message,
            },
        });
        body.push(b'\n');
        envelope::text(self.status, body)
    }
}
