//! What Kiali shows of the traces that it got: its filters behind the search, line by line.
//!
//! In: traces in the UI's form. Out: the traces or spans of a page, each brought down to the fields that Kiali reads.
//!
//! Source: `kiali/kiali: business/tracing.go`, v2.x: `operationSpanFilter`, `spanMatchesWorkload`, `tracesToSpans`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mesh::Sent;

/// The tags that Kiali reads of a span, kept by [`Shown`].
const TAGS: [&str; 14] = [
    "component",
    "error",
    "guid:x-request-id",
    "http.method",
    "http.status_code",
    "http.url",
    "istio.canonical_service",
    "istio.cluster_id",
    "istio.mesh_id",
    "istio.namespace",
    "node_id",
    "peer.address",
    "response_flags",
    "upstream_cluster",
];

/// Which spans a page is of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Filter {
    /// All.
    None,
    /// Of a service `name.namespace`, by their operation.
    Service(&'static str),
    /// Of a workload and its namespace, by the proxy's `node_id` or the process' `hostname`.
    Workload([&'static str; 2]),
}

/// What is asked of the traces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Shows {
    /// Those in which a span passes the filter, with all of their spans.
    Traces,
    /// Spans of the service that was asked for which pass the filter.
    Spans,
    /// Spans that pass the filter, whoever reported them: the service that was asked for is the waypoint.
    SpansOfWaypoint,
}

/// A span as far as Kiali reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shown {
    trace: String,
    service: String,
    operation: String,
    start_us: u64,
    duration_us: u64,
    /// Spans of its whole trace.
    trace_size: usize,
    tags: BTreeMap<&'static str, String>,
    hostname: Option<String>,
}

// === impl Filter ===

impl Filter {
    fn passes(self, span: &Value, process: &Value) -> bool {
        match self {
            Self::None => true,
            Self::Service(service) => text(&span["operationName"]).starts_with(service),
            Self::Workload([workload, namespace]) => {
                let is_node = |id: &str| {
                    let pod = id.split('~').nth(2);
                    pod.is_some_and(|pod| pod.starts_with(workload) && pod.ends_with(namespace))
                };
                let is_host = |name: &str| name.starts_with(workload);
                values(span, "node_id").any(is_node)
                    || values(span, "hostname").any(is_host)
                    || values(process, "hostname").any(is_host)
            }
        }
    }
}

// === impl Shown ===

impl Shown {
    fn of(span: &Value, process: &Value, trace_size: usize) -> Self {
        let tag = |key: &'static str| {
            let tags = span["tags"].as_array().unwrap().iter();
            let mut found = tags.filter(|tag| tag["key"] == key);
            let value = &found.next()?["value"];
            assert_eq!(found.next(), None, "{key} is there once");
            Some((
                key,
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            ))
        };
        Self {
            trace: text(&span["traceID"]).to_owned(),
            service: text(&process["serviceName"]).to_owned(),
            operation: text(&span["operationName"]).to_owned(),
            start_us: span["startTime"].as_u64().unwrap(),
            duration_us: span["duration"].as_u64().unwrap(),
            trace_size,
            tags: TAGS.into_iter().filter_map(tag).collect(),
            hostname: values(process, "hostname").next().map(str::to_owned),
        }
    }

    /// What is to be shown of a span that was sent in a trace of so many.
    pub(super) fn of_sent(span: &Sent, trace_size: usize) -> Self {
        let mut tags: BTreeMap<_, _> = span.tags.iter().cloned().collect();
        tags.extend(span.is_error.then(|| ("error", "true".to_owned())));
        Self {
            trace: span.trace.to_string(),
            service: span.from.service.to_owned(),
            operation: span.operation.clone(),
            start_us: span.start_us,
            duration_us: span.duration_us,
            trace_size,
            tags,
            hostname: span.hostname(),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The texts of the tags of that key.
fn values<'a>(of: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    let tags = of["tags"].as_array().into_iter().flatten();
    tags.filter(move |tag| tag["key"] == key)
        .filter_map(|tag| tag["value"].as_str())
}

/// The spans of a page, in an order of their own.
pub(super) fn show(found: &[Value], service: &str, shows: Shows, filter: Filter) -> Vec<Shown> {
    let mut shown = Vec::new();
    for trace in found {
        let spans = trace["spans"].as_array().unwrap();
        let with_process = || {
            let process = |span: &Value| &trace["processes"][text(&span["processID"])];
            spans.iter().map(move |span| (span, process(span)))
        };
        let passes = |(span, process): &(&Value, &Value)| filter.passes(span, process);
        let is_here = |(_, process): &(&Value, &Value)| process["serviceName"] == service;
        let chosen: Vec<_> = match shows {
            Shows::Traces if with_process().any(|one| passes(&one)) => with_process().collect(),
            Shows::Traces => Vec::new(),
            Shows::Spans => with_process().filter(is_here).filter(passes).collect(),
            Shows::SpansOfWaypoint => with_process().filter(passes).collect(),
        };
        let of = |(span, process): (&Value, &Value)| Shown::of(span, process, spans.len());
        shown.extend(chosen.into_iter().map(of));
    }
    shown.sort();
    shown
}
