//! Sends an epoch, again and again, over OTLP gRPC, and writes down what was sent and what was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bytes::{Buf as _, BufMut as _, Bytes};
use hdrhistogram::Histogram;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::Epoch;

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
    /// Every request that was started.
    pub sent: Vec<Sent>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Time to the answer, in microseconds, of acknowledged requests.
    pub latency_us: Histogram<u64>,
    /// Answers that were no success, by code.
    pub errors: std::collections::BTreeMap<String, u64>,
}

/// Sends requests of `epoch` until the load's time is over. Later rounds start at `first_round`.
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
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..load.in_flight.max(1) {
        let channel = channels
            .get(worker % channels.len())
            .cloned()
            .unwrap_or_else(|| channels[0].clone());
        workers.spawn(work(
            epoch.clone(),
            load.clone(),
            channel,
            next.clone(),
            started,
            first_round,
        ));
    }
    let mut outcome = Outcome {
        sent: Vec::new(),
        elapsed: Duration::ZERO,
        latency_us: Histogram::new(3)?,
        errors: std::collections::BTreeMap::new(),
    };
    while let Some(part) = workers.join_next().await {
        let part = part??;
        outcome.sent.extend(part.sent);
        outcome.latency_us.add(&part.latency_us)?;
        for (code, count) in part.errors {
            *outcome.errors.entry(code).or_default() += count;
        }
    }
    outcome.elapsed = started.elapsed();
    Ok(outcome)
}

async fn work(
    epoch: Arc<Epoch>,
    load: Load,
    channel: Channel,
    next: Arc<AtomicU64>,
    started: Instant,
    first_round: u64,
) -> anyhow::Result<Outcome> {
    let mut client = tonic::client::Grpc::new(channel);
    let mut part = Outcome {
        sent: Vec::new(),
        elapsed: Duration::ZERO,
        latency_us: Histogram::new(3)?,
        errors: std::collections::BTreeMap::new(),
    };
    let mean_spans = 1.0_f64.max(
        (0..epoch.len())
            .map(|r| f64::from(epoch.spans(r)))
            .sum::<f64>()
            / epoch.len() as f64,
    );
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if let Some(rate) = load.rate {
            let due = started + Duration::from_secs_f64(number as f64 * mean_spans / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        if started.elapsed() >= load.duration {
            return Ok(part);
        }
        let request = (number % epoch.len() as u64) as u32;
        let round = first_round + number / epoch.len() as u64;
        let now_ns = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |d| d.as_nanos() as i64);
        let body = Bytes::from(epoch.body(request as usize, round, now_ns));
        let asked = Instant::now();
        let answer = export(&mut client, body).await;
        match &answer {
            Ok(()) => part.latency_us.record(asked.elapsed().as_micros() as u64)?,
            Err(status) => {
                *part
                    .errors
                    .entry(format!("{:?}: {}", status.code(), status.message()))
                    .or_default() += 1;
            }
        }
        part.sent.push(Sent {
            round,
            request,
            acknowledged: answer.is_ok(),
        });
        if load.until_gone && answer.is_err() {
            return Ok(part);
        }
    }
}

/// Sends one `PostSpansRequest` to Jaeger's gRPC receiver at `http://host:port`.
pub async fn post_spans(target: &str, body: Bytes) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(target.to_owned())?.connect().await?;
    let path = PathAndQuery::from_static("/jaeger.api_v2.CollectorService/PostSpans");
    Ok(call(&mut tonic::client::Grpc::new(channel), path, body).await?)
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
