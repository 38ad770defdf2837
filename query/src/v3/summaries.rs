//! Summaries of the traces that answer a search, made while their spans are read.
//!
//! In: a search. Out: its summaries, one by one, then whether there were all. One trace is open at a time, as an [`Outline`]; a large one is summed up on a thread that may be held.

use model::{Span, TraceId};
use storage::query::Place;
use storage::{Completeness, ReadError, TraceQuery};

use super::summary::{Outline, TraceSummary};
use crate::Adjuster;
use crate::service::{Answer, Call, Traces, off_thread};

/// Summaries while they are read.
pub(crate) struct Summaries<'a> {
    traces: Traces<'a>,
    adjuster: Option<Adjuster>,
    open: Option<Outline>,
    /// What says where the traces stand, for who asks for pages.
    query: Option<TraceQuery>,
    /// Where the one that is open stands, and the last one that was whole.
    places: (Option<Place>, Option<Place>),
}

/// All summaries of the traces that answer `query`, each made into what is sent of it.
pub(crate) async fn find<T>(
    call: &mut Call<'_>,
    query: TraceQuery,
    adjuster: Option<Adjuster>,
    make: impl Fn(&TraceSummary) -> T,
) -> Result<Answer<T>, ReadError> {
    let search = call.search(query).await?;
    let found = all(&mut Summaries::new(search.outlines(), adjuster), make).await;
    search.answer(found)
}

/// As [`find`]; also the place to begin the next page after. `None`: there is none, or no trace was whole.
pub(crate) async fn find_page<T>(
    call: &mut Call<'_>,
    query: TraceQuery,
    adjuster: Option<Adjuster>,
    make: impl Fn(&TraceSummary) -> T,
) -> Result<(Answer<T>, Option<Place>), ReadError> {
    let search = call.search(query.clone()).await?;
    // outlines have no tags to see by which span a trace was found
    let traces = match query.filter.is_always_true() {
        true => search.outlines(),
        false => search.traces(),
    };
    let mut summaries = Summaries::new(traces, adjuster);
    summaries.query = Some(query.clone());
    let found = all(&mut summaries, make).await;
    let last = summaries.places.1;
    drop(summaries);
    let answer = search.answer(found)?;
    let next = call.next_page(&query, answer.traces.len(), &answer.completeness, last);
    Ok((answer, next))
}

async fn all<T>(
    summaries: &mut Summaries<'_>,
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
            query: None,
            places: (None, None),
        }
    }

    /// The next; `None` at the end. One that is cut short is that of the spans that came.
    pub(crate) async fn next(&mut self) -> Result<Option<TraceSummary>, ReadError> {
        while let Some(piece) = self.traces.next_piece().await? {
            match &mut self.open {
                Some(open) if open.trace_id() == piece.trace_id => {
                    open.add(&piece.spans);
                    self.see(&piece.spans);
                }
                open => {
                    let mut next = Outline::of(piece.trace_id);
                    next.add(&piece.spans);
                    let whole = open.replace(next);
                    self.closes();
                    self.see(&piece.spans);
                    if let Some(whole) = whole {
                        return summary(whole, self.adjuster).await.map(Some);
                    }
                }
            }
        }
        if self.traces.completeness() == Completeness::Complete {
            self.closes();
        }
        match self.open.take() {
            Some(last) => summary(last, self.adjuster).await.map(Some),
            None => Ok(None),
        }
    }

    /// Notes where the open trace stands by these spans of it.
    fn see(&mut self, spans: &[Span]) {
        let Some(query) = &self.query else {
            return;
        };
        self.places.0 = match (self.places.0, query.place(spans)) {
            (Some(known), Some(new)) if query.order.compare(&new, &known).is_lt() => Some(new),
            (known, new) => known.or(new),
        };
    }

    /// The open trace, if there is one, is whole.
    fn closes(&mut self) {
        if let Some(place) = self.places.0.take() {
            self.places.1 = Some(place);
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
