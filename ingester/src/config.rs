//! What the ingester is told.

use std::time::Duration;

use rdkafka::ClientConfig;
use storage::kafka::Connection;
use wire::encoding::Expected;

use crate::topics::Topics;

/// What is read, as whom, and how much of it at once.
#[derive(Clone, Debug)]
pub struct Config {
    /// Through which brokers.
    pub connection: Connection,
    /// `kafka.consumer.topic` and those of instances.
    pub topics: Topics,
    /// `kafka.consumer.encoding`.
    pub encoding: Expected,
    /// `kafka.consumer.group-id`.
    pub group_id: String,
    /// `kafka.consumer.group-instance-id`: the member's own lasting name; `None`: it has none, and each start is a new member.
    pub group_instance_id: Option<String>,
    /// `kafka.consumer.group-protocol`.
    pub protocol: GroupProtocol,
    /// `kafka.consumer.session-timeout`: a member that is silent for so long loses its partitions.
    pub session_timeout: Duration,
    /// `kafka.consumer.initial-offset`: where a group begins that committed nothing yet.
    pub start: Start,
    /// `kafka.consumer.rack-id`; empty: none.
    pub rack_id: String,
    /// `kafka.consumer.fetch-max-message-bytes`: of one partition in one answer; a larger record comes all the same.
    pub fetch_bytes: usize,
    /// `ingester.parallelism`: writes of a partition under way at once.
    pub parallelism: usize,
    /// Bytes of records under way, of all partitions.
    pub budget_bytes: usize,
    /// `ingester.deadlockInterval`: how long there may be records to read and none come, before the consumer is made anew.
    pub stall: Duration,
}

/// How the group agrees on who reads what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupProtocol {
    /// As ever: a member shares partitions out, by `range`, as Jaeger's ingesters do.
    Classic,
    /// KIP-848, for brokers from 4.0 on: the broker shares them out.
    Consumer,
}

/// Where a group begins that committed nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record.
    Earliest,
    /// With what comes from now on, as Jaeger's: what lies there is never read.
    Latest,
}

// === impl Config ===

impl Config {
    /// The consumer's own part of librdkafka's configuration.
    pub(crate) fn set(&self, client: &mut ClientConfig) {
        client
            .set("group.id", &self.group_id)
            // an offset is committed when its spans are durable, and by nobody else
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // where the group committed nothing, or what it committed is gone; a group that begins with the newest commits that when it begins
            .set("auto.offset.reset", "earliest")
            .set("fetch.message.max.bytes", self.fetch_bytes.to_string())
            // what waits in librdkafka: beside the budget, and bounded too
            .set("queued.max.messages.kbytes", "8192")
            .set("fetch.wait.max.ms", "100")
            // polling never waits for a store: a thread that is silent for so long hangs
            .set("max.poll.interval.ms", "60000")
            .set("statistics.interval.ms", "2000")
            .set("topic.metadata.refresh.interval.ms", "30000");
        if !self.rack_id.is_empty() {
            client.set("client.rack", &self.rack_id);
        }
        if let Some(id) = &self.group_instance_id {
            client.set("group.instance.id", id);
        }
        match self.protocol {
            GroupProtocol::Classic => {
                let session = self.session_timeout.as_millis();
                client
                    .set("session.timeout.ms", session.to_string())
                    // a beat is by how much later than the session's end its members hear that one is gone
                    .set("heartbeat.interval.ms", (session / 8).max(1).to_string())
                    // what Jaeger's members offer too, so that both can be of one group
                    .set("partition.assignment.strategy", "range,roundrobin");
            }
            GroupProtocol::Consumer => {
                client.set("group.protocol", "consumer");
            }
        }
    }
}
