//! The query service over gRPC: Jaeger's `api_v2` and `api_v3`, its service for metrics, health and reflection.
//!
//! In: HTTP/2 requests. Out: messages in a stream that is read as the client takes it, then a status; a cut answer says why in the trailer
//! `spoor-partial`. Codes and texts are those of Jaeger v1.76, of methods that came later those of v2.20. Whose a request is, the same rules say as over
//! HTTP; health and reflection are nobody's. Metadata that nobody knows is passed over.
//!
//! Deliberately absent: the socket (`crate::server`), reading and corrections (`crate::service`, `crate::adjust`, `crate::v3`).
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/{grpc_handler,server}.go` v1.76.0.

mod answer;
mod health;
mod method;
mod metrics;
pub(crate) mod remote;
mod times;
mod traces;
mod v2;
mod v3;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use listen::grpc::is_grpc;
use listen::reflection;
use storage::ReadError;
use tonic::{Code, Status};

use crate::Config;
use crate::service::Service;

pub(crate) use health::Health;

/// The listener, by its word.
const LISTENER: &str = "query-grpc";
/// What is served, by the names that reflection lists and health knows.
const SERVICES: [&str; 3] = [v2::SERVICE, v3::SERVICE, metrics::SERVICE];
const DESCRIBED: [&[u8]; 3] = [
    wire::r#gen::DESCRIPTORS,
    wire::r#gen::API_V3_DESCRIPTORS,
    wire::r#gen::METRICS_DESCRIPTORS,
];
const NOT_GRPC: &str = "this port speaks gRPC: send content-type application/grpc over HTTP/2, or use the port of the HTTP API (16686)\n";

/// What every request needs.
struct Api {
    service: Service,
    tag_expressions: bool,
    /// By its word.
    listener: &'static str,
}

/// Every method, and the means to say that it ends.
///
/// # Errors
/// When the descriptions for reflection cannot be read: a defect of this build.
pub(crate) async fn router(
    service: Service,
    config: &Config,
) -> Result<(Router, Health), reflection::Error> {
    let api = Arc::new(Api {
        service,
        tag_expressions: config.tag_expressions,
        listener: LISTENER,
    });
    let router = v2::add(Router::new(), &api);
    let router = v3::add(router, &api);
    let router = metrics::add(router, &api);
    let (router, health) = Health::add(router, &SERVICES).await;
    let router = reflection::add(router, &DESCRIBED, &SERVICES)?;
    Ok((router.fallback(unimplemented), health))
}

/// Answers what is no method of this port.
async fn unimplemented(request: Request) -> Response {
    if !is_grpc(request.headers()) {
        return not_grpc();
    }
    let message = format!("unknown method {}", request.uri().path());
    Status::unimplemented(message).into_http()
}

/// The code of a read that failed: Jaeger has one for everything in each of its services, Kiali makes do with what came of one that was late.
fn code(error: &ReadError, otherwise: Code) -> Code {
    match error {
        ReadError::Late { .. } | ReadError::Cancelled(_) => Code::DeadlineExceeded,
        ReadError::Unavailable { .. } | ReadError::Invalid(_) => otherwise,
    }
}

fn not_grpc() -> Response {
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, NOT_GRPC).into_response()
}

#[cfg(test)]
mod tests;
