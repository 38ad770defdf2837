//! The protocols, each from an HTTP request to an answer in its own words. Each is an [`axum::Router`].

mod cors;
mod http;
pub(crate) mod jaeger;
pub(crate) mod otlp;
pub(crate) mod remote;
mod rpc_status;
pub(crate) mod sampling;
mod stream;
mod unary;
pub(crate) mod zipkin;
