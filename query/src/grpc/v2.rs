//! `jaeger.api_v2.QueryService`: traces in Jaeger's own form.
//!
//! In: requests. Out: spans with their processes, at most ten a message and never of two traces, adjusted unless `raw_traces`; names; calls. The texts of
//! errors are Jaeger's, doubled words included: clients look for them.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/grpc_handler.go` v1.76.0.

use std::sync::Arc;

use axum::Router;
use model::{Str, TraceId};
use prost_types::Timestamp;
use storage::{Completeness, GetTrace, ReadError};
use tonic::{Code, Status};
use wire::r#gen::api_v2::{
    ArchiveTraceRequest, ArchiveTraceResponse, DependencyLink, FindTracesRequest,
    GetDependenciesRequest, GetDependenciesResponse, GetOperationsRequest, GetOperationsResponse,
    GetServicesRequest, GetServicesResponse, GetTraceRequest, Operation, TraceQueryParameters,
};
use wire::jaeger::proto::encode_spans;

use super::answer::{End, Outlet};
use super::method::{self, Question};
use super::times::{duration_ns, unix_ns};
use super::traces::{self, Form};
use super::{Api, code};
use crate::search::Search;
use crate::service::{ArchiveError, Assembled};
use crate::{Adjuster, Trace};

/// Most spans in a message.
const SPANS: usize = 10;

method::service! {
    "jaeger.api_v2.QueryService",
    "GetTrace" => get_trace,
    "ArchiveTrace" => archive,
    "FindTraces" => find,
    "GetServices" => services,
    "GetOperations" => operations,
    "GetDependencies" => dependencies,
}

async fn get_trace(asked: Question<GetTraceRequest>, out: Outlet) -> Result<End, Status> {
    let request = &asked.message;
    let get = wanted(&request.trace_id, request.start_time, request.end_time)?;
    let form = form(&asked.api, request.raw_traces);
    let call = asked.call()?;
    let failed = failed("failed to fetch spans from the backend");
    let sent = traces::by_id(&call, get, &form, &out)
        .await
        .map_err(failed)?;
    match sent.completeness {
        Completeness::Complete if sent.traces == 0 => Err(not_found()),
        // it may well be there
        Completeness::Partial { reason } if sent.traces == 0 => Err(Status::internal(format!(
            "failed to fetch spans from the backend: {reason}"
        ))),
        completeness => Ok(completeness.into()),
    }
}

async fn archive(asked: Question<ArchiveTraceRequest>, out: Outlet) -> Result<End, Status> {
    let request = &asked.message;
    let get = wanted(&request.trace_id, request.start_time, request.end_time)?;
    let call = asked.call()?;
    call.archive(get).await.map_err(|error| match error {
        ArchiveError::NotFound => not_found(),
        ArchiveError::Read(error) => failed("failed to archive trace")(error),
        ArchiveError::NotConfigured => {
            Status::internal(format!("failed to archive trace: {error}"))
        }
        // they begin with that
        ArchiveError::Partial(_) | ArchiveError::Write(_) => Status::internal(error.to_string()),
    })?;
    out.message(&ArchiveTraceResponse {}).await?;
    Ok(End::default())
}

async fn find(asked: Question<FindTracesRequest>, out: Outlet) -> Result<End, Status> {
    let Some(parameters) = &asked.message.query else {
        return Err(Status::invalid_argument("missing query"));
    };
    let failed = failed("failed when searching for traces");
    let query = search(parameters).query(asked.api.tag_expressions);
    let query = query.map_err(|why| failed(ReadError::Invalid(why.to_string())))?;
    let form = form(&asked.api, parameters.raw_traces);
    let mut call = asked.call()?;
    let sent = traces::found(&mut call, query, &form, &out)
        .await
        .map_err(failed)?;
    Ok(sent.completeness.into())
}

async fn services(asked: Question<GetServicesRequest>, out: Outlet) -> Result<End, Status> {
    let call = asked.call()?;
    let services = call
        .get_services()
        .await
        .map_err(failed("failed to fetch services"))?;
    let services = services.iter().map(Str::to_string).collect();
    out.message(&GetServicesResponse { services }).await?;
    Ok(End::lacking(call.lacks()))
}

async fn operations(asked: Question<GetOperationsRequest>, out: Outlet) -> Result<End, Status> {
    let GetOperationsRequest { service, span_kind } = &asked.message;
    let call = asked.call()?;
    let operations = call.get_operations(service, span_kind).await;
    let operations = operations.map_err(failed("failed to fetch operations"))?;
    let mut names: Vec<String> = operations.iter().map(|o| o.name.to_string()).collect();
    names.dedup();
    let response = GetOperationsResponse {
        operation_names: names,
        operations: operations
            .iter()
            .map(|operation| Operation {
                name: operation.name.to_string(),
                span_kind: operation.kind.as_str().to_owned(),
            })
            .collect(),
    };
    out.message(&response).await?;
    Ok(End::lacking(call.lacks()))
}

async fn dependencies(asked: Question<GetDependenciesRequest>, out: Outlet) -> Result<End, Status> {
    let GetDependenciesRequest {
        start_time,
        end_time,
    } = asked.message;
    let (Some(start_ns), Some(end_ns)) = (unix_ns(start_time), unix_ns(end_time)) else {
        return Err(Status::invalid_argument(
            "StartTime and EndTime must be initialized.",
        ));
    };
    let call = asked.call()?;
    let links = call.get_dependencies(start_ns, end_ns).await;
    let links = links.map_err(failed("failed to fetch dependencies"))?;
    let dependencies = links.iter().map(|link| DependencyLink {
        parent: link.parent.to_string(),
        child: link.child.to_string(),
        call_count: link.call_count,
        source: String::new(),
    });
    let response = GetDependenciesResponse {
        dependencies: dependencies.collect(),
    };
    out.message(&response).await?;
    Ok(End::lacking(call.lacks()))
}

/// The trace that is asked for, by the 16 bytes of its id or the 8 of its lower half.
pub(super) fn wanted(
    id: &[u8],
    start_time: Option<Timestamp>,
    end_time: Option<Timestamp>,
) -> Result<GetTrace, Status> {
    let trace_id = match id.len() {
        0 => TraceId::default(),
        8 | 16 => {
            let mut bytes = [0; 16];
            bytes
                .iter_mut()
                .rev()
                .zip(id.iter().rev())
                .for_each(|(to, from)| *to = *from);
            TraceId(bytes)
        }
        _ => {
            return Err(Status::internal(
                "grpc: failed to unmarshal the received message: invalid length for TraceID",
            ));
        }
    };
    if trace_id.is_zero() {
        return Err(Status::invalid_argument(
            "uninitialized TraceID is not allowed",
        ));
    }
    Ok(GetTrace {
        trace_id,
        start_ns: unix_ns(start_time),
        end_ns: unix_ns(end_time),
    })
}

fn search(parameters: &TraceQueryParameters) -> Search {
    Search {
        service: parameters.service_name.clone(),
        operation: parameters.operation_name.clone(),
        tags: parameters.tags.clone().into_iter().collect(),
        start_min_ns: unix_ns(parameters.start_time_min),
        start_max_ns: unix_ns(parameters.start_time_max),
        duration_min_ns: duration_ns(parameters.duration_min),
        duration_max_ns: duration_ns(parameters.duration_max),
        depth: parameters.search_depth.into(),
    }
}

/// As they were sent, spans can go out piece by piece.
fn form(api: &Api, raw: bool) -> Form {
    let adjuster = (!raw).then(|| api.service.adjuster());
    Form {
        whole: adjuster.is_some(),
        messages: Arc::new(move |trace| chunks(&trace, adjuster)),
    }
}

fn chunks(assembled: &Assembled, adjuster: Option<Adjuster>) -> Vec<Vec<u8>> {
    let mut trace = Trace::from_model(&assembled.spans);
    if let Some(adjuster) = adjuster {
        adjuster.adjust(&mut trace);
    }
    if let (Some(reason), Some(first)) = (&assembled.short, trace.spans.first_mut()) {
        let warning = format!("spans may be missing: {reason}");
        first.warnings.push(Str::from(warning));
    }
    trace.spans.chunks(SPANS).map(encode_spans).collect()
}

/// What a failed read is answered with.
fn failed(what: &'static str) -> impl Fn(ReadError) -> Status {
    move |error| Status::new(code(&error, Code::Internal), format!("{what}: {error}"))
}

fn not_found() -> Status {
    Status::not_found("trace not found: trace not found")
}
