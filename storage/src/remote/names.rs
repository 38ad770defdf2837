//! Lists of names and of calls, as both versions give them.
//!
//! In: answers as bytes. Out: what the port gives: sorted, nothing twice. Where the versions have the same numbers for the same things, one type reads both.

use std::collections::BTreeSet;

use bytes::Bytes;
use model::{SpanKind, Str};
use prost::{DecodeError, Message as _};
use wire::r#gen::storage::{own, v1, v2};
use wire::times::timestamp;

use super::protocol::Protocol;
use crate::port::{DependencyLink, Durations, LinkKind, Operation, OperationQuery};

/// The last moment that Go's times can be taken apart to nanoseconds of.
const LAST_NS: u64 = i64::MAX as u64;

pub(super) fn services(answer: Bytes) -> Result<Vec<Str>, DecodeError> {
    let names = v2::GetServicesResponse::decode(answer)?.services;
    let names: BTreeSet<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
    Ok(names.into_iter().map(Str::from).collect())
}

pub(super) fn operations_request(query: &OperationQuery) -> Vec<u8> {
    let request = v2::GetOperationsRequest {
        service: query.service.to_string(),
        span_kind: query.kind.map_or("", SpanKind::as_str).to_owned(),
    };
    request.encode_to_vec()
}

pub(super) fn operations(
    protocol: Protocol,
    answer: Bytes,
    query: &OperationQuery,
) -> Result<Vec<Operation>, DecodeError> {
    let pairs: Vec<(String, String)> = match protocol {
        Protocol::V1 { .. } => {
            let answer = v1::GetOperationsResponse::decode(answer)?;
            let pairs = answer.operations.into_iter().map(|o| (o.name, o.span_kind));
            let pairs: Vec<_> = pairs.collect();
            match pairs.is_empty() {
                // older stores know no kinds
                true => (answer.operation_names.into_iter())
                    .map(|name| (name, String::new()))
                    .collect(),
                false => pairs,
            }
        }
        Protocol::V2 | Protocol::Spoor => {
            let operations = v2::GetOperationsResponse::decode(answer)?.operations;
            let pairs = operations.into_iter().map(|o| (o.name, o.span_kind));
            pairs.collect()
        }
    };
    let operations = pairs.into_iter().map(|(name, kind)| Operation {
        name: Str::from(name),
        kind: SpanKind::from_name(&kind.to_ascii_lowercase()).unwrap_or_default(),
    });
    // that there is none cannot be asked for
    let wanted = |operation: &Operation| {
        query.kind != Some(SpanKind::Unspecified) || operation.kind == SpanKind::Unspecified
    };
    let operations: BTreeSet<Operation> = operations.filter(wanted).collect();
    Ok(operations.into_iter().collect())
}

pub(super) fn dependencies_request(start_ns: u64, end_ns: u64) -> Vec<u8> {
    let time = |ns: u64| Some(timestamp(ns.min(LAST_NS)));
    let request = v2::GetDependenciesRequest {
        start_time: time(start_ns),
        end_time: time(end_ns),
    };
    request.encode_to_vec()
}

/// Nothing is told of a link but its calls, save by another Spoor.
pub(super) fn dependencies(
    protocol: Protocol,
    answer: Bytes,
) -> Result<Vec<DependencyLink>, DecodeError> {
    if protocol == Protocol::Spoor {
        let links = own::GetLinksResponse::decode(answer)?.links;
        return Ok(DependencyLink::sum(links.into_iter().filter_map(link)));
    }
    let links = v2::GetDependenciesResponse::decode(answer)?.dependencies;
    let links = links
        .into_iter()
        .map(|link| DependencyLink::calls(link.parent.into(), link.child.into(), link.call_count));
    Ok(DependencyLink::sum(links))
}

/// A link of a kind that a newer Spoor knows is none here.
fn link(of: own::Link) -> Option<DependencyLink> {
    let buckets = of.duration_buckets.into_iter().zip(of.duration_counts);
    let buckets = buckets.filter_map(|(bucket, count)| Some((u16::try_from(bucket).ok()?, count)));
    Some(DependencyLink {
        kind: LinkKind::parse(&of.kind)?,
        error_count: of.error_count,
        durations: Durations {
            sum_us: of.duration_sum_us,
            buckets: buckets.collect(),
        },
        ..DependencyLink::calls(of.parent.into(), of.child.into(), of.call_count)
    })
}
