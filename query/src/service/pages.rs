//! A search, page by page: what was found, and where the next page begins.
//!
//! In: a query with its order and the place to begin after. Out: prepared traces, and the place of the last of them where more may follow. Nothing is
//! kept between pages. A trace that may be short is given, and comes again on the next page: where it stands is known when it is whole.

use std::sync::Arc;

use storage::query::Place;
use storage::{Completeness, ReadError, TraceQuery};

use super::{Answer, Call, Prepare};

// === impl Call ===

impl Call<'_> {
    /// As [`Call::find_traces`]; also the place to begin the next page after. `None`: there is none, or no trace was whole.
    pub async fn find_page<T: Send + 'static>(
        &mut self,
        query: &TraceQuery,
        prepare: Prepare<T>,
    ) -> Result<(Answer<T>, Option<Place>), ReadError> {
        let of = query.clone();
        let placed: Prepare<(Option<Place>, T)> = Arc::new(move |trace| {
            let is_whole = trace.short.is_none();
            let place = is_whole.then(|| of.place(&trace.spans)).flatten();
            (place, prepare(trace))
        });
        let found = self.find_traces(query, placed).await?;
        let count = found.traces.len();
        let mut last = None;
        let mut traces = Vec::with_capacity(found.traces.len());
        for (id, (place, trace)) in found.traces {
            last = place.or(last);
            traces.push((id, trace));
        }
        let answer = Answer {
            traces,
            completeness: found.completeness,
            archived: found.archived,
            turn: found.turn,
        };
        let next = self.next_page(query, count, &answer.completeness, last);
        Ok((answer, next))
    }

    /// The place to begin the next page after, behind one of so many traces, the last whole one of which stands at `last`.
    pub(crate) fn next_page(
        &self,
        query: &TraceQuery,
        count: usize,
        completeness: &Completeness,
        last: Option<Place>,
    ) -> Option<Place> {
        let is_full = count >= query.limit.min(self.cx.limits.traces);
        last.filter(|_| is_full || *completeness != Completeness::Complete)
    }
}
