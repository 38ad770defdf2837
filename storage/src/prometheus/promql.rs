//! What Prometheus is asked, in its own language, letter by letter as Jaeger asks it.
//!
//! Different on purpose: the length that rates are taken over is all of what was asked for. Jaeger's ends after its first unit, so that 90 s become `1m` and
//! 500 ms become `500m`; what it writes rightly, as `10m`, is the same here. And a quotation mark in a service's name does not end the text it stands in.
//! As in Jaeger the name of a service is an expression.
//!
//! Source: `jaegertracing/jaeger: internal/storage/metricstore/prometheus/metricstore/reader.go` v1.76.0.

use super::Config;

/// What is asked of services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// Of which.
    pub services: Vec<String>,
    /// Kinds of spans, such as `SPAN_KIND_SERVER`; none: all.
    pub kinds: Vec<&'static str>,
    /// For each operation by itself.
    pub by_operation: bool,
    /// The last moment, milliseconds since the Unix epoch.
    pub end_ms: u64,
    /// How far back from there.
    pub lookback_ms: u64,
    /// How far apart points are.
    pub step_ms: u64,
    /// Over how long rates are taken.
    pub rate_ms: u64,
}

pub(super) fn latencies(config: &Config, question: &Question, quantile: f64) -> String {
    let mut name = name(config, "duration");
    if let Some(suffix) = config.duration_suffix {
        name = format!("{name}_{suffix}");
    }
    let by = group(question, ",le");
    format!(
        "histogram_quantile({quantile:.2}, sum(rate({name}_bucket{{{}}}[{}])) by ({by}))",
        matchers(question, ""),
        length(question.rate_ms),
    )
}

pub(super) fn calls(config: &Config, question: &Question) -> String {
    rates(config, question, "")
}

pub(super) fn errors(config: &Config, question: &Question) -> String {
    let failing = rates(config, question, "status_code = \"STATUS_CODE_ERROR\", ");
    format!("{failing} / {}", rates(config, question, ""))
}

fn rates(config: &Config, question: &Question, also: &str) -> String {
    let total = if config.normalize_calls { "_total" } else { "" };
    format!(
        "sum(rate({}{total}{{{}}}[{}])) by ({})",
        name(config, "calls"),
        matchers(question, also),
        length(question.rate_ms),
        group(question, ""),
    )
}

fn name(config: &Config, metric: &str) -> String {
    match config.namespace.as_str() {
        "" => metric.to_owned(),
        namespace => format!("{namespace}_{metric}"),
    }
}

/// Which series. Without kinds a comma stands at the end, which Prometheus allows.
fn matchers(question: &Question, also: &str) -> String {
    let services = question.services.join("|");
    let services = services
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    let kinds = match question.kinds.is_empty() {
        true => String::new(),
        false => format!("span_kind =~ \"{}\"", question.kinds.join("|")),
    };
    format!("service_name =~ \"{services}\", {also}{kinds}")
}

fn group(question: &Question, le: &str) -> String {
    let operation = if question.by_operation {
        ",span_name"
    } else {
        ""
    };
    format!("service_name{operation}{le}")
}

/// A length of time in its largest unit that it is whole in.
fn length(ms: u64) -> String {
    const SECOND: u64 = 1_000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    for (unit, word) in [(HOUR, "h"), (MINUTE, "m"), (SECOND, "s")] {
        if ms >= unit && ms.is_multiple_of(unit) {
            return format!("{}{word}", ms / unit);
        }
    }
    format!("{ms}ms")
}

/// Milliseconds as seconds, in the fewest digits.
pub(super) fn seconds(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elasticsearch::config::Connection;

    fn config() -> Config {
        Config {
            connection: Connection::default(),
            namespace: "traces_span_metrics".to_owned(),
            duration_suffix: None,
            normalize_calls: false,
            extra: Vec::new(),
        }
    }

    fn question() -> Question {
        Question {
            services: vec!["a".to_owned(), "b".to_owned()],
            kinds: vec!["SPAN_KIND_SERVER"],
            rate_ms: 600_000,
            ..Question::default()
        }
    }

    #[test]
    fn queries_are_jaegers_to_the_letter() {
        assert_eq!(
            latencies(&config(), &question(), 0.95),
            "histogram_quantile(0.95, sum(rate(traces_span_metrics_duration_bucket{service_name =~ \"a|b\", span_kind =~ \"SPAN_KIND_SERVER\"}[10m])) by (service_name,le))"
        );
        assert_eq!(
            calls(&config(), &question()),
            "sum(rate(traces_span_metrics_calls{service_name =~ \"a|b\", span_kind =~ \"SPAN_KIND_SERVER\"}[10m])) by (service_name)"
        );
        let by_operation = Question {
            by_operation: true,
            kinds: vec!["SPAN_KIND_SERVER", "SPAN_KIND_CLIENT"],
            ..question()
        };
        assert_eq!(
            errors(&config(), &by_operation),
            "sum(rate(traces_span_metrics_calls{service_name =~ \"a|b\", status_code = \"STATUS_CODE_ERROR\", span_kind =~ \"SPAN_KIND_SERVER|SPAN_KIND_CLIENT\"}[10m])) by (service_name,span_name) / sum(rate(traces_span_metrics_calls{service_name =~ \"a|b\", span_kind =~ \"SPAN_KIND_SERVER|SPAN_KIND_CLIENT\"}[10m])) by (service_name,span_name)"
        );
    }

    #[test]
    fn names_are_made_as_they_are_set() {
        let config = Config {
            namespace: String::new(),
            duration_suffix: Some("milliseconds"),
            normalize_calls: true,
            ..config()
        };
        let question = Question {
            kinds: Vec::new(),
            by_operation: true,
            services: vec!["a\"b\\d".to_owned()],
            ..question()
        };
        assert_eq!(
            latencies(&config, &question, 0.5),
            "histogram_quantile(0.50, sum(rate(duration_milliseconds_bucket{service_name =~ \"a\\\"b\\\\d\", }[10m])) by (service_name,span_name,le))"
        );
        assert!(calls(&config, &question).starts_with("sum(rate(calls_total{"));
    }

    #[test]
    fn lengths_of_time_are_whole() {
        for (ms, text) in [
            (600_000, "10m"),
            (3_600_000, "1h"),
            (90_000, "90s"),
            (5_400_000, "90m"),
            (500, "500ms"),
            (1_500, "1500ms"),
            (86_400_000, "24h"),
        ] {
            assert_eq!(length(ms), text);
        }
        for (ms, text) in [
            (0, "0"),
            (1_500, "1.5"),
            (60_000, "60"),
            (1_700_000_000_120, "1700000000.12"),
        ] {
            assert_eq!(seconds(ms), text);
        }
    }
}
