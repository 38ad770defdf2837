//! One instance's spool, as the layers above see it: a writer that answers once the spool is synced.
//!
//! In: batches. Out: `Ok` once all of it is durable in the spool, `Throttled` when there is no room, `Unavailable` after a failed sync. A group of writes is one sync: it starts when the one
//! before is done, and holds what came meanwhile. There is no thread for an instance that nobody writes to.
//!
//! Deliberately absent: what becomes of it then (`drain`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::log::Log;
use super::{DIRECTORY, MAX_BYTES, Shared};
use crate::disk;
use crate::embedded::batch;
use crate::embedded::journal::{AppendError, Pending};
use crate::embedded::status::Status;
use crate::port::{TraceWriter, WriteError};

/// Bytes in a group, unless one write alone has more.
const GROUP_BYTES: u64 = 8 << 20;
/// When to try again after there was no room.
const LATER: Duration = Duration::from_secs(1);
/// How long a write waits for the spool to be read back after a start.
const OPENING: Duration = Duration::from_secs(2);
/// How much room there has to be on the disk for writes to be taken again.
const PROBE_BYTES: u64 = 1 << 20;

/// The spool of one instance.
pub(super) struct Spool {
    pub(super) instance: Instance,
    pub(super) shared: Arc<Shared>,
    pub(super) status: Status,
    /// Where it is drained to.
    below: Mutex<Arc<dyn TraceWriter>>,
    /// `None` until it was read back.
    pub(super) opened: watch::Sender<Option<Arc<Log>>>,
    queue: Mutex<Queue>,
    /// Something came.
    pub(super) arrived: Notify,
    pub(super) ending: CancellationToken,
    pub(super) tasks: TaskTracker,
    pub(super) counts: Counts,
}

/// What is shown of it, beside its level.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Spans that the store has.
    pub(super) drained: AtomicU64,
    /// Spans that the store rejected, which are dead letters.
    pub(super) rejected: AtomicU64,
    /// Spans for which there was no room.
    pub(super) refused: AtomicU64,
    /// Records that are damaged.
    pub(super) damaged: Counter,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    is_committing: bool,
    is_closed: bool,
}

/// One write.
struct Item {
    records: Vec<Pending>,
    spans: u64,
    /// How long that is in the file; as much of the share is taken.
    bytes: u64,
    done: oneshot::Sender<Result<(), WriteError>>,
    /// Its share of the memory for writes.
    _room: OwnedSemaphorePermit,
}

/// Ends the committing, however it ends, so that nobody waits for ever.
struct Committing<'a> {
    spool: &'a Spool,
    has_ended: bool,
}

// === impl Spool ===

impl Spool {
    pub(super) fn new(
        instance: Instance,
        shared: Arc<Shared>,
        below: Arc<dyn TraceWriter>,
    ) -> Self {
        let folder = shared.folder(&instance);
        Self {
            instance,
            shared,
            status: Status::new("the spool", DIRECTORY, folder),
            below: Mutex::new(below),
            opened: watch::Sender::new(None),
            queue: Mutex::default(),
            arrived: Notify::new(),
            ending: CancellationToken::new(),
            tasks: TaskTracker::new(),
            counts: Counts::default(),
        }
    }

    /// From now on it is drained there.
    pub(super) fn drain_to(&self, below: Arc<dyn TraceWriter>) {
        *self.below.lock() = below;
    }

    pub(super) fn below(&self) -> Arc<dyn TraceWriter> {
        self.below.lock().clone()
    }

    /// What is on the disk, once it was read back.
    pub(super) fn log(&self) -> Option<Arc<Log>> {
        self.opened.borrow().clone()
    }

    /// Takes no more. What was taken is committed, then its tasks end.
    pub(super) fn close(&self) {
        self.queue.lock().is_closed = true;
        self.status.close();
        self.ending.cancel();
        self.tasks.close();
    }

    /// Why nothing is taken, if nothing is.
    pub(super) fn health(&self) -> Result<(), String> {
        self.status.health()?;
        match self.shared.shares.room(&self.instance) {
            Ok(()) => Ok(()),
            Err(full) => Err(self.full(full)),
        }
    }

    fn full(&self, full: super::shares::Full) -> String {
        let super::shares::Full { own, all, max } = full;
        format!(
            "the spool of {} is full: it holds {own} bytes, all together {all} of {max}: mend its store, or raise {MAX_BYTES}",
            self.instance
        )
    }

    fn refuse(&self, spans: u64, reason: String) -> WriteError {
        self.counts.refused.fetch_add(spans, Ordering::Relaxed);
        WriteError::Throttled {
            after: LATER,
            reason,
        }
    }

    async fn open_log(&self) -> Result<Arc<Log>, WriteError> {
        if let Some(log) = self.log() {
            return Ok(log);
        }
        let mut opened = self.opened.subscribe();
        let opened = opened.wait_for(Option::is_some);
        if let Ok(Ok(log)) = tokio::time::timeout(OPENING, opened).await
            && let Some(log) = log.clone()
        {
            return Ok(log);
        }
        self.status.check_open()?;
        Err(WriteError::Throttled {
            after: LATER,
            reason: (self.status.health().err())
                .unwrap_or_else(|| format!("the spool of {} is being read", self.instance)),
        })
    }

    fn closed(&self) -> WriteError {
        WriteError::Unavailable {
            reason: format!("the spool of {} is closed", self.instance),
        }
    }

    /// Hands a write over, and sees that somebody commits.
    fn push(self: &Arc<Self>, item: Item, log: &Arc<Log>) -> Result<(), WriteError> {
        let mut queue = self.queue.lock();
        if queue.is_closed {
            drop(queue);
            self.give_back(item.bytes);
            return Err(self.closed());
        }
        queue.items.push_back(item);
        if !std::mem::replace(&mut queue.is_committing, true) {
            let (spool, log) = (self.clone(), log.clone());
            self.tasks.spawn_blocking(move || spool.commit_all(&log));
        }
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        self.shared.shares.correct(&self.instance, bytes, 0);
    }

    /// Until nobody waits.
    fn commit_all(&self, log: &Log) {
        let mut committing = Committing {
            spool: self,
            has_ended: false,
        };
        while let Some(group) = committing.next() {
            self.commit(group, log);
        }
    }

    fn commit(&self, group: Vec<Item>, log: &Log) {
        let bytes = group.iter().map(|item| item.bytes).sum();
        let spans = group.iter().map(|item| item.spans).sum();
        let mut records = Vec::with_capacity(group.len());
        let mut waiting = Vec::with_capacity(group.len());
        for item in group {
            records.extend(item.records);
            waiting.push((item.done, item._room));
        }
        let answer = self.append(&mut records, bytes, spans, log);
        for (done, room) in waiting {
            // who dropped its future does not want to know
            drop(done.send(answer.clone()));
            drop(room);
        }
        if answer.is_ok() {
            self.arrived.notify_one();
        }
    }

    fn append(
        &self,
        records: &mut [Pending],
        bytes: u64,
        spans: u64,
        log: &Log,
    ) -> Result<(), WriteError> {
        if self.status.is_poisoned()
            && let Err(error) = self.status.check_open()
        {
            self.give_back(bytes);
            return Err(error);
        }
        let shares = &self.shared.shares;
        self.status.begin_append();
        let appended = log.append(records, spans, shares.file_bytes());
        self.status.end_append();
        match appended {
            Ok(is) => {
                shares.correct(&self.instance, bytes, is);
                self.resume();
                Ok(())
            }
            Err(error) => {
                self.give_back(bytes);
                Err(self.failed(&error, spans))
            }
        }
    }

    fn resume(&self) {
        if self.status.resume() {
            tracing::info!(instance = %self.instance, "the spool takes spans again");
        }
    }

    fn failed(&self, error: &AppendError, spans: u64) -> WriteError {
        match error {
            AppendError::Refused { error: source, .. } => {
                let mends = if disk::is_full(source) {
                    format!("make room on the disk, or lower {MAX_BYTES}")
                } else {
                    format!("see to the folder of {DIRECTORY}")
                };
                let reason = format!("{error}: {mends}");
                if self.status.refuse(reason.clone()) {
                    tracing::error!(instance = %self.instance, reason, "the spool refuses spans");
                }
                self.refuse(spans, reason)
            }
            AppendError::Failed { .. } => {
                let reason = format!(
                    "{error}: see to the disk of {DIRECTORY}, then restart; what is spooled goes on to the store"
                );
                tracing::error!(instance = %self.instance, reason, "the spool stops taking spans");
                self.status.poison(reason.clone());
                WriteError::Unavailable { reason }
            }
        }
    }

    /// Ends a refusal once there is room on the disk, whether or not somebody writes: who is not ready is not written to.
    pub(super) fn probe(&self, log: &Log) {
        if !self.status.is_refusing() {
            return;
        }
        match log.probe(PROBE_BYTES) {
            Ok(()) => self.resume(),
            Err(error) => drop(self.failed(&error, 0)),
        }
    }
}

/// The layer.
pub(super) struct Writer(pub(super) Arc<Spool>);

impl TraceWriter for Writer {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        let spool = &self.0;
        Box::pin(async move {
            if batch.is_empty() {
                return Ok(());
            }
            spool.status.check_open()?;
            batch::check_len(&batch)?;
            let log = spool.open_log().await?;
            let room = spool.shared.writes.take(batch.retained_bytes).await;
            let spans = batch.len() as u64;
            let records = batch::encode(&batch, (spool.shared.clock)()).await;
            let bytes = records.iter().map(Pending::record_len).sum();
            if let Err(full) = spool.shared.shares.take(&spool.instance, bytes) {
                return Err(spool.refuse(spans, spool.full(full)));
            }
            let (done, answer) = oneshot::channel();
            let item = Item {
                records,
                spans,
                bytes,
                done,
                _room: room.ok_or_else(|| spool.closed())?,
            };
            spool.push(item, &log)?;
            answer.await.unwrap_or_else(|_| {
                spool.status.check_open()?;
                Err(spool.closed())
            })
        })
    }
}

// === impl Committing ===

impl Committing<'_> {
    /// The next group; `None` ends it.
    fn next(&mut self) -> Option<Vec<Item>> {
        let mut queue = self.spool.queue.lock();
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(item) = queue.items.front() {
            if !group.is_empty() && bytes + item.bytes > GROUP_BYTES {
                break;
            }
            bytes += item.bytes;
            group.extend(queue.items.pop_front());
        }
        if group.is_empty() {
            // under the lock: whoever comes next starts another
            queue.is_committing = false;
            self.has_ended = true;
            return None;
        }
        Some(group)
    }
}

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        self.spool
            .status
            .poison("committing to the spool failed: restart".to_owned());
        let mut queue = self.spool.queue.lock();
        queue.is_closed = true;
        let left = std::mem::take(&mut queue.items);
        drop(queue);
        drop(left);
    }
}
