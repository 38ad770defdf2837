//! The skeleton read back: by a decoder as the page's, of its own.

use std::sync::Arc;

use model::{SpanId, TraceId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::{span, whole};

/// A skeleton, read.
#[derive(Debug)]
pub(in crate::http) struct Skeleton {
    pub(in crate::http) header: Value,
    columns: Vec<Vec<u8>>,
}

impl Skeleton {
    #[track_caller]
    pub(in crate::http) fn decode(bytes: &[u8]) -> Self {
        assert_eq!(&bytes[..4], b"SPC1");
        let len = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        let header: Value = serde_json::from_slice(&bytes[8..8 + len]).unwrap();
        let spans = usize::try_from(header["spans"].as_u64().unwrap()).unwrap();
        let mut end = 8 + len;
        let mut columns = Vec::new();
        for (_, width) in COLUMNS {
            let begin = end.next_multiple_of(8);
            assert!(bytes[end..begin].iter().all(|b| *b == 0), "zeros between");
            end = begin + width * spans;
            columns.push(bytes[begin..end].to_vec());
        }
        assert_eq!(bytes.len(), end.next_multiple_of(8));
        Self { header, columns }
    }

    fn column<const N: usize>(&self, name: &str) -> Vec<[u8; N]> {
        let at = COLUMNS.iter().position(|(n, _)| *n == name).unwrap();
        assert_eq!(COLUMNS[at].1, N);
        let column = self.columns[at].chunks_exact(N);
        column.map(|value| value.try_into().unwrap()).collect()
    }

    pub(in crate::http) fn f64s(&self, name: &str) -> Vec<f64> {
        self.column(name)
            .into_iter()
            .map(f64::from_le_bytes)
            .collect()
    }

    pub(in crate::http) fn i32s(&self, name: &str) -> Vec<i32> {
        self.column(name)
            .into_iter()
            .map(i32::from_le_bytes)
            .collect()
    }

    pub(in crate::http) fn bytes(&self, name: &str) -> Vec<u8> {
        self.column::<1>(name).concat()
    }

    pub(in crate::http) fn ids(&self) -> Vec<String> {
        let ids = self.column("id").into_iter();
        ids.map(|id| SpanId(id).to_string()).collect()
    }

    /// The texts that a column of numbers means.
    pub(in crate::http) fn texts(&self, name: &str, list: &str) -> Vec<&str> {
        let numbers = self.column(name).into_iter().map(u32::from_le_bytes);
        numbers
            .map(|number| self.header[list][number as usize].as_str().unwrap())
            .collect()
    }
}

fn skeleton(whole: &Whole) -> Skeleton {
    Skeleton::decode(&encode(whole, false).concat())
}

#[test]
fn a_trace_in_numbers() {
    let mut root = span(1, 0xa);
    (root.start_ns, root.end_ns) = (1_000, 9_000);
    root.kind = SpanKind::Server;
    root.events.push(model::Event::default());
    let mut child = span(1, 0xb);
    (child.start_ns, child.end_ns) = (2_500, 2_500);
    child.kind = SpanKind::Client;
    child.parent_span_id = Some(root.span_id);
    child.status.code = model::StatusCode::Error;
    child.name = "call".into();
    let mut far = span(1, 0xc);
    (far.start_ns, far.end_ns) = (3_000, 4_000);
    far.parent_span_id = Some(child.span_id);
    far.resource = Arc::new(model::Resource::of_service("far"));
    far.warnings.push("odd".into());
    far.links.push(model::Link {
        trace_id: TraceId::from_halves(0, 7),
        span_id: SpanId::from_u64(7),
        ..model::Link::default()
    });
    let mut lost = span(1, 0xd);
    lost.start_ns = 5_000;
    lost.end_ns = 5_001;
    lost.parent_span_id = Some(SpanId::from_u64(0xee));
    let whole = whole(vec![lost, far, child, root]);
    let read = skeleton(&whole);
    assert_eq!(
        read.header,
        json!({
            "traceId": format!("{:032x}", 1), "spans": 4, "startUnixNano": "1000",
            "services": ["svc", "far"], "operations": ["op", "call"],
            "fingerprint": whole.fingerprint, "partial": null, "archived": false,
        })
    );
    assert_eq!(read.f64s("start"), [0.0, 1_500.0, 2_000.0, 4_000.0]);
    assert_eq!(read.f64s("duration"), [8_000.0, 0.0, 1_000.0, 1.0]);
    assert_eq!(read.i32s("parent"), [-1, 0, 1, -2]);
    assert_eq!(
        read.texts("service", "services"),
        ["svc", "svc", "far", "svc"]
    );
    assert_eq!(
        read.texts("operation", "operations"),
        ["op", "call", "op", "op"]
    );
    assert_eq!(read.i32s("resource"), [0, 0, 1, 0]);
    assert_eq!(read.bytes("kind"), [2, 3, 0, 0]);
    assert_eq!(
        read.bytes("flags"),
        [EVENTS, ERROR, LINKS | WARNINGS | ELSEWHERE, 0]
    );
    assert_eq!(
        read.ids(),
        [0xa, 0xb, 0xc, 0xd].map(|id: u64| format!("{id:016x}"))
    );
}

#[test]
fn a_span_takes_42_bytes() {
    assert_eq!(COLUMNS.iter().map(|(_, bytes)| bytes).sum::<usize>(), 42);
    let many = |n: u64| {
        let spans = (1..=n).map(|id| span(1, id)).collect();
        encode(&whole(spans), false).concat().len()
    };
    let added = many(2000) - many(1000);
    assert!((42_000..42_100).contains(&added), "{added}");
}

#[test]
fn only_what_says_true_is_an_error() {
    for (value, expect) in [
        (model::Value::Bool(true), ERROR),
        (model::Value::String("true".into()), ERROR),
        (model::Value::Bool(false), 0),
        (model::Value::String("TRUE".into()), 0),
        (model::Value::Int(1), 0),
    ] {
        let mut span = span(1, 1);
        span.dialect = model::Dialect::Jaeger;
        span.attributes.push(model::KeyValue {
            key: "error".into(),
            value: value.clone(),
        });
        let read = skeleton(&whole(vec![span]));
        assert_eq!(read.bytes("flags"), [expect], "{value:?}");
    }
}

proptest! {
    #[test]
    fn what_is_read_back_is_the_trace(spans in proptest::collection::vec(wire::arbitrary::span(), 1..20)) {
        let whole = whole(spans);
        let read = skeleton(&whole);
        let spans = whole.spans();
        let services: Vec<&str> = spans.iter().map(|s| s.process.service_name.as_str()).collect();
        let operations: Vec<&str> = spans.iter().map(|s| s.operation_name.as_str()).collect();
        let ids: Vec<String> = spans.iter().map(|s| s.span_id.to_string()).collect();
        #[allow(clippy::cast_precision_loss)]
        let durations: Vec<f64> = spans.iter().map(|s| s.duration_ns as f64).collect();
        prop_assert_eq!(read.texts("service", "services"), services);
        prop_assert_eq!(read.texts("operation", "operations"), operations);
        prop_assert_eq!(read.ids(), ids);
        prop_assert_eq!(read.f64s("duration"), durations);
        for (span, flags) in spans.iter().zip(read.bytes("flags")) {
            prop_assert_eq!(flags & EVENTS != 0, !span.logs.is_empty());
            prop_assert_eq!(flags & WARNINGS != 0, !span.warnings.is_empty());
        }
        for (at, parent) in read.i32s("parent").into_iter().enumerate() {
            prop_assert!((-2..i32::try_from(spans.len()).unwrap()).contains(&parent));
            if let Ok(above) = usize::try_from(parent) {
                prop_assert_eq!(Some(spans[above].span_id), spans[at].parent());
            }
        }
    }
}
