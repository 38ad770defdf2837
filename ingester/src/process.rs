//! A chunk of records, until nothing of it can be lost any more.
//!
//! In: records of one partition. Out: the chunk's ticket is done, once every span is durable and whatever is none lies among the dead letters. What the store does not take now is tried again until it
//! does, or the partition is another member's. A record that can't be read holds nobody up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{join, join_all};
use model::{Batch, Instance, Span};
use storage::layers::ledger;
use storage::layers::occasional::Occasional;
use storage::{DeadLetter, WriteError};
use tokio_util::sync::CancellationToken;
use wire::encoding::{Expected, Neighbours};

use crate::assignment::{Held, Partition};
use crate::chunk::{Chunk, Record};
use crate::ingester::Parts;
use crate::metrics::Metrics;
use crate::topics::Topics;
use crate::window::Ticket;

/// Where dead letters say that they come from.
const ORIGIN: &str = "kafka";
/// Between two attempts; each pause is twice as long as the one before, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How chunks are dealt with.
pub(crate) struct Process {
    pub(crate) parts: Parts,
    pub(crate) topics: Topics,
    pub(crate) encoding: Expected,
    pub(crate) metrics: Metrics,
    /// Nothing is waited for any more.
    pub(crate) ending: CancellationToken,
    pub(crate) told: Occasional,
}

/// What a chunk's records hold.
#[derive(Default)]
struct Sorted {
    spans: BTreeMap<Instance, Vec<Span>>,
    letters: Vec<DeadLetter>,
}

/// Says it when the task that has it does not come to its end: its records would be waited for, and with them all that come after, for ever.
struct Watched {
    partition: Arc<Partition>,
    has_ended: bool,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.has_ended {
            self.partition.is_broken.store(true, Ordering::Release);
        }
    }
}

// === impl Process ===

impl Process {
    /// Deals with `chunk`, which `ticket` stands for in the window of `partition`.
    pub(crate) async fn chunk(
        self: Arc<Self>,
        partition: Arc<Partition>,
        ticket: Ticket,
        chunk: Chunk,
        held: Held,
    ) {
        let mut watched = Watched {
            partition: partition.clone(),
            has_ended: false,
        };
        let bytes = chunk.bytes();
        let sorted = self.sort(&partition, chunk);
        let spans: usize = sorted.spans.values().map(Vec::len).sum();
        let writes = sorted.spans.into_iter().map(|(instance, own)| {
            // the buffer is kept alive by all of them: each has its share
            let share = bytes * own.len() / spans.max(1);
            self.write(&partition, Batch::new(instance, own, share))
        });
        let letters = self.bury(&partition, sorted.letters);
        let (written, buried) = join(join_all(writes), letters).await;
        if buried && written.into_iter().all(|is_done| is_done) {
            partition.end(ticket);
        }
        watched.has_ended = true;
        drop(held);
    }

    fn sort(&self, partition: &Partition, chunk: Chunk) -> Sorted {
        let mut sorted = Sorted::default();
        self.metrics.records(partition, chunk.len(), chunk.bytes());
        let mut neighbours = Neighbours::default();
        for record in chunk.into_records() {
            if let Err(why) = self.sort_one(partition, &record, &mut neighbours, &mut sorted) {
                let owner = self.topics.owner(&partition.topic);
                self.metrics.undecodable(partition);
                sorted.letters.push(letter(
                    owner,
                    partition,
                    &record,
                    &why,
                    record.value.clone(),
                ));
            }
        }
        sorted
    }

    fn sort_one(
        &self,
        partition: &Partition,
        record: &Record,
        neighbours: &mut Neighbours,
        sorted: &mut Sorted,
    ) -> Result<(), String> {
        let instance = self
            .topics
            .whose(&partition.topic, record.said.as_deref())?;
        let decoded = self
            .encoding
            .decode_after(record.value.clone(), record.received_ns, neighbours)
            .map_err(|error| format!("{error} (kafka.consumer.encoding)"))?;
        for rejected in decoded.rejected {
            self.metrics.undecodable(partition);
            let letter = letter(
                instance.clone(),
                partition,
                record,
                &rejected.reason,
                rejected.payload,
            );
            sorted.letters.push(letter);
        }
        sorted
            .spans
            .entry(instance)
            .or_default()
            .extend(decoded.spans);
        Ok(())
    }

    /// Whether all spans are durable, or buried. Not: the partition is no longer ours.
    async fn write(&self, partition: &Partition, batch: Batch) -> bool {
        let mut pause = PAUSE;
        loop {
            let error = match self.parts.writer.write(batch.clone()).await {
                // whatever can never be stored was buried by the layer that found it out
                Ok(()) | Err(WriteError::Rejected(_)) => return true,
                Err(error) => error,
            };
            if !self
                .pause(partition, &batch.instance, batch.len(), &error, &mut pause)
                .await
            {
                return false;
            }
        }
    }

    async fn bury(&self, partition: &Partition, letters: Vec<DeadLetter>) -> bool {
        let mut by_instance: BTreeMap<Instance, Vec<DeadLetter>> = BTreeMap::new();
        for letter in letters {
            let own = by_instance.entry(letter.instance.clone()).or_default();
            own.push(letter);
        }
        for (instance, letters) in by_instance {
            let Some(dead_letters) = &self.parts.dead_letters else {
                let account = self.parts.ledger.account(&instance);
                account.receive(letters.len()).dropped(ledger::UNDECODABLE);
                continue;
            };
            let mut pause = PAUSE;
            while let Err(error) = dead_letters.bury(letters.clone()).await {
                if !self
                    .pause(partition, &instance, letters.len(), &error, &mut pause)
                    .await
                {
                    return false;
                }
            }
            let account = self.parts.ledger.account(&instance);
            account
                .receive(letters.len())
                .dead_lettered(ledger::UNDECODABLE);
        }
        true
    }

    /// Waits before the next attempt; whether there is to be one.
    async fn pause(
        &self,
        partition: &Partition,
        instance: &Instance,
        spans: usize,
        error: &WriteError,
        pause: &mut Duration,
    ) -> bool {
        self.metrics.retry(instance);
        if let Some(spans) = self.told.due(Instant::now(), spans) {
            tracing::warn!(
                %instance,
                topic = partition.topic,
                partition = partition.number,
                spans,
                %error,
                "the store does not take spans: they stay in Kafka, and are tried again"
            );
        }
        let wait = match error {
            WriteError::Throttled { after, .. } => *after,
            _ => *pause,
        };
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(wait) => true,
            () = partition.lost.cancelled() => false,
            () = self.ending.cancelled() => false,
        }
    }
}

fn letter(
    instance: Instance,
    partition: &Partition,
    record: &Record,
    why: &str,
    payload: Bytes,
) -> DeadLetter {
    DeadLetter {
        instance,
        reason: format!(
            "topic {}, partition {}, offset {}: {why}",
            partition.topic, partition.number, record.offset
        ),
        origin: ORIGIN,
        payload,
    }
}
