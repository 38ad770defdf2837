//! Any span that the model holds: written, read, and compared with what Jaeger's format holds of it.

use std::sync::Arc;

use bytes::Bytes;
use model::{Buffer, Event, KeyValue, Link, Resource, Scope, Span, Value};
use proptest::prelude::*;
use wire::arbitrary;
use wire::jaeger::{Converter, Tag, TagValue, tags};

use super::super::{Decoder, DocumentId, Encoder, KeyBook, Source};
use super::support::read;
use crate::elasticsearch::config::{Documents, TagValues, TagsAsFields};
use crate::elasticsearch::template::mapping::is_indexed;

/// What a document holds of `span`.
fn held(span: &Span) -> Span {
    let jaeger = Converter::default().convert(span);
    let micros = |ns: u64| ns / 1_000 * 1_000;
    let resource = Resource {
        attributes: attributes(&jaeger.process.tags),
        ..Resource::of_service(jaeger.process.service_name.clone())
    };
    let links = jaeger.references.iter().map(|r| Link {
        trace_id: r.trace_id,
        span_id: r.span_id,
        ref_type: r.ref_type,
        ..Link::default()
    });
    let events = jaeger.logs.iter().map(|log| Event {
        time_ns: micros(log.time_ns),
        attributes: attributes(&log.fields),
        ..Event::default()
    });
    let attributes = attributes(&jaeger.tags);
    Span {
        span_id: jaeger.span_id,
        name: jaeger.operation_name,
        start_ns: micros(jaeger.start_ns),
        end_ns: micros(jaeger.start_ns) + micros(jaeger.duration_ns),
        events: events.collect(),
        flags: jaeger.flags & i32::MAX as u32,
        ..tags::span(
            jaeger.trace_id,
            attributes,
            links.collect(),
            Arc::new(resource),
            Arc::new(Scope::default()),
        )
    }
}

fn attributes(tags: &[Tag]) -> Vec<KeyValue> {
    let attribute = |tag: &Tag| KeyValue {
        key: tag.key.clone(),
        value: match &tag.value {
            TagValue::String(text) => Value::String(text.clone()),
            TagValue::Bool(value) => Value::Bool(*value),
            TagValue::Int(value) => Value::Int(*value),
            TagValue::Double(value) => Value::Double(*value),
            TagValue::Binary(bytes) => Value::Bytes(bytes.clone()),
        },
    };
    tags.iter().map(attribute).collect()
}

/// Floats by their bits, and one NaN for all: JSON has one.
fn by_bits(mut span: Span) -> Span {
    let settle = |list: &mut Vec<KeyValue>| {
        for attribute in list {
            if let Value::Double(value) = &attribute.value {
                let text = match value {
                    nan if nan.is_nan() => "NaN".to_owned(),
                    value => format!("{:x}", value.to_bits()),
                };
                attribute.value = Value::from(text.as_str());
            }
        }
    };
    settle(&mut span.attributes);
    span.events
        .iter_mut()
        .for_each(|e| settle(&mut e.attributes));
    let mut resource = Resource::clone(&span.resource);
    settle(&mut resource.attributes);
    span.resource = Arc::new(resource);
    span
}

/// As [`by_bits`], with tags in an order of their own and whole floats as integers (quirk 12); the last of equal fields is left.
fn as_fields(span: Span, replacement: &str) -> Span {
    let settle = |list: &mut Vec<KeyValue>| {
        let is_field = |a: &KeyValue| match &a.value {
            Value::Bytes(_) => false,
            Value::Double(value) => value.is_finite(),
            Value::String(text) => is_indexed(text),
            _ => true,
        } && !a.key.is_empty();
        let mut kept: Vec<KeyValue> = Vec::new();
        for attribute in list.drain(..) {
            let key = attribute.key.replace(replacement, ".");
            if is_field(&attribute) {
                kept.retain(|k| !is_field(k) || *k.key != *key);
            }
            kept.push(attribute);
        }
        for attribute in &mut kept {
            if is_field(attribute)
                && let Value::Double(value) = attribute.value
                && let Ok(whole) = wire::go_json::float_text(value).parse()
            {
                attribute.value = Value::Int(whole);
            }
        }
        kept.sort_by_key(|k| format!("{k:?}"));
        *list = kept;
    };
    let mut span = span;
    settle(&mut span.attributes);
    let mut resource = Resource::clone(&span.resource);
    settle(&mut resource.attributes);
    span.resource = Arc::new(resource);
    // kind and status are of the tag that comes last, and the order is another
    let derived = tags::span(
        span.trace_id,
        Vec::new(),
        span.links.clone(),
        span.resource.clone(),
        span.scope.clone(),
    );
    span.kind = derived.kind;
    span.status = derived.status;
    by_bits(span)
}

fn written(span: &Span, documents: &Documents) -> (DocumentId, Vec<u8>) {
    let (keys, mut json) = (KeyBook::new(0), Vec::new());
    let id = Encoder::new(documents, &keys).encode("i", span, &mut json);
    (id, json)
}

fn with_fields(max_keys: usize) -> Documents {
    Documents {
        tags_as_fields: TagsAsFields {
            all: true,
            max_keys,
            ..TagsAsFields::default()
        },
        ..Documents::default()
    }
}

/// A value that no index takes stays in the list, beside a field of the same key.
#[test]
fn a_key_that_is_there_twice_loses_no_value_that_is_too_long_for_a_field() {
    let long = "v".repeat(300);
    let long = long.as_str();
    for values in [["short", long], [long, "short"]] {
        let span = Span {
            attributes: values.map(|value| KeyValue::new("k", value)).into(),
            ..Span::default()
        };
        let documents = with_fields(0);
        let back = read(&written(&span, &documents).1, &documents).unwrap();
        assert_eq!(back.attributes.len(), 2);
        assert_eq!(as_fields(back, "@"), as_fields(held(&span), "@"));
    }
}

proptest! {
    #[test]
    fn any_span_reads_back_as_jaegers_format_holds_it(span in arbitrary::span()) {
        for tag_values in [TagValues::Native, TagValues::String] {
            let documents = Documents { tag_values, ..Documents::default() };
            let (_, json) = written(&span, &documents);
            let back = read(&json, &documents).unwrap();
            prop_assert_eq!(by_bits(back), by_bits(held(&span)));
        }
    }

    #[test]
    fn any_span_reads_back_when_tags_are_fields(span in arbitrary::span()) {
        let documents = with_fields(0);
        let (id, json) = written(&span, &documents);
        let back = read(&json, &documents).unwrap();
        prop_assert_eq!(as_fields(back, "@"), as_fields(held(&span), "@"));
        prop_assert_eq!(id, written(&span, &Documents::default()).0, "its id is the same");
    }

    /// What is read is written as it was, so that a span that is moved has the id that it had.
    #[test]
    fn what_was_read_is_written_as_it_was(span in arbitrary::span()) {
        let documents = Documents::default();
        let (id, json) = written(&span, &documents);
        let back = read(&json, &documents).unwrap();
        prop_assert_eq!(written(&back, &documents), (id, json));
    }
}

fn tagged(resource: &Arc<Resource>, keys: &[&str]) -> Span {
    Span {
        attributes: keys.iter().map(|k| KeyValue::new(*k, "v")).collect(),
        resource: resource.clone(),
        ..Span::default()
    }
}

#[test]
fn keys_beyond_the_limit_stay_in_the_list() {
    let documents = with_fields(2);
    let keys = KeyBook::new(2);
    let mut encoder = Encoder::new(&documents, &keys);
    let resource = Arc::new(Resource {
        attributes: vec![KeyValue::new("p", "v")],
        ..Resource::of_service("s")
    });
    let mut fields_of = |index: &str, keys: &[&str]| {
        let mut json = Vec::new();
        encoder.encode(index, &tagged(&resource, keys), &mut json);
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let names = |of: &serde_json::Value| {
            let names = of
                .get("tag")
                .and_then(|t| t.as_object())
                .into_iter()
                .flatten();
            names.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let listed = json["tags"].as_array().unwrap().len();
        (names(&json), names(&json["process"]), listed)
    };
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        fields_of("i", &["a.b"]),
        (owned(&["a@b"]), owned(&["p"]), 0)
    );
    assert_eq!(
        fields_of("i", &["c", "a.b"]),
        (owned(&["a@b"]), owned(&["p"]), 1)
    );
    assert_eq!(
        fields_of("other", &["c", "a.b"]),
        (owned(&["a@b", "c"]), vec![], 0)
    );
    assert_eq!(keys.left_in_lists().get(), 2);
}

#[test]
fn an_id_does_not_depend_on_which_tags_are_fields() {
    let span = tagged(&Arc::default(), &["a", "b"]);
    let ids = [0, 1, 2].map(|max_keys| {
        let (documents, keys) = (with_fields(max_keys), KeyBook::new(max_keys));
        let mut json = Vec::new();
        Encoder::new(&documents, &keys).encode("i", &span, &mut json)
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_ne!(
        ids[0],
        written(&tagged(&Arc::default(), &["b", "a"]), &Documents::default()).0
    );
}

#[test]
fn spans_of_one_answer_share_buffer_and_processes() {
    let documents = Documents::default();
    let resource = Arc::new(Resource {
        attributes: vec![KeyValue::new("hostname", "h")],
        ..Resource::of_service("shop")
    });
    let other = Arc::new(Resource::of_service("cart"));
    let mut json = b"[".to_vec();
    let keys = KeyBook::new(0);
    let mut encoder = Encoder::new(&documents, &keys);
    for (nth, resource) in [&resource, &other, &resource].into_iter().enumerate() {
        json.extend((nth > 0).then_some(b','));
        encoder.encode("i", &tagged(resource, &["k"]), &mut json);
    }
    json.push(b']');
    let buffer = Buffer::new(Bytes::from(json)).unwrap();
    let sources: Vec<Source<'_>> = serde_json::from_slice(buffer.as_bytes()).unwrap();
    let mut decoder = Decoder::new(&buffer, &documents);
    let spans: Vec<_> = sources
        .into_iter()
        .map(|source| decoder.span("i", "1", source).unwrap())
        .collect();
    assert!(Arc::ptr_eq(&spans[0].resource, &spans[2].resource));
    assert_eq!(*spans[0].resource, *resource);
    assert_eq!(*spans[1].resource, *other);
    assert!(Arc::ptr_eq(&spans[0].scope, &spans[1].scope));
    let key = spans[0].attributes[0].key.as_str().as_ptr().addr();
    let start = buffer.as_bytes().as_ptr().addr();
    assert!(
        (start..start + buffer.as_bytes().len()).contains(&key),
        "nothing was copied"
    );
}
