//! Rates, errors and latencies that a real Prometheus has counted, through the whole program: what is written into it goes on evenly, so that every point is known.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tests::pki::Authority;
use tests::prometheus::Prometheus;
use tests::spoor::{Setup, Spoor};

use crate::span_metrics::lines;
use crate::support::{get, get_json, setup};

/// Calls of an operation, as the OpenTelemetry Collector counts them: so many a second go well, and so many fail.
struct Calls {
    service: &'static str,
    operation: &'static str,
    kind: &'static str,
    well: f64,
    failing: f64,
    /// The share of them that takes at most 2, 10 and 100 ms.
    took: [f64; 3],
}

/// Names of metrics of calls and durations.
type Names = (&'static str, &'static str);

const QUICK: [f64; 3] = [0.5, 0.8, 1.0];
const SLOW: [f64; 3] = [0.0, 0.0, 1.0];
const CALLS: [Calls; 4] = [
    calls("pay", "get", "SERVER", [2.0, 0.5], QUICK),
    calls("pay", "put <&>", "SERVER", [1.0, 0.0], SLOW),
    calls("pay", "get", "CLIENT", [8.0, 0.0], QUICK),
    calls("cart", "get", "SERVER", [4.0, 0.0], QUICK),
];
const PLAIN: Names = (
    "traces_span_metrics_calls",
    "traces_span_metrics_duration_bucket",
);
const NORMAL: Names = ("shop_calls_total", "shop_duration_seconds_bucket");

const fn calls(
    service: &'static str,
    operation: &'static str,
    kind: &'static str,
    [well, failing]: [f64; 2],
    took: [f64; 3],
) -> Calls {
    Calls {
        service,
        operation,
        kind,
        well,
        failing,
        took,
    }
}

/// The hour before `end_s`, every 15 seconds, in the text format of OpenMetrics. A series that never counted is not there, as with the Collector.
fn samples(end_s: u64, (count, bucket): Names) -> String {
    let mut text = String::new();
    let mut series = |name: &str, labels: String, rate: f64| {
        for s in (0_u32..=3_600).step_by(15) {
            let value = 1_000.0 + rate * f64::from(s);
            let at = end_s - 3_600 + u64::from(s);
            writeln!(text, "{name}{{{labels}}} {value} {at}").unwrap();
        }
    };
    for calls in CALLS {
        let Calls {
            service,
            operation,
            kind,
            ..
        } = calls;
        for (code, rate) in [("UNSET", calls.well), ("ERROR", calls.failing)] {
            if rate == 0.0 {
                continue;
            }
            let labels = format!(
                r#"service_name="{service}",span_name="{operation}",span_kind="SPAN_KIND_{kind}",status_code="STATUS_CODE_{code}""#
            );
            series(count, labels.clone(), rate);
            let ends = ["2", "10", "100", "+Inf"];
            for (le, share) in ends.into_iter().zip(calls.took.into_iter().chain([1.0])) {
                series(bucket, format!(r#"{labels},le="{le}""#), rate * share);
            }
        }
    }
    text + "# EOF\n"
}

/// An end that all samples lie before, a minute ago.
fn end_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() - 60
}

/// Asks for the 15 minutes before `end_s`, and gives the one value that all points of each line have.
async fn asked(
    spoor: &Spoor,
    end_s: u64,
    measure: &str,
    more: &str,
) -> BTreeMap<(String, String), f64> {
    let url = format!(
        "{}/api/metrics/{measure}?endTs={}&lookback=900000&step=60000&quantile=0.95&{more}",
        spoor.url("query-http"),
        end_s * 1_000
    );
    let family = get_json(&url).await;
    let mut found = BTreeMap::new();
    for (line, points) in lines(&family) {
        assert_eq!(points.len(), 16, "{url}: {line:?}");
        let first = points[0].1;
        for (at, value) in points {
            assert!(
                (value - first).abs() < 1e-6,
                "{url}: {line:?} at {at}: {value}"
            );
        }
        found.insert(line, (first * 1e6).round() / 1e6);
    }
    found
}

fn expect<const N: usize>(lines: [(&str, &str, f64); N]) -> BTreeMap<(String, String), f64> {
    let line = |(service, operation, value): (&str, &str, f64)| {
        let value = (value * 1e6).round() / 1e6;
        ((service.to_owned(), operation.to_owned()), value)
    };
    lines.into_iter().map(line).collect()
}

fn asking(setup: Setup, prometheus: &Prometheus) -> Setup {
    let mut setup = setup.arg(format!("--prometheus.server-url={}", prometheus.url()));
    let variable = ("METRICS_STORAGE_TYPE".to_owned(), "prometheus".to_owned());
    setup.variables.push(variable);
    setup
}

fn started(samples: &str, authority: Option<&Authority>) -> Prometheus {
    tokio::task::block_in_place(|| Prometheus::start(samples, authority)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_point_is_what_prometheus_has_counted() {
    let end_s = end_s();
    let prometheus = started(&samples(end_s, PLAIN), None);
    let (_folder, setup) = setup();
    let setup = asking(setup, &prometheus).arg("--query.span-metrics=never");
    let spoor = setup.start().unwrap();
    const BOTH: &str = "service=pay&service=cart&ratePer=600000";
    for (measure, more, expected) in [
        (
            "calls",
            BOTH.to_owned(),
            expect([("pay", "", 3.5), ("cart", "", 4.0)]),
        ),
        // a length that Jaeger's would cut
        (
            "calls",
            "service=pay&ratePer=90000&spanKind=client&groupByOperation=true".to_owned(),
            expect([("pay", "get", 8.0)]),
        ),
        (
            "calls",
            format!("{BOTH}&spanKind=client&spanKind=server"),
            expect([("pay", "", 11.5), ("cart", "", 4.0)]),
        ),
        // a service of which nothing failed has no such series
        ("errors", BOTH.to_owned(), expect([("pay", "", 0.5 / 3.5)])),
        (
            "errors",
            "service=cart".to_owned(),
            expect([("cart", "", 0.0)]),
        ),
        ("errors", "service=nobody".to_owned(), expect([])),
        (
            "latencies",
            format!("{BOTH}&groupByOperation=true"),
            // a quantile divides its bucket evenly
            expect([
                ("pay", "get", 10.0 + 90.0 * 0.75),
                ("pay", "put <&>", 10.0 + 90.0 * 0.95),
                ("cart", "get", 10.0 + 90.0 * 0.75),
            ]),
        ),
        // a quotation mark is part of a name, and a name is an expression
        ("calls", "service=p%22y%5C%5C".to_owned(), expect([])),
        (
            "calls",
            "service=p.y".to_owned(),
            expect([("pay", "", 3.5)]),
        ),
    ] {
        let found = asked(&spoor, end_s, measure, &more).await;
        assert_eq!(found, expected, "{measure} {more}");
    }
    let at = spoor.url("query-http");
    let url = format!("{at}/api/metrics/latencies?service=pay&quantile=0.5");
    let named = get_json(&url).await;
    let head = ["name", "type", "help"].map(|member| named[member].as_str().unwrap().to_owned());
    assert_eq!(
        head,
        [
            "service_latencies",
            "GAUGE",
            "0.50th quantile latency, grouped by service"
        ]
    );
    let (_, _, page) = get(&at).await;
    assert!(page.contains("\"metricsStorage\":true"), "{page}");
    let none = format!("{at}/api/metrics/calls?service=pay&ratePer=0");
    let (status, _, text) = get(&none).await;
    assert_eq!(status, 400, "{text}");
    let bad = format!("{at}/api/metrics/errors?service=%28");
    let (status, _, text) = get(&bad).await;
    assert_eq!(status, 500, "{text}");
    let expected = "failed getting error metrics: failed executing metrics query: bad_data: ";
    assert!(
        text.contains(expected) && text.contains("error parsing regexp"),
        "{text}"
    );
    drop(prometheus);
    let (status, _, text) = get(&format!("{at}/api/metrics/calls?service=pay")).await;
    let said: Value = serde_json::from_str(&text).unwrap();
    let said = said["errors"][0]["msg"].as_str().unwrap();
    assert_eq!(status, 500, "{said}");
    assert!(
        said.starts_with("failed executing metrics query: "),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prometheus_that_asks_for_a_certificate_is_shown_ours() {
    let end_s = end_s();
    let authority = Authority::new("Prometheus");
    let prometheus = started(&samples(end_s, NORMAL), Some(&authority));
    let (folder, setup) = setup();
    let leaf = authority.client("spoor");
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let setup = asking(setup, &prometheus)
        .arg("--prometheus.query.namespace=shop")
        .arg("--prometheus.query.normalize-calls")
        .arg("--prometheus.query.normalize-duration")
        .arg("--prometheus.query.duration-unit=s")
        .arg("--prometheus.tls.enabled")
        .arg(format!(
            "--prometheus.tls.ca={}",
            file("ca.pem", &authority.pem())
        ));
    let stranger = setup.start().unwrap();
    let url = format!(
        "{}/api/metrics/calls?service=pay",
        stranger.url("query-http")
    );
    let (status, _, text) = get(&url).await;
    assert_eq!(status, 500, "{text}");
    drop(stranger);
    let setup = setup
        .arg(format!(
            "--prometheus.tls.cert={}",
            file("cert.pem", &leaf.cert)
        ))
        .arg(format!(
            "--prometheus.tls.key={}",
            file("key.pem", &leaf.key)
        ));
    let spoor = setup.start().unwrap();
    let found = asked(&spoor, end_s, "calls", "service=pay").await;
    assert_eq!(found, expect([("pay", "", 3.5)]));
    let found = asked(&spoor, end_s, "latencies", "service=cart").await;
    assert_eq!(found, expect([("cart", "", 77.5)]));
}
