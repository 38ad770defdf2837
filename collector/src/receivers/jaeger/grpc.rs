//! Jaeger's gRPC on 14250: `CollectorService/PostSpans`.
//!
//! In: `PostSpansRequest`, handed to the decoder as bytes. Out: an empty `PostSpansResponse`, or a status. Jaeger's reply has no room for
//! spans that can never be stored: it says OK, and they are dead letters.

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use tonic::{Code, Status};

use crate::fault::{Fault, code_of, code_of_unproved};
use crate::intake::{Origin, Receiver};
use crate::receivers::sampling;
use crate::receivers::unary::{self, Method};
use crate::sampling::Sampling;

/// What it is called. `proto` is v1.76's word for this way in, in metrics and in the tag.
pub(crate) const ORIGIN: Origin = Origin {
    name: "jaeger-grpc",
    format: "proto",
    transport: "grpc",
    format_tag: Some("proto"),
};

/// Added to `router`, which may serve other services already. It answers for remote sampling too.
pub(crate) fn router(router: Router, receiver: Receiver, sampling: Arc<Sampling>) -> Router {
    let method = Method {
        path: "/jaeger.api_v2.CollectorService/PostSpans",
        decode: wire::jaeger::proto::decode_post_spans,
        reply: |_| Bytes::new(),
        status,
    };
    let router = sampling::add_grpc(router, sampling);
    unary::route(router, receiver, method).fallback(unary::unimplemented)
}

/// Jaeger's clients retry `UNAVAILABLE` and nothing else.
pub(crate) fn status(fault: &Fault) -> Status {
    let code = match fault {
        Fault::Undecodable(_) => Code::InvalidArgument,
        Fault::TooLarge { .. } => Code::ResourceExhausted,
        Fault::Encoding(_) => Code::Unimplemented,
        Fault::Denied(denied) => code_of(denied),
        Fault::Unproved(unproved) => code_of_unproved(unproved),
        Fault::Full(_)
        | Fault::Crowded
        | Fault::Throttled { .. }
        | Fault::Broken(_)
        | Fault::Unavailable(_)
        | Fault::Late => Code::Unavailable,
    };
    Status::new(code, fault.to_string())
}
