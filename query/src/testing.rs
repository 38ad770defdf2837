//! A store for tests that gives what it was told to, chunk by chunk, and remembers what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use model::{Batch, Instance, Resource, Span, SpanId, SpanKind, Str, TraceId};
use storage::{
    Completeness, DependencyLink, DependencyReader, Found, GetTrace, Operation, OperationQuery,
    ReadContext, ReadError, ReadItem, TraceQuery, TraceReader, TraceStream, WriteError,
};

use crate::service::Assembled;
use crate::whole::Whole;
use crate::{Readers, Stores};

/// What it answers, and what it was asked.
#[derive(Default)]
pub(crate) struct Script {
    /// The steps of every stream of traces; `None` waits for ever.
    pub(crate) steps: Vec<Option<Result<ReadItem, ReadError>>>,
    pub(crate) services: Vec<Str>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) links: Vec<DependencyLink>,
    /// Whether it counts spans, and what it counted: calls in the bucket of each of these moments, in milliseconds.
    pub(crate) counts: bool,
    pub(crate) counted: Vec<(u64, storage::port::Cell)>,
    /// Whether every read but those of traces waits for ever.
    pub(crate) hangs: bool,
    /// How many of those have begun to wait.
    pub(crate) begun: Arc<AtomicUsize>,
    /// Whether it has an archive.
    pub(crate) archives: bool,
    /// What is in the archive, and what it was given.
    pub(crate) archived: Mutex<Vec<Span>>,
    /// Whether that waits for ever when it is read.
    pub(crate) archive_hangs: bool,
    /// What every read but those of traces fails with.
    pub(crate) failure: Option<ReadError>,
    pub(crate) found: Mutex<Vec<TraceQuery>>,
    pub(crate) got: Mutex<Vec<GetTrace>>,
    pub(crate) periods: Mutex<Vec<(u64, u64)>>,
    pub(crate) contexts: Mutex<Vec<ReadContext>>,
}

pub(crate) fn span(trace: u64, id: u64) -> Span {
    Span {
        trace_id: TraceId::from_halves(0, trace),
        span_id: SpanId::from_u64(id),
        name: "op".into(),
        resource: Arc::new(Resource::of_service("svc")),
        ..Span::default()
    }
}

/// A trace of these spans.
pub(crate) fn whole(spans: Vec<Span>) -> Whole {
    let assembled = Assembled {
        trace_id: TraceId::from_halves(0, 1),
        spans,
        short: None,
    };
    Whole::of(assembled, None)
}

pub(crate) fn spans(spans: Vec<Span>) -> Option<Result<ReadItem, ReadError>> {
    Some(Ok(ReadItem::Spans(spans)))
}

pub(crate) fn complete() -> Option<Result<ReadItem, ReadError>> {
    Some(Ok(ReadItem::End(Completeness::Complete)))
}

pub(crate) fn partial(reason: &str) -> Option<Result<ReadItem, ReadError>> {
    let reason = reason.to_owned();
    Some(Ok(ReadItem::End(Completeness::Partial { reason })))
}

pub(crate) fn operation(name: &str, kind: SpanKind) -> Operation {
    Operation {
        name: name.into(),
        kind,
    }
}

// === impl Script ===

impl Script {
    pub(crate) fn of(steps: Vec<Option<Result<ReadItem, ReadError>>>) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }

    pub(crate) fn stores(self: &Arc<Self>) -> Stores {
        let script = self.clone();
        Arc::new(move |_| Readers {
            kind: "script",
            traces: script.clone(),
            dependencies: script.clone(),
            measures: script
                .counts
                .then(|| script.clone() as Arc<dyn storage::MeasureReader>),
            archive: script
                .archives
                .then(|| script.clone() as Arc<dyn storage::Archive>),
            takes_credentials: false,
        })
    }

    fn stream(&self, cx: &ReadContext) -> TraceStream<'static> {
        self.contexts.lock().unwrap().push(cx.clone());
        stream::iter(self.steps.clone())
            .then(|step| async {
                match step {
                    Some(item) => item,
                    None => std::future::pending().await,
                }
            })
            .boxed()
    }

    fn answer<T: Send + 'static>(
        &self,
        cx: &ReadContext,
        value: T,
    ) -> BoxFuture<'static, Result<T, ReadError>> {
        self.contexts.lock().unwrap().push(cx.clone());
        if self.hangs {
            let begun = self.begun.clone();
            return async move {
                begun.fetch_add(1, Ordering::Relaxed);
                std::future::pending().await
            }
            .boxed();
        }
        let result = match &self.failure {
            Some(error) => Err(error.clone()),
            None => Ok(value),
        };
        std::future::ready(result).boxed()
    }
}

impl TraceReader for Script {
    fn get_traces<'a>(&'a self, cx: &'a ReadContext, ids: &'a [GetTrace]) -> TraceStream<'a> {
        self.got.lock().unwrap().extend_from_slice(ids);
        self.stream(cx)
    }

    fn find_traces<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        self.found.lock().unwrap().push(query.clone());
        self.stream(cx)
    }

    fn find_trace_ids<'a>(
        &'a self,
        cx: &'a ReadContext,
        _query: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>> {
        let found = Found {
            traces: Vec::new(),
            completeness: Completeness::Complete,
        };
        self.answer(cx, found)
    }

    fn get_services<'a>(
        &'a self,
        cx: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        self.answer(cx, self.services.clone())
    }

    fn get_operations<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        let wanted = |o: &&Operation| query.kind.is_none_or(|k| k == o.kind);
        self.answer(cx, self.operations.iter().filter(wanted).cloned().collect())
    }
}

impl storage::Archive for Script {
    fn keep(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        self.archived
            .lock()
            .unwrap()
            .extend(batch.spans.iter().cloned());
        std::future::ready(Ok(())).boxed()
    }

    fn reader(&self, _instance: &Instance) -> Option<Arc<dyn TraceReader>> {
        let spans = self.archived.lock().unwrap().clone();
        let steps = match spans.is_empty() {
            _ if self.archive_hangs => vec![None],
            true => vec![complete()],
            false => vec![Some(Ok(ReadItem::Spans(spans))), complete()],
        };
        Some(Arc::new(Self::of(steps)))
    }
}

impl DependencyReader for Script {
    fn get_dependencies<'a>(
        &'a self,
        cx: &'a ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> BoxFuture<'a, Result<Vec<DependencyLink>, ReadError>> {
        self.periods.lock().unwrap().push((start_ns, end_ns));
        self.answer(cx, self.links.clone())
    }
}

impl storage::MeasureReader for Script {
    fn measure<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a storage::MeasureQuery,
    ) -> BoxFuture<'a, Result<storage::Measured, ReadError>> {
        self.contexts.lock().unwrap().push(cx.clone());
        let mut measured = storage::Measured::empty(query.grid);
        for (ms, cell) in &self.counted {
            let line = query.line("svc", "op");
            let cells = measured.lines.entry(line).or_default();
            if let Some(bucket) = query.grid.bucket_at(*ms) {
                cells.entry(bucket).or_default().add(cell);
            }
        }
        self.answer(cx, measured)
    }
}
