//! The rules together.

use model::TraceId;

use super::testing::*;
use super::*;

#[test]
fn the_rules_run_in_order_and_once_is_enough() {
    let client = kind(span(5, 0), "client");
    let mut server = kind(span(5, 0), "server");
    server.tags.insert(0, tag("telemetry.sdk.name", "otel"));
    server.references.insert(
        0,
        wire::jaeger::Reference {
            ref_type: RefType::FollowsFrom,
            trace_id: TraceId::from_halves(0, 77),
            span_id: SpanId::from_u64(1),
        },
    );
    let mut trace = Trace {
        spans: vec![client.clone(), server, client],
        warnings: Vec::new(),
    };
    let adjuster = Adjuster::default();
    adjuster.adjust(&mut trace);
    let [client, server] = trace.spans.as_slice() else {
        panic!("{:?}", trace.spans);
    };
    assert_eq!(client.span_id, SpanId::from_u64(5));
    assert_eq!(server.span_id, SpanId::from_u64(1));
    assert_eq!(
        server.references[0].span_id,
        SpanId::from_u64(5),
        "parent first"
    );
    assert_eq!(server.tags, [tag("span.kind", "server")]);
    assert_eq!(server.process.tags, [tag("telemetry.sdk.name", "otel")]);

    let once = trace.clone();
    adjuster.adjust(&mut trace);
    assert_eq!(trace, once);
}

#[test]
fn an_empty_trace_is_left_alone() {
    let mut trace = Trace::default();
    Adjuster::default().adjust(&mut trace);
    assert_eq!(trace, Trace::default());
}
