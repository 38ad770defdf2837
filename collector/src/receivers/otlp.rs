//! OTLP, over gRPC and over HTTP.

mod cors;
pub(crate) mod grpc;
pub(crate) mod http;
mod reply;
