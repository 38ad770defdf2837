//! The writing half of a store that is served to other processes, on 17271: `jaeger.storage.v1` and OTLP, and what another Spoor sends.
//!
//! In: spans, one a message or many. Out: an answer that means durable, as of every receiver. Health and reflection are served beside it, and what reads: that is
//! another room's, and is given as a router.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/grpc/shared/grpc_handler.go`, `internal/storage/v2/grpc/handler.go` v1.76.0.

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use listen::reflection::{self, Error};
use tonic::Status;

use super::{jaeger, otlp};
use crate::intake::{Decode, Origin, Receiver};
use crate::receivers::unary::{self, Method};

/// What it is called when spans come in OTLP's form,
pub(crate) const OTLP: Origin = Origin {
    name: "storage-grpc",
    format: "otlp",
    transport: "grpc",
    format_tag: None,
};
/// and in Jaeger's. Whoever received them has said how.
pub(crate) const JAEGER: Origin = Origin {
    format: "proto",
    ..OTLP
};

/// Names that gRPC health knows: those of v1.76, and what is there beside.
pub(crate) const SERVICES: &[&str] = &[
    "jaeger.storage.v1.SpanReaderPlugin",
    "jaeger.storage.v1.SpanWriterPlugin",
    "jaeger.storage.v1.PluginCapabilities",
    "jaeger.storage.v1.DependenciesReaderPlugin",
    "jaeger.storage.v1.StreamingSpanWriterPlugin",
    "jaeger.storage.v2.TraceReader",
    "jaeger.storage.v2.TraceWriter",
    "jaeger.storage.v2.DependencyReader",
    "opentelemetry.proto.collector.trace.v1.TraceService",
];
/// What reflection lists: what is there, and no more.
const LISTED: &[&str] = &[
    "jaeger.storage.v1.SpanReaderPlugin",
    "jaeger.storage.v1.SpanWriterPlugin",
    "jaeger.storage.v1.PluginCapabilities",
    "jaeger.storage.v1.DependenciesReaderPlugin",
    "jaeger.storage.v1.StreamingSpanWriterPlugin",
    "jaeger.storage.v2.TraceReader",
    "jaeger.storage.v2.DependencyReader",
    "jaeger.storage.v2.Capabilities",
    "opentelemetry.proto.collector.trace.v1.TraceService",
];
const DESCRIBED: &[&[u8]] = &[
    wire::r#gen::STORAGE_V1_DESCRIPTORS,
    wire::r#gen::STORAGE_V2_DESCRIPTORS,
    wire::r#gen::OTLP_DESCRIPTORS,
];

/// Added to `router`, which has health. `receivers` make one for each origin; `reads` is what reads.
pub(crate) fn router(
    router: Router,
    receiver: impl Fn(Origin) -> Receiver,
    reads: Router,
) -> Result<Router, Error> {
    let export = |path: &'static str, decode: Decode| Method {
        path,
        decode,
        reply: otlp::reply::proto,
        status: |fault| otlp::reply::status(fault).into(),
    };
    let span = |path: &'static str| Method {
        path,
        decode: wire::jaeger::proto::decode_spans,
        reply: |_| Bytes::new(),
        status: jaeger::grpc::status,
    };
    let router = reflection::add(router.merge(reads), DESCRIBED, LISTED)?;
    let plain = export(
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        wire::otlp::decode,
    );
    let router = unary::route(router, receiver(OTLP), plain);
    let own = export(
        "/spoor.storage.v1.TraceWriter/Export",
        wire::otlp::decode_own,
    );
    let router = unary::route(router, receiver(OTLP), own);
    let one = span("/jaeger.storage.v1.SpanWriterPlugin/WriteSpan");
    let router = unary::route(router, receiver(JAEGER), one);
    let many = span("/jaeger.storage.v1.StreamingSpanWriterPlugin/WriteSpanStream");
    let router = super::stream::route(router, receiver(JAEGER), many);
    let close = || async {
        Status::unimplemented("span writer does not support graceful shutdown")
            .into_http::<axum::body::Body>()
    };
    let router = router.route("/jaeger.storage.v1.SpanWriterPlugin/Close", post(close));
    Ok(router.fallback(unary::unimplemented))
}
