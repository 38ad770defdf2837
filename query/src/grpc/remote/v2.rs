//! `jaeger.storage.v2`: what Jaeger 2 asks of a store, and what another Spoor does, which gets spans just as they are kept.
//!
//! In: requests. Out: a `TracesData` for at most a thousand spans; ids; names; calls; summaries; what a search here can do. Traces that are not there are left out.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v2/grpc/handler.go` v1.76.0; `jaegertracing/jaeger-idl: proto/storage/v2`.

use std::sync::Arc;

use axum::Router;
use model::{KeyValue, Slice, Span, Str, TraceId, Value};
use prost::Message as _;
use storage::{GetTrace, TraceQuery};
use tonic::Status;
use wire::r#gen::storage::own::{GetLinksResponse, Link};
use wire::r#gen::storage::v2::{
    AnyValue, Dependency, FindTraceIDsRequest, FindTraceIDsResponse, FindTraceSummariesRequest,
    FindTraceSummariesResponse, FindTracesRequest, FoundTraceId, GetCapabilitiesRequest,
    GetCapabilitiesResponse, GetDependenciesRequest, GetDependenciesResponse, GetOperationsRequest,
    GetOperationsResponse, GetServicesRequest, GetServicesResponse, GetTracesRequest, Operation,
    SearchCapabilities, ServiceSummary, TraceQueryParameters, TraceSummary, any_value,
};
use wire::jaeger::tags;

use super::super::Api;
use super::super::answer::{End, Outlet};
use super::super::method::{self, Question};
use super::super::times::{duration_ns, unix_ns};
use super::super::traces;
use super::{failed, form, hours};
use crate::search::Search;
use crate::v3;

macro_rules! path {
    ($method:literal) => {
        concat!("/jaeger.storage.v2.", $method)
    };
}
macro_rules! own {
    ($method:literal) => {
        concat!("/spoor.storage.v1.", $method)
    };
}

/// How spans are written.
type Encode = fn(&[Span]) -> Vec<u8>;

/// Adds its methods to `router`.
pub(super) fn add(router: Router, api: &Arc<Api>) -> Router {
    let get = |encode: Encode| {
        move |asked: Question<GetTracesRequest>, out: Outlet| get_traces(asked, out, encode)
    };
    let found = |encode: Encode| {
        move |asked: Question<FindTracesRequest>, out: Outlet| find(asked, out, encode)
    };
    let (plain, own): (Encode, Encode) = (wire::otlp::encode, wire::otlp::encode_own);
    let router = method::add(router, api, path!("TraceReader/GetTraces"), get(plain));
    let router = method::add(router, api, own!("TraceReader/GetTraces"), get(own));
    let router = method::add(router, api, path!("TraceReader/FindTraces"), found(plain));
    let router = method::add(router, api, own!("TraceReader/FindTraces"), found(own));
    let router = method::add(router, api, path!("TraceReader/FindTraceIDs"), find_ids);
    let path = path!("TraceReader/FindTraceSummaries");
    let router = method::add(router, api, path, summaries);
    let router = method::add(router, api, path!("TraceReader/GetServices"), services);
    let router = method::add(router, api, path!("TraceReader/GetOperations"), operations);
    let path = path!("DependencyReader/GetDependencies");
    let router = method::add(router, api, path, dependencies);
    let router = method::add(router, api, own!("DependencyReader/GetLinks"), links);
    let path = path!("Capabilities/GetCapabilities");
    method::add(router, api, path, capabilities)
}

async fn get_traces(
    asked: Question<GetTracesRequest>,
    out: Outlet,
    encode: Encode,
) -> Result<End, Status> {
    let ids = asked.message.query.iter().map(|get| GetTrace {
        trace_id: trace_id(&get.trace_id),
        start_ns: unix_ns(get.start_time),
        end_ns: unix_ns(get.end_time),
    });
    let ids: Vec<GetTrace> = ids.collect();
    let call = asked.call()?;
    let sent = traces::stored(&call, call.reader(), &ids, &form(encode), &out).await;
    Ok(sent.map_err(failed)?.completeness.into())
}

async fn find(
    asked: Question<FindTracesRequest>,
    out: Outlet,
    encode: Encode,
) -> Result<End, Status> {
    let query = query(&asked.api, asked.message.query.as_ref())?;
    let mut call = asked.call()?;
    let sent = traces::found(&mut call, query, &form(encode), &out).await;
    Ok(sent.map_err(failed)?.completeness.into())
}

async fn find_ids(asked: Question<FindTraceIDsRequest>, out: Outlet) -> Result<End, Status> {
    let query = query(&asked.api, asked.message.query.as_ref())?;
    let mut call = asked.call()?;
    let found = call.find_trace_ids(query).await.map_err(failed)?;
    let ids = found.traces.iter().map(|found| FoundTraceId {
        trace_id: found.trace_id.0.to_vec(),
        // where a trace ends is not known without reading it
        start: None,
        end: None,
    });
    let trace_ids = ids.collect();
    out.message(&FindTraceIDsResponse { trace_ids }).await?;
    Ok(found.completeness.into())
}

async fn summaries(asked: Question<FindTraceSummariesRequest>, out: Outlet) -> Result<End, Status> {
    let query = query(&asked.api, asked.message.query.as_ref())?;
    let mut call = asked.call()?;
    let sent = traces::summaries(&mut call, query, None, summary, &out).await;
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
    let (start_ns, end_ns) = hours(asked.message.start_time, asked.message.end_time);
    let call = asked.call()?;
    let links = call.get_dependencies(start_ns, end_ns).await;
    let links = links.map_err(failed)?.into_iter().map(|link| Dependency {
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

/// The same for another Spoor, with all that is known.
async fn links(asked: Question<GetDependenciesRequest>, out: Outlet) -> Result<End, Status> {
    let (start_ns, end_ns) = hours(asked.message.start_time, asked.message.end_time);
    let call = asked.call()?;
    let links = call.get_links(start_ns, end_ns).await;
    let links = links.map_err(failed)?.into_iter().map(|link| Link {
        parent: link.parent.to_string(),
        child: link.child.to_string(),
        kind: link.kind.as_str().to_owned(),
        call_count: link.call_count,
        error_count: link.error_count,
        duration_sum_us: link.durations.sum_us,
        duration_buckets: link
            .durations
            .buckets
            .keys()
            .copied()
            .map(u32::from)
            .collect(),
        duration_counts: link.durations.buckets.into_values().collect(),
    });
    let links = links.collect();
    out.message(&GetLinksResponse { links }).await?;
    Ok(End::lacking(call.lacks()))
}

async fn capabilities(asked: Question<GetCapabilitiesRequest>, out: Outlet) -> Result<End, Status> {
    asked.call()?;
    let search = SearchCapabilities {
        without_service_name: true,
        same_span_conjunction: true,
        // what is named here is asked for: that comes when the filter's own messages are settled
        filter: None,
    };
    let search = Some(search);
    out.message(&GetCapabilitiesResponse { search }).await?;
    Ok(End::default())
}

fn query(api: &Api, parameters: Option<&TraceQueryParameters>) -> Result<TraceQuery, Status> {
    let Some(asked) = parameters else {
        return Err(Status::invalid_argument("missing query"));
    };
    let tags = asked.attributes.iter().map(|attribute| {
        let value = attribute.value.as_ref().map(value).unwrap_or_default();
        (
            attribute.key.clone(),
            tags::value(&value).to_text().into_owned(),
        )
    });
    let search = Search {
        service: asked.service_name.clone(),
        operation: asked.operation_name.clone(),
        tags: tags.collect(),
        start_min_ns: unix_ns(asked.start_time_min),
        start_max_ns: unix_ns(asked.start_time_max),
        duration_min_ns: duration_ns(asked.duration_min),
        duration_max_ns: duration_ns(asked.duration_max),
        depth: asked.search_depth.into(),
    };
    let query = search.query(api.tag_expressions);
    query.map_err(|why| Status::invalid_argument(why.to_string()))
}

/// The value that is compared, whose text is that of a tag. How deep it nests, protobuf's decoder bounds.
fn value(of: &AnyValue) -> Value {
    match &of.value {
        None => Value::Empty,
        Some(any_value::Value::StringValue(text)) => Value::String(text.as_str().into()),
        Some(any_value::Value::BoolValue(is)) => Value::Bool(*is),
        Some(any_value::Value::IntValue(number)) => Value::Int(*number),
        Some(any_value::Value::DoubleValue(number)) => Value::Double(*number),
        Some(any_value::Value::BytesValue(bytes)) => Value::Bytes(Slice::from(bytes.as_slice())),
        Some(any_value::Value::ArrayValue(list)) => {
            Value::Array(list.values.iter().map(value).collect())
        }
        Some(any_value::Value::KvlistValue(list)) => {
            let pairs = list.values.iter().map(|pair| KeyValue {
                key: pair.key.as_str().into(),
                value: pair.value.as_ref().map(value).unwrap_or_default(),
            });
            Value::Map(pairs.collect())
        }
    }
}

/// Fewer bytes than 16 are its first ones, as in Jaeger.
fn trace_id(bytes: &[u8]) -> TraceId {
    let mut id = [0; 16];
    id.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    TraceId(id)
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
        trace_id: of.trace_id.0.to_vec(),
        root_service_name: of.root_service.to_string(),
        root_operation_name: of.root_operation.to_string(),
        min_start_time_unix_nano: of.start_min_ns,
        max_end_time_unix_nano: of.end_max_ns,
        span_count: count(of.spans),
        error_span_count: count(of.errors),
        orphan_span_count: count(of.orphans),
        services: services.collect(),
    };
    let summaries = vec![summary];
    FindTraceSummariesResponse { summaries }.encode_to_vec()
}
