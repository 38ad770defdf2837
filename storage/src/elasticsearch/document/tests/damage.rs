//! Documents that nobody should have written: what can be read is, the rest is told, and nothing panics.

use model::{KeyValue, Span, Value};
use proptest::prelude::*;
use wire::arbitrary;

use super::super::dependencies::Dependencies;
use super::super::sampling::Sampling;
use super::super::{Encoder, KeyBook, Source};
use super::support::read;
use crate::elasticsearch::config::{Documents, TagsAsFields};

fn span(json: &str) -> Span {
    read(json.as_bytes(), &Documents::default()).unwrap()
}

#[track_caller]
fn check_error(json: &str, expect: &str) {
    let error = read(json.as_bytes(), &Documents::default()).unwrap_err();
    let expect = format!("document \"1\" of index \"i\" is no span: {expect}");
    assert_eq!(error.to_string(), expect);
}

#[test]
fn a_document_that_is_no_span_is_named_with_its_field() {
    check_error("null", "_source is missing, or no object");
    check_error("[1]", "_source is missing, or no object");
    check_error(
        "{}",
        "traceID is missing: hex of 1 to 32 digits were wanted",
    );
    check_error(
        r#"{"traceID":"xyz"}"#,
        "traceID \"xyz\" is not hex of 1 to 32 digits",
    );
    check_error(
        r#"{"traceID":"1","spanID":17}"#,
        "spanID 17 is not hex of 1 to 16 digits",
    );
    check_error(
        r#"{"traceID":"1","spanID":"1","startTime":-1}"#,
        "startTime -1 is not microseconds of 0 or more",
    );
    check_error(
        r#"{"traceID":"1","spanID":"1"}"#,
        "startTime is missing: microseconds of 0 or more were wanted",
    );
    let long = format!(r#"{{"traceID":"{}"}}"#, "z".repeat(10_000));
    let error = read(long.as_bytes(), &Documents::default()).unwrap_err();
    assert!(error.to_string().len() < 200, "{error}");
}

#[test]
fn the_least_document_is_a_span() {
    let least = span(r#"{"traceID":"1","spanID":"2","startTime":"3"}"#);
    assert_eq!((least.start_ns, least.end_ns), (3_000, 3_000));
    assert_eq!(least.resource.service_name, None);
    assert_eq!(least.warnings.len(), 0);
    let old = span(
        r#"{"traceID":"1","spanID":"2","startTimeMillis":3,"duration":1.0,"@timestamp":"x","scopeTags":[]}"#,
    );
    assert_eq!((old.start_ns, old.end_ns), (3_000_000, 3_001_000));
}

#[test]
fn what_cannot_be_read_is_left_out_with_a_warning() {
    let odd = span(
        r#"{"traceID":"1","spanID":"2","startTime":3,"duration":"long","flags":"x","operationName":7,
            "references":[{"refType":"CHILD_OF","traceID":"q","spanID":"1"},4,{"refType":"?","traceID":"5","spanID":"6"}],
            "parentSpanID":"w","tags":{"a":1},"tag":[],"logs":[{"timestamp":"q","fields":[1]},"x"],
            "process":{"serviceName":"s","tags":"none","tag":3}}"#,
    );
    let said: Vec<_> = odd.warnings.iter().map(model::Str::as_str).collect();
    assert_eq!(
        said,
        [
            "in the index, duration \"long\" is not microseconds",
            "in the index, references[0] is left out: traceID \"q\" is not hex of 1 to 32 digits",
            "in the index, references[1] is left out: it is no object",
            "in the index, parentSpanID \"w\" is not hex of 1 to 16 digits",
            "in the index, tags is left out: it is no list",
            "in the index, logs[0].timestamp \"q\" is not microseconds",
            "in the index, logs.fields[0] is left out: it is no object",
            "in the index, logs[1] is left out: it is no object",
            "in the index, process.tags is left out: it is no list",
        ]
    );
    assert_eq!(odd.name, "7");
    assert_eq!(odd.links.len(), 1);
    assert_eq!(odd.events[0].time_ns, 3_000);
}

#[test]
fn one_document_has_few_warnings() {
    let items = vec!["1"; 10_000].join(",");
    let json = format!(
        r#"{{"traceID":"1","spanID":"2","startTime":3,"tags":[{items}],"process":{{"tags":[{items}]}}}}"#
    );
    assert_eq!(span(&json).warnings.len(), 32);
}

#[test]
fn a_value_that_cannot_be_read_costs_no_trace() {
    let odd = span(
        r#"{"traceID":"1","spanID":"2","startTime":3,"tags":[
            {"key":"a","type":"int64","value":"many"},{"key":"b","type":"uuid","value":"x"},{"key":"c","value":true},{"type":"string","value":"d"}],
            "tag":{"e@f":null,"g":{"h":1}}}"#,
    );
    let expect = [
        KeyValue::new("a", r#"<int64 that cannot be read: "many">"#),
        KeyValue::new("b", r#"<Unknown Jaeger TagType "uuid">"#),
        KeyValue::new("c", true),
        KeyValue::new("", "d"),
        KeyValue::new("e.f", ""),
        KeyValue::new("g", "<value that cannot be read: an array or an object>"),
    ];
    assert_eq!(odd.attributes, expect);
}

#[test]
fn names_without_a_replacement_stay_as_they_are() {
    let documents = Documents {
        tags_as_fields: TagsAsFields {
            dot_replacement: String::new(),
            ..TagsAsFields::default()
        },
        ..Documents::default()
    };
    let json = br#"{"traceID":"1","spanID":"2","startTime":3,"tag":{"ab@c":1}}"#;
    let span = read(json, &documents).unwrap();
    assert_eq!(span.attributes, [KeyValue::new("ab@c", 1_i64)]);
}

#[test]
fn flags_fit_into_what_an_index_takes() {
    let (documents, keys) = (Documents::default(), KeyBook::new(0));
    let span = Span {
        flags: u32::MAX,
        dialect: model::Dialect::Jaeger,
        ..Span::default()
    };
    let mut json = Vec::new();
    Encoder::new(&documents, &keys).encode("i", &span, &mut json);
    assert!(
        String::from_utf8(json)
            .unwrap()
            .contains(r#""flags":2147483647,"#)
    );
}

/// Any JSON, with the names that documents have.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let names = [
        "traceID",
        "spanID",
        "parentSpanID",
        "flags",
        "operationName",
        "references",
        "startTime",
        "startTimeMillis",
        "duration",
        "tags",
        "tag",
        "logs",
        "process",
        "serviceName",
        "key",
        "type",
        "value",
        "refType",
        "timestamp",
        "fields",
        "dependencies",
        "parent",
        "child",
        "callCount",
        "throughputs",
        "probabilitiesandqps",
        "Probabilities",
        "QPS",
        "Asked",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "[0-9a-f]{0,33}".prop_map(Into::into),
        prop_oneof![
            Just("string"),
            Just("int64"),
            Just("binary"),
            Just("2026-01-01T00:00:00Z")
        ]
        .prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        let member = (prop::sample::select(names.to_vec()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Into::into),
            prop::collection::vec(member, 0..12).prop_map(|members| {
                let members = members.into_iter().map(|(k, v)| (k.to_owned(), v));
                serde_json::Value::Object(members.collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_told(json in any_json()) {
        let text = json.to_string();
        drop(read(text.as_bytes(), &Documents::default()));
        let _sampling: Sampling = serde_json::from_str(&text).unwrap();
        let _dependencies: Dependencies = serde_json::from_str(&text).unwrap();
    }

    /// A byte changed, cut or doubled: the JSON may be broken, and then serde says so; else it is a document.
    #[test]
    fn any_damaged_document_is_read_or_told(
        span in arbitrary::span(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        what in 0..3,
    ) {
        let (documents, keys) = (Documents::default(), KeyBook::new(0));
        let mut json = Vec::new();
        Encoder::new(&documents, &keys).encode("i", &span, &mut json);
        let at = at.index(json.len());
        match what {
            0 => json[at] = byte,
            1 => drop(json.remove(at)),
            _ => json.insert(at, byte),
        }
        if serde_json::from_slice::<Source<'_>>(&json).is_ok() {
            drop(read(&json, &documents));
        }
    }
}

#[test]
fn the_last_of_equal_members_counts() {
    let twice = span(
        r#"{"traceID":"1","traceID":"2","spanID":"3","startTime":4,"tags":[{"key":"a","key":"b","value":1}]}"#,
    );
    assert_eq!(twice.trace_id.low(), 2);
    assert_eq!(twice.attributes, [KeyValue::new("b", Value::Int(1))]);
}
