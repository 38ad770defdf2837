//! Elasticsearch and OpenSearch, as Jaeger's data lies in them: for each instance a cluster, indices and credentials of its own.
//!
//! In: batches and questions of any instance that has a [`Config`]. Out: documents equal to Jaeger's, and spans read back from what any version of Jaeger
//! wrote. `Ok` from a write means that the cluster confirmed each document.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch` v1.76.0.

#[allow(dead_code, unused_imports, reason = "until requests are sent")]
mod bulk;
mod client;
pub mod config;
pub mod document;
#[allow(dead_code, reason = "until requests are sent")]
mod gate;
mod index;
#[allow(dead_code, reason = "until requests are sent")]
mod metrics;
mod services;
mod template;

pub use config::Config;
