//! Records that real Jaeger wrote.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::{KeyValue, Slice, Span, sanitize};
use serde_json::Value as Json;

use super::*;
use crate::jaeger::tags;

/// The spans of a case's input, as the collector hands them to Kafka.
fn spans_of(case: &Path) -> Vec<Span> {
    let read = |name: &str| std::fs::read(case.join(name)).ok().map(Bytes::from);
    if let Some(body) = read("input.otlp-json.json") {
        let mut spans = otlp::decode_json(body).unwrap().spans;
        sanitize::spans(&mut spans);
        return spans;
    }
    let body = read("input.jaeger-grpc.bin").unwrap();
    let mut spans = proto::decode_post_spans(body).unwrap().spans;
    for span in &mut spans {
        span.attributes.push(KeyValue::new(tags::FORMAT, "proto"));
        if span.duration_ns() == 0 {
            // quirk 14: Jaeger takes zero for negative; sanitizing here leaves it alone
            span.end_ns = span.start_ns + 1;
            let text = "Duration can't be negative, so it is changed to default value";
            let text = Slice::from(text.as_bytes());
            let tag = KeyValue::new(sanitize::NEGATIVE_DURATION_TAG, text);
            span.attributes.push(tag);
        }
    }
    sanitize::spans(&mut spans);
    spans
}

/// Cases with records, and those of each.
fn recorded(form: &str) -> Vec<(PathBuf, Vec<Json>)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/golden");
    let cases = std::fs::read_dir(golden).unwrap();
    let records = cases.filter_map(|case| {
        let case = case.unwrap().path();
        let text = std::fs::read(case.join(format!("v1.76.0.kafka-{form}.json"))).ok()?;
        Some((case, serde_json::from_slice(&text).unwrap()))
    });
    records.collect()
}

/// Key and value.
type Record = (String, Vec<u8>);

/// Compares every record of `form`, and returns how many there are.
#[track_caller]
fn check(form: &str, encoding: Encoding) -> usize {
    let Some(Encoder::Span(encode)) = encoding.encoder() else {
        panic!("{encoding} does not hold one span");
    };
    let encoded = |span: &Span| {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        encode_key(span.trace_id, &mut key);
        encode(span, &mut Written::default(), &mut value);
        (String::from_utf8(key).unwrap(), value)
    };
    let mut compared = 0;
    for (case, records) in recorded(form) {
        let case_name = case.display();
        let record = |record: &Json| {
            let value = record["value_base64"].as_str().unwrap();
            let key = record["key"].as_str().unwrap().to_owned();
            (key, STANDARD.decode(value).unwrap())
        };
        let mut theirs: Vec<Record> = records.iter().map(record).collect();
        let mut ours: Vec<Record> = spans_of(&case).iter().map(encoded).collect();
        // Kafka's order is that of Jaeger's workers
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "{case_name}");
        for record in theirs {
            let value = Bytes::from(record.1.clone());
            assert_eq!(Expected::Auto.encoding_of(&value), Some(encoding));
            let decoded = encoding.decode(value, RECEIVED_NS).unwrap();
            assert_eq!(decoded.spans.len(), 1, "{case_name}");
            assert_eq!(encoded(&decoded.spans[0]), record, "{case_name}");
            compared += 1;
        }
    }
    println!("{form}: {compared} records equal");
    compared
}

#[test]
fn keys_and_values_equal_jaegers_byte_for_byte() {
    let cases = recorded("json").len();
    assert_eq!(cases, recorded("protobuf").len());
    assert!(cases >= 8, "{cases} cases");
    assert_eq!(check("protobuf", Encoding::JaegerProto), 16);
    assert_eq!(check("json", Encoding::JaegerJson), 16);
}

#[test]
fn both_forms_of_a_record_are_the_same_span() {
    let spans = |form: &str, encoding: Encoding| {
        let values = recorded(form).into_iter().flat_map(|(_, records)| records);
        let decoded = values.map(|record| {
            let value = STANDARD.decode(record["value_base64"].as_str().unwrap());
            let decoded = encoding.decode(Bytes::from(value.unwrap()), RECEIVED_NS);
            decoded.unwrap().spans.remove(0)
        });
        let mut spans: Vec<Span> = decoded.collect();
        spans.sort_by_key(|span| (span.trace_id, span.span_id));
        spans
    };
    assert_eq!(
        spans("json", Encoding::JaegerJson),
        spans("protobuf", Encoding::JaegerProto)
    );
}
