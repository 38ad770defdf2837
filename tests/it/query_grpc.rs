//! The query service over gRPC on 16685: what real Jaeger answered, and a client that knows nothing but what reflection tells it.

pub(crate) mod client;
pub(crate) mod golden;
mod grpcurl;
pub(crate) mod ui;
