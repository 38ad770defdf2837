use bytes::Bytes;

use super::*;

#[test]
fn an_empty_message_is_a_span_without_ids() {
    let span = decode_span(Bytes::new()).unwrap();
    assert!(span.trace_id.is_zero() && span.resource.service_name.is_none());
    assert!(decode_post_spans(Bytes::new()).unwrap().spans.is_empty());
}
