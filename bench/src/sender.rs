//! Sends an epoch, again and again, over OTLP gRPC, and writes down what was sent and what was acknowledged.
//!
//! Requests are numbered from 0 over all rounds. Those that are late wait in a heap, as numbers, until their time has come.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf as _, BufMut as _, Bytes};
use hdrhistogram::Histogram;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::Epoch;
use crate::rng::mix;

/// What is sent, where and how fast.
#[derive(Clone, Debug)]
pub struct Load {
    /// `http://host:port` of an OTLP gRPC receiver.
    pub target: String,
    /// How long requests are started.
    pub duration: Duration,
    /// Requests that wait for an answer at one time.
    pub in_flight: usize,
    /// Connections that they are spread over.
    pub connections: usize,
    /// Spans a second, open loop; `None`: as fast as answers come.
    pub rate: Option<f64>,
    /// Stop at the first request that fails, for receivers that are killed.
    pub until_gone: bool,
    /// Stop after as many requests.
    pub requests: Option<u64>,
    /// Which requests are held back.
    pub late: Option<Late>,
}

/// A share of the requests arrives later than it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Late {
    /// Of all requests, 0 to 1.
    pub share: f64,
    /// The shortest delay.
    pub min: Duration,
    /// The longest delay.
    pub max: Duration,
}

/// A request, and how it ended.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Which time the epoch was sent.
    pub round: u64,
    /// Which request of the epoch.
    pub request: u32,
    /// Whether success was answered.
    pub acknowledged: bool,
}

/// What a load came to.
#[derive(Debug)]
pub struct Outcome {
    /// Every request that was sent.
    pub sent: Vec<Sent>,
    /// From the first request to the last answer, but for those that are held back longer.
    pub elapsed: Duration,
    /// Spans that were acknowledged within `elapsed`.
    pub acknowledged_spans: u64,
    /// Time to the answer, in microseconds, of acknowledged requests.
    pub latency_us: Histogram<u64>,
    /// How far sending fell behind the rate at worst: no answer's time shows it.
    pub behind: Duration,
    /// Answers that were no success, by code.
    pub errors: BTreeMap<String, u64>,
    /// First and last time of writing of each round's requests, nanoseconds since the Unix epoch.
    pub rounds: BTreeMap<u64, (i64, i64)>,
}

/// What the workers of one load share.
struct Sending {
    epoch: Arc<Epoch>,
    load: Load,
    started: Instant,
    first_round: u64,
    /// Spans of the requests before each of a round: a rate is one of spans, and requests differ.
    spans_before: Vec<u64>,
    next: AtomicU64,
    acknowledged_spans: AtomicU64,
    late: Mutex<BinaryHeap<Reverse<Waiting>>>,
    /// No more requests will be held back.
    all_written: AtomicBool,
}

/// A request that is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    due: Instant,
    now_ns: i64,
    round: u64,
    request: u32,
}

/// One connection's client, and what it has seen.
struct Worker {
    client: tonic::client::Grpc<Channel>,
    seen: Outcome,
}

/// Sends requests of `epoch` until the load's time or number is over. Rounds are numbered from `first_round`.
pub async fn send(epoch: &Arc<Epoch>, load: &Load, first_round: u64) -> anyhow::Result<Outcome> {
    let mut channels = Vec::new();
    for _ in 0..load.connections.max(1) {
        let endpoint = Endpoint::from_shared(load.target.clone())?
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true);
        channels.push(
            endpoint
                .initial_connection_window_size(16 << 20)
                .initial_stream_window_size(8 << 20)
                .connect()
                .await?,
        );
    }
    let sending = Arc::new(Sending {
        epoch: epoch.clone(),
        load: load.clone(),
        started: Instant::now(),
        first_round,
        spans_before: spans_before(epoch),
        next: AtomicU64::new(0),
        acknowledged_spans: AtomicU64::new(0),
        late: Mutex::default(),
        all_written: AtomicBool::new(false),
    });
    let mut workers = tokio::task::JoinSet::new();
    let mut late_workers = tokio::task::JoinSet::new();
    for channel in channels.iter().cycle().take(load.in_flight.max(1)) {
        workers.spawn(work(sending.clone(), Worker::new(channel.clone())?));
    }
    for channel in channels.iter().filter(|_| load.late.is_some()) {
        late_workers.spawn(work_late(sending.clone(), Worker::new(channel.clone())?));
    }
    let mut outcome = Outcome::new()?;
    while let Some(part) = workers.join_next().await {
        outcome.add(part??)?;
    }
    outcome.elapsed = sending.started.elapsed();
    outcome.acknowledged_spans = sending.acknowledged_spans.load(Ordering::Relaxed);
    sending.all_written.store(true, Ordering::Release);
    while let Some(part) = late_workers.join_next().await {
        outcome.add(part??)?;
    }
    Ok(outcome)
}

fn spans_before(epoch: &Epoch) -> Vec<u64> {
    let mut sum = 0;
    let before = (0..epoch.len()).map(|request| {
        let before = sum;
        sum += u64::from(epoch.spans(request));
        before
    });
    before.collect()
}

async fn work(sending: Arc<Sending>, mut worker: Worker) -> anyhow::Result<Outcome> {
    let load = &sending.load;
    loop {
        let number = sending.next.fetch_add(1, Ordering::Relaxed);
        if load.requests.is_some_and(|max| number >= max) {
            return Ok(worker.seen);
        }
        if let Some(rate) = load.rate {
            let due = Duration::from_secs_f64(sending.spans_before(number) as f64 / rate);
            if due >= load.duration {
                return Ok(worker.seen);
            }
            tokio::time::sleep_until((sending.started + due).into()).await;
            let behind = sending.started.elapsed().saturating_sub(due);
            worker.seen.behind = worker.seen.behind.max(behind);
        }
        if sending.started.elapsed() >= load.duration {
            return Ok(worker.seen);
        }
        let now_ns = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |d| d.as_nanos() as i64);
        let len = sending.epoch.len() as u64;
        let waiting = Waiting {
            due: sending.started,
            now_ns,
            round: sending.first_round + number / len,
            request: (number % len) as u32,
        };
        worker.seen.note_time(waiting.round, now_ns);
        if let Some(delay) = load.late.and_then(|late| late.delay(number)) {
            let due = Instant::now() + delay;
            sending.late().push(Reverse(Waiting { due, ..waiting }));
        } else if !worker.send(&sending, waiting).await? && load.until_gone {
            return Ok(worker.seen);
        }
    }
}

async fn work_late(sending: Arc<Sending>, mut worker: Worker) -> anyhow::Result<Outcome> {
    loop {
        // before the look, so that what was written last is seen
        let all_written = sending.all_written.load(Ordering::Acquire);
        match sending.take_due() {
            Ok(waiting) => drop(worker.send(&sending, waiting).await?),
            Err(None) if all_written => return Ok(worker.seen),
            Err(next) => {
                let soon = Instant::now() + Duration::from_millis(100);
                let until = next.map_or(soon, |due| due.min(soon));
                tokio::time::sleep_until(until.into()).await;
            }
        }
    }
}

// === impl Late ===

impl Late {
    /// How long the request with this number is held back; a function of the number.
    fn delay(self, number: u64) -> Option<Duration> {
        let unit = |salt: u64| (mix(salt, number) >> 11) as f64 / (1_u64 << 53) as f64;
        let spread = self.max.saturating_sub(self.min);
        (unit(1) < self.share).then(|| self.min + spread.mul_f64(unit(2)))
    }
}

// === impl Sending ===

impl Sending {
    /// Spans of all requests before the one with this number.
    fn spans_before(&self, number: u64) -> u64 {
        let len = self.epoch.len() as u64;
        let within = self.spans_before.get((number % len) as usize);
        number / len * self.epoch.layout.spans() + within.copied().unwrap_or_default()
    }

    fn late(&self) -> std::sync::MutexGuard<'_, BinaryHeap<Reverse<Waiting>>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request whose time has come, or when the next one's does.
    fn take_due(&self) -> Result<Waiting, Option<Instant>> {
        let mut late = self.late();
        match late.peek() {
            Some(Reverse(next)) if next.due > Instant::now() => Err(Some(next.due)),
            _ => late.pop().map(|Reverse(next)| next).ok_or(None),
        }
    }
}

// === impl Worker ===

impl Worker {
    fn new(channel: Channel) -> anyhow::Result<Self> {
        Ok(Self {
            client: tonic::client::Grpc::new(channel),
            seen: Outcome::new()?,
        })
    }

    /// Sends a request; whether it was acknowledged.
    async fn send(&mut self, sending: &Sending, what: Waiting) -> anyhow::Result<bool> {
        let request = what.request as usize;
        let body = Bytes::from(sending.epoch.body(request, what.round, what.now_ns));
        let asked = Instant::now();
        let answer = export(&mut self.client, body).await;
        let acknowledged = answer.is_ok();
        match answer {
            Ok(()) => {
                let took = asked.elapsed().as_micros() as u64;
                self.seen.latency_us.record(took)?;
                let spans = u64::from(sending.epoch.spans(request));
                let counter = &sending.acknowledged_spans;
                counter.fetch_add(spans, Ordering::Relaxed);
            }
            Err(status) => {
                let error = format!("{:?}: {}", status.code(), status.message());
                *self.seen.errors.entry(error).or_default() += 1;
            }
        }
        self.seen.sent.push(Sent {
            round: what.round,
            request: what.request,
            acknowledged,
        });
        Ok(acknowledged)
    }
}

// === impl Outcome ===

impl Outcome {
    /// Of nothing.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self {
            sent: Vec::new(),
            elapsed: Duration::ZERO,
            acknowledged_spans: 0,
            latency_us: Histogram::new(3)?,
            behind: Duration::ZERO,
            errors: BTreeMap::new(),
            rounds: BTreeMap::new(),
        })
    }

    fn add(&mut self, part: Self) -> anyhow::Result<()> {
        self.sent.extend(part.sent);
        self.latency_us.add(&part.latency_us)?;
        self.behind = self.behind.max(part.behind);
        for (code, count) in part.errors {
            *self.errors.entry(code).or_default() += count;
        }
        for (round, (first, last)) in part.rounds {
            self.note_time(round, first);
            self.note_time(round, last);
        }
        Ok(())
    }

    fn note_time(&mut self, round: u64, now_ns: i64) {
        let (first, last) = self.rounds.entry(round).or_insert((now_ns, now_ns));
        *first = now_ns.min(*first);
        *last = now_ns.max(*last);
    }
}

/// Sends one `PostSpansRequest` to Jaeger's gRPC receiver at `http://host:port`.
pub async fn post_spans(target: &str, body: Bytes) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(target.to_owned())?.connect().await?;
    let path = PathAndQuery::from_static("/jaeger.api_v2.CollectorService/PostSpans");
    Ok(call(&mut tonic::client::Grpc::new(channel), path, body).await?)
}

/// Sends one `ExportTraceServiceRequest` to an OTLP receiver over a connection that is open already.
pub(crate) async fn export_on(channel: Channel, body: Bytes) -> anyhow::Result<()> {
    Ok(export(&mut tonic::client::Grpc::new(channel), body).await?)
}

/// One export of a request that is already written.
async fn export(client: &mut tonic::client::Grpc<Channel>, body: Bytes) -> Result<(), Status> {
    call(
        client,
        PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
        body,
    )
    .await
}

async fn call(
    client: &mut tonic::client::Grpc<Channel>,
    path: PathAndQuery,
    body: Bytes,
) -> Result<(), Status> {
    client
        .ready()
        .await
        .map_err(|e| Status::unavailable(e.to_string()))?;
    let answer = client
        .unary(Request::new(body), path, RawCodec)
        .await?
        .into_inner();
    // success is the empty message; a partial one names spans that were not taken
    if answer.is_empty() {
        Ok(())
    } else {
        Err(Status::failed_precondition("partial success"))
    }
}

/// Messages as bytes.
#[derive(Clone, Copy, Debug, Default)]
struct RawCodec;

// === impl RawCodec ===

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, dst: &mut EncodeBuf<'_>) -> Result<(), Status> {
        dst.reserve(item.len());
        dst.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(src.copy_to_bytes(src.remaining())))
    }
}
