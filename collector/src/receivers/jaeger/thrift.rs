//! Jaeger's Thrift over HTTP on 14268: `POST /api/traces`, a `Batch` in the binary or the compact protocol.
//!
//! In: a body, compressed or not. Out: `202` once its spans are durable, or Go's plain text. Texts and statuses are v1.76's; what it does not
//! have is the compact protocol, inflating, `413`, and `429` or `503` with `Retry-After` where it answers `202` and drops.
//!
//! Source: `jaegertracing/jaeger: cmd/collector/app/handler/http_thrift_handler.go` v1.76.0.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::ALLOW;
use ::http::request::Parts;
use ::http::{Method, StatusCode};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use wire::thrift::{self, Protocol};
use wire::{DecodeError, Decoded};

use crate::fault::Fault;
use crate::intake::{Decode, Origin, Receiver};
use crate::metrics::Asked;
use crate::receivers::{http, sampling};
use crate::sampling::Sampling;

/// What it is called. `jaeger` is v1.76's word for this way in, in metrics and in the tag.
pub(crate) const ORIGIN: Origin = Origin {
    name: "jaeger-thrift",
    format: "jaeger",
    transport: "http",
    format_tag: Some("jaeger"),
};

const PATH: &str = "/api/traces";
const TYPES: [(&str, Decode); 3] = [
    ("application/x-thrift", binary),
    ("application/vnd.apache.thrift.binary", binary),
    ("application/vnd.apache.thrift.compact", compact),
];

fn binary(body: Bytes) -> Result<Decoded, DecodeError> {
    thrift::decode_batch(body, Protocol::Binary).map(|batch| batch.decoded)
}

fn compact(body: Bytes) -> Result<Decoded, DecodeError> {
    thrift::decode_batch(body, Protocol::Compact).map(|batch| batch.decoded)
}

/// The whole port, which answers for remote sampling too.
pub(crate) fn router(receiver: Receiver, sampling: Arc<Sampling>, asked: Asked) -> Router {
    let receiver = Arc::new(receiver);
    let other = receiver.clone();
    sampling::add_http(Router::new(), sampling, asked)
        .route(
            PATH,
            any(move |request: Request| {
                let receiver = receiver.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let answer = answer(&receiver, &parts, body);
                    http::counted(&receiver, &parts.method, PATH, answer).await
                }
            }),
        )
        .fallback(move |request: Request| {
            let metrics = &other.intake.metrics;
            metrics.answered(request.method(), "other", 404, Duration::ZERO);
            async { http::error(StatusCode::NOT_FOUND, http::NOT_FOUND) }
        })
}

async fn answer(receiver: &Receiver, parts: &Parts, body: Body) -> Response {
    if parts.method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]).into_response();
    }
    let decode = match decoder(parts) {
        Ok(decode) => decode,
        Err(text) => return http::error(StatusCode::BAD_REQUEST, &text),
    };
    match http::take(receiver, parts, body, decode).await {
        Ok(_) => StatusCode::ACCEPTED.into_response(),
        Err(fault) => refusal(&fault),
    }
}

/// By the content type, whose parameters do not matter.
fn decoder(parts: &Parts) -> Result<Decode, String> {
    let Some(essence) = http::essence(parts).filter(|essence| !essence.is_empty()) else {
        return Err("Cannot parse content type: mime: no media type".to_owned());
    };
    let essence = essence.to_ascii_lowercase();
    let known = TYPES.iter().find(|(name, _)| *name == essence);
    known
        .map(|(_, decode)| *decode)
        .ok_or_else(|| format!("Unsupported content type: {}", html_escaped(&essence)))
}

fn refusal(fault: &Fault) -> Response {
    let text = match fault {
        Fault::Undecodable(reason) => format!("Unable to process request body: {reason}"),
        Fault::TooLarge { .. } | Fault::Encoding(_) | Fault::Broken(_) => {
            format!("Unable to process request body: {fault}")
        }
        Fault::Denied(_) | Fault::Unproved(_) => fault.to_string(),
        Fault::Full(_)
        | Fault::Crowded
        | Fault::Throttled { .. }
        | Fault::Unavailable(_)
        | Fault::Late => {
            format!("Cannot submit Jaeger batch: {fault}")
        }
    };
    let mut response = http::error(http::status(fault), &text);
    http::advise(fault, response.headers_mut());
    response
}

/// As Go's `html.EscapeString`: the text may come back to a browser.
fn html_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
