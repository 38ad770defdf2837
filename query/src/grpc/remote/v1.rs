//! `jaeger.storage.v1`: what Jaeger 1 asks of a store.
//!
//! In: requests. Out: spans with their processes; names; calls; what the store can do beside. Archives are served where the store has one: Jaeger asked for them
//! until 1.65.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/grpc/shared/grpc_handler.go` v1.76.0, `plugin/storage/grpc/shared/archive.go` v1.65.0.

use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use model::Str;
use prost::Message as _;
use storage::{Completeness, GetTrace, TraceReader};
use tonic::Status;
use wire::r#gen::storage::v1::{
    CapabilitiesRequest, CapabilitiesResponse, DependencyLink, FindTraceIDsRequest,
    FindTraceIDsResponse, FindTracesRequest, GetDependenciesRequest, GetDependenciesResponse,
    GetOperationsRequest, GetOperationsResponse, GetServicesRequest, GetServicesResponse,
    GetTraceRequest, Operation, TraceQueryParameters, WriteSpanRequest, WriteSpanResponse,
};
use wire::jaeger::proto::{decode_spans, encode_each};

use super::super::answer::{End, Outlet};
use super::super::method::{self, Question};
use super::super::times::{duration_ns, unix_ns};
use super::super::{Api, traces, v2::wanted};
use super::{failed, form, hours};
use crate::search::Search;
use crate::service::{ArchiveError, Call};

macro_rules! path {
    ($method:literal) => {
        concat!("/jaeger.storage.v1.", $method)
    };
}

/// Adds its methods to `router`. With `archive`, the store has one.
pub(super) fn add(router: Router, api: &Arc<Api>, archive: bool) -> Router {
    let router = method::add(router, api, path!("SpanReaderPlugin/GetTrace"), get_trace);
    let router = method::add(router, api, path!("SpanReaderPlugin/GetServices"), services);
    let router = method::add(
        router,
        api,
        path!("SpanReaderPlugin/GetOperations"),
        operations,
    );
    let router = method::add(router, api, path!("SpanReaderPlugin/FindTraces"), find);
    let router = method::add(
        router,
        api,
        path!("SpanReaderPlugin/FindTraceIDs"),
        find_ids,
    );
    let path = path!("DependenciesReaderPlugin/GetDependencies");
    let router = method::add(router, api, path, dependencies);
    let says = CapabilitiesResponse {
        archive_span_reader: archive,
        archive_span_writer: archive,
        streaming_span_writer: true,
    };
    let capabilities = move |_: Question<CapabilitiesRequest>, out: Outlet| async move {
        out.message(&says).await?;
        Ok(End::default())
    };
    let path = path!("PluginCapabilities/Capabilities");
    let router = method::add(router, api, path, capabilities);
    if !archive {
        return router;
    }
    let path = path!("ArchiveSpanReaderPlugin/GetArchiveTrace");
    let router = method::add(router, api, path, get_archived);
    let path = path!("ArchiveSpanWriterPlugin/WriteArchiveSpan");
    method::add(router, api, path, archive_span)
}

async fn get_trace(asked: Question<GetTraceRequest>, out: Outlet) -> Result<End, Status> {
    let get = get(&asked.message)?;
    let call = asked.call()?;
    send(&call, call.reader(), get, &out).await
}

async fn get_archived(asked: Question<GetTraceRequest>, out: Outlet) -> Result<End, Status> {
    let get = get(&asked.message)?;
    let call = asked.call()?;
    match call.archive_reader() {
        Some(reader) => send(&call, &*reader, get, &out).await,
        None => Err(not_found()),
    }
}

fn get(request: &GetTraceRequest) -> Result<GetTrace, Status> {
    wanted(&request.trace_id, request.start_time, request.end_time)
}

async fn send(
    call: &Call<'_>,
    reader: &dyn TraceReader,
    get: GetTrace,
    out: &Outlet,
) -> Result<End, Status> {
    let sent = traces::stored(call, reader, &[get], &form(encode_each), out).await;
    let sent = sent.map_err(failed)?;
    match sent.completeness {
        Completeness::Complete if sent.traces == 0 => Err(not_found()),
        // it may well be there
        Completeness::Partial { reason } if sent.traces == 0 => Err(Status::unavailable(reason)),
        completeness => Ok(completeness.into()),
    }
}

async fn find(asked: Question<FindTracesRequest>, out: Outlet) -> Result<End, Status> {
    let query = query(&asked.api, asked.message.query.as_ref())?;
    let mut call = asked.call()?;
    let sent = traces::found(&mut call, query, &form(encode_each), &out).await;
    Ok(sent.map_err(failed)?.completeness.into())
}

async fn find_ids(asked: Question<FindTraceIDsRequest>, out: Outlet) -> Result<End, Status> {
    let query = query(&asked.api, asked.message.query.as_ref())?;
    let mut call = asked.call()?;
    let found = call.find_trace_ids(query).await.map_err(failed)?;
    let ids = found.traces.iter().map(|found| found.trace_id.0.to_vec());
    let trace_ids = ids.collect();
    out.message(&FindTraceIDsResponse { trace_ids }).await?;
    Ok(found.completeness.into())
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
    let found = found.map_err(failed)?;
    let mut names: Vec<String> = found.iter().map(|o| o.name.to_string()).collect();
    names.dedup();
    let operations = found.iter().map(|operation| Operation {
        name: operation.name.to_string(),
        span_kind: operation.kind.as_str().to_owned(),
    });
    let response = GetOperationsResponse {
        operation_names: names,
        operations: operations.collect(),
    };
    out.message(&response).await?;
    Ok(End::lacking(call.lacks()))
}

async fn dependencies(asked: Question<GetDependenciesRequest>, out: Outlet) -> Result<End, Status> {
    let (start_ns, end_ns) = hours(asked.message.start_time, asked.message.end_time);
    let call = asked.call()?;
    let links = call.get_dependencies(start_ns, end_ns).await;
    let links = links
        .map_err(failed)?
        .into_iter()
        .map(|link| DependencyLink {
            parent: link.parent.to_string(),
            child: link.child.to_string(),
            call_count: link.call_count,
            source: String::new(),
        });
    let dependencies = links.collect();
    out.message(&GetDependenciesResponse { dependencies })
        .await?;
    Ok(End::lacking(call.lacks()))
}

async fn archive_span(asked: Question<WriteSpanRequest>, out: Outlet) -> Result<End, Status> {
    // rare enough to go the long way round
    let decoded = decode_spans(Bytes::from(asked.message.encode_to_vec()));
    let decoded = decoded.map_err(|error| Status::invalid_argument(error.to_string()))?;
    if let Some(rejected) = decoded.rejected.first() {
        return Err(Status::invalid_argument(rejected.reason.clone()));
    }
    let call = asked.call()?;
    call.keep(decoded.spans)
        .await
        .map_err(|error| match error {
            ArchiveError::NotConfigured => Status::unimplemented(error.to_string()),
            other => Status::unavailable(other.to_string()),
        })?;
    out.message(&WriteSpanResponse {}).await?;
    Ok(End::default())
}

fn query(
    api: &Api,
    parameters: Option<&TraceQueryParameters>,
) -> Result<storage::TraceQuery, Status> {
    let Some(asked) = parameters else {
        return Err(Status::invalid_argument("missing query"));
    };
    let search = Search {
        service: asked.service_name.clone(),
        operation: asked.operation_name.clone(),
        tags: asked.tags.clone().into_iter().collect(),
        start_min_ns: unix_ns(asked.start_time_min),
        start_max_ns: unix_ns(asked.start_time_max),
        duration_min_ns: duration_ns(asked.duration_min),
        duration_max_ns: duration_ns(asked.duration_max),
        depth: asked.num_traces.into(),
    };
    let query = search.query(api.tag_expressions);
    query.map_err(|why| Status::invalid_argument(why.to_string()))
}

fn not_found() -> Status {
    Status::not_found("trace not found")
}
