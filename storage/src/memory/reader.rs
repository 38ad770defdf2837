//! Reads from snapshots of the memory store, one instance's at a time.
//!
//! In: queries. Out: answers in the port's order. Everything that goes through spans runs on a blocking thread, and stops when the caller
//! goes away.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use model::{Instance, Span, Str, TraceId};

use super::Shared;
use super::answer::Answer;
use super::store::Spans;
use crate::calls::{self, Call, HOUR_NS, Names, Totals};
use crate::port::{
    Completeness, DependencyLink, DependencyReader, Found, FoundTrace, GetTrace, Operation,
    OperationQuery, ReadContext, ReadError, ReadItem, TraceReader, TraceStream,
};
use crate::query::TraceQuery;

pub(super) struct Reader {
    shared: Arc<Shared>,
    instance: Instance,
}

/// All traces of an instance, as they were at one moment.
pub(super) struct Snapshot(Vec<(TraceId, Spans)>);

// === impl Reader ===

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, instance: Instance) -> Self {
        Self { shared, instance }
    }

    /// Runs `look` over all traces, on a blocking thread. It is told when the caller went away.
    pub(super) async fn over_all<T: Send + 'static>(
        &self,
        cx: &ReadContext,
        look: impl FnOnce(Snapshot, &ReadContext) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        cx.check()?;
        let mut cx = cx.clone();
        cx.cancelled = cx.cancelled.child_token();
        let _gone = cx.cancelled.clone().drop_guard();
        let (shared, instance) = (self.shared.clone(), self.instance.clone());
        let looking = self.shared.tracker.spawn_blocking(move || {
            let traces = shared.store.read().traces(&instance);
            look(Snapshot(traces), &cx)
        });
        looking.await.unwrap_or_else(|error| {
            Err(ReadError::Unavailable {
                reason: format!("memory could not be searched: {error}"),
            })
        })
    }
}

impl Reader {
    /// The traces that answer `query`, given within the limits of `given`.
    fn found<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &TraceQuery,
        given: ReadContext,
    ) -> TraceStream<'a> {
        let query = query.clone();
        let found = self.over_all(cx, move |snapshot, cx| {
            let found = snapshot.find(&query, cx)?;
            Ok(snapshot.pick(&found))
        });
        let items = move |result: Result<Vec<Spans>, ReadError>| -> BoxStream<'a, _> {
            match result {
                Ok(traces) => stream::iter(Answer::new(given.clone(), traces)).boxed(),
                Err(error) => stream::iter([Err::<ReadItem, _>(error)]).boxed(),
            }
        };
        stream::once(found).flat_map(items).boxed()
    }
}

impl TraceReader for Reader {
    fn get_traces<'a>(&'a self, cx: &'a ReadContext, ids: &'a [GetTrace]) -> TraceStream<'a> {
        let mut asked = HashSet::new();
        let store = self.shared.store.read();
        let traces = ids
            .iter()
            .filter(|get| asked.insert(get.trace_id))
            .filter_map(|get| store.trace(&self.instance, get.trace_id))
            .collect();
        stream::iter(Answer::new(cx.clone(), traces)).boxed()
    }

    fn find_traces<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        self.found(cx, query, cx.clone())
    }

    fn find_outlines<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        self.found(cx, query, cx.unweighed())
    }

    fn find_trace_ids<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>> {
        let query = query.clone();
        Box::pin(self.over_all(cx, move |snapshot, cx| {
            let mut traces = snapshot.find(&query, cx)?;
            let limit = cx.limits.traces;
            let completeness = if traces.len() > limit {
                Completeness::Partial {
                    reason: format!(
                        "the answer was cut at its limit of {limit} traces (query.max-traces)"
                    ),
                }
            } else {
                Completeness::Complete
            };
            traces.truncate(limit);
            Ok(Found {
                traces,
                completeness,
            })
        }))
    }

    fn get_services<'a>(
        &'a self,
        cx: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        Box::pin(self.over_all(cx, |snapshot, cx| {
            let mut names = BTreeSet::new();
            snapshot.each(cx, |span| {
                let name = span.resource.service_name();
                if !name.is_empty() && !names.contains(name) {
                    names.insert(Str::from(name));
                }
            })?;
            Ok(names.into_iter().collect())
        }))
    }

    fn get_operations<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        let query = query.clone();
        Box::pin(self.over_all(cx, move |snapshot, cx| {
            let mut operations = BTreeSet::new();
            snapshot.each(cx, |span| {
                if query.service == *span.resource.service_name()
                    && query.kind.is_none_or(|kind| kind == span.kind)
                {
                    operations.insert(Operation {
                        name: span.name.clone(),
                        kind: span.kind,
                    });
                }
            })?;
            let detached = operations.into_iter().map(|o| Operation {
                name: o.name.detach(),
                ..o
            });
            Ok(detached.collect())
        }))
    }
}

impl DependencyReader for Reader {
    fn get_dependencies<'a>(
        &'a self,
        cx: &'a ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> BoxFuture<'a, Result<Vec<DependencyLink>, ReadError>> {
        Box::pin(self.over_all(cx, move |snapshot, cx| {
            let (mut names, mut totals) = (Names::default(), Totals::default());
            let hours = start_ns / HOUR_NS..=end_ns / HOUR_NS;
            for (_, spans) in &snapshot.0 {
                cx.check()?;
                let spans = spans.iter().map(|s| Call::of(&s.span, &mut names));
                let spans: Vec<Call> = spans.collect();
                calls::for_each(&spans, &names, |found| {
                    if hours.contains(&found.hour) {
                        totals.count(&found, 1);
                    }
                });
            }
            Ok(totals.into_links(&names))
        }))
    }
}

// === impl Snapshot ===

impl Snapshot {
    pub(super) fn each(
        &self,
        cx: &ReadContext,
        mut visit: impl FnMut(&Span),
    ) -> Result<(), ReadError> {
        for (_, spans) in &self.0 {
            cx.check()?;
            for stored in spans.iter() {
                visit(&stored.span);
            }
        }
        Ok(())
    }

    /// The traces that answer `query`, in its order, as many as it asks for.
    fn find(&self, query: &TraceQuery, cx: &ReadContext) -> Result<Vec<FoundTrace>, ReadError> {
        let mut found = Vec::new();
        for (trace_id, spans) in &self.0 {
            cx.check()?;
            let answering = spans.iter().map(|stored| &stored.span);
            let first = answering
                .filter(|span| query.matches(span))
                .map(|span| FoundTrace {
                    trace_id: *trace_id,
                    start_ns: span.start_ns,
                    key_ns: query.order.key(span.start_ns, span.duration_ns()),
                })
                .max_by_key(|found| query.order.rank(found.key_ns));
            found.extend(first.filter(|found| query.is_wanted(&found.place())));
        }
        found.sort_by(|a, b| query.order.compare(&a.place(), &b.place()));
        found.truncate(query.limit);
        Ok(found)
    }

    /// The spans of `found`, in its order.
    fn pick(self, found: &[FoundTrace]) -> Vec<Spans> {
        let mut traces: HashMap<TraceId, Spans> = self.0.into_iter().collect();
        found
            .iter()
            .filter_map(|f| traces.remove(&f.trace_id))
            .collect()
    }
}
