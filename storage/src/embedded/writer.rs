//! The writing side: encodes on the caller's task, waits for room in the queue, hands over, waits for the sync.
//!
//! The queue is bounded by bytes; who finds it full waits inside its request, in the order of arrival.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use model::Batch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::batch;
use super::committer::{Item, Queue};
use super::journal::Pending;
use super::status::Status;
use crate::layers::window::Clock;
use crate::port::{TraceWriter, WriteError};

/// Writes into the journal.
pub(super) struct Writer {
    queue: Arc<Queue>,
    status: Arc<Status>,
    room: Arc<Semaphore>,
    max_room: u32,
    clock: Clock,
}

// === impl Writer ===

impl Writer {
    pub(super) fn new(
        queue: Arc<Queue>,
        status: Arc<Status>,
        queue_bytes: usize,
        clock: Clock,
    ) -> Self {
        let max_room = u32::try_from(queue_bytes.max(1)).unwrap_or(u32::MAX >> 1);
        Self {
            queue,
            status,
            room: Arc::new(Semaphore::new(max_room as usize)),
            max_room,
            clock,
        }
    }

    pub(super) fn now_ns(&self) -> u64 {
        (self.clock)()
    }

    /// Hands over what `encode` makes, about `expect_bytes` of it, once there is room. `Ok` once it is durable.
    pub(super) async fn submit(
        &self,
        expect_bytes: usize,
        encode: impl AsyncFnOnce() -> Vec<Pending>,
    ) -> Result<(), WriteError> {
        self.status.check_open()?;
        let mut room = self.room(expect_bytes).await?;
        let records = encode().await;
        let bytes: u64 = records.iter().map(Pending::record_len).sum();
        // what was guessed too high goes back
        let excess = room.num_permits().saturating_sub(bytes as usize);
        drop(room.split(excess));
        let (done, answer) = oneshot::channel();
        self.queue.push(Item {
            records,
            bytes,
            done,
            room,
        });
        // the committer drops what it will not write, once it has ended
        answer.await.unwrap_or_else(|_| {
            self.status.check_open()?;
            Err(WriteError::Unavailable {
                reason: "the embedded store is closed".to_owned(),
            })
        })
    }

    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, WriteError> {
        let bytes = u32::try_from(bytes)
            .unwrap_or(u32::MAX)
            .clamp(1, self.max_room);
        let room = self.room.clone().acquire_many_owned(bytes).await;
        room.map_err(|_| WriteError::Unavailable {
            reason: "the embedded store is closed".to_owned(),
        })
    }
}

impl TraceWriter for Writer {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            self.status.check_open()?;
            if batch.is_empty() {
                return Ok(());
            }
            batch::check_len(&batch)?;
            let encode = async || batch::encode(&batch, self.now_ns()).await;
            self.submit(batch.retained_bytes, encode).await
        })
    }
}
