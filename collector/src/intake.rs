//! The one path of every receiver, from a request's bytes to an answer that means durable.
//!
//! In: a [`Payload`] that was charged for and read. Then, in this order: inflate and decode; charge for what it became; collector tags;
//! count; format tag; downsampling; write, with a deadline; count for adaptive sampling; bury what could not be decoded. Out: what was stored and what never can be, or a [`Fault`].
//!
//! The permit is held until the answer is known, so that memory is given back when the spans are durable, not when they were queued.
//! Deliberately absent: sockets, protocols, statuses; queues of our own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Door, Guard};
use axum::Router;
use bytes::Bytes;
use listen::{Encoding, Occasional};
use model::{Batch, Instance, KeyValue, Span};
use storage::forward::Client;
use storage::layers::{Ledger, ledger};
use storage::port::{DeadLetter, DeadLetters, SamplingStore, TraceWriter, WriteError};
use wire::{DecodeError, Decoded, RejectedSpan};

use crate::admission::{Admission, Permit};
use crate::deadline::Deadline;
use crate::downsampling::Downsampling;
use crate::estimate::Estimates;
use crate::fault::Fault;
use crate::inflate::inflate;
use crate::inflow::Limit;
use crate::metrics::Metrics;
use crate::sampling::Sampling;
use crate::tags::Tags;

/// Jaeger's tag that says how a span came in; it is last, as in v1.76.
const FORMAT_TAG: &str = "@jaeger@format";
/// A decode that takes longer than about half a millisecond goes to a blocking thread: so many plain bytes,
const INLINE_PLAIN: usize = 512 << 10;
/// or so many compressed ones.
const INLINE_COMPRESSED: usize = 16 << 10;
/// What a request takes beside its body, roughly: its task, its headers, its stream.
const REQUEST: usize = 4 << 10;

/// Where spans go.
#[derive(Clone)]
pub struct Parts {
    /// The store, behind its layers.
    pub writer: Arc<dyn TraceWriter>,
    /// Where spans go that cannot be decoded; `None`: they are dropped and counted.
    pub dead_letters: Option<Arc<dyn DeadLetters>>,
    /// What became of each span.
    pub ledger: Arc<Ledger>,
    /// Spans are forwarded to it: it says itself how they came, and counts them as received.
    pub collector: Option<Arc<Client>>,
    /// Where collectors agree on adaptive sampling; `None`: nowhere, and there is none.
    pub sampling_store: Option<Arc<dyn SamplingStore>>,
    /// What reads of a store that is served to other processes, on the listener where they write to it.
    pub storage_reads: Option<Router>,
}

/// Whose words a request is in: what a receiver is, for counting and for tags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// `otlp-grpc`, `otlp-http`, `jaeger-grpc`: the receiver's name in dead letters, metrics and logs.
    pub(crate) name: &'static str,
    /// `otlp` or `proto`: the label of Jaeger's metrics.
    pub(crate) format: &'static str,
    /// `grpc` or `http`.
    pub(crate) transport: &'static str,
    /// The value of the tag that says how a span came in; `None`: there is no such tag.
    pub(crate) format_tag: Option<&'static str>,
}

/// A decoder of `wire`.
pub(crate) type Decode = fn(Bytes) -> Result<Decoded, DecodeError>;

/// A request's body, read, and paid for by its permit.
pub(crate) struct Payload {
    pub(crate) body: Vec<u8>,
    pub(crate) encoding: Encoding,
    pub(crate) permit: Permit,
}

/// What became of a request that was taken: all spans but the rejected ones are durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    /// How many spans can never be stored.
    pub(crate) rejected: usize,
    /// Why the first of them cannot.
    pub(crate) first: String,
}

/// What one receiver needs: the shared intake, and its own words and limits.
pub(crate) struct Receiver {
    pub(crate) intake: Arc<Intake>,
    pub(crate) origin: Origin,
    pub(crate) limit: Limit,
    estimates: Estimates,
    refusals: Occasional,
    rejections: Occasional,
}

/// What all receivers share.
pub(crate) struct Intake {
    parts: Parts,
    pub(crate) guard: Guard,
    pub(crate) door: Door,
    tags: Tags,
    downsampling: Downsampling,
    sampling: Arc<Sampling>,
    pub(crate) admission: Admission,
    pub(crate) metrics: Metrics,
    pub(crate) write_timeout: Duration,
}

// === impl Origin ===

impl Origin {
    /// Whether requests are in OpenTelemetry's own words.
    fn is_otlp(&self) -> bool {
        self.format == "otlp"
    }
}

// === impl Receiver ===

impl Receiver {
    pub(crate) fn new(intake: Arc<Intake>, origin: Origin, limit: Limit) -> Self {
        Self {
            intake,
            origin,
            limit,
            estimates: Estimates::new(),
            refusals: Occasional::default(),
            rejections: Occasional::default(),
        }
    }

    /// A permit for a request whose body is declared to be `len` bytes long, charged for what that will probably become. Where nothing is
    /// declared, `len` is 0 and the body is charged as it comes.
    pub(crate) fn charge(
        &self,
        instance: Instance,
        len: usize,
        encoding: Encoding,
    ) -> Result<Permit, Fault> {
        let estimate = self.estimates.of(encoding != Encoding::Identity).of(len);
        let mut permit = self.intake.admission.open(instance);
        permit.advance(len + REQUEST, estimate + REQUEST)?;
        Ok(permit)
    }

    /// Counts a fault, and now and then says what an operator can do about what senders do wrong. `whose` the request was, where that is known.
    pub(crate) fn count(&self, fault: &Fault, whose: Option<&Instance>) {
        let (receiver, reason) = (self.origin.name, fault.reason());
        if let Some(instance) = whose {
            let account = self.intake.parts.ledger.account(instance);
            account.turn_away(receiver, reason, fault.to_string());
        }
        let retryable = fault.retry_after().is_some();
        self.intake.metrics.refused(receiver, reason, retryable);
        if retryable {
            self.refusals.tell(|times| {
                tracing::warn!(
                    receiver,
                    reason,
                    times,
                    "told senders to try again: {fault}"
                );
            });
        } else {
            self.rejections.tell(|times| {
                tracing::warn!(
                    receiver,
                    reason,
                    times,
                    "rejected requests for good: {fault}"
                );
            });
        }
    }

    /// Stores what `payload` holds. The answer means: all spans are durable but those that never can be.
    pub(crate) async fn take(
        &self,
        payload: Payload,
        decode: impl FnOnce(Bytes) -> Result<Decoded, DecodeError> + Send + 'static,
        deadline: &Deadline,
    ) -> Result<Stored, Fault> {
        let compressed = payload.encoding != Encoding::Identity;
        let wire_len = payload.body.len();
        let limit = self.limit;
        let inline = if compressed {
            INLINE_COMPRESSED
        } else {
            INLINE_PLAIN
        };
        let opened = if wire_len <= inline {
            open(payload, limit, decode)
        } else {
            tokio::task::spawn_blocking(move || open(payload, limit, decode))
                .await
                .unwrap_or_else(|_| Err(Fault::Undecodable("the decoder failed".to_owned())))
        };
        let Opened {
            decoded,
            body_bytes,
            mut permit,
        } = opened?;
        if decoded.spans.is_empty() && decoded.rejected.is_empty() {
            return Ok(Stored::default());
        }
        let intake = &self.intake;
        let until = deadline.write();
        let mut stored = Stored::default();
        if !decoded.spans.is_empty() {
            stored = intake
                .write(&self.origin, decoded.spans, body_bytes, &mut permit, until)
                .await?;
            let estimate = self.estimates.of(compressed);
            estimate.learn(wire_len, permit.held());
        }
        if let Some(first) = decoded.rejected.first() {
            if stored.rejected == 0 {
                stored.first.clone_from(&first.reason);
            }
            stored.rejected += decoded.rejected.len();
            intake
                .bury(&self.origin, decoded.rejected, &permit, until)
                .await?;
        }
        Ok(stored)
    }
}

// === impl Intake ===

impl Intake {
    pub(crate) fn new(
        parts: Parts,
        config: &crate::Config,
        sampling: Arc<Sampling>,
        admission: Admission,
        metrics: Metrics,
    ) -> Self {
        Self {
            parts,
            guard: config.guard.clone(),
            door: config.door.clone(),
            tags: Tags::new(&config.tags),
            downsampling: Downsampling::new(config.downsampling_ratio, &config.downsampling_salt),
            sampling,
            admission,
            metrics,
            write_timeout: config.write_timeout,
        }
    }

    /// Writes `spans`, decoded from a body of `body_bytes`, and charges `permit` for what they are.
    async fn write(
        &self,
        origin: &Origin,
        mut spans: Vec<Span>,
        body_bytes: usize,
        permit: &mut Permit,
        until: tokio::time::Instant,
    ) -> Result<Stored, Fault> {
        self.tags.add_to(&mut spans);
        let tally = self.metrics.tally(&spans);
        self.metrics.received(origin, &tally);
        if let Some(format) = origin.format_tag
            && self.parts.collector.is_none()
        {
            tag_format(&mut spans, format);
        }
        // before traces are thinned out: what SDKs recorded counts
        let roots = self.sampling.roots(&spans, origin.is_otlp());
        let dropped = self.downsampling.thin(&mut spans);
        if dropped > 0 {
            let account = self.parts.ledger.account(permit.instance());
            account.receive(dropped).dropped(ledger::DOWNSAMPLED);
            if spans.is_empty() {
                self.sampling.count(roots);
                return Ok(Stored::default());
            }
        }
        let batch = Batch::new(permit.instance().clone(), spans, body_bytes);
        if let Err(refusal) = permit.set(batch.retained_bytes + REQUEST) {
            let account = self.parts.ledger.account(&batch.instance);
            account.receive(batch.len()).refused(ledger::OVER_BUDGET);
            self.metrics.failed(&tally, Duration::ZERO);
            return Err(refusal.into());
        }
        let began = Instant::now();
        let mut write = self.parts.writer.write(batch);
        let written = tokio::time::timeout_at(until, &mut write).await;
        let took = began.elapsed();
        match written {
            Ok(Ok(())) => {
                self.sampling.count(roots);
                self.metrics.stored(origin, &tally, &[], took);
                Ok(Stored::default())
            }
            Ok(Err(WriteError::Rejected(spans))) => {
                self.sampling.count(roots);
                let positions: Vec<usize> = spans.iter().map(|span| span.at).collect();
                self.metrics.stored(origin, &tally, &positions, took);
                let first = spans.first().map(|span| span.reason.to_string());
                Ok(Stored {
                    rejected: spans.len(),
                    first: first.unwrap_or_default(),
                })
            }
            Ok(Err(error)) => {
                self.metrics.failed(&tally, took);
                Err(error.into())
            }
            Err(_) => {
                ledger::abandon(write, ledger::LATE);
                self.metrics.failed(&tally, took);
                Err(Fault::Late)
            }
        }
    }

    /// Keeps spans that could not be decoded, for a person to look at, and says in the ledger what became of them. Their neighbours
    /// are durable by now: should this fail, the sender sends the whole again, which stores them once.
    async fn bury(
        &self,
        origin: &Origin,
        rejected: Vec<RejectedSpan>,
        permit: &Permit,
        until: tokio::time::Instant,
    ) -> Result<(), Fault> {
        self.metrics.undecodable(origin, rejected.len());
        let account = self.parts.ledger.account(permit.instance());
        let in_flight = account.receive(rejected.len());
        let Some(dead_letters) = &self.parts.dead_letters else {
            in_flight.dropped(ledger::UNDECODABLE);
            return Ok(());
        };
        let letters = rejected
            .into_iter()
            .map(|span| DeadLetter {
                instance: permit.instance().clone(),
                reason: span.reason,
                origin: origin.name,
                payload: span.payload,
            })
            .collect();
        match tokio::time::timeout_at(until, dead_letters.bury(letters)).await {
            Ok(Ok(())) => {
                in_flight.dead_lettered(ledger::UNDECODABLE);
                Ok(())
            }
            Ok(Err(error)) => {
                in_flight.refused(ledger::UNAVAILABLE);
                Err(error.into())
            }
            Err(_) => {
                in_flight.refused(ledger::LATE);
                Err(Fault::Late)
            }
        }
    }
}

/// A payload, inflated and decoded.
struct Opened {
    decoded: Decoded,
    /// Bytes of the body that the spans point into.
    body_bytes: usize,
    permit: Permit,
}

fn open(
    payload: Payload,
    limit: Limit,
    decode: impl FnOnce(Bytes) -> Result<Decoded, DecodeError>,
) -> Result<Opened, Fault> {
    let Payload {
        body,
        encoding,
        mut permit,
    } = payload;
    let mut body = inflate(encoding, body, limit, &mut permit)?;
    // the spans keep all of it alive, unused room too
    if body.capacity() - body.len() > body.len() / 8 {
        body.shrink_to_fit();
    }
    let body_bytes = body.capacity();
    let decoded =
        decode(Bytes::from(body)).map_err(|error| Fault::Undecodable(error.to_string()))?;
    Ok(Opened {
        decoded,
        body_bytes,
        permit,
    })
}

/// One pair of strings for the whole batch: cores that work on others never touch its counters.
fn tag_format(spans: &mut [Span], format: &'static str) {
    let tag = KeyValue::new(FORMAT_TAG, format);
    for span in spans {
        // `push` alone would double the room of every span
        span.attributes.reserve_exact(1);
        span.attributes.push(tag.clone());
    }
}
