//! Two collectors on one cluster, ended by SIGTERM and started again one after the other under load, as a deployment that rolls does.
//!
//! The cluster takes half a second for a bulk, so that there is always something under way. `SPOOR_SOAK=1`: ten rounds, by both protocols.

use std::time::{Duration, Instant};

use bench::Protocol;
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, shared};

use super::collector::{Collector, Tally};
use crate::support::soak;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rolling_restart_under_load_loses_and_doubles_nothing() {
    let rounds: u32 = if soak() { 10 } else { 1 };
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let proxy = FaultProxy::start(server.port(), 7).unwrap();
    proxy.set([Rule::new(Fault::Delay(Duration::from_millis(500)))]);
    let collectors = [(); 2].map(|()| Collector::new(&proxy.url(), "restarts"));
    let mut running: Vec<_> = collectors
        .iter()
        .map(|collector| Some(tokio::task::block_in_place(|| collector.start()).0))
        .collect();
    let mut tally = Tally::new(32);
    let seconds = f64::from(rounds) * 5.0;
    let mut sending = Vec::new();
    for collector in &collectors {
        for protocol in [Protocol::OtlpGrpc, Protocol::OtlpHttp] {
            sending.push(tokio::spawn(tally.send(collector.load(protocol, seconds))));
        }
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        for (collector, running) in collectors.iter().zip(&mut running) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let began = Instant::now();
            let spoor = running.take().unwrap();
            let code = tokio::task::block_in_place(|| spoor.terminate()).unwrap();
            assert_eq!(code, Some(0));
            slowest = slowest.max(began.elapsed());
            *running = Some(tokio::task::block_in_place(|| collector.start()).0);
        }
    }
    for sending in sending {
        let outcome = sending.await.unwrap();
        assert_eq!(outcome.for_good, 0, "{:?}", outcome.errors);
        tally.add(&outcome);
    }
    println!(
        "{} ends by SIGTERM, the slowest after {slowest:?}",
        rounds * 2
    );
    tally
        .check_all("rolling restarts", server.client(), "restarts")
        .await;
    assert!(slowest <= Duration::from_secs(25), "{slowest:?}");
}
