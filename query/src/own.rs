//! Spoor's own requests as spans: off unless an operator asks for it (`query.enable-tracing`).
//!
//! In: requests, by HTTP and by gRPC, and the reads that each makes. Out: spans of the service `spoor-query`, in the instance that was asked: whoever may read its traces made those requests. They go through the
//! port as all spans do. A caller's W3C trace context is continued, and sampled as it says; of others a share is. A span says which question it was, never its parameters.
//!
//! There is no recursion: only requests to the query service become spans, and writing spans makes none. Bounded: so many wait, and so many requests a second are traced; what is beyond is counted and let go, and no request waits for it.

mod context;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue};
use model::{
    Batch, Instance, KeyValue, Resource, Scope, Span, SpanId, SpanKind, Status, StatusCode, Str,
    TraceId,
};
use storage::TraceWriter;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use context::Context;

/// The service that the spans are of.
const SERVICE: &str = "spoor-query";
/// So many spans wait to be written.
const WAITING: usize = 1024;
/// So many spans are written at once.
const TOGETHER: usize = 256;
/// How long the first of them waits for others.
const GATHERED: Duration = Duration::from_secs(1);
/// So many requests are traced in one second, whatever callers want.
const A_SECOND: u64 = 100;

/// That it is asked for.
#[derive(Clone)]
pub struct Tracing {
    /// Where the spans go.
    pub writer: Arc<dyn TraceWriter>,
    /// Which share of requests is traced that bring no trace context (`query.tracing-ratio`, 0 to 1).
    pub ratio: f64,
}

/// Makes spans. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Shared>);

struct Shared {
    spans: mpsc::Sender<(Instance, Span)>,
    ratio: f64,
    resource: Arc<Resource>,
    scope: Arc<Scope>,
    random: RandomState,
    drawn: AtomicU64,
    /// The second since the Unix epoch, and how many requests were traced in it: 32 bits each.
    second: AtomicU64,
    metrics: Metrics,
}

/// Writes what is recorded.
pub(crate) struct Writing {
    spans: mpsc::Receiver<(Instance, Span)>,
    writer: Arc<dyn TraceWriter>,
    metrics: Metrics,
}

/// One request that is traced. It travels in the extensions of its head.
#[derive(Clone)]
pub(crate) struct Traced(Arc<Open>);

struct Open {
    recorder: Recorder,
    context: Context,
    span_id: SpanId,
    start_ns: u64,
    /// Whose traces it asks for, once that is known. Who belongs nowhere leaves no span.
    instance: OnceLock<Instance>,
}

/// One read of the store while it runs.
pub(crate) struct Read {
    of: Traced,
    name: &'static str,
    store: &'static str,
    span_id: SpanId,
    start_ns: u64,
}

// === impl Tracing ===

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Tracing");
        shown.field("ratio", &self.ratio).finish_non_exhaustive()
    }
}

// === impl Recorder ===

impl Recorder {
    /// With what writes its spans, which has to be run.
    pub(crate) fn new(config: &Tracing, metrics: &Metrics) -> (Self, Writing) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let scope = Scope {
            name: "spoor".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..Scope::default()
        };
        let recorder = Self(Arc::new(Shared {
            spans: sender,
            ratio: config.ratio,
            resource: Arc::new(Resource::of_service(SERVICE)),
            scope: Arc::new(scope),
            random: RandomState::new(),
            drawn: AtomicU64::new(0),
            second: AtomicU64::new(0),
            metrics: metrics.clone(),
        }));
        let writing = Writing {
            spans: receiver,
            writer: config.writer.clone(),
            metrics: metrics.clone(),
        };
        (recorder, writing)
    }

    /// Begins to trace a request with these headers; `None`: it is not traced.
    pub(crate) fn begin(&self, headers: &HeaderMap) -> Option<Traced> {
        let context = match Context::of(headers) {
            Some(theirs) if !theirs.is_sampled => return None,
            Some(theirs) => theirs,
            None if !self.is_drawn() => return None,
            None => Context {
                trace_id: TraceId::from_halves(self.draw(), self.draw()),
                parent: None,
                state: Str::default(),
                is_sampled: true,
            },
        };
        if !self.has_room() {
            self.0.metrics.own_dropped("rate", 1);
            return None;
        }
        Some(Traced(Arc::new(Open {
            recorder: self.clone(),
            context,
            span_id: self.span_id(),
            start_ns: now_ns(),
            instance: OnceLock::new(),
        })))
    }

    /// A number that nobody foresees, never 0.
    fn draw(&self) -> u64 {
        let n = self.0.drawn.fetch_add(1, Ordering::Relaxed);
        self.0.random.hash_one(n).max(1)
    }

    fn is_drawn(&self) -> bool {
        // 53 bits are what a float tells apart
        let drawn = (self.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < self.0.ratio
    }

    fn span_id(&self) -> SpanId {
        SpanId::from_u64(self.draw())
    }

    /// Whether one more request of this second may be traced.
    fn has_room(&self) -> bool {
        let second = (now_ns() / 1_000_000_000) & u64::from(u32::MAX);
        let taken =
            self.0
                .second
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| {
                    match (before >> 32 == second, before & u64::from(u32::MAX)) {
                        (true, count) if count >= A_SECOND => None,
                        (true, _) => Some(before + 1),
                        (false, _) => Some((second << 32) | 1),
                    }
                });
        taken.is_ok()
    }

    fn send(&self, instance: Instance, span: Span) {
        if self.0.spans.try_send((instance, span)).is_err() {
            self.0.metrics.own_dropped("full", 1);
        }
    }
}

// === impl Traced ===

impl Traced {
    /// Says whose traces are asked for. The first who says it counts.
    pub(crate) fn asks(&self, instance: &Instance) {
        self.0.instance.get_or_init(|| instance.clone());
    }

    /// What an answer's header says of it.
    pub(crate) fn response(&self) -> Option<HeaderValue> {
        let text = self.0.context.response(self.0.span_id);
        HeaderValue::from_str(&text).ok()
    }

    /// Begins a read.
    pub(crate) fn reads(&self, name: &'static str, store: &'static str) -> Read {
        Read {
            of: self.clone(),
            name,
            store,
            span_id: self.0.recorder.span_id(),
            start_ns: now_ns(),
        }
    }

    /// It was answered over HTTP.
    pub(crate) fn ends_http(&self, method: &'static str, route: &'static str, status: u16) {
        let attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ];
        let name = format!("{method} {route}");
        self.ends(name.as_str().into(), attributes, status >= 500);
    }

    /// It was answered over gRPC, with this code.
    pub(crate) fn ends_grpc(&self, method: &'static str, code: i32) {
        let attributes = vec![
            KeyValue::new("rpc.system", "grpc"),
            KeyValue::new("rpc.grpc.status_code", i64::from(code)),
        ];
        // what OpenTelemetry counts as a server's own fault
        let failed = matches!(code, 2 | 4 | 12 | 13 | 14 | 15);
        self.ends(method.into(), attributes, failed);
    }

    fn ends(&self, name: Str, attributes: Vec<KeyValue>, failed: bool) {
        let open = &self.0;
        let span = Span {
            span_id: open.span_id,
            parent_span_id: open.context.parent,
            kind: SpanKind::Server,
            ..self.span(name, open.start_ns, attributes, failed)
        };
        self.record(span);
    }

    fn span(&self, name: Str, start_ns: u64, attributes: Vec<KeyValue>, failed: bool) -> Span {
        let shared = &self.0.recorder.0;
        Span {
            trace_id: self.0.context.trace_id,
            name,
            start_ns,
            end_ns: now_ns().max(start_ns),
            attributes,
            status: Status {
                code: match failed {
                    true => StatusCode::Error,
                    false => StatusCode::Unset,
                },
                message: Str::default(),
            },
            resource: shared.resource.clone(),
            scope: shared.scope.clone(),
            trace_state: self.0.context.state.clone(),
            flags: 1,
            ..Span::default()
        }
    }

    fn record(&self, span: Span) {
        if let Some(instance) = self.0.instance.get() {
            self.0.recorder.send(instance.clone(), span);
        }
    }
}

// === impl Read ===

impl Read {
    /// It ended, well or not.
    pub(crate) fn ends(&self, is_ok: bool) {
        let attributes = vec![KeyValue::new("db.system", self.store)];
        let span = Span {
            span_id: self.span_id,
            parent_span_id: Some(self.of.0.span_id),
            kind: SpanKind::Client,
            ..self
                .of
                .span(self.name.into(), self.start_ns, attributes, !is_ok)
        };
        self.of.record(span);
    }
}

// === impl Writing ===

impl Writing {
    /// Writes until `shutdown`, and then what waits.
    pub(crate) async fn run(mut self, shutdown: &CancellationToken) {
        let mut some = Vec::with_capacity(TOGETHER);
        loop {
            tokio::select! {
                count = self.spans.recv_many(&mut some, TOGETHER) => {
                    if count == 0 {
                        return;
                    }
                }
                () = shutdown.cancelled() => break,
            }
            let more = async {
                while some.len() < TOGETHER {
                    let room = TOGETHER - some.len();
                    if self.spans.recv_many(&mut some, room).await == 0 {
                        return;
                    }
                }
            };
            tokio::select! {
                _ = tokio::time::timeout(GATHERED, more) => {}
                () = shutdown.cancelled() => break,
            }
            self.write(&mut some).await;
        }
        self.spans.close();
        while let Ok(one) = self.spans.try_recv() {
            some.push(one);
        }
        self.write(&mut some).await;
    }

    async fn write(&self, some: &mut Vec<(Instance, Span)>) {
        let mut of: BTreeMap<Instance, Vec<Span>> = BTreeMap::new();
        for (instance, span) in some.drain(..) {
            of.entry(instance).or_default().push(span);
        }
        for (instance, spans) in of {
            let count = spans.len() as u64;
            let batch = Batch::new(instance, spans, 0);
            match self.writer.write(batch).await {
                Ok(()) => self.metrics.own_written(count),
                Err(error) => {
                    self.metrics.own_dropped("write", count);
                    tracing::debug!(%error, spans = count, "spans of Spoor's own requests were not written");
                }
            }
        }
    }
}

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests;
