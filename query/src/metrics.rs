//! What an operator sees of reading: requests to the store, by Jaeger's names of 1.64 and later and by those before, and requests by HTTP and by gRPC.
//!
//! In: the ends of operations. Out: counters and histograms in a registry. Labels have few values: routes and methods that there are, never paths.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/api/spanstore/spanstoremetrics` v1.76.0; the older names are what dashboards use.

use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tonic::Code;

use crate::own::Read;

const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// The counters; clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: Family<StoreLabels, Counter>,
    latency: Family<StoreLabels, Histogram, Latency>,
    old_requests: Family<QueryLabels, Counter>,
    old_latency: Family<QueryLabels, Histogram, Latency>,
    http: Family<HttpLabels, Histogram, Latency>,
    grpc: Family<GrpcLabels, Histogram, Latency>,
    partial: Counter,
    refused: Family<RefusedLabels, Counter>,
    cache: Family<CacheLabels, Counter>,
    own_written: Counter,
    own_dropped: Family<OwnLabels, Counter>,
}

/// One operation on the store while it runs. Dropped before it ended, it counts as an error: the caller went away.
pub(crate) struct Timer<'a> {
    metrics: &'a Metrics,
    kind: &'static str,
    operation: &'static str,
    start: Instant,
    ended: bool,
    /// The same as a span.
    read: Option<Read>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreLabels {
    kind: &'static str,
    role: &'static str,
    operation: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueryLabels {
    operation: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GrpcLabels {
    method: &'static str,
    code: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheLabels {
    operation: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OwnLabels {
    reason: &'static str,
}

#[derive(Clone, Debug)]
struct Latency;

// === impl Metrics ===

impl Metrics {
    /// New counters, shown by `registry`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(Latency),
            old_requests: Family::default(),
            old_latency: Family::new_with_constructor(Latency),
            http: Family::new_with_constructor(Latency),
            grpc: Family::new_with_constructor(Latency),
            partial: Counter::default(),
            refused: Family::default(),
            cache: Family::default(),
            own_written: Counter::default(),
            own_dropped: Family::default(),
        };
        registry.register(
            "jaeger_storage_requests",
            "Reads from the store",
            metrics.requests.clone(),
        );
        registry.register(
            "jaeger_storage_latency",
            "How long reads from the store take, in seconds",
            metrics.latency.clone(),
        );
        registry.register(
            "jaeger_query_requests",
            "Reads from the store, by the name before Jaeger 1.64",
            metrics.old_requests.clone(),
        );
        registry.register(
            "jaeger_query_latency",
            "How long reads from the store take, in seconds, by the name before Jaeger 1.64",
            metrics.old_latency.clone(),
        );
        registry.register_with_unit(
            "spoor_query_http_request_duration",
            "How long requests to the query API take, by route",
            Unit::Seconds,
            metrics.http.clone(),
        );
        registry.register_with_unit(
            "spoor_query_grpc_request_duration",
            "How long requests to the query service over gRPC take, by method",
            Unit::Seconds,
            metrics.grpc.clone(),
        );
        registry.register(
            "spoor_query_partial_answers",
            "Answers that were cut by a limit, a deadline or a failure, and said so",
            metrics.partial.clone(),
        );
        registry.register(
            "spoor_query_refused",
            "Requests that were refused for who asked, by reason",
            metrics.refused.clone(),
        );
        registry.register(
            "spoor_query_cache_requests",
            "Lists, and traces part by part, that were asked for where they are kept for a moment, by what was asked and what came of it: hit, miss, or passed by for who wanted news",
            metrics.cache.clone(),
        );
        registry.register(
            "spoor_query_own_spans_written",
            "Spans of Spoor's own requests that were stored",
            metrics.own_written.clone(),
        );
        registry.register(
            "spoor_query_own_spans_dropped",
            "Spans of Spoor's own requests that were let go, and requests that were not traced for their number",
            metrics.own_dropped.clone(),
        );
        metrics
    }

    pub(crate) fn start(
        &self,
        kind: &'static str,
        operation: &'static str,
        read: Option<Read>,
    ) -> Timer<'_> {
        Timer {
            metrics: self,
            kind,
            operation,
            start: Instant::now(),
            ended: false,
            read,
        }
    }

    pub(crate) fn answered(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        took: Duration,
    ) {
        let labels = HttpLabels {
            method,
            route,
            status,
        };
        self.http.get_or_create(&labels).observe(took.as_secs_f64());
    }

    pub(crate) fn answered_grpc(&self, method: &'static str, code: Code, took: Duration) {
        let code = i32::from(code);
        let labels = GrpcLabels { method, code };
        self.grpc.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A list or a trace was asked for, and had been kept or not.
    pub(crate) fn cached(&self, operation: &'static str, result: &'static str) {
        let labels = CacheLabels { operation, result };
        self.cache.get_or_create(&labels).inc();
    }

    pub(crate) fn own_written(&self, spans: u64) {
        self.own_written.inc_by(spans);
    }

    pub(crate) fn own_dropped(&self, reason: &'static str, count: u64) {
        let labels = OwnLabels { reason };
        self.own_dropped.get_or_create(&labels).inc_by(count);
    }

    /// Whoever asked may not.
    pub(crate) fn refused(&self, reason: &'static str) {
        let labels = RefusedLabels { reason };
        self.refused.get_or_create(&labels).inc();
    }

    pub(crate) fn cut(&self) {
        self.partial.inc();
    }
}

// === impl Timer ===

impl Timer<'_> {
    /// The operation ended, well or not.
    pub(crate) fn end<T, E>(mut self, result: &Result<T, E>) {
        self.ended = true;
        self.count(if result.is_ok() { "ok" } else { "err" });
    }

    fn count(&self, result: &'static str) {
        let seconds = self.start.elapsed().as_secs_f64();
        if let Some(read) = &self.read {
            read.ends(result == "ok");
        }
        let operation = self.operation;
        let labels = StoreLabels {
            kind: self.kind,
            role: "primary",
            operation,
            result,
        };
        self.metrics.requests.get_or_create(&labels).inc();
        self.metrics.latency.get_or_create(&labels).observe(seconds);
        let labels = QueryLabels { operation, result };
        self.metrics.old_requests.get_or_create(&labels).inc();
        self.metrics
            .old_latency
            .get_or_create(&labels)
            .observe(seconds);
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.count("err");
        }
    }
}

// === impl Latency ===

impl MetricConstructor<Histogram> for Latency {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}
