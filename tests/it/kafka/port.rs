//! Spans through the store on Kafka, as an independent client reads them, and through an ingester into a store: nothing acknowledged that the brokers do not have, nothing committed that is not durable.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use storage::{Backend as _, WriteError};
use tests::kafka::records::{self, Login, Record};
use tests::kafka::{Broker, Options, Version, shared};
use wire::encoding::Encoding;

use super::line::{Running, spans, store, write};
use super::wait_for;

const PARTITIONS: u16 = 12;

fn topic(broker: &Broker, name: &str) {
    broker.admin().create_topic(name, PARTITIONS).unwrap();
    let letters = format!("{name}-dead-letters");
    broker.admin().create_topic(&letters, 1).unwrap();
}

/// Jaeger's: FNV-1a of the key as a signed number, its remainder without the sign.
fn partition_of(key: &[u8]) -> i32 {
    let hash = key.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    (hash as i32 % i32::from(PARTITIONS)).abs()
}

/// Waits until the group has committed all that the topic has.
fn wait_until_committed(broker: &Broker, group: &str, topic: &str) {
    wait_for("the group has not committed all", || {
        let ends = broker.admin().ends(topic).unwrap();
        let committed = broker.admin().committed(group, topic).unwrap();
        let is_done = |(partition, end): (&i32, &i64)| {
            committed.get(partition).copied().unwrap_or_default().max(0) == *end
        };
        ends.iter().all(is_done).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_independent_client_sees_key_partition_header_and_value() {
    for version in [Version::V2_3, Version::V3_9] {
        let broker = shared(version);
        let name = "port-records";
        topic(broker, name);
        let store = store(broker, name, |_| {});
        write(&store, spans(1, 40)).await.unwrap();
        store.close().await;
        let found = records::read(broker, &Login::default(), name).unwrap();
        assert_eq!(found.len(), 400);
        let mut distinct = BTreeSet::new();
        for record in found {
            let value = record.value.clone().unwrap();
            let decoded = Encoding::JaegerProto.decode(value.into(), 0).unwrap();
            let [span] = &decoded.spans[..] else {
                panic!("{decoded:?}")
            };
            distinct.insert((span.trace_id, span.span_id));
            let key = record.key.clone().unwrap();
            assert_eq!(key, span.trace_id.to_string().as_bytes());
            assert_eq!(
                record.partition,
                partition_of(&key),
                "{version:?} {record:?}"
            );
            let header = (
                "spoor-instance".to_owned(),
                Some(b"default/jaeger".to_vec()),
            );
            assert_eq!(record.headers, [header]);
        }
        assert_eq!(distinct.len(), 400);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_that_no_record_can_hold_is_named_and_its_neighbours_are_there() {
    let broker = shared(Version::V3_9);
    let name = "port-large";
    topic(broker, name);
    for encoding in [Encoding::JaegerProto, Encoding::OtlpProto] {
        let store = store(broker, name, |config| {
            config.encoding = encoding;
            config.tuning.max_message_bytes = 10_000;
        });
        let mut batch = spans(1, 2);
        batch[7].name = "x".repeat(20_000).into();
        let Err(WriteError::Rejected(rejected)) = write(&store, batch).await else {
            panic!("it is taken");
        };
        assert_eq!(rejected.iter().map(|one| one.at).collect::<Vec<_>>(), [7]);
        let reason = &rejected[0].reason;
        assert!(
            reason.contains("kafka.producer.max-message-bytes=10000"),
            "{reason}"
        );
        store.close().await;
    }
    let found = records::read(broker, &Login::default(), name).unwrap();
    let spans: usize = found
        .into_iter()
        .map(|record| {
            let value = record.value.unwrap();
            let expected: wire::encoding::Expected = "auto".parse().unwrap();
            expected.decode(value.into(), 0).unwrap().spans.len()
        })
        .sum();
    assert_eq!(spans, 2 * 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_away_are_said_and_come_back_by_themselves() {
    let mut broker = Broker::start(Version::V3_9, &Options::default()).unwrap();
    topic(&broker, "port-away");
    let store = store(&broker, "port-away", |config| {
        config.tuning.patience = Duration::from_secs(2);
    });
    write(&store, spans(1, 1)).await.unwrap();
    broker.stop().unwrap();
    let error = write(&store, spans(2, 1)).await.unwrap_err();
    assert!(matches!(error, WriteError::Unavailable { .. }), "{error:?}");
    assert!(
        error.to_string().contains("kafka.producer.brokers"),
        "{error}"
    );
    let ill = wait_for("it calls itself well", || store.health().err());
    assert!(ill.contains(&broker.address()), "{ill}");
    broker.start_again().unwrap();
    wait_for("it does not come back", || store.health().ok());
    write(&store, spans(2, 1)).await.unwrap();
    store.close().await;
    let found = records::read(&broker, &Login::default(), "port-away").unwrap();
    let distinct: BTreeSet<_> = found.into_iter().map(|record| record.value).collect();
    assert_eq!(distinct.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingester_stores_every_span_and_commits_to_the_end() {
    for version in [Version::V2_3, Version::V3_9] {
        let broker = shared(version);
        let name = "port-ingest";
        topic(broker, name);
        let store = store(broker, name, |_| {});
        write(&store, spans(1, 100)).await.unwrap();
        let ingester = Running::start(broker, name, name, |_| {});
        write(&store, spans(1_000, 100)).await.unwrap();
        wait_until_committed(broker, name, name);
        let counts = ingester.counts();
        assert_eq!(
            (counts.durable, counts.dead_lettered),
            (2_000, 0),
            "{counts:?}"
        );
        assert_eq!(ingester.health(), Ok(()));
        ingester.end().await.close().await;
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_none_lie_among_the_dead_letters_and_hold_nobody_up() {
    let broker = shared(Version::V3_9);
    let name = "port-poison";
    topic(broker, name);
    let store = store(broker, name, |_| {});
    write(&store, spans(1, 10)).await.unwrap();
    let odd = |value: Option<&[u8]>, said: Option<&str>| Record {
        partition: 3,
        value: value.map(<[u8]>::to_vec),
        headers: said
            .map(|said| ("spoor-instance".to_owned(), Some(said.as_bytes().to_vec())))
            .into_iter()
            .collect(),
        ..Record::default()
    };
    let good = records::read(broker, &Login::default(), name).unwrap();
    let good = good[0].value.as_deref();
    let odd = [
        odd(None, None),
        odd(Some(b"\xff\xff\xff"), None),
        odd(good.map(|good| &good[..good.len() / 2]), None),
        odd(good, Some("another/jaeger")),
        odd(good, Some("no instance at all")),
    ];
    records::write(broker, &Login::default(), name, &odd).unwrap();
    write(&store, spans(1_000, 10)).await.unwrap();
    let ingester = Running::start(broker, name, name, |_| {});
    wait_until_committed(broker, name, name);
    let counts = ingester.counts();
    assert_eq!(
        (counts.durable, counts.dead_lettered),
        (200, 5),
        "{counts:?}"
    );
    ingester.end().await.close().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_and_go_share_the_partitions_and_nothing_moves_between() {
    for version in [Version::V2_3, Version::V3_9] {
        let broker = shared(version);
        let name = "port-group";
        topic(broker, name);
        let store = store(broker, name, |_| {});
        let generations = || tests::kafka::log::generations(&broker.groups(), name).len();
        let mut members = Vec::new();
        let mut first = 1;
        let mut traffic = async || {
            first += 100;
            write(&store, spans(first, 20)).await.unwrap();
        };
        for count in 1..=3 {
            members.push(Running::start(broker, name, name, |_| {}));
            wait_for("no generation", || (generations() >= count).then_some(()));
            traffic().await;
            wait_until_committed(broker, name, name);
        }
        let calm = generations();
        for _ in 0..6 {
            traffic().await;
            wait_until_committed(broker, name, name);
        }
        assert_eq!(
            generations(),
            calm,
            "something moved while nobody came or went"
        );
        let gone = members.remove(0);
        gone.end().await.close().await;
        traffic().await;
        wait_until_committed(broker, name, name);
        let mut by_member = BTreeMap::new();
        for (nth, member) in members.into_iter().enumerate() {
            by_member.insert(nth, member.counts().durable);
            member.end().await.close().await;
        }
        assert!(
            by_member.values().all(|durable| *durable > 0),
            "{by_member:?}"
        );
        store.close().await;
    }
}
