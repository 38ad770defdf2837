//! OTLP over gRPC on 4317: `TraceService/Export`.
//!
//! In: `ExportTraceServiceRequest`, handed to the decoder as bytes. Out: `ExportTraceServiceResponse`, or a status. Health is served beside it.

use axum::Router;

use super::reply;
use crate::intake::{Origin, Receiver};
use crate::receivers::unary::{self, Method};

/// What it is called.
pub(crate) const ORIGIN: Origin = Origin {
    name: "otlp-grpc",
    format: "otlp",
    transport: "grpc",
    format_tag: None,
};

/// Added to `router`, which may serve other services already.
pub(crate) fn router(router: Router, receiver: Receiver) -> Router {
    let method = Method {
        path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        decode: wire::otlp::decode,
        reply: reply::proto,
        status: |fault| reply::status(fault).into(),
    };
    unary::route(router, receiver, method).fallback(unary::unimplemented)
}
