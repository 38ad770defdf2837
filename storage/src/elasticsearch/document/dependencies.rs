//! The document of calls between services, as a job of Jaeger's writes it once a day, and Spoor once an hour with more in it.
//!
//! In: links and the time that they are of. Out: the document; and back, by serde, whatever else a writer put beside. A link without a caller or
//! a callee is left out. Jaeger reads calls between services and passes over the rest: errors, durations, what has no spans (`peers`), and of what it was made (`spoor`).
//!
//! Source: `jaegertracing/jaeger: internal/storage/v2/elasticsearch/depstore/dbmodel` v1.76.0.

use std::collections::BTreeMap;

use model::Str;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess};

use super::scalar::{List, Maybe, Object, Scalar};
use super::{json, moment};
use crate::port::{DependencyLink, Durations, HOUR_NS, LinkKind};

/// What a document says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependencies {
    /// When, nanoseconds since the Unix epoch; `None`: it does not say, or not so that it can be read.
    pub time_ns: Option<u64>,
    /// The calls, and what else is called. One pair may stand there more than once.
    pub links: Vec<DependencyLink>,
    /// It is one of ours; `None`: somebody else's.
    pub made: Option<Made>,
}

/// Of what a document of ours was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// When its spans began to be read, milliseconds since the Unix epoch.
    pub scanned_ms: u64,
    /// How many documents of spans start in its hour.
    pub spans: u64,
    /// How many start just before and after it, which were read with them.
    pub near: u64,
}

/// The id of the document of an hour since the Unix epoch: `spoor-2026-11-26T05`.
pub fn id(hour: u64) -> String {
    let text = moment::text(hour.saturating_mul(HOUR_NS));
    format!("spoor-{}", text.get(..13).unwrap_or(&text))
}

/// The document of `links`.
pub fn document(time_ns: u64, links: &[DependencyLink], made: Option<&Made>) -> Vec<u8> {
    let mut out = b"{\"timestamp\":".to_vec();
    json::text(&mut out, &moment::text(time_ns));
    let are_calls = |link: &&DependencyLink| link.kind == LinkKind::Call;
    out.extend_from_slice(b",\"dependencies\":");
    put_list(&mut out, links.iter().filter(are_calls));
    if let Some(Made {
        scanned_ms,
        spans,
        near,
    }) = made
    {
        out.extend_from_slice(b",\"peers\":");
        put_list(&mut out, links.iter().filter(|link| !are_calls(link)));
        out.extend_from_slice(b",\"spoor\":{\"scanned\":");
        put_number(&mut out, *scanned_ms);
        out.extend_from_slice(b",\"spans\":");
        put_number(&mut out, *spans);
        out.extend_from_slice(b",\"near\":");
        put_number(&mut out, *near);
        out.push(b'}');
    }
    out.push(b'}');
    out
}

fn put_list<'a>(out: &mut Vec<u8>, links: impl Iterator<Item = &'a DependencyLink>) {
    out.push(b'[');
    for (nth, link) in links.enumerate() {
        let start: &[u8] = if nth == 0 {
            b"{\"parent\":"
        } else {
            b",{\"parent\":"
        };
        out.extend_from_slice(start);
        json::text(out, &link.parent);
        out.extend_from_slice(b",\"child\":");
        json::text(out, &link.child);
        out.extend_from_slice(b",\"callCount\":");
        put_number(out, link.call_count);
        if link.kind != LinkKind::Call {
            out.extend_from_slice(b",\"kind\":");
            json::text(out, link.kind.as_str());
        }
        let durations = &link.durations;
        // of those that count no more than calls
        if link.error_count > 0 || !durations.buckets.is_empty() {
            out.extend_from_slice(b",\"errorCount\":");
            put_number(out, link.error_count);
            out.extend_from_slice(b",\"durationSum\":");
            put_number(out, durations.sum_us);
            let buckets = durations.buckets.keys().map(|bucket| u64::from(*bucket));
            put_numbers(out, b",\"durationBuckets\":", buckets);
            put_numbers(
                out,
                b",\"durationCounts\":",
                durations.buckets.values().copied(),
            );
        }
        out.push(b'}');
    }
    out.push(b']');
}

fn put_numbers(out: &mut Vec<u8>, name: &[u8], numbers: impl Iterator<Item = u64>) {
    out.extend_from_slice(name);
    out.push(b'[');
    for (nth, number) in numbers.enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        put_number(out, number);
    }
    out.push(b']');
}

/// An index takes 63 bits.
fn put_number(out: &mut Vec<u8>, number: u64) {
    json::uint(out, number.min(i64::MAX as u64));
}

fn natural(value: &Scalar<'_>) -> u64 {
    u64::try_from(value.whole().unwrap_or(0)).unwrap_or(0)
}

/// Its members.
#[derive(Default)]
struct Document<'a> {
    timestamp: Scalar<'a>,
    dependencies: List<Maybe<Link<'a>>>,
    peers: List<Maybe<Link<'a>>>,
    spoor: Maybe<Spoor<'a>>,
}

#[derive(Default)]
struct Spoor<'a> {
    scanned: Scalar<'a>,
    spans: Scalar<'a>,
    near: Scalar<'a>,
}

#[derive(Default)]
struct Link<'a> {
    parent: Scalar<'a>,
    child: Scalar<'a>,
    call_count: Scalar<'a>,
    kind: Scalar<'a>,
    error_count: Scalar<'a>,
    sum: Scalar<'a>,
    buckets: List<Scalar<'a>>,
    counts: List<Scalar<'a>>,
}

// === impl Dependencies ===

impl<'de> Deserialize<'de> for Dependencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document: Document<'_> = Maybe::deserialize(deserializer)?.0.unwrap_or_default();
        let links = document.dependencies.items.iter();
        let links = links.chain(&document.peers.items);
        Ok(Self {
            time_ns: moment::read(&document.timestamp),
            links: links.filter_map(|l| l.0.as_ref()?.read()).collect(),
            made: document.spoor.0.as_ref().map(|made| Made {
                scanned_ms: natural(&made.scanned),
                spans: natural(&made.spans),
                near: natural(&made.near),
            }),
        })
    }
}

// === impl Document ===

impl<'de> Object<'de> for Document<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "timestamp" => self.timestamp = map.next_value()?,
            "dependencies" => self.dependencies = map.next_value()?,
            "peers" => self.peers = map.next_value()?,
            "spoor" => self.spoor = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

// === impl Link ===

impl Link<'_> {
    fn read(&self) -> Option<DependencyLink> {
        let mut buckets: BTreeMap<u16, u64> = BTreeMap::new();
        for (bucket, count) in self.buckets.items.iter().zip(&self.counts.items) {
            if let Ok(bucket) = u16::try_from(natural(bucket)) {
                let sum = buckets.entry(bucket).or_default();
                *sum = sum.saturating_add(natural(count));
            }
        }
        Some(DependencyLink {
            parent: Str::from(self.parent.as_str()?),
            child: Str::from(self.child.as_str()?),
            kind: match &self.kind {
                Scalar::Absent => LinkKind::Call,
                kind => LinkKind::parse(kind.as_str()?)?,
            },
            call_count: natural(&self.call_count),
            error_count: natural(&self.error_count),
            durations: Durations {
                sum_us: natural(&self.sum),
                buckets,
            },
        })
    }
}

impl<'de> Object<'de> for Link<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "parent" => self.parent = map.next_value()?,
            "child" => self.child = map.next_value()?,
            "callCount" => self.call_count = map.next_value()?,
            "kind" => self.kind = map.next_value()?,
            "errorCount" => self.error_count = map.next_value()?,
            "durationSum" => self.sum = map.next_value()?,
            "durationBuckets" => self.buckets = map.next_value()?,
            "durationCounts" => self.counts = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

// === impl Spoor ===

impl<'de> Object<'de> for Spoor<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "scanned" => self.scanned = map.next_value()?,
            "spans" => self.spans = map.next_value()?,
            "near" => self.near = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(parent: &str, child: &str, call_count: u64) -> DependencyLink {
        DependencyLink::calls(parent.into(), child.into(), call_count)
    }

    #[test]
    fn what_ours_say_beyond_jaegers_reads_back() {
        let call = DependencyLink {
            error_count: 1,
            durations: Durations {
                sum_us: 12,
                buckets: [(3, 1), (9, 2)].into(),
            },
            ..link("a", "b", 3)
        };
        let peer = DependencyLink {
            kind: LinkKind::Database,
            ..link("a", "mysql", 2)
        };
        let made = Made {
            scanned_ms: 7,
            spans: 8,
            near: 9,
        };
        let json = document(0, &[call.clone(), peer.clone()], Some(&made));
        assert_eq!(
            String::from_utf8_lossy(&json),
            "{\"timestamp\":\"1970-01-01T00:00:00Z\",\"dependencies\":[{\"parent\":\"a\",\"child\":\"b\",\"callCount\":3,\
             \"errorCount\":1,\"durationSum\":12,\"durationBuckets\":[3,9],\"durationCounts\":[1,2]}],\
             \"peers\":[{\"parent\":\"a\",\"child\":\"mysql\",\"callCount\":2,\"kind\":\"database\"}],\
             \"spoor\":{\"scanned\":7,\"spans\":8,\"near\":9}}"
        );
        let read: Dependencies = serde_json::from_slice(&json).unwrap();
        assert_eq!((read.links, read.made), (vec![call, peer], Some(made)));
        assert_eq!(id(495_000), "spoor-2026-06-21T00");
    }

    #[test]
    fn what_was_written_reads_back() {
        let links = vec![link("a", "b\"", 1), link("b", "c", i64::MAX as u64)];
        let json = document(1_000_000_001, &links, None);
        assert_eq!(
            String::from_utf8_lossy(&json),
            "{\"timestamp\":\"1970-01-01T00:00:01.000000001Z\",\"dependencies\":[{\"parent\":\"a\",\"child\":\"b\\\"\",\"callCount\":1},\
             {\"parent\":\"b\",\"child\":\"c\",\"callCount\":9223372036854775807}]}"
        );
        let expect = Dependencies {
            time_ns: Some(1_000_000_001),
            links,
            made: None,
        };
        assert_eq!(
            serde_json::from_slice::<Dependencies>(&json).unwrap(),
            expect
        );
        let json = document(0, &[], None);
        let none: Dependencies = serde_json::from_slice(&json).unwrap();
        assert_eq!((none.time_ns, none.links.len()), (Some(0), 0));
    }

    #[test]
    fn what_others_write_is_read_as_far_as_it_goes() {
        let json = r#"{"timestamp":"2018-01-24T00:00Z","x":{},"dependencies":[
            {"parent":"a","child":"b","callCount":3.0,"source":"jaeger"}, {"parent":"a"}, 7, {"parent":"a","child":"c"}]}"#;
        let read: Dependencies = serde_json::from_str(json).unwrap();
        assert_eq!(read.time_ns, Some(1_516_752_000_000_000_000));
        assert_eq!(read.links, [link("a", "b", 3), link("a", "c", 0)]);
        for json in [
            "{}",
            "null",
            r#"{"dependencies":null}"#,
            r#"{"dependencies":{}}"#,
        ] {
            assert_eq!(
                serde_json::from_str::<Dependencies>(json).unwrap(),
                Dependencies::default()
            );
        }
    }
}
