//! Jaeger's own protocols.

pub(crate) mod grpc;
