//! `kill -9` under load, again and again: what was acknowledged is there after the next start, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bench::rng::Rng;
use bench::{Epoch, Load, Profile, Protocol, Workload, sender};
use futures_util::{StreamExt as _, stream};
use tests::spoor::Spoor;

use crate::support::{get, setup, soak};

/// Asks for every trace that has acknowledged spans, and counts the spans that are missing or there twice.
async fn check(
    spoor: &Spoor,
    epoch: &Epoch,
    acknowledged: &BTreeMap<(u64, u32), u32>,
) -> (u64, u64) {
    let url = spoor.url("query-http");
    let client = reqwest::Client::new();
    let counts: Vec<(u64, u64)> = stream::iter(acknowledged)
        .map(|((round, trace), expect)| {
            let id = epoch.layout.trace_id(*round, *trace);
            let request = client
                .get(format!("{url}/api/traces/{id:032x}?raw=true"))
                .send();
            async move {
                let answer: serde_json::Value = request.await.unwrap().json().await.unwrap();
                let none = Vec::new();
                let spans = answer["data"][0]["spans"].as_array().unwrap_or(&none);
                let ids: BTreeSet<_> = spans
                    .iter()
                    .map(|s| s["spanID"].as_str().unwrap())
                    .collect();
                (
                    u64::from(*expect).saturating_sub(ids.len() as u64),
                    (spans.len() - ids.len()) as u64,
                )
            }
        })
        .buffer_unordered(8)
        .collect()
        .await;
    counts.iter().fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_under_load_lose_nothing_that_was_acknowledged() {
    let (runs, seconds, rate) = if soak() {
        (100, 2.0, 20_000.0)
    } else {
        (20, 0.4, 10_000.0)
    };
    let (_folder, setup) = setup();
    let epoch = Arc::new(Epoch::new(&Workload::new(1, Profile::Common, 20_000, 128)));
    let mut rng = Rng::new(5);
    let (mut spans, mut slowest) = (0_u64, Duration::ZERO);
    let mut last: BTreeMap<(u64, u32), u32> = BTreeMap::new();
    for run in 0..runs {
        let spoor = setup.start().unwrap();
        slowest = slowest.max(spoor.ready_after);
        assert_eq!(
            check(&spoor, &epoch, &last).await,
            (0, 0),
            "lost and doubled spans after kill {run}"
        );
        let load = Load {
            target: spoor.url("otlp-grpc"),
            protocol: Protocol::OtlpGrpc,
            duration: Duration::from_secs(30),
            in_flight: 16,
            connections: 2,
            rate: Some(rate),
            until_gone: true,
            again: None,
            requests: None,
            late: None,
        };
        let sending = tokio::spawn({
            let epoch = epoch.clone();
            async move {
                sender::send(&epoch, &load, 1_000_000 * (run + 1))
                    .await
                    .unwrap()
            }
        });
        tokio::time::sleep(Duration::from_secs_f64(seconds * (0.5 + rng.unit()))).await;
        spoor.kill();
        let outcome = sending.await.unwrap();
        last = epoch.layout.acknowledged(&outcome.sent);
        spans += last.values().map(|n| u64::from(*n)).sum::<u64>();
        assert!(
            !last.is_empty(),
            "nothing was acknowledged before kill {run}"
        );
    }
    let spoor = setup.start().unwrap();
    assert_eq!(
        check(&spoor, &epoch, &last).await,
        (0, 0),
        "lost and doubled spans after the last kill"
    );
    assert!(
        slowest < Duration::from_secs(2),
        "the slowest start took {slowest:?}"
    );
    println!(
        "{runs} kills, {spans} acknowledged spans, 0 lost, 0 doubled, slowest start {slowest:?}"
    );
    let (status, _, text) = get(&format!("{}/metrics", spoor.url("admin"))).await;
    assert_eq!(status, 200, "{text}");
}
