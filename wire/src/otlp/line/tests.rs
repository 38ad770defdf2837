use std::sync::Arc;

use model::{Dialect, Resource, Scope, SpanId, TraceId};
use proptest::prelude::*;

use super::*;
use crate::arbitrary;

/// Spans as a store holds them: each has a service and ids.
fn stored() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec(arbitrary::span(), 0..6).prop_map(|mut spans| {
        for (span, id) in spans.iter_mut().zip(1..) {
            span.trace_id = TraceId::from_halves(1, 1);
            // some share an id and a start
            span.span_id = SpanId::from_u64(id / 2 + 1);
            span.start_ns %= 3;
            span.parent_span_id = span.parent_span_id.filter(|id| !id.is_zero());
            let mut resource = Resource::clone(&span.resource);
            resource.service_name.get_or_insert_with(|| "svc".into());
            span.resource = Arc::new(resource);
        }
        spans
    })
}

fn again(line: &[u8]) -> Vec<Span> {
    let decoded = decode(&Bytes::copy_from_slice(line)).unwrap();
    assert!(decoded.rejected.is_empty(), "{:?}", decoded.rejected);
    decoded.spans
}

proptest! {
    #[test]
    fn a_line_read_and_written_again_is_the_same_whatever_the_order(spans in stored()) {
        let line = encode(&spans);
        let mut read = again(&line);
        prop_assert_eq!(read.len(), spans.len());
        prop_assert_eq!(encode(&read), line.clone());
        read.reverse();
        // as if each came from another file
        for span in &mut read {
            span.resource = Arc::new(Resource::clone(&span.resource));
            span.scope = Arc::new(Scope::clone(&span.scope));
        }
        prop_assert_eq!(encode(&read), line);
    }

    #[test]
    fn what_was_otlp_comes_back_as_it_was(mut spans in stored()) {
        spans.iter_mut().for_each(|span| {
            span.dialect = Dialect::Otlp;
            for link in &mut span.links {
                // OTLP has no type of reference: it follows from what the link names
                link.ref_type = model::RefType::default();
            }
            crate::otlp::tests::one_nan(span);
        });
        let key = |span: &Span| format!("{span:?}");
        let mut expect: Vec<_> = spans.iter().map(key).collect();
        let mut found: Vec<_> = again(&encode(&spans)).iter().map(key).collect();
        expect.sort();
        found.sort();
        prop_assert_eq!(found, expect);
    }
}

#[test]
fn a_line_without_spans_is_told() {
    for line in [
        "{}",
        r#"{"resourceLogs":[]}"#,
        r#"{"data":[{"traceID":"1"}]}"#,
    ] {
        let error = decode(&Bytes::from(line)).unwrap_err().to_string();
        assert!(error.contains("resourceSpans"), "{error}");
    }
    assert!(
        decode(&Bytes::from(r#"{"resourceSpans":[]}"#))
            .unwrap()
            .spans
            .is_empty()
    );
}

#[test]
fn a_clients_own_attribute_of_that_name_stays_where_it_was() {
    let line = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"01000000000000000000000000000001","spanId":"0100000000000001",
        "attributes":[{"key":"@jaeger@warnings","value":{"stringValue":"x"}}]}]}]}]}"#;
    let span = again(line.as_bytes()).remove(0);
    assert!(span.warnings.is_empty());
    assert_eq!(span.attributes.len(), 1);
}
