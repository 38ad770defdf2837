//! What is encoded reads back: rows beside spans, and no bytes make the decoder panic.

use std::sync::Arc;

use bytes::Bytes;
use model::{Buffer, Instance, Resource, Scope, Span, SpanId, SpanKind, StatusCode, TraceId};
use proptest::prelude::*;
use wire::record;

use super::*;
use crate::embedded::journal::Pending;

fn payload(pending: &Pending) -> Vec<u8> {
    pending.payload(pending.payload_len()).to_vec()
}

fn spans(count: u64) -> Vec<Span> {
    let resources = [
        Arc::new(Resource::of_service("cart")),
        Arc::new(Resource::of_service("shop")),
    ];
    let scope = Arc::new(Scope::default());
    (0..count)
        .map(|n| Span {
            trace_id: TraceId::from_halves(n % 3, n / 4),
            span_id: SpanId::from_u64(n),
            parent_span_id: (n % 2 == 1).then(|| SpanId::from_u64(n - 1)),
            name: format!("op-{}", n % 5).as_str().into(),
            kind: SpanKind::from_number((n % 6) as i32),
            start_ns: u64::MAX / 7 * (n % 7),
            end_ns: u64::MAX / 7 * (n % 7) + n * n,
            status: model::Status {
                code: if n % 4 == 0 {
                    StatusCode::Error
                } else {
                    StatusCode::Ok
                },
                ..Default::default()
            },
            resource: resources[(n % 7 / 4) as usize].clone(),
            scope: scope.clone(),
            ..Span::default()
        })
        .collect()
}

fn encode(spans: &[Span]) -> Vec<Vec<u8>> {
    let instance = Instance::default();
    let mut encoder = Encoder::new(&instance, 5, 0);
    spans.iter().for_each(|s| encoder.push(s));
    encoder.finish().iter().map(payload).collect()
}

fn decode(payload: &[u8]) -> Vec<Span> {
    let record = SpanRecord::decode(payload).unwrap();
    assert_eq!(record.instance, Instance::default());
    let buffer = Buffer::new(Bytes::copy_from_slice(payload)).unwrap();
    let range = |offset: u32, len: u32| offset as usize..(offset + len) as usize;
    let mut spans = Vec::new();
    record
        .for_each_row(|row| {
            let group = record.groups[row.group as usize];
            let operation = record.operations[row.operation as usize];
            let resource =
                record::decode_resource(&buffer, range(group.resource.0, group.resource.1))
                    .unwrap();
            let scope = record::decode_scope(&buffer, range(group.scope.0, group.scope.1)).unwrap();
            assert_eq!(resource.service_name(), group.service);
            assert_eq!(
                record.groups[operation.group as usize].service,
                group.service
            );
            let span = record::decode_span(
                &buffer,
                range(row.offset, row.len),
                resource.into(),
                scope.into(),
            )
            .unwrap();
            assert_eq!(
                (row.trace_id, row.span_id, row.start_ns, row.duration_ns),
                (
                    span.trace_id,
                    span.span_id.to_u64(),
                    span.start_ns,
                    span.duration_ns()
                )
            );
            assert_eq!(
                (operation.kind, operation.name),
                (span.kind, span.name.as_str())
            );
            let parent = (row.flags & flags::PARENT != 0).then(|| SpanId::from_u64(row.parent));
            assert_eq!(parent, span.parent_span_id);
            assert_eq!(
                row.flags & flags::ERROR != 0,
                span.status.code == StatusCode::Error
            );
            spans.push(span);
        })
        .unwrap();
    assert_eq!(record.len(), spans.len() as u64);
    spans
}

#[test]
fn spans_read_back_with_rows_that_say_the_same() {
    let spans = spans(100);
    let payloads = encode(&spans);
    assert_eq!(payloads.len(), 1);
    assert_eq!(decode(&payloads[0]), spans);
}

#[test]
fn no_spans_are_no_record() {
    assert!(encode(&[]).is_empty());
}

#[test]
fn many_bytes_become_several_records_of_bounded_size() {
    let mut spans = spans(3000);
    for span in &mut spans {
        span.attributes
            .push(model::KeyValue::new("k", "x".repeat(1000).as_str()));
    }
    let payloads = encode(&spans);
    assert!(payloads.len() > 2);
    assert!(payloads.iter().all(|p| p.len() < 2 << 20));
    let decoded: Vec<_> = payloads.iter().flat_map(|p| decode(p)).collect();
    assert_eq!(decoded, spans);
}

/// The format in bytes, so that a change of it does not go unnoticed: stores of earlier versions hold these.
#[test]
fn the_format_is_what_it_was() {
    let span = Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        parent_span_id: Some(SpanId([3; 8])),
        name: "get".into(),
        kind: SpanKind::Client,
        start_ns: 0x0102,
        end_ns: 0x0102 + 300,
        resource: Arc::new(Resource::of_service("cart")),
        ..Span::default()
    };
    let payload = encode(&[span]).remove(0);
    let start = u32::from_le_bytes(*payload.last_chunk().unwrap()) as usize;
    let body = decode(&payload);
    assert_eq!(body.len(), 1);
    let index = &payload[start..payload.len() - 4];
    let mut expect = b"\x0edefault/jaeger".to_vec();
    let record = SpanRecord::decode(&payload).unwrap();
    let group = record.groups[0];
    expect.extend([1, 0, group.resource.1 as u8, group.scope.0 as u8, 0, 4]);
    expect.extend(b"cart");
    expect.extend([1, 0, 3, 3]);
    expect.extend(b"get");
    expect.extend([1, flags::PARENT]);
    expect.extend([1; 16]);
    expect.extend([2; 8]);
    expect.extend([3; 8]);
    expect.extend([2, 1, 0, 0, 0, 0, 0, 0]);
    expect.extend([0xac, 2, 0, 0]);
    expect.push(group.resource.1 as u8);
    expect.push((start as u32 - group.resource.1) as u8);
    assert_eq!(index, expect);
}

proptest! {
    #[test]
    fn damaged_payloads_never_panic(cut in 0_usize..2000, at in 0_usize..2000, with: u8) {
        let mut payload = encode(&spans(20)).remove(0);
        payload.truncate(cut.min(payload.len()));
        if let Some(byte) = payload.get_mut(at) {
            *byte ^= with;
        }
        if let Ok(record) = SpanRecord::decode(&payload) {
            let outcome = record.for_each_row(|_| {});
            prop_assert!(matches!(outcome, Ok(()) | Err(Malformed)));
        }
    }

    #[test]
    fn random_payloads_never_panic(payload: Vec<u8>) {
        if let Ok(record) = SpanRecord::decode(&payload) {
            let outcome = record.for_each_row(|_| {});
            prop_assert!(matches!(outcome, Ok(()) | Err(Malformed)));
        }
    }
}
