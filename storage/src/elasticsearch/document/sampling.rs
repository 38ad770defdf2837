//! The documents of adaptive sampling: what collectors counted, one a row, and what was made of it.
//!
//! In: rows, probabilities. Out: documents with the capital names that Jaeger's have; and back, by serde. A row comes back as it was, but for
//! counts beyond 63 bits; when nobody reads it any more is not in it. Probabilities come back bit by bit: who asked stands in a member that
//! Jaeger passes over, and a number that is none is null, which is 0 there and here.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/samplingstore/dbmodel/model.go` v1.76.0.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess};

use super::scalar::{List, Maybe, Members, Object, Scalar};
use super::{json, moment};
use crate::port::{Probabilities, Rate, Throughput, ThroughputRows};

/// What a document of a sampling index is.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampling {
    /// A row, and its time in nanoseconds since the Unix epoch.
    Throughput(u64, Throughput),
    /// Probabilities.
    Probabilities(Probabilities),
    /// Something else, or without a time.
    Unknown,
}

/// A document for each row.
pub fn throughput(rows: &ThroughputRows) -> impl Iterator<Item = Vec<u8>> {
    let time = moment::text(rows.time_ns);
    rows.rows
        .iter()
        .map(move |row| throughput_document(&time, row))
}

fn throughput_document(time: &str, row: &Throughput) -> Vec<u8> {
    let mut out = b"{\"timestamp\":".to_vec();
    json::text(&mut out, time);
    out.extend_from_slice(b",\"throughputs\":{\"Service\":");
    json::text(&mut out, &row.service);
    out.extend_from_slice(b",\"Operation\":");
    json::text(&mut out, &row.operation);
    out.extend_from_slice(b",\"Count\":");
    json::uint(&mut out, row.count.min(i64::MAX as u64));
    out.extend_from_slice(b",\"Probabilities\":");
    object(
        &mut out,
        row.probabilities.iter().map(|p| (p, ())),
        |out, ()| {
            out.extend_from_slice(b"{}");
        },
    );
    out.extend_from_slice(b"}}");
    out
}

/// The document of `probabilities`.
pub fn probabilities(probabilities: &Probabilities) -> Vec<u8> {
    let mut out = b"{\"timestamp\":".to_vec();
    json::text(&mut out, &moment::text(probabilities.time_ns));
    out.extend_from_slice(b",\"probabilitiesandqps\":{\"Hostname\":");
    json::text(&mut out, &probabilities.host);
    out.extend_from_slice(b",\"Probabilities\":");
    rates(&mut out, probabilities, |rate| rate.probability);
    out.extend_from_slice(b",\"QPS\":");
    rates(&mut out, probabilities, |rate| rate.qps);
    out.extend_from_slice(b",\"Asked\":[");
    for (nth, service) in probabilities.asked.iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        json::text(&mut out, service);
    }
    out.extend_from_slice(b"]}}");
    out
}

/// One number of each operation.
fn rates(out: &mut Vec<u8>, probabilities: &Probabilities, number: fn(&Rate) -> f64) {
    object(out, probabilities.services.iter(), |out, operations| {
        object(out, operations.iter(), |out, rate| match number(rate) {
            number if number.is_finite() => json::float(out, number),
            _ => out.extend_from_slice(b"null"),
        });
    });
}

fn object<'a, V>(
    out: &mut Vec<u8>,
    members: impl Iterator<Item = (&'a String, V)>,
    mut write: impl FnMut(&mut Vec<u8>, V),
) {
    out.push(b'{');
    for (nth, (name, value)) in members.enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        json::text(out, name);
        out.push(b':');
        write(out, value);
    }
    out.push(b'}');
}

/// The members of a document.
#[derive(Default)]
struct Document<'a> {
    timestamp: Scalar<'a>,
    throughput: Maybe<Row<'a>>,
    calculated: Maybe<Calculated<'a>>,
}

#[derive(Default)]
struct Row<'a> {
    service: Scalar<'a>,
    operation: Scalar<'a>,
    count: Scalar<'a>,
    probabilities: Members<'a, IgnoredAny>,
}

#[derive(Default)]
struct Calculated<'a> {
    host: Scalar<'a>,
    probabilities: Numbers<'a>,
    qps: Numbers<'a>,
    asked: List<Scalar<'a>>,
}

/// By service, then operation.
type Numbers<'a> = Members<'a, Members<'a>>;

// === impl Sampling ===

impl<'de> Deserialize<'de> for Sampling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document: Document<'_> = Maybe::deserialize(deserializer)?.0.unwrap_or_default();
        let Some(time_ns) = moment::read(&document.timestamp) else {
            return Ok(Self::Unknown);
        };
        Ok(match (document.throughput.0, document.calculated.0) {
            (Some(row), _) => Self::Throughput(time_ns, row.read()),
            (None, Some(calculated)) => Self::Probabilities(calculated.read(time_ns)),
            (None, None) => Self::Unknown,
        })
    }
}

fn text(value: &Scalar<'_>) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

// === impl Document ===

impl<'de> Object<'de> for Document<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "timestamp" => self.timestamp = map.next_value()?,
            "throughputs" => self.throughput = map.next_value()?,
            "probabilitiesandqps" => self.calculated = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

// === impl Row ===

impl Row<'_> {
    fn read(self) -> Throughput {
        let count = self.count.whole().unwrap_or(0);
        let probabilities = self.probabilities.0.into_iter();
        Throughput {
            service: text(&self.service),
            operation: text(&self.operation),
            count: u64::try_from(count).unwrap_or(0),
            probabilities: probabilities.map(|(p, _)| p.into_owned()).collect(),
        }
    }
}

impl<'de> Object<'de> for Row<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "Service" => self.service = map.next_value()?,
            "Operation" => self.operation = map.next_value()?,
            "Count" => self.count = map.next_value()?,
            "Probabilities" => self.probabilities = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

// === impl Calculated ===

impl Calculated<'_> {
    fn read(self, time_ns: u64) -> Probabilities {
        let mut services: BTreeMap<String, BTreeMap<String, Rate>> = BTreeMap::new();
        let mut put = |numbers: Numbers<'_>, set: fn(&mut Rate, f64)| {
            for (service, operations) in numbers.0 {
                let known = services.entry(service.into_owned()).or_default();
                for (operation, number) in operations.0 {
                    let number = match number {
                        Scalar::Int(number) => number as f64,
                        Scalar::Float(number) => number,
                        _ => 0.0,
                    };
                    set(known.entry(operation.into_owned()).or_default(), number);
                }
            }
        };
        put(self.probabilities, |rate, number| rate.probability = number);
        put(self.qps, |rate, number| rate.qps = number);
        let asked: BTreeSet<String> = self.asked.items.iter().map(text).collect();
        Probabilities {
            host: text(&self.host),
            time_ns,
            services,
            asked,
        }
    }
}

impl<'de> Object<'de> for Calculated<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "Hostname" => self.host = map.next_value()?,
            "Probabilities" => self.probabilities = map.next_value()?,
            "QPS" => self.qps = map.next_value()?,
            "Asked" => self.asked = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &[u8]) -> Sampling {
        serde_json::from_slice(json).unwrap()
    }

    #[test]
    fn rows_are_jaegers_documents_and_read_back() {
        let row = |service: &str, operation: &str, probabilities: &[&str]| Throughput {
            service: service.to_owned(),
            operation: operation.to_owned(),
            count: 7,
            probabilities: probabilities.iter().map(|p| (*p).to_owned()).collect(),
        };
        let rows = ThroughputRows {
            time_ns: 1_000_000_001,
            unread_until_ns: 5,
            rows: vec![row("s", "o", &["0.001000", "1.000000"]), row("\"", "", &[])],
        };
        let documents: Vec<_> = throughput(&rows).collect();
        assert_eq!(
            String::from_utf8_lossy(&documents[0]),
            r#"{"timestamp":"1970-01-01T00:00:01.000000001Z","throughputs":{"Service":"s","Operation":"o","Count":7,"Probabilities":{"0.001000":{},"1.000000":{}}}}"#
        );
        let back: Vec<_> = documents.iter().map(|d| read(d)).collect();
        let expect = rows
            .rows
            .into_iter()
            .map(|r| Sampling::Throughput(rows.time_ns, r));
        assert_eq!(back, expect.collect::<Vec<_>>());
    }

    #[test]
    fn probabilities_are_jaegers_document_and_read_back_bit_by_bit() {
        let rate = |probability, qps| Rate { probability, qps };
        let operations = |list: &[(&str, Rate)]| {
            let owned = list.iter().map(|(name, rate)| ((*name).to_owned(), *rate));
            owned.collect::<BTreeMap<_, _>>()
        };
        let put = Probabilities {
            host: "h".to_owned(),
            time_ns: 2_000_000_000,
            services: [
                (
                    "s".to_owned(),
                    operations(&[("", rate(0.1 + 0.2, 1.0)), ("o", rate(1e-9, -0.0))]),
                ),
                ("idle".to_owned(), BTreeMap::new()),
            ]
            .into(),
            asked: ["s".to_owned(), "t".to_owned()].into(),
        };
        let json = probabilities(&put);
        assert_eq!(
            String::from_utf8_lossy(&json),
            r#"{"timestamp":"1970-01-01T00:00:02Z","probabilitiesandqps":{"Hostname":"h","Probabilities":{"idle":{},"s":{"":0.30000000000000004,"o":1e-9}},"QPS":{"idle":{},"s":{"":1,"o":-0}},"Asked":["s","t"]}}"#
        );
        let Sampling::Probabilities(back) = read(&json) else {
            panic!("{:?}", read(&json));
        };
        assert_eq!(back, put);
        assert!(back.services["s"]["o"].qps.is_sign_negative());
    }

    #[test]
    fn what_jaeger_wrote_is_read() {
        let json = br#"{"timestamp":"2024-02-08T12:00:00Z","throughputs":{"Count":10,"Operation":"op","Probabilities":null,"Service":"svc"}}"#;
        let row = Throughput {
            service: "svc".to_owned(),
            operation: "op".to_owned(),
            count: 10,
            ..Throughput::default()
        };
        assert_eq!(
            read(json),
            Sampling::Throughput(1_707_393_600_000_000_000, row)
        );
        let json = br#"{"timestamp":"2024-02-08T12:00:00Z","probabilitiesandqps":{"Hostname":"x","Probabilities":{"s":{"o":0.1}},"QPS":null}}"#;
        let Sampling::Probabilities(read_back) = read(json) else {
            panic!("no probabilities");
        };
        assert_eq!(read_back.services["s"]["o"].probability, 0.1);
    }

    #[test]
    fn what_is_neither_is_unknown() {
        for json in [
            "{}",
            "null",
            "[]",
            r#"{"timestamp":1}"#,
            r#"{"throughputs":{}}"#,
        ] {
            assert_eq!(read(json.as_bytes()), Sampling::Unknown, "{json}");
        }
    }
}
