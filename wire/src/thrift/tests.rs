//! What the decoder makes of known batches; the oracle that writes them is in [`oracle`].

pub(crate) mod oracle;
mod refusals;
mod zipkin;

use std::path::Path;

use bytes::Bytes;
use model::{
    Dialect, KeyValue, Link, RefType, Slice, Span, SpanId, SpanKind, StatusCode, TraceId, Value,
};
use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::{DecodeError, arbitrary};
use oracle::{Writer, batch_of, write};

const PROTOCOLS: [Protocol; 2] = [Protocol::Binary, Protocol::Compact];

fn decode(body: Vec<u8>, protocol: Protocol) -> Result<Batch, DecodeError> {
    decode_batch(Bytes::from(body), protocol)
}

/// A batch of one span, whose required fields are as given.
fn one_span(protocol: Protocol, fields: impl Fn(&mut Writer<'_>)) -> Span {
    let body = write(protocol, |w| {
        w.process("svc", &[]);
        w.list(2, 1, |w, _| fields(w));
    });
    let mut spans = decode(body, protocol).unwrap().decoded.spans;
    assert_eq!(spans.len(), 1);
    spans.remove(0)
}

#[test]
fn recorded_batches_equal_what_jaeger_answered() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/golden");
    let case = golden.join("thrift-128bit");
    let input = std::fs::read(case.join("input.jaeger-thrift-binary.bin")).unwrap();
    let spans = decode(input, Protocol::Binary).unwrap().decoded.spans;
    let recorded = "v1.76.0.api-trace.raw.a4000000000000010000000000000101.json";
    let recorded: Json =
        serde_json::from_slice(&std::fs::read(case.join(recorded)).unwrap()).unwrap();
    let trace = &recorded["data"][0];
    let theirs = trace["spans"].as_array().unwrap();
    assert_eq!(spans.len(), theirs.len());
    for span in &spans {
        let theirs = theirs
            .iter()
            .find(|s| s["spanID"] == span.span_id.to_string())
            .unwrap();
        assert_eq!(theirs["traceID"], span.trace_id.to_string());
        assert_eq!(theirs["operationName"], span.name.as_str());
        assert_eq!(theirs["flags"], span.flags);
        assert_eq!(theirs["startTime"], span.start_ns / 1_000);
        assert_eq!(theirs["duration"], span.duration_ns() / 1_000);
        let references: Vec<_> = span.links.iter().map(|l| {
            let ref_type = match l.ref_type {
                RefType::ChildOf => "CHILD_OF",
                RefType::FollowsFrom => "FOLLOWS_FROM",
            };
            serde_json::json!({"refType": ref_type, "traceID": l.trace_id.to_string(), "spanID": l.span_id.to_string()})
        }).collect();
        assert_eq!(theirs["references"], Json::Array(references));
        // the collector adds the format, the sanitizer what it says of the duration
        let theirs_tags: Vec<_> = theirs["tags"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|t| t["key"] != "@jaeger@format" && t["key"] != "InvalidNegativeDuration")
            .cloned()
            .collect();
        assert_eq!(tags_of(&span.attributes), theirs_tags);
        let logs = theirs["logs"].as_array().unwrap();
        assert_eq!(span.events.len(), logs.len());
        for (event, log) in span.events.iter().zip(logs) {
            assert_eq!(log["timestamp"], event.time_ns / 1_000);
            assert_eq!(Json::Array(tags_of(&event.attributes)), log["fields"]);
        }
        let process = &trace["processes"]["p1"];
        assert_eq!(process["serviceName"], span.resource.service_name());
        assert_eq!(
            Json::Array(tags_of(&span.resource.attributes)),
            process["tags"]
        );
    }
}

/// Tags as Jaeger's API writes them.
fn tags_of(attributes: &[KeyValue]) -> Vec<Json> {
    use base64::Engine as _;
    let tag = |a: &KeyValue| {
        let (kind, value) = match &a.value {
            Value::Bool(v) => ("bool", Json::from(*v)),
            Value::Int(v) => ("int64", Json::from(*v)),
            Value::Double(v) => ("float64", Json::from(*v)),
            Value::Bytes(v) => (
                "binary",
                Json::from(base64::engine::general_purpose::STANDARD.encode(v.as_bytes())),
            ),
            other => ("string", Json::from(other.as_str().unwrap_or_default())),
        };
        serde_json::json!({"key": a.key.as_str(), "type": kind, "value": value})
    };
    attributes.iter().map(tag).collect()
}

#[test]
fn a_parent_comes_first_unless_it_is_named_already() {
    for protocol in PROTOCOLS {
        let span = |parent: i64, references: &'static [(i32, i64, i64, i64)]| {
            one_span(protocol, |w| {
                w.span_head(1, 2, 3, parent);
                w.references(references);
                w.span_tail(0, 0, 0);
            })
        };
        let ids = |span: &Span| -> Vec<_> {
            span.links
                .iter()
                .map(|l| (l.ref_type, l.trace_id.low(), l.span_id.to_u64()))
                .collect()
        };
        let trace_id = TraceId::from_halves(2, 1);
        let alone = span(9, &[]);
        assert_eq!(alone.trace_id, trace_id);
        assert_eq!(ids(&alone), [(RefType::ChildOf, 1, 9)]);
        assert_eq!(alone.parent_span_id, Some(SpanId::from_u64(9)));
        let other = span(9, &[(1, 1, 2, 8)]);
        assert_eq!(
            ids(&other),
            [(RefType::ChildOf, 1, 9), (RefType::FollowsFrom, 1, 8)]
        );
        let named = span(9, &[(1, 1, 2, 8), (1, 1, 2, 9)]);
        assert_eq!(
            ids(&named),
            [(RefType::FollowsFrom, 1, 8), (RefType::FollowsFrom, 1, 9)]
        );
        let root = span(0, &[]);
        assert!(root.links.is_empty() && root.parent_span_id.is_none());
        let negative = span(-2, &[]);
        assert_eq!(
            negative.parent_span_id,
            Some(SpanId::from_u64(u64::MAX - 1))
        );
    }
}

#[test]
fn no_time_is_too_odd() {
    for protocol in PROTOCOLS {
        let times = |start, duration| {
            let span = one_span(protocol, |w| {
                w.span_head(1, 0, 1, 0);
                w.span_tail(0, start, duration);
            });
            (span.start_ns, span.end_ns)
        };
        assert_eq!(times(5, 2), (5_000, 7_000));
        assert_eq!(times(5, -2), (5_000, 3_000));
        assert_eq!(times(1, -2), (1_000, 0));
        assert_eq!(times(-1, 1), ((-1_000_i64) as u64, 0));
        for start in [i64::MIN, i64::MAX, 0] {
            for duration in [i64::MIN, i64::MAX] {
                times(start, duration);
            }
        }
    }
}

#[test]
fn odd_text_types_and_ids_are_kept() {
    for protocol in PROTOCOLS {
        let span = one_span(protocol, |w| {
            w.i64(1, 0).i64(2, 0).i64(3, 0).i64(4, 0);
            w.bytes(5, b"op\xff").i32(7, -1).i64(8, 0).i64(9, 0);
            w.list(10, 4, |w, i| match i {
                0 => {
                    w.bytes(1, b"k\xff").i32(2, 3).i64(6, 7);
                }
                1 => {
                    w.bytes(1, b"v").i32(2, 0).bytes(3, b"\xff");
                }
                2 => {
                    w.bytes(1, b"odd").i32(2, 9).bytes(3, b"x");
                }
                _ => {
                    w.bytes(1, b"unset").i32(2, 2);
                }
            });
        });
        let bytes = |b: &[u8]| Value::Bytes(Slice::from(b));
        assert!(span.trace_id.is_zero() && span.span_id.is_zero());
        assert_eq!(span.flags, u32::MAX);
        assert_eq!(span.name, "invalid-span-name");
        assert_eq!(
            span.attributes,
            [
                KeyValue::new("invalid-tag-key-1", bytes(b"k\xff:7")),
                KeyValue::new("v", bytes(b"\xff")),
                KeyValue::new("odd", "Unknown VType: 9"),
                KeyValue::new("unset", false),
                KeyValue::new("invalid-span-name", bytes(b"op\xff")),
            ]
        );
    }
}

#[test]
fn kind_and_status_are_derived() {
    for protocol in PROTOCOLS {
        let span = one_span(protocol, |w| {
            w.span_head(1, 0, 1, 0);
            w.span_tail(1, 0, 0);
            w.tags(
                10,
                &[
                    KeyValue::new("span.kind", "server"),
                    KeyValue::new("error", true),
                ],
            );
        });
        assert_eq!(span.kind, SpanKind::Server);
        assert_eq!(span.status.code, StatusCode::Error);
        assert_eq!(span.dialect, Dialect::Jaeger);
    }
}

#[test]
fn what_the_client_lost_is_told_and_the_process_may_come_last() {
    for protocol in PROTOCOLS {
        let body = write(protocol, |w| {
            w.list(2, 20, |w, i| {
                w.span_head(1, 0, i as i64, 0);
                w.span_tail(0, 0, 0);
            });
            w.i64(3, 77);
            w.structure(4, |w| {
                w.i64(1, 5).i64(2, 6).i64(3, 7);
            });
            w.process("late", &[KeyValue::new("a", 1_i64)]);
        });
        let batch = decode(body, protocol).unwrap();
        assert_eq!(batch.sequence, Some(77));
        let stats = batch.stats.unwrap();
        assert_eq!(
            (
                stats.full_queue_dropped_spans,
                stats.too_large_dropped_spans,
                stats.failed_to_emit_spans
            ),
            (5, 6, 7)
        );
        assert_eq!(batch.decoded.spans.len(), 20);
        assert!(
            batch
                .decoded
                .spans
                .iter()
                .all(|s| s.resource.service_name() == "late" && s.resource.attributes.len() == 1)
        );
    }
}

#[test]
fn unknown_fields_of_every_type_are_passed_over() {
    for protocol in PROTOCOLS {
        let body = write(protocol, |w| {
            w.every_type(100);
            w.process("svc", &[]);
            w.list(2, 2, |w, i| {
                w.every_type(100);
                w.span_head(1, 0, i as i64, 0);
                w.every_type(200);
                w.list(6, 1, |w, _| {
                    w.i32(1, 0).i64(2, 1).i64(3, 0).i64(4, 4);
                    w.every_type(20);
                });
                w.span_tail(0, 0, 0);
                w.list(10, 1, |w, _| {
                    w.every_type(50);
                    w.bytes(1, b"k").i32(2, 0).bytes(3, b"v");
                });
                w.list(11, 1, |w, _| {
                    w.i64(1, 1);
                    w.every_type(50);
                    w.tags(2, &[]);
                });
            });
            w.every_type(1000);
        });
        let batch = decode(body, protocol).unwrap();
        assert_eq!(batch.decoded.spans.len(), 2);
        for span in batch.decoded.spans {
            assert_eq!(span.attributes, [KeyValue::new("k", "v")]);
            assert_eq!((span.links.len(), span.events.len()), (1, 1));
        }
    }
}

#[test]
fn messages_are_called_by_name_in_every_envelope() {
    for protocol in PROTOCOLS {
        for strict in [true, false] {
            let message = |name: &str| {
                let body = oracle::message(protocol, strict, name, |w| {
                    w.structure(1, |w| {
                        w.process("svc", &[]);
                        w.list(2, 1, |w, _| {
                            w.span_head(1, 0, 1, 0);
                            w.span_tail(0, 0, 0);
                        });
                    });
                });
                decode_message(Bytes::from([body, vec![0xff; 3]].concat()), protocol)
            };
            let Ok(Message::EmitBatch(batch)) = message("emitBatch") else {
                panic!("not taken");
            };
            assert_eq!(batch.decoded.spans.len(), 1);
            let error = message("emitCats").unwrap_err();
            assert_eq!(error.to_string(), "unknown message \"emitCats\"");
        }
        let empty = oracle::message(protocol, true, "emitBatch", |_| {});
        let error = decode_message(Bytes::from(empty), protocol).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("batch of emitBatch is missing")
        );
    }
    for datagram in [
        &b""[..],
        b"\x82",
        b"\x82\x81",
        b"\x80\x02\0\x01",
        b"\x82\x82\x01\x01a",
    ] {
        for protocol in PROTOCOLS {
            assert!(decode_message(Bytes::copy_from_slice(datagram), protocol).is_err());
        }
    }
}

/// What Thrift can hold of any span.
fn in_thrift(mut span: Span) -> Span {
    fn flat(list: &mut Vec<KeyValue>) {
        list.retain(|a| !matches!(a.value, Value::Empty | Value::Array(_) | Value::Map(_)));
    }
    flat(&mut span.attributes);
    for event in &mut span.events {
        flat(&mut event.attributes);
        event.name = "".into();
        event.dropped_attributes_count = 0;
        event.time_ns = event.time_ns / 1_000 * 1_000;
    }
    for link in &mut span.links {
        *link = Link {
            trace_id: link.trace_id,
            span_id: link.span_id,
            ref_type: link.ref_type,
            ..Link::default()
        };
    }
    let mut resource = model::Resource::clone(&span.resource);
    flat(&mut resource.attributes);
    resource.service_name.get_or_insert_default();
    resource.dropped_attributes_count = 0;
    resource.schema_url = "".into();
    let start_ns = (span.start_ns >> 2) / 1_000 * 1_000;
    Span {
        kind: crate::jaeger::tags::kind_of_tags(&span.attributes),
        status: crate::jaeger::tags::status_of_tags(&span.attributes),
        parent_span_id: crate::jaeger::tags::parent_of_references(span.trace_id, &span.links),
        start_ns,
        end_ns: start_ns + (span.end_ns >> 2) / 1_000 * 1_000,
        resource: resource.into(),
        scope: Default::default(),
        dialect: Dialect::Jaeger,
        trace_state: "".into(),
        dropped: Default::default(),
        warnings: Vec::new(),
        ..span
    }
}

proptest! {
    #[test]
    fn what_an_independent_writer_wrote_comes_back(
        spans in prop::collection::vec(arbitrary::span().prop_map(in_thrift), 1..20),
        compact in any::<bool>(),
    ) {
        let protocol = if compact { Protocol::Compact } else { Protocol::Binary };
        let resource = spans[0].resource.clone();
        let spans: Vec<_> = spans
            .into_iter()
            .map(|span| Span { resource: resource.clone(), ..span })
            .collect();
        let decoded = decode(batch_of(protocol, &spans), protocol).unwrap().decoded;
        prop_assert_eq!(
            decoded.spans.into_iter().map(arbitrary::by_bits).collect::<Vec<_>>(),
            spans.into_iter().map(arbitrary::by_bits).collect::<Vec<_>>()
        );
    }

    #[test]
    fn no_bytes_panic(data in prop::collection::vec(any::<u8>(), 0..200)) {
        for protocol in PROTOCOLS {
            drop(decode(data.clone(), protocol));
            drop(decode_message(Bytes::from(data.clone()), protocol));
            drop(decode_zipkin(Bytes::from(data.clone()), protocol));
        }
    }
}
