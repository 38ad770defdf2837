//! What librdkafka calls back: partitions given and taken, commits answered, errors, statistics.
//!
//! All of it runs on the thread that polls, inside `poll`, but statistics' and logs' which take nothing but a lock.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::statistics::Statistics;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use storage::kafka::trouble::{self, Trouble};

use crate::assignment::{self, Assignment};
use crate::config::Start;
use crate::metrics::Metrics;

/// How long what is under way is waited for when partitions are taken away. Nobody has them meanwhile, and the whole group waits; what is left is written twice, which leaves one copy.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long brokers are waited for that are asked where partitions begin.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long after it lost its group a member can be taken for another by what it sent before.
const SHADOW: Duration = Duration::from_secs(60);

/// The calls of one consumer.
pub(crate) struct Context {
    pub(crate) start: Start,
    pub(crate) assignment: Arc<Assignment>,
    pub(crate) trouble: Arc<Trouble>,
    pub(crate) metrics: Metrics,
    /// What librdkafka told of itself last.
    pub(crate) told: Mutex<Option<Statistics>>,
    /// When its group could not be reached for longer than a session lasts.
    pub(crate) lost_at: Mutex<Option<Instant>>,
}

// === impl Context ===

impl Context {
    /// Whether somebody who has this member's name may be itself. A commit that waited for a broker to come back goes out under the id that the member had before; by then the group has let that go,
    /// or knows the member by the id under which it asks to join again, and takes the commit for a stranger's. Kafka checks that before all else.
    pub(crate) fn may_be_its_own_shadow(&self) -> bool {
        let lost_at = *self.lost_at.lock();
        lost_at.is_some_and(|at| at.elapsed() < SHADOW)
    }

    fn give(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        let keys = keys(partitions);
        tracing::info!(partitions = shown(&keys), "the group gave partitions");
        self.metrics.given(&keys);
        self.assignment.give(keys);
        if partitions.count() == 0 {
            return;
        }
        if let Err(error) = self.begin(consumer, partitions) {
            tracing::warn!(%error, "how far the group was could not be asked: where it committed nothing it begins with the oldest record");
        }
    }

    /// Notes where partitions begin. Where nothing is committed and the newest is to be the first, that is committed: nothing that comes from now on is passed over, whoever reads it.
    fn begin(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: &TopicPartitionList,
    ) -> KafkaResult<()> {
        let mut fresh = TopicPartitionList::new();
        let committed = consumer.committed_offsets(partitions.clone(), PATIENCE)?;
        for element in committed.elements() {
            match element.offset() {
                Offset::Offset(next) => self.begins(element.topic(), element.partition(), next),
                _ => {
                    fresh.add_partition_offset(
                        element.topic(),
                        element.partition(),
                        Offset::End,
                    )?;
                }
            }
        }
        if self.start != Start::Latest || fresh.count() == 0 {
            return Ok(());
        }
        let ends = assignment::ends(consumer, fresh, PATIENCE)?;
        consumer.commit(&ends, CommitMode::Sync)?;
        for element in ends.elements() {
            if let Offset::Offset(end) = element.offset() {
                self.begins(element.topic(), element.partition(), end);
            }
        }
        Ok(())
    }

    fn begins(&self, topic: &str, number: i32, offset: i64) {
        if let Some(partition) = self.assignment.get(topic, number) {
            partition.begins(offset);
        }
    }

    fn take(&self, consumer: &BaseConsumer<Self>, partitions: &TopicPartitionList) {
        let keys = keys(partitions);
        tracing::info!(partitions = shown(&keys), "the group took partitions");
        self.metrics.rebalanced();
        let taken = self.assignment.take(keys);
        self.resume(consumer, &taken);
        // somebody else may have them already: then there is nothing left to commit
        if consumer.assignment_lost() {
            *self.lost_at.lock() = Some(Instant::now());
        } else {
            assignment::wait(&taken, FAREWELL);
            self.commit(consumer, &taken);
        }
        for partition in &taken {
            partition.lost.cancel();
            self.metrics.taken(partition);
        }
    }

    /// librdkafka keeps a pause beyond this assignment: a partition that came back would never be read again.
    fn resume(&self, consumer: &BaseConsumer<Self>, taken: &[Arc<assignment::Partition>]) {
        let mut paused = TopicPartitionList::new();
        for partition in taken {
            if partition.is_paused.load(Ordering::Relaxed) {
                paused.add_partition(&partition.topic, partition.number);
            }
        }
        if paused.count() > 0
            && let Err(error) = consumer.resume(&paused)
        {
            tracing::warn!(%error, "partitions that were taken stay paused");
        }
    }

    fn commit(&self, consumer: &BaseConsumer<Self>, taken: &[Arc<assignment::Partition>]) {
        let Some(offsets) = assignment::to_commit(taken) else {
            return;
        };
        match consumer.commit(&offsets, CommitMode::Sync) {
            Ok(()) => self.count(&offsets),
            Err(error) => {
                self.metrics.not_committed();
                tracing::warn!(%error, "offsets of partitions that were taken could not be committed: their records are read once more");
            }
        }
    }

    /// A commit was answered: a broker may refuse a single one of its partitions.
    fn committed(&self, offsets: &TopicPartitionList) {
        let mut taken = TopicPartitionList::new();
        for element in offsets.elements() {
            let (topic, number) = (element.topic(), element.partition());
            // one that was taken meanwhile is another member's to tell of
            let Some(partition) = self.assignment.get(topic, number) else {
                continue;
            };
            match element.error() {
                // fails for offsets below zero alone
                Ok(()) => drop(taken.add_partition_offset(topic, number, element.offset())),
                Err(error) => {
                    self.metrics.not_committed();
                    assignment::not_committed(&[partition]);
                    tracing::debug!(topic, number, %error, "a commit was refused: it is made again");
                }
            }
        }
        self.count(&taken);
    }

    fn count(&self, offsets: &TopicPartitionList) {
        for element in offsets.elements() {
            if let Offset::Offset(offset) = element.offset() {
                self.metrics
                    .committed(element.topic(), element.partition(), offset);
            }
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        trouble::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.heard(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        *self.told.lock() = Some(statistics);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.give(consumer, partitions),
            Rebalance::Revoke(partitions) => self.take(consumer, partitions),
            Rebalance::Error(error) => self.trouble.heard(error, "the group could not agree"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        match result {
            Ok(()) => self.committed(offsets),
            Err(error) if error.rdkafka_error_code() == Some(Code::NoOffset) => {}
            Err(error) => {
                self.metrics.not_committed();
                assignment::not_committed(&self.assignment.all());
                tracing::debug!(%error, "a commit was refused: it is made again");
            }
        }
    }
}

fn keys(partitions: &TopicPartitionList) -> Vec<(String, i32)> {
    let elements = partitions.elements();
    elements
        .iter()
        .map(|element| (element.topic().to_owned(), element.partition()))
        .collect()
}

/// `topic/1, topic/2`.
fn shown(keys: &[(String, i32)]) -> String {
    let keys: Vec<String> = keys
        .iter()
        .map(|(topic, number)| format!("{topic}/{number}"))
        .collect();
    keys.join(", ")
}
