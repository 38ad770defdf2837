//! Two instances in one collector: what happens to the cluster of one costs the other nothing.
//!
//! What belongs to whom is told by the port: gRPC's spans are one's, HTTP's are the other's. Both clusters are slowed down, so that what is measured is what the two share in the collector and not
//! a processor that they share with their clusters and senders. `SPOOR_SOAK=1`: longer, and held to the promise of 95 %; else what is shown is that the other goes on, for what a shared machine
//! gives in two seconds says no more.

use std::time::Duration;

use bench::{Outcome, Protocol};
use serde_json::json;
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, shared};

use super::collector::{Collector, Tally};
use crate::support::soak;

/// What a bulk takes longer than it does by itself.
const DELAY: Duration = Duration::from_millis(250);

/// Both on one cluster, the first one's behind a proxy.
fn collector(troubled: &str, straight: &str) -> Collector {
    let item = |namespace: &str, url: &str| {
        json!({"namespace": namespace, "es": {
            "server-urls": url, "index-prefix": format!("neighbours-{namespace}"), "num-shards": 1, "num-replicas": 0,
        }})
    };
    let settings = json!({
        "instance": {"default": "a/jaeger", "by-listener": "otlp-grpc=a/jaeger,otlp-http=b/jaeger"},
        "instances": [item("a", troubled), item("b", straight)],
    });
    let collector = Collector::with(&[]);
    let file = collector.folder().join("neighbours.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    collector.arg(&format!("--config-file={}", file.display()))
}

fn rate(outcome: &Outcome) -> f64 {
    outcome.acknowledged_spans as f64 / outcome.elapsed.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_in_trouble_leaves_the_others_their_throughput() {
    let (seconds, expect) = if soak() { (20.0, 0.95) } else { (2.0, 0.3) };
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let proxies = [(); 2].map(|()| FaultProxy::start(server.port(), 7).unwrap());
    let slow = || Rule::new(Fault::Delay(DELAY));
    proxies.iter().for_each(|proxy| proxy.set([slow()]));
    let [proxy, straight] = &proxies;
    let collector = collector(&proxy.url(), &straight.url());
    let (_spoor, _) = tokio::task::block_in_place(|| collector.start());
    // larger requests, of which more wait
    let (mut a, mut b) = (Tally::new(128), Tally::new(16));
    for (tally, protocol) in [(&mut a, Protocol::OtlpGrpc), (&mut b, Protocol::OtlpHttp)] {
        let outcome = tally.send(collector.load(protocol, 1.0)).await;
        tally.add(&outcome);
    }
    let measure = async |b: &mut Tally| {
        let outcome = b.send(collector.load(Protocol::OtlpHttp, seconds)).await;
        b.add(&outcome);
        rate(&outcome)
    };
    let mut ratios = Vec::new();
    let mut before = measure(&mut b).await;
    for (what, fault) in [
        ("dead", Fault::CutBefore),
        ("slow", Fault::Delay(Duration::from_secs(5))),
        ("refusing", Fault::Status(429)),
    ] {
        proxy.set([Rule::new(fault).on(|_| true)]);
        let mut load = collector.load(Protocol::OtlpGrpc, seconds + 1.0);
        load.in_flight = 32;
        // what is left when it is over need not be stored
        load.again = Some(load.duration);
        let troubled = tokio::spawn(a.send(load));
        // its requests hold what they may by now
        tokio::time::sleep(Duration::from_secs(1)).await;
        let beside = measure(&mut b).await;
        proxy.set([slow()]);
        let outcome = troubled.await.unwrap();
        a.add(&outcome);
        let after = measure(&mut b).await;
        let alone = (before + after) / 2.0;
        println!(
            "one is {what} ({} of its requests refused): the other takes {beside:.0} spans/s, alone {before:.0} and {after:.0}: {:.0} %",
            outcome.refusal_us.len(),
            100.0 * beside / alone
        );
        assert!(
            !outcome.refusal_us.is_empty(),
            "{what}: it was in no trouble"
        );
        // what the machine gives differs by more than what is promised: the two bracket it
        ratios.push(beside / before.min(after));
        before = after;
    }
    let store = server.client();
    a.check("the one in trouble", store, "neighbours-a").await;
    b.check_all("the other", store, "neighbours-b").await;
    assert!(ratios.iter().all(|ratio| *ratio >= expect), "{ratios:?}");
}
