//! From hyper's request to the router's answer.
//!
//! In: a request of one connection. Out: the router's answer, with the request's [`Peer`] known and both bodies under a deadline. A handler that
//! panics is answered for: 500, or gRPC's `INTERNAL`.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tower::Service;

use crate::activity::Activity;
use crate::body::{InFlight, Received, Sent};
use crate::metrics::Counters;
use crate::peer::Peer;

/// What every request of one connection shares.
#[derive(Clone)]
pub(crate) struct Requests {
    pub(crate) router: Router,
    pub(crate) peer: Peer,
    pub(crate) activity: Arc<Activity>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) body_progress: Duration,
}

impl hyper::service::Service<Request<Incoming>> for Requests {
    type Response = Response<Sent>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let in_flight = InFlight::begin(Arc::clone(&self.activity));
        let mut request = request.map(|body| {
            axum::body::Body::new(Received::new(
                body,
                self.body_progress,
                Arc::clone(&self.activity),
            ))
        });
        request.extensions_mut().insert(self.peer.clone());
        let uri = request.uri().clone();
        let is_grpc = crate::grpc::is_grpc(request.headers());
        let counters = Arc::clone(&self.counters);
        let mut router = self.router.clone();
        Box::pin(async move {
            let answer = AssertUnwindSafe(async move { router.call(request).await });
            let answer = match answer.catch_unwind().await {
                Ok(Ok(answer)) => answer,
                Ok(Err(never)) => match never {},
                Err(panic) => {
                    counters.panicked(uri.path(), message(&*panic));
                    internal_error(is_grpc)
                }
            };
            Ok(answer.map(|body| Sent::new(body, in_flight)))
        })
    }
}

/// Says that it failed, and nothing of why: a panic's text may hold anything.
fn internal_error(is_grpc: bool) -> axum::response::Response {
    if !is_grpc {
        return (StatusCode::INTERNAL_SERVER_ERROR, "internal error\n").into_response();
    }
    let mut answer = axum::response::Response::default();
    let headers = answer.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    headers.insert("grpc-status", HeaderValue::from_static("13"));
    headers.insert("grpc-message", HeaderValue::from_static("internal error"));
    answer
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}
