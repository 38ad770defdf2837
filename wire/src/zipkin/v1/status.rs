//! What the binary annotations of Zipkin's first model say of a span's status.
//!
//! In: tags, one after the other. Out: a status. OpenCensus' words come first, then OpenTelemetry's, then `error`, then HTTP's. A tag is
//! taken from the list when it says nothing else; the text of an error stays (quirk 20).
//!
//! Source: `zipkinv1/status_code.go` v0.140.1, which drops the text of `error`, and knows no words for OpenTelemetry's codes.

use model::{Status, StatusCode, Str, Value};

use crate::jaeger::tags::{ERROR, STATUS_CODE, STATUS_DESCRIPTION};
use crate::zipkin::tags::status_code;

/// What was said so far.
#[derive(Default)]
pub(crate) struct Outcome {
    census: Option<StatusCode>,
    census_message: Str,
    otel: Option<StatusCode>,
    otel_message: Str,
    error: bool,
    http: Option<StatusCode>,
    http_message: Str,
}

// === impl Outcome ===

impl Outcome {
    /// Whether a tag says nothing but what is kept here.
    pub(crate) fn take(&mut self, key: &str, value: &Value) -> bool {
        match (key, value) {
            ("census.status_code", value) => {
                // 0 is OK there, and every other code an error
                let code = whole(value).map(|code| match code {
                    0 => StatusCode::Ok,
                    _ => StatusCode::Error,
                });
                self.census = code.or(self.census);
                true
            }
            (
                "census.status_description" | "opencensus.status_description",
                Value::String(text),
            ) => keep(&mut self.census_message, text),
            (STATUS_CODE, value) => {
                let code = match (whole(value), value) {
                    (Some(1), _) => Some(StatusCode::Ok),
                    (Some(2), _) => Some(StatusCode::Error),
                    (Some(_), _) => Some(StatusCode::Unset),
                    (None, Value::String(word)) => {
                        Some(status_code(word)).filter(|code| *code != StatusCode::Unset)
                    }
                    (None, _) => None,
                };
                self.otel = code.or(self.otel);
                true
            }
            (STATUS_DESCRIPTION, Value::String(text)) => keep(&mut self.otel_message, text),
            ("http.status_code", value) => {
                let code = whole(value).map(|code| match code {
                    100..400 => StatusCode::Unset,
                    _ => StatusCode::Error,
                });
                self.http = code.or(self.http);
                false
            }
            ("http.status_message", Value::String(text)) => {
                self.http_message = text.clone();
                false
            }
            (ERROR, Value::Bool(false)) => false,
            (ERROR, value) => {
                self.error = true;
                *value == Value::Bool(true) || value.as_str() == Some("true")
            }
            _ => false,
        }
    }

    /// The status that all of it comes to.
    pub(crate) fn status(self) -> Status {
        let (code, message) = if let Some(code) = self.census {
            (code, self.census_message)
        } else if let Some(code) = self.otel {
            (code, self.otel_message)
        } else if self.error {
            let said = [self.census_message, self.otel_message];
            let message = said.into_iter().find(|text| !text.is_empty());
            (StatusCode::Error, message.unwrap_or_default())
        } else if let Some(code) = self.http {
            (code, self.http_message)
        } else {
            return Status::default();
        };
        Status { code, message }
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(whole) => Some(*whole),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn keep(field: &mut Str, text: &Str) -> bool {
    *field = text.clone();
    true
}
