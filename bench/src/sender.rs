//! Sends an epoch, again and again, and writes down what was sent and what was acknowledged.
//!
//! Requests are numbered from 0 over all rounds. Those that are late wait in a heap, as numbers, until their time has come.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hdrhistogram::Histogram;

use crate::carrier::Carrier;
use crate::rng::mix;
use crate::{Epoch, Protocol};

/// Before a request is sent a second time, unless its answer said when; each further pause is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What is sent, where and how fast.
#[derive(Clone, Debug)]
pub struct Load {
    /// `http://host:port` of a receiver, `udp://host:port` for datagrams.
    pub target: String,
    /// What it takes.
    pub protocol: Protocol,
    /// How long requests are started.
    pub duration: Duration,
    /// Requests that wait for an answer at one time.
    pub in_flight: usize,
    /// Connections that they are spread over; over HTTP/1.1 there are as many as requests wait.
    pub connections: usize,
    /// Spans a second, open loop; `None`: as fast as answers come.
    pub rate: Option<f64>,
    /// Stop at the first request that fails, for receivers that are killed.
    pub until_gone: bool,
    /// A request that was refused, and may be sent again, is: until so long after its first time. With a rate, all requests that were due
    /// within `duration` are sent then, however late. `None`: each is sent once.
    pub again: Option<Duration>,
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
    /// When its last answer came, since the load began.
    pub at: Duration,
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
    /// Time to them, in microseconds.
    pub refusal_us: Histogram<u64>,
    /// Of them, those after which the same may never be sent again.
    pub for_good: u64,
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
    carrier: Carrier,
    protocol: Protocol,
    seen: Outcome,
}

/// Sends requests of `epoch` until the load's time or number is over. Rounds are numbered from `first_round`.
pub async fn send(epoch: &Arc<Epoch>, load: &Load, first_round: u64) -> anyhow::Result<Outcome> {
    let mut carriers = Vec::new();
    for _ in 0..load.connections.max(1) {
        carriers.push(Carrier::connect(load.protocol, &load.target).await?);
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
    let worker = |carrier: &Carrier| Worker::new(carrier.clone(), load.protocol);
    for carrier in carriers.iter().cycle().take(load.in_flight.max(1)) {
        workers.spawn(work(sending.clone(), worker(carrier)?));
    }
    for carrier in carriers.iter().filter(|_| load.late.is_some()) {
        late_workers.spawn(work_late(sending.clone(), worker(carrier)?));
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
        let comes_late = load.rate.is_some() && load.again.is_some();
        if !comes_late && sending.started.elapsed() >= load.duration {
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
    fn new(carrier: Carrier, protocol: Protocol) -> anyhow::Result<Self> {
        Ok(Self {
            carrier,
            protocol,
            seen: Outcome::new()?,
        })
    }

    /// Sends a request; whether it was acknowledged.
    async fn send(&mut self, sending: &Sending, what: Waiting) -> anyhow::Result<bool> {
        let request = what.request as usize;
        let otlp = sending.epoch.body(request, what.round, what.now_ns);
        let messages = self.protocol.messages(otlp);
        let first = Instant::now();
        let mut pause = PAUSE;
        let acknowledged = loop {
            let asked = Instant::now();
            let answer = self.carrier.send(messages.clone()).await;
            let took = asked.elapsed().as_micros() as u64;
            let Err(refusal) = answer else {
                self.seen.latency_us.record(took)?;
                let spans = u64::from(sending.epoch.spans(request));
                let counter = &sending.acknowledged_spans;
                counter.fetch_add(spans, Ordering::Relaxed);
                break true;
            };
            self.seen.refusal_us.record(took)?;
            self.seen.for_good += u64::from(!refusal.may_pass);
            *self.seen.errors.entry(refusal.said).or_default() += 1;
            let patience = sending.load.again.unwrap_or_default();
            let wait = refusal.after.unwrap_or(pause);
            if !refusal.may_pass || first.elapsed() + wait >= patience {
                break false;
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        };
        self.seen.sent.push(Sent {
            round: what.round,
            request: what.request,
            acknowledged,
            at: sending.started.elapsed(),
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
            refusal_us: Histogram::new(3)?,
            for_good: 0,
            rounds: BTreeMap::new(),
        })
    }

    fn add(&mut self, part: Self) -> anyhow::Result<()> {
        self.sent.extend(part.sent);
        self.latency_us.add(&part.latency_us)?;
        self.refusal_us.add(&part.refusal_us)?;
        self.for_good += part.for_good;
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
