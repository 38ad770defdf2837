//! How things stand, every two seconds, by what librdkafka tells of itself and what brokers are asked: lag, health, and whether reading has come to a halt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer as _;
use rdkafka::statistics::{self, Statistics};
use rdkafka::{Offset, TopicPartitionList};

use super::{Consumer, Course, Over};
use crate::assignment::{self, Partition};
use crate::config::GroupProtocol;
use crate::metrics::Seen;
use crate::stall::Sight;

/// How long a broker is waited for that is asked where partitions end.
const ASK_PATIENCE: Duration = Duration::from_millis(200);
/// How long nothing may have gone wrong before what went wrong is over.
const QUIET: Duration = Duration::from_secs(4);

// === impl Consumer ===

impl Consumer {
    /// How things stand, by what librdkafka tells.
    pub(super) fn look(&self, course: &mut Course<'_>, all: &[Arc<Partition>], told: &Statistics) {
        let is_member = (told.cgrp.as_ref())
            .is_some_and(|group| group.state == "up" && group.join_state == "steady");
        let seen = |partition: &Arc<Partition>| {
            let topic = told.topics.get(&partition.topic)?;
            let seen = topic.partitions.get(&partition.number)?;
            Some((partition.clone(), seen))
        };
        let seen: Vec<_> = all.iter().filter_map(seen).collect();
        let mut ends = self.ends(course, &seen);
        let (mut lag, mut paused) = (0, 0);
        let mut sights = Vec::with_capacity(seen.len());
        for (partition, seen) in &seen {
            let key = (partition.topic.clone(), partition.number);
            let end = ends.remove(&key).unwrap_or(known_end(seen));
            let position = position(partition, seen);
            let is_paused = partition.is_paused.load(Ordering::Relaxed);
            paused += usize::from(is_paused);
            let behind = behind(partition, seen, position, end);
            self.metrics.behind(partition, behind);
            lag += behind;
            self.tell_of_gap(partition, seen);
            sights.push(Sight {
                topic: &partition.topic,
                number: partition.number,
                position,
                end,
                is_paused,
            });
        }
        self.metrics.seen(&Seen {
            under_way: course.assignment.under_way(),
            paused,
            is_member,
            lag,
        });
        course.lacks_topic &= !self.has_topics(course);
        if is_member && !course.lacks_topic {
            self.trouble.passed_after(QUIET);
        }
        if !is_member {
            // a new consumer has to be given its partitions first
            let outside = course.member_at.elapsed();
            if outside >= self.config.stall && self.trouble.said().is_none() {
                *self.stalled.lock() = Some(self.outside(outside));
            }
            return;
        }
        course.member_at = Instant::now();
        let is_over = course.stall.look(Instant::now(), &sights);
        *self.stalled.lock() = course.stall.said();
        if is_over {
            self.metrics.stalled();
            course.stall.renewed();
            course.over = Some(Over::Anew("it read nothing though there are records"));
        }
    }

    /// Why it may be no member.
    fn outside(&self, since: Duration) -> String {
        let why = match self.config.protocol {
            GroupProtocol::Classic => "another of its members may hang (kafka.consumer.group-id)",
            // librdkafka asks for ever, and says nothing
            GroupProtocol::Consumer => {
                "kafka.consumer.group-protocol=consumer needs brokers of 4.0 or later"
            }
        };
        let (group, since) = (&self.config.group_id, since.as_secs());
        format!("group {group} has not let this member in for {since}s: {why}")
    }

    /// Where partitions end of which librdkafka may not know: it hears of new records by fetching, and fetches none of those that are paused, nor of one that is stuck.
    fn ends(
        &self,
        course: &Course<'_>,
        seen: &[(Arc<Partition>, &statistics::Partition)],
    ) -> BTreeMap<(String, i32), i64> {
        let mut asked = TopicPartitionList::new();
        for (partition, seen) in seen {
            let (topic, number) = (&partition.topic, partition.number);
            let position = position(partition, seen);
            if partition.is_paused.load(Ordering::Relaxed)
                || course.stall.is_still(topic, number, position)
            {
                asked.add_partition(topic, number);
            }
        }
        if asked.count() == 0 {
            return BTreeMap::new();
        }
        // who does not answer is told of by the context
        let ends = assignment::ends(course.consumer, asked, ASK_PATIENCE).unwrap_or_default();
        let elements = ends.elements();
        let end = elements.iter().filter_map(|one| match one.offset() {
            Offset::Offset(end) => Some(((one.topic().to_owned(), one.partition()), end)),
            _ => None,
        });
        end.collect()
    }

    /// Says it when records were removed before they came.
    fn tell_of_gap(&self, partition: &Partition, seen: &statistics::Partition) {
        let Some(gap) = partition.take_gap(seen.app_offset) else {
            return;
        };
        let records = seen.lo_offset.min(gap.to) - gap.from;
        if records > 0 {
            self.metrics.expired(partition, records);
            tracing::error!(
                topic = partition.topic,
                partition = partition.number,
                from = gap.from,
                records,
                "records were removed from the topic before they were read, and their spans are lost: see that the topic's retention is longer than a store may be away"
            );
        }
    }

    /// Whether brokers say by now that each topic is there, and for us.
    fn has_topics(&self, course: &Course<'_>) -> bool {
        course.lacks_topic
            && self.config.topics.names().all(|name| {
                let metadata = course.consumer.fetch_metadata(Some(name), ASK_PATIENCE);
                metadata.is_ok_and(|found| found.topics().iter().all(|one| one.error().is_none()))
            })
    }
}

/// Where a partition ends, as far as librdkafka has heard.
fn known_end(seen: &statistics::Partition) -> i64 {
    seen.hi_offset.max(seen.ls_offset)
}

/// Up to where a partition was read; where nothing came yet, where it begins.
fn position(partition: &Partition, seen: &statistics::Partition) -> i64 {
    // what is fetched and has no record, as where a transaction ends, is read by that
    let fetched = seen.app_offset.max(seen.next_offset);
    fetched.max(partition.reached().unwrap_or_default())
}

/// Records before `end` that are not durable. Where nothing is known yet, nothing is said.
fn behind(partition: &Partition, seen: &statistics::Partition, position: i64, end: i64) -> i64 {
    let (durable, is_empty) = partition.look(|window| (window.durable(), window.is_empty()));
    let durable = durable.unwrap_or(seen.committed_offset.max(seen.lo_offset));
    // nothing waits anywhere
    let durable = if is_empty && seen.fetchq_cnt == 0 {
        durable.max(position)
    } else {
        durable
    };
    if end >= 0 && durable >= 0 {
        (end - durable).max(0)
    } else {
        0
    }
}
