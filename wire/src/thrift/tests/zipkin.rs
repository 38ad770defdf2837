//! What becomes of Zipkin's spans, as Jaeger's converter and its tests say.

use bytes::Bytes;
use model::{KeyValue, RefType, Slice, Span, SpanId, SpanKind, StatusCode, TraceId, Value};

use super::oracle::{Writer, bare_list, message};
use super::{PROTOCOLS, Protocol};
use crate::thrift::{Message, decode_message, decode_zipkin};

type Host<'a> = Option<(&'a str, i32, i16)>;
type Annotation<'a> = (i64, &'a str, Host<'a>);
type Binary<'a> = (&'a str, &'a [u8], i32, Host<'a>);

fn host(w: &mut Writer<'_>, number: i16, host: Host<'_>) {
    if let Some((service, ipv4, port)) = host {
        w.structure(number, |w| {
            w.i32(1, ipv4).i16(2, port).bytes(3, service.as_bytes());
        });
    }
}

/// What a test says of a span; what is left out is not written.
#[derive(Default)]
struct Zipkin<'a> {
    parent: Option<i64>,
    time: Option<i64>,
    duration: Option<i64>,
    annotations: &'a [Annotation<'a>],
    binary: &'a [Binary<'a>],
    debug: bool,
}

impl Zipkin<'_> {
    fn write(&self, w: &mut Writer<'_>) {
        w.i64(1, 1).bytes(3, b"op").i64(4, -2);
        if let Some(parent) = self.parent {
            w.i64(5, parent);
        }
        w.list(6, self.annotations.len(), |w, i| {
            let (time, value, at) = self.annotations[i];
            w.i64(1, time).bytes(2, value.as_bytes());
            host(w, 3, at);
        });
        w.list(8, self.binary.len(), |w, i| {
            let (key, value, kind, at) = self.binary[i];
            w.bytes(1, key.as_bytes()).bytes(2, value).i32(3, kind);
            host(w, 4, at);
        });
        w.bool(9, self.debug);
        if let Some(time) = self.time {
            w.i64(10, time);
        }
        if let Some(duration) = self.duration {
            w.i64(11, duration);
        }
        w.i64(12, 7);
        w.every_type(300);
    }

    fn decode(&self) -> Vec<Span> {
        let [binary, compact] = PROTOCOLS.map(|protocol| {
            let body = bare_list(protocol, 1, |w, _| self.write(w));
            let decoded = decode_zipkin(Bytes::from(body), protocol).unwrap();
            assert!(decoded.rejected.is_empty());
            decoded.spans
        });
        assert_eq!(binary, compact);
        binary
    }

    fn one(&self) -> Span {
        let mut spans = self.decode();
        assert_eq!(spans.len(), 1);
        spans.remove(0)
    }
}

#[test]
fn a_server_span_becomes_jaegers() {
    let svc = Some(("backend", -1, 80));
    let span = Zipkin {
        parent: Some(9),
        time: Some(100),
        duration: Some(20),
        annotations: &[
            (100, "sr", svc),
            (105, "cache miss", svc),
            (106, "{\"b\":\"2\",\"a\":\"1\"}", svc),
            (107, "{\"a\":1}", svc),
            (108, "", svc),
            (120, "ss", svc),
        ],
        binary: &[
            ("http.path", b"/x", 6, svc),
            ("yes", &[1], 0, svc),
            ("raw", &[1, 2], 1, svc),
            ("i16", &[0xff, 0xfe], 2, svc),
            ("i32", &[0, 0, 1, 0], 3, svc),
            ("i64", &[0, 0, 0, 0, 0, 0, 1, 0], 4, svc),
            ("short", &[1], 4, svc),
            ("none", &[], 5, svc),
            ("double", &1.5_f64.to_be_bytes(), 5, svc),
            ("odd", b"?", 9, svc),
            ("lc", b"jdbc", 6, svc),
            ("ca", &[1], 0, Some(("caller", -2, -1))),
            ("sa", &[1], 0, None),
            ("jaegerClient", b"Go-1", 6, svc),
            ("jaeger.hostname", b"h", 6, svc),
        ],
        debug: true,
    }
    .one();
    assert_eq!(span.trace_id, TraceId::from_halves(7, 1));
    assert_eq!(span.span_id, SpanId::from_u64(u64::MAX - 1));
    assert_eq!(span.parent_span_id, Some(SpanId::from_u64(9)));
    assert_eq!(span.links[0].ref_type, RefType::ChildOf);
    assert_eq!((span.name.as_str(), span.flags), ("op", 2));
    assert_eq!((span.start_ns, span.end_ns), (100_000, 120_000));
    assert_eq!(span.kind, SpanKind::Server);
    assert_eq!(
        span.attributes,
        [
            KeyValue::new("http.path", "/x"),
            KeyValue::new("yes", true),
            KeyValue::new("raw", Slice::from(&[1_u8, 2][..])),
            KeyValue::new("i16", -2_i64),
            KeyValue::new("i32", 256_i64),
            KeyValue::new("i64", 256_i64),
            KeyValue::new("short", "Cannot parse Zipkin value AQ==: unexpected EOF"),
            KeyValue::new("none", "Cannot parse Zipkin value : EOF"),
            KeyValue::new("double", 1.5),
            KeyValue::new(
                "odd",
                "Cannot parse Zipkin value Pw==: unknown zipkin annotation type: 9"
            ),
            KeyValue::new("component", "jdbc"),
            KeyValue::new("peer.service", "caller"),
            KeyValue::new("peer.ipv4", 0xffff_fffe_i64),
            KeyValue::new("peer.port", 65_535_i64),
            KeyValue::new("span.kind", "server"),
        ]
    );
    let events: Vec<_> = span
        .events
        .iter()
        .map(|e| (e.time_ns, e.attributes.clone()))
        .collect();
    assert_eq!(
        events,
        [
            (105_000, vec![KeyValue::new("event", "cache miss")]),
            (
                106_000,
                vec![KeyValue::new("a", "1"), KeyValue::new("b", "2")]
            ),
            (107_000, vec![KeyValue::new("event", "{\"a\":1}")]),
        ]
    );
    assert_eq!(span.resource.service_name(), "backend");
    assert_eq!(
        span.resource.attributes,
        [
            KeyValue::new("jaeger.version", "Go-1"),
            KeyValue::new("hostname", "h"),
            KeyValue::new("ip", -1_i64),
        ]
    );
}

#[test]
fn a_call_with_both_sides_becomes_two_spans() {
    let sides = [
        (10, "cs", Some(("front", 1, 0))),
        (12, "sr", Some(("back", 2, 0))),
        (15, "ss", None),
        (20, "cr", None),
    ];
    let spans = Zipkin {
        parent: Some(4),
        annotations: &sides,
        ..Zipkin::default()
    }
    .decode();
    let seen: Vec<_> = spans
        .iter()
        .map(|s| {
            (
                s.kind,
                s.start_ns,
                s.end_ns,
                s.span_id,
                s.parent_span_id,
                s.resource.service_name(),
            )
        })
        .collect();
    let (id, parent) = (SpanId::from_u64(u64::MAX - 1), Some(SpanId::from_u64(4)));
    assert_eq!(
        seen,
        [
            (SpanKind::Client, 10_000, 20_000, id, parent, "front"),
            (SpanKind::Server, 12_000, 15_000, id, parent, "front"),
        ]
    );
    assert_eq!(spans[1].attributes, [KeyValue::new("span.kind", "server")]);
    let reversed = [sides[1], sides[2], sides[0]];
    let spans = Zipkin {
        annotations: &reversed,
        ..Zipkin::default()
    }
    .decode();
    let kinds: Vec<_> = spans
        .iter()
        .map(|s| (s.kind, s.start_ns, s.end_ns))
        .collect();
    // without an end the other side takes no time
    assert_eq!(kinds[1], (SpanKind::Client, 10_000, 10_000));
    assert_eq!(kinds[0].0, SpanKind::Server);
}

#[test]
fn the_service_is_found_where_it_stands() {
    let check = |annotations: &[Annotation<'_>], binary: &[Binary<'_>], expect: &str| {
        let span = Zipkin {
            annotations,
            binary,
            ..Zipkin::default()
        }
        .one();
        assert_eq!(span.resource.service_name(), expect);
    };
    let (a, b, c): (Host<'_>, Host<'_>, Host<'_>) =
        (Some(("a", 0, 0)), Some(("b", 0, 0)), Some(("c", 0, 0)));
    check(&[(1, "x", a), (2, "cs", b)], &[("lc", b"", 6, c)], "b");
    check(&[(1, "x", a), (2, "cs", None)], &[("lc", b"", 6, c)], "c");
    check(&[(1, "x", a)], &[("k", b"", 6, c)], "a");
    check(&[(1, "x", None)], &[("k", b"", 6, c)], "c");
    check(
        &[],
        &[("k", b"", 6, Some(("", 0, 0)))],
        "unknown-service-name",
    );
}

#[test]
fn odd_spans_are_mended_before() {
    let text = |key: &str, value: &str| KeyValue::new(key, value);
    let negative = Zipkin {
        parent: Some(0),
        time: Some(5),
        duration: Some(-3),
        ..Zipkin::default()
    }
    .one();
    assert_eq!((negative.start_ns, negative.end_ns), (5_000, 6_000));
    assert!(negative.links.is_empty());
    assert_eq!(
        negative.attributes,
        [
            text("errNegativeDuration", "-3"),
            text("errZeroParentID", "0")
        ]
    );
    let check = |value: &[u8], kind, expect: &[KeyValue], status| {
        let binary = [("Error", value, kind, None), ("error", value, kind, None)];
        let span = Zipkin {
            binary: &binary[1..],
            ..Zipkin::default()
        }
        .one();
        assert_eq!(span.attributes, expect);
        assert_eq!(span.status.code, status);
        let any_case = Zipkin {
            binary: &binary[..1],
            ..Zipkin::default()
        }
        .one();
        assert_eq!(any_case.attributes[0].value, expect[0].value);
    };
    let error = |truth: bool| KeyValue::new("error", truth);
    check(b"", 6, &[error(true)], StatusCode::Error);
    check(b"True", 6, &[error(true)], StatusCode::Error);
    check(b"false", 6, &[error(false)], StatusCode::Unset);
    check(&[1], 0, &[error(true)], StatusCode::Error);
    check(
        b"no route",
        6,
        &[error(true), text("error.message", "no route")],
        StatusCode::Error,
    );
    let times = |annotations: &[Annotation<'_>], time, duration| {
        let span = Zipkin {
            time,
            duration,
            annotations,
            ..Zipkin::default()
        }
        .one();
        (span.start_ns, span.end_ns)
    };
    assert_eq!(times(&[], None, None), (0, 1_000));
    assert_eq!(
        times(&[(3, "cs", None), (9, "cr", None)], None, None),
        (3_000, 9_000)
    );
    assert_eq!(
        times(&[(3, "sr", None), (9, "ss", None)], None, Some(0)),
        (3_000, 3_000)
    );
    assert_eq!(
        times(&[(3, "a", None), (9, "b", None)], None, None),
        (3_000, 9_000)
    );
    assert_eq!(
        times(&[(3, "sr", None), (9, "ss", None)], Some(0), Some(0)),
        (3_000, 9_000)
    );
}

#[test]
fn text_that_is_not_utf8_is_mended() {
    let body = bare_list(Protocol::Binary, 1, |w, _| {
        w.bytes(3, b"n\xff");
        w.list(6, 1, |w, _| {
            w.bytes(2, b"{\xff");
            w.structure(3, |w| {
                w.bytes(3, b"s\xff");
            });
        });
        w.list(8, 1, |w, _| {
            w.bytes(1, b"k\xff").bytes(2, b"v").i32(3, 6);
        });
    });
    let spans = decode_zipkin(Bytes::from(body), Protocol::Binary)
        .unwrap()
        .spans;
    let bytes = |b: &[u8]| Value::Bytes(Slice::from(b));
    assert_eq!(spans[0].name, "invalid-span-name");
    assert_eq!(
        spans[0].attributes,
        [
            KeyValue::new("invalid-tag-key-1", bytes(b"k\xff:v")),
            KeyValue::new("invalid-span-name", bytes(b"n\xff")),
        ]
    );
    assert_eq!(
        spans[0].events[0].attributes,
        [KeyValue::new("event", bytes(b"{\xff"))]
    );
    assert_eq!(spans[0].resource.service_name(), "invalid-service-name");
}

#[test]
fn neighbours_share_a_process_and_a_message_holds_them() {
    for protocol in PROTOCOLS {
        let zipkin = Zipkin {
            annotations: &[(1, "sr", Some(("svc", 1, 1)))],
            ..Zipkin::default()
        };
        let body = message(protocol, true, "emitZipkinBatch", |w| {
            w.list(1, 40, |w, _| zipkin.write(w));
        });
        let Ok(Message::EmitZipkinBatch(decoded)) = decode_message(Bytes::from(body), protocol)
        else {
            panic!("not taken");
        };
        assert_eq!(decoded.spans.len(), 40);
        assert!(
            decoded
                .spans
                .windows(2)
                .all(|two| { std::sync::Arc::ptr_eq(&two[0].resource, &two[1].resource) })
        );
    }
    assert!(
        decode_zipkin(
            Bytes::from_static(&[11, 0, 0, 0, 1, 0, 0, 0, 0]),
            Protocol::Binary
        )
        .is_err()
    );
    let empty = decode_zipkin(Bytes::from_static(&[12, 0, 0, 0, 0]), Protocol::Binary).unwrap();
    assert!(empty.spans.is_empty());
}
