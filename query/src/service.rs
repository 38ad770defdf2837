//! The query service: questions over the port, answered trace by trace.
//!
//! In: what a protocol asked for, and who asked. Out: whole traces put together from the port's chunks, with their completeness; nothing is
//! cut in silence. It knows no HTTP beyond the head of a request, and no JSON. Which instance a request may read is said in one place, `who`.

mod archive;
mod audit;
mod bound;
mod cache;
mod kept;
mod letters;
mod lists;
mod measures;
mod pages;
mod reading;
mod searching;
mod tags;
mod who;

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use access::{Denied, Door, Guard};
use http::HeaderMap;
use http::request::Parts;
use model::{Instance, Span, TraceId};
use secrecy::SecretString;
use storage::{
    Archive, Completeness, DependencyReader, GetTrace, MeasureReader, ReadContext, ReadError,
    ReadLimits, TraceQuery, TraceReader, TraceStream,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use archive::ArchiveError;
pub use cache::Config as CacheConfig;
pub use kept::Config as KeptConfig;
pub(crate) use kept::{Age, Found};
pub use measures::{Counted, Family, Measure, Metric, MetricsError, MetricsQuery, Point};

use crate::credentials;
use crate::inflow::Inflow;
use crate::metrics::{Metrics, Timer};
use crate::own::{Recorder, Traced};
use crate::short_ids::Asked;
use crate::{Adjuster, Config};

use bound::Bound;
use kept::Kept;
use lists::{Asker, Lists};

pub(crate) use letters::Example;
pub(crate) use reading::Traces;
pub(crate) use tags::{Tagged, Whose};

/// From this many spans on, a trace is prepared on a blocking thread.
const BLOCKING_SPANS: usize = 256;

/// Opens the readers of one instance.
pub type Stores = Arc<dyn Fn(&Instance) -> Readers + Send + Sync>;

/// What can be read of one instance.
#[derive(Clone)]
pub struct Readers {
    /// The store's name, for metrics: `embedded`, `memory`, …
    pub kind: &'static str,
    /// Its traces.
    pub traces: Arc<dyn TraceReader>,
    /// Its dependencies.
    pub dependencies: Arc<dyn DependencyReader>,
    /// What counts its spans for rates and latencies; `None`: nothing does.
    pub measures: Option<Arc<dyn MeasureReader>>,
    /// Where its traces are kept for good; `None`: nowhere.
    pub archive: Option<Arc<dyn Archive>>,
    /// Its store decides by the token or key of whoever asks: then it is never asked with our own rights in their place.
    pub takes_credentials: bool,
}

/// Answers questions of every protocol.
#[derive(Clone)]
pub struct Service {
    stores: Stores,
    guard: Guard,
    door: Door,
    limits: ReadLimits,
    timeout: Duration,
    search_timeout: Duration,
    adjuster: Adjuster,
    /// One permit for each request for traces that is answered: what they hold in memory is bounded by their number.
    reads: Arc<Semaphore>,
    max_reads: usize,
    lists: Lists,
    kept: Option<Kept>,
    inflow: Inflow,
    metrics: Metrics,
    passes_credentials_on: bool,
    recorder: Option<Recorder>,
    /// Where somebody else has counted spans.
    counted: Option<Counted>,
}

/// One request while it is answered: whose readers, and until when. Dropping it tells the store that nobody waits any more.
pub struct Call<'a> {
    service: &'a Service,
    instance: Instance,
    readers: Readers,
    cx: ReadContext,
    began: Instant,
    /// What ends it.
    bound: Bound,
    asker: Asker,
    /// The request, when it is traced.
    traced: Option<Traced>,
    /// Why a list was cut.
    cut: OnceLock<String>,
    _cancel: DropGuard,
}

/// Who asks, and how.
pub(crate) struct Caller<'a> {
    /// The listener that it came in on, by its word.
    pub(crate) listener: &'static str,
    /// The head of its request.
    pub(crate) head: &'a Parts,
    /// The instance that its path names.
    pub(crate) named: Option<&'a Instance>,
    /// Its own token or key.
    pub(crate) credentials: Option<SecretString>,
    /// How long it waits, if it says so.
    pub(crate) patience: Option<Duration>,
}

/// The spans of one trace, and why some may be missing.
#[derive(Debug)]
pub struct Assembled {
    /// Its id.
    pub trace_id: TraceId,
    /// What the store gave, in its order; never empty.
    pub spans: Vec<Span>,
    /// Why it may be short, when the answer was cut in it or right behind it.
    pub short: Option<String>,
}

/// Makes of a trace what a protocol sends. Runs on a blocking thread for large ones.
pub type Prepare<T> = Arc<dyn Fn(Assembled) -> T + Send + Sync>;

/// Prepared traces, in the store's order.
#[derive(Debug)]
pub struct Answer<T> {
    /// Each with its id.
    pub traces: Vec<(TraceId, T)>,
    /// Whether there are all.
    pub completeness: Completeness,
    /// Whether any of them is nowhere but in the archive.
    pub archived: bool,
    /// To be held until the answer is sent.
    pub turn: Turn,
}

/// One of the requests for traces that are answered at once. The next one's turn comes when it is dropped.
#[derive(Debug)]
pub struct Turn(#[allow(dead_code, reason = "held, never asked")] pub(crate) OwnedSemaphorePermit);

/// The listener of the HTTP API.
const HTTP: &str = "query-http";

// === impl Service ===

impl Service {
    /// Over these stores.
    pub fn new(stores: Stores, config: &Config, metrics: Metrics) -> Self {
        let max_reads = config.max_concurrent_reads.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            stores,
            guard: config.guard.clone(),
            door: config.door.clone(),
            limits: config.limits,
            timeout: config.timeout,
            search_timeout: config.search_timeout,
            adjuster: Adjuster {
                max_clock_skew: config.max_clock_skew,
            },
            reads: Arc::new(Semaphore::new(max_reads)),
            max_reads,
            lists: Lists::new(&config.cache),
            kept: Kept::new(&config.kept),
            inflow: config.inflow.clone(),
            passes_credentials_on: config.passes_credentials_on,
            counted: config.counted.clone(),
            metrics,
            recorder: None,
        }
    }

    /// A search may take as long as any request: whoever asks has a limit of its own, and does not read what marks an answer as cut.
    pub(crate) fn searching_patiently(mut self) -> Self {
        self.search_timeout = self.timeout;
        self
    }

    /// Whose requests become spans.
    pub(crate) fn traced_by(mut self, recorder: Option<Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    /// Begins to trace a request with these headers; `None`: it is not traced.
    pub(crate) fn traced(&self, headers: &HeaderMap) -> Option<Traced> {
        self.recorder.as_ref()?.begin(headers)
    }

    /// Begins to answer `request`, whose path names an instance, or none.
    ///
    /// # Errors
    /// When nothing says which instance's traces it may see, or it may not see those that it asks for.
    pub fn call(&self, request: &Parts, named: Option<&Instance>) -> Result<Call<'_>, Denied> {
        self.call_of(Caller {
            listener: HTTP,
            head: request,
            named,
            credentials: credentials::of(&request.headers),
            patience: None,
        })
    }

    /// Begins to answer a request of any protocol.
    pub(crate) fn call_of(&self, caller: Caller<'_>) -> Result<Call<'_>, Denied> {
        let changes = self.guard.changes();
        let instance = self.instance_of(caller.listener, caller.head, caller.named)?;
        let readers = (self.stores)(&instance);
        let traced = caller.head.extensions.get::<Traced>().cloned();
        if let Some(traced) = &traced {
            traced.asks(&instance);
        }
        let cancelled = CancellationToken::new();
        let began = Instant::now();
        let bound = Bound::Setting("query.timeout", self.timeout);
        let bound = bound.or_sooner(caller.patience.map(Bound::Client));
        let credentials = caller.credentials.as_ref();
        let asker = self.lists.asker(caller.head, credentials, changes);
        let passes_on = self.passes_credentials_on || readers.takes_credentials;
        let cx = ReadContext {
            deadline: began.checked_add(bound.time()),
            cancelled: cancelled.clone(),
            credentials: caller.credentials.filter(|_| passes_on),
            limits: self.limits,
            ..ReadContext::default()
        };
        Ok(Call {
            service: self,
            readers,
            instance,
            cx,
            began,
            bound,
            asker,
            traced,
            cut: OnceLock::new(),
            _cancel: cancelled.drop_guard(),
        })
    }

    /// The read-time corrections, with their settings.
    pub fn adjuster(&self) -> Adjuster {
        self.adjuster
    }

    /// Lets go of what nobody asks for, until `shutdown`.
    pub(crate) async fn keep(&self, shutdown: &CancellationToken) {
        match &self.kept {
            Some(kept) => kept.keep(shutdown).await,
            None => shutdown.cancelled().await,
        }
    }

    /// How long a request may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

// === impl Call ===

impl Call<'_> {
    /// The traces with these ids, in that order; those that are not there are left out. One that has gone may be in the archive. Spans under the lower
    /// half of an id are in the trace of the whole one.
    pub async fn get_traces<T: Send + 'static>(
        &self,
        ids: &[GetTrace],
        prepare: Prepare<T>,
    ) -> Result<Answer<T>, ReadError> {
        let turn = self.turn().await?;
        let asked = Asked::of(ids);
        let stream = self.readers.traces.get_traces(&self.cx, asked.ids());
        self.answer(ids, asked.join(stream), prepare, turn).await
    }

    async fn answer<T: Send + 'static>(
        &self,
        ids: &[GetTrace],
        stream: TraceStream<'_>,
        prepare: Prepare<T>,
        turn: Turn,
    ) -> Result<Answer<T>, ReadError> {
        let timer = self.timer("get_trace");
        let mut answer = self.assemble(stream, prepare.clone(), turn).await;
        if let Ok(found) = &mut answer
            && let Err(error) = self.add_archived(ids, prepare, found).await
        {
            match error {
                // what the store gave in time is an answer
                ReadError::Late { reason } if !found.traces.is_empty() => {
                    found.completeness = Completeness::Partial { reason };
                    self.service.metrics.cut();
                }
                error => answer = Err(error),
            }
        }
        timer.end(&answer);
        answer
    }

    /// The traces that answer `query`, newest first. A limit beyond the service's is clamped, and the answer says so when it mattered.
    pub async fn find_traces<T: Send + 'static>(
        &mut self,
        query: &TraceQuery,
        prepare: Prepare<T>,
    ) -> Result<Answer<T>, ReadError> {
        let search = self.search(query.clone()).await?;
        let found = search.collect(prepare).await;
        search.answer(found)
    }

    /// Times what is read of traces, until it ends.
    pub(crate) fn timer(&self, operation: &'static str) -> Timer<'_> {
        self.timer_of(self.readers.kind, operation)
    }

    /// Times what `store` is asked for, until it ends.
    fn timer_of(&self, store: &'static str, operation: &'static str) -> Timer<'_> {
        let read = self.traced.as_ref();
        let read = read.map(|traced| traced.reads(operation, store));
        self.service.metrics.start(store, operation, read)
    }

    /// `None` once the deadline passed.
    async fn within<T>(&self, read: impl Future<Output = T>) -> Option<T> {
        match self.cx.deadline {
            Some(deadline) => tokio::time::timeout_at(deadline.into(), read).await.ok(),
            None => Some(read.await),
        }
    }

    /// Waits for its turn, within the request's time.
    pub(crate) async fn turn(&self) -> Result<Turn, ReadError> {
        match self
            .within(self.service.reads.clone().acquire_owned())
            .await
        {
            Some(Ok(permit)) => Ok(Turn(permit)),
            Some(Err(_)) | None => Err(self.crowded(&format!(
                "query.max-concurrent-reads={} requests are being answered",
                self.service.max_reads
            ))),
        }
    }

    /// Its turn did not come.
    fn crowded(&self, who: &str) -> ReadError {
        ReadError::Late {
            reason: format!("{who}, and none ended within {}", self.bound),
        }
    }

    fn late(&self) -> ReadError {
        ReadError::Late {
            reason: self.late_reason(),
        }
    }

    fn late_reason(&self) -> String {
        format!("the store did not answer within {}", self.bound)
    }

    async fn assemble<T: Send + 'static>(
        &self,
        stream: TraceStream<'_>,
        prepare: Prepare<T>,
        turn: Turn,
    ) -> Result<Answer<T>, ReadError> {
        let (traces, completeness) = Traces::new(self, stream).collect(prepare).await?;
        Ok(Answer {
            traces,
            completeness,
            archived: false,
            turn,
        })
    }
}

/// Lets `prepare` at a trace, on a blocking thread when it is a large one.
pub(crate) async fn prepared<T: Send + 'static>(
    trace: Assembled,
    prepare: &Prepare<T>,
) -> Result<(TraceId, T), ReadError> {
    let (id, spans) = (trace.trace_id, trace.spans.len());
    let prepare = prepare.clone();
    let made = off_thread(id, spans, move || prepare(trace)).await?;
    Ok((id, made))
}

/// Does `work` on a trace of so many spans, on a blocking thread when these are many.
pub(crate) async fn off_thread<T: Send + 'static>(
    id: TraceId,
    spans: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ReadError> {
    if spans < BLOCKING_SPANS {
        return Ok(work());
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ReadError::Unavailable {
        reason: format!("trace {id} could not be prepared: {error}"),
    })
}
