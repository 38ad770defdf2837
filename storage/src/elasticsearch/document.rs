//! Documents: what stands in the indices, byte for byte as Jaeger writes it, and read back from what any version of it wrote.
//!
//! In: spans of either dialect, rows of adaptive sampling, dependencies. Out: one line of JSON a document, and the id that a document has.
//! The other way: spans in the `Jaeger` dialect, with text that points into the cluster's answer.
//!
//! What a document does not hold, here as there: nanoseconds, warnings, attributes of links and scopes, counts of what was dropped
//! (quirks 18, 105, 106). A float without a fraction comes back as an integer from a field of its own (quirk 12).
//!
//! Deliberately absent: names of indices, requests, and whether equal spans come once.
//!
//! Source: `jaegertracing/jaeger: internal/storage/elasticsearch/dbmodel/model.go`, `internal/storage/v1/elasticsearch/spanstore` v1.76.0;
//! `plugin/storage/es/spanstore/dbmodel` v1.20.0; `internal/storage/v2/elasticsearch/tracestore` v2.20.0.

mod decode;
pub mod dependencies;
mod encode;
mod id;
mod json;
mod keys;
mod moment;
pub mod sampling;
mod scalar;
mod second;
pub mod service;
mod source;
mod tags;
mod value;

pub use decode::{Decoder, Undecodable};
pub use encode::Encoder;
pub use id::DocumentId;
pub use keys::KeyBook;
pub use source::Source;

#[cfg(test)]
mod tests;
