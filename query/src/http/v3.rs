//! Jaeger's third API, below `/api/v3`: traces in OpenTelemetry's form, summaries of them, and what there is to ask for.
//!
//! In: a question and its parameters, in the spelling of 1.76 or of 2.20. Out: the JSON of api_v3's messages. What a trace is there is
//! [`crate::v3`]'s, the same as over gRPC.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/apiv3/http_gateway.go` v1.76.0, and `cmd/jaeger/internal/extension/jaegerquery/internal/apiv3`
//! v2.20.0. Different on purpose: successes say that they are JSON, a list of services is never left out, operations have the kind that they have,
//! and `/api/v3/dependencies`, which Jaeger's description names, is answered.

mod both;
mod error;
mod params;

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use model::SpanKind;
use serde::{Serialize, Serializer};
use storage::{Completeness, GetTrace};
use wire::go_json;

use super::Api;
use super::bare::Bare;
use super::form::Form;
use super::route::V3;
use crate::Adjuster;
use crate::service::{Answer, Assembled, Call, Prepare};
use crate::v3::{self, TraceSummary};
pub(super) use error::Error;

/// How the JSON of one trace begins and ends: what lies between can stand in a longer list.
const HEAD: &[u8] = b"{\"resourceSpans\":[";
const TAIL: &[u8] = b"]}";

/// An error of this API.
pub(super) fn refused(status: StatusCode, message: String) -> Response {
    Error::new(status, message).into_response()
}

pub(super) async fn answer(
    api: &Api,
    route: V3,
    call: Call<'_>,
    form: &Form,
) -> Result<Response, Error> {
    let bare = match route {
        V3::Trace(id) => trace(api, call, &id, form).await?,
        V3::Traces => traces(api, call, form).await?,
        V3::TraceSummaries => summaries(api, call, form).await?,
        V3::Services => services(call).await?,
        V3::Operations => operations(call, form).await?,
        V3::Dependencies => dependencies(call, form).await?,
    };
    Ok(bare.into_response(super::is_pretty(form)))
}

async fn trace(api: &Api, call: Call<'_>, id: &str, form: &Form) -> Result<Bare, Error> {
    let trace_id = params::id(id)?;
    let (start_ns, end_ns) = params::window(form)?;
    let wanted = GetTrace {
        trace_id,
        start_ns,
        end_ns,
    };
    let adjuster = adjuster(api, params::is_raw(form, &params::RAW_TRACES)?);
    whole(call.get_traces(&[wanted], json_of(adjuster)).await?)
}

async fn traces(api: &Api, mut call: Call<'_>, form: &Form) -> Result<Bare, Error> {
    let query = params::search(form, api.tag_expressions)?;
    let adjuster = adjuster(api, params::is_raw(form, &params::QUERY_RAW_TRACES)?);
    whole(call.find_traces(&query, json_of(adjuster)).await?)
}

async fn summaries(api: &Api, mut call: Call<'_>, form: &Form) -> Result<Bare, Error> {
    let both::Asked { query, raw, paging } = both::search(form, api.tag_expressions)?;
    let adjuster = adjuster(api, raw);
    let json = |summary: &TraceSummary| go_json::to_vec(&SummaryJson::of(summary));
    let Some(paging) = paging else {
        let answer = v3::find_summaries(&mut call, query, adjuster, json).await?;
        return Ok(list(b"{\"summaries\":[", answer, b"]"));
    };
    let found = v3::find_summaries_page(&mut call, query.clone(), adjuster, json).await?;
    let (answer, after) = found;
    let next = after.map(|after| paging.cursor(&query, after));
    Ok(list(b"{\"summaries\":[", answer, b"]").goes_on(next))
}

async fn services(call: Call<'_>) -> Result<Bare, Error> {
    let services = call.get_services().await?;
    let names: Vec<&str> = services.iter().map(model::Str::as_str).collect();
    Ok(Bare::member("services", &go_json::to_vec(&names)).cut(call.lacks()))
}

/// Without a service there are none.
async fn operations(call: Call<'_>, form: &Form) -> Result<Bare, Error> {
    let kind = form.first_of(&["spanKind", "span_kind"]);
    let operations = match form.first("service") {
        "" => Vec::new(),
        service => {
            let kind = kind.map_or("", |(_, word)| word);
            call.get_operations(service, kind).await?
        }
    };
    let shown: Vec<_> = operations
        .iter()
        .map(|operation| OperationJson {
            name: &operation.name,
            // as 2.20 calls what is not said
            span_kind: match operation.kind {
                SpanKind::Unspecified => SpanKind::Internal.as_str(),
                kind => kind.as_str(),
            },
        })
        .collect();
    Ok(Bare::member("operations", &go_json::to_vec(&shown)).cut(call.lacks()))
}

async fn dependencies(call: Call<'_>, form: &Form) -> Result<Bare, Error> {
    let (start_ns, end_ns) = params::period(form)?;
    let links = call.get_dependencies(start_ns, end_ns).await?;
    let shown: Vec<_> = links
        .iter()
        .map(|link| DependencyJson {
            parent: &link.parent,
            child: &link.child,
            call_count: Long(link.call_count),
        })
        .collect();
    Ok(Bare::member("dependencies", &go_json::to_vec(&shown)).cut(call.lacks()))
}

fn adjuster(api: &Api, raw: bool) -> Option<Adjuster> {
    (!raw).then(|| api.service.adjuster())
}

/// How a trace becomes JSON: done trace by trace, so that its spans can go before the next are read.
fn json_of(adjuster: Option<Adjuster>) -> Prepare<Vec<u8>> {
    Arc::new(move |assembled: Assembled| {
        let mut json = wire::otlp::encode_json(&v3::spans(assembled, adjuster));
        let inner = json
            .strip_prefix(HEAD)
            .and_then(|rest| rest.strip_suffix(TAIL))
            .map(<[u8]>::len);
        match inner {
            Some(len) => {
                json.drain(..HEAD.len());
                json.truncate(len);
                json
            }
            None => Vec::new(),
        }
    })
}

/// All traces in one message.
fn whole(answer: Answer<Vec<u8>>) -> Result<Bare, Error> {
    if answer.traces.is_empty() {
        return Err(match answer.completeness {
            Completeness::Complete => Error::not_found(),
            // they may well be there
            Completeness::Partial { reason } => Error::unknown(reason),
        });
    }
    Ok(list(b"{\"result\":{\"resourceSpans\":[", answer, b"]}"))
}

fn list(head: &[u8], answer: Answer<Vec<u8>>, tail: &[u8]) -> Bare {
    let mut pieces = Vec::with_capacity(2 * answer.traces.len() + 2);
    pieces.push(head.to_vec());
    let items = answer.traces.into_iter().map(|(_, json)| json);
    for (n, item) in items.filter(|json| !json.is_empty()).enumerate() {
        if n > 0 {
            pieces.push(b",".to_vec());
        }
        pieces.push(item);
    }
    pieces.push(tail.to_vec());
    let reason = match answer.completeness {
        Completeness::Complete => None,
        Completeness::Partial { reason } => Some(reason),
    };
    Bare::new(pieces).holding(answer.turn).cut(reason)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationJson<'a> {
    name: &'a str,
    span_kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DependencyJson<'a> {
    parent: &'a str,
    child: &'a str,
    call_count: Long,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SummaryJson<'a> {
    trace_id: String,
    root_service_name: &'a str,
    root_operation_name: &'a str,
    min_start_time_unix_nano: Long,
    max_end_time_unix_nano: Long,
    span_count: usize,
    error_span_count: usize,
    orphan_span_count: usize,
    services: Vec<ServiceJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceJson<'a> {
    name: &'a str,
    span_count: usize,
    error_span_count: usize,
}

/// Text: JavaScript's numbers are not exact beyond 2^53.
struct Long(u64);

// === impl SummaryJson ===

impl<'a> SummaryJson<'a> {
    fn of(summary: &'a TraceSummary) -> Self {
        let id = summary.trace_id;
        let services = summary.services.iter().map(|service| ServiceJson {
            name: &service.name,
            span_count: service.spans,
            error_span_count: service.errors,
        });
        Self {
            // all digits, where Jaeger's text has 16 for short ones
            trace_id: format!("{:016x}{:016x}", id.high(), id.low()),
            root_service_name: &summary.root_service,
            root_operation_name: &summary.root_operation,
            min_start_time_unix_nano: Long(summary.start_min_ns),
            max_end_time_unix_nano: Long(summary.end_max_ns),
            span_count: summary.spans,
            error_span_count: summary.errors,
            orphan_span_count: summary.orphans,
            services: services.collect(),
        }
    }
}

impl Serialize for Long {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
