//! Summaries of the traces that answer a search, made while their spans are read.
//!
//! In: a search. Out: its summaries, one by one, then whether there were all. One trace is open at a time, as an [`Outline`]; a large one is summed up on a thread that may be held.

use model::TraceId;
use storage::{Completeness, ReadError, TraceQuery};

use super::summary::{Outline, TraceSummary};
use crate::Adjuster;
use crate::service::{Answer, Call, Traces, off_thread};

/// Summaries while they are read.
pub(crate) struct Summaries<'a> {
    traces: Traces<'a>,
    adjuster: Option<Adjuster>,
    open: Option<Outline>,
}

/// All summaries of the traces that answer `query`, each made into what is sent of it.
pub(crate) async fn find<T>(
    call: &mut Call<'_>,
    query: TraceQuery,
    adjuster: Option<Adjuster>,
    make: impl Fn(&TraceSummary) -> T,
) -> Result<Answer<T>, ReadError> {
    let search = call.search(query).await?;
    let found = all(Summaries::new(search.outlines(), adjuster), make).await;
    search.answer(found)
}

async fn all<T>(
    mut summaries: Summaries<'_>,
    make: impl Fn(&TraceSummary) -> T,
) -> Result<(Vec<(TraceId, T)>, Completeness), ReadError> {
    let mut made = Vec::new();
    while let Some(summary) = summaries.next().await? {
        made.push((summary.trace_id, make(&summary)));
    }
    Ok((made, summaries.completeness()))
}

async fn summary(of: Outline, adjuster: Option<Adjuster>) -> Result<TraceSummary, ReadError> {
    off_thread(of.trace_id(), of.len(), move || of.summary(adjuster)).await
}

// === impl Summaries ===

impl<'a> Summaries<'a> {
    /// Of traces that come as outlines. Without `adjuster`: as they were sent.
    pub(crate) fn new(traces: Traces<'a>, adjuster: Option<Adjuster>) -> Self {
        Self {
            traces,
            adjuster,
            open: None,
        }
    }

    /// The next; `None` at the end. One that is cut short is that of the spans that came.
    pub(crate) async fn next(&mut self) -> Result<Option<TraceSummary>, ReadError> {
        while let Some(piece) = self.traces.next_piece().await? {
            match &mut self.open {
                Some(open) if open.trace_id() == piece.trace_id => open.add(&piece.spans),
                open => {
                    let mut next = Outline::of(piece.trace_id);
                    next.add(&piece.spans);
                    if let Some(whole) = open.replace(next) {
                        return summary(whole, self.adjuster).await.map(Some);
                    }
                }
            }
        }
        match self.open.take() {
            Some(last) => summary(last, self.adjuster).await.map(Some),
            None => Ok(None),
        }
    }

    /// How many traces have begun.
    pub(crate) fn count(&self) -> usize {
        self.traces.count()
    }

    /// Whether there were all, once there are no more.
    pub(crate) fn completeness(&self) -> Completeness {
        self.traces.completeness()
    }
}
