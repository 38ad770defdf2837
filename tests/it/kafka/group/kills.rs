//! `kill -9` of an ingester under load with a slow store: what the group has committed lies in the store, whenever it ends.
//!
//! `SPOOR_SOAK=1`: 100 times.

use std::collections::BTreeSet;
use std::time::Duration;

use bench::rng::Rng;
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::kafka::records::{self, Login};
use tests::kafka::{Broker, Version, shared};
use tests::servers::client::Client;
use tests::servers::{self, Kind};
use wire::encoding::Encoding;

use super::line::{Line, blocking, until};
use crate::elasticsearch::sender::stored;
use crate::support::soak;

/// How many records lie below what the group has committed, and how many of their spans are not in the store.
async fn below(broker: &Broker, line: &Line, store: &Client) -> (usize, usize) {
    // first what was committed, then what is there
    let committed = line.admin.committed(line.name, line.name).unwrap();
    let there: BTreeSet<u64> = stored(store, line.name).await.into_keys().collect();
    let all = blocking(|| records::read(broker, &Login::default(), line.name)).unwrap();
    let (mut records, mut missing) = (0, 0);
    for record in all {
        let end = committed.get(&record.partition).copied();
        if record.offset >= end.unwrap_or_default() {
            continue;
        }
        records += 1;
        let value = record.value.unwrap();
        let decoded = Encoding::JaegerProto.decode(value.into(), 0).unwrap();
        let ids = decoded.spans.iter().map(|span| span.span_id.to_u64());
        missing += ids.filter(|id| !there.contains(id)).count();
    }
    (records, missing)
}

async fn check_kills(version: Version, name: &'static str) {
    // each kill reads all that was written so far
    let (kills, rate) = if soak() { (100, 100.0) } else { (5, 400.0) };
    let server = blocking(|| servers::shared(Kind::Elasticsearch7));
    let broker = blocking(|| shared(version));
    let proxy = FaultProxy::start(server.port(), 5).unwrap();
    // some bulks overtake others
    proxy.set([
        Rule::new(Fault::Delay(Duration::from_millis(300))).share(0.5),
        Rule::new(Fault::Delay(Duration::from_millis(700))).share(0.3),
        Rule::new(Fault::CutAfter).share(0.1),
    ]);
    let line = Line::new(broker, &proxy.url(), name);
    let mut member = line.member(Some(0), &[]);
    member.start();
    let traffic = line.traffic(rate);
    let mut rng = Rng::new(3);
    let (mut last, mut open) = (0, 0);
    for kill in 0..kills {
        let before = line.committed();
        until("nothing more is committed", || {
            (line.committed() > before).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_secs_f64(1.2 * rng.unit())).await;
        member.kill();
        open += line.behind().unwrap();
        let (records, missing) = below(broker, &line, server.client()).await;
        assert_eq!(missing, 0, "after kill {kill}: committed and not stored");
        assert!(records >= last, "{records} after {last}");
        last = records;
        member.start();
    }
    proxy.clear();
    let tally = traffic.end().await;
    line.drained().await;
    member.end();
    println!(
        "{version}: {kills} kills, {last} records below what was committed at the last, {open} in all above it"
    );
    assert!(last > 0 && open > 0, "it killed nobody at work");
    let what = format!("{version}, {kills} kills of an ingester");
    tally.check_all(&what, server.client(), name).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_kafka_2_3_an_ingester_that_is_killed_has_committed_only_what_is_stored() {
    check_kills(Version::V2_3, "group-kills-old").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_kafka_3_9_an_ingester_that_is_killed_has_committed_only_what_is_stored() {
    check_kills(Version::V3_9, "group-kills-new").await;
}
