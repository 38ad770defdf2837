//! The rebalancing storm of Jaeger's ingester on Kafka 2.3.0 (Jaeger's issues 1774 and 1819, KAFKA-8653): it shows here with the libraries that
//! Jaeger had, so that a group of ours that stays calm on the same broker shows something.
//!
//! `JoinGroup` v0 has no time for a rebalance; 2.3.0 takes that for none at all, ends each rebalance at once and forgets who has not joined yet.
//! Its next commit, a second later, is refused; it joins as a newcomer, and the others are forgotten. Those that join in the same moment bear each
//! other: members start one after the other here, as they do in life.

use std::collections::BTreeSet;
use std::time::Instant;

use tests::kafka::log::{What, generations};
use tests::kafka::sarama::Sarama;
use tests::kafka::{Broker, Version, shared};

use super::wait_for;
use crate::support::soak;

const PARTITIONS: u16 = 6;

/// A topic with traffic, and a group of such members, each of which has made a generation.
struct Group {
    broker: &'static Broker,
    name: &'static str,
    members: Vec<Sarama>,
    _traffic: Sarama,
}

impl Group {
    /// The topic has the group's name.
    fn start(version: Version, name: &'static str, members: usize) -> Self {
        let broker = shared(version);
        broker.admin().create_topic(name, PARTITIONS).unwrap();
        let traffic = Sarama::traffic(broker, name, 50).unwrap();
        let mut group = Self {
            broker,
            name,
            members: Vec::new(),
            _traffic: traffic,
        };
        for _ in 0..members {
            let before = group.generations().len();
            let member = Sarama::member(broker, name, name).unwrap();
            group.members.push(member);
            wait_for("no generation", || {
                // a member that could not join says why, and ends
                assert!(!group.said().contains("panic"), "{}", group.said());
                (group.generations().len() > before).then_some(())
            });
        }
        group
    }

    fn generations(&self) -> Vec<u32> {
        generations(&self.broker.groups(), self.name)
    }

    fn said(&self) -> String {
        let said = self.members.iter().map(|member| member.said().unwrap());
        said.collect()
    }

    /// Ids that members had, of which each gets a new one when it is forgotten.
    fn ids(&self) -> usize {
        let events = self.broker.groups();
        let joined = events
            .iter()
            .filter(|event| event.group == self.name && matches!(event.what, What::Joined(_)));
        joined.count()
    }

    /// Whether each partition was given to one member.
    fn is_shared_out(&self) -> bool {
        let mut given = Vec::new();
        for member in &self.members {
            let said = member.said().unwrap();
            let last = said.lines().last().unwrap_or_default();
            let partitions = last.trim_matches(['[', ']']).split_whitespace();
            given.extend(partitions.filter_map(|p| p.parse::<u16>().ok()));
        }
        let distinct: BTreeSet<_> = given.iter().collect();
        given.len() == distinct.len() && distinct.len() == usize::from(PARTITIONS)
    }

    /// Waits for so many commits, each further than the one before.
    fn watch_commits(&self, count: usize) {
        let mut last = 0;
        for seen in 0..count {
            last = wait_for(&format!("{seen} of {count} commits"), || {
                let committed = self.broker.admin().committed(self.name, self.name);
                let sum = committed.unwrap().values().sum();
                (sum > last).then_some(sum)
            });
        }
    }
}

#[test]
fn on_kafka_2_3_members_as_jaegers_push_each_other_out_for_ever() {
    let group = Group::start(Version::V2_3, "storm-three", 3);
    let count = if soak() { 40 } else { 10 };
    let started = Instant::now();
    let before = group.generations().len();
    let generations = wait_for("the group is calm", || {
        let generations = group.generations();
        (generations.len() - before >= count).then_some(generations)
    });
    println!("{count} generations in {:?}", started.elapsed());
    assert!(group.ids() > count, "{} ids", group.ids());
    assert!(generations.is_sorted_by(|a, b| a < b), "{generations:?}");
}

/// That nothing moves while members commit.
fn check_calm(group: &Group) {
    wait_for("the partitions are not shared out", || {
        group.is_shared_out().then_some(())
    });
    let before = group.generations();
    let count = if soak() { 40 } else { 6 };
    let started = Instant::now();
    group.watch_commits(count);
    println!(
        "{before:?} through {count} commits in {:?}",
        started.elapsed()
    );
    assert_eq!(group.generations(), before);
    assert_eq!(group.ids(), group.members.len());
}

#[test]
fn on_kafka_2_3_one_such_member_stays() {
    check_calm(&Group::start(Version::V2_3, "storm-one", 1));
}

#[test]
fn on_kafka_3_9_two_such_members_stay() {
    check_calm(&Group::start(Version::V3_9, "storm-healed", 2));
}
