//! Traces from the port to people: the query service, its read-time corrections, and Jaeger's HTTP and gRPC APIs over it.
//!
//! In: requests, and readers of a store ([`Stores`]). Out: traces as Jaeger's clients know them. [`http::router`] is the HTTP API without
//! a socket; [`bind`] gives it one, and gRPC its own.
//!
//! Deliberately absent: writing, the collector, any particular store, the accept loop and TLS (`listen`), reading settings.

pub mod adjust;
mod config;
mod credentials;
pub mod demo;
mod fingerprint;
mod grpc;
pub mod http;
mod inflow;
mod metrics;
mod own;
mod partial;
mod search;
mod server;
pub mod service;
mod short_ids;
#[cfg(test)]
mod testing;
mod trace;
mod v3;
mod whole;

pub use adjust::Adjuster;
pub use config::{
    BasePath, Config, FrameAncestors, InvalidBasePath, InvalidOrigin, Place, Ui, Version,
};
pub use inflow::{Inflow, Put, Receiver};
pub use metrics::Metrics;
pub use own::Tracing;
pub use server::{BindError, RunError, Server, bind, storage_reads};
pub use service::{CacheConfig, KeptConfig, Readers, Service, Stores};
pub use trace::Trace;
