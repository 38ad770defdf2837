//! Puts the parent first among the references, where web UIs look for it.
//!
//! Rule: the first `CHILD_OF` in the span's own trace, else the first reference of any kind there, changes places with the first.
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster parent_reference.go`.

use wire::jaeger::Span;

use super::adjustable::parent_position;

pub(super) fn adjust(spans: &mut [Span]) {
    for span in spans {
        if let Some(at) = parent_position(span) {
            span.references.swap(0, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{RefType, SpanId, TraceId};
    use wire::jaeger::Reference;

    use super::super::testing::*;
    use super::*;

    #[track_caller]
    fn check(references: &[(RefType, u64, u64)], expect: &[u64]) {
        let mut spans = vec![span(1, 0)];
        spans[0].references = references
            .iter()
            .map(|&(ref_type, trace, id)| Reference {
                ref_type,
                trace_id: TraceId::from_halves(0, trace),
                span_id: SpanId::from_u64(id),
            })
            .collect();
        adjust(&mut spans);
        let ids: Vec<_> = spans[0]
            .references
            .iter()
            .map(|r| r.span_id.to_u64())
            .collect();
        assert_eq!(ids, expect);
    }

    #[test]
    fn the_parent_changes_places_with_the_first() {
        use RefType::{ChildOf, FollowsFrom};
        check(&[], &[]);
        check(
            &[
                (FollowsFrom, TRACE, 1),
                (FollowsFrom, 9, 2),
                (ChildOf, TRACE, 3),
            ],
            &[3, 2, 1],
        );
        check(&[(ChildOf, 9, 1), (FollowsFrom, TRACE, 2)], &[2, 1]);
        check(&[(ChildOf, 9, 1), (FollowsFrom, 9, 2)], &[1, 2]);
        check(&[(ChildOf, TRACE, 1), (ChildOf, TRACE, 2)], &[1, 2]);
    }
}
