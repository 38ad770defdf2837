//! `jaeger.api_v3.QueryService`: traces in OpenTelemetry's form, and summaries of traces.
//!
//! In: requests. Out: a `TracesData` for each trace, adjusted unless `raw_traces` (of a trace with very many spans several, for clients take 4 MiB a message);
//! summaries, one a message; names; calls. A trace that is not there is an empty stream. Errors are Jaeger's v1.76, of the methods that came later v2.20's.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/apiv3/grpc_handler.go` v1.76.0, `cmd/jaeger/internal/extension/jaegerquery/internal/apiv3` v2.20.0.

use std::sync::Arc;

use axum::Router;
use model::{Str, TraceId};
use prost::Message as _;
use storage::{Completeness, GetTrace, ReadError, TraceQuery};
use tonic::{Code, Status};
use wire::r#gen::api_v3::{
    DependenciesResponse, Dependency, FindTraceSummariesRequest, FindTraceSummariesResponse,
    FindTracesRequest, GetDependenciesRequest, GetOperationsRequest, GetOperationsResponse,
    GetServicesRequest, GetServicesResponse, GetTraceRequest, Operation, ServiceSummary,
    TraceQueryParameters, TraceSummary,
};

use super::answer::{End, Outlet};
use super::method::{self, Question};
use super::times::{duration_ns, unix_ns};
use super::traces::{self, Form};
use super::{Api, code};
use crate::search::{Search, Unsearchable};
use crate::service::Prepare;
use crate::v3;

/// Most spans in a message.
const SPANS: usize = 1000;

method::service! {
    "jaeger.api_v3.QueryService",
    "GetTrace" => get_trace,
    "FindTraces" => find,
    "FindTraceSummaries" => summaries,
    "GetServices" => services,
    "GetOperations" => operations,
    "GetDependencies" => dependencies,
}

async fn get_trace(asked: Question<GetTraceRequest>, out: Outlet) -> Result<End, Status> {
    let request = &asked.message;
    let trace_id = TraceId::parse(&request.trace_id)
        .map_err(|error| Status::unknown(format!("malform trace ID: {error}")))?;
    let get = GetTrace {
        trace_id,
        start_ns: unix_ns(request.start_time),
        end_ns: unix_ns(request.end_time),
    };
    let form = form(&asked.api, request.raw_traces);
    let call = asked.call()?;
    let sent = traces::by_id(&call, get, &form, &out).await;
    let sent = sent.map_err(failed)?;
    match sent.completeness {
        // it may well be there
        Completeness::Partial { reason } if sent.traces == 0 => Err(Status::unknown(reason)),
        completeness => Ok(completeness.into()),
    }
}

async fn find(asked: Question<FindTracesRequest>, out: Outlet) -> Result<End, Status> {
    let parameters = asked.message.query.as_ref();
    let (query, raw) = search(&asked.api, parameters, Code::Unknown)?;
    let form = form(&asked.api, raw);
    let mut call = asked.call()?;
    let sent = traces::found(&mut call, query, &form, &out).await;
    Ok(sent.map_err(failed)?.completeness.into())
}

async fn summaries(asked: Question<FindTraceSummariesRequest>, out: Outlet) -> Result<End, Status> {
    let parameters = asked.message.query.as_ref();
    let (query, raw) = search(&asked.api, parameters, Code::InvalidArgument)?;
    let adjuster = (!raw).then(|| asked.api.service.adjuster());
    let mut call = asked.call()?;
    let sent = traces::summaries(&mut call, query, adjuster, summary, &out).await;
    Ok(sent.map_err(failed)?.completeness.into())
}

async fn services(asked: Question<GetServicesRequest>, out: Outlet) -> Result<End, Status> {
    let call = asked.call()?;
    let services = call.get_services().await.map_err(failed)?;
    let services = services.iter().map(Str::to_string).collect();
    out.message(&GetServicesResponse { services }).await?;
    Ok(End::lacking(call.lacks()))
}

async fn operations(asked: Question<GetOperationsRequest>, out: Outlet) -> Result<End, Status> {
    let GetOperationsRequest { service, span_kind } = &asked.message;
    let call = asked.call()?;
    let found = call.get_operations(service, span_kind).await;
    let operations = found.map_err(failed)?.into_iter().map(|found| Operation {
        name: found.name.to_string(),
        span_kind: found.kind.as_str().to_owned(),
    });
    let operations = operations.collect();
    out.message(&GetOperationsResponse { operations }).await?;
    Ok(End::lacking(call.lacks()))
}

async fn dependencies(asked: Question<GetDependenciesRequest>, out: Outlet) -> Result<End, Status> {
    let wrong = |why: &str| Status::invalid_argument(why);
    let start_ns =
        unix_ns(asked.message.start_time).ok_or_else(|| wrong("start_time is required"))?;
    let end_ns = unix_ns(asked.message.end_time).ok_or_else(|| wrong("end_time is required"))?;
    if end_ns <= start_ns {
        return Err(wrong("end_time must be after start_time"));
    }
    let call = asked.call()?;
    let links = call.get_dependencies(start_ns, end_ns).await;
    let dependencies = links.map_err(failed)?.into_iter().map(|link| Dependency {
        parent: link.parent.to_string(),
        child: link.child.to_string(),
        call_count: link.call_count,
    });
    let dependencies = dependencies.collect();
    out.message(&DependenciesResponse { dependencies }).await?;
    Ok(End::lacking(call.lacks()))
}

/// The search, and whether its traces are wanted raw. `untimed` is the code for one without times, which differs between Jaeger's versions.
fn search(
    api: &Api,
    parameters: Option<&TraceQueryParameters>,
    untimed: Code,
) -> Result<(TraceQuery, bool), Status> {
    let Some(asked) = parameters else {
        return Err(Status::invalid_argument("missing query"));
    };
    let search = Search {
        service: asked.service_name.clone(),
        operation: asked.operation_name.clone(),
        tags: asked.attributes.clone().into_iter().collect(),
        start_min_ns: unix_ns(asked.start_time_min),
        start_max_ns: unix_ns(asked.start_time_max),
        duration_min_ns: duration_ns(asked.duration_min),
        duration_max_ns: duration_ns(asked.duration_max),
        depth: asked.search_depth.into(),
    };
    let query = search.query(api.tag_expressions).map_err(|why| match why {
        Unsearchable::NoTimes => {
            Status::new(untimed, "start time min and max are required parameters")
        }
        Unsearchable::Times | Unsearchable::Durations => Status::unknown(why.to_string()),
    })?;
    Ok((query, asked.raw_traces))
}

/// As they were sent, spans can go out piece by piece.
fn form(api: &Api, raw: bool) -> Form {
    let adjuster = (!raw).then(|| api.service.adjuster());
    let messages: Prepare<Vec<Vec<u8>>> = Arc::new(move |trace| {
        let spans = v3::spans(trace, adjuster);
        spans.chunks(SPANS).map(wire::otlp::encode).collect()
    });
    Form {
        whole: adjuster.is_some(),
        messages,
    }
}

fn summary(of: v3::TraceSummary) -> Vec<u8> {
    // no answer has that many spans
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let services = of.services.into_iter().map(|service| ServiceSummary {
        name: service.name.to_string(),
        span_count: count(service.spans),
        error_span_count: count(service.errors),
    });
    let summary = TraceSummary {
        trace_id: format!("{:032x}", u128::from_be_bytes(of.trace_id.0)),
        root_service_name: of.root_service.to_string(),
        root_operation_name: of.root_operation.to_string(),
        min_start_time_unix_nano: of.start_min_ns,
        max_end_time_unix_nano: of.end_max_ns,
        span_count: count(of.spans),
        error_span_count: count(of.errors),
        orphan_span_count: count(of.orphans),
        services: services.collect(),
    };
    let response = FindTraceSummariesResponse {
        summaries: vec![summary],
    };
    response.encode_to_vec()
}

/// In the store's own words.
#[allow(clippy::needless_pass_by_value, reason = "given to map_err")]
fn failed(error: ReadError) -> Status {
    Status::new(code(&error, Code::Unknown), error.to_string())
}
