//! Drops spans that are equal to an earlier one.
//!
//! Rule: of spans equal in everything (after the rules before this one) the first is kept, in its place. Jaeger keeps one as well, but
//! gives the rest back in random order.
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster span_hash_deduper.go`.

use std::collections::HashSet;

use wire::jaeger::Span;

use crate::fingerprint::Fingerprints;

pub(super) fn adjust(spans: &mut Vec<Span>) {
    let mut fingerprints = Fingerprints::default();
    let mut seen = HashSet::with_capacity(spans.len());
    spans.retain(|span| seen.insert(fingerprints.of_span(span)));
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn the_first_of_equal_spans_stays_in_its_place() {
        let nan = || {
            let mut span = span(3, 1);
            span.tags = vec![tag("n", f64::NAN)];
            span.process = process("other", vec![tag("a", 1)]);
            span
        };
        let mut spans = vec![span(1, 0), nan(), span(2, 1), span(1, 0), nan()];
        adjust(&mut spans);
        let ids: Vec<_> = spans.iter().map(|s| s.span_id.to_u64()).collect();
        assert_eq!(ids, [1, 3, 2]);
    }

    #[test]
    fn spans_that_differ_in_one_thing_both_stay() {
        let changes: [fn(&mut Span); 9] = [
            |s| s.flags = 1,
            |s| s.start_ns += 1,
            |s| s.duration_ns += 1,
            |s| s.operation_name = "other".into(),
            |s| s.tags = vec![tag("a", 1)],
            |s| s.tags = vec![tag("a", 1.0)],
            |s| s.logs = vec![log(1, vec![])],
            |s| s.warnings = vec!["odd".into()],
            |s| s.process = process("other", vec![]),
        ];
        let mut spans = vec![span(1, 0), span(1, 2)];
        for change in changes {
            let mut other = span(1, 0);
            change(&mut other);
            spans.push(other);
        }
        adjust(&mut spans);
        assert_eq!(spans.len(), 11);
    }
}
