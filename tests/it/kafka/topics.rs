//! What may become of a topic, and what may lie in it: limits of its own, transactions, records that are gone before they were read, a topic that is made anew, or has more partitions than it had.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use model::Batch;
use storage::{Backend as _, TraceWriter, WriteError};
use tests::kafka::log::generations;
use tests::kafka::records::{self, Login, Record};
use tests::kafka::{Broker, Version, shared};

use super::line::{Running, spans, store, write};
use super::wait_for;

/// A broker with a topic of one partition, and its dead letters'.
fn topic(name: &str) -> &'static Broker {
    let broker = shared(Version::V3_9);
    broker.admin().create_topic(name, 1).unwrap();
    let letters = format!("{name}-dead-letters");
    broker.admin().create_topic(&letters, 1).unwrap();
    broker
}

/// Records of spans as a collector writes them, for `topic`.
async fn records_of(broker: &Broker, source: &str, first: u128, traces: u128) -> Vec<Record> {
    let name = format!("{source}-source-{first}");
    broker.admin().create_topic(&name, 1).unwrap();
    let store = store(broker, &name, |_| {});
    write(&store, spans(first, traces)).await.unwrap();
    store.close().await;
    records::read(broker, &Login::default(), &name).unwrap()
}

fn durable(ingester: &Running, expect: u64) {
    wait_for("not all is durable", || {
        (ingester.counts().durable >= expect).then_some(())
    });
    assert_eq!(ingester.counts().durable, expect);
}

/// A broker refuses a batch as a whole, though each record of it would do.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_whose_limit_is_below_our_batches_takes_each_span() {
    let broker = shared(Version::V3_9);
    let name = "topics-narrow";
    let limit = [("max.message.bytes", "20000")];
    broker.admin().create_topic_with(name, 1, &limit).unwrap();
    let letters = format!("{name}-dead-letters");
    broker.admin().create_topic(&letters, 1).unwrap();
    let store = store(broker, name, |_| {});
    let mut sent = spans(1, 100);
    sent[500].name = "x".repeat(30_000).into();
    let answer = write(&store, sent).await;
    store.close().await;
    let found = records::read(broker, &Login::default(), name).unwrap();
    let distinct: BTreeSet<_> = found.iter().map(|record| &record.value).collect();
    assert_eq!(distinct.len(), 999, "{answer:?}");
    let Err(WriteError::Rejected(rejected)) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(rejected.iter().map(|one| one.at).collect::<Vec<_>>(), [500]);
}

/// A transaction's end is an offset without a record: nobody waits for one there.
#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_topic_that_ends_in_a_transaction_is_no_stall() {
    let name = "topics-transactions";
    let broker = topic(name);
    let good = records_of(broker, name, 1, 10).await;
    for aborts in [false, true] {
        let login = Login::default().in_transaction(aborts);
        records::write(broker, &login, name, &good).unwrap();
    }
    let ingester = Running::start(broker, name, name, |config| {
        config.stall = Duration::from_secs(3);
    });
    durable(&ingester, 100);
    let end = broker.admin().ends(name).unwrap()[&0];
    assert_eq!(end, 202, "two transactions, each with its end");
    let until = Instant::now() + Duration::from_secs(12);
    while Instant::now() < until {
        assert_eq!(ingester.health(), Ok(()));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(generations(&broker.groups(), name).len(), 1);
    assert_eq!(ingester.metric("spoor_ingester_stalls_total"), 0);
    assert_eq!(
        ingester.metric("spoor_ingester_lag"),
        0,
        "nothing is to come"
    );
    ingester.end().await.close().await;
}

/// What retention took before it was read is said, and what is left is read, wherever a new group begins.
#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_gone_before_they_were_read_are_counted_and_the_rest_is_read() {
    for (name, start) in [
        ("topics-expired-earliest", ingester::Start::Earliest),
        ("topics-expired-latest", ingester::Start::Latest),
    ] {
        let broker = topic(name);
        let begin = || Running::start(broker, name, name, |config| config.start = start);
        let store = store(broker, name, |_| {});
        let ingester = begin();
        wait_for("it is no member", || {
            (ingester.metric("spoor_ingester_is_member") == 1).then_some(())
        });
        write(&store, spans(1, 10)).await.unwrap();
        durable(&ingester, 100);
        ingester.end().await.close().await;
        write(&store, spans(100, 20)).await.unwrap();
        broker.admin().delete_records(name, 0, 250).unwrap();
        let ingester = begin();
        durable(&ingester, 50);
        wait_for("what is gone is not told", || {
            (ingester.metric("spoor_ingester_expired_records_total") == 150).then_some(())
        });
        ingester.end().await.close().await;
        store.close().await;
    }
}

/// A group that begins with what comes loses nothing that came while its partitions were nobody's.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_began_with_the_newest_reads_what_came_while_it_was_away() {
    let name = "topics-latest";
    let broker = topic(name);
    let store = store(broker, name, |_| {});
    write(&store, spans(1, 10)).await.unwrap();
    let begin = || {
        Running::start(broker, name, name, |config| {
            config.start = ingester::Start::Latest;
        })
    };
    let ingester = begin();
    wait_for("it is no member", || {
        (ingester.metric("spoor_ingester_is_member") == 1).then_some(())
    });
    ingester.end().await.close().await;
    // nobody is there, and the group had begun
    write(&store, spans(100, 10)).await.unwrap();
    let ingester = begin();
    durable(&ingester, 100);
    ingester.end().await.close().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_made_anew_is_read_from_its_beginning() {
    let name = "topics-anew";
    let broker = topic(name);
    let writes = async |first, traces| {
        let store = store(broker, name, |_| {});
        write(&store, spans(first, traces)).await.unwrap();
        store.close().await;
    };
    let ingester = Running::start(broker, name, name, |_| {});
    writes(1, 20).await;
    durable(&ingester, 200);
    broker.admin().delete_topic(name).unwrap();
    broker.admin().create_topic(name, 1).unwrap();
    writes(100, 10).await;
    durable(&ingester, 300);
    wait_for("the end is not committed", || {
        let committed = broker.admin().committed(name, name).ok()?;
        (committed.get(&0) == Some(&100)).then_some(())
    });
    ingester.end().await.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_a_topic_gets_while_we_read_it_are_read_from_their_beginning() {
    let name = "topics-wider";
    let broker = topic(name);
    let ingester = Running::start(broker, name, name, |_| {});
    let first = store(broker, name, |_| {});
    write(&first, spans(1, 10)).await.unwrap();
    durable(&ingester, 100);
    broker.admin().widen_topic(name, 4).unwrap();
    let second = store(broker, name, |_| {});
    write(&second, spans(100, 40)).await.unwrap();
    durable(&ingester, 500);
    ingester.end().await.close().await;
    first.close().await;
    second.close().await;
}

/// Not only for the moment in which the broker says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_is_told_for_as_long_as_it_is_not() {
    let name = "topics-missing";
    let broker = shared(Version::V3_9);
    let ingester = Running::start(broker, name, name, |_| {});
    let said = wait_for("it calls itself well", || ingester.health().err());
    assert!(said.contains("kafka.consumer.topic"), "{said}");
    let until = Instant::now() + Duration::from_secs(12);
    while Instant::now() < until {
        let said = ingester.health().unwrap_err();
        assert!(said.contains("kafka.consumer.topic"), "{said}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    broker.admin().create_topic(name, 1).unwrap();
    wait_for("it does not get well", || ingester.health().ok());
    let store = store(broker, name, |_| {});
    write(&store, spans(1, 10)).await.unwrap();
    durable(&ingester, 100);
    ingester.end().await.close().await;
    store.close().await;
}

/// A store that takes nothing.
struct Away;

impl TraceWriter for Away {
    fn write(&self, _: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        let reason = "it is away".to_owned();
        Box::pin(async { Err(WriteError::Unavailable { reason }) })
    }
}

/// However large records are, no more than the budget is under way, and what one read goes beyond it.
#[tokio::test(flavor = "multi_thread")]
async fn large_records_do_not_go_beyond_the_budget() {
    let name = "topics-large";
    let broker = topic(name);
    let store = store(broker, name, |_| {});
    let mut large = spans(1, 10);
    for span in &mut large {
        span.name = "x".repeat(900_000).into();
    }
    for some in large.chunks(20) {
        write(&store, some.to_vec()).await.unwrap();
    }
    let ingester = Running::before(Some(Arc::new(Away)), broker, name, name, |_| {});
    let paused = || ingester.metric("spoor_ingester_paused_partitions");
    wait_for("it goes on", || (paused() == 1).then_some(()));
    // four times as much in memory, and 16 MiB in all
    let read = ingester.metric("jaeger_ingester_sarama_consumer_messages_total");
    assert!((4..=8).contains(&read), "{read} records are in memory");
    wait_for("the lag is not told", || {
        (ingester.metric("spoor_ingester_lag") == 100).then_some(())
    });
    ingester.end().await.close().await;
    store.close().await;
}

/// A store that has a fault, once.
#[derive(Default)]
struct Faulty {
    writes: AtomicUsize,
    spans: AtomicUsize,
}

impl TraceWriter for Faulty {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let is_first = self.writes.fetch_add(1, Ordering::AcqRel) == 0;
            assert!(!is_first, "a fault of the store's own");
            self.spans.fetch_add(batch.len(), Ordering::AcqRel);
            Ok(())
        })
    }
}

/// Its records are waited for by all that come after: they must not be waited for in vain.
#[tokio::test(flavor = "multi_thread")]
async fn records_whose_task_panics_are_read_once_more() {
    let name = "topics-panic";
    let broker = topic(name);
    let store = store(broker, name, |_| {});
    write(&store, spans(1, 10)).await.unwrap();
    let faulty = Arc::new(Faulty::default());
    let ingester = Running::before(Some(faulty.clone()), broker, name, name, |_| {});
    let said = wait_for("it is not told", || ingester.health().err());
    assert!(said.contains("partition 0 of topics-panic"), "{said}");
    wait_for("it is not stored", || {
        (faulty.spans.load(Ordering::Acquire) == 100).then_some(())
    });
    wait_for("it is not committed", || {
        let committed = broker.admin().committed(name, name).ok()?;
        (committed.get(&0) == Some(&100)).then_some(())
    });
    wait_for("it does not get well", || ingester.health().ok());
    ingester.end().await.close().await;
    store.close().await;
}
