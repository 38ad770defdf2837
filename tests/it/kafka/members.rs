//! Members of a group: two that have one name, and the group protocol in which the broker shares partitions out.

use std::time::{Duration, Instant};

use ingester::GroupProtocol;
use storage::Backend as _;
use tests::kafka::log::generations;
use tests::kafka::{Broker, Options, Version, shared};

use super::line::{Running, spans, store, write};
use super::wait_for;

/// Each drives the other out: they do so ever more rarely, and say why.
#[tokio::test(flavor = "multi_thread")]
async fn two_members_of_one_name_do_not_drive_each_other_out_all_the_time() {
    let broker = shared(Version::V3_9);
    let name = "members-twins";
    broker.admin().create_topic(name, 2).unwrap();
    let twin = || {
        Running::start(broker, name, name, |config| {
            config.group_instance_id = Some("twin".to_owned());
        })
    };
    let both = [twin(), twin()];
    let renewals = || -> i64 {
        let each = both.iter();
        each.map(|one| one.metric("spoor_ingester_consumer_renewals_total"))
            .sum()
    };
    wait_for("nobody is driven out", || (renewals() > 0).then_some(()));
    let began = Instant::now();
    let mut told = 0;
    while began.elapsed() < Duration::from_secs(30) {
        let said = both.iter().filter_map(|one| one.health().err());
        told += usize::from(
            said.into_iter()
                .any(|said| said.contains("group-instance-id")),
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let renewals = renewals();
    println!(
        "{renewals} renewals, {} generations, told {told} of 300 times",
        generations(&broker.groups(), name).len()
    );
    assert!(renewals <= 8, "{renewals}");
    assert!(told > 100, "{told}");
    for one in both {
        one.end().await.close().await;
    }
}

/// One that waits for its group is not ready, however well brokers answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_its_group_does_not_let_in_says_so() {
    let options = Options::default().setting("group.initial.rebalance.delay.ms=15000");
    let broker = Broker::start(Version::V3_9, &options).unwrap();
    let name = "members-outside";
    broker.admin().create_topic(name, 2).unwrap();
    let ingester = Running::start(&broker, name, name, |config| {
        config.stall = Duration::from_secs(3);
    });
    let said = wait_for("it calls itself well", || ingester.health().err());
    assert!(said.contains("has not let this member in"), "{said}");
    wait_for("it does not get well", || ingester.health().ok());
    assert_eq!(ingester.metric("spoor_ingester_is_member"), 1);
    ingester.end().await.close().await;
}

/// KIP-848.
#[tokio::test(flavor = "multi_thread")]
async fn the_broker_shares_partitions_out_where_it_is_asked_to() {
    let broker = Broker::start(Version::V4_0, &Options::default()).unwrap();
    let name = "members-broker";
    broker.admin().create_topic(name, 6).unwrap();
    let store = store(&broker, name, |_| {});
    let member = |lasting: Option<&str>| {
        Running::start(&broker, name, name, |config| {
            config.protocol = GroupProtocol::Consumer;
            config.group_instance_id = lasting.map(str::to_owned);
        })
    };
    let held = |of: &Running| of.metric("jaeger_ingester_sarama_consumer_partitions_held");
    let first = member(Some("first"));
    write(&store, spans(1, 20)).await.unwrap();
    wait_for("nothing comes through", || {
        (first.counts().durable == 200).then_some(())
    });
    assert_eq!(held(&first), 6);
    let second = member(None);
    wait_for("partitions are not shared out", || {
        (held(&first) == 3 && held(&second) == 3).then_some(())
    });
    write(&store, spans(1_000, 40)).await.unwrap();
    wait_for("not all is durable", || {
        (first.counts().durable + second.counts().durable == 600).then_some(())
    });
    assert!(second.counts().durable > 0);
    for one in [&first, &second] {
        wait_for("it is not well", || one.health().ok());
        wait_for("it is no member", || {
            (one.metric("spoor_ingester_is_member") == 1).then_some(())
        });
    }
    second.end().await.close().await;
    wait_for("partitions stay nobody's", || {
        (held(&first) == 6).then_some(())
    });
    write(&store, spans(2_000, 20)).await.unwrap();
    wait_for("not all is committed", || {
        let committed = broker.admin().committed(name, name).ok()?;
        (committed.values().sum::<i64>() == 800).then_some(())
    });
    first.end().await.close().await;
    store.close().await;
}

/// Kafka 3.9 has the protocol too, in a version that our client does not speak, and nobody says so but we.
#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_do_not_share_partitions_out_are_told_of() {
    let options = Options::default()
        .setting("group.coordinator.rebalance.protocols=classic,consumer")
        .setting("unstable.api.versions.enable=true");
    let broker = Broker::start(Version::V3_9, &options).unwrap();
    let name = "members-older";
    broker.admin().create_topic(name, 2).unwrap();
    let ingester = Running::start(&broker, name, name, |config| {
        config.protocol = GroupProtocol::Consumer;
        config.stall = Duration::from_secs(3);
    });
    let said = wait_for("it calls itself well", || ingester.health().err());
    assert!(said.contains("kafka.consumer.group-protocol"), "{said}");
    ingester.end().await.close().await;
}
