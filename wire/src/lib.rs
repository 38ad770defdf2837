//! Other people's formats: bytes into spans, spans into bytes. Each format has one `decode` and one `encode`.
//!
//! In: a request's body as [`bytes::Bytes`]. Out: [`Decoded`] spans whose text points into that body. Bad input is data: a decoder returns
//! an error for a message it cannot follow, and keeps the good spans of one that it can.
//!
//! Deliberately absent: sockets, HTTP and gRPC servers, storage, configuration.

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
mod budget;
mod cursor;
mod decoded;
pub mod encoding;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod r#gen;
pub mod go_json;
pub mod jaeger;
pub mod otlp;
pub mod pieces;
pub mod record;
pub mod thrift;
pub mod times;
mod writer;
pub mod zipkin;

pub use decoded::{DecodeError, Decoded, MAX_DEPTH, RejectedSpan};
