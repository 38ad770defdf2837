//! Answering queries.
//!
//! In: the settings under `query.`. Out: bounds, headers and the prefix of paths, checked in Jaeger's words. Source: `jaegertracing/jaeger: cmd/query/app` at
//! v1.76.0.

use std::path::PathBuf;
use std::time::Duration;

use ::query::{BasePath, CacheConfig, FrameAncestors, KeptConfig, Ui};
use http::{HeaderName, HeaderValue};
use settings::ByteSize;

use super::SpanMetrics;
use super::check::Check;

/// Answering queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What stands before every path.
    pub base_path: BasePath,
    /// For every answer.
    pub additional_headers: Vec<(HeaderName, HeaderValue)>,
    /// How far a span may be moved; zero: not at all.
    pub max_clock_skew: Duration,
    /// Most traces in an answer.
    pub max_traces: usize,
    /// Most spans in an answer.
    pub max_spans: usize,
    /// Memory of an answer's spans.
    pub max_bytes: ByteSize,
    /// Most requests for traces that are answered at once.
    pub max_concurrent_reads: usize,
    /// How lists are kept for who asks again.
    pub cache: CacheConfig,
    /// How whole traces are kept for who asks for their parts.
    pub kept: KeptConfig,
    /// Which share of queries becomes spans; `None`: none does.
    pub tracing_ratio: Option<f64>,
    /// How long a query may take.
    pub timeout: Duration,
    /// How long a search for traces may take.
    pub search_timeout: Duration,
    /// Whether tag values with an operator are expressions too.
    pub tag_expressions: bool,
    /// Whether a caller's own token goes on to the store.
    pub bearer_token_propagation: bool,
    /// Whether stores count their spans for rates and latencies.
    pub span_metrics: SpanMetrics,
    /// Whether traces may be made up for who has none.
    pub demo: bool,
    /// The web UI.
    pub ui: Ui,
}

// === impl Query ===

impl Query {
    pub(super) fn check(check: &mut Check<'_>) -> Self {
        Self {
            base_path: base_path(check),
            additional_headers: headers(check),
            max_clock_skew: check.time("query.max-clock-skew-adjustment"),
            max_traces: check.count("query.max-traces"),
            max_spans: check.count("query.max-spans"),
            max_bytes: check.size("query.max-bytes"),
            max_concurrent_reads: check.count("query.max-concurrent-reads"),
            cache: CacheConfig {
                ttl: check.time("query.cache-ttl"),
                bytes: check.size("query.cache-bytes").as_usize(),
            },
            kept: KeptConfig {
                ttl: check.time("query.trace-cache-ttl"),
                bytes: check.size("query.trace-cache-bytes").as_usize(),
            },
            tracing_ratio: Some(check.share("query.tracing-ratio"))
                .filter(|_| check.settings.bool("query.enable-tracing")),
            timeout: check.some_time("query.timeout"),
            search_timeout: check.some_time("query.search-timeout"),
            tag_expressions: check.settings.bool("query.tag-expressions"),
            bearer_token_propagation: check.settings.bool("query.bearer-token-propagation"),
            span_metrics: SpanMetrics::check(check),
            demo: check.settings.bool("query.demo"),
            ui: ui(check),
        }
    }
}

fn ui(check: &mut Check<'_>) -> Ui {
    let origins = check.settings.list("query.frame-ancestors");
    let frame_ancestors = FrameAncestors::parse(origins.iter().map(String::as_str));
    let frame_ancestors = frame_ancestors.unwrap_or_else(|error| {
        check.wrong("query.frame-ancestors", error);
        FrameAncestors::default()
    });
    let path = |setting| {
        let text = check.settings.text(setting);
        (!text.is_empty()).then(|| PathBuf::from(text))
    };
    Ui {
        static_files: path("query.static-files"),
        config: path("query.ui-config"),
        logs_assets: check.settings.bool("query.log-static-assets-access"),
        frame_ancestors,
    }
}

fn base_path(check: &mut Check<'_>) -> BasePath {
    BasePath::parse(check.settings.text("query.base-path")).unwrap_or_else(|error| {
        check.wrong("query.base-path", error);
        BasePath::default()
    })
}

fn headers(check: &mut Check<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    for line in check.settings.list("query.additional-headers") {
        let parsed = line.split_once(':').and_then(|(name, value)| {
            Some((name.trim().parse().ok()?, value.trim().parse().ok()?))
        });
        match parsed {
            Some(header) => headers.push(header),
            // The value may be a token, so only the name is shown.
            None => {
                let name = line.split(':').next().unwrap_or_default();
                check.wrong(
                    "query.additional-headers",
                    format!("{name:?} begins no header: give \"Key: Value\""),
                );
            }
        }
    }
    headers
}
