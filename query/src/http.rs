//! The query service over HTTP: Jaeger's API under `/api`, and a page elsewhere.
//!
//! In: requests. Out: answers whose bodies, errors and content types are those of Jaeger v1.76, compressed for clients that ask for it.
//! Parameters stand in the URL; bodies are not read. It opens no socket.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app` v1.76.0. Different on purpose: an unknown path below `/api/` is 404 and not the page, answers
//! have a stable order, a negative `lookback` is refused, connections are kept alive.

mod envelope;
mod form;
mod go;
mod indent;
pub(crate) mod json;
mod names;
mod page;
mod params;
mod pieces;
mod route;
mod tags_json;
mod traces;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tower_http::compression::CompressionLayer;
use trust::Stranger;

use crate::service::Service;
use crate::{BasePath, Config};
use envelope::{Envelope, Error};
use form::Form;
use page::Page;
use route::Route;

/// The spans of one trace as `/api/traces/ID?raw=true` gives them, in one JSON object: by start in microseconds, then id.
pub fn raw_trace(mut spans: Vec<model::Span>) -> Vec<u8> {
    spans.sort_by_key(|span| (span.start_ns / 1000, span.span_id));
    json::write(&crate::Trace::from_model(&spans))
}

/// What every request needs.
struct Api {
    service: Service,
    base_path: BasePath,
    additional_headers: Vec<(HeaderName, HeaderValue)>,
    tag_expressions: bool,
    page: Page,
}

/// Every route of the query service, base path, compression and headers included.
pub fn router(service: Service, config: &Config) -> Router {
    let api = Api {
        service,
        base_path: config.base_path.clone(),
        additional_headers: config.additional_headers.clone(),
        tag_expressions: config.tag_expressions,
        page: Page::new(config),
    };
    // one handler and our own table: Jaeger cuts paths before it decodes them, and has no HEAD
    Router::new()
        .fallback(answer)
        .layer(CompressionLayer::new().gzip(true))
        .with_state(Arc::new(api))
}

async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    let start = Instant::now();
    let (request, _body) = request.into_parts();
    let path = api.base_path.strip(request.uri.path());
    let mut response;
    let label;
    match path.map(Route::of) {
        Some(route) => {
            label = route.label();
            response = api.answer(route, &request).await;
        }
        None => {
            label = "";
            response = page::not_found();
        }
    }
    for (name, value) in &api.additional_headers {
        if !response.headers().contains_key(name) {
            response.headers_mut().append(name, value.clone());
        }
    }
    let method = method_label(&request.method);
    let status = response.status().as_u16();
    api.service
        .metrics()
        .answered(method, label, status, start.elapsed());
    response
}

// === impl Api ===

impl Api {
    async fn answer(&self, route: Route<'_>, request: &http::request::Parts) -> Response {
        if !route.allows(&request.method) {
            return StatusCode::METHOD_NOT_ALLOWED.into_response();
        }
        let form = Form::parse(request.uri.query().unwrap_or_default());
        // what they show is nobody's
        match route {
            Route::UnknownApi => return page::not_found(),
            Route::Asset(name) => return Page::asset(name),
            Route::Page => return self.page.html(),
            _ => {}
        }
        let call = match self.service.call(request) {
            Ok(call) => call,
            Err(stranger) => return refused(&stranger),
        };
        let result: Result<Envelope, Error> = match route {
            Route::Trace(id) => traces::get(self, call, id, &form).await,
            Route::Traces => traces::find(self, call, &form).await,
            Route::Services => names::services(call).await,
            Route::ServiceOperations(service) => names::operation_names(call, &service).await,
            Route::Operations => names::operations(call, &form).await,
            Route::Dependencies => names::dependencies(call, &form).await,
            Route::Archive(id) => traces::archive(call, id, &form).await,
            Route::Metrics | Route::UnknownApi | Route::Asset(_) | Route::Page => Err(Error::new(
                StatusCode::NOT_IMPLEMENTED,
                "metrics querying is currently disabled",
            )),
        };
        match result {
            Ok(envelope) => envelope.into_response(is_pretty(&form)),
            Err(error) => error.into_response(),
        }
    }
}

/// In Jaeger's words and manner: no newline at the end, as its guard of tenants writes it.
fn refused(stranger: &Stranger) -> Response {
    let status = match stranger {
        Stranger::Certificate(_) | Stranger::Contradiction => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    (status, stranger.to_string()).into_response()
}

fn is_pretty(form: &Form) -> bool {
    !matches!(form.first("prettyPrint"), "" | "false")
}

/// Clients can invent methods; labels are few.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
