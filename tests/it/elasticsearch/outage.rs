//! A cluster that is away while spans arrive: nothing is lost, memory stays bounded, probes tell the truth, and what waited is taken soon.
//!
//! Spans arrive at a rate, and their senders keep what was refused. `SPOOR_SOAK=1`: away for 60 s, and for ten minutes.

use std::time::{Duration, Instant};

use bench::{Outcome, Protocol};
use tests::servers::{Kind, Options, Server};
use tests::spoor::Spoor;

use super::collector::{Collector, Tally, balanced, peak_mib};
use crate::support::{get, soak};

/// Spans that arrive in a second.
const RATE: f64 = 200.0;

/// `memory.max-bytes`, in MiB.
const MEMORY_MIB: u64 = 64;

/// Alive, and not ready for this reason.
async fn check_probes(spoor: &Spoor) {
    let (alive, _, said) = get(&spoor.url("admin")).await;
    assert_eq!(alive, 200, "{said}");
    let (ready, _, said) = get(&format!("{}/ready", spoor.url("admin"))).await;
    assert_eq!(ready, 503, "{said}");
    assert!(said.contains("no spans are taken"), "{said}");
}

/// What was acknowledged over time, as (when, spans up to then).
fn acknowledged(tally: &Tally, outcome: &Outcome) -> Vec<(Duration, f64)> {
    let sent = outcome.sent.iter().filter(|sent| sent.acknowledged);
    let mut times: Vec<_> = sent
        .map(|sent| (sent.at, tally.epoch.spans(sent.request as usize)))
        .collect();
    times.sort_unstable();
    let mut sum = 0.0;
    let add = |(at, spans): (Duration, u32)| {
        sum += f64::from(spans);
        (at, sum)
    };
    times.into_iter().map(add).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_that_is_away_costs_waiting_and_nothing_else() {
    check_outage(Duration::from_secs(if soak() { 60 } else { 3 })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn so_does_one_that_is_away_for_ten_minutes() {
    if soak() {
        check_outage(Duration::from_secs(600)).await;
    } else {
        println!("this takes SPOOR_SOAK=1");
    }
}

/// `away`: before the cluster is started again.
async fn check_outage(away: Duration) {
    let options = Options::default();
    let started = tokio::task::block_in_place(|| Server::start(Kind::Elasticsearch7, &options));
    let mut server = started.unwrap();
    let collector =
        Collector::new(&server.url(), "outage").arg(&format!("--memory.max-bytes={MEMORY_MIB}MiB"));
    let (spoor, _) = tokio::task::block_in_place(|| collector.start());
    let mut tally = Tally::new(32);
    // a start of the cluster takes ten seconds more
    let seconds = away.as_secs_f64() + if soak() { 24.0 } else { 11.0 };
    println!("peak before anything came: {} MiB", peak_mib(&spoor));
    let mut load = collector.load(Protocol::OtlpGrpc, seconds);
    load.rate = Some(RATE);
    load.in_flight = 256;
    load.connections = 8;
    load.again = Some(away + Duration::from_secs(120));
    let began = Instant::now();
    let sending = tokio::spawn(tally.send(load));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let killed = began.elapsed();
    tokio::task::block_in_place(|| server.kill_hard()).unwrap();
    // whoever comes first finds it out
    tokio::time::sleep(Duration::from_secs(1)).await;
    let until = Instant::now() + away;
    while Instant::now() < until {
        check_probes(&spoor).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::task::block_in_place(|| server.start_again()).unwrap();
    let back = began.elapsed();
    let outcome = sending.await.unwrap();
    tally.add(&outcome);

    let taken = acknowledged(&tally, &outcome);
    let (first, before) = *taken
        .iter()
        .find(|(at, _)| *at > killed + Duration::from_secs(2))
        .unwrap();
    // less than a second's arrivals are pending
    let caught_up = taken
        .iter()
        .find(|(at, spans)| *at > first && *spans > RATE * (at.as_secs_f64().min(seconds) - 1.0));
    let (end, after) = *caught_up.unwrap_or(taken.last().unwrap());
    let drained = (after - before) / (end - first).as_secs_f64();
    let waited = back.as_secs_f64().min(seconds) * RATE - before;
    println!(
        "away for {:.1} s, first success {:.2} s after it was back; {waited:.0} spans waited and were taken with new ones at {drained:.0}/s, {:.1} times their arrival, in {:.1} s; peak {} MiB of {MEMORY_MIB}",
        (back - killed).as_secs_f64(),
        first.saturating_sub(back).as_secs_f64(),
        drained / RATE,
        (end - first).as_secs_f64(),
        peak_mib(&spoor),
    );
    tally
        .check_all("an outage of the cluster", server.client(), "outage")
        .await;
    balanced(&spoor).await;
    let (ready, _, said) = get(&format!("{}/ready", spoor.url("admin"))).await;
    assert_eq!(ready, 200, "{said}");
    assert!(first.saturating_sub(back) <= Duration::from_secs(6));
    assert!(caught_up.is_some(), "never caught up");
    assert!(
        drained >= 2.0 * RATE || (end - first) < Duration::from_secs(2),
        "{drained}"
    );
    assert!(peak_mib(&spoor) <= MEMORY_MIB * 13 / 10);
}
