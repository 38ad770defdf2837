//! A store that is away while the group moves: its members hold back, and read on when the store is there again, whoever has the partitions then.

use std::time::Duration;

use tests::kafka::{Version, shared};
use tests::servers::{Kind, Options, Server};

use super::line::{Line, blocking, until};
use super::watch::Watch;
use crate::elasticsearch::collector::Metrics;
use crate::support::soak;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_that_moves_while_its_store_is_away_reads_on_afterwards() {
    let (rate, away) = if soak() {
        (3_000.0, Duration::from_secs(120))
    } else {
        (1_500.0, Duration::from_secs(5))
    };
    let name = "group-away";
    let broker = blocking(|| shared(Version::V3_9));
    let mut server = blocking(|| Server::start(Kind::Elasticsearch7, &Options::default())).unwrap();
    let line = Line::new(broker, &server.url(), name);
    let traffic = line.traffic(rate);
    // so little that partitions are paused soon
    let mut members = [0, 1].map(|nth| line.member(Some(nth), &["--ingester.parallelism=1"]));
    let watch = Watch::start();
    members[0].start();
    watch.add(0, &members[0]);
    until("nothing is committed", || {
        (line.committed() > 0).then_some(())
    })
    .await;
    blocking(|| server.kill_hard()).unwrap();
    let full = async {
        while Metrics::of(members[0].running())
            .await
            .sum("spoor_ingester_paused_partitions")
            < 6
        {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let full = tokio::time::timeout(Duration::from_secs(60), full).await;
    full.expect("partitions are held back");
    members[1].start();
    watch.add(1, &members[1]);
    until("partitions are not shared out", || {
        watch.is_shared_out(2).then_some(())
    })
    .await;
    tokio::time::sleep(away).await;
    blocking(|| server.start_again()).unwrap();
    let tally = traffic.end().await;
    line.drained().await;
    for member in &mut members {
        member.end();
    }
    let what = "a store that was away";
    tally.check_all(what, server.client(), name).await;
}
