//! A topic and a group that Jaeger's ingester had, taken over and given back: with the libraries that Jaeger's ingester is made of on the other side.

use std::collections::BTreeMap;

use storage::Backend as _;
use tests::kafka::sarama::Sarama;
use tests::kafka::{Broker, Version, shared};

use super::line::{Running, spans, store, write};
use super::wait_for;

const PARTITIONS: u16 = 6;

/// Waits until the group has committed all that the topic, which has its name, has. How far that is.
fn committed_to_the_end(broker: &Broker, group: &str) -> BTreeMap<i32, i64> {
    wait_for("the group has not committed all", || {
        let ends = broker.admin().ends(group).unwrap();
        let mut committed = broker.admin().committed(group, group).unwrap();
        committed.retain(|_, offset| *offset > 0);
        let is_done = ends
            .iter()
            .all(|(partition, end)| committed.get(partition).copied().unwrap_or_default() == *end);
        is_done.then_some(committed)
    })
}

/// One goes on where the other stopped: nothing twice, nothing left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_jaegers_goes_on_without_a_gap_and_back() {
    for version in [Version::V2_3, Version::V3_9] {
        let broker = shared(version);
        let group = "takeover";
        broker.admin().create_topic(group, PARTITIONS).unwrap();
        let store = store(broker, group, |_| {});
        write(&store, spans(1, 30)).await.unwrap();

        // Jaeger's begins with the newest record: what lies there is its to skip, and what comes is its to commit
        let jaegers = Sarama::member(broker, group, group).unwrap();
        wait_for("it does not join", || {
            jaegers.said().unwrap().contains('[').then_some(())
        });
        let mut first = 100;
        write(&store, spans(first, 30)).await.unwrap();
        committed_to_the_end(broker, group);
        first += 100;
        jaegers.leave().unwrap();
        let before = broker.admin().committed(group, group).unwrap();

        write(&store, spans(first, 30)).await.unwrap();
        let ends = broker.admin().ends(group).unwrap();
        let left: i64 = ends
            .iter()
            .map(|(partition, end)| end - before[partition])
            .sum();
        let ours = Running::start(broker, group, group, |_| {});
        committed_to_the_end(broker, group);
        let counts = ours.counts();
        assert_eq!(
            i64::try_from(counts.durable).unwrap(),
            left,
            "{version} {counts:?}"
        );
        ours.end().await.close().await;

        first += 100;
        write(&store, spans(first, 30)).await.unwrap();
        let jaegers = Sarama::member(broker, group, group).unwrap();
        committed_to_the_end(broker, group);
        jaegers.leave().unwrap();
        store.close().await;
    }
}

/// Partitions that Jaeger's member was given last.
fn own(jaegers: &Sarama) -> usize {
    let said = jaegers.said().unwrap();
    let last = said.lines().last().unwrap_or_default();
    last.trim_matches(['[', ']']).split_whitespace().count()
}

/// Ours may come while Jaeger's is there, which leads the group and cannot read what ours say of themselves; when it has gone, ours read what is left, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn ours_may_come_before_jaegers_has_gone() {
    let broker = shared(Version::V3_9);
    let group = "takeover-mixed";
    broker.admin().create_topic(group, PARTITIONS).unwrap();
    let store = store(broker, group, |_| {});
    let jaegers = Sarama::member(broker, group, group).unwrap();
    let all = usize::from(PARTITIONS);
    wait_for("it has not all", || (own(&jaegers) == all).then_some(()));
    write(&store, spans(1, 30)).await.unwrap();
    committed_to_the_end(broker, group);
    let ours = Running::start(broker, group, group, |_| {});
    wait_for("ours do not join", || {
        let generations = tests::kafka::log::generations(&broker.groups(), group);
        (generations.len() >= 2).then_some(())
    });
    write(&store, spans(1_000, 60)).await.unwrap();
    println!("{}", jaegers.said().unwrap());
    // whatever state it is in
    drop(jaegers);
    committed_to_the_end(broker, group);
    let before = ours.counts().durable;
    write(&store, spans(2_000, 60)).await.unwrap();
    committed_to_the_end(broker, group);
    assert_eq!(ours.counts().durable, before + 600);
    ours.end().await.close().await;
    store.close().await;
}

/// Where ours lead, Jaeger's are given nothing: what they say of themselves is of a version whose fields it lacks, which librdkafka does not read. Then ours read all.
#[tokio::test(flavor = "multi_thread")]
async fn where_ours_lead_they_read_all() {
    let broker = shared(Version::V3_9);
    let group = "takeover-led";
    broker.admin().create_topic(group, PARTITIONS).unwrap();
    let store = store(broker, group, |_| {});
    let ours = Running::start(broker, group, group, |_| {});
    write(&store, spans(1, 20)).await.unwrap();
    committed_to_the_end(broker, group);
    let jaegers = Sarama::member(broker, group, group).unwrap();
    wait_for("it does not join", || {
        jaegers.said().unwrap().contains('[').then_some(())
    });
    write(&store, spans(1_000, 60)).await.unwrap();
    committed_to_the_end(broker, group);
    assert_eq!((own(&jaegers), ours.counts().durable), (0, 800));
    jaegers.leave().unwrap();
    ours.end().await.close().await;
    store.close().await;
}
