//! The port: what the rest of Spoor knows of a store. Its promises are text here and tests in `conformance`.
//!
//! Writers are shared and take batches of any instance; readers are bound to one instance when they are opened, so that a query cannot
//! cross by accident. Errors say what the caller can do.
//!
//! Source of the shape: `jaegertracing/jaeger: internal/storage/v2/api/tracestore` v2.20, with synchronous, confirmed writes.

mod dependencies;
mod lacks;
mod letters;
mod measures;
pub mod outline;
mod sampling;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use model::{Batch, Instance, Span, SpanKind, Str, TraceId};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::query::{Place, TraceQuery};

pub use dependencies::{DependencyLink, Durations, LinkKind};
pub use lacks::Lacks;
pub use letters::{Buried, DeadLetterReader, LetterQuery, LetterStream};
pub(crate) use measures::Counter;
pub use measures::{
    BOUNDS, Cell, Grid, Line, MAX_BUCKETS, Measure, MeasureQuery, MeasureReader, Measured,
    bound_us, bucket_of,
};
pub use sampling::{Probabilities, Rate, SamplingStore, Throughput, ThroughputRows};

/// Nanoseconds of an hour.
pub const HOUR_NS: u64 = 3600 * 1_000_000_000;
/// How far from a client's span the one starts that answers it, in nanoseconds: five minutes.
pub const NEAR_NS: u64 = 300 * 1_000_000_000;

/// Takes spans in.
pub trait TraceWriter: Send + Sync {
    /// Stores every span of `batch`.
    ///
    /// - `Ok` only once all of it is durable in the backend; the caller may then forget it (store an offset, answer 200).
    /// - Idempotent: the same batch twice leaves one copy of each span in what readers see.
    /// - [`WriteError::Rejected`] names the spans that can never be stored; all others are durable.
    /// - After any other error nothing is promised: send the whole batch again.
    /// - A span is readable by id and by search once `Ok` was answered, unless the backend's [`Capabilities`] say otherwise.
    /// - Dropping the future loses nothing that was acknowledged; whether the batch was stored is then unknown.
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>>;

    /// Stores batches of one instance as [`TraceWriter::write`] stores one: positions in its answer count through all of them, in their order. A backend that
    /// needs to copy none of what others still hold says so by doing it itself.
    fn write_together(
        &self,
        first: Batch,
        others: Vec<Batch>,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        self.write(first.merged(others))
    }
}

/// Gives the spans of one instance back.
///
/// Chunks never mix traces; one trace may take consecutive chunks; equal spans come once; unknown ids are skipped; the first error ends
/// the stream; a stream that did not fail ends with exactly one [`ReadItem::End`].
pub trait TraceReader: Send + Sync {
    /// The traces with these ids, in the order asked for.
    fn get_traces<'a>(&'a self, cx: &'a ReadContext, ids: &'a [GetTrace]) -> TraceStream<'a>;

    /// The traces that have a span which answers `query`, whole, in the query's order, the same each time: unless it says otherwise newest
    /// first, by the latest start among the spans that answer, then by id. With a place to begin after, none that stands there or before, so
    /// that a trace which has a span there is not given again for another that stands later.
    fn find_traces<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a>;

    /// The same for whoever counts spans and holds none: they may come with no more than ids, parents, times, names, services and what [`outline`] lists, and
    /// `limits.bytes` bounds what the reader holds of them.
    fn find_outlines<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        self.find_traces(cx, query)
    }

    /// The ids that [`TraceReader::find_traces`] would give, in the same order.
    fn find_trace_ids<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>>;

    /// The names of all services that have spans, sorted.
    fn get_services<'a>(
        &'a self,
        cx: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>>;

    /// The operations of a service, sorted by name, then kind; no pair twice.
    fn get_operations<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>>;
}

/// Says which services call which, for one instance.
pub trait DependencyReader: Send + Sync {
    /// Links by spans that start in the hours (of the Unix epoch) that `[start_ns, end_ns]` touches, sorted by parent, then
    /// child, then kind; no three twice. Whole hours, since that is what a store can keep counted. A call is a span whose parent is a span of another
    /// service. Spans that are alike in all that links are made of (id, parent, times, kind, service, outcome, peer) count once. Of two spans that share an id (Zipkin's), the server's half is
    /// called by the client's, and is the parent of spans that name the id; of several
    /// that fit, the one that starts first, then that of the first service by name, then that of the first kind.
    ///
    /// Beside calls between services there are links to and from what has no spans: a client's or producer's span that names a peer and that no span answers which starts within
    /// [`NEAR_NS`] of it; and a consumer's that names a queue and has no caller. An answer is a span of kind server, consumer or unspecified, or one that names a peer itself, whose parent the
    /// span is or whose id it shares.
    fn get_dependencies<'a>(
        &'a self,
        cx: &'a ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> BoxFuture<'a, Result<Vec<DependencyLink>, ReadError>>;
}

/// Keeps what can never be stored, so that a person can look at it and send it again.
pub trait DeadLetters: Send + Sync {
    /// Keeps `letters`. `Ok` once they are durable.
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>>;
}

/// Keeps traces that somebody wants to keep, out of the reach of retention.
pub trait Archive: Send + Sync {
    /// Stores every span of `batch`, with all that [`TraceWriter::write`] promises.
    fn keep(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>>;

    /// Gives what was kept of one instance back; `None`: nothing was ever kept.
    fn reader(&self, instance: &Instance) -> Option<Arc<dyn TraceReader>>;
}

/// A store, opened: what the binary hands to the collector and to the query service.
pub trait Backend: Send + Sync {
    /// Its name in settings, metrics and logs: `embedded`, `memory`, …
    fn name(&self) -> &'static str;

    /// What it can do beside writing and reading.
    fn capabilities(&self) -> Capabilities;

    /// The writer, without layers.
    fn writer(&self) -> Arc<dyn TraceWriter>;

    /// The writer of one instance. What it was given it goes on writing to where that instance was kept when this was asked for, though the instance be taken away.
    fn writer_of(&self, _instance: &Instance) -> Arc<dyn TraceWriter> {
        self.writer()
    }

    /// A reader of one instance. An instance without spans is empty, not an error.
    fn reader(&self, instance: &Instance) -> Arc<dyn TraceReader>;

    /// The dependencies of one instance.
    fn dependencies(&self, instance: &Instance) -> Arc<dyn DependencyReader>;

    /// What counts the spans of one instance; `None`: nothing does.
    fn measures(&self, _instance: &Instance) -> Option<Measures> {
        None
    }

    /// Where spans go that can never be stored; `None`: they are dropped and counted.
    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>>;

    /// The same for one instance, as with [`Backend::writer_of`].
    fn dead_letters_of(&self, _instance: &Instance) -> Option<Arc<dyn DeadLetters>> {
        self.dead_letters()
    }

    /// Reads back what [`Backend::dead_letters`] keeps; `None`: it cannot be read while the store is open, or nothing is kept.
    fn dead_letter_reader(&self) -> Option<Arc<dyn DeadLetterReader>> {
        None
    }

    /// Where traces are kept for good; `None`: they are not.
    fn archive(&self) -> Option<Arc<dyn Archive>>;

    /// Where adaptive sampling keeps what collectors agree on; `None`: nowhere.
    fn sampling_store(&self) -> Option<Arc<dyn SamplingStore>> {
        None
    }

    /// `Err` with a sentence for an operator while it cannot write or read. Shown by `/ready`, never by liveness.
    fn health(&self) -> Result<(), String>;

    /// Finishes what was taken in and closes files and connections. Later writes are [`WriteError::Unavailable`].
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What counts the spans of an instance.
#[derive(Clone)]
pub struct Measures {
    /// Counts them.
    pub reader: Arc<dyn MeasureReader>,
    /// It makes a cluster work that others use too: only where an operator wants that.
    pub is_dear: bool,
}

/// What a backend can do beside writing and reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Spans survive the process.
    pub durable: bool,
    /// Traces can be archived.
    pub archive: bool,
    /// It keeps dead letters.
    pub dead_letters: bool,
    /// It keeps what adaptive sampling needs.
    pub sampling_store: bool,
    /// It decides by the token or key of whoever asks: see [`ReadContext::credentials`].
    pub takes_credentials: bool,
    /// Operations are known with their kind (Elasticsearch: no).
    pub operation_kinds: bool,
    /// Spans come back with all that they were written with. Else in the `Jaeger` dialect, in whole microseconds, with what Jaeger's
    /// documents hold; of spans that differ in nothing else one stays.
    pub lossless: bool,
    /// Calls between services are counted from the spans. Else they are what somebody else counted and put there.
    pub counts_calls: bool,
    /// A span is readable once its write was answered. Else soon after.
    pub visible_at_once: bool,
    /// It is reached over a network, and may be away for hours: a spool in front of it is of use.
    pub remote: bool,
    /// Merge waiting writes into one of at most this many bytes before they reach the writer; `None`: it groups them itself.
    pub coalesce_bytes: Option<usize>,
}

/// Why a write was not done, by what the caller can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The store is away or was poisoned: answer retryable.
    #[error("storage is unavailable: {reason}")]
    Unavailable {
        /// For an operator: what failed, and what mends it.
        reason: String,
    },
    /// The store is full or slow for now: answer retryable, and say when.
    #[error("storage is busy, try again in {}ms: {reason}", after.as_millis())]
    Throttled {
        /// When to try again.
        after: Duration,
        /// For an operator: which limit, and the setting that moves it.
        reason: String,
    },
    /// These spans can never be stored; all others of the batch are durable.
    #[error("{} spans can never be stored, the first because {}", .0.len(), first_reason(.0))]
    Rejected(Vec<Unstorable>),
    /// These spans were not stored, for a reason that is theirs and may pass; all others of the batch are durable, those in `rejected` excepted. Only a backend
    /// behind [`Coalesce`](crate::layers::Coalesce) answers so: that layer tells each caller what became of its own.
    #[error("{} spans are not stored yet: {reason}", spans.len())]
    Deferred {
        /// Positions in the batch, rising.
        spans: Vec<usize>,
        /// Those that can never be stored.
        rejected: Vec<Unstorable>,
        /// For an operator: what keeps them, and what mends it.
        reason: String,
    },
}

/// A span of a batch that can never be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstorable {
    /// Its position in the batch; in a list they rise.
    pub at: usize,
    /// Why, in words for a person.
    pub reason: Arc<str>,
}

/// Why a read was not done, by what the caller can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store is away: try again later.
    #[error("storage is unavailable: {reason}")]
    Unavailable {
        /// For an operator: what failed, and what mends it.
        reason: String,
    },
    /// Nothing was found in the time that there was: ask for less, give it longer, or try again later.
    #[error("storage is unavailable: {reason}")]
    Late {
        /// How long that was, and the setting that says so.
        reason: String,
    },
    /// The query cannot be answered as it is: mend it.
    #[error("{0}")]
    Invalid(String),
    /// The deadline passed or the caller went away.
    #[error("query was cancelled: {0}")]
    Cancelled(&'static str),
}

/// What a read is done for: its deadline, its caller's credentials and the bounds of its answer.
#[derive(Clone, Debug, Default)]
pub struct ReadContext {
    /// When the caller stops waiting.
    pub deadline: Option<Instant>,
    /// Cancelled when the caller went away.
    pub cancelled: CancellationToken,
    /// The caller's own token or key with its scheme, such as `Bearer …`, where it is passed on to the store.
    pub credentials: Option<SecretString>,
    /// Bounds of the answer.
    pub limits: ReadLimits,
    /// What a list of names or of calls lacks, which has no end that could say so.
    pub lacks: Lacks,
}

/// Bounds of an answer. What reaches one is cut there, and the stream ends with [`Completeness::Partial`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// Traces.
    pub traces: usize,
    /// Spans, over all traces.
    pub spans: usize,
    /// Bytes of memory ([`Span::size`] and the text it points to), over all traces.
    pub bytes: usize,
}

/// A trace to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetTrace {
    /// Its id.
    pub trace_id: TraceId,
    /// Where to look, when the caller knows: a hint, nanoseconds since the Unix epoch.
    pub start_ns: Option<u64>,
    /// Where to look, when the caller knows: a hint, nanoseconds since the Unix epoch.
    pub end_ns: Option<u64>,
}

/// Spans, trace by trace.
pub type TraceStream<'a> = BoxStream<'a, Result<ReadItem, ReadError>>;

/// One step of a [`TraceStream`].
#[derive(Clone, Debug)]
pub enum ReadItem {
    /// Spans of one trace, never empty.
    Spans(Vec<Span>),
    /// The last item.
    End(Completeness),
}

/// Whether an answer is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// Everything that was asked for.
    Complete,
    /// Cut.
    Partial {
        /// Which limit or failure cut it, and the setting that moves it.
        reason: String,
    },
}

/// The answer to a search for ids.
#[derive(Clone, Debug)]
pub struct Found {
    /// The traces, in the query's order.
    pub traces: Vec<FoundTrace>,
    /// Whether there may be more than the limits let through. The query's own `limit` does not make an answer partial.
    pub completeness: Completeness,
}

/// A trace that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundTrace {
    /// Its id.
    pub trace_id: TraceId,
    /// Start of the span that answers the query and puts it where it stands: in the usual order the latest start of all that answer.
    /// Nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// What the query's order compares: that start, or the duration, in nanoseconds.
    pub key_ns: u64,
}

/// Which operations to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationQuery {
    /// The service.
    pub service: Str,
    /// Only of spans of this kind.
    pub kind: Option<SpanKind>,
}

/// An operation of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation {
    /// Its name.
    pub name: Str,
    /// The kind of its spans; `Unspecified` where the backend does not know.
    pub kind: SpanKind,
}

/// A span that can never be stored.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Whose it was.
    pub instance: Instance,
    /// Why, in words for a person.
    pub reason: String,
    /// Where it came from: `otlp-grpc`, `jaeger-grpc`, …
    pub origin: &'static str,
    /// The span's bytes: as they came, or in the store's own encoding when it had been decoded.
    pub payload: Bytes,
}

/// The hours that `[start_ns, end_ns]` touches: from the start of the first to the end of the last, nanoseconds since the Unix epoch.
pub fn whole_hours(start_ns: u64, end_ns: u64) -> (u64, u64) {
    let start = start_ns - start_ns % HOUR_NS;
    let end = end_ns - end_ns % HOUR_NS;
    (start, end.saturating_add(HOUR_NS - 1))
}

// === impl ReadLimits ===

impl Default for ReadLimits {
    /// 10,000 traces, a million spans, 512 MiB.
    fn default() -> Self {
        Self {
            traces: 10_000,
            spans: 1_000_000,
            bytes: 512 << 20,
        }
    }
}

// === impl ReadContext ===

impl ReadContext {
    /// The same where nothing that was given is held: its bytes do not count.
    #[must_use]
    pub fn unweighed(&self) -> Self {
        let mut cx = self.clone();
        cx.limits.bytes = usize::MAX;
        cx
    }

    /// `Err` once the caller no longer waits. Readers ask between steps.
    pub fn check(&self) -> Result<(), ReadError> {
        if self.cancelled.is_cancelled() {
            return Err(ReadError::Cancelled("the caller went away"));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(ReadError::Cancelled("the deadline passed"))
            }
            _ => Ok(()),
        }
    }
}

// === impl GetTrace ===

impl GetTrace {
    /// Without a hint where to look.
    pub fn by_id(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            start_ns: None,
            end_ns: None,
        }
    }
}

// === impl FoundTrace ===

impl FoundTrace {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place {
            key_ns: self.key_ns,
            trace_id: self.trace_id,
        }
    }
}

// === impl WriteError ===

impl WriteError {
    /// Whether sending the same batch again may succeed.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Rejected(_))
    }

    /// These spans can never be stored, all for the same reason.
    pub fn rejected(spans: impl IntoIterator<Item = usize>, reason: impl Into<Arc<str>>) -> Self {
        let reason = reason.into();
        let unstorable = |at| Unstorable {
            at,
            reason: reason.clone(),
        };
        Self::Rejected(spans.into_iter().map(unstorable).collect())
    }
}

fn first_reason(spans: &[Unstorable]) -> &str {
    spans.first().map_or("", |first| &first.reason)
}
