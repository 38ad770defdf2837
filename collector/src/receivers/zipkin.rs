//! Zipkin on 9411: spans of version 1 (JSON, Thrift) and of version 2 (JSON, protobuf).
//!
//! In: a body, compressed or not, at any path: one that has `api/v1/spans` in it is version 1, all others are version 2. Out: `202` once its
//! spans are durable, or the reason in plain text. Where v1.76 answers `500` when the store is full, this says when to come back.
//!
//! Deliberately absent: the header `X-B3-Flags`. In v1.76 it makes spans in protobuf debug spans, and then loses that on the way through
//! OTLP, as it loses a span's own `debug`: what is stored is the same with it and without.
//!
//! Source: OpenTelemetry Collector Contrib, `receiver/zipkinreceiver` v0.140.1, which is Jaeger's receiver in v1.76.0.

use std::sync::Arc;
use std::time::SystemTime;

use ::http::header::ALLOW;
use ::http::request::Parts;
use ::http::{Method, StatusCode};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use wire::thrift::Protocol;
use wire::{DecodeError, Decoded, thrift, zipkin};

use super::cors::Policy;
use super::http;
use crate::intake::{Decode, Origin, Receiver};

/// What it is called.
pub(crate) const ORIGIN: Origin = Origin {
    name: "zipkin",
    format: "zipkin",
    transport: "http",
    format_tag: None,
};

const V1: &str = "/api/v1/spans";
const V2: &str = "/api/v2/spans";
const WRONG_METHOD: &str = "405 method not allowed, supported: [POST]";

fn v1_json(body: Bytes) -> Result<Decoded, DecodeError> {
    zipkin::decode_v1_json(body, now_ns())
}

fn v1_thrift(body: Bytes) -> Result<Decoded, DecodeError> {
    thrift::decode_zipkin(body, Protocol::Binary)
}

fn v2_json(body: Bytes) -> Result<Decoded, DecodeError> {
    zipkin::decode_v2_json(body, now_ns())
}

fn v2_proto(body: Bytes) -> Result<Decoded, DecodeError> {
    zipkin::decode_v2_proto(body, now_ns())
}

/// For spans that do not say when they were.
fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |since| since.as_nanos() as u64)
}

struct Zipkin {
    receiver: Receiver,
    cors: Policy,
}

/// The whole port.
pub(crate) fn router(receiver: Receiver, cors: &crate::Cors) -> Router {
    let zipkin = Arc::new(Zipkin {
        receiver,
        cors: Policy::new(cors),
    });
    Router::new().fallback(move |request: Request| {
        let zipkin = zipkin.clone();
        async move { zipkin.serve(request).await }
    })
}

// === impl Zipkin ===

impl Zipkin {
    async fn serve(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let path = if parts.uri.path().contains(V1) {
            V1
        } else {
            V2
        };
        let answer = self.cors.around(&parts, self.answer(&parts, path, body));
        http::counted(&self.receiver, &parts.method, path, answer).await
    }

    async fn answer(&self, parts: &Parts, path: &str, body: Body) -> Response {
        if parts.method != Method::POST {
            let allow = [(ALLOW, "POST")];
            return (StatusCode::METHOD_NOT_ALLOWED, allow, WRONG_METHOD).into_response();
        }
        match http::take(&self.receiver, parts, body, decoder(parts, path)).await {
            Ok(_) => StatusCode::ACCEPTED.into_response(),
            Err(fault) => {
                let mut response = http::error(http::status(&fault), &fault.to_string());
                http::advise(&fault, response.headers_mut());
                response
            }
        }
    }
}

/// By path and content type; what is neither Thrift nor protobuf is JSON, whatever it says it is.
fn decoder(parts: &Parts, path: &str) -> Decode {
    let essence = http::essence(parts).unwrap_or_default();
    match path {
        V1 if essence.eq_ignore_ascii_case("application/x-thrift") => v1_thrift,
        V1 => v1_json,
        _ if essence.eq_ignore_ascii_case("application/x-protobuf") => v2_proto,
        _ => v2_json,
    }
}
