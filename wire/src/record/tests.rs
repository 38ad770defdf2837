use bytes::Bytes;
use model::{Dialect, KeyValue, Value};
use proptest::prelude::*;

use super::*;
use crate::arbitrary;

fn round_trip(span: &Span) -> Span {
    let mut out = b"before".to_vec();
    let at = out.len();
    encode_resource(&span.resource, &mut out);
    let resource_end = out.len();
    encode_scope(&span.scope, &mut out);
    let scope_end = out.len();
    encode_span(span, &mut out);
    let span_end = out.len();
    out.extend_from_slice(b"behind");
    let buffer = Buffer::new(Bytes::from(out)).unwrap();
    let resource = decode_resource(&buffer, at..resource_end).unwrap();
    let scope = decode_scope(&buffer, resource_end..scope_end).unwrap();
    decode_span(
        &buffer,
        scope_end..span_end,
        Arc::new(resource),
        Arc::new(scope),
    )
    .unwrap()
}

proptest! {
    #[test]
    fn every_span_comes_back_as_it_was(span in arbitrary::span()) {
        prop_assert_eq!(
            arbitrary::by_bits(round_trip(&span)),
            arbitrary::by_bits(span)
        );
    }

    #[test]
    fn damage_is_an_error_or_another_span(span in arbitrary::span(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut out = Vec::new();
        encode_span(&span, &mut out);
        let at = at.index(out.len());
        out[at] = byte;
        let len = out.len();
        let buffer = Buffer::new(Bytes::from(out)).unwrap();
        drop(decode_span(&buffer, 0..len, Arc::default(), Arc::default()));
        prop_assert!(decode_span(&buffer, 0..len + 1, Arc::default(), Arc::default()).is_err());
    }
}

#[test]
fn a_missing_and_an_empty_service_name_differ() {
    for service_name in [None, Some("".into()), Some("a".into())] {
        let span = Span {
            resource: Arc::new(Resource {
                service_name,
                attributes: vec![KeyValue::new("service.name", 7i64)],
                ..Resource::default()
            }),
            ..Span::default()
        };
        assert_eq!(round_trip(&span), span);
    }
}

#[test]
fn an_all_zero_span_is_kept() {
    let span = Span {
        dialect: Dialect::Jaeger,
        parent_span_id: Some(model::SpanId::default()),
        attributes: vec![KeyValue::new("a", Value::Double(f64::NAN))],
        ..Span::default()
    };
    assert_eq!(
        arbitrary::by_bits(round_trip(&span)),
        arbitrary::by_bits(span)
    );
}
