//! What the store on Kafka is told.

use std::time::Duration;

use model::Instance;
use rdkafka::ClientConfig;
use wire::encoding::{Encoder, Encoding};

use super::connection::Connection;

/// Where the spans of one instance go.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose.
    pub instance: Instance,
    /// Through which brokers.
    pub connection: Connection,
    /// How.
    pub tuning: Tuning,
    /// `kafka.producer.topic`.
    pub topic: String,
    /// `kafka.producer.dead-letter-topic`: where spans go that can never be stored.
    pub dead_letter_topic: String,
    /// `kafka.producer.encoding`, one that is written.
    pub encoding: Encoding,
}

/// How records are gathered, and when one counts as taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// `kafka.producer.required-acks`.
    pub acks: Acks,
    /// `kafka.producer.compression`: `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub compression: String,
    /// `kafka.producer.compression-level`; 0: the library's.
    pub compression_level: i64,
    /// `kafka.producer.batch-linger`: how long records wait for others (5 ms).
    pub linger: Duration,
    /// `kafka.producer.batch-size`: bytes of a batch; 0: the library's 1,000,000.
    pub batch_bytes: usize,
    /// `kafka.producer.batch-max-messages`: records of a batch; 0: the library's 10,000.
    pub batch_records: usize,
    /// `kafka.producer.max-message-bytes`: of one record, before compression (1,000,000).
    pub max_message_bytes: usize,
    /// How long a record is tried (20 s). Whoever sent it was told to come again by then.
    pub patience: Duration,
    /// Bytes on their way to brokers; more are refused.
    pub queue_bytes: usize,
}

/// Who has to have a record before it counts as taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// All replicas that are in step; the producer is idempotent.
    All,
    /// The leader alone: a record is lost with it.
    Local,
    /// Nobody.
    None,
}

// === impl Config ===

impl Config {
    /// How a record is written; `None`: the encoding is one that is read only.
    #[must_use]
    pub fn encoder(&self) -> Option<Encoder> {
        self.encoding.encoder()
    }

    /// Whether one producer can serve both.
    pub(super) fn shares(&self, other: &Self) -> bool {
        self.connection.is_same(&other.connection) && self.tuning == other.tuning
    }
}

// === impl Tuning ===

impl Default for Tuning {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            compression: "none".to_owned(),
            compression_level: 0,
            linger: Duration::from_millis(5),
            batch_bytes: 0,
            batch_records: 0,
            max_message_bytes: 1_000_000,
            patience: Duration::from_secs(20),
            queue_bytes: 64 << 20,
        }
    }
}

/// Of librdkafka, where nothing is said.
const BATCH_BYTES: usize = 1_000_000;

impl Tuning {
    /// Bytes that a batch may have.
    pub(super) fn most_of_a_batch(&self) -> usize {
        let own = match self.batch_bytes {
            0 => BATCH_BYTES,
            bytes => bytes,
        };
        own.min(self.max_message_bytes)
    }

    pub(super) fn set(&self, client: &mut ClientConfig) {
        let acks = match self.acks {
            Acks::All => "all",
            Acks::Local => "1",
            Acks::None => "0",
        };
        client
            .set("acks", acks)
            .set("enable.idempotence", (self.acks == Acks::All).to_string())
            // Jaeger's: jobs behind the topic count on a trace being in one partition, and on which
            .set("partitioner", "fnv1a")
            .set("compression.codec", &self.compression)
            .set(
                "linger.ms",
                format!("{:.3}", self.linger.as_secs_f64() * 1e3),
            )
            .set("message.max.bytes", self.max_message_bytes.to_string())
            .set("message.timeout.ms", self.patience.as_millis().to_string())
            .set(
                "queue.buffering.max.kbytes",
                (self.queue_bytes >> 10).clamp(1, 2_097_151).to_string(),
            )
            // bytes are what counts
            .set("queue.buffering.max.messages", "0")
            // a topic that is made while we run is found soon
            .set("topic.metadata.refresh.interval.ms", "60000")
            .set("topic.metadata.refresh.fast.interval.ms", "250");
        if self.compression_level != 0 {
            client.set("compression.level", self.compression_level.to_string());
        }
        if self.batch_bytes > 0 {
            client.set("batch.size", self.batch_bytes.to_string());
        }
        if self.batch_records > 0 {
            client.set("batch.num.messages", self.batch_records.to_string());
        }
    }
}
