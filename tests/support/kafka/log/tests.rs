//! What two brokers wrote when members came, left, failed, and came with a name of their own.

use super::*;

const KAFKA_2_3: &str = include_str!("../../../fixtures/kafka/groups-2.3.0.log");
const KAFKA_3_9: &str = include_str!("../../../fixtures/kafka/groups-3.9.1.log");

/// An event in short, its member by its place among those that joined.
fn told(events: &[Event]) -> Vec<String> {
    let mut members = Vec::new();
    let mut told = Vec::new();
    for event in events {
        assert_eq!(event.group, "leaving");
        let mut place = |member: &String| {
            members.iter().position(|m| m == member).unwrap_or_else(|| {
                members.push(member.clone());
                members.len() - 1
            })
        };
        told.push(match &event.what {
            What::Joined(member) => format!("{} joined", place(member)),
            What::Left(member) => format!("{} left", place(member)),
            What::Failed(member) => format!("{} failed", place(member)),
            What::Rebalancing { generation, .. } => format!("generation {generation} ends"),
            What::Stabilized(generation) => format!("generation {generation}"),
            What::Empty(generation) => format!("empty in {generation}"),
        });
    }
    told
}

#[track_caller]
fn check(log: &str, expect: &[&str]) {
    assert_eq!(told(&events(log)), expect);
}

const BEGINNING: [&str; 6] = [
    "0 joined",
    "generation 0 ends",
    "generation 1",
    "1 joined",
    "generation 1 ends",
    "generation 2",
];

#[test]
fn the_log_of_kafka_2_3_tells_who_came_and_went() {
    let rest = [
        "1 left",
        "generation 2 ends",
        "generation 3",
        "2 joined",
        "generation 3 ends",
        "generation 4",
        "0 left",
        "generation 4 ends",
        // the one with a name came back under a new id without a new generation
        "3 failed",
        "empty in 5",
    ];
    check(KAFKA_2_3, &[&BEGINNING[..], &rest].concat());
}

#[test]
fn the_log_of_kafka_3_9_tells_who_came_and_went() {
    let rest = [
        "generation 2 ends",
        "1 left",
        "generation 3",
        "2 joined",
        "generation 3 ends",
        "generation 4",
        "generation 4 ends",
        "0 left",
        "3 failed",
        "empty in 5",
    ];
    check(KAFKA_3_9, &[&BEGINNING[..], &rest].concat());
}

#[test]
fn an_event_says_when_it_was_and_a_rebalance_says_why() {
    let events = events(KAFKA_3_9);
    assert_eq!(events[0].at, Duration::from_millis(193_347));
    let reasons: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Rebalancing { reason, .. } => Some(reason.split(" rdkafka").next()?),
            _ => None,
        })
        .collect();
    let added = "Adding new member";
    assert_eq!(reasons[..3], [added, added, "Removing member"]);
    assert_eq!(generations(&events, "leaving"), [1, 2, 3, 4]);
    assert_eq!(generations(&events, "another"), [0_u32; 0]);
}

#[test]
fn lines_about_other_things_are_nothing() {
    let others = "\
java.net.BindException: Address already in use
2975 [main] INFO kafka.coordinator.group.GroupCoordinator - [GroupCoordinator 1]: Startup complete.
2991 [group-metadata-manager-0] INFO kafka.coordinator.group.GroupMetadataManager - [GroupMetadataManager brokerId=1] Removed 0 expired offsets in 14 milliseconds.
";
    check(others, &[]);
}
