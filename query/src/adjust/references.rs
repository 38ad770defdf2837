//! Drops references that name no trace.
//!
//! Rule: a reference whose trace id is all zero is removed, with a warning that says what it was.
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster bad_span_references.go`; the reference reads as Go prints the structure.

use model::{RefType, Str};
use wire::jaeger::{Reference, Span};

pub(super) fn adjust(spans: &mut [Span]) {
    for span in spans {
        let warnings = &mut span.warnings;
        span.references.retain(|reference| {
            let valid = !reference.trace_id.is_zero();
            if !valid {
                warnings.push(warning(reference));
            }
            valid
        });
    }
}

fn warning(reference: &Reference) -> Str {
    let Reference {
        ref_type,
        trace_id,
        span_id,
    } = reference;
    let ref_type = match ref_type {
        RefType::ChildOf => "CHILD_OF",
        RefType::FollowsFrom => "FOLLOWS_FROM",
    };
    Str::from(format!(
        "Invalid span reference removed {{TraceID:{trace_id} SpanID:{span_id} RefType:{ref_type}}}"
    ))
}

#[cfg(test)]
mod tests {
    use model::{SpanId, TraceId};

    use super::super::testing::*;
    use super::*;

    #[test]
    fn references_without_a_trace_go_with_a_warning() {
        let mut spans = vec![span(2, 1)];
        spans[0].references.insert(
            0,
            Reference {
                ref_type: RefType::FollowsFrom,
                trace_id: TraceId::default(),
                span_id: SpanId::from_u64(0xa),
            },
        );
        adjust(&mut spans);
        assert_eq!(spans[0].references.len(), 1);
        assert_eq!(
            spans[0].warnings,
            [Str::from(
                "Invalid span reference removed {TraceID:0000000000000000 SpanID:000000000000000a RefType:FOLLOWS_FROM}"
            )]
        );
    }
}
