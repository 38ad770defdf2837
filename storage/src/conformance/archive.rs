//! Promises of [`Archive`], for stores that have one.

use model::{Batch, Instance};

use super::Subject;
use super::data::{full_jaeger, full_otlp, span};
use super::reads::{everything, ids};
use crate::port::{Archive, Completeness, ReadContext, ReadItem, TraceReader};

/// What was kept of these traces.
async fn kept(s: &Subject, reader: &dyn TraceReader, traces: &[u64]) -> Vec<String> {
    use futures_util::StreamExt as _;
    let (cx, ids) = (ReadContext::default(), ids(traces));
    let mut items = reader.get_traces(&cx, &ids);
    let mut spans = Vec::new();
    loop {
        match items.next().await.expect("an end").expect("it is read") {
            ReadItem::Spans(some) => spans.extend(some),
            ReadItem::End(completeness) => {
                assert_eq!(completeness, Completeness::Complete);
                return s.texts(&spans);
            }
        }
    }
}

/// A store has an archive when it says so; what is kept there comes back whole, once, to its instance alone, and is no part of the store.
pub async fn traces_are_kept_where_the_store_says_so(s: Subject) {
    let says = s.backend.capabilities().archive;
    let archive = s.backend.archive();
    assert_eq!(archive.is_some(), says);
    let Some(archive) = archive else {
        return;
    };
    let own = Instance::default();
    let other = Instance::new("other", "jaeger").unwrap();
    let spans = vec![full_otlp(1, 1), full_jaeger(1, 2), span(1, 3)];
    for _ in 0..2 {
        let batch = Batch::new(own.clone(), spans.clone(), 0);
        archive.keep(batch).await.expect("it is kept");
    }
    s.settle().await;
    let archive: &dyn Archive = &*archive;
    let reader = archive.reader(&own).expect("something was kept");
    assert_eq!(kept(&s, &*reader, &[1]).await, s.stored(&spans));
    assert!(kept(&s, &*reader, &[2]).await.is_empty());
    if let Some(reader) = archive.reader(&other) {
        assert!(kept(&s, &*reader, &[1]).await.is_empty());
    }
    assert!(s.trace(1).await.is_empty());
    assert!(s.find(&everything()).await.traces.is_empty());
}
