//! The collector over real sockets, in front of a store that does what a test tells it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "all of it is test code"
)]

mod adaptive;
mod full;
mod jaeger_grpc;
mod ledger;
mod otlp_grpc;
mod otlp_http;
mod support;
mod thrift_and_zipkin;
mod udp;
