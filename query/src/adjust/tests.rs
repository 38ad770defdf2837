//! The rules together.

use model::{RefType, SpanId, TraceId};
use proptest::collection::vec;
use proptest::prelude::*;

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

/// Few ids, hosts and kinds, so that circles, doubles and missing parents are common.
fn any_span() -> impl Strategy<Value = Span> {
    let reference = (any::<bool>(), 0..3_u64, 0..6_u64);
    let kinds = prop_oneof![Just("client"), Just("server"), Just("internal")];
    let times = (0..5_000_u64, 0..5_000_u64, any::<bool>());
    (0..6_u64, vec(reference, 0..4), kinds, times, 0..3_i64).prop_map(
        |(id, references, word, (start_us, duration_us, extreme), host)| {
            let mut span = kind(span(id, 0), word);
            span.references = references
                .into_iter()
                .map(|(child, trace, id)| wire::jaeger::Reference {
                    ref_type: if child {
                        RefType::ChildOf
                    } else {
                        RefType::FollowsFrom
                    },
                    trace_id: TraceId::from_halves(0, trace),
                    span_id: SpanId::from_u64(id),
                })
                .collect();
            span.start_ns = if extreme { u64::MAX } else { start_us * 1000 };
            span.duration_ns = if extreme {
                u64::MAX
            } else {
                duration_us * 1000
            };
            span.logs = vec![log(span.start_ns, vec![tag("b", 1), tag("event", "e")])];
            span.process = process("s", vec![tag("ip", host), tag("x", f64::NAN)]);
            span
        },
    )
}

proptest! {
    #[test]
    fn any_trace_is_adjusted_the_same_way_each_time(spans in vec(any_span(), 0..20), limit_ms in 0..3_u64) {
        let adjuster = Adjuster { max_clock_skew: Duration::from_millis(limit_ms) };
        let adjusted = |spans: &Vec<Span>| {
            let mut trace = Trace { spans: spans.clone(), warnings: Vec::new() };
            adjuster.adjust(&mut trace);
            trace
        };
        let (one, other) = (adjusted(&spans), adjusted(&spans));
        prop_assert_eq!(format!("{one:?}"), format!("{other:?}"));
        prop_assert!(one.spans.len() <= spans.len());
        prop_assert_eq!(one.spans.is_empty(), spans.is_empty());
        let json = crate::http::json::write(&one);
        prop_assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
    }
}
