//! What Apache's own library writes reads back as what it was; no bytes panic; and the recorded batch is what Jaeger made of it.

mod oracle;

use proptest::collection::vec;
use proptest::prelude::*;

use model::{Span, SpanId, SpanKind, TraceId, Value};

use super::*;
use crate::arbitrary;
use oracle::{Oracle, thriftable};

const BOTH: [Protocol; 2] = [Protocol::Binary, Protocol::Compact];

fn recorded() -> Vec<u8> {
    let case = "/../tests/fixtures/golden/thrift-128bit/input.jaeger-thrift-binary.bin";
    std::fs::read(format!("{}{case}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_recorded_batch_reads_as_what_jaeger_made_of_it() {
    let batch = decode_batch(Bytes::from(recorded()), Protocol::Binary).unwrap();
    let spans = batch.decoded.spans;
    assert!(!spans.is_empty());
    for span in &spans {
        assert_eq!(
            span.trace_id,
            TraceId::parse("a4000000000000010000000000000101").unwrap()
        );
        assert_eq!(span.dialect, model::Dialect::Jaeger);
        assert!(!span.name.is_empty());
    }
}

proptest! {
    #[test]
    fn what_apaches_library_writes_reads_back(spans in vec(arbitrary::span().prop_map(thriftable), 1..4)) {
        for protocol in BOTH {
            let mut oracle = Oracle::new(protocol);
            oracle.batch(&spans, false);
            let batch = decode_batch(Bytes::from(oracle.bytes()), protocol).unwrap();
            prop_assert_eq!(batch.seq_no, Some(-7));
            prop_assert_eq!(batch.stats.unwrap().too_large, 2);
            let got: Vec<_> = batch.decoded.spans.into_iter().map(arbitrary::by_bits).collect();
            let expect: Vec<_> = spans.iter().cloned().map(arbitrary::by_bits).collect();
            prop_assert_eq!(&got, &expect);
            // the same in a message, with fields that nobody knows
            let mut oracle = Oracle::new(protocol);
            oracle.message("emitBatch", |o| o.batch(&spans, true));
            let batch = decode_message(Bytes::from(oracle.bytes()), protocol).unwrap();
            let got: Vec<_> = batch.decoded.spans.into_iter().map(arbitrary::by_bits).collect();
            prop_assert_eq!(got, expect);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..200)) {
        for protocol in BOTH {
            drop(decode_batch(Bytes::from(bytes.clone()), protocol));
            drop(decode_message(Bytes::from(bytes.clone()), protocol));
            drop(decode_zipkin(Bytes::from(bytes.clone()), protocol));
        }
    }

    #[test]
    fn no_cut_and_no_flipped_bit_panics(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = recorded();
        let place = at.index(bytes.len());
        let cut = bytes[..place].to_vec();
        prop_assert!(decode_batch(Bytes::from(cut), Protocol::Binary).is_err());
        bytes[place] ^= 1u8 << bit;
        drop(decode_batch(Bytes::from(bytes), Protocol::Binary));
    }
}

fn one_span() -> Span {
    thriftable(Span {
        trace_id: TraceId::from_halves(u64::MAX, 1),
        span_id: SpanId::from_u64(1 << 63),
        name: "checkout".into(),
        ..Span::default()
    })
}

#[track_caller]
fn check_refused(bytes: &[u8], protocol: Protocol, expect: &str) {
    let error = decode_batch(Bytes::copy_from_slice(bytes), protocol).unwrap_err();
    assert!(error.to_string().contains(expect), "{error}");
}

#[test]
fn a_count_without_bytes_for_it_is_refused_before_any_room_is_made() {
    // spans: a list of two billion structs
    let binary = [15, 0, 2, 12, 0x7f, 0xff, 0xff, 0xff];
    check_refused(&binary, Protocol::Binary, "spans");
    let compact = [0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
    check_refused(&compact, Protocol::Compact, "spans");
    // a negative one
    let binary = [15, 0, 2, 12, 0xff, 0xff, 0xff, 0xff];
    check_refused(&binary, Protocol::Binary, "spans");
    // as many as there are bytes, each of which would become a span
    let mut many = vec![0x29, 0xfc, 0xe0, 0xa7, 0x11];
    many.resize(300_000, 0);
    check_refused(&many, Protocol::Compact, "many tiny parts");
}

#[test]
fn what_nests_deeper_than_anything_real_is_refused() {
    // a field of structs in structs
    let deep = [0xfc; 100];
    check_refused(&deep, Protocol::Compact, "deeper than 32");
    let deep = [12, 0, 99].repeat(100);
    check_refused(&deep, Protocol::Binary, "deeper than 32");
}

#[test]
fn a_required_field_that_is_missing_is_named() {
    for (field, expect) in [(1, "span ("), (5, "span ("), (7, "span ("), (9, "span (")] {
        for protocol in BOTH {
            let mut oracle = Oracle::new(protocol);
            oracle.without = Some(field);
            oracle.batch(&[one_span()], false);
            check_refused(&oracle.bytes(), protocol, expect);
        }
    }
    check_refused(
        &[0],
        Protocol::Compact,
        "batch (process or spans are missing)",
    );
}

#[test]
fn a_parent_is_a_reference_unless_there_is_one() {
    let mut span = one_span();
    span.parent_span_id = None;
    let mut oracle = Oracle::new(Protocol::Compact);
    oracle.parent = Some(77);
    oracle.batch(&[span.clone()], false);
    let batch = decode_batch(Bytes::from(oracle.bytes()), Protocol::Compact).unwrap();
    let got = &batch.decoded.spans[0];
    assert_eq!(got.parent_span_id, Some(SpanId::from_u64(77)));
    assert_eq!(got.links.len(), 1);
    // a reference to it is there: it stays the only one
    span.links = got.links.clone();
    let mut oracle = Oracle::new(Protocol::Compact);
    oracle.parent = Some(77);
    oracle.batch(&[span], false);
    let batch = decode_batch(Bytes::from(oracle.bytes()), Protocol::Compact).unwrap();
    assert_eq!(batch.decoded.spans[0].links.len(), 1);
}

#[test]
fn messages_are_calls_of_the_agents_methods() {
    for protocol in BOTH {
        let mut oracle = Oracle::new(protocol);
        oracle.message("emitOther", |o| o.batch(&[one_span()], false));
        let error = decode_message(Bytes::from(oracle.bytes()), protocol).unwrap_err();
        assert!(error.to_string().contains("neither emitBatch"), "{error}");
        for junk in [&b""[..], b"GET / HTTP/1.1\r\n", &[0x82], &[0x80, 1, 0, 9]] {
            assert!(decode_message(Bytes::copy_from_slice(junk), protocol).is_err());
        }
    }
    // of old: without a version
    let mut oracle = Oracle::of_old();
    oracle.message("emitBatch", |o| o.batch(&[one_span()], false));
    let batch = decode_message(Bytes::from(oracle.bytes()), Protocol::Binary).unwrap();
    assert_eq!(batch.decoded.spans.len(), 1);
}

#[test]
fn a_type_that_nobody_knows_is_a_text_that_says_so() {
    let mut span = one_span();
    span.attributes = vec![model::KeyValue::new("key", "text")];
    let mut oracle = Oracle::new(Protocol::Binary);
    oracle.text_type = 9;
    oracle.batch(&[span], false);
    let batch = decode_batch(Bytes::from(oracle.bytes()), Protocol::Binary).unwrap();
    let value = &batch.decoded.spans[0].attributes[0].value;
    assert_eq!(*value, Value::String("Unknown VType: 9".into()));
}

fn zipkin(write: impl Fn(&mut Oracle)) -> Vec<Span> {
    let mut all = Vec::new();
    for protocol in BOTH {
        let mut oracle = Oracle::new(protocol);
        oracle.list(1);
        write(&mut oracle);
        all.push(
            decode_zipkin(Bytes::from(oracle.bytes()), protocol)
                .unwrap()
                .spans,
        );
        let mut oracle = Oracle::new(protocol);
        oracle.message("emitZipkinBatch", |o| {
            o.list(1);
            write(o);
        });
        let message = decode_message(Bytes::from(oracle.bytes()), protocol).unwrap();
        all.push(message.decoded.spans);
    }
    assert!(all.iter().all(|spans| *spans == all[0]));
    all.remove(0)
}

#[test]
fn both_halves_of_a_call_become_two_spans() {
    let spans = zipkin(|oracle| {
        oracle.zipkin(
            &[
                ("cs", 1000),
                ("sr", 1300),
                ("ss", 1700),
                ("cr", 2000),
                ("retry", 1500),
            ],
            &[],
            None,
        );
    });
    let [client, server] = &spans[..] else {
        panic!("{spans:?}");
    };
    assert_eq!(client.span_id, server.span_id);
    assert_eq!(
        (client.kind, server.kind),
        (SpanKind::Client, SpanKind::Server)
    );
    assert_eq!(
        (client.start_ns, client.duration_ns()),
        (1_000_000, 1_000_000)
    );
    assert_eq!(
        (server.start_ns, server.duration_ns()),
        (1_300_000, 400_000)
    );
    for span in &spans {
        assert_eq!(span.events.len(), 1);
        assert_eq!(span.resource.service_name(), "shop");
        assert_eq!(span.resource.attributes[0].key.as_str(), "ip");
        assert_eq!(span.resource.attributes[0].value, Value::Int(0x0a01_0203));
    }
}

#[test]
fn what_zipkins_clients_get_wrong_is_mended_and_told() {
    let spans = zipkin(|oracle| {
        oracle.zipkin(
            &[("ss", 1700)],
            &[("error", "declined")],
            Some((0, 1000, -5)),
        );
    });
    let span = &spans[0];
    let tag = |key: &str| {
        let found = span.attributes.iter().find(|a| a.key == key);
        found.map(|a| a.value.clone())
    };
    assert_eq!(span.parent_span_id, None);
    assert_eq!(span.duration_ns(), 1000);
    assert_eq!(tag("error"), Some(Value::Bool(true)));
    assert_eq!(tag("error.message"), Some(Value::String("declined".into())));
    assert_eq!(tag("errNegativeDuration"), Some(Value::String("-5".into())));
    assert_eq!(tag("errZeroParentID"), Some(Value::String("0".into())));
    assert_eq!(span.kind, SpanKind::Server);
}
