//! Five times as many spans as the cluster takes: as many are taken as before, the others are refused at once, and all may come again.
//!
//! The cluster is slowed down by a proxy, so that it and no processor is what is full: senders, collector and cluster share a machine here.
//! `SPOOR_SOAK=1`: two minutes.

use std::time::Duration;

use bench::{Load, Outcome, Protocol};
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, shared};

use super::collector::{Collector, Tally, balanced, peak_mib};
use crate::support::soak;

/// What a bulk takes longer than it does by itself.
const DELAY: Duration = Duration::from_millis(200);
/// Documents of a bulk, of which one is under way at a time.
const BULK: u32 = 100;

/// Spans a second that were taken within the load's time.
fn rate(tally: &Tally, load: &Load, outcome: &Outcome) -> f64 {
    let taken = outcome
        .sent
        .iter()
        .filter(|sent| sent.acknowledged && sent.at <= load.duration);
    let spans: u32 = taken
        .map(|sent| tally.epoch.spans(sent.request as usize))
        .sum();
    f64::from(spans) / load.duration.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_times_as_much_as_the_cluster_takes_is_refused_quickly_and_the_rest_is_taken() {
    let (alone, seconds) = if soak() { (20.0, 120.0) } else { (3.0, 6.0) };
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let proxy = FaultProxy::start(server.port(), 7).unwrap();
    proxy.set([Rule::new(Fault::Delay(DELAY))]);
    let collector =
        Collector::new(&proxy.url(), "overload").arg(&format!("--es.bulk.actions={BULK}"));
    let (spoor, _) = tokio::task::block_in_place(|| collector.start());
    let mut tally = Tally::new(16);

    let mut closed = collector.load(Protocol::OtlpGrpc, alone);
    // so many that some come while others wait to come again
    closed.in_flight = 128;
    closed.connections = 8;
    // the first spans wait for templates and indices
    let warm = tally.send(collector.load(Protocol::OtlpGrpc, 1.0)).await;
    tally.add(&warm);
    let outcome = tally.send(closed.clone()).await;
    tally.add(&outcome);
    let saturated = rate(&tally, &closed, &outcome);
    println!("saturated: {saturated:.0} spans/s");
    assert_eq!(outcome.for_good, 0, "{:?}", outcome.errors);

    // what it can never take more of: one that has only begun is measured too low
    let most = f64::from(BULK) / DELAY.as_secs_f64();
    let open = |protocol| Load {
        in_flight: 300,
        connections: 20,
        rate: Some(saturated.max(most) * 2.5),
        again: None,
        ..collector.load(protocol, seconds)
    };
    let loads = [Protocol::OtlpGrpc, Protocol::OtlpHttp].map(open);
    let [grpc, http] = [0, 1].map(|at| tokio::spawn(tally.send(loads[at].clone())));
    let (mut taken, mut refused) = (0.0, Vec::new());
    for (load, sending) in loads.iter().zip([grpc, http]) {
        let outcome = sending.await.unwrap();
        tally.add(&outcome);
        let ms = |quantile| outcome.refusal_us.value_at_quantile(quantile) as f64 / 1e3;
        let rate = rate(&tally, load, &outcome);
        println!(
            "{}: {rate:.0} spans/s taken, p99 {:.0} ms; {} requests refused, p50 {:.1} ms, p99 {:.1} ms, {} for good; at most {:?} behind",
            load.protocol,
            outcome.latency_us.value_at_quantile(0.99) as f64 / 1e3,
            outcome.refusal_us.len(),
            ms(0.5),
            ms(0.99),
            outcome.for_good,
            outcome.behind,
        );
        for (said, times) in &outcome.errors {
            println!("  {times} times: {said}");
        }
        assert_eq!(outcome.for_good, 0, "{:?}", outcome.errors);
        assert!(!outcome.refusal_us.is_empty(), "it was no overload");
        taken += rate;
        refused.push(ms(0.99));
    }
    println!(
        "taken under five times the load: {:.0} % of {saturated:.0} spans/s; peak {} MiB",
        100.0 * taken / saturated,
        peak_mib(&spoor)
    );
    balanced(&spoor).await;
    tally.check("overload", server.client(), "overload").await;
    assert!(taken >= 0.9 * saturated, "{taken} of {saturated}");
    // promised: 50 ms; a machine that tests share is given more
    let most = if soak() { 50.0 } else { 250.0 };
    assert!(refused.iter().all(|ms| *ms <= most), "{refused:?}");
}
