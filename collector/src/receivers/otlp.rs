//! OTLP, over gRPC and over HTTP.

pub(crate) mod grpc;
pub(crate) mod http;
mod reply;
