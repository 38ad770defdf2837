//! Merges waiting callers into one write, and answers each its own: for stores to which many small writes are dear.
//!
//! In: batches of one instance. Out: each caller's own answer, with the positions of its own batch. A write starts as soon as none is in
//! flight and takes along what came meanwhile; there is no timer. What waits is bounded by bytes; callers beyond that wait inside their
//! request, unless they would wait longer than their senders do: then they are told at once to come again (see `pace`). A caller that goes away loses nothing for the others: its spans are left out when they were not taken along yet, and stay
//! where they are when they were.
//!
//! Deliberately absent: several writes in flight at once for an instance, and retries.

mod pace;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use model::Batch;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::port::{TraceWriter, Unstorable, WriteError};
use pace::Pace;

/// The layer.
pub struct Coalesce {
    inner: Arc<dyn TraceWriter>,
    queue: Arc<Queue>,
    tracker: TaskTracker,
    max_bytes: usize,
    room: Arc<Semaphore>,
    room_units: u32,
    /// Callers wait for as long as it takes.
    waits: bool,
}

/// What waits for the write in flight to be done.
struct Queue(Mutex<Waiting>);

struct Waiting {
    callers: VecDeque<Caller>,
    /// What they hold.
    bytes: usize,
    writing: bool,
    pace: Pace,
}

struct Caller {
    batch: Batch,
    answer: oneshot::Sender<Result<(), WriteError>>,
    _room: OwnedSemaphorePermit,
}

/// A caller whose spans were taken along: where they end in the merged batch.
struct Part {
    answer: oneshot::Sender<Result<(), WriteError>>,
    end: usize,
    _room: OwnedSemaphorePermit,
}

/// Ends the writing, however it ends: nobody may wait for a task that is gone.
struct Writing {
    queue: Arc<Queue>,
    ended: bool,
}

/// When whoever has spans that are not stored yet is told to come again.
const LATER: Duration = Duration::from_secs(1);
const TOO_SLOW: &str = "more spans come than the store takes, try again later";
/// Room is counted in these, so that 4 TiB fit a semaphore's number.
const UNIT_BYTES: usize = 1024;

// === impl Coalesce ===

impl Coalesce {
    /// In front of `inner`: merges up to `max_bytes` retained bytes into a write, keeps up to `max_waiting_bytes` waiting. Writes run on
    /// `tracker`, which the owner waits for when it closes.
    pub fn new(
        inner: Arc<dyn TraceWriter>,
        max_bytes: usize,
        max_waiting_bytes: usize,
        tracker: TaskTracker,
    ) -> Self {
        let room_units = units(max_waiting_bytes);
        Self {
            inner,
            queue: Arc::new(Queue(Mutex::new(Waiting {
                callers: VecDeque::new(),
                bytes: 0,
                writing: false,
                pace: Pace::new(max_waiting_bytes),
            }))),
            tracker,
            max_bytes,
            room: Arc::new(Semaphore::new(room_units as usize)),
            room_units,
            waits: false,
        }
    }

    /// The same for callers that wait for as long as it takes: nobody is sent home.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.waits = true;
        self
    }

    /// Queues the caller, unless it would wait too long; starts writing when nothing is in flight.
    fn push(&self, caller: Caller) -> Result<(), WriteError> {
        let mut waiting = self.queue.0.lock();
        let bytes = waiting.bytes.saturating_add(caller.batch.retained_bytes);
        let pace = &waiting.pace;
        let is_late = || bytes > pace.bytes() || pace.is_stuck(Instant::now());
        if !self.waits && !waiting.callers.is_empty() && is_late() {
            return Err(WriteError::Throttled {
                after: LATER,
                reason: TOO_SLOW.to_owned(),
            });
        }
        waiting.bytes = bytes;
        waiting.callers.push_back(caller);
        if !std::mem::replace(&mut waiting.writing, true) {
            let writing = Writing {
                queue: self.queue.clone(),
                ended: false,
            };
            drop(waiting);
            self.tracker
                .spawn(write_all(writing, self.inner.clone(), self.max_bytes));
        }
        Ok(())
    }
}

impl TraceWriter for Coalesce {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let aborted = || WriteError::Unavailable {
                reason: "the write was aborted, storage is shutting down".to_owned(),
            };
            // a batch larger than all the room waits until it has it alone
            let wanted = units(batch.retained_bytes).min(self.room_units);
            let room = self.room.clone().acquire_many_owned(wanted).await;
            let (answer, answered) = oneshot::channel();
            self.push(Caller {
                batch,
                answer,
                _room: room.map_err(|_| aborted())?,
            })?;
            answered.await.unwrap_or_else(|_| Err(aborted()))
        })
    }
}

fn units(bytes: usize) -> u32 {
    // the semaphore's own bound is far above
    u32::try_from(bytes.div_ceil(UNIT_BYTES))
        .unwrap_or(u32::MAX)
        .clamp(1, u32::MAX >> 3)
}

async fn write_all(mut writing: Writing, inner: Arc<dyn TraceWriter>, max_bytes: usize) {
    while let Some((first, others, parts)) = writing.next(max_bytes) {
        let answer = inner.write_together(first, others).await;
        let is_stored = matches!(answer, Ok(()) | Err(WriteError::Rejected(_)));
        let now = Instant::now();
        writing.queue.0.lock().pace.end(is_stored, now);
        give(parts, &answer);
    }
}

/// Gives each caller its own answer.
fn give(parts: Vec<Part>, answer: &Result<(), WriteError>) {
    let mut start = 0;
    for part in parts {
        let range = start..part.end;
        start = part.end;
        // a caller that went away needs none
        part.answer.send(own(answer, &range)).ok();
    }
}

/// What `answer` says of the spans of one caller.
fn own(answer: &Result<(), WriteError>, range: &Range<usize>) -> Result<(), WriteError> {
    match answer {
        Err(WriteError::Rejected(spans)) => rejected(spans, range),
        Err(WriteError::Deferred {
            spans,
            rejected: others,
            reason,
        }) => {
            if spans.iter().any(|at| range.contains(at)) {
                return Err(WriteError::Throttled {
                    after: LATER,
                    reason: reason.clone(),
                });
            }
            rejected(others, range)
        }
        same => same.clone(),
    }
}

fn rejected(spans: &[Unstorable], range: &Range<usize>) -> Result<(), WriteError> {
    let own = spans.iter().filter(|span| range.contains(&span.at));
    let own: Vec<Unstorable> = own
        .map(|span| Unstorable {
            at: span.at - range.start,
            reason: span.reason.clone(),
        })
        .collect();
    if own.is_empty() {
        return Ok(());
    }
    Err(WriteError::Rejected(own))
}

// === impl Writing ===

impl Writing {
    /// The next batches to write, of callers that still wait; `None` ends the writing.
    fn next(&mut self, max_bytes: usize) -> Option<(Batch, Vec<Batch>, Vec<Part>)> {
        let mut callers = self.take(max_bytes).into_iter();
        let (first, part) = callers.next()?.into_parts(0);
        let mut end = part.end;
        let mut parts = vec![part];
        let others = callers.map(|caller| {
            let (next, part) = caller.into_parts(end);
            end = part.end;
            parts.push(part);
            next
        });
        let others = others.collect();
        Some((first, others, parts))
    }

    /// Takes callers of one instance as far as `max_bytes` go, at least one. Nobody: the writing has ended.
    fn take(&mut self, max_bytes: usize) -> Vec<Caller> {
        let mut waiting = self.queue.0.lock();
        // those who went away
        waiting.callers.retain(|c| !c.answer.is_closed());
        let most = max_bytes.min(waiting.pace.bytes());
        let mut taken: Vec<Caller> = Vec::new();
        let mut bytes = 0usize;
        while let Some(next) = waiting.callers.front() {
            let with_it = bytes.saturating_add(next.batch.retained_bytes);
            let fits = taken
                .first()
                .is_none_or(|first| with_it <= most && first.batch.instance == next.batch.instance);
            if !fits {
                break;
            }
            bytes = with_it;
            taken.extend(waiting.callers.pop_front());
        }
        let left = waiting.callers.iter().map(|c| c.batch.retained_bytes);
        waiting.bytes = left.fold(0, usize::saturating_add);
        if taken.is_empty() {
            // under the lock: whoever comes next starts a writing of its own
            waiting.writing = false;
            self.ended = true;
        } else {
            waiting.pace.begin(bytes, Instant::now());
        }
        taken
    }
}

impl Drop for Writing {
    /// After a panic, or the end of the runtime, those who wait are sent home.
    fn drop(&mut self) {
        if !self.ended {
            let mut waiting = self.queue.0.lock();
            waiting.writing = false;
            waiting.callers.clear();
            waiting.bytes = 0;
        }
    }
}

// === impl Caller ===

impl Caller {
    fn into_parts(self, start: usize) -> (Batch, Part) {
        let part = Part {
            answer: self.answer,
            end: start + self.batch.len(),
            _room: self._room,
        };
        (self.batch, part)
    }
}

#[cfg(test)]
mod tests;
