//! The admin port: health, readiness, metrics, version.
//!
//! In: what the roles tell about themselves. Out: a router for the listener `admin`. Every path that is not named here answers health, as Jaeger's does
//! and as probes rely on (`/`, `/healthz`, …). It changes nothing in the process, and an outage of a store never shows in health: restarting pods
//! does not mend a store. Source: Jaeger v1.76 `cmd/internal/flags/admin.go`, `internal/healthcheck`.

mod exposition;
mod health;

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use prometheus_client::registry::Registry;

pub use health::{Health, Moment};

/// What `/version` says, and the command `version`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// The revision it was built from; empty when unknown.
    pub git_commit: String,
    /// Such as `v0.1.0`.
    pub git_version: String,
    /// When, as RFC 3339; empty when unknown.
    pub build_date: String,
}

/// Whether the store can write and read now; else why not, in a sentence for an operator.
pub type Ready = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What the admin port shows.
#[derive(Clone)]
pub struct Admin {
    /// Up or not.
    pub health: Health,
    /// Asked at each `/ready`.
    pub ready: Ready,
    /// Every metric of the process; not set while it starts.
    pub registry: Arc<OnceLock<Registry>>,
    /// Where metrics are, such as `/metrics`; `None` turns them off (`metrics-backend=none`).
    pub metrics_path: Option<String>,
    /// What was built.
    pub version: Version,
}

/// The admin port's routes.
pub fn router(admin: Admin) -> Router {
    let Admin {
        health,
        ready,
        registry,
        metrics_path,
        version,
    } = admin;
    let live = health.clone();
    let mut routes = Router::new()
        .route(
            "/ready",
            any(move || async move { readiness(&health, &ready) }),
        )
        .route("/version", any(move || async move { plain(&version) }))
        .fallback(move || async move { live.answer(Instant::now()).into_response() });
    // `/` is health's own and cannot be the metrics' path; a path of axum's syntax would panic.
    if let Some(path) = metrics_path.filter(|path| is_plain_path(path)) {
        routes = routes.route(
            &path,
            any(move |request: Request| async move { metrics(&registry, request.headers()) }),
        );
    }
    routes
}

/// Whether a route can be at `path`: it begins with `/`, is more than that, is not taken, and has no placeholders.
pub fn is_plain_path(path: &str) -> bool {
    path.len() > 1
        && path.starts_with('/')
        && !path.contains(['{', '}', '*', ':'])
        && !matches!(path, "/ready" | "/version")
}

fn readiness(health: &Health, ready: &Ready) -> Response {
    let state = health
        .why_not()
        .map_or_else(|| ready(), |why| Err(why.to_owned()));
    match state {
        Ok(()) => json(StatusCode::OK, &serde_json::json!({"status": "ready"})),
        Err(reason) => json(
            StatusCode::SERVICE_UNAVAILABLE,
            &serde_json::json!({"status": "not ready", "reason": reason}),
        ),
    }
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// Jaeger names no content type here, and Go's guess is plain text.
fn plain(version: &Version) -> Response {
    let body = serde_json::to_string(version).unwrap_or_default();
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

fn metrics(registry: &OnceLock<Registry>, headers: &HeaderMap) -> Response {
    let Some(registry) = registry.get() else {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "starting: no metrics yet\n",
        )
            .into_response();
    };
    let accept = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(",");
    let mut text = String::new();
    if prometheus_client::encoding::text::encode(&mut text, registry).is_err() {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "cannot write the metrics\n",
        )
            .into_response();
    }
    if exposition::asks_for_openmetrics(&accept) {
        return ([(CONTENT_TYPE, exposition::OPENMETRICS)], text).into_response();
    }
    (
        [(CONTENT_TYPE, exposition::TEXT)],
        exposition::to_text_format(&text),
    )
        .into_response()
}

#[cfg(test)]
mod tests;
