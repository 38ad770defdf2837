//! Who answers rates and latencies of services: a Prometheus that has counted spans already, or the store, which counts its own.
//!
//! In: `METRICS_STORAGE_TYPE`, `prometheus.*`, `query.span-metrics`. Out: how Prometheus is reached and how its metrics are called, in Jaeger's words where they are wrong. Nothing is
//! connected, and no file read. Source: `jaegertracing/jaeger: internal/storage/metricstore/prometheus/options.go` v1.76.0.

use std::path::PathBuf;

use storage::elasticsearch::config::Connection;
use storage::prometheus::{Config, Prometheus};

use super::check::Check;

/// Whether a store counts its spans when somebody asks for rates and latencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanMetrics {
    /// Where that makes no cluster work.
    #[default]
    Auto,
    /// On every store that can.
    Always,
    /// On none.
    Never,
}

const TYPE: &str = "METRICS_STORAGE_TYPE";
const URL: &str = "prometheus.server-url";
const UNIT: &str = "prometheus.query.duration-unit";
const EXTRA: &str = "prometheus.query.extra-query-params";
const WHEN: &str = "query.span-metrics";

// === impl SpanMetrics ===

impl SpanMetrics {
    pub(super) fn check(check: &mut Check<'_>) -> Self {
        match check.settings.text(WHEN) {
            "auto" => Self::Auto,
            "always" => Self::Always,
            "never" => Self::Never,
            other => {
                let what = format!("\"{other}\" is unknown: give auto, always or never");
                check.wrong(WHEN, what);
                Self::Auto
            }
        }
    }

    /// Whether a store counts, that makes a cluster work or does not.
    #[must_use]
    pub fn counts(self, is_dear: bool) -> bool {
        match self {
            Self::Auto => !is_dear,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// The Prometheus, where there is one.
pub(super) fn check(own_authority: PathBuf, check: &mut Check<'_>) -> Option<Config> {
    match check.settings.text(TYPE) {
        "prometheus" => {}
        "" => {
            let settings = [
                URL,
                "prometheus.token-file",
                "prometheus.query.namespace",
                "prometheus.tls.enabled",
            ];
            check.warn_unused(
                &settings,
                "Prometheus is not asked unless METRICS_STORAGE_TYPE is prometheus",
            );
            return None;
        }
        other => {
            let what = format!("unknown metrics type \"{other}\". Valid types are [prometheus]");
            check.wrong(TYPE, what);
            return None;
        }
    }
    let tls = check.settings.client_tls("prometheus.tls");
    let tls = tls.unwrap_or_else(|error| {
        check.wrong("prometheus.tls.enabled", error);
        None
    });
    let url = check.settings.text(URL).to_owned();
    let token_file = check.settings.path("prometheus.token-file");
    let is_here = ["http://localhost", "http://127.", "http://[::1]"]
        .iter()
        .any(|here| url.starts_with(here));
    if token_file.is_some() && url.starts_with("http:") && !is_here {
        check.warn(
            URL,
            "the token of prometheus.token-file is sent in plaintext: give a URL of https",
        );
    }
    let connection = Connection {
        settings: "prometheus".to_owned(),
        urls_setting: "server-url",
        urls: vec![url],
        tls,
        trust: check.trust.with_authority(own_authority),
        token_file,
        propagate_bearer_token: check
            .settings
            .bool("prometheus.token-override-from-context"),
        compression: false,
        ..Connection::default()
    };
    let config = Config {
        connection,
        namespace: check.settings.text("prometheus.query.namespace").to_owned(),
        duration_suffix: duration_suffix(check),
        normalize_calls: check.settings.bool("prometheus.query.normalize-calls"),
        extra: extra(check),
    };
    if let Err(problem) = Prometheus::new(config.clone()) {
        let what = problem.strip_prefix("prometheus.server-url: ");
        check.wrong(URL, what.unwrap_or(&problem));
        return None;
    }
    Some(config)
}

fn duration_suffix(check: &mut Check<'_>) -> Option<&'static str> {
    let suffix = match check.settings.text(UNIT) {
        "ms" => "milliseconds",
        "s" => "seconds",
        other => {
            let what = format!("duration-unit must be one of \"ms\" or \"s\", not \"{other}\"");
            check.wrong(UNIT, what);
            "milliseconds"
        }
    };
    let is_there = check.settings.bool("prometheus.query.normalize-duration");
    is_there.then_some(suffix)
}

fn extra(check: &mut Check<'_>) -> Vec<(String, String)> {
    let text = check.settings.text(EXTRA).to_owned();
    let mut pairs = Vec::new();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((name, value)) => pairs.push((name.trim().to_owned(), value.trim().to_owned())),
            // its value may be a key
            None => check.wrong(
                EXTRA,
                "one of them has no value: give name=value,name=value",
            ),
        }
    }
    pairs
}
