//! Rates, errors and latencies through the whole program: spans go in over OTLP, and every point of every line is held against what brute force finds in
//! the same spans. `SPOOR_SOAK=1` sends fifty times as many.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::spoor::Spoor;

use crate::support::{eventually, get, get_json, setup, soak};

/// A span, as far as it is counted.
#[derive(Clone, Debug)]
struct Span {
    service: &'static str,
    operation: &'static str,
    /// OTLP's number: 2 is a server's, 3 a client's.
    kind: u64,
    start_ms: u64,
    duration_us: u64,
    fails: bool,
}

/// What is asked.
struct Asked {
    end_ms: u64,
    lookback_ms: u64,
    step_ms: u64,
    rate_ms: u64,
    by_operation: bool,
    kinds: &'static [(&'static str, u64)],
}

const SERVICES: [&str; 2] = ["span-metrics-a", "span-metrics-b"];
const OPERATIONS: [&str; 3] = ["get", "put <&>", "scan"];
const MINUTES: u64 = 20;

/// The bucket that a duration is counted in, which ends at that power of the fourth root of two; none where it is near to where two meet.
fn bucket(us: u64) -> Option<u16> {
    let exact = (us as f64).log2() * 4.0;
    let is_near = (exact - exact.round()).abs() < 0.2;
    (!is_near).then_some(exact.ceil() as u16)
}

/// Spans of the minutes before `end_ms`.
fn load(end_ms: u64, count: usize) -> Vec<Span> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) % below
    };
    let mut spans = Vec::with_capacity(count);
    while spans.len() < count {
        let service = next(2);
        let duration_us = (2.0_f64).powf(4.0 + next(2_000) as f64 / 100.0) as u64;
        let span = Span {
            service: SERVICES[service as usize],
            operation: OPERATIONS[next(3) as usize],
            kind: 2 + next(2),
            start_ms: end_ms - 1 - next(MINUTES * 60_000),
            duration_us,
            // nothing of b fails
            fails: service == 0 && next(5) == 0,
        };
        if bucket(duration_us).is_some() {
            spans.push(span);
        }
    }
    spans
}

async fn send(spoor: &Spoor, spans: &[Span]) {
    for (batch, spans) in spans.chunks(500).enumerate() {
        let groups: Vec<Value> = SERVICES
            .iter()
            .map(|service| {
                let of = spans.iter().enumerate().filter(|(_, s)| s.service == *service);
                let spans: Vec<Value> = of
                    .map(|(nth, span)| {
                        let id = batch * 500 + nth + 1;
                        let start = span.start_ms * 1_000_000;
                        json!({
                            "traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"),
                            "name": span.operation, "kind": span.kind,
                            "startTimeUnixNano": start.to_string(),
                            "endTimeUnixNano": (start + span.duration_us * 1_000).to_string(),
                            "status": {"code": if span.fails { 2 } else { 0 }},
                        })
                    })
                    .collect();
                json!({
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                    "scopeSpans": [{"spans": spans}],
                })
            })
            .collect();
        let url = format!("{}/v1/traces", spoor.url("otlp-http"));
        let (client, body) = (reqwest::Client::new(), json!({"resourceSpans": groups}));
        let sent = || async {
            client
                .post(&url)
                .json(&body)
                .send()
                .await
                .unwrap()
                .status()
                .as_u16()
        };
        eventually("it is taken", sent, |status| *status == 200).await;
    }
}

fn url(spoor: &Spoor, measure: &str, asked: &Asked) -> String {
    let mut url = format!(
        "{}/api/metrics/{measure}?endTs={}&lookback={}&step={}&ratePer={}&groupByOperation={}&quantile=0.95",
        spoor.url("query-http"),
        asked.end_ms,
        asked.lookback_ms,
        asked.step_ms,
        asked.rate_ms,
        asked.by_operation,
    );
    for service in SERVICES {
        url.push_str(&format!("&service={service}"));
    }
    for (kind, _) in asked.kinds {
        url.push_str(&format!("&spanKind={kind}"));
    }
    url
}

/// The lines of an answer, by service and operation: the points' moments and values.
pub(crate) type Lines = BTreeMap<(String, String), Vec<(String, f64)>>;

pub(crate) fn lines(family: &Value) -> Lines {
    assert_eq!(family["partial"], Value::Null);
    let metrics = family["metrics"].as_array().unwrap();
    let line = |metric: &Value| {
        let label = |name: &str| {
            let labels = metric["labels"].as_array().unwrap();
            let found = labels.iter().find(|label| label["name"] == name);
            found.map_or_else(String::new, |label| {
                label["value"].as_str().unwrap().to_owned()
            })
        };
        let points = metric["metricPoints"].as_array().unwrap().iter();
        let points = points.map(|point| {
            let value = &point["gaugeValue"]["doubleValue"];
            let value = value
                .as_f64()
                .unwrap_or_else(|| value.as_str().unwrap().parse().unwrap());
            (point["timestamp"].as_str().unwrap().to_owned(), value)
        });
        (
            (label("service_name"), label("operation")),
            points.collect(),
        )
    };
    metrics.iter().map(line).collect()
}

/// The 0.95th quantile over buckets, in milliseconds.
fn quantile(spans: &[&Span]) -> f64 {
    let mut counts: BTreeMap<u16, f64> = BTreeMap::new();
    for span in spans {
        *counts.entry(bucket(span.duration_us).unwrap()).or_default() += 1.0;
    }
    let rank = 0.95 * spans.len() as f64;
    let mut before = 0.0;
    for (bucket, count) in counts {
        if before + count >= rank {
            let power = f64::from(bucket) - 1.0 + (rank - before) / count;
            return (2.0_f64).powf(power / 4.0) / 1_000.0;
        }
        before += count;
    }
    f64::NAN
}

/// What brute force finds.
fn expected(spans: &[Span], measure: &str, asked: &Asked) -> BTreeMap<(String, String), Vec<f64>> {
    let mut found: BTreeMap<(String, String), Vec<&Span>> = BTreeMap::new();
    let first = asked.end_ms - asked.lookback_ms;
    let last = first + asked.lookback_ms / asked.step_ms * asked.step_ms;
    let is_in_time = |s: &&Span| s.start_ms < last && s.start_ms >= first - asked.rate_ms;
    let is_wanted = |s: &&Span| asked.kinds.iter().any(|(_, kind)| *kind == s.kind);
    for span in spans.iter().filter(is_in_time).filter(is_wanted) {
        let operation = if asked.by_operation {
            span.operation
        } else {
            ""
        };
        let line = (span.service.to_owned(), operation.to_owned());
        found.entry(line).or_default().push(span);
    }
    let points = |spans: Vec<&Span>| {
        (0..=asked.lookback_ms / asked.step_ms)
            .map(|n| first + n * asked.step_ms)
            .map(|at| {
                let within = |s: &&&Span| s.start_ms < at && at - s.start_ms <= asked.rate_ms;
                let within: Vec<&Span> = spans.iter().filter(within).copied().collect();
                let failing = within.iter().filter(|s| s.fails).count() as f64;
                match measure {
                    "calls" => within.len() as f64 / (asked.rate_ms as f64 / 1_000.0),
                    "errors" => failing / within.len() as f64,
                    _ => quantile(&within),
                }
            })
            .collect()
    };
    found
        .into_iter()
        .map(|(line, spans)| (line, points(spans)))
        .collect()
}

/// Sends a load, and compares.
pub(crate) async fn check(spoor: &Spoor) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end_ms = u64::try_from(now.as_millis()).unwrap() - 60_000;
    let spans = load(end_ms, if soak() { 50_000 } else { 1_000 });
    send(spoor, &spans).await;
    const BOTH: &[(&str, u64)] = &[("server", 2), ("client", 3)];
    let all = Asked {
        end_ms,
        lookback_ms: 0,
        step_ms: 1_000,
        rate_ms: 3_600_000,
        by_operation: false,
        kinds: BOTH,
    };
    let count = || async {
        let family = get_json(&url(spoor, "calls", &all)).await;
        let rates = lines(&family).into_values().map(|points| points[0].1);
        (rates.sum::<f64>() * 3_600.0).round() as usize
    };
    eventually("all spans are visible", count, |n| *n == spans.len()).await;
    for asked in [
        // what the Monitor tab asks
        Asked {
            end_ms,
            lookback_ms: 900_000,
            step_ms: 60_000,
            rate_ms: 600_000,
            by_operation: true,
            kinds: &BOTH[..1],
        },
        // steps that do not divide the window, and points that see nothing
        Asked {
            end_ms: end_ms + 30_000,
            lookback_ms: 1_000_001,
            step_ms: 7_000,
            rate_ms: 5_000,
            by_operation: false,
            kinds: BOTH,
        },
    ] {
        for measure in ["calls", "errors", "latencies"] {
            let family = get_json(&url(spoor, measure, &asked)).await;
            let (lines, expected) = (lines(&family), expected(&spans, measure, &asked));
            let names: Vec<_> = lines.keys().collect();
            assert_eq!(names, expected.keys().collect::<Vec<_>>(), "{measure}");
            for (line, points) in &lines {
                let expected = &expected[line];
                assert_eq!(points.len(), expected.len(), "{measure} of {line:?}");
                for ((at, got), expected) in points.iter().zip(expected) {
                    let is_same = got.is_nan() && expected.is_nan()
                        || (got - expected).abs() <= 1e-9 * expected.abs().max(1.0);
                    assert!(
                        is_same,
                        "{measure} of {line:?} at {at}: {got}, not {expected}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn the_embedded_store_counts_as_brute_force_does() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    check(&spoor).await;
    let step = get_json(&format!("{}/api/metrics/minstep", spoor.url("query-http"))).await;
    assert_eq!(step["data"], 1);
}

#[tokio::test]
async fn counting_can_be_switched_off() {
    let (_folder, setup) = setup();
    let spoor = setup.arg("--query.span-metrics=never").start().unwrap();
    let url = format!("{}/api/metrics/calls?service=a", spoor.url("query-http"));
    let (status, _, text) = get(&url).await;
    assert_eq!(status, 501);
    assert!(
        text.contains("metrics querying is currently disabled"),
        "{text}"
    );
}
