//! What is counted of consuming: Jaeger's names where they mean the same, ours beside them.
//!
//! Source of Jaeger's names: `jaegertracing/jaeger: cmd/ingester/app/consumer` v1.76.0.

use model::Instance;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use storage::Owner;

use crate::assignment::Partition;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    topic: String,
    partition: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Assignor {
    assignor: String,
}

/// All of it.
#[derive(Clone, Default)]
pub(crate) struct Metrics {
    messages: Family<Place, Counter>,
    current_offset: Family<Place, Gauge>,
    offset_lag: Family<Place, Gauge>,
    starts: Family<Place, Counter>,
    closes: Family<Place, Counter>,
    held: Gauge,
    commits: Family<Place, Counter>,
    committed: Family<Place, Gauge>,
    bytes: Family<Place, Counter>,
    undecodable: Family<Place, Counter>,
    expired: Family<Place, Counter>,
    retries: Family<Owner, Counter>,
    rebalances: Counter,
    renewals: Counter,
    stalls: Counter,
    commit_failures: Counter,
    under_way: Gauge,
    paused: Gauge,
    member: Gauge,
    assignor: Family<Assignor, Gauge>,
    lag: Gauge,
}

// === impl Place ===

impl Place {
    fn of(partition: &Partition) -> Self {
        Self {
            topic: partition.topic.clone(),
            partition: partition.number,
        }
    }
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let jaeger = registry.sub_registry_with_prefix("jaeger_ingester");
        let rows = [
            ("sarama_consumer_messages", "Records read", &self.messages),
            (
                "sarama_consumer_partition_start",
                "Times that a partition became this member's",
                &self.starts,
            ),
            (
                "sarama_consumer_partition_close",
                "Times that a partition was taken from this member",
                &self.closes,
            ),
            ("offset_commits", "Offsets committed", &self.commits),
        ];
        for (name, help, family) in rows {
            jaeger.register(name, help, family.clone());
        }
        let rows = [
            (
                "sarama_consumer_current_offset",
                "Offset of the record that was read last",
                &self.current_offset,
            ),
            (
                "sarama_consumer_offset_lag",
                "Records of the partition that are not durable in the store yet",
                &self.offset_lag,
            ),
            (
                "last_committed_offset",
                "Offset committed last: every record before it is durable or a dead letter",
                &self.committed,
            ),
        ];
        for (name, help, family) in rows {
            jaeger.register(name, help, family.clone());
        }
        jaeger.register(
            "sarama_consumer_partitions_held",
            "Partitions that are this member's",
            self.held.clone(),
        );

        let ours = registry.sub_registry_with_prefix("spoor_ingester");
        ours.register(
            "bytes",
            "Bytes of the values of records read",
            self.bytes.clone(),
        );
        ours.register("undecodable", "Records, or spans of them, that went to the dead letters because they cannot be read or are nobody's", self.undecodable.clone());
        ours.register(
            "expired_records",
            "Offsets that the broker had removed, as its retention says, before they were read: their spans are lost",
            self.expired.clone(),
        );
        ours.register(
            "retries",
            "Attempts of the store that failed and are made again",
            self.retries.clone(),
        );
        ours.register(
            "rebalances",
            "Times that the group gave this member partitions or took some",
            self.rebalances.clone(),
        );
        ours.register("consumer_renewals", "Times that the consumer was made anew: files changed, it stalled, or librdkafka gave it up", self.renewals.clone());
        ours.register(
            "stalls",
            "Times that there were records of a partition to read and none came for ingester.deadlockInterval",
            self.stalls.clone(),
        );
        ours.register(
            "commit_failures",
            "Commits that the broker refused: they are made again",
            self.commit_failures.clone(),
        );
        ours.register(
            "under_way_bytes",
            "Bytes of records that are read and not durable yet",
            self.under_way.clone(),
        );
        ours.register(
            "paused_partitions",
            "Partitions that nothing is read of until the store has taken what is under way",
            self.paused.clone(),
        );
        ours.register(
            "is_member",
            "1 while this is a member of the group with its share of partitions",
            self.member.clone(),
        );
        ours.register(
            "assignor",
            "1 for the way in which the group shares partitions out",
            self.assignor.clone(),
        );
        ours.register(
            "lag",
            "Records of all partitions of this member that are not durable in the store yet",
            self.lag.clone(),
        );
    }

    pub(crate) fn records(&self, partition: &Partition, records: usize, bytes: usize) {
        let place = Place::of(partition);
        self.messages.get_or_create(&place).inc_by(records as u64);
        self.bytes.get_or_create(&place).inc_by(bytes as u64);
    }

    pub(crate) fn read(&self, partition: &Partition, offset: i64) {
        self.current_offset
            .get_or_create(&Place::of(partition))
            .set(offset);
    }

    pub(crate) fn undecodable(&self, partition: &Partition) {
        self.undecodable.get_or_create(&Place::of(partition)).inc();
    }

    pub(crate) fn expired(&self, partition: &Partition, records: i64) {
        let records = u64::try_from(records).unwrap_or_default();
        let place = Place::of(partition);
        self.expired.get_or_create(&place).inc_by(records);
    }

    pub(crate) fn retry(&self, instance: &Instance) {
        let owner = Owner::from(instance);
        self.retries.get_or_create(&owner).inc();
    }

    pub(crate) fn given(&self, partitions: &[(String, i32)]) {
        self.rebalances.inc();
        for (topic, partition) in partitions {
            let place = Place {
                topic: topic.clone(),
                partition: *partition,
            };
            self.starts.get_or_create(&place).inc();
        }
        self.held.inc_by(partitions.len() as i64);
    }

    pub(crate) fn taken(&self, partition: &Partition) {
        let place = Place::of(partition);
        self.closes.get_or_create(&place).inc();
        // another member's lag is told by that member
        self.offset_lag.remove(&place);
        self.current_offset.remove(&place);
        self.committed.remove(&place);
        self.held.dec();
    }

    pub(crate) fn rebalanced(&self) {
        self.rebalances.inc();
    }

    pub(crate) fn committed(&self, topic: &str, partition: i32, offset: i64) {
        let place = Place {
            topic: topic.to_owned(),
            partition,
        };
        self.commits.get_or_create(&place).inc();
        self.committed.get_or_create(&place).set(offset);
    }

    pub(crate) fn not_committed(&self) {
        self.commit_failures.inc();
    }

    pub(crate) fn renewed(&self) {
        self.renewals.inc();
    }

    pub(crate) fn stalled(&self) {
        self.stalls.inc();
    }

    pub(crate) fn behind(&self, partition: &Partition, records: i64) {
        self.offset_lag
            .get_or_create(&Place::of(partition))
            .set(records);
    }

    pub(crate) fn seen(&self, seen: &Seen) {
        self.under_way
            .set(i64::try_from(seen.under_way).unwrap_or(i64::MAX));
        self.paused
            .set(i64::try_from(seen.paused).unwrap_or(i64::MAX));
        self.member.set(seen.is_member.into());
        self.lag.set(seen.lag);
    }

    /// It is no member any more.
    pub(crate) fn left(&self) {
        self.member.set(0);
    }

    pub(crate) fn assignor(&self, name: &str) {
        let label = Assignor {
            assignor: name.to_owned(),
        };
        self.assignor.get_or_create(&label).set(1);
    }
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) under_way: usize,
    pub(crate) paused: usize,
    pub(crate) is_member: bool,
    pub(crate) lag: i64,
}
