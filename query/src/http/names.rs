//! `/api/services`, `/api/services/{service}/operations`, `/api/operations` and `/api/dependencies`: what there is to ask for.
//!
//! In: parameters. Out: envelopes of names and of calls, sorted, so that an answer is the same each time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use model::Str;
use serde::Serialize;
use storage::DependencyLink;

use super::envelope::{Envelope, Error};
use super::form::Form;
use super::params::{self, Period};
use crate::service::Call;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OperationJson<'a> {
    name: &'a str,
    span_kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallsJson<'a> {
    parent: &'a str,
    child: &'a str,
    call_count: u64,
}

/// What Jaeger does not have: asked for with `details=true`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkJson<'a> {
    parent: &'a str,
    child: &'a str,
    kind: &'static str,
    call_count: u64,
    error_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<DurationJson>,
}

/// Microseconds.
#[derive(Serialize)]
struct DurationJson {
    mean: u128,
    p50: u128,
    p95: u128,
    p99: u128,
}

/// The envelope, which says what the list in it lacks.
fn whole(mut envelope: Envelope, call: &Call<'_>) -> Envelope {
    if let Some(reason) = call.lacks() {
        envelope.cut(reason);
    }
    envelope
}

/// All services.
pub(super) async fn services(call: Call<'_>) -> Result<Envelope, Error> {
    let services = call.get_services().await?;
    let names: Vec<&str> = services.iter().map(Str::as_str).collect();
    Ok(whole(Envelope::of(&names, names.len()), &call))
}

/// The names of a service's operations, each once; null when there are none, as ever.
pub(super) async fn operation_names(call: Call<'_>, service: &str) -> Result<Envelope, Error> {
    let operations = call.get_operations(service, "").await?;
    let mut names: Vec<&str> = operations.iter().map(|o| o.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let total = names.len();
    Ok(whole(
        Envelope::of(&(total > 0).then_some(names), total),
        &call,
    ))
}

/// A service's operations with their kinds.
pub(super) async fn operations(call: Call<'_>, form: &Form) -> Result<Envelope, Error> {
    let service = form.first("service");
    if service.is_empty() {
        return Err(Error::bad_request(
            "parameter 'service' is required".to_owned(),
        ));
    }
    let operations = call.get_operations(service, form.first("spanKind")).await?;
    let data: Vec<_> = operations
        .iter()
        .map(|operation| OperationJson {
            name: &operation.name,
            span_kind: operation.kind.as_str(),
        })
        .collect();
    Ok(whole(Envelope::of(&data, data.len()), &call))
}

/// Who calls whom; with `service`, only its own calls and the calls to it; with `details=true`, also what has no spans of its own, and how calls went.
pub(super) async fn dependencies(call: Call<'_>, form: &Form) -> Result<Envelope, Error> {
    let period = Period::parse(form, SystemTime::now()).map_err(Error::bad_request)?;
    if params::truth(form, "details").map_err(Error::bad_request)? {
        return links(call, form.first("service"), period).await;
    }
    let links = call
        .get_dependencies(period.start_ns, period.end_ns)
        .await?;
    let service = form.first("service");
    let mut calls: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for link in &links {
        if service.is_empty() || link.parent == service || link.child == service {
            let count = calls.entry((&link.parent, &link.child)).or_default();
            *count = count.saturating_add(link.call_count);
        }
    }
    let data: Vec<_> = calls
        .into_iter()
        .map(|((parent, child), call_count)| CallsJson {
            parent,
            child,
            call_count,
        })
        .collect();
    // Jaeger counts no total here
    Ok(whole(Envelope::of(&data, 0), &call))
}

async fn links(call: Call<'_>, service: &str, period: Period) -> Result<Envelope, Error> {
    let mut links = call.get_links(period.start_ns, period.end_ns).await?;
    links.retain(|link| service.is_empty() || link.parent == service || link.child == service);
    let links = DependencyLink::sum(links);
    let data: Vec<_> = links.iter().map(LinkJson::of).collect();
    Ok(whole(Envelope::of(&data, 0), &call))
}

// === impl LinkJson ===

impl<'a> LinkJson<'a> {
    fn of(link: &'a DependencyLink) -> Self {
        let durations = &link.durations;
        let quantile = |share| durations.quantile(share).unwrap_or_default().as_micros();
        Self {
            parent: &link.parent,
            child: &link.child,
            kind: link.kind.as_str(),
            call_count: link.call_count,
            error_count: link.error_count,
            duration: durations.mean().map(|mean| DurationJson {
                mean: mean.as_micros(),
                p50: quantile(0.5),
                p95: quantile(0.95),
                p99: quantile(0.99),
            }),
        }
    }
}
