//! Documents of real Jaegers, of versions 1.20, 1.76 and 2.20, read.

use model::{Dialect, RefType, Span};
use serde_json::{Value as Json, json};
use wire::jaeger::Converter;

use super::super::{Encoder, KeyBook};
use super::support::{Written, documents, read, recorded};
use crate::elasticsearch::config::Documents;

fn span(written: &Written) -> Span {
    let json = serde_json::to_vec(&written.source).unwrap();
    let span = read(&json, &Documents::default()).unwrap();
    assert_eq!(span.dialect, Dialect::Jaeger);
    // version 2 keeps the sanitizer's words
    let is_kept = |warning: &model::Str| warning.starts_with("Negative duration detected");
    assert!(span.warnings.iter().all(is_kept), "{:?}", span.warnings);
    span
}

fn rewritten(span: &Span) -> Json {
    let (documents, keys) = (Documents::default(), KeyBook::new(0));
    let mut json = Vec::new();
    Encoder::new(&documents, &keys).encode("i", span, &mut json);
    serde_json::from_slice(&json).unwrap()
}

/// All span documents that a version wrote of the corpus.
fn of_version(version: &str) -> Vec<(String, Vec<Written>)> {
    let cases = std::fs::read_dir(super::support::corpus()).unwrap();
    let names = cases.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|n| !n.starts_with('_') && !n.contains('.'))
        .collect();
    names.sort();
    let of_case = |name: String| {
        let written = documents(&recorded(&format!("{name}/{version}.es-span.json")));
        (name, written)
    };
    names.into_iter().map(of_case).collect()
}

#[test]
fn what_1_76_wrote_is_read_without_loss() {
    let mut read = 0;
    for (case, written) in of_version("v1.76.0") {
        for written in written {
            assert_eq!(rewritten(&span(&written)), written.source, "{case}");
            read += 1;
        }
    }
    assert!(read > 30, "{read}");
}

#[test]
fn what_1_20_wrote_is_read_as_typed_values() {
    let recorded = documents(&recorded("_variants/v1.20.0.json")["span_documents"]);
    assert_eq!(recorded.len(), 13);
    for written in recorded {
        let mut source = written.source.clone();
        type_values(&mut source);
        assert_eq!(rewritten(&span(&written)), source);
    }
}

/// Text values as JSON has them, in every tag.
fn type_values(json: &mut Json) {
    if let (Some(kind), Some(Json::String(text))) = (json.get("type"), json.get("value")) {
        let value = match kind.as_str() {
            Some("bool" | "int64" | "float64") => serde_json::from_str(text).unwrap(),
            _ => json!(text),
        };
        json["value"] = value;
    }
    match json {
        Json::Array(items) => items.iter_mut().for_each(type_values),
        Json::Object(members) => members.values_mut().for_each(type_values),
        _ => {}
    }
}

#[test]
fn fields_come_after_the_list_with_dots_in_their_names() {
    let recorded = recorded("_variants/v1.76.0-tags-as-fields-prefix.json");
    let recorded = documents(&recorded["span_documents"]);
    assert_eq!(recorded.len(), 22);
    let types = recorded
        .iter()
        .find(|w| w.source["operationName"] == "all types")
        .unwrap();
    let span = span(types);
    let tags: Vec<_> = span
        .attributes
        .iter()
        .map(|a| format!("{}={:?}", a.key, a.value))
        .collect();
    let expect = [
        r#"bytes=Bytes(b"\x00\x01\xfe")"#,
        r#"array=String("[\"a\",1,true,1.5]")"#,
        r#"array.empty=String("[]")"#,
        "bool=Bool(false)",
        "double=Double(3.25)",
        "double.tiny=Double(1e-9)",
        // quirk 12
        "double.whole=Int(7)",
        r#"empty=String("")"#,
        r#"html=String("<b>&\"'</b>")"#,
        "int=Int(-42)",
        "int.max=Int(9223372036854775807)",
        r#"map=String("{\"x\":\"1\",\"y\":2}")"#,
        r#"none=String("")"#,
        r#"span.kind=String("internal")"#,
        r#"str=String("value")"#,
        r#"unicode=String("jäger ✓ 狩人")"#,
    ];
    assert_eq!(tags, expect);
    let process: Vec<_> = span
        .resource
        .attributes
        .iter()
        .map(|a| a.key.as_str())
        .collect();
    assert_eq!(
        process,
        ["host.name", "res.arr", "res.bool", "res.double", "res.int"]
    );
    for written in &recorded {
        let spans: Vec<&str> = written.source["tag"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(k, _)| k.as_str())
            .collect();
        let read = self::span(written);
        assert_eq!(
            read.attributes.len(),
            spans.len() + written.source["tags"].as_array().unwrap().len()
        );
    }
}

/// Ids, times, logs and references are those of 1.76. Tags went through OTLP there, which turns some into others and forgets which of
/// Jaeger's formats they came in.
#[test]
fn what_2_20_wrote_is_the_same_trace() {
    let (mut compared, mut equal_tags) = (0, 0);
    let old = of_version("v1.76.0");
    for ((case, old), (_, new)) in old.into_iter().zip(of_version("v2.20.0")) {
        if case == "zipkin1-annotations" {
            continue;
        }
        assert_eq!(old.len(), new.len(), "{case}");
        let facts = |written: &Written| {
            let span = Converter::default().convert(&span(written));
            let mut tags: Vec<_> = span.tags.iter().map(|t| format!("{t:?}")).collect();
            tags.sort();
            let references: Vec<_> = span.references.iter().map(|r| format!("{r:?}")).collect();
            // v2 names what has no name
            let name = span.operation_name.replace("empty-span-name", "");
            let trace = (span.trace_id.to_string(), span.span_id.to_string(), name);
            let times = (span.start_ns, span.duration_ns, format!("{:?}", span.logs));
            (
                (trace, times, references, span.process.service_name.clone()),
                tags,
            )
        };
        let sorted = |list: Vec<Written>| {
            let mut facts: Vec<_> = list.iter().map(facts).collect();
            facts.sort_by(|a, b| format!("{a:?}").cmp(&format!("{b:?}")));
            facts
        };
        for (old, new) in sorted(old).into_iter().zip(sorted(new)) {
            assert_eq!(old.0, new.0, "{case}");
            equal_tags += usize::from(old.1 == new.1);
            compared += 1;
        }
    }
    assert!(compared > 30 && equal_tags > 15, "{compared}, {equal_tags}");
}

#[test]
fn a_parent_that_stands_apart_is_a_reference() {
    let document = |references: Json, parent: &str| {
        let json = json!({"traceID": "1a", "spanID": "b", "startTime": 5, "references": references, "parentSpanID": parent});
        read(json.to_string().as_bytes(), &Documents::default()).unwrap()
    };
    let reference = |kind: &str, trace: &str, span: &str| json!({"refType": kind, "traceID": trace, "spanID": span});
    let span = document(Json::Null, "c");
    assert_eq!(span.links.len(), 1);
    assert_eq!(
        (
            span.links[0].ref_type,
            span.parent_span_id.unwrap().to_u64()
        ),
        (RefType::ChildOf, 0xc)
    );
    // it is there already, in another spelling, and as another kind
    let known = json!([reference(
        "FOLLOWS_FROM",
        "0000000000000000000000000000001a",
        "000000000000000c"
    )]);
    assert_eq!(document(known, "c").links.len(), 1);
    let other = json!([reference("CHILD_OF", "2", "c")]);
    let span = document(other, "c");
    assert_eq!(span.links.len(), 2);
    assert_eq!(
        span.links[0].trace_id, span.trace_id,
        "the parent comes first"
    );
    for none in ["", "0", "0000000000000000"] {
        assert_eq!(document(json!([]), none).links.len(), 0);
    }
}

#[test]
fn ids_of_any_length_are_one_id() {
    for trace in [
        "a1b2c",
        "0a1b2c",
        "00000000000a1b2c",
        "000000000000000000000000000A1B2C",
    ] {
        let json = json!({"traceID": trace, "spanID": "1", "startTime": 1});
        let span = read(json.to_string().as_bytes(), &Documents::default()).unwrap();
        assert_eq!((span.trace_id.high(), span.trace_id.low()), (0, 0xa1b2c));
    }
}
