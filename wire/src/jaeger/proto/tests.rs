use std::sync::Arc;

use bytes::Bytes;
use model::{KeyValue, RefType, Slice, Span, SpanId, SpanKind, StatusCode, TraceId, Value};
use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::writer::Writer;

/// `span` in bytes.
fn encoded(span: &Span) -> Vec<u8> {
    let mut out = Vec::new();
    encode_span(span, &mut out);
    out
}

proptest! {
    #[test]
    fn a_span_after_others_is_written_as_alone(
        first in arbitrary::jaeger_span(), mut second in arbitrary::jaeger_span(), third in arbitrary::jaeger_span()
    ) {
        second.resource = first.resource.clone();
        let mut written = Written::default();
        for span in [&first, &second, &third, &first] {
            let mut out = b"before".to_vec();
            encode_span_after(span, &mut written, &mut out);
            prop_assert_eq!(&out[6..], encoded(span));
        }
    }
}

#[test]
fn a_message_without_a_trace_id_is_no_span() {
    let missing = |bytes: Vec<u8>| {
        let error = decode_span(Bytes::from(bytes)).unwrap_err();
        assert!(error.to_string().contains("trace id is missing"), "{error}");
    };
    missing(Vec::new());
    missing(raw(|w| w.bytes(3, b"op")));
    let zeros = decode_span(Bytes::from(raw(|w| w.bytes(1, &[0; 16])))).unwrap();
    assert!(zeros.trace_id.is_zero() && zeros.resource.service_name.is_none());
    assert!(decode_post_spans(Bytes::new()).unwrap().spans.is_empty());
}

/// A `PostSpansRequest` of raw spans, and of a process in front of or behind them.
fn request(spans: &[Vec<u8>], process: Option<&[u8]>, process_first: bool) -> Bytes {
    let mut out = Vec::new();
    Writer::new(&mut out).message(1, |w| {
        if let (Some(process), true) = (process, process_first) {
            w.bytes(2, process);
        }
        for span in spans {
            w.bytes(1, span);
        }
        if let (Some(process), false) = (process, process_first) {
            w.bytes(2, process);
        }
    });
    Bytes::from(out)
}

fn raw(fields: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    fields(&mut Writer::new(&mut out));
    out
}

#[test]
fn a_spans_own_process_wins_and_the_batchs_serves_the_others() {
    let own = raw(|w| w.message(10, |w| w.bytes(1, b"own")));
    let none = raw(|w| w.bytes(3, b"op"));
    for first in [false, true] {
        let body = request(
            &[own.clone(), none.clone(), own.clone()],
            Some(b"\x0a\x05batch"),
            first,
        );
        let spans = decode_post_spans(body).unwrap().spans;
        let names: Vec<_> = spans.iter().map(|s| s.resource.service_name()).collect();
        assert_eq!(names, ["own", "batch", "own"]);
        assert!(
            Arc::ptr_eq(&spans[0].resource, &spans[2].resource),
            "equal ones are shared"
        );
    }
    let spans = decode_post_spans(request(&[none], None, false))
        .unwrap()
        .spans;
    assert_eq!(spans[0].resource.service_name, None);
    let empty = raw(|w| w.message(10, |_| {}));
    let spans = decode_post_spans(request(&[empty], None, false))
        .unwrap()
        .spans;
    assert_eq!(spans[0].resource.service_name, Some("".into()));
}

#[test]
fn an_id_of_a_wrong_length_rejects_its_span_alone() {
    let good = raw(|w| w.bytes(1, &[7; 16]));
    let short = raw(|w| w.bytes(1, &[7; 8]));
    for bad in [
        raw(|w| w.bytes(1, &[7; 15])),
        raw(|w| w.bytes(1, &[])),
        raw(|w| w.bytes(2, &[7; 16])),
        raw(|w| w.message(4, |w| w.bytes(2, &[7; 3]))),
        vec![0x0a, 0x7f],
    ] {
        let decoded = decode_post_spans(request(
            &[good.clone(), bad.clone(), short.clone()],
            None,
            false,
        ))
        .unwrap();
        assert_eq!(decoded.spans.len(), 2);
        assert_eq!(
            decoded.spans[1].trace_id,
            TraceId::from_halves(0, 0x0707_0707_0707_0707)
        );
        assert_eq!(decoded.rejected.len(), 1);
        assert_eq!(decoded.rejected[0].payload, bad);
    }
}

#[track_caller]
fn check_times(start: (i64, i32), duration: (i64, i32), expect: (u64, u64)) {
    let time = |w: &mut Writer<'_>, number, (seconds, nanos): (i64, i32)| {
        w.message(number, |w| {
            w.varint(1, seconds as u64);
            w.varint(2, i64::from(nanos) as u64);
        });
    };
    let bytes = raw(|w| {
        w.bytes(1, &[1; 16]);
        time(w, 6, start);
        time(w, 7, duration);
    });
    let span = decode_span(Bytes::from(bytes)).unwrap();
    assert_eq!((span.start_ns, span.end_ns), expect);
}

#[test]
fn no_time_is_too_odd() {
    check_times((5, 1), (2, 3), (5_000_000_001, 7_000_000_004));
    check_times((5, 0), (-2, -3), (5_000_000_000, 2_999_999_997));
    check_times((0, 5), (-1, 0), (5, 0));
    check_times(
        (-1, 0),
        (0, 1),
        ((-1_000_000_000_i64) as u64, (-999_999_999_i64) as u64),
    );
    for seconds in [i64::MIN, i64::MAX] {
        for nanos in [i32::MIN, i32::MAX] {
            let bytes = raw(|w| {
                w.bytes(1, &[1; 16]);
                w.message(6, |w| {
                    w.varint(1, seconds as u64);
                    w.varint(2, nanos as u64);
                });
            });
            assert!(decode_span(Bytes::from(bytes)).is_ok());
        }
    }
}

#[test]
fn kind_status_and_parent_are_derived() {
    let tag = |w: &mut Writer<'_>, key: &[u8], value: &[u8]| {
        w.message(8, |w| {
            w.bytes(1, key);
            w.bytes(3, value);
        });
    };
    let bytes = raw(|w| {
        w.bytes(1, &[1; 16]);
        w.message(4, |w| {
            w.bytes(1, &[1; 16]);
            w.bytes(2, &[9; 8]);
        });
        tag(w, b"span.kind", b"server");
        tag(w, b"otel.status_code", b"ERROR");
    });
    let span = decode_span(Bytes::from(bytes)).unwrap();
    assert_eq!(span.kind, SpanKind::Server);
    assert_eq!(span.status.code, StatusCode::Error);
    assert_eq!(span.parent_span_id, Some(SpanId([9; 8])));
    assert_eq!(span.links[0].ref_type, RefType::ChildOf);
}

#[test]
fn text_that_is_not_utf8_is_mended() {
    let bytes = raw(|w| {
        w.bytes(1, &[1; 16]);
        w.bytes(3, b"op\xff");
        w.message(8, |w| {
            w.bytes(1, b"k\xff");
            w.varint(2, 2);
            w.varint(5, 7);
        });
        w.message(8, |w| {
            w.bytes(1, b"v");
            w.bytes(3, b"\xff");
        });
        w.message(10, |w| w.bytes(1, b"s\xff"));
    });
    let span = decode_span(Bytes::from(bytes)).unwrap();
    let bytes = |b: &[u8]| Value::Bytes(Slice::from(b));
    assert_eq!(span.name, "invalid-span-name");
    assert_eq!(
        span.attributes,
        [
            KeyValue::new("invalid-tag-key-1", bytes(b"k\xff:7")),
            KeyValue::new("v", bytes(b"\xff")),
            KeyValue::new("invalid-span-name", bytes(b"op\xff")),
        ]
    );
    assert_eq!(span.resource.service_name(), "invalid-service-name");
    assert_eq!(
        span.resource.attributes,
        [KeyValue::new("invalid-service-name", bytes(b"s\xff"))]
    );
}

proptest! {
    #[test]
    fn what_jaeger_can_hold_comes_back(spans in prop::collection::vec(arbitrary::jaeger_span(), 1..4)) {
        for span in &spans {
            let back = decode_span(Bytes::from(encoded(span))).unwrap();
            prop_assert_eq!(arbitrary::by_bits(back), arbitrary::by_bits(span.clone()));
        }
        let decoded = decode_post_spans(Bytes::from(encode_post_spans(&spans))).unwrap();
        prop_assert!(decoded.rejected.is_empty());
        prop_assert_eq!(
            decoded.spans.into_iter().map(arbitrary::by_bits).collect::<Vec<_>>(),
            spans.into_iter().map(arbitrary::by_bits).collect::<Vec<_>>()
        );
    }

    #[test]
    fn jaegers_view_of_a_span_is_written_as_the_span_is(mut span in arbitrary::span()) {
        // a view has neither negative durations nor spans without a process
        span.end_ns = span.end_ns.max(span.start_ns);
        let resource = Arc::make_mut(&mut span.resource);
        resource.service_name.get_or_insert_default();
        let view = crate::jaeger::Converter::default().convert(&span);
        let expect = raw(|w| w.bytes(1, &encoded(&span)));
        prop_assert_eq!(encode_spans(&[view]), expect);
    }

    #[test]
    fn what_is_read_once_is_written_alike_ever_after(mut span in arbitrary::span()) {
        // Go's times have 63 bits
        span.start_ns >>= 1;
        span.end_ns >>= 1;
        let first = encoded(&span);
        let again = encoded(&decode_span(Bytes::from(first.clone())).unwrap());
        prop_assert_eq!(first, again);
    }
}

#[test]
fn spans_of_a_chunk_come_back_and_a_broken_one_is_rejected_alone() {
    let span = |id| Span {
        trace_id: TraceId::from_halves(1, 2),
        span_id: SpanId::from_u64(id),
        name: "op".into(),
        resource: Arc::new(model::Resource::of_service("svc")),
        ..Span::default()
    };
    let mut bytes = encode_each(&[span(1), span(2)]);
    bytes.extend(raw(|w| w.message(1, |w| w.bytes(1, b"short"))));
    let decoded = decode_spans(Bytes::from(bytes)).unwrap();
    let ids: Vec<_> = decoded.spans.iter().map(|span| span.span_id).collect();
    assert_eq!(ids, [SpanId::from_u64(1), SpanId::from_u64(2)]);
    assert_eq!(decoded.spans[1].resource.service_name(), "svc");
    assert_eq!(decoded.rejected.len(), 1);
    assert!(decoded.rejected[0].reason.contains("trace id"));
}
