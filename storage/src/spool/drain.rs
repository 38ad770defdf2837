//! Sends what a spool holds to its store, the oldest first, for as long as its instance is there.
//!
//! In: the records on the disk. Out: writes to the store, two under way at a time, each again until the store has it or never can; then the place up to which it has everything. While the store
//! is away, one small write in a while finds out whether it is back. What the store rejects has been buried when it says so (by the layer in front of it), and counts as drained.
//!
//! Memory: what is read and decoded is charged to a budget that all spools share. A write that fails gives its own back; it is read again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use model::Batch;
use tokio::time::{Instant, timeout};

use super::log::{Chunk, Log};
use super::position::Position;
use super::queue::Spool;
use crate::elasticsearch::jittered;
use crate::embedded::batch;
use crate::port::WriteError;

/// Writes under way: one that the store works at, one that waits behind it.
const AT_ONCE: usize = 2;
/// Bytes of records of a write.
const CHUNK_BYTES: usize = 2 << 20;
/// The same while the store is away.
const PROBE_BYTES: usize = 64 << 10;
/// Memory of a record of one byte on its way: its span takes twice that, its document in Elasticsearch more than four times, and the deflated one once more.
const GROWTH: usize = 8;
/// After the first failure; each further pause is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often a spool that is not at rest is looked at.
const TICK: Duration = Duration::from_secs(1);
/// When a spool to which nobody writes gives back its last file.
const REST: Duration = Duration::from_secs(30);
/// How long draining goes on at a shutdown, as long as all goes well.
const LEAVE: Duration = Duration::from_secs(1);
/// How long a folder that cannot be opened is left alone.
const OPEN_AGAIN: Duration = Duration::from_secs(1);

/// What a round ended with.
enum Round {
    /// Nothing is left.
    Empty,
    /// The store did not take it.
    Away(WriteError),
    /// We leave.
    Left,
}

/// A write that ended.
struct Written {
    next: Position,
    spans: u64,
    newest_ns: u64,
    answer: Result<(), WriteError>,
}

/// Since when a store is away.
struct Away {
    since: Instant,
    pause: Duration,
}

/// Where draining stands with the store.
#[derive(Default)]
struct Course {
    away: Option<Away>,
    /// Since when the store takes again what waited for it, and what was drained until then.
    backlog: Option<(Instant, u64)>,
}

/// Reads the spool back, then drains it until it is closed. The folder may still be in use by `before`, which ends.
pub(super) async fn run(spool: Arc<Spool>, before: Option<Arc<Spool>>) {
    if let Some(before) = before {
        before.tasks.wait().await;
    }
    let Some(log) = open(&spool).await else {
        return;
    };
    spool.opened.send_replace(Some(log.clone()));
    let drainer = Drainer { spool, log };
    drainer.drain_all().await;
    let Drainer { spool, log } = drainer;
    let ended = tokio::task::spawn_blocking(move || {
        let gone = log.close(spool.status.is_poisoned());
        spool.let_go(gone);
    });
    // a panic was told
    drop(ended.await);
}

async fn open(spool: &Arc<Spool>) -> Option<Arc<Log>> {
    while !spool.ending.is_cancelled() {
        let opening = spool.clone();
        let opened = tokio::task::spawn_blocking(move || opening.read_back()).await;
        match opened {
            Ok(Ok(log)) => {
                spool.status.resume();
                return Some(Arc::new(log));
            }
            Ok(Err(reason)) => {
                if spool.status.refuse(reason.clone()) {
                    tracing::error!(instance = %spool.instance, reason, "the spool cannot be opened, and takes nothing");
                }
            }
            // it panicked, which was told, or the process ends
            Err(_) => spool
                .status
                .poison("reading the spool failed: restart".to_owned()),
        }
        tokio::select! {
            () = spool.ending.cancelled() => {}
            () = tokio::time::sleep(OPEN_AGAIN) => {}
        }
    }
    None
}

struct Drainer {
    spool: Arc<Spool>,
    log: Arc<Log>,
}

// === impl Drainer ===

impl Drainer {
    async fn drain_all(&self) {
        let mut course = Course::default();
        loop {
            match self.round(&mut course).await {
                Round::Empty => {
                    self.tell_drained(&mut course);
                    if self.spool.ending.is_cancelled() {
                        return;
                    }
                    self.wait().await;
                }
                Round::Away(error) => {
                    let pause = self.note(&mut course, &error);
                    tokio::select! {
                        () = self.spool.ending.cancelled() => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                    self.look_after().await;
                }
                Round::Left => return,
            }
        }
    }

    /// Writes until nothing is left or the store is away.
    async fn round(&self, course: &mut Course) -> Round {
        let mut from = self.log.drained();
        let mut under_way: FuturesOrdered<BoxFuture<'static, Written>> = FuturesOrdered::new();
        let left = self.left();
        tokio::pin!(left);
        loop {
            let (at_once, bytes) = match course.away {
                None => (
                    AT_ONCE,
                    self.spool.shared.drains.most(CHUNK_BYTES * GROWTH) / GROWTH,
                ),
                Some(_) => (1, PROBE_BYTES),
            };
            while under_way.len() < at_once {
                let reading = tokio::select! {
                    reading = self.write(from, bytes) => reading,
                    () = &mut left => return Round::Left,
                };
                let Some((next, writing)) = reading else {
                    break;
                };
                from = next;
                under_way.push_back(writing);
            }
            let written = tokio::select! {
                written = under_way.next() => written,
                () = &mut left => return Round::Left,
            };
            let Some(written) = written else {
                return Round::Empty;
            };
            let rejected = match written.answer {
                Ok(()) => 0,
                Err(WriteError::Rejected(spans)) => spans.len() as u64,
                Err(error) => return Round::Away(error),
            };
            let counts = &self.spool.counts;
            counts.rejected.fetch_add(rejected, Ordering::Relaxed);
            counts.drained.fetch_add(
                written.spans - rejected.min(written.spans),
                Ordering::Relaxed,
            );
            self.advance(written.next, written.spans, written.newest_ns)
                .await;
            self.back(course);
        }
    }

    /// A while after the spool was closed.
    async fn left(&self) {
        self.spool.ending.cancelled().await;
        tokio::time::sleep(LEAVE).await;
    }

    /// Reads from `from` on, and makes a write of it.
    async fn write(
        &self,
        from: Position,
        bytes: usize,
    ) -> Option<(Position, BoxFuture<'static, Written>)> {
        if !self.log.has_more(from) {
            return None;
        }
        let room = self.spool.shared.drains.take(bytes * GROWTH).await?;
        let (spool, log) = (self.spool.clone(), self.log.clone());
        let read = tokio::task::spawn_blocking(move || {
            let chunk = log.read(from, bytes)?;
            Some(spool.decode(chunk, &log))
        });
        let (batch, next, newest_ns, spans) = read.await.ok().flatten()?;
        let below = self.spool.below();
        let writing = Box::pin(async move {
            let answer = if batch.is_empty() {
                Ok(())
            } else {
                below.write(batch).await
            };
            drop(room);
            Written {
                next,
                spans,
                newest_ns,
                answer,
            }
        });
        Some((next, writing))
    }

    async fn advance(&self, to: Position, spans: u64, newest_ns: u64) {
        self.blocking(move |log| log.advance(to, spans, newest_ns))
            .await;
    }

    /// What may block on the disk; it gives the bytes that went.
    async fn blocking(&self, call: impl FnOnce(&Log) -> u64 + Send + 'static) {
        let (spool, log) = (self.spool.clone(), self.log.clone());
        let done = tokio::task::spawn_blocking(move || {
            let gone = call(&log);
            spool.let_go(gone);
        });
        // a panic was told
        drop(done.await);
    }

    /// Until something comes, or there is something to do without.
    async fn wait(&self) {
        let is_beyond = self
            .log
            .is_idle_beyond(self.spool.shared.shares.file_bytes());
        if is_beyond {
            self.blocking(Log::end_file).await;
        }
        let at_rest = !self.log.is_unsaved() && !self.spool.status.is_refusing();
        let most = match (at_rest, self.log.is_idle_beyond(0)) {
            (false, _) => Some(TICK),
            (true, true) => Some(REST),
            (true, false) => None,
        };
        let arrived = async {
            tokio::select! {
                () = self.spool.arrived.notified() => {}
                () = self.spool.ending.cancelled() => {}
            }
        };
        let Some(most) = most else {
            return arrived.await;
        };
        if timeout(most, arrived).await.is_ok() {
            return;
        }
        if at_rest {
            self.blocking(Log::end_file).await;
        } else {
            self.look_after().await;
        }
    }

    /// Saves the place, and looks whether the disk has room again.
    async fn look_after(&self) {
        let is_refusing = self.spool.status.is_refusing();
        if !is_refusing && !self.log.is_unsaved() {
            return;
        }
        let spool = self.spool.clone();
        self.blocking(move |log| {
            spool.probe(log);
            log.save()
        })
        .await;
    }

    /// The store did not take it; how long to wait.
    fn note(&self, course: &mut Course, error: &WriteError) -> Duration {
        let state = course.away.get_or_insert_with(|| {
            tracing::warn!(instance = %self.spool.instance, %error, "the store is away: spans stay in the spool");
            Away {
                since: Instant::now(),
                pause: PAUSE,
            }
        });
        let pause = state.pause;
        state.pause = (pause * 2).min(LONGEST_PAUSE);
        PAUSE.min(pause) + jittered(pause)
    }

    /// The store took something.
    fn back(&self, course: &mut Course) {
        let Some(away) = course.away.take() else {
            return;
        };
        let spans = self.log.level().spans;
        tracing::info!(
            instance = %self.spool.instance,
            after_s = away.since.elapsed().as_secs(),
            spans,
            "the store takes spans again: the spool drains"
        );
        let drained = self.spool.counts.drained.load(Ordering::Relaxed);
        course.backlog.get_or_insert((Instant::now(), drained));
    }

    /// Nothing is left of what waited.
    fn tell_drained(&self, course: &mut Course) {
        let Some((since, before)) = course.backlog.take() else {
            return;
        };
        let drained = self.spool.counts.drained.load(Ordering::Relaxed);
        tracing::info!(
            instance = %self.spool.instance,
            spans = drained - before,
            seconds = since.elapsed().as_secs_f64(),
            "the spool is drained"
        );
    }
}

// === impl Spool ===

impl Spool {
    fn read_back(&self) -> Result<Log, String> {
        let shared = &self.shared;
        let folder = shared.folder(&self.instance);
        let opened = Log::open(
            shared.disk.clone(),
            folder.clone(),
            shared.shares.file_bytes(),
            (shared.clock)(),
            self.counts.damaged.clone(),
        );
        let (log, bytes) = opened.map_err(|error| {
            format!(
                "could not open the spool in {}: {error}: see to the folder of {}",
                folder.display(),
                super::DIRECTORY
            )
        })?;
        shared.shares.set(&self.instance, bytes);
        let spans = log.level().spans;
        if spans > 0 {
            tracing::info!(instance = %self.instance, spans, bytes, "found spans in the spool, which go to the store first");
        }
        Ok(log)
    }

    /// Files went.
    fn let_go(&self, bytes: u64) {
        self.shared.shares.correct(&self.instance, bytes, 0);
    }

    /// One batch of all records, with the place behind them, when the last was taken in, and how many spans they say they have.
    fn decode(&self, chunk: Chunk, log: &Log) -> (Batch, Position, u64, u64) {
        let mut all = Vec::new();
        let mut bytes = 0;
        let mut newest_ns = 0;
        for (received_ns, payload) in chunk.records {
            newest_ns = newest_ns.max(received_ns);
            bytes += payload.len();
            let why = match batch::spans(&payload) {
                Ok((instance, spans)) if instance == self.instance => {
                    all.extend(spans);
                    continue;
                }
                Ok((other, _)) => format!("it is of {other}"),
                Err(why) => why,
            };
            self.counts.damaged.inc();
            tracing::error!(instance = %self.instance, why, "a record of the spool cannot be sent: its file is set aside");
            log.set_damaged(chunk.next.generation);
        }
        let spans = all.len() as u64;
        let batch = Batch::new(self.instance.clone(), all, bytes);
        (batch, chunk.next, newest_ns, spans)
    }
}
