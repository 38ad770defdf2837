//! The query service over gRPC on 16685: what real Jaeger answered, what Kiali asks, and a client that knows nothing but what reflection tells it.

pub(crate) mod client;
pub(crate) mod golden;
mod grpcurl;
mod kiali;
pub(crate) mod ui;
