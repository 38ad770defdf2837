use std::sync::Arc;

use model::{Dialect, KeyValue, RefType, Resource, Scope, Slice, Span, Str, Value};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{self as proto, any_value};
use opentelemetry_proto::tonic::trace::v1 as trace;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::arbitrary;
use crate::writer::Writer;

mod oracle;
pub(crate) use oracle::one_nan;

#[test]
fn an_empty_message_holds_nothing() {
    let decoded = decode(Bytes::new()).unwrap();
    assert!(decoded.spans.is_empty() && decoded.rejected.is_empty());
    let decoded = decode_json(Bytes::from_static(b"{}")).unwrap();
    assert!(decoded.spans.is_empty() && decoded.rejected.is_empty());
}

fn good(name: &str) -> trace::Span {
    trace::Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: name.to_owned(),
        ..Default::default()
    }
}

/// A request of raw spans, of service `a`.
fn request(spans: &[Vec<u8>]) -> Bytes {
    let mut out = Vec::new();
    Writer::new(&mut out).message(1, |w| {
        w.message(1, |w| {
            w.message(1, |w| {
                w.bytes(1, b"service.name");
                w.message(2, |w| w.bytes(1, b"a"));
            });
        });
        w.message(2, |w| {
            for span in spans {
                w.bytes(2, span);
            }
        });
    });
    Bytes::from(out)
}

#[track_caller]
fn check_rejected(bad: &[u8], reason: &str) {
    let body = request(&[
        good("1").encode_to_vec(),
        bad.to_vec(),
        good("2").encode_to_vec(),
    ]);
    let decoded = decode(body).unwrap();
    let names: Vec<_> = decoded.spans.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["1", "2"]);
    assert_eq!(decoded.rejected.len(), 1);
    assert_eq!(decoded.rejected[0].payload, bad);
    let found = &decoded.rejected[0].reason;
    assert!(found.contains(reason), "{found}");
}

#[test]
fn a_broken_span_is_rejected_alone() {
    let bytes = |change: fn(&mut trace::Span)| {
        let mut span = good("bad");
        change(&mut span);
        span.encode_to_vec()
    };
    check_rejected(&bytes(|s| s.trace_id = vec![]), "trace id (missing");
    check_rejected(&bytes(|s| s.trace_id = vec![0; 16]), "trace id (missing");
    check_rejected(&bytes(|s| s.trace_id = vec![1; 8]), "trace id (not of 16");
    check_rejected(&bytes(|s| s.span_id = vec![0; 8]), "span id (missing");
    check_rejected(&bytes(|s| s.span_id = vec![1; 16]), "span id (not of 8");
    check_rejected(&bytes(|s| s.parent_span_id = vec![1]), "span id (not of 8");
    check_rejected(&[], "trace id (missing");
    check_rejected(&[0x0a, 16, 1, 2], "ends inside");
    check_rejected(&[0x08, 1], "invalid trace id");
    let mut deep = good("bad").encode_to_vec();
    deep.extend(nested(MAX + 1));
    check_rejected(&deep, "nests deeper than 32");
}

const MAX: usize = crate::MAX_DEPTH;

/// A span's attribute whose value is an array in an array in an …
fn nested(depth: usize) -> Vec<u8> {
    let mut value = vec![0x18, 7];
    for _ in 0..depth {
        let mut outer = Vec::new();
        Writer::new(&mut outer).message(5, |w| w.bytes(1, &value));
        value = outer;
    }
    let mut out = Vec::new();
    Writer::new(&mut out).message(9, |w| w.bytes(2, &value));
    out
}

#[test]
fn values_nest_as_deep_as_the_limit() {
    let mut span = good("deep").encode_to_vec();
    span.extend(nested(MAX));
    let decoded = decode(request(&[span])).unwrap();
    let mut value = &decoded.spans[0].attributes[0].value;
    let mut depth = 0;
    while let Value::Array(inner) = value {
        value = &inner[0];
        depth += 1;
    }
    assert_eq!((depth, value), (MAX, &Value::Int(7)));
}

#[test]
fn a_broken_frame_is_an_error_of_the_whole() {
    for body in [&[0x0a, 5, 1][..], &[0x0a, 2, 0x12, 9], &[0x08, 1], &[0xff]] {
        assert!(decode(Bytes::copy_from_slice(body)).is_err(), "{body:?}");
    }
}

#[test]
fn fields_come_in_any_order_and_twice() {
    let key = |w: &mut Writer<'_>, key: &[u8]| w.message(1, |w| w.bytes(1, key));
    let mut out = Vec::new();
    Writer::new(&mut out).message(1, |w| {
        w.bytes(3, b"schema");
        w.message(2, |w| {
            w.bytes(2, &good("x").encode_to_vec());
            w.message(1, |w| w.bytes(1, b"first"));
            w.message(1, |w| w.bytes(2, b"2"));
        });
        w.message(1, |w| key(w, b"a"));
        w.message(1, |w| key(w, b"b"));
    });
    let spans = decode(Bytes::from(out)).unwrap().spans;
    let resource = &spans[0].resource;
    assert_eq!(resource.schema_url, "schema");
    assert_eq!(resource.attributes.len(), 2);
    assert_eq!(spans[0].scope.name, "first");
    assert_eq!(spans[0].scope.version, "2");
}

#[test]
fn the_first_service_name_counts_if_it_is_text() {
    let named = |values: Vec<any_value::Value>| {
        let request = oracle::request_of(values);
        let spans = decode(Bytes::from(request.encode_to_vec())).unwrap().spans;
        Resource::clone(&spans[0].resource)
    };
    let text = |t: &str| any_value::Value::StringValue(t.to_owned());
    let two = named(vec![text("a"), text("b")]);
    assert_eq!(two.service_name, Some("a".into()));
    assert_eq!(two.attributes, [KeyValue::new("service.name", "b")]);
    let number = named(vec![any_value::Value::IntValue(7)]);
    assert_eq!(number.service_name, None);
    assert_eq!(number.attributes, [KeyValue::new("service.name", 7i64)]);
    assert_eq!(named(vec![text("")]).service_name, Some("".into()));
    assert_eq!(named(vec![]).service_name, None);
}

#[test]
fn text_that_is_not_utf8_is_mended() {
    let pair = |w: &mut Writer<'_>, number, key: &[u8], value: &[u8]| {
        w.message(number, |w| {
            w.bytes(1, key);
            w.message(2, |w| w.bytes(1, value));
        });
    };
    let mut span = Vec::new();
    let mut w = Writer::new(&mut span);
    w.bytes(1, &[1; 16]);
    w.bytes(2, &[2; 8]);
    w.bytes(5, b"n\xff");
    pair(&mut w, 9, b"k\xff", b"v");
    pair(&mut w, 9, b"k", b"v\xff");
    pair(&mut w, 9, b"l\xff", b"w\xff");
    w.message(11, |w| {
        w.bytes(2, b"e\xff");
        pair(w, 3, b"k\xff", b"v");
    });
    w.message(13, |w| pair(w, 4, b"k\xff", b"v"));
    let spans = decode(request(&[span])).unwrap().spans;
    let bytes = |b: &[u8]| Value::Bytes(Slice::from(b));
    assert_eq!(spans[0].name, "invalid-span-name");
    assert_eq!(
        spans[0].attributes,
        [
            KeyValue::new("invalid-tag-key-1", bytes(b"k\xff:v")),
            KeyValue::new("k", bytes(b"v\xff")),
            KeyValue::new("invalid-tag-key-2", bytes(b"l\xff:w\xff")),
            KeyValue::new("invalid-span-name", bytes(b"n\xff")),
        ]
    );
    let mended = [KeyValue::new("invalid-tag-key-1", bytes(b"k\xff:v"))];
    assert_eq!(spans[0].events[0].name, "e\u{fffd}");
    assert_eq!(spans[0].events[0].attributes, mended);
    assert_eq!(spans[0].links[0].attributes, mended);
}

#[test]
fn a_message_of_many_tiny_parts_is_refused() {
    let empty_spans = vec![Vec::new(); 100_000];
    assert!(decode(request(&empty_spans)).is_err());
    let mut many = good("x").encode_to_vec();
    for _ in 0..100_000 {
        many.extend([0x4a, 0]);
    }
    let decoded = decode(request(&[many, good("y").encode_to_vec()])).unwrap();
    assert_eq!((decoded.spans.len(), decoded.rejected.len()), (1, 1));
}

/// What OTLP can hold of any span.
fn in_otlp_dialect(mut span: Span) -> Span {
    span.trace_id.0[0] |= 1;
    span.span_id.0[0] |= 1;
    span.dialect = Dialect::Otlp;
    span.parent_span_id = span.parent_span_id.filter(|id| !id.is_zero());
    span.warnings = Vec::new();
    for link in &mut span.links {
        link.ref_type = RefType::FollowsFrom;
    }
    span
}

fn group(spans: Vec<Span>) -> Vec<Span> {
    let shared: Option<(Arc<Resource>, Arc<Scope>)> =
        spans.first().map(|s| (s.resource.clone(), s.scope.clone()));
    spans
        .into_iter()
        .map(in_otlp_dialect)
        .enumerate()
        .map(|(at, mut span)| {
            // neighbours share
            if let (Some((resource, scope)), true) = (&shared, at < 2) {
                span.resource = resource.clone();
                span.scope = scope.clone();
            }
            span
        })
        .collect()
}

pub(crate) fn groups() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec(arbitrary::span(), 0..4).prop_map(group)
}

fn by_bits(spans: Vec<Span>) -> Vec<Span> {
    spans.into_iter().map(arbitrary::by_bits).collect()
}

proptest! {
    #[test]
    fn what_is_encoded_comes_back(spans in groups()) {
        let decoded = decode(Bytes::from(encode(&spans))).unwrap();
        prop_assert!(decoded.rejected.is_empty());
        prop_assert_eq!(by_bits(decoded.spans), by_bits(spans));
    }

    #[test]
    fn what_is_encoded_in_json_comes_back(mut spans in groups()) {
        // JSON has one NaN
        for span in &mut spans {
            oracle::one_nan(span);
        }
        let json = encode_json(&spans);
        let decoded = decode_json(Bytes::from(json)).unwrap();
        prop_assert!(decoded.rejected.is_empty());
        prop_assert_eq!(by_bits(decoded.spans), by_bits(spans));
    }

    #[test]
    fn prost_reads_what_we_encode(spans in groups()) {
        let theirs = ExportTraceServiceRequest::decode(encode(&spans).as_slice()).unwrap();
        prop_assert_eq!(by_bits(oracle::spans(&theirs)), by_bits(spans));
    }

    #[test]
    fn we_read_what_prost_encodes(request in oracle::request()) {
        let decoded = decode(Bytes::from(request.encode_to_vec())).unwrap();
        prop_assert!(decoded.rejected.is_empty());
        prop_assert_eq!(by_bits(decoded.spans), by_bits(oracle::spans(&request)));
    }

    #[test]
    fn what_prost_reads_we_read_alike(
        request in oracle::request(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..4),
    ) {
        let mut bytes = request.encode_to_vec();
        for (at, byte, how) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at),
            }
        }
        let ours = decode(Bytes::from(bytes.clone()));
        if let Ok(theirs) = ExportTraceServiceRequest::decode(bytes.as_slice()) {
            let ours = ours.unwrap();
            let (fit, unfit) = oracle::judged(&theirs);
            prop_assert_eq!(ours.rejected.len(), unfit);
            prop_assert_eq!(by_bits(ours.spans), by_bits(fit));
        }
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let body = Bytes::from(bytes);
        let ours = decode(body.clone());
        drop(decode_json(body.clone()));
        if ExportTraceServiceRequest::decode(body).is_ok() {
            prop_assert!(ours.is_ok());
        }
    }
}

#[test]
fn warnings_and_jaegers_spans_go_through_otlp() {
    let span = Span {
        trace_id: model::TraceId([1; 16]),
        span_id: model::SpanId([2; 8]),
        dialect: Dialect::Jaeger,
        warnings: vec!["odd".into()],
        attributes: vec![KeyValue::new("span.kind", "client")],
        resource: Arc::new(Resource::of_service("a")),
        ..Span::default()
    };
    let warnings = KeyValue::new("@jaeger@warnings", Value::Empty);
    for decoded in [
        decode(Bytes::from(encode(std::slice::from_ref(&span)))),
        decode_json(Bytes::from(encode_json(&[span]))),
    ] {
        let span = decoded.unwrap().spans.remove(0);
        assert_eq!(span.kind, model::SpanKind::Client);
        assert_eq!(span.resource.service_name(), "a");
        assert_eq!(span.attributes[0].key, warnings.key);
        let odd = Value::Array([Value::String(Str::from("odd"))].into());
        assert_eq!(span.attributes[0].value, odd);
    }
}

proptest! {
    #[test]
    fn another_spoor_reads_every_span_as_it_was(spans in prop::collection::vec(arbitrary::span(), 0..4)) {
        let decoded = decode_own(Bytes::from(encode_own(&spans))).unwrap();
        prop_assert!(decoded.rejected.is_empty());
        let by_bits = |spans: Vec<Span>| spans.into_iter().map(arbitrary::by_bits).collect::<Vec<_>>();
        prop_assert_eq!(by_bits(decoded.spans), by_bits(spans));
    }
}
