//! OTLP over HTTP on 4318: `POST /v1/traces`, protobuf or JSON, the answer in the encoding of the request.
//!
//! In: a body, compressed or not. Out: `ExportTraceServiceResponse`, or `google.rpc.Status` with the HTTP status that belongs to it.
//! The texts for wrong methods and content types are those of the OpenTelemetry Collector's receiver, v0.140; what it does not have is
//! `413` for bodies over the limit, where it answers `400`, and `Retry-After` on everything that may be retried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, RETRY_AFTER,
};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Version};
use prost::Message;
use serde_json::json;

use super::cors::Policy;
use super::reply;
use crate::admission::Refusal;
use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::inflate::Encoding;
use crate::inflow::Inflow;
use crate::instance;
use crate::intake::{Decode, Origin, Payload, Receiver, Stored};

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
/// An HTTP/1.1 sender that is refused while it writes is listened to for this long, and this many bytes, so that it reads the answer.
const LINGER: (Duration, usize) = (Duration::from_millis(30), 1 << 20);

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
        let began = Instant::now();
        let (parts, body) = request.into_parts();
        let mut response = match self.cors.preflight(&parts.method, &parts.headers) {
            Some(preflight) => preflight,
            None => self.export(&parts, body).await,
        };
        self.cors.mark(&parts.headers, response.headers_mut());
        let metrics = &self.receiver.intake.metrics;
        metrics.answered(
            &parts.method,
            PATH,
            response.status().as_u16(),
            began.elapsed(),
        );
        response
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
        let deadline = Deadline::new(&parts.headers, self.receiver.intake.write_timeout);
        let mut inflow = Inflow::new(body);
        let taken = match self.read(parts, &mut inflow).await {
            Ok(payload) => self.receiver.take(payload, form.decode(), &deadline).await,
            Err(fault) => {
                linger(parts, &mut inflow).await;
                Err(fault)
            }
        };
        match taken {
            Ok(stored) => form.success(&stored),
            Err(fault) => {
                self.receiver.count(&fault);
                form.failure(&fault)
            }
        }
    }

    /// The body. Nothing of it is read before it is paid for.
    async fn read(&self, parts: &Parts, inflow: &mut Inflow) -> Result<Payload, Fault> {
        let encoding = Encoding::from_header(parts.headers.get(CONTENT_ENCODING))?;
        let instance = instance::of(parts);
        let limit = self.receiver.limit;
        let declared = parts
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let (body, permit) = match declared {
            Some(len) if len > limit.bytes => return Err(limit.exceeded("request body")),
            Some(len) => {
                let permit = self.receiver.charge(instance, len, encoding)?;
                let body = inflow.exactly(len).await?;
                (body, permit)
            }
            None => {
                let mut permit = self.receiver.charge(instance, 0, encoding)?;
                let body = inflow.rest_of_it(limit, &mut permit).await?;
                (body, permit)
            }
        };
        Ok(Payload {
            body,
            encoding,
            permit,
        })
    }
}

// === impl Form ===

impl Form {
    /// From the content type, whose parameters do not matter.
    fn of(parts: &Parts) -> Option<Self> {
        let value = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let essence = value.split(';').next().unwrap_or_default().trim();
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
        let mut response = self.response(http_status(fault), body);
        let headers = response.headers_mut();
        if let Some(after) = fault.retry_after()
            && !matches!(fault, Fault::Broken(_))
        {
            // whole seconds, rounded up: 0 would mean at once
            let seconds = after.as_millis().div_ceil(1000).max(1);
            if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(RETRY_AFTER, value);
            }
        }
        if matches!(fault, Fault::Encoding(_)) {
            headers.insert(
                ACCEPT_ENCODING,
                HeaderValue::from_static(Encoding::ACCEPTED),
            );
        }
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

/// 429 is about this sender's instance, 503 about the process or its store.
fn http_status(fault: &Fault) -> StatusCode {
    match fault {
        Fault::Undecodable(_) | Fault::Encoding(_) | Fault::Broken(_) => StatusCode::BAD_REQUEST,
        Fault::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::Full(Refusal::Share | Refusal::Largest) | Fault::Throttled { .. } => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Fault::Full(Refusal::Process) | Fault::Unavailable(_) | Fault::Late => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// An HTTP/1.1 connection that closes with unread bytes is reset, and the sender may never see our answer. HTTP/2 has no such trouble, and
/// a sender that waits for `100 Continue` has not written anything.
async fn linger(parts: &Parts, inflow: &mut Inflow) {
    if parts.version < Version::HTTP_2 && !parts.headers.contains_key(EXPECT) {
        let (time, bytes) = LINGER;
        // running out of time is the point of it
        drop(tokio::time::timeout(time, inflow.discard(bytes)).await);
    }
}
