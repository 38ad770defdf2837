//! The API through its router, over a store that follows a script.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http_body_util::BodyExt;
use model::SpanKind;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use storage::{DependencyLink, Durations, LinkKind, ReadError, ReadLimits};
use tower::ServiceExt;

mod bounds;
mod edges;
mod inflow;
mod instances;
mod metrics;
mod names;
mod openapi;
mod spoor;
mod traces;
mod transform;
mod v3;

use super::*;
use crate::testing::*;
use crate::{Metrics, Place};

/// An answer, read whole.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Of bytes too.
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

fn app(script: &Arc<Script>, config: &Config) -> Router {
    let metrics = Metrics::register(&mut Registry::default());
    let service = Service::new(script.stores(), config, metrics);
    router(service, config, Site::own(config))
}

async fn send(app: Router, request: http::Request<axum::body::Body>) -> Answer {
    let response = app.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

fn request(method: &str, uri: &str) -> http::Request<axum::body::Body> {
    let builder = http::Request::builder().method(method).uri(uri);
    builder.body(axum::body::Body::empty()).unwrap()
}

/// A request with a body of this type.
fn post(uri: &str, content_type: &str, body: impl Into<Body>) -> http::Request<Body> {
    let builder = http::Request::post(uri).header("content-type", content_type);
    builder.body(body.into()).unwrap()
}

async fn get_with(script: Script, config: &Config, uri: &str) -> Answer {
    send(app(&Arc::new(script), config), request("GET", uri)).await
}

async fn get(script: Script, uri: &str) -> Answer {
    get_with(script, &Config::default(), uri).await
}

fn error(code: u16, msg: &str) -> Value {
    json!({"data": null, "total": 0, "limit": 0, "offset": 0, "errors": [{"code": code, "msg": msg}]})
}

#[track_caller]
fn is_error(answer: &Answer, code: u16, msg: &str) {
    assert_eq!((answer.status, answer.json()), (code, error(code, msg)));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.text().ends_with("}\n"));
}
