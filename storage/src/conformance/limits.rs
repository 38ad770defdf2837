//! Promises of [`ReadContext`]: bounds, deadlines, callers that go away.

use std::time::{Duration, Instant};

use super::Subject;
use super::data::{S, later, span};
use super::reads::{collect, everything, ids};
use crate::port::{Completeness, OperationQuery, ReadContext, ReadError, ReadLimits};

/// Ten traces of ten spans, the first the oldest.
async fn fill(s: &Subject) {
    let spans = |trace: u64| (1..=10).map(move |id| later(span(trace, id), trace * S));
    s.store((1..=10).flat_map(spans).collect()).await;
}

fn limited(limits: ReadLimits) -> ReadContext {
    ReadContext {
        limits,
        ..ReadContext::default()
    }
}

const ALL: [u64; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// More traces than allowed: those that are given are whole, and the answer says that it was cut.
pub async fn an_answer_is_cut_at_its_traces(s: Subject) {
    fill(&s).await;
    let with = |traces| {
        limited(ReadLimits {
            traces,
            ..ReadLimits::default()
        })
    };
    let cut = s.get(&with(3), &ALL).await;
    assert!(cut.is_partial(), "{:?}", cut.completeness);
    assert_eq!((cut.numbers(), cut.spans()), (vec![1, 2, 3], 30));
    let found = collect(s.reader().find_traces(&with(3), &everything())).await;
    let found = found.unwrap();
    assert!(found.is_partial(), "{:?}", found.completeness);
    assert_eq!((found.numbers(), found.spans()), (vec![10, 9, 8], 30));
    // what just fits is whole, and what is not there does not count
    let whole = s.get(&with(3), &[1, 99, 2, 3, 98]).await;
    assert_eq!(whole.completeness, Completeness::Complete);
    assert_eq!(whole.numbers(), [1, 2, 3]);
}

/// More spans than allowed: as many are given, and the answer says that it was cut.
pub async fn an_answer_is_cut_at_its_spans(s: Subject) {
    fill(&s).await;
    let with = |spans| {
        limited(ReadLimits {
            spans,
            ..ReadLimits::default()
        })
    };
    let cut = s.get(&with(25), &ALL).await;
    assert!(cut.is_partial(), "{:?}", cut.completeness);
    assert_eq!((cut.traces.len(), cut.spans()), (3, 25));
    let found = collect(s.reader().find_traces(&with(25), &everything())).await;
    let found = found.unwrap();
    assert!(found.is_partial(), "{:?}", found.completeness);
    assert_eq!((found.traces.len(), found.spans()), (3, 25));
    let whole = s.get(&with(100), &ALL).await;
    assert_eq!(whole.completeness, Completeness::Complete);
}

/// More bytes than allowed: the answer is shorter, and says that it was cut.
pub async fn an_answer_is_cut_at_its_bytes(s: Subject) {
    fill(&s).await;
    let with = |bytes| {
        limited(ReadLimits {
            bytes,
            ..ReadLimits::default()
        })
    };
    let cx = with(20 * span(1, 1).size());
    let cut = s.get(&cx, &ALL).await;
    assert!(cut.is_partial(), "{:?}", cut.completeness);
    assert!((1..=20).contains(&cut.spans()), "{} spans", cut.spans());
    let found = collect(s.reader().find_traces(&cx, &everything())).await;
    let found = found.unwrap();
    assert!(found.is_partial(), "{:?}", found.completeness);
    assert!((1..=20).contains(&found.spans()), "{} spans", found.spans());
    let whole = s.get(&with(usize::MAX), &ALL).await;
    assert_eq!(whole.completeness, Completeness::Complete);
}

/// More ids than allowed: the newest are given. The query's own limit does not make an answer partial.
pub async fn found_ids_are_cut_at_their_traces(s: Subject) {
    fill(&s).await;
    let (reader, query) = (s.reader(), everything());
    let cx = limited(ReadLimits {
        traces: 4,
        ..ReadLimits::default()
    });
    let numbers = |found: &crate::port::Found| -> Vec<u64> {
        found.traces.iter().map(|f| f.trace_id.low()).collect()
    };
    let cut = reader.find_trace_ids(&cx, &query).await.unwrap();
    assert!(matches!(cut.completeness, Completeness::Partial { .. }));
    assert_eq!(numbers(&cut), [10, 9, 8, 7]);
    let own = crate::query::TraceQuery { limit: 4, ..query };
    let whole = reader.find_trace_ids(&cx, &own).await.unwrap();
    assert_eq!(whole.completeness, Completeness::Complete);
    assert_eq!(numbers(&whole), [10, 9, 8, 7]);
}

/// Every read with a cancelled context is an error.
pub async fn a_cancelled_read_ends(s: Subject) {
    let cx = ReadContext::default();
    cx.cancelled.cancel();
    all_are_cancelled(&s, &cx).await;
}

/// Every read past its deadline is an error.
pub async fn a_read_past_its_deadline_ends(s: Subject) {
    let now = Instant::now();
    let cx = ReadContext {
        deadline: Some(now.checked_sub(Duration::from_millis(1)).unwrap_or(now)),
        ..ReadContext::default()
    };
    all_are_cancelled(&s, &cx).await;
}

async fn all_are_cancelled(s: &Subject, cx: &ReadContext) {
    fill(s).await;
    let (reader, all, query) = (s.reader(), ids(&ALL), everything());
    let errors = [
        collect(reader.get_traces(cx, &all)).await.err(),
        collect(reader.find_traces(cx, &query)).await.err(),
        reader.find_trace_ids(cx, &query).await.err(),
        reader.get_services(cx).await.err(),
        reader
            .get_operations(cx, &OperationQuery::default())
            .await
            .err(),
        s.dependencies()
            .get_dependencies(cx, 0, u64::MAX)
            .await
            .err(),
    ];
    for error in errors {
        assert!(matches!(error, Some(ReadError::Cancelled(_))), "{error:?}");
    }
}
