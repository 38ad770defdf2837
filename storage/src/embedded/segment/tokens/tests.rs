//! Taken apart or span by span, no tag is lost.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::embedded::segment::Operation;
use crate::embedded::segment::shred::take_apart;
use crate::embedded::segment::strip::strip;

/// What sealing gathers of `spans`, each with a resource and an operation of its own.
fn gathered(spans: &[Span]) -> (Vec<Row>, Vec<Operation>, Vec<Group>, Vec<u8>) {
    let (mut operations, mut groups, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    let rows = spans.iter().zip(0..).map(|(span, number)| {
        let mut group = Group {
            resource: Vec::new(),
            scope: Vec::new(),
        };
        record::encode_resource(&span.resource, &mut group.resource);
        record::encode_scope(&span.scope, &mut group.scope);
        groups.push(group);
        operations.push(Operation {
            service: span.resource.service_name().to_owned(),
            kind: span.kind,
            name: span.name.as_str().to_owned(),
        });
        let (mut bytes, from) = (Vec::new(), payloads.len());
        record::encode_span(span, &mut bytes);
        strip(&bytes, span.start_ns, 0, &mut payloads).unwrap();
        Row {
            trace_id: span.trace_id,
            span_id: span.span_id.to_u64(),
            start_ns: span.start_ns,
            operation: number,
            group: number,
            offset: from as u32,
            len: (payloads.len() - from) as u32,
            ..Row::default()
        }
    });
    (rows.collect(), operations, groups, payloads)
}

proptest! {
    #[test]
    fn every_tag_that_a_span_has_is_found(spans in vec(wire::arbitrary::span(), 1..12)) {
        let (rows, operations, groups, payloads) = gathered(&spans);
        let material = Material { operations: &operations, groups: &groups, payloads: &payloads };
        let (mut decoded, mut malformed) = (Groups::default(), 0);
        let mut apart = Tokens::of_rows(rows.len());
        apart.add_rows(&rows, &material, &mut decoded, &mut malformed).unwrap();
        let ends: Vec<u32> = rows.iter().map(|row| row.offset + row.len).collect();
        apart.add_apart(&take_apart(&payloads, &ends).unwrap()).unwrap();
        let mut each = Tokens::of_rows(rows.len());
        each.add_spans(&rows, &material, &mut decoded, &mut malformed).unwrap();
        prop_assert_eq!(malformed, 0);
        for token in &each.hashes {
            prop_assert!(apart.hashes.find(*token, |t| t == token).is_some());
        }
        if spans.iter().all(|s| s.dialect == Dialect::Otlp) {
            // an event's name beside an attribute of that name, and resources, which no span repeats
            let more = spans.iter().map(|s| s.resource.attributes.len() + s.events.len());
            prop_assert!(apart.hashes.len() <= each.hashes.len() + more.sum::<usize>());
        }
        for span in &spans {
            let mut has = Tokens::of_rows(1);
            has.add_span(span);
            tags::for_each_process_tag(&span.resource, |key, value| {
                has.insert(filter::token(key.as_str(), &value.to_text()));
            });
            let filter = apart.filter();
            prop_assert!(has.hashes.iter().all(|t| filter.may_hold(*t)));
        }
    }
}

#[test]
fn a_span_that_does_not_decode_is_counted_and_costs_no_other_its_tags() {
    let spans = [Span {
        attributes: vec![model::KeyValue::new("key", "value")],
        ..Span::default()
    }];
    let (mut rows, operations, groups, mut payloads) = gathered(&spans);
    // a status that is no message
    rows.push(Row {
        offset: payloads.len() as u32,
        len: 3,
        ..rows[0]
    });
    payloads.extend_from_slice(&[0x7a, 1, 0xff]);
    let material = Material {
        operations: &operations,
        groups: &groups,
        payloads: &payloads,
    };
    let ends: Vec<u32> = rows.iter().map(|row| row.offset + row.len).collect();
    let mut tokens = Tokens::of_rows(2);
    let apart = take_apart(&payloads, &ends);
    assert!(apart.and_then(|apart| tokens.add_apart(&apart)).is_none());
    let mut malformed = 0;
    tokens
        .add_spans(&rows, &material, &mut Groups::default(), &mut malformed)
        .unwrap();
    assert_eq!(malformed, 1);
    assert!(tokens.filter().may_hold(filter::token("key", "value")));
}
