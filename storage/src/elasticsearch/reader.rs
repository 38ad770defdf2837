//! Spans of one instance, read back from its indices, whichever version of Jaeger wrote them.
//!
//! In: questions of the port. Out: traces in the `Jaeger` dialect, names, calls. What failed on some shard, was cut or could not be read is said:
//! an answer is never silently short. Kinds of operations are not known (quirk 104).
//!
//! Deliberately absent: writing, and whether an archive is asked when the store has no such trace.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0.

mod measures;
mod names;
mod pages;
mod traces;
mod window;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use model::Str;

use super::closed::Closed;
use super::config::Limits;
use super::index::{Names, Series};
use super::search::{Search, Searches, Trouble, failed};
use super::store::Store;
use crate::port::{
    DependencyLink, DependencyReader, Found, FoundTrace, GetTrace, Operation, OperationQuery,
    ReadContext, ReadError, ReadItem, TraceReader, TraceStream,
};
use crate::query::TraceQuery;
use pages::Detail;
pub(super) use pages::spellings;
use traces::Traces;
use window::Window;

/// Reads from one place of one instance.
pub(crate) struct Reader {
    pub(super) searches: Searches,
    pub(super) names: Arc<Names>,
    pub(super) limits: Limits,
    closed: Arc<Closed>,
    /// One name stands for all times: there are aliases, or it is the archive.
    has_one_name: bool,
    is_archive: bool,
}

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

// === impl Reader ===

impl Reader {
    pub(crate) fn new(store: &Store) -> Self {
        let place = &store.place;
        let is_archive = place.indices.is_archive;
        Self {
            searches: Searches::of(store),
            names: store.names.clone(),
            limits: place.limits,
            closed: store.closed.clone(),
            has_one_name: place.indices.use_aliases || is_archive,
            is_archive,
        }
    }

    /// Hits of one search at most.
    fn page(&self) -> usize {
        self.limits.max_doc_count.clamp(1, 10_000)
    }

    /// The first traces that answer, one more than the answer may have.
    async fn newest(
        &self,
        cx: &ReadContext,
        query: &TraceQuery,
    ) -> Result<(Vec<FoundTrace>, Trouble), ReadError> {
        cx.check()?;
        let search = Search {
            searches: &self.searches,
            cx,
            query,
            indices: self
                .names
                .spans
                .read(query.start_min_ns, query.start_max_ns),
            page: self.page(),
        };
        let wanted = query.limit.min(cx.limits.traces.saturating_add(1));
        let (found, mut trouble) = search.newest(wanted).await.map_err(failed)?;
        let times = (query.start_min_ns, query.start_max_ns);
        trouble.add(self.left_out(cx, &self.names.spans, [times]).await);
        Ok((found, trouble))
    }

    /// What searches of `series` in these spans of time pass over, though it is there.
    pub(super) async fn left_out(
        &self,
        cx: &ReadContext,
        series: &Series,
        times: impl IntoIterator<Item = (u64, u64)>,
    ) -> Trouble {
        let client = self.searches.client();
        let closed = &self.closed;
        let left_out = closed.left_out(client, cx, &self.names, series, times);
        let mut trouble = Trouble::default();
        for what in left_out.await {
            trouble.note(what);
        }
        trouble
    }

    fn traces<'a>(
        &'a self,
        cx: &'a ReadContext,
        wanted: impl IntoIterator<Item = (GetTrace, Window)>,
        detail: Detail,
        trouble: Trouble,
    ) -> TraceStream<'a> {
        Traces::new(self, cx, wanted, detail, trouble)
            .into_stream()
            .boxed()
    }

    /// The traces that answer `query`.
    fn found<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
        detail: Detail,
    ) -> TraceStream<'a> {
        let items = move |found: Result<(Vec<FoundTrace>, Trouble), ReadError>| match found {
            Ok((found, trouble)) => {
                let wanted = found
                    .into_iter()
                    .map(|f| (GetTrace::by_id(f.trace_id), self.around(f.start_ns, query)));
                self.traces(cx, wanted, detail, trouble)
            }
            Err(error) => stream::iter([Err::<ReadItem, _>(error)]).boxed(),
        };
        stream::once(self.newest(cx, query).boxed())
            .flat_map(items)
            .boxed()
    }
}

impl TraceReader for Reader {
    fn get_traces<'a>(&'a self, cx: &'a ReadContext, ids: &'a [GetTrace]) -> TraceStream<'a> {
        let now = now_ns();
        let wanted = ids.iter().map(|get| (*get, self.hinted(get, now)));
        self.traces(cx, wanted, Detail::Whole, Trouble::default())
    }

    fn find_traces<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        self.found(cx, query, Detail::Whole)
    }

    fn find_outlines<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        self.found(cx, query, Detail::Outline)
    }

    fn find_trace_ids<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>> {
        async move {
            let (traces, trouble) = self.newest(cx, query).await?;
            Ok(trouble.found(traces, cx.limits.traces))
        }
        .boxed()
    }

    fn get_services<'a>(
        &'a self,
        cx: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        self.services(cx).boxed()
    }

    fn get_operations<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        self.operations(cx, &query.service).boxed()
    }
}

impl DependencyReader for Reader {
    fn get_dependencies<'a>(
        &'a self,
        cx: &'a ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> BoxFuture<'a, Result<Vec<DependencyLink>, ReadError>> {
        self.calls(cx, start_ns, end_ns).boxed()
    }
}
