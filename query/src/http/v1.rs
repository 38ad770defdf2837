//! Jaeger's first API, below `/api`: envelopes, and what stands beside them in bare JSON.
//!
//! In: a question, its parameters and its body. Out: an answer, or the error in Jaeger's words. What each question means is in the modules beside.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use tokio::sync::Semaphore;

use super::envelope::{Envelope, Error};
use super::form::Form;
use super::route::V1;
use super::{Api, body, deep, metrics, names, traces, transform};
use crate::service::{Call, Turn};

/// So many files are transformed at once; more wait, within their time. Each holds its body, its spans and its answer.
const TRANSFORMS: usize = 2;

const NO_QUALITY: &str = "quality metrics are not computed: what makes a trace a good one is not written down here, and made-up scores would mislead";

/// What is asked, beside the route.
pub(super) struct Asked<'a> {
    pub(super) call: Call<'a>,
    pub(super) parts: &'a Parts,
    pub(super) body: Body,
    pub(super) form: Form,
}

pub(super) async fn answer(api: &Api, route: V1<'_>, asked: Asked<'_>) -> Result<Response, Error> {
    let Asked {
        call,
        parts,
        mut body,
        mut form,
    } = asked;
    if matches!(route, V1::Archive(_)) && is_form(parts) {
        let sent = body::read(parts, body, api.service.timeout()).await?;
        form = form.after(Form::parse(&String::from_utf8_lossy(&sent)));
        body = Body::empty();
    }
    let pretty = super::is_pretty(&form);
    let show = |envelope: Envelope| envelope.into_response(pretty);
    match route {
        V1::Trace(id) => traces::get(api, call, id, &form).await.map(show),
        V1::Traces => traces::find(api, call, &form).await.map(show),
        V1::Services => names::services(call).await.map(show),
        V1::ServiceOperations(service) => names::operation_names(call, &service).await.map(show),
        V1::Operations => names::operations(call, &form).await.map(show),
        V1::Dependencies => names::dependencies(call, &form).await.map(show),
        V1::Archive(id) => traces::archive(call, id, &form).await.map(show),
        V1::Transform => {
            let turn = turn(api).await?;
            let body = body::read(parts, body, api.service.timeout()).await?;
            transform::transform(body, turn).await.map(show)
        }
        V1::Metrics(measure) => metrics::get(call, measure, &form, pretty).await,
        V1::MinStep => metrics::min_step(call).await.map(show),
        V1::DeepDependencies => {
            let paths = deep::get(call, &form).await?;
            Ok(paths.into_response(pretty))
        }
        V1::QualityMetrics => Err(Error::new(StatusCode::NOT_FOUND, NO_QUALITY)),
    }
}

/// Whether the body holds parameters too. What is no form is not read.
fn is_form(parts: &Parts) -> bool {
    let value = parts
        .headers
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    let essence = value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    essence
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

async fn turn(api: &Api) -> Result<Turn, Error> {
    let waiting = Arc::clone(&api.transforms).acquire_owned();
    match tokio::time::timeout(api.service.timeout(), waiting).await {
        Ok(Ok(permit)) => Ok(Turn(permit)),
        Ok(Err(_)) | Err(_) => Err(Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "{TRANSFORMS} files are being transformed, and none ended within query.timeout"
            ),
        )),
    }
}

/// The turns of files that are transformed.
pub(super) fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(TRANSFORMS))
}
