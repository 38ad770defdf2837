//! A search, from its turn to its end: what every protocol's is bound by.
//!
//! In: a query. Out: the traces that answer it as they are read, and what the end of the answer says. A search may take less time than other requests: whoever looks for
//! traces waits in front of a list, and clients of Jaeger's give up after four or five seconds. What was found by then is the answer.

use model::TraceId;
use storage::{Completeness, Found, ReadError, TraceQuery};

use super::{Answer, Bound, Call, Prepare, Traces, Turn};
use crate::metrics::Timer;

/// A search whose turn it is.
pub(crate) struct Searching<'a> {
    call: &'a Call<'a>,
    query: TraceQuery,
    /// What was asked for, which may be above the service's limit.
    asked: usize,
    turn: Turn,
    timer: Timer<'a>,
}

// === impl Call ===

impl Call<'_> {
    /// Begins to search, when it is its turn and within the time of a search. A limit beyond the service's is brought down to it.
    pub(crate) async fn search(
        &mut self,
        mut query: TraceQuery,
    ) -> Result<Searching<'_>, ReadError> {
        let bound = Bound::Setting("query.search-timeout", self.service.search_timeout);
        self.bound = self.bound.or_sooner(Some(bound));
        self.cx.deadline = self.began.checked_add(self.bound.time());
        let asked = query.limit;
        query.limit = asked.min(self.cx.limits.traces);
        let call: &Self = self;
        Ok(Searching {
            turn: call.turn().await?,
            timer: call.timer("find_traces"),
            call,
            query,
            asked,
        })
    }

    /// The ids of the traces that answer `query`.
    pub(crate) async fn find_trace_ids(&mut self, query: TraceQuery) -> Result<Found, ReadError> {
        let search = self.search(query).await?;
        let mut found = search.ids().await;
        let _turn = search.end(&mut found, |found| {
            (found.traces.len(), &mut found.completeness)
        });
        found
    }
}

// === impl Searching ===

impl Searching<'_> {
    /// Begins to read the traces that were found.
    pub(crate) fn traces(&self) -> Traces<'_> {
        let reader = &self.call.readers.traces;
        Traces::new(self.call, reader.find_traces(&self.call.cx, &self.query))
    }

    /// The same of whoever counts their spans and holds none.
    pub(crate) fn outlines(&self) -> Traces<'_> {
        let reader = &self.call.readers.traces;
        Traces::new(self.call, reader.find_outlines(&self.call.cx, &self.query))
    }

    async fn ids(&self) -> Result<Found, ReadError> {
        let call = self.call;
        let reader = &call.readers.traces;
        let found = call.within(reader.find_trace_ids(&call.cx, &self.query));
        found.await.unwrap_or_else(|| Err(call.late()))
    }

    /// Reads all of them.
    pub(super) async fn collect<T: Send + 'static>(
        &self,
        prepare: Prepare<T>,
    ) -> Result<(Vec<(TraceId, T)>, Completeness), ReadError> {
        self.traces().collect(prepare).await
    }

    /// Ends the search with all that was found.
    pub(crate) fn answer<T>(
        self,
        mut found: Result<(Vec<(TraceId, T)>, Completeness), ReadError>,
    ) -> Result<Answer<T>, ReadError> {
        let turn = self.end(&mut found, |(traces, end)| (traces.len(), end));
        let (traces, completeness) = found?;
        Ok(Answer {
            traces,
            completeness,
            archived: false,
            turn,
        })
    }

    /// Ends the search: `end` shows how many traces were found, and whether that is all, which it may not be where more were asked for than the service gives.
    pub(crate) fn end<T>(
        self,
        found: &mut Result<T, ReadError>,
        end: impl FnOnce(&mut T) -> (usize, &mut Completeness),
    ) -> Turn {
        self.timer.end(found);
        let (asked, most) = (self.asked, self.call.cx.limits.traces);
        if let Ok(found) = found {
            let (count, completeness) = end(found);
            if *completeness == Completeness::Complete && asked > most && count >= most {
                *completeness = Completeness::Partial {
                    reason: format!("limit {asked} is above query.max-traces={most}"),
                };
                self.call.service.metrics.cut();
            }
        }
        self.turn
    }
}
