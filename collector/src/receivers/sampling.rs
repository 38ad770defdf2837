//! Remote sampling, asked by SDKs: over HTTP on 5778 and on 14268, over gRPC on 5779 and on 14250.
//!
//! In: a service's name. Out: its strategy, in the form that the path stands for. Of an agent, 5778 also has the path for restrictions of
//! baggage, which no collector ever had; clients go on without.
//!
//! Source: `jaegertracing/jaeger: internal/sampling/http/handler.go` v1.76.0, `cmd/agent/app/httpserver` v1.60.0.

use std::sync::Arc;

use ::http::header::{ALLOW, CONTENT_TYPE};
use ::http::request::Parts;
use ::http::{Method, StatusCode};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tonic::Status;
use wire::r#gen::api_v2::sampling_manager_server::{SamplingManager, SamplingManagerServer};
use wire::r#gen::api_v2::{SamplingStrategyParameters, SamplingStrategyResponse};

use super::{http, unary};
use crate::metrics::Asked;
use crate::sampling::{self, Sampling};

/// The longest request: a name.
const MAX_MESSAGE: usize = 64 << 10;
const ONCE: &str = "'service' parameter must be provided once";
const BAGGAGE: &str = "collector error: baggage is not restricted here";

/// The form of an answer.
#[derive(Clone, Copy)]
enum Form {
    Today,
    Legacy,
}

/// The path on the collector's port for Thrift, added to `router`.
pub(super) fn add_http(router: Router, sampling: Arc<Sampling>, asked: Asked) -> Router {
    add(router, "/api/sampling", sampling, Form::Today, asked)
}

/// All of 5778.
pub(crate) fn http_router(sampling: Arc<Sampling>, asked: &Asked) -> Router {
    let router = Router::new();
    let router = add(router, "/", sampling.clone(), Form::Legacy, asked.clone());
    let router = add(
        router,
        "/sampling",
        sampling.clone(),
        Form::Today,
        asked.clone(),
    );
    add_http(router, sampling, asked.clone())
        .route(
            "/baggageRestrictions",
            any(|| async { http::error(StatusCode::INTERNAL_SERVER_ERROR, BAGGAGE) }),
        )
        .fallback(|| async { http::error(StatusCode::NOT_FOUND, http::NOT_FOUND) })
}

/// The gRPC service, added to `router`.
pub(crate) fn add_grpc(router: Router, sampling: Arc<Sampling>) -> Router {
    let service =
        SamplingManagerServer::new(Manager(sampling)).max_decoding_message_size(MAX_MESSAGE);
    router.route_service("/jaeger.api_v2.SamplingManager/{*method}", service)
}

/// All of 5779, beside what `router` has.
pub(crate) fn grpc_router(router: Router, sampling: Arc<Sampling>) -> Router {
    add_grpc(router, sampling).fallback(unary::unimplemented)
}

fn add(
    router: Router,
    path: &'static str,
    sampling: Arc<Sampling>,
    form: Form,
    asked: Asked,
) -> Router {
    router.route(
        path,
        any(move |request: Request| {
            let (parts, _) = request.into_parts();
            let (sampling, asked) = (sampling.clone(), asked.clone());
            async move {
                let response = answer(&parts, &sampling, form).await;
                let kind = match form {
                    Form::Today => "sampling",
                    Form::Legacy => "sampling-legacy",
                };
                asked.answered(kind, response.status());
                response
            }
        }),
    )
}

async fn answer(parts: &Parts, sampling: &Sampling, form: Form) -> Response {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    let query = parts.uri.query().unwrap_or_default();
    let mut services = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == "service");
    let (Some((_, service)), None) = (services.next(), services.next()) else {
        return http::error(StatusCode::BAD_REQUEST, ONCE);
    };
    let strategy = match sampling.of(&service).await {
        Ok(strategy) => strategy,
        Err(error) => {
            let error = format!("collector error: {error}");
            return http::error(StatusCode::INTERNAL_SERVER_ERROR, &error);
        }
    };
    let body = match form {
        Form::Today => Ok(sampling::json(&strategy)),
        Form::Legacy => sampling::legacy_json(&strategy),
    };
    match body {
        Ok(body) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => http::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

struct Manager(Arc<Sampling>);

#[tonic::async_trait]
impl SamplingManager for Manager {
    async fn get_sampling_strategy(
        &self,
        request: tonic::Request<SamplingStrategyParameters>,
    ) -> Result<tonic::Response<SamplingStrategyResponse>, Status> {
        let asked = self.0.of(&request.into_inner().service_name).await;
        asked.map(tonic::Response::new).map_err(Status::unavailable)
    }
}
