//! Promises of reading by id.

use std::collections::HashSet;

use super::Subject;
use super::data::span;
use super::reads::everything;
use crate::port::{Completeness, OperationQuery, ReadContext};

/// Traces come in the order asked for, unknown ids are skipped, an id that is asked for twice comes once.
pub async fn traces_come_in_the_order_asked_for(s: Subject) {
    s.store((1..=5).map(|trace| span(trace, trace)).collect())
        .await;
    let answer = s.get(&ReadContext::default(), &[4, 99, 2, 5, 2, 98]).await;
    assert_eq!(answer.numbers(), [4, 2, 5]);
    assert_eq!(answer.spans(), 3);
    assert_eq!(answer.completeness, Completeness::Complete);
    let none = s.get(&ReadContext::default(), &[]).await;
    assert!(none.traces.is_empty());
}

/// An instance that nobody wrote to is empty, not an error.
pub async fn an_instance_without_spans_is_empty(s: Subject) {
    let cx = ReadContext::default();
    assert!(s.trace(1).await.is_empty());
    assert!(s.find(&everything()).await.traces.is_empty());
    let reader = s.reader();
    assert!(reader.get_services(&cx).await.unwrap().is_empty());
    let query = OperationQuery::default();
    assert!(reader.get_operations(&cx, &query).await.unwrap().is_empty());
    let calls = s.dependencies().get_dependencies(&cx, 0, u64::MAX).await;
    assert!(calls.unwrap().is_empty());
}

/// What comes later belongs to the trace as what came first, and is seen at once.
pub async fn a_trace_grows_over_batches(s: Subject) {
    let mut spans = Vec::new();
    for id in 1..=30 {
        spans.push(span(1, id));
        s.store(vec![span(1, id), span(1000 + id, id)]).await;
        assert_eq!(s.texts(&s.trace(1).await), s.stored(&spans));
    }
}

/// A trace of 20,000 spans, interleaved with others, comes whole, each span once, and not in one piece.
pub async fn a_big_trace_comes_in_chunks(s: Subject) {
    const SPANS: u64 = 20_000;
    for start in (1..=SPANS).step_by(1_000) {
        let mut spans: Vec<_> = (start..start + 1_000).map(|id| span(1, id)).collect();
        spans.extend((0..10).map(|id| span(2, start + id)));
        s.store(spans).await;
    }
    let got = s.get(&ReadContext::default(), &[2, 1]).await;
    let found = s.find(&everything()).await;
    for answer in [got, found] {
        assert_eq!(answer.completeness, Completeness::Complete);
        assert_eq!(answer.traces.len(), 2);
        let big = answer.traces.iter().find(|(id, _)| id.low() == 1);
        let big = &big.expect("it is there").1;
        let ids: HashSet<_> = big.iter().map(|s| s.span_id).collect();
        assert_eq!((big.len(), ids.len()), (SPANS as usize, SPANS as usize));
        assert!(
            answer.largest_item < SPANS as usize,
            "an item of {} spans",
            answer.largest_item
        );
    }
}
