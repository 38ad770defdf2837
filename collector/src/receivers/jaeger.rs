//! Jaeger's own protocols.

pub(crate) mod grpc;
pub(crate) mod thrift;
pub(crate) mod udp;
