//! A cluster that is away while spans come from clients that never send again, with a spool in front of it: none is refused, whatever ends; afterwards each lies in the cluster once.
//!
//! Each request is sent once, in an open loop. While the cluster is away, Spoor is killed and started again. `SPOOR_SOAK=1`: away for 60 s, and for ten minutes.

use std::time::{Duration, Instant};

use bench::Protocol;
use tests::servers::{Kind, Options, Server};
use tests::spoor::Spoor;

use super::collector::{Collector, Metrics, Tally, balanced, peak_mib};
use crate::support::{eventually, get, soak, within};

/// Spans that arrive in a second.
const RATE: f64 = 500.0;
/// `memory.max-bytes`, in MiB.
const MEMORY_MIB: u64 = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_a_spool_a_cluster_that_is_away_refuses_nobody() {
    check_outage(Duration::from_secs(if soak() { 60 } else { 4 })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_a_spool_ten_minutes_refuse_nobody_either() {
    if soak() {
        check_outage(Duration::from_secs(600)).await;
    } else {
        println!("this takes SPOOR_SOAK=1");
    }
}

/// What is in the spool.
async fn spooled(spoor: &Spoor) -> u64 {
    Metrics::of(spoor).await.sum("spoor_spool_spans")
}

/// Ready, though the cluster is away: readiness is about whether spans are taken.
async fn check_ready(spoor: &Spoor) {
    let (ready, _, said) = get(&format!("{}/ready", spoor.url("admin"))).await;
    assert_eq!(ready, 200, "{said}");
}

/// `away`: before the cluster is started again.
async fn check_outage(away: Duration) {
    let options = Options::default();
    let started = tokio::task::block_in_place(|| Server::start(Kind::Elasticsearch7, &options));
    let mut server = started.unwrap();
    let prefix = "spool";
    let collector = Collector::new(&server.url(), prefix);
    let spool = collector.folder().join("spool");
    let collector = collector
        .arg(&format!("--memory.max-bytes={MEMORY_MIB}MiB"))
        .arg(&format!("--spool.directory={}", spool.display()));
    let start = || tokio::task::block_in_place(|| collector.start()).0;
    let mut tally = Tally::new(32);
    let load = |seconds: f64| {
        let mut load = collector.load(Protocol::OtlpGrpc, seconds);
        load.rate = Some(RATE);
        load.in_flight = 64;
        // they never come again
        load.again = None;
        load
    };

    // it goes away under load
    let spoor = start();
    let half = away.as_secs_f64() / 2.0;
    let sending = tokio::spawn(tally.send(load(1.0 + half)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    tokio::task::block_in_place(|| server.kill_hard()).unwrap();
    let killed = Instant::now();
    let first = sending.await.unwrap();
    assert!(spooled(&spoor).await > 0);
    check_ready(&spoor).await;
    balanced(&spoor).await;
    let peak = peak_mib(&spoor);
    spoor.kill();

    // it is still away at the next start, and comes back under load
    let spoor = start();
    let more = if soak() { 20.0 } else { 12.0 };
    let sending = tokio::spawn(tally.send(load(half + more)));
    tokio::time::sleep(away.saturating_sub(killed.elapsed())).await;
    check_ready(&spoor).await;
    tokio::task::block_in_place(|| server.start_again()).unwrap();
    let back = Instant::now();
    let waited = spooled(&spoor).await;
    let drained = async || {
        Metrics::of(&spoor)
            .await
            .sum("spoor_spool_drained_spans_total")
    };
    eventually("the first is drained", drained, |spans| *spans > 0).await;
    let first_after = back.elapsed();
    let begun = Instant::now();
    let before = drained().await;
    // what comes in two fifths of a second may be under way
    let left = async || spooled(&spoor).await;
    // twice the arrival is promised
    let patience = Duration::from_secs_f64(10.0 + waited as f64 / RATE);
    within(patience, "the spool is empty", left, |spans| {
        (*spans as f64) < RATE * 0.4
    })
    .await;
    let took = begun.elapsed();
    let rate = (drained().await - before) as f64 / took.as_secs_f64();
    let second = sending.await.unwrap();
    eventually("all is drained", left, |spans| *spans == 0).await;

    for (what, outcome) in [("cluster away", &first), ("and back", &second)] {
        let p99 = Duration::from_micros(outcome.latency_us.value_at_quantile(0.99));
        let p50 = Duration::from_micros(outcome.latency_us.value_at_quantile(0.5));
        println!(
            "{what}: {} requests, acknowledged after {p50:?} (p50), {p99:?} (p99); {} refused {:?}",
            outcome.sent.len(),
            outcome.refusal_us.len(),
            outcome.errors,
        );
        assert_eq!(outcome.refusal_us.len(), 0, "{:?}", outcome.errors);
        assert!(outcome.sent.iter().all(|sent| sent.acknowledged));
        // promised: 25 ms; a machine that tests share is given more
        assert!(p99 <= Duration::from_millis(if soak() { 25 } else { 500 }));
        tally.add(outcome);
    }
    println!(
        "away for {:.1} s; first drained {first_after:.2?} after it was back; {waited} spans waited and were drained with new ones at {rate:.0}/s, {:.1} times their arrival, in {took:.1?}; peak {peak} and {} MiB of {MEMORY_MIB}",
        (back - killed).as_secs_f64(),
        rate / RATE,
        peak_mib(&spoor),
    );
    tally
        .check_all("an outage with a spool", server.client(), prefix)
        .await;
    balanced(&spoor).await;
    assert!(first_after <= Duration::from_secs(6));
    // promised; on a machine that tests share it is enough that the spool empties while spans come in
    let is_fast = rate >= 2.0 * RATE || took < Duration::from_secs(2);
    assert!(is_fast || !soak(), "{rate}");
    assert!(peak_mib(&spoor).max(peak) <= MEMORY_MIB * 13 / 10);
}
