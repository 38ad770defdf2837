//! The reading half of a store that is served to other processes: `jaeger.storage.v1` and `v2`, and what another Spoor asks.
//!
//! In: requests. Out: traces as they are stored, uncorrected, a message for at most a thousand spans of one trace and no longer than gRPC's clients take. A search
//! means here what it means everywhere.
//!
//! Deliberately absent: writing, health and reflection, which stand on the same port: `collector/src/receivers/remote.rs`.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/grpc/shared/grpc_handler.go`, `internal/storage/v2/grpc/handler.go`, `cmd/remote-storage` v1.76.0.

mod v1;
mod v2;

use std::sync::Arc;

use axum::Router;
use model::Span;
use storage::ReadError;
use tonic::Status;
use wire::pieces::pieces;

use super::Api;
use super::traces::Form;
use crate::Config;
use crate::service::{Assembled, Service};

/// The listener, by its word.
const LISTENER: &str = "storage-grpc";
/// Most spans in a message, as in Jaeger.
const SPANS: usize = 1000;
/// gRPC's clients take messages of 4 MiB unless they are told otherwise.
const MAX_MESSAGE: usize = 3 << 20;

/// Every method that reads.
pub(crate) fn reads(service: Service, config: &Config) -> Router {
    let api = Arc::new(Api {
        service,
        tag_expressions: config.tag_expressions,
        listener: LISTENER,
    });
    let router = v1::add(Router::new(), &api, config.archive);
    v2::add(router, &api)
}

/// Spans as they are stored, piece by piece, as `encode` writes them.
fn form(encode: fn(&[Span]) -> Vec<u8>) -> Form {
    Form {
        whole: false,
        messages: Arc::new(move |trace: Assembled| {
            let pieces = pieces(&trace.spans, SPANS, MAX_MESSAGE, encode);
            pieces.into_iter().map(|(_, message)| message).collect()
        }),
    }
}

/// What a failed read is answered with, so that a client knows whether to ask again.
#[allow(clippy::needless_pass_by_value, reason = "given to map_err")]
fn failed(error: ReadError) -> Status {
    let text = error.to_string();
    match error {
        ReadError::Invalid(_) => Status::invalid_argument(text),
        ReadError::Unavailable { .. } => Status::unavailable(text),
        ReadError::Late { .. } | ReadError::Cancelled(_) => Status::deadline_exceeded(text),
    }
}

/// Who called whom: between all times where none is said.
fn hours(start: Option<prost_types::Timestamp>, end: Option<prost_types::Timestamp>) -> (u64, u64) {
    use super::times::unix_ns;
    (
        unix_ns(start).unwrap_or_default(),
        unix_ns(end).unwrap_or(u64::MAX),
    )
}

#[cfg(test)]
mod tests;
