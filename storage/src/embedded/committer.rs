//! The one thread that writes: takes everything queued, appends and syncs it as one group, makes it searchable, answers everyone.
//!
//! No timer: a group starts when the one before is done, and holds what came meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::dead_letters::Recent;
use super::head::{Head, Index};
use super::journal::{AppendError, Appended, Journal, Kind, Pending};
use super::keeper::Keeper;
use super::metrics::Metrics;
use super::status::Status;
use crate::disk;
use crate::port::WriteError;

/// Bytes in a group, unless one write alone has more.
const GROUP_BYTES: u64 = 8 << 20;
/// How often an idle committer looks for what is too old.
const TICK: Duration = Duration::from_secs(1);
/// How much room there has to be for writes to be taken again.
const PROBE_BYTES: u64 = 1 << 20;
/// How long a group of writes waits for sealing before it is refused.
const SEALING_WAIT: Duration = Duration::from_secs(2);
/// When to try again after the disk was full.
const FULL_RETRY: Duration = Duration::from_secs(1);

/// One write.
pub(super) struct Item {
    /// What to write.
    pub(super) records: Vec<Pending>,
    /// How long that is in the file.
    pub(super) bytes: u64,
    /// Told once it is durable, or will not be.
    pub(super) done: oneshot::Sender<Result<(), WriteError>>,
    /// Its share of the queue, given back when it is dropped.
    pub(super) room: OwnedSemaphorePermit,
}

/// Writes that wait. Bounded by the room that each [`Item`] holds.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    closing: bool,
    ended: bool,
}

/// What the committing thread owns.
pub(super) struct Committer {
    pub(super) queue: Arc<Queue>,
    pub(super) journal: Journal,
    pub(super) head: Arc<Head>,
    pub(super) status: Arc<Status>,
    pub(super) metrics: Metrics,
    pub(super) keeper: Arc<Keeper>,
    pub(super) recent: Arc<Recent>,
    pub(super) current: Option<Arc<Index>>,
    pub(super) index_bytes_per_generation: usize,
    pub(super) ns_per_generation: u64,
    /// Bytes of index over what is not sealed yet, beyond which writes wait.
    pub(super) head_bytes: usize,
}

enum Taken {
    Group(Vec<Item>),
    Nothing,
    Closing,
}

/// Empties the queue when the thread ends, however it ends, so that nobody waits for ever.
struct End(Arc<Queue>, Arc<Status>);

// === impl Queue ===

impl Queue {
    /// Adds a write. Once the committer ended it is dropped, and so answered.
    pub(super) fn push(&self, item: Item) {
        let mut state = self.state.lock();
        if !state.ended {
            state.items.push_back(item);
            self.arrived.notify_one();
        }
    }

    /// Lets the committer end once the queue is empty.
    pub(super) fn close(&self) {
        self.state.lock().closing = true;
        self.arrived.notify_one();
    }

    fn take(&self) -> Taken {
        let mut state = self.state.lock();
        if state.items.is_empty() && !state.closing {
            self.arrived.wait_for(&mut state, TICK);
        }
        let mut group = Vec::new();
        let mut bytes = 0;
        while let Some(item) = state.items.front() {
            if !group.is_empty() && bytes + item.bytes > GROUP_BYTES {
                break;
            }
            bytes += item.bytes;
            group.extend(state.items.pop_front());
        }
        match (group.is_empty(), state.closing) {
            (false, _) => Taken::Group(group),
            (true, true) => Taken::Closing,
            (true, false) => Taken::Nothing,
        }
    }
}

// === impl Committer ===

impl Committer {
    /// Until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let _end = End(self.queue.clone(), self.status.clone());
        loop {
            match self.queue.take() {
                Taken::Group(group) => self.commit(group),
                Taken::Nothing => {
                    self.probe();
                    self.end_if_old();
                }
                Taken::Closing => break,
            }
            self.metrics.show(&self.head.totals());
        }
        // after a failed sync nothing more is written, not even that
        if self.status.is_poisoned() {
            self.journal.rotate();
        } else {
            self.journal.close();
        }
    }

    /// Ends a refusal once there is room, whether or not somebody writes: who is not ready is not written to.
    fn probe(&mut self) {
        if !self.status.is_refusing() {
            return;
        }
        match self.journal.probe(PROBE_BYTES) {
            Ok(()) => self.resume(),
            Err(error) => drop(self.failed(&error)),
        }
    }

    fn resume(&self) {
        if self.status.resume() {
            self.keeper.watch.mended();
            tracing::info!("the embedded store takes writes again");
        }
    }

    /// Ends the current file when nobody writes to it any more, so that what is in it can be sealed and one day be let go.
    fn end_if_old(&mut self) {
        let now = self.keeper.now_ns();
        let is_old = |i: &Arc<Index>| now.saturating_sub(i.oldest_ns()) > self.ns_per_generation;
        if self.current.as_ref().is_some_and(is_old) {
            self.end_current();
        }
    }

    /// The next write starts a file of its own; the current one may be sealed.
    fn end_current(&mut self) {
        self.journal.rotate();
        if let Some(index) = self.current.take() {
            index.set_complete();
            self.keeper.bell.ring();
        }
    }

    /// Waits while sealing is behind, so that what waits for it takes bounded memory. An error once it has waited for long.
    fn wait_for_sealing(&self) -> Result<(), WriteError> {
        let started = Instant::now();
        let mut seen = 0;
        let journal_bytes = self.keeper.journal_bytes();
        while self.head.is_beyond(self.head_bytes, journal_bytes) {
            let left = SEALING_WAIT.saturating_sub(started.elapsed());
            let failing = self.keeper.health().err();
            if failing.is_some() || left.is_zero() {
                let behind = "sealing is behind: raise memory.max-bytes, or give the process more cpu or a larger disk";
                return Err(WriteError::Throttled {
                    after: FULL_RETRY,
                    reason: failing.unwrap_or_else(|| behind.to_owned()),
                });
            }
            seen = self.keeper.bell.wait(seen, left);
        }
        Ok(())
    }

    fn commit(&mut self, group: Vec<Item>) {
        if let Err(error) = self.check_poison() {
            return answer(group, &Err(error));
        }
        if let Err(error) = self.wait_for_sealing() {
            self.metrics.refused.inc();
            return answer(group, &Err(error));
        }
        let mut records = Vec::with_capacity(group.len());
        let mut waiting = Vec::with_capacity(group.len());
        for item in group {
            records.extend(item.records);
            waiting.push((item.done, item.room));
        }
        let lens: Vec<usize> = records.iter().map(Pending::payload_len).collect();
        let started = Instant::now();
        self.status.begin_append();
        let result = self.journal.append(&mut records);
        self.status.end_append();
        self.metrics
            .sync_seconds
            .observe(started.elapsed().as_secs_f64());
        let answer = match result {
            Ok(appended) => {
                self.publish(&records, &lens, &appended);
                Ok(())
            }
            Err(error) => Err(self.failed(&error)),
        };
        for (done, room) in waiting {
            // who dropped its future does not want to know
            drop(done.send(answer.clone()));
            drop(room);
        }
    }

    fn check_poison(&self) -> Result<(), WriteError> {
        match self.status.check_open() {
            // closed: what is queued already is still written
            Err(WriteError::Unavailable { reason }) if self.status.is_poisoned() => {
                Err(WriteError::Unavailable { reason })
            }
            _ => Ok(()),
        }
    }

    fn publish(&mut self, records: &[Pending], lens: &[usize], appended: &Appended) {
        self.resume();
        let index = self.index_of(appended);
        for ((record, len), at) in records.iter().zip(lens).zip(&appended.payloads) {
            let payload = record.payload(*len);
            match record.kind() {
                Kind::Spans => {
                    if let Err(error) = index.add(payload, *at, record.received_ns()) {
                        // encoded by this very process: never seen, and durable all the same
                        tracing::error!(%error, "spans were written that cannot be searched");
                        self.metrics.damaged.inc();
                    }
                }
                Kind::Mark => {}
                Kind::DeadLetters => {
                    let count = self.recent.add(payload, |_| false).unwrap_or_default();
                    index.add_dead_letters(count, record.received_ns());
                }
            }
        }
        index.set_file_bytes(appended.end);
        // small enough, and of a short enough time, for letting it go to be no large loss
        if index.bytes() > self.index_bytes_per_generation
            || index.age_span_ns() > self.ns_per_generation
        {
            self.end_current();
        }
    }

    fn index_of(&mut self, appended: &Appended) -> Arc<Index> {
        if let Some(index) = &self.current
            && index.generation.number == appended.generation.number
        {
            return index.clone();
        }
        // the one before was full
        if let Some(index) = self.current.take() {
            index.set_complete();
            self.keeper.bell.ring();
        }
        let index = Arc::new(Index::new(appended.generation.clone()));
        self.head.push_newest(index.clone());
        self.current = Some(index.clone());
        index
    }

    fn failed(&self, error: &AppendError) -> WriteError {
        match error {
            AppendError::Refused { error: source, .. } => {
                let reason = if disk::is_full(source) {
                    self.keeper.ask_for_room();
                    let free = self
                        .keeper
                        .watch
                        .room()
                        .map(|room| format!(", {} of {} bytes are free", room.free, room.size));
                    format!(
                        "{error}{}: make room on the disk, or lower embedded.max-bytes or embedded.max-age, or raise embedded.min-free-bytes",
                        free.unwrap_or_default()
                    )
                } else {
                    format!("{error}: see to the folder of embedded.directory")
                };
                self.metrics.refused.inc();
                if self.status.refuse(reason.clone()) {
                    tracing::error!(reason, "the embedded store refuses writes, reads go on");
                }
                WriteError::Throttled {
                    after: FULL_RETRY,
                    reason,
                }
            }
            AppendError::Failed { .. } => {
                let reason = format!("{error}: see to the disk, then restart; reads go on");
                tracing::error!(reason, "the embedded store stops taking writes");
                self.metrics.set_poisoned();
                self.status.poison(reason.clone());
                WriteError::Unavailable { reason }
            }
        }
    }
}

fn answer(group: Vec<Item>, with: &Result<(), WriteError>) {
    for item in group {
        drop(item.done.send(with.clone()));
    }
}

// === impl End ===

impl Drop for End {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.1
                .poison("the committing thread failed: restart".to_owned());
        }
        self.1.close();
        let left = {
            let mut state = self.0.state.lock();
            state.ended = true;
            std::mem::take(&mut state.items)
        };
        drop(left);
    }
}
