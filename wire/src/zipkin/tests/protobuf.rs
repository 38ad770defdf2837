//! Zipkin's second model in protobuf, where it differs from JSON.

use model::SpanKind;
use prost::Message as _;

use super::*;
use crate::r#gen::zipkin;

fn span() -> zipkin::Span {
    zipkin::Span {
        trace_id: vec![7; 16],
        id: vec![1; 8],
        ..zipkin::Span::default()
    }
}

fn decode(spans: Vec<zipkin::Span>) -> Decoded {
    let body = zipkin::ListOfSpans { spans }.encode_to_vec();
    decode_v2_proto(Bytes::from(body), RECEIVED_NS).unwrap()
}

#[test]
fn protobuf_says_what_json_says() {
    let endpoint = |name: &str, ipv4: &[u8], ipv6: &[u8], port| {
        Some(zipkin::Endpoint {
            service_name: name.to_owned(),
            ipv4: ipv4.to_vec(),
            ipv6: ipv6.to_vec(),
            port,
        })
    };
    let mapped = [&[0; 10][..], &[0xff, 0xff, 1, 2, 3, 4]].concat();
    let tags = [("error", "boom"), ("host.name", "h")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let decoded = decode(vec![zipkin::Span {
        parent_id: vec![2; 8],
        kind: zipkin::span::Kind::Client.into(),
        name: "get".to_owned(),
        timestamp: 5,
        duration: 2,
        local_endpoint: endpoint("s", &[10, 0, 0, 1], &[], 80),
        remote_endpoint: endpoint("r", &[1], &mapped, 81),
        annotations: vec![zipkin::Annotation {
            timestamp: 6,
            value: "n|{\"a\":1}|0".to_owned(),
        }],
        tags: tags.into(),
        debug: true,
        shared: true,
        ..span()
    }]);
    let text = r#"[{"traceId":"07070707070707070707070707070707","id":"0101010101010101","parentId":"0202020202020202","kind":"CLIENT","name":"get","timestamp":5,"duration":2,"localEndpoint":{"serviceName":"s","ipv4":"10.0.0.1","port":80},"remoteEndpoint":{"serviceName":"r","ipv6":"::ffff:1.2.3.4","port":81},"annotations":[{"timestamp":6,"value":"n|{\"a\":1}|0"}],"tags":{"error":"boom","host.name":"h"}}]"#;
    let json = decode_v2_json(Bytes::from(text), RECEIVED_NS).unwrap();
    assert!(decoded.rejected.is_empty());
    assert_eq!(decoded.spans, json.spans);
    assert_eq!(decoded.spans[0].kind, SpanKind::Client);
}

#[test]
fn ids_have_8_or_16_bytes() {
    let with = |trace_id: Vec<u8>, id: Vec<u8>| zipkin::Span {
        trace_id,
        id,
        ..span()
    };
    let decoded = decode(vec![
        with(vec![1; 8], vec![1; 8]),
        with(vec![1; 7], vec![1; 8]),
        with(vec![1; 16], vec![1; 16]),
        with(vec![0; 16], vec![1; 8]),
        with(vec![], vec![1; 8]),
        with(vec![1; 16], vec![0; 8]),
        with(vec![2; 16], vec![1; 8]),
    ]);
    let ids: Vec<_> = decoded
        .spans
        .iter()
        .map(|s| s.trace_id.to_string())
        .collect();
    assert_eq!(ids, ["01".repeat(8), "02".repeat(16)]);
    let reasons: Vec<_> = decoded.rejected.iter().map(|r| r.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "trace id 01010101010101 has 7 bytes",
            "span id 01010101010101010101010101010101 has 16 bytes",
            "trace id is all zero",
            "span has no trace id",
            "span has no id",
        ]
    );
    let broken = zipkin::Span::decode(decoded.rejected[0].payload.clone()).unwrap();
    assert_eq!(broken.trace_id, [1; 7]);
}

#[test]
fn text_that_is_not_utf8_is_mended() {
    // a name, then a tag whose value and one whose key is not UTF-8
    let ids = span().encode_to_vec();
    let rest = b"\x2a\x01\xff\x5a\x06\x0a\x01k\x12\x01\xff\x5a\x06\x0a\x01\xff\x12\x01v";
    let span = [&ids[..], rest].concat();
    let body = [&[0x0a, span.len() as u8], &span[..]].concat();
    let span = one(decode_v2_proto(Bytes::from(body), RECEIVED_NS));
    assert_eq!(span.name, "invalid-span-name");
    assert_eq!(
        told(&span),
        r#"invalid-span-name=Bytes(b"\xff") k=Bytes(b"\xff") invalid-tag-key-1=Bytes(b"\xff:v")"#
    );
}

#[test]
fn a_frame_that_is_cut_is_an_error() {
    let body = zipkin::ListOfSpans {
        spans: vec![span()],
    };
    let mut body = body.encode_to_vec();
    body.pop();
    let error = decode_v2_proto(Bytes::from(body), RECEIVED_NS).unwrap_err();
    assert!(
        matches!(error, DecodeError::Truncated { at: 2, .. }),
        "{error}"
    );
    assert!(decode_v2_proto(Bytes::new(), 0).unwrap().spans.is_empty());
}

#[test]
fn an_address_of_another_length_is_shown_in_hex() {
    let decoded = decode(vec![zipkin::Span {
        local_endpoint: Some(zipkin::Endpoint {
            ipv4: vec![1, 0xff],
            ..zipkin::Endpoint::default()
        }),
        ..span()
    }]);
    assert_eq!(told(&decoded.spans[0]), "net.host.ip=?01ff");
}
