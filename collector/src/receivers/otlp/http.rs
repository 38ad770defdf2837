//! OTLP over HTTP on 4318: `POST /v1/traces`, protobuf or JSON, the answer in the encoding of the request.
//!
//! In: a body, compressed or not. Out: `ExportTraceServiceResponse`, or `google.rpc.Status` with the HTTP status that belongs to it.
//! The texts for wrong methods and content types are those of the OpenTelemetry Collector's receiver, v0.140; what it does not have is
//! `413` for bodies over the limit, where it answers `400`, and `Retry-After` on everything that may be retried.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::{ALLOW, CONTENT_TYPE};
use ::http::request::Parts;
use ::http::{Method, StatusCode};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use prost::Message;
use serde_json::json;

use super::reply;
use crate::fault::Fault;
use crate::intake::{Decode, Origin, Receiver, Stored};
use crate::receivers::cors::Policy;
use crate::receivers::http;

/// What it is called.
pub(crate) const ORIGIN: Origin = Origin {
    name: "otlp-http",
    format: "otlp",
    transport: "http",
    format_tag: None,
};

const PATH: &str = "/v1/traces";
const NOT_FOUND: &str = "404 page not found\n";
const WRONG_METHOD: &str = "405 method not allowed, supported: [POST]";
const WRONG_TYPE: &str =
    "415 unsupported media type, supported: [application/json, application/x-protobuf]";
/// The encoding of a request and of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Proto,
    Json,
}

struct Http {
    receiver: Receiver,
    cors: Policy,
}

/// The whole port.
pub(crate) fn router(receiver: Receiver, cors: &crate::Cors) -> Router {
    let http = Arc::new(Http {
        receiver,
        cors: Policy::new(cors),
    });
    let other = http.clone();
    Router::new()
        .route(
            PATH,
            any(move |request: Request| {
                let http = http.clone();
                async move { http.serve(request).await }
            }),
        )
        .fallback(move |request: Request| {
            let http = other.clone();
            async move { http.not_found(&request) }
        })
}

// === impl Http ===

impl Http {
    async fn serve(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let answer = self.cors.around(&parts, self.export(&parts, body));
        http::counted(&self.receiver, &parts.method, PATH, answer).await
    }

    fn not_found(&self, request: &Request) -> Response {
        let metrics = &self.receiver.intake.metrics;
        metrics.answered(request.method(), "other", 404, Duration::ZERO);
        (StatusCode::NOT_FOUND, NOT_FOUND).into_response()
    }

    async fn export(&self, parts: &Parts, body: Body) -> Response {
        if parts.method != Method::POST {
            let allow = [(ALLOW, "POST")];
            return (StatusCode::METHOD_NOT_ALLOWED, allow, WRONG_METHOD).into_response();
        }
        let Some(form) = Form::of(parts) else {
            return (StatusCode::UNSUPPORTED_MEDIA_TYPE, WRONG_TYPE).into_response();
        };
        match http::take(&self.receiver, parts, body, form.decode()).await {
            Ok(stored) => form.success(&stored),
            Err(fault) => form.failure(&fault),
        }
    }
}

// === impl Form ===

impl Form {
    /// From the content type, whose parameters do not matter.
    fn of(parts: &Parts) -> Option<Self> {
        let essence = http::essence(parts)?;
        if essence.eq_ignore_ascii_case("application/x-protobuf") {
            Some(Self::Proto)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else {
            None
        }
    }

    fn decode(self) -> Decode {
        match self {
            Self::Proto => wire::otlp::decode,
            Self::Json => wire::otlp::decode_json,
        }
    }

    fn success(self, stored: &Stored) -> Response {
        let body = match self {
            Self::Proto => reply::proto(stored),
            Self::Json => reply::json(stored),
        };
        self.response(StatusCode::OK, body)
    }

    fn failure(self, fault: &Fault) -> Response {
        let status = reply::status(fault);
        let body: Bytes = match self {
            Self::Proto => status.encode_to_vec().into(),
            Self::Json => json!({"code": status.code, "message": status.message})
                .to_string()
                .into(),
        };
        let mut response = self.response(http::status(fault), body);
        http::advise(fault, response.headers_mut());
        response
    }

    fn response(self, status: StatusCode, body: Bytes) -> Response {
        let content_type = match self {
            Self::Proto => "application/x-protobuf",
            Self::Json => "application/json",
        };
        (status, [(CONTENT_TYPE, content_type)], body).into_response()
    }
}
