//! What is counted about receiving, under Jaeger's names where it has one.
//!
//! In: a [`Tally`] of a batch, and what became of it. Out: `jaeger_collector_…` as v1.76 names them, and `spoor_collector_…` for what
//! Jaeger does not count. Two things differ from v1.76 on purpose: spans that come by OTLP are counted too, under `format="otlp"`, and
//! `spans_dropped` stays 0, since nothing that was answered with success is dropped.
//!
//! Cheap where it matters: counters are looked up once for each group of spans that share a service, never for each span.
//! Source: `jaegertracing/jaeger: cmd/collector/app/metrics.go` v1.76.0.

mod agent;
mod asked;
mod kernel;
mod service;
mod tally;

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::intake::Origin;
pub(crate) use agent::{Agent, Port};
pub(crate) use asked::Asked;
pub(crate) use kernel::LostInKernel;
pub(crate) use service::Label;
use service::Services;
pub(crate) use tally::Tally;

/// Bounds of the histograms, in seconds: those of Jaeger's timers.
const SECONDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// All of them. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    spans_received: Family<Received, Counter>,
    spans_rejected: Family<Received, Counter>,
    traces_received: Family<TracesReceived, Counter>,
    traces_rejected: Family<TracesReceived, Counter>,
    spans_saved: Family<Saved, Counter>,
    traces_saved: Family<TracesSaved, Counter>,
    spans_dropped: Counter,
    batch_size: Gauge,
    save_latency: Seconds,
    http_duration: SecondsByRequest,
    payloads_rejected: Family<Reason, Counter>,
    requests_refused: Family<Reason, Counter>,
    services: Services,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Received {
    debug: bool,
    format: &'static str,
    svc: Label,
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TracesReceived {
    debug: bool,
    format: &'static str,
    sampler_type: &'static str,
    svc: Label,
    transport: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Saved {
    debug: bool,
    result: &'static str,
    svc: Label,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TracesSaved {
    debug: bool,
    result: &'static str,
    sampler_type: &'static str,
    svc: Label,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpRequest {
    method: &'static str,
    path: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    receiver: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug)]
struct Seconds(Histogram);

#[derive(Clone, Debug)]
struct SecondsByRequest(Family<HttpRequest, Histogram>);

// === impl Metrics ===

impl Metrics {
    /// Puts them into `registry`. `host` is the label that Jaeger gives to what is not by service. What is forwarded is counted as received by
    /// the collector that it goes to, and not here as well.
    pub(crate) fn register(registry: &mut Registry, host: &str, forwards: bool) -> Self {
        let metrics = Self::default();
        let mut nowhere = Registry::default();
        let jaeger = if forwards {
            &mut nowhere
        } else {
            registry.sub_registry_with_prefix("jaeger_collector")
        };
        jaeger.register(
            "spans_received",
            "Spans received, by service",
            metrics.spans_received.clone(),
        );
        jaeger.register(
            "spans_rejected",
            "Spans that can never be stored, by service",
            metrics.spans_rejected.clone(),
        );
        jaeger.register(
            "traces_received",
            "Root spans received, by service",
            metrics.traces_received.clone(),
        );
        jaeger.register(
            "traces_rejected",
            "Root spans that can never be stored, by service",
            metrics.traces_rejected.clone(),
        );
        jaeger.register(
            "spans_saved_by_svc",
            "Spans stored (ok) or not (err), by service",
            metrics.spans_saved.clone(),
        );
        jaeger.register(
            "traces_saved_by_svc",
            "Root spans stored (ok) or not (err), by service",
            metrics.traces_saved.clone(),
        );
        jaeger.register(
            "http_request_duration",
            "Seconds until a request over HTTP was answered",
            metrics.http_duration.0.clone(),
        );
        let by_host = jaeger.sub_registry_with_label(("host".into(), host.to_owned().into()));
        by_host.register(
            "spans_dropped",
            "Spans dropped after success was answered: stays 0",
            metrics.spans_dropped.clone(),
        );
        by_host.register(
            "batch_size",
            "Spans in the latest batch",
            metrics.batch_size.clone(),
        );
        by_host.register(
            "save_latency",
            "Seconds until a batch was stored, or not",
            metrics.save_latency.0.clone(),
        );
        let spoor = registry.sub_registry_with_prefix("spoor_collector");
        spoor.register(
            "payloads_rejected",
            "Requests that can never be taken, by reason",
            metrics.payloads_rejected.clone(),
        );
        spoor.register(
            "requests_refused",
            "Requests answered retryably, by reason",
            metrics.requests_refused.clone(),
        );
        metrics
    }

    /// Groups spans by what they are counted by.
    pub(crate) fn tally(&self, spans: &[model::Span]) -> Tally {
        Tally::of(spans, &self.services)
    }

    /// A batch came in.
    pub(crate) fn received(&self, origin: &Origin, tally: &Tally) {
        self.batch_size
            .set(tally.spans().try_into().unwrap_or(i64::MAX));
        self.by_origin(
            &self.spans_received,
            &self.traces_received,
            origin,
            tally.all(),
        );
    }

    /// `count` spans came in that could not be decoded: of which service, nobody knows.
    pub(crate) fn undecodable(&self, origin: &Origin, count: usize) {
        let labels = Received {
            debug: false,
            format: origin.format,
            svc: Label::unknown(),
            transport: origin.transport,
        };
        let count = count as u64;
        self.spans_received.get_or_create(&labels).inc_by(count);
        self.spans_rejected.get_or_create(&labels).inc_by(count);
    }

    /// A batch was stored but for the spans at `rejected`, rising.
    pub(crate) fn stored(
        &self,
        origin: &Origin,
        tally: &Tally,
        rejected: &[usize],
        took: Duration,
    ) {
        self.save_latency.0.observe(took.as_secs_f64());
        if rejected.is_empty() {
            return self.by_result("ok", tally.all());
        }
        self.by_result("ok", tally.without(rejected));
        self.by_result("err", tally.only(rejected));
        self.by_origin(
            &self.spans_rejected,
            &self.traces_rejected,
            origin,
            tally.only(rejected),
        );
    }

    /// Nothing of a batch is known to be stored.
    pub(crate) fn failed(&self, tally: &Tally, took: Duration) {
        self.save_latency.0.observe(took.as_secs_f64());
        self.by_result("err", tally.all());
    }

    /// A request was not taken.
    pub(crate) fn refused(&self, receiver: &'static str, reason: &'static str, retryable: bool) {
        let family = if retryable {
            &self.requests_refused
        } else {
            &self.payloads_rejected
        };
        family.get_or_create(&Reason { receiver, reason }).inc();
    }

    /// A request over HTTP was answered.
    pub(crate) fn answered(
        &self,
        method: &http::Method,
        path: &'static str,
        status: u16,
        took: Duration,
    ) {
        let method = match method.as_str() {
            "POST" => "POST",
            "GET" => "GET",
            "OPTIONS" => "OPTIONS",
            _ => "other",
        };
        self.http_duration
            .0
            .get_or_create(&HttpRequest {
                method,
                path,
                status,
            })
            .observe(took.as_secs_f64());
    }

    fn by_origin(
        &self,
        spans: &Family<Received, Counter>,
        traces: &Family<TracesReceived, Counter>,
        origin: &Origin,
        counts: tally::Counts,
    ) {
        let Origin {
            format, transport, ..
        } = *origin;
        for (svc, debug, count) in counts.spans {
            let labels = Received {
                debug,
                format,
                svc,
                transport,
            };
            spans.get_or_create(&labels).inc_by(count);
        }
        for (svc, debug, sampler_type, count) in counts.traces {
            let labels = TracesReceived {
                debug,
                format,
                sampler_type,
                svc,
                transport,
            };
            traces.get_or_create(&labels).inc_by(count);
        }
    }

    fn by_result(&self, result: &'static str, counts: tally::Counts) {
        for (svc, debug, count) in counts.spans {
            let labels = Saved { debug, result, svc };
            self.spans_saved.get_or_create(&labels).inc_by(count);
        }
        for (svc, debug, sampler_type, count) in counts.traces {
            let labels = TracesSaved {
                debug,
                result,
                sampler_type,
                svc,
            };
            self.traces_saved.get_or_create(&labels).inc_by(count);
        }
    }
}

// === impl Seconds ===

impl Default for Seconds {
    fn default() -> Self {
        Self(Histogram::new(SECONDS))
    }
}

impl Default for SecondsByRequest {
    fn default() -> Self {
        Self(Family::new_with_constructor(|| Histogram::new(SECONDS)))
    }
}
