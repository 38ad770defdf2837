//! The document of calls between services, which a job of Jaeger's writes once a day.
//!
//! In: links and the time that they are of. Out: the document; and back, by serde, whatever else a writer put beside. A link without a caller or
//! a callee is left out.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v2/elasticsearch/depstore/dbmodel` v1.76.0.

use model::Str;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess};

use super::scalar::{List, Maybe, Object, Scalar};
use super::{json, moment};
use crate::port::DependencyLink;

/// What a document says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependencies {
    /// When, nanoseconds since the Unix epoch; `None`: it does not say, or not so that it can be read.
    pub time_ns: Option<u64>,
    /// The calls. One pair may stand there more than once.
    pub links: Vec<DependencyLink>,
}

/// The document of `links`.
pub fn document(time_ns: u64, links: &[DependencyLink]) -> Vec<u8> {
    let mut out = b"{\"timestamp\":".to_vec();
    json::text(&mut out, &moment::text(time_ns));
    out.extend_from_slice(b",\"dependencies\":");
    for (nth, link) in links.iter().enumerate() {
        let start: &[u8] = if nth == 0 {
            b"[{\"parent\":"
        } else {
            b",{\"parent\":"
        };
        out.extend_from_slice(start);
        json::text(&mut out, &link.parent);
        out.extend_from_slice(b",\"child\":");
        json::text(&mut out, &link.child);
        out.extend_from_slice(b",\"callCount\":");
        // an index takes 63 bits
        json::uint(&mut out, link.call_count.min(i64::MAX as u64));
        out.push(b'}');
    }
    let end: &[u8] = if links.is_empty() { b"[]}" } else { b"]}" };
    out.extend_from_slice(end);
    out
}

/// Its members.
#[derive(Default)]
struct Document<'a> {
    timestamp: Scalar<'a>,
    dependencies: List<Maybe<Link<'a>>>,
}

#[derive(Default)]
struct Link<'a> {
    parent: Scalar<'a>,
    child: Scalar<'a>,
    call_count: Scalar<'a>,
}

// === impl Dependencies ===

impl<'de> Deserialize<'de> for Dependencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document: Document<'_> = Maybe::deserialize(deserializer)?.0.unwrap_or_default();
        let links = document.dependencies.items.iter();
        Ok(Self {
            time_ns: moment::read(&document.timestamp),
            links: links.filter_map(|l| l.0.as_ref()?.read()).collect(),
        })
    }
}

// === impl Document ===

impl<'de> Object<'de> for Document<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "timestamp" => self.timestamp = map.next_value()?,
            "dependencies" => self.dependencies = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

// === impl Link ===

impl Link<'_> {
    fn read(&self) -> Option<DependencyLink> {
        Some(DependencyLink {
            parent: Str::from(self.parent.as_str()?),
            child: Str::from(self.child.as_str()?),
            call_count: u64::try_from(self.call_count.whole().unwrap_or(0)).unwrap_or(0),
        })
    }
}

impl<'de> Object<'de> for Link<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "parent" => self.parent = map.next_value()?,
            "child" => self.child = map.next_value()?,
            "callCount" => self.call_count = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(parent: &str, child: &str, call_count: u64) -> DependencyLink {
        DependencyLink {
            parent: parent.into(),
            child: child.into(),
            call_count,
        }
    }

    #[test]
    fn what_was_written_reads_back() {
        let links = vec![link("a", "b\"", 1), link("b", "c", i64::MAX as u64)];
        let json = document(1_000_000_001, &links);
        assert_eq!(
            String::from_utf8_lossy(&json),
            "{\"timestamp\":\"1970-01-01T00:00:01.000000001Z\",\"dependencies\":[{\"parent\":\"a\",\"child\":\"b\\\"\",\"callCount\":1},\
             {\"parent\":\"b\",\"child\":\"c\",\"callCount\":9223372036854775807}]}"
        );
        let expect = Dependencies {
            time_ns: Some(1_000_000_001),
            links,
        };
        assert_eq!(
            serde_json::from_slice::<Dependencies>(&json).unwrap(),
            expect
        );
        let json = document(0, &[]);
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
