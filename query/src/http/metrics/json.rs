//! A family of metrics as Jaeger's JSON has it: that of its protobuf message, where members that are zero are left out.
//!
//! In: a family. Out: compact JSON without its last brace. What is not a number is a word; a value of 0 stands there, for it is one of several that could.
//!
//! Source: `jaegertracing/jaeger: internal/proto-gen/api_v2/metrics` v1.76.0, written by `gogo/protobuf: jsonpb`.

use serde::Serialize;
use wire::go_json;

use crate::service::{Family, Metric, Point};

#[derive(Serialize)]
struct FamilyJson<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    help: &'a str,
    metrics: Vec<MetricJson<'a>>,
}

#[derive(Serialize)]
struct MetricJson<'a> {
    labels: Vec<LabelJson<'a>>,
    #[serde(rename = "metricPoints")]
    points: Vec<PointJson>,
}

#[derive(Serialize)]
struct LabelJson<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    value: &'a str,
}

#[derive(Serialize)]
struct PointJson {
    #[serde(rename = "gaugeValue")]
    gauge: Gauge,
    timestamp: String,
}

#[derive(Serialize)]
struct Gauge {
    #[serde(rename = "doubleValue")]
    double: Double,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Double {
    Number(f64),
    Word(&'static str),
}

/// All of it but the brace at its end.
pub(super) fn write(family: &Family) -> Vec<u8> {
    let mut json = go_json::to_vec(&FamilyJson {
        name: &family.name,
        kind: "GAUGE",
        help: &family.help,
        metrics: family.metrics.iter().map(metric).collect(),
    });
    json.pop();
    json
}

fn metric(metric: &Metric) -> MetricJson<'_> {
    let labels = metric.labels.iter();
    MetricJson {
        labels: labels
            .map(|(name, value)| LabelJson { name, value })
            .collect(),
        points: metric.points.iter().map(point).collect(),
    }
}

fn point(point: &Point) -> PointJson {
    PointJson {
        gauge: Gauge {
            double: match point.value {
                value if value.is_nan() => Double::Word("NaN"),
                f64::INFINITY => Double::Word("Infinity"),
                f64::NEG_INFINITY => Double::Word("-Infinity"),
                value => Double::Number(value),
            },
        },
        timestamp: timestamp(point.ms),
    }
}

/// As protobuf's JSON writes a moment: no fraction, or three digits of one.
pub(in crate::http) fn timestamp(ms: i64) -> String {
    let (days, ms_of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = date(days);
    let (seconds, fraction) = (ms_of_day / 1_000, ms_of_day % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = match fraction {
        0 => String::new(),
        fraction => format!(".{fraction:03}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}{fraction}Z")
}

/// The year, month and day of a day since 1970-01-01. Years are counted from March, so that a leap day is the last of one, and in eras of 400, which are all as long.
fn date(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let since_march_0 = days + 719_468;
    let (era, of_era) = (since_march_0.div_euclid(ERA), since_march_0.rem_euclid(ERA));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_protobuf_does() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_609_459_200_000, "2021-01-01T00:00:00Z"),
            (1_709_210_096_050, "2024-02-29T12:34:56.050Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(timestamp(ms), text);
        }
    }

    #[test]
    fn a_family_is_jaegers() {
        let point = |value| Point {
            ms: 1_609_459_200_000,
            value,
        };
        let family = Family {
            name: "service_latencies".to_owned(),
            help: "0.95th quantile latency, grouped by service".to_owned(),
            metrics: vec![Metric {
                labels: vec![
                    ("operation".to_owned(), "GET /<a>".to_owned()),
                    ("service_name".to_owned(), String::new()),
                ],
                points: [1.5, 0.0, 2.0, f64::NAN, f64::INFINITY].map(point).to_vec(),
            }],
        };
        let json = String::from_utf8(write(&family)).unwrap();
        let value = |value: &str| {
            format!(
                r#"{{"gaugeValue":{{"doubleValue":{value}}},"timestamp":"2021-01-01T00:00:00Z"}}"#
            )
        };
        let values = ["1.5", "0", "2", r#""NaN""#, r#""Infinity""#].map(value);
        assert_eq!(
            json,
            format!(
                "{}{}{}",
                r#"{"name":"service_latencies","type":"GAUGE","help":"0.95th quantile latency, grouped by service","metrics":[{"labels":[{"name":"operation","value":"GET /\u003ca\u003e"},{"name":"service_name"}],"metricPoints":["#,
                values.join(","),
                "]}]"
            )
        );
        let empty = Family {
            metrics: Vec::new(),
            ..family
        };
        assert!(
            String::from_utf8(write(&empty))
                .unwrap()
                .ends_with(r#","metrics":[]"#)
        );
    }
}
