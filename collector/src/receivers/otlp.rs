//! OTLP, over gRPC and over HTTP.

pub(crate) mod grpc;
pub(crate) mod http;
pub(crate) mod reply;
