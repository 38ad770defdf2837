//! The reading side, bound to one instance.
//!
//! Everything that may take long runs on blocking threads, a few at once; a stream runs step by step, so a slow caller holds none.

mod answer;
mod calls;
mod fetch;
mod measures;
mod needle;
mod search;
mod trace;

pub(super) use fetch::Fetcher;
pub(super) use trace::{Located, call, calls_of, locate, sealed};

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use model::{Instance, SpanKind, Str};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use self::answer::Answer;
use super::head::{Head, Snapshot, Source};
use crate::port::{
    Completeness, DependencyLink, DependencyReader, Found, GetTrace, Operation, OperationQuery,
    ReadContext, ReadError, TraceReader, TraceStream,
};
use crate::query::TraceQuery;

/// What all readers of a store share.
pub(super) struct Shared {
    pub(super) head: Arc<Head>,
    pub(super) tracker: TaskTracker,
    /// Bounds how many searches run at once; the others wait for their turn.
    pub(super) searches: Semaphore,
    /// Bounds how many short reads run at once, so that a trace by id does not wait for searches.
    pub(super) lookups: Semaphore,
    pub(super) damaged: Counter,
}

/// Reads one instance.
pub(super) struct Reader {
    shared: Arc<Shared>,
    instance: Instance,
}

/// What could not be read while an answer was made.
pub(super) struct Damage {
    first: Option<String>,
    count: Counter,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, instance: Instance) -> Self {
        Self { shared, instance }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(self.shared.head.snapshot(&self.instance))
    }

    fn damage(&self) -> Damage {
        Damage {
            first: None,
            count: self.shared.damaged.clone(),
        }
    }

    /// Runs `look` on a blocking thread, when it is its turn. It is told when the caller went away.
    async fn blocking<T: Send + 'static>(
        &self,
        turns: &Semaphore,
        cx: &ReadContext,
        look: impl FnOnce(&ReadContext) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        cx.check()?;
        let mut cx = cx.clone();
        cx.cancelled = cx.cancelled.child_token();
        let _gone = cx.cancelled.clone().drop_guard();
        // the turn is held here: when the caller goes away, the thread learns so within a few hundred rows
        let _turn = turns.acquire().await;
        let looking = self.shared.tracker.spawn_blocking(move || look(&cx));
        looking.await.unwrap_or_else(|error| {
            Err(ReadError::Unavailable {
                reason: format!("the embedded store could not be searched: {error}"),
            })
        })
    }

    /// The stream of an answer that is still to be prepared.
    fn stream<'a>(
        &'a self,
        cx: &'a ReadContext,
        prepare: impl Future<Output = Result<Answer, ReadError>> + Send + 'a,
    ) -> TraceStream<'a> {
        let answers = stream::once(prepare);
        let items = answers.flat_map(move |prepared| match prepared {
            Ok(answer) => self.items(cx, answer),
            Err(error) => stream::iter([Err(error)]).boxed(),
        });
        items.boxed()
    }

    /// The traces that answer `query`, given within the limits of `given`.
    fn found<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
        given: ReadContext,
    ) -> TraceStream<'a> {
        self.stream(cx, async move {
            let (query, snapshot, mut damage) = (query.clone(), self.snapshot(), self.damage());
            let seen = snapshot.clone();
            let found = self.blocking(&self.shared.searches, cx, move |cx| {
                let found = search::find(cx, &query, &seen, &mut Fetcher::default(), &mut damage)?;
                Ok((found, damage))
            });
            let (found, damage) = found.await?;
            let ids = found.traces.iter().map(|f| f.trace_id).collect();
            let mut answer = Answer::new(given, snapshot, ids, damage);
            answer.completeness = found.completeness;
            Ok(answer)
        })
    }

    fn items<'a>(&'a self, cx: &'a ReadContext, answer: Answer) -> TraceStream<'a> {
        let start = (Some(answer), VecDeque::new());
        let items = stream::unfold(start, async move |(mut answer, mut ready)| {
            loop {
                if let Some(item) = ready.pop_front() {
                    return Some((item, (answer, ready)));
                }
                let mut next = answer.take().filter(|a| !a.ended)?;
                let stepped = self.blocking(&self.shared.lookups, cx, move |_| {
                    let items = next.step();
                    Ok((next, items))
                });
                match stepped.await {
                    Ok((next, items)) => {
                        answer = Some(next);
                        ready.extend(items);
                    }
                    Err(error) => ready.push_back(Err(error)),
                }
            }
        });
        items.boxed()
    }
}

impl TraceReader for Reader {
    fn get_traces<'a>(&'a self, cx: &'a ReadContext, ids: &'a [GetTrace]) -> TraceStream<'a> {
        self.stream(cx, async move {
            let mut asked = BTreeSet::new();
            let ids = ids.iter().map(|get| get.trace_id);
            let ids = ids.filter(|id| asked.insert(*id)).collect();
            Ok(Answer::new(cx.clone(), self.snapshot(), ids, self.damage()))
        })
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
        let (query, snapshot, mut damage) = (query.clone(), self.snapshot(), self.damage());
        Box::pin(self.blocking(&self.shared.searches, cx, move |cx| {
            search::find(cx, &query, &snapshot, &mut Fetcher::default(), &mut damage)
        }))
    }

    fn get_services<'a>(
        &'a self,
        cx: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        Box::pin(async move {
            cx.check()?;
            let (snapshot, mut damage) = (self.snapshot(), self.damage());
            let services = self.blocking(&self.shared.lookups, cx, move |cx| {
                let mut names: BTreeSet<Str> = BTreeSet::new();
                let mut add = |name: &str| {
                    if !name.is_empty() && !names.contains(name) {
                        names.insert(name.into());
                    }
                };
                for source in snapshot.iter() {
                    cx.check()?;
                    match source {
                        Source::Open { part, .. } => part.with(|columns| {
                            let services = columns.catalogue().services();
                            services.iter().for_each(|name| add(name));
                        }),
                        Source::Sealed(segment) => match segment.footer() {
                            Ok(footer) => footer.services.iter().for_each(|name| add(name)),
                            Err(error) => damage.note(source, 0, &error),
                        },
                    }
                }
                Ok(names.into_iter().collect())
            });
            services.await
        })
    }

    fn get_operations<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        let (query, snapshot, mut damage) = (query.clone(), self.snapshot(), self.damage());
        Box::pin(self.blocking(&self.shared.lookups, cx, move |cx| {
            let mut operations = BTreeSet::new();
            let mut add = |kind: SpanKind, name: &str| {
                if query.kind.is_none_or(|wanted| wanted == kind) {
                    operations.insert(Operation {
                        name: name.into(),
                        kind,
                    });
                }
            };
            for source in snapshot.iter() {
                cx.check()?;
                match source {
                    Source::Open { part, .. } => part.with(|columns| {
                        let catalogue = columns.catalogue();
                        for o in catalogue.operations() {
                            if catalogue.service(o.service) == Some(&query.service) {
                                add(o.kind, &o.name);
                            }
                        }
                    }),
                    Source::Sealed(segment) => {
                        let read = segment.for_each_operation(|_, service, kind, name| {
                            if query.service == *service {
                                add(kind, name);
                            }
                        });
                        if let Err(error) = read {
                            damage.note(source, 0, &error);
                        }
                    }
                }
            }
            Ok(operations.into_iter().collect())
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
        let (snapshot, mut damage) = (self.snapshot(), self.damage());
        Box::pin(self.blocking(&self.shared.searches, cx, move |cx| {
            calls::count(cx, &snapshot, start_ns, end_ns, &mut damage)
        }))
    }
}

// === impl Damage ===

impl Damage {
    /// Counts and logs what could not be read.
    fn note(&mut self, source: &Source, offset: u64, error: &dyn std::fmt::Display) {
        self.count.inc();
        let file = source.path().display();
        if self.first.is_none() {
            tracing::error!(%file, offset, %error, "spans could not be read and are left out");
            self.first = Some(format!(
                "spans could not be read, the first in {file} at {offset}: {error}"
            ));
        }
    }

    /// How an answer ends that would have ended with `completeness`.
    fn or(&self, completeness: Completeness) -> Completeness {
        match (&self.first, completeness) {
            (Some(reason), Completeness::Complete) => Completeness::Partial {
                reason: reason.clone(),
            },
            (_, other) => other,
        }
    }
}

fn partial(limit: &str) -> Completeness {
    Completeness::Partial {
        reason: format!("the answer was cut at its limit of {limit}"),
    }
}
