//! Reads whole answers, and holds every stream to what the port says of streams.

use std::sync::Arc;

use futures_util::StreamExt as _;
use model::{Instance, Span, TraceId};

use super::Subject;
use super::data::{batch, t0, text, trace_id};
use super::reduced::reduced;
use crate::port::{
    Completeness, DependencyReader, GetTrace, ReadContext, ReadError, ReadItem, TraceReader,
    TraceStream,
};
use crate::query::TraceQuery;

/// What a stream gave.
#[derive(Debug)]
pub(super) struct Answer {
    /// Each trace once, in the order given.
    pub(super) traces: Vec<(TraceId, Vec<Span>)>,
    /// The spans of the largest item.
    pub(super) largest_item: usize,
    pub(super) completeness: Completeness,
}

// === impl Subject ===

impl Subject {
    /// Writes to the default instance, and expects it to be stored.
    pub(super) async fn store(&self, spans: Vec<Span>) {
        let written = self.backend.writer().write(batch(spans)).await;
        written.expect("the batch is stored");
        self.settle().await;
    }

    /// Waits until what was written is visible. A store that says so makes it visible by itself.
    pub(super) async fn settle(&self) {
        match &self.settle {
            Some(settle) if !self.backend.capabilities().visible_at_once => settle().await,
            _ => {}
        }
    }

    /// A span as text, as far as the store promises to keep it.
    pub(super) fn text(&self, span: &Span) -> String {
        if self.backend.capabilities().lossless {
            text(span)
        } else {
            text(&reduced(span))
        }
    }

    /// Spans as text, in an order of their own, as far as the store promises to keep them.
    pub(super) fn texts(&self, spans: &[Span]) -> Vec<String> {
        let mut texts: Vec<_> = spans.iter().map(|span| self.text(span)).collect();
        texts.sort();
        texts
    }

    /// What [`Subject::texts`] are after `spans` were written. Of spans that the store keeps no difference of, one stays.
    pub(super) fn stored(&self, spans: &[Span]) -> Vec<String> {
        let mut texts = self.texts(spans);
        if !self.backend.capabilities().lossless {
            texts.dedup();
        }
        texts
    }

    pub(super) fn reader(&self) -> Arc<dyn TraceReader> {
        self.backend.reader(&Instance::default())
    }

    pub(super) fn dependencies(&self) -> Arc<dyn DependencyReader> {
        self.backend.dependencies(&Instance::default())
    }

    /// Gets traces of the default instance.
    pub(super) async fn get(&self, cx: &ReadContext, traces: &[u64]) -> Answer {
        let ids = ids(traces);
        let answer = collect(self.reader().get_traces(cx, &ids)).await;
        answer.expect("traces are read")
    }

    /// Gets one trace's spans; none when there is no such trace.
    pub(super) async fn trace(&self, trace: u64) -> Vec<Span> {
        let answer = self.get(&ReadContext::default(), &[trace]).await;
        assert_eq!(answer.completeness, Completeness::Complete);
        answer
            .traces
            .into_iter()
            .flat_map(|(_, spans)| spans)
            .collect()
    }

    /// Finds traces of the default instance; ids and traces must be the same.
    pub(super) async fn find(&self, query: &TraceQuery) -> Answer {
        let (reader, cx) = (self.reader(), ReadContext::default());
        let answer = collect(reader.find_traces(&cx, query)).await;
        let answer = answer.expect("traces are found");
        let found = reader.find_trace_ids(&cx, query).await;
        let found = found.expect("ids are found");
        let ids: Vec<_> = found.traces.iter().map(|f| f.trace_id).collect();
        assert_eq!(answer.ids(), ids, "find_trace_ids as find_traces");
        assert_eq!(found.completeness, Completeness::Complete);
        for (found, (_, spans)) in found.traces.iter().zip(&answer.traces) {
            assert_eq!(
                Some(found.place()),
                query.place(spans),
                "where the first of the spans that answer puts it"
            );
            let starts = |span: &Span| query.matches(span) && span.start_ns == found.start_ns;
            assert!(spans.iter().any(starts), "the start of a span that answers");
        }
        answer
    }

    /// The numbers of the traces that a query finds, in order.
    pub(super) async fn found(&self, query: &TraceQuery) -> Vec<u64> {
        let answer = self.find(query).await;
        assert_eq!(answer.completeness, Completeness::Complete);
        answer.numbers()
    }
}

// === impl Answer ===

impl Answer {
    pub(super) fn ids(&self) -> Vec<TraceId> {
        self.traces.iter().map(|(id, _)| *id).collect()
    }

    /// The numbers that ids were made of.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.traces.iter().map(|(id, _)| id.low()).collect()
    }

    pub(super) fn spans(&self) -> usize {
        self.traces.iter().map(|(_, spans)| spans.len()).sum()
    }

    pub(super) fn is_partial(&self) -> bool {
        matches!(&self.completeness, Completeness::Partial { reason } if !reason.is_empty())
    }
}

pub(super) fn ids(traces: &[u64]) -> Vec<GetTrace> {
    traces
        .iter()
        .map(|number| GetTrace::by_id(trace_id(*number)))
        .collect()
}

/// Everything from the day before [`t0`] to the day after, at most 1,000 traces.
pub(super) fn everything() -> TraceQuery {
    const DAY: u64 = 24 * 3600 * super::data::S;
    TraceQuery {
        start_min_ns: t0() - DAY,
        start_max_ns: t0() + DAY,
        limit: 1_000,
        ..TraceQuery::default()
    }
}

/// Reads a stream to its end.
pub(super) async fn collect(mut stream: TraceStream<'_>) -> Result<Answer, ReadError> {
    let mut traces: Vec<(TraceId, Vec<Span>)> = Vec::new();
    let mut largest_item = 0;
    let mut end = None;
    while let Some(item) = stream.next().await {
        assert!(end.is_none(), "nothing follows the end");
        match item {
            Err(error) => {
                assert!(
                    stream.next().await.is_none(),
                    "the first error is the last item"
                );
                return Err(error);
            }
            Ok(ReadItem::End(completeness)) => end = Some(completeness),
            Ok(ReadItem::Spans(spans)) => {
                let id = spans.first().expect("an item is never empty").trace_id;
                assert!(
                    spans.iter().all(|s| s.trace_id == id),
                    "an item never mixes traces"
                );
                largest_item = largest_item.max(spans.len());
                match traces.last_mut() {
                    Some((last, known)) if *last == id => known.extend(spans),
                    _ => {
                        assert!(
                            traces.iter().all(|(known, _)| *known != id),
                            "the items of a trace follow each other"
                        );
                        traces.push((id, spans));
                    }
                }
            }
        }
    }
    Ok(Answer {
        traces,
        largest_item,
        completeness: end.expect("a stream that did not fail has an end"),
    })
}
