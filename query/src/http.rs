//! The query service over HTTP: Jaeger's API under `/api`, its third one under `/api/v3`, Spoor's own under `/api/spoor`, and a web UI elsewhere.
//!
//! In: requests, whose paths may name one of several instances. Out: answers whose bodies, errors and content types are those of Jaeger v1.76, compressed for clients that ask for it.
//! `openapi.json` says all of it for programs. It opens no socket.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app` v1.76.0. Different on purpose: an unknown path below `/api/` is 404 and not the page, answers
//! have a stable order, a negative `lookback` is refused, connections are kept alive.

mod bare;
mod body;
mod deep;
mod envelope;
mod form;
mod go;
mod indent;
pub(crate) mod json;
mod metrics;
mod named;
mod names;
mod page;
mod page_params;
mod params;
mod pieces;
mod route;
mod site;
mod spoor;
mod tags_json;
mod traces;
mod transform;
mod v1;
mod v3;

use std::sync::Arc;
use std::time::Instant;

use access::{Denied, Refusal, Remedy, Unproved, oidc};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tokio::sync::Semaphore;
use tower_http::compression::CompressionLayer;
use trust::{Astray, Stranger};

use crate::own::Traced;
use crate::service::{Call, Service};
use crate::{BasePath, Config};
use form::Form;
use named::{Named, Path};
use page::Page;
use route::Route;
pub use site::{Site, SiteError};

/// What the API can be asked, for programs.
const OPENAPI: &str = include_str!("../openapi.json");
/// What metrics know the paths of the sign-in by.
const SIGN_IN: &str = "/oauth";
/// The header by which a traced server says which trace a request is in. Of one that is not traced it says nothing, as Jaeger's.
const TRACE_RESPONSE: HeaderName = HeaderName::from_static("traceresponse");

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
    site: Site,
    /// For who did not say which of several instances.
    page: Page,
    logs_assets: bool,
    /// One permit for each file that is transformed.
    transforms: Arc<Semaphore>,
}

/// Every route of the query service, base path, compression and headers included.
pub fn router(service: Service, config: &Config, site: Site) -> Router {
    let api = Api {
        service,
        base_path: config.base_path.clone(),
        additional_headers: config.additional_headers.clone(),
        tag_expressions: config.tag_expressions,
        site,
        page: Page::new(config),
        logs_assets: config.ui.logs_assets,
        transforms: v1::turns(),
    };
    // one handler and our own table: Jaeger cuts paths before it decodes them, and has no HEAD
    Router::new()
        .fallback(answer)
        .layer(CompressionLayer::new().gzip(true))
        .with_state(Arc::new(api))
}

async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    let start = Instant::now();
    let (mut request, body) = request.into_parts();
    let traced = api.service.traced(&request.headers);
    if let Some(traced) = &traced {
        request.extensions.insert(traced.clone());
    }
    let base_path = api.base_path.as_str();
    if let Some((sign_in, seen)) = api.service.signing_in(&request, base_path)
        && let Some(response) = Box::pin(sign_in.answer(&request, seen)).await
    {
        return api.signed_in(&request, start, response);
    }
    let admitted = Box::pin(api.service.welcome(&mut request, base_path)).await;
    let path = api.base_path.strip(request.uri.path());
    let mut response;
    let label;
    match path.map(Path::of) {
        Some(Path { named, rest }) => {
            let route = Route::of(rest);
            label = route.label();
            response = match admitted {
                Ok(cookies) => {
                    let mut response = api.answer(route, &named, &request, body).await;
                    for cookie in cookies {
                        response.headers_mut().append(SET_COOKIE, cookie);
                    }
                    response
                }
                Err(unproved) => api.unproved(&unproved, &route, &request),
            };
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
    let told = traced.as_ref().and_then(Traced::response);
    let told = told.unwrap_or(HeaderValue::from_static(""));
    response.headers_mut().insert(TRACE_RESPONSE, told);
    let method = method_label(&request.method);
    let status = response.status().as_u16();
    if let Some(traced) = traced {
        traced.ends_http(method, label, status);
    }
    api.service
        .metrics()
        .answered(method, label, status, start.elapsed());
    response
}

// === impl Api ===

impl Api {
    async fn answer(&self, route: Route<'_>, named: &Named, parts: &Parts, body: Body) -> Response {
        if !route.allows(&parts.method) {
            let allow = [(ALLOW, route.allowed())];
            return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
        }
        match route {
            Route::UnknownApi | Route::OpenApi | Route::Asset(_) | Route::Page => {
                self.nobodys(&route, named, parts)
            }
            Route::V1(route) => {
                let call = match self.call(named, parts) {
                    Ok(call) => call,
                    Err(astray) => {
                        return self.refused(&astray, parts, |status, text| {
                            envelope::Error::new(status, text).into_response()
                        });
                    }
                };
                let form = Form::parse(parts.uri.query().unwrap_or_default());
                let asked = v1::Asked {
                    call,
                    parts,
                    body,
                    form,
                };
                let answered = v1::answer(self, route, asked).await;
                answered.unwrap_or_else(IntoResponse::into_response)
            }
            Route::V3(route) => {
                let call = match self.call(named, parts) {
                    Ok(call) => call,
                    Err(astray) => return self.refused(&astray, parts, v3::refused),
                };
                let form = Form::parse(parts.uri.query().unwrap_or_default());
                let answered = v3::answer(self, route, call, &form).await;
                answered.unwrap_or_else(IntoResponse::into_response)
            }
            Route::Instances => {
                let form = Form::parse(parts.uri.query().unwrap_or_default());
                match spoor::instances(&self.service, named, parts) {
                    Ok(bare) => bare.into_response(is_pretty(&form)),
                    Err(astray) => self.refused(&astray, parts, v3::refused),
                }
            }
            Route::Spoor(route) => {
                let call = match self.call(named, parts) {
                    Ok(call) => call,
                    Err(astray) => return self.refused(&astray, parts, v3::refused),
                };
                let form = Form::parse(parts.uri.query().unwrap_or_default());
                let answered = spoor::answer(route, call, parts, &form).await;
                answered.unwrap_or_else(IntoResponse::into_response)
            }
        }
    }

    /// What the sign-in answered on one of its own paths.
    fn signed_in(&self, request: &Parts, start: Instant, response: Response<Vec<u8>>) -> Response {
        let metrics = self.service.metrics();
        if let Some(refusal) = response.extensions().get::<Refusal>() {
            metrics.refused(refusal.reason());
        }
        let method = method_label(&request.method);
        metrics.answered(method, SIGN_IN, response.status().as_u16(), start.elapsed());
        response.map(Body::from)
    }

    fn call(&self, named: &Named, parts: &Parts) -> Result<Call<'_>, Denied> {
        self.service.call(parts, named.instance()?)
    }

    /// What shows no traces. Where it is not known who asks, it is shown below every name alike.
    fn nobodys(&self, route: &Route<'_>, named: &Named, parts: &Parts) -> Response {
        let asked = named.instance();
        let asked = asked.map_err(Denied::from);
        let asked = asked.and_then(|named| Ok((named, self.service.instance(parts, named)?)));
        let instance = match (asked, named) {
            (Err(Denied::Astray(Astray::Several(instances))), _)
                if matches!(route, Route::Page) =>
            {
                return self.page.list(&instances);
            }
            (Ok((instance, _)), _) => instance,
            (Err(Denied::Astray(Astray::Stranger(_))), Named::One(instance)) => Some(instance),
            (Err(Denied::Astray(Astray::Stranger(_) | Astray::Several(_))), _) => None,
            (Err(denied @ Denied::Astray(_)), _) => {
                return self.refused(&denied, parts, |_, _| page::not_found());
            }
            (Err(denied), _) => return self.refused(&denied, parts, bare_text),
        };
        match route {
            Route::OpenApi => {
                page::file(Bytes::from_static(OPENAPI.as_bytes()), "application/json")
            }
            Route::Asset(name) => {
                let response = self.site.asset(name, parts);
                if self.logs_assets {
                    let (path, status) = (parts.uri.path(), response.status().as_u16());
                    tracing::info!(path, status, "static asset");
                }
                response
            }
            Route::Page => self.site.html(instance),
            _ => page::not_found(),
        }
    }

    /// Strangers in Jaeger's words and manner: no newline at the end, as its guard of tenants writes it. Others as `show` shows errors.
    fn refused(
        &self,
        denied: &Denied,
        parts: &Parts,
        show: impl FnOnce(StatusCode, String) -> Response,
    ) -> Response {
        let text = denied.to_string();
        let astray = match denied {
            Denied::Astray(astray) => astray,
            Denied::SignIn => {
                let away = self.turned_away(parts, &Refusal::Nobody);
                let told = || self.challenged(show(StatusCode::UNAUTHORIZED, text));
                return away.unwrap_or_else(told);
            }
            Denied::Nothing { .. } | Denied::Writing { .. } => {
                return show(StatusCode::FORBIDDEN, text);
            }
        };
        let status = match astray {
            Astray::Elsewhere => return show(StatusCode::NOT_FOUND, text),
            Astray::Several(_) => return show(StatusCode::BAD_REQUEST, text),
            Astray::Contradiction
            | Astray::Stranger(Stranger::Certificate(_) | Stranger::Contradiction) => {
                StatusCode::FORBIDDEN
            }
            Astray::Stranger(_) => StatusCode::UNAUTHORIZED,
        };
        (status, text).into_response()
    }

    /// What a client showed proves nothing.
    fn unproved(&self, unproved: &Unproved, route: &Route<'_>, parts: &Parts) -> Response {
        if let Unproved::Token(refusal) = unproved
            && let Some(response) = self.turned_away(parts, refusal)
        {
            return response;
        }
        let (status, text) = (unproved.status(), unproved.to_string());
        let mut response = match route {
            Route::V1(_) => envelope::Error::new(status, text).into_response(),
            Route::V3(_) | Route::Spoor(_) | Route::Instances => v3::refused(status, text),
            _ => bare_text(status, text),
        };
        match unproved.remedy() {
            Remedy::Prove => return self.challenged(response),
            Remedy::Wait => {
                let headers = response.headers_mut();
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Remedy::None => {}
        }
        response
    }

    /// What a person with a browser is shown where people sign in; `None`: a program asks, or nobody signs in.
    fn turned_away(&self, parts: &Parts, refusal: &Refusal) -> Option<Response> {
        let (sign_in, seen) = self.service.signing_in(parts, self.base_path.as_str())?;
        let away = || sign_in.turn_away(parts, seen, refusal).map(Body::from);
        oidc::is_for_a_person(parts).then(away)
    }

    /// Says what to show.
    fn challenged(&self, mut response: Response) -> Response {
        if let Some(challenge) = self.service.door().challenge() {
            let value = HeaderValue::from_static(challenge);
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        response
    }
}

fn bare_text(status: StatusCode, text: String) -> Response {
    (status, text).into_response()
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
