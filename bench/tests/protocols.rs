//! Each protocol carries what OTLP does: read back by code that is not the benchmark's, spans are the same but for what a format cannot say.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that fails fails its test"
)]

use bench::{Epoch, Profile, Protocol, Workload};
use bytes::Bytes;
use wire::Decoded;
use wire::thrift::{self, Message};

fn decode(protocol: Protocol, message: Bytes) -> Decoded {
    match protocol {
        Protocol::OtlpGrpc | Protocol::OtlpHttp => wire::otlp::decode(message).unwrap(),
        Protocol::JaegerGrpc => wire::jaeger::proto::decode_post_spans(message).unwrap(),
        Protocol::ThriftHttp => {
            let batch = thrift::decode_batch(message, thrift::Protocol::Binary);
            batch.unwrap().decoded
        }
        Protocol::ThriftUdp => {
            assert!(message.len() <= 65_000, "{} bytes", message.len());
            match thrift::decode_message(message, thrift::Protocol::Compact).unwrap() {
                Message::EmitBatch(batch) => batch.decoded,
                Message::EmitZipkinBatch(_) => panic!("a call of Zipkin's"),
            }
        }
        Protocol::ZipkinJson => wire::zipkin::decode_v2_json(message, 0).unwrap(),
        Protocol::ZipkinProto => wire::zipkin::decode_v2_proto(message, 0).unwrap(),
    }
}

#[test]
fn spans_are_the_same_in_every_protocol() {
    let epoch = Epoch::new(&Workload::new(9, Profile::Medium, 2_000, 300));
    let now_ns = 1_700_000_000_123_456_789;
    for request in 0..epoch.len() {
        let otlp = epoch.body(request, 3, now_ns);
        let expect = wire::otlp::decode(Bytes::from(otlp.clone())).unwrap().spans;
        for protocol in Protocol::ALL {
            let messages = protocol.messages(otlp.clone());
            let mut spans = Vec::new();
            for message in messages {
                let decoded = decode(protocol, message);
                assert!(decoded.rejected.is_empty(), "{protocol}");
                spans.extend(decoded.spans);
            }
            assert_eq!(spans.len(), expect.len(), "{protocol}");
            for (span, expect) in spans.iter().zip(&expect) {
                assert_eq!(span.trace_id, expect.trace_id, "{protocol}");
                assert_eq!(span.span_id, expect.span_id, "{protocol}");
                assert_eq!(span.parent_span_id, expect.parent_span_id, "{protocol}");
                assert_eq!(span.name, expect.name, "{protocol}");
                assert_eq!(span.kind, expect.kind, "{protocol}");
                assert_eq!(span.events.len(), expect.events.len(), "{protocol}");
                let service = expect.resource.service_name();
                assert_eq!(span.resource.service_name(), service, "{protocol}");
                // all but OTLP and Jaeger's protobuf have microseconds
                let us = |ns: u64| ns / 1_000;
                assert_eq!(us(span.start_ns), us(expect.start_ns), "{protocol}");
                assert_eq!(
                    us(span.duration_ns()),
                    us(expect.duration_ns()),
                    "{protocol}"
                );
                // Zipkin's values are text, and each key has one
                let text_only = [Protocol::ZipkinJson, Protocol::ZipkinProto].contains(&protocol);
                for attribute in &expect.attributes {
                    let same = |a: &&_| **a == *attribute;
                    let mut found = span.attributes.iter();
                    let found = match text_only {
                        true => found.find(|a| a.key == attribute.key),
                        false => found.find(same),
                    };
                    assert!(found.is_some(), "{protocol} lacks {attribute:?}");
                }
            }
        }
    }
}

#[test]
fn names_are_read_back() {
    for protocol in Protocol::ALL {
        assert_eq!(protocol.name().parse::<Protocol>().unwrap(), protocol);
    }
    assert!("zipkin".parse::<Protocol>().is_err());
}
