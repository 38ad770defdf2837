use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::otlp::tests::groups;
use crate::thrift::Protocol;
use crate::thrift::tests::oracle;

mod golden;

/// The time of a record in these tests.
const RECEIVED_NS: u64 = 1_795_420_500_000_000_000;

/// A span as the value of a record, and the encoding it is in.
fn values_of(spans: &[Span]) -> Vec<(Encoding, Vec<u8>)> {
    let of_one = |encoding: Encoding| {
        let mut value = Vec::new();
        match encoding.encoder() {
            Some(Encoder::Span(encode)) => encode(&spans[0], &mut Written::default(), &mut value),
            Some(Encoder::Batch(encode)) => encode(spans, &mut value),
            None => return None,
        }
        Some((encoding, value))
    };
    ALL.into_iter().filter_map(of_one).collect()
}

fn some_span() -> Span {
    Span {
        trace_id: TraceId::from_halves(1, 2),
        span_id: model::SpanId::from_u64(3),
        name: "op".into(),
        ..Span::default()
    }
}

#[test]
fn names_are_jaegers_of_both_versions() {
    for (names, encoding) in [
        (
            &["protobuf", "jaeger-proto", "jaeger_proto"][..],
            Encoding::JaegerProto,
        ),
        (
            &["json", "jaeger-json", "jaeger_json"],
            Encoding::JaegerJson,
        ),
        (&["zipkin-thrift", "zipkin_thrift"], Encoding::ZipkinThrift),
        (&["otlp-proto", "otlp_proto"], Encoding::OtlpProto),
        (&["otlp-json", "otlp_json"], Encoding::OtlpJson),
        (&["zipkin-proto", "zipkin_proto"], Encoding::ZipkinProto),
        (&["zipkin-json", "zipkin_json"], Encoding::ZipkinJson),
    ] {
        for name in names {
            assert_eq!(name.parse(), Ok(encoding), "{name}");
            assert_eq!(name.parse(), Ok(Expected::One(encoding)), "{name}");
        }
        assert_eq!(encoding.to_string().parse(), Ok(encoding));
        if let Some(name) = encoding.v1_name() {
            assert_eq!(name.parse(), Ok(encoding));
        }
    }
    assert_eq!("auto".parse(), Ok(Expected::Auto));
    assert_eq!(Expected::Auto.to_string(), "auto");
    for wrong in ["", "Protobuf", "auto ", "proto-buf", "avro"] {
        let error = wrong.parse::<Expected>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("encoding {wrong:?} is none of protobuf")));
    }
    assert!("auto".parse::<Encoding>().is_err());
}

#[test]
fn jaegers_forms_hold_a_span_and_otlps_a_batch() {
    let units = ALL.map(|encoding| match encoding.encoder() {
        Some(Encoder::Span(_)) => "span",
        Some(Encoder::Batch(_)) => "batch",
        None => "read only",
    });
    let expect = ["span", "span", "batch", "batch"];
    assert_eq!(units[..4], expect);
    assert_eq!(units[4..], ["read only"; 3]);
}

#[test]
fn encoders_append() {
    let span = some_span();
    for (encoding, value) in values_of(std::slice::from_ref(&span)) {
        let mut out = b"before".to_vec();
        match encoding.encoder() {
            Some(Encoder::Span(encode)) => encode(&span, &mut Written::default(), &mut out),
            Some(Encoder::Batch(encode)) => encode(std::slice::from_ref(&span), &mut out),
            None => {}
        }
        assert_eq!(out, [b"before", value.as_slice()].concat());
    }
}

#[test]
fn a_key_is_the_trace_id_in_hex() {
    for (high, low, text) in [
        (0, 0xa1b2c, "00000000000a1b2c"),
        (0, 0, "0000000000000000"),
        (1, 0, "00000000000000010000000000000000"),
        (0xABCD << 48, 2, "abcd0000000000000000000000000002"),
    ] {
        let mut key = Vec::new();
        encode_key(TraceId::from_halves(high, low), &mut key);
        assert_eq!(String::from_utf8(key).unwrap(), text);
    }
}

#[test]
fn no_value_is_an_error_and_no_span_of_zeros() {
    for encoding in ALL {
        let error = encoding.decode(Bytes::new(), RECEIVED_NS).unwrap_err();
        assert_eq!(error, ValueError::Empty);
    }
    let error = Expected::Auto
        .decode(Bytes::new(), RECEIVED_NS)
        .unwrap_err();
    assert_eq!(error, ValueError::Empty);
}

#[track_caller]
fn check_error(encoding: Encoding, value: &[u8], text: &str) {
    let value = Bytes::copy_from_slice(value);
    let error = encoding.decode(value, RECEIVED_NS).unwrap_err();
    assert_eq!(error.to_string(), text);
}

#[test]
fn errors_name_the_encoding_and_the_place() {
    check_error(
        Encoding::JaegerProto,
        b"\x0a\x03abc",
        "value is no jaeger_proto: invalid trace id (not of 16 or 8 bytes) at byte 5",
    );
    check_error(
        Encoding::JaegerProto,
        b"\x1a\x02op",
        "value is no jaeger_proto: span's trace id is missing at byte 4",
    );
    check_error(
        Encoding::OtlpProto,
        b"\x1a\x02op",
        "value is no otlp_proto: span is missing at byte 4",
    );
    check_error(
        Encoding::ZipkinProto,
        b"\x1a\x02op",
        "value is no zipkin_proto: span is missing at byte 4",
    );
    check_error(
        Encoding::OtlpJson,
        b"{}",
        "value is no otlp_json: there is no resourceSpans in it: is it OTLP JSON of traces?",
    );
    check_error(
        Encoding::ZipkinThrift,
        b"\x0c\0\0\0\x01",
        "value is no zipkin_thrift: message ends inside list of spans at byte 5",
    );
    check_error(
        Encoding::ZipkinThrift,
        b"\x0c\0\0\0\x00\x07",
        "value is no zipkin_thrift: invalid byte behind the list of spans at byte 5",
    );
    let unknown = |value: &'static [u8]| {
        let error = Expected::Auto.decode(Bytes::from_static(value), RECEIVED_NS);
        error.unwrap_err().to_string()
    };
    assert_eq!(
        unknown(b"\xff\x00"),
        "value that begins with ff00 is of no known encoding"
    );
    assert!(unknown(br#"{"spans":[{"traceId":"1"}]}"#).contains("begins with 7b227370616e7322 "));
}

#[test]
fn records_that_come_one_after_the_other_share_a_process_that_is_the_same() {
    let of = |service: &str| {
        let mut span = some_span();
        span.dialect = model::Dialect::Jaeger;
        span.resource = Arc::new(model::Resource {
            service_name: Some(service.into()),
            ..model::Resource::default()
        });
        span
    };
    let mut neighbours = Neighbours::default();
    let mut next = |span: &Span| {
        let mut value = Vec::new();
        proto::encode_span(span, &mut value);
        let alone = Expected::Auto.decode(value.clone().into(), RECEIVED_NS);
        let after = Expected::Auto.decode_after(value.into(), RECEIVED_NS, &mut neighbours);
        let (alone, mut after) = (alone.unwrap(), after.unwrap());
        assert_eq!(after.spans, alone.spans);
        after.spans.remove(0)
    };
    let [a, b, none, c, d] =
        [of("a"), of("a"), some_span(), of("a"), of("b")].map(|span| next(&span));
    assert!(Arc::ptr_eq(&a.resource, &b.resource));
    assert!(Arc::ptr_eq(&a.resource, &c.resource));
    assert!(!Arc::ptr_eq(&a.resource, &d.resource));
    assert_eq!(none.resource.service_name(), "");
    assert_eq!(d.resource.service_name(), "b");
}

#[test]
fn an_empty_list_that_says_what_it_is_holds_no_span() {
    for (encoding, value) in [
        (Encoding::OtlpJson, &br#"{"resourceSpans":[]}"#[..]),
        (Encoding::ZipkinJson, b"[]"),
        (Encoding::ZipkinThrift, b"\x0c\0\0\0\0"),
    ] {
        let value = Bytes::from_static(value);
        assert_eq!(Expected::Auto.encoding_of(&value), Some(encoding));
        let decoded = encoding.decode(value, RECEIVED_NS).unwrap();
        assert!(decoded.spans.is_empty() && decoded.rejected.is_empty());
    }
}

#[test]
fn all_spans_of_a_thrift_list_are_kept() {
    let mut spans = vec![some_span(), some_span(), some_span()];
    for (n, span) in spans.iter_mut().enumerate() {
        span.dialect = model::Dialect::Jaeger;
        span.name = format!("op{n}").into();
    }
    let value = Bytes::from(oracle::zipkin_of(Protocol::Binary, &spans));
    assert_eq!(
        Expected::Auto.encoding_of(&value),
        Some(Encoding::ZipkinThrift)
    );
    let decoded = Encoding::ZipkinThrift.decode(value, RECEIVED_NS).unwrap();
    let theirs = thrift::decode_zipkin(
        Bytes::from(oracle::zipkin_of(Protocol::Binary, &spans)),
        Protocol::Binary,
    );
    assert_eq!(decoded.spans, theirs.unwrap().spans);
    // the oracle writes both sides of each call
    assert_eq!(decoded.spans.len(), 6);
}

#[test]
fn zipkins_other_forms_are_read() {
    let json = br#" [{"traceId":"000000000000000a","id":"000000000000000b","name":"get"}]"#;
    let value = Bytes::from_static(json);
    assert_eq!(
        Expected::Auto.encoding_of(&value),
        Some(Encoding::ZipkinJson)
    );
    let decoded = Expected::Auto.decode(value, RECEIVED_NS).unwrap();
    assert_eq!(decoded.spans[0].name, "get");
    // a span without a time begins when its record was made
    assert_eq!(decoded.spans[0].start_ns, RECEIVED_NS);
    let list = b"\x0a\x18\x0a\x08\0\0\0\0\0\0\0\x0a\x1a\x08\0\0\0\0\0\0\0\x0b\x2a\x02op";
    let decoded = Encoding::ZipkinProto.decode(Bytes::from_static(list), RECEIVED_NS);
    let decoded = decoded.unwrap();
    assert_eq!((decoded.spans.len(), decoded.rejected.len()), (1, 0));
    assert_eq!(decoded.spans[0].name, "op");
}

#[test]
fn a_broken_span_of_a_batch_leaves_its_neighbours() {
    let mut spans = vec![some_span(), some_span()];
    spans[0].trace_id = TraceId::default();
    for (encoding, value) in values_of(&spans) {
        if matches!(encoding.encoder(), Some(Encoder::Batch(_))) {
            let decoded = encoding.decode(Bytes::from(value), RECEIVED_NS).unwrap();
            assert_eq!((decoded.spans.len(), decoded.rejected.len()), (1, 1));
        }
    }
}

#[test]
fn names_tell_json_wherever_they_stand() {
    let told = |text: &str| Expected::Auto.encoding_of(text.as_bytes());
    for (text, expect) in [
        (r#"{"resource_spans":1"#, Some(Encoding::OtlpJson)),
        (r#"{"spanId":"x", "tags":[{"a":[{}]}],"traceId""#, None),
        (
            r#"{"spanId":"x", "tags":[{"a":[{}]}],"traceId":"#,
            Some(Encoding::JaegerJson),
        ),
        (" {\"trace_id\":", Some(Encoding::JaegerJson)),
        (r#"{"traceID":"1","resourceSpan":[]}"#, None),
        ("{\"traceId\":\"\u{fffd}\"}", Some(Encoding::JaegerJson)),
        ("{", None),
        ("", None),
        ("true", None),
    ] {
        assert_eq!(told(text), expect, "{text}");
    }
}

proptest! {
    #[test]
    fn what_an_encoding_can_hold_comes_back(span in arbitrary::jaeger_span(), mut batch in groups()) {
        for encoding in [Encoding::JaegerProto, Encoding::JaegerJson] {
            let Some(Encoder::Span(encode)) = encoding.encoder() else { panic!("{encoding}") };
            let mut value = Vec::new();
            encode(&span, &mut Written::default(), &mut value);
            prop_assert_eq!(Expected::Auto.encoding_of(&value), Some(encoding));
            let decoded = encoding.decode(Bytes::from(value), RECEIVED_NS).unwrap();
            prop_assert_eq!(format!("{:?}", decoded.spans), format!("{:?}", [&span]));
        }
        if batch.is_empty() {
            return Ok(());
        }
        batch[0].warnings = vec!["odd".into(), "".into()];
        for encoding in [Encoding::OtlpProto, Encoding::OtlpJson] {
            let Some(Encoder::Batch(encode)) = encoding.encoder() else { panic!("{encoding}") };
            let mut value = Vec::new();
            encode(&batch, &mut value);
            prop_assert_eq!(Expected::Auto.encoding_of(&value), Some(encoding));
            let decoded = encoding.decode(Bytes::from(value), RECEIVED_NS).unwrap();
            prop_assert!(decoded.rejected.is_empty());
            prop_assert_eq!(format!("{:?}", decoded.spans), format!("{batch:?}"));
        }
    }

    #[test]
    fn nothing_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..100), start in 0_usize..6) {
        let starts: [&[u8]; 6] = [b"", b"\x0a\x10", b"\x0a", b"\x0c\0\0\0", b"{\"traceId\":\"", b"[{"];
        bytes.splice(0..0, starts[start].iter().copied());
        let value = Bytes::from(bytes);
        for encoding in ALL {
            drop(encoding.decode(value.clone(), RECEIVED_NS));
        }
        drop(Expected::Auto.decode(value, RECEIVED_NS));
    }

    #[test]
    fn a_value_that_is_cut_short_is_an_error_or_rejected(span in arbitrary::jaeger_span(), cut in any::<prop::sample::Index>()) {
        let mut text = Vec::new();
        json::encode_span(&span, &mut text);
        text.truncate(cut.index(text.len()));
        prop_assert!(Encoding::JaegerJson.decode(Bytes::from(text), RECEIVED_NS).is_err());
    }
}
