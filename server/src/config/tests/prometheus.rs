//! Who answers rates and latencies.

use super::*;

const ON: &[(&str, &str)] = &[("METRICS_STORAGE_TYPE", "prometheus")];

#[test]
fn prometheus_is_asked_where_it_is_named() {
    let nothing = checked(Role::AllInOne, &[], &[]);
    let config = nothing.config.unwrap();
    assert!(config.prometheus.is_none());
    assert_eq!(config.query.unwrap().span_metrics, SpanMetrics::Auto);

    let named = checked(
        Role::AllInOne,
        &[
            "--prometheus.server-url=https://prom:9090/path",
            "--prometheus.query.normalize-calls",
            "--prometheus.query.normalize-duration",
            "--prometheus.query.duration-unit=s",
            "--prometheus.query.extra-query-params=a=1,b=x=y",
            "--prometheus.tls.enabled",
            "--prometheus.tls.skip-host-verify",
            "--query.span-metrics=never",
        ],
        ON,
    );
    assert_eq!(named.problems, []);
    let config = named.config.unwrap();
    assert_eq!(config.query.unwrap().span_metrics, SpanMetrics::Never);
    let told = config.prometheus.unwrap();
    assert_eq!(told.namespace, "traces_span_metrics");
    assert_eq!(told.duration_suffix, Some("seconds"));
    assert!(told.normalize_calls && told.connection.propagate_bearer_token);
    assert_eq!(told.connection.urls, ["https://prom:9090/path"]);
    assert!(told.connection.tls.unwrap().skip_host_verify);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(told.extra, [pair("a", "1"), pair("b", "x=y")]);
}

#[test]
fn what_cannot_be_is_said_by_its_setting() {
    let said = |line: &[&str], variables: &[(&str, &str)]| {
        let problems = checked(Role::AllInOne, line, variables).problems;
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    for (line, variables, expect) in [
        (
            "--query.span-metrics=some",
            &[][..],
            "--query.span-metrics: \"some\" is unknown: give auto, always or never",
        ),
        (
            "--prometheus.query.duration-unit=h",
            ON,
            "--prometheus.query.duration-unit: duration-unit must be one of \"ms\" or \"s\", not \"h\"",
        ),
        (
            "--prometheus.server-url=prom:9090",
            ON,
            "--prometheus.server-url: \"prom:9090\" has no scheme",
        ),
        (
            "--prometheus.query.extra-query-params=token",
            ON,
            "--prometheus.query.extra-query-params: one of them has no value",
        ),
        (
            "--query.max-traces=1",
            &[("METRICS_STORAGE_TYPE", "influx")][..],
            "METRICS_STORAGE_TYPE (environment): unknown metrics type \"influx\". Valid types are [prometheus]",
        ),
    ] {
        let said = said(&[line], variables);
        assert!(said.contains(expect), "{said}");
    }
}

#[test]
fn settings_of_a_prometheus_that_is_not_asked_are_warned_of() {
    let checked = checked(
        Role::AllInOne,
        &["--prometheus.server-url=http://prom:9090"],
        &[],
    );
    let warned = checked.warnings.iter().map(ToString::to_string);
    let warned: Vec<String> = warned.collect();
    assert!(
        warned.iter().any(|w| w.contains("METRICS_STORAGE_TYPE")),
        "{warned:?}"
    );
}
