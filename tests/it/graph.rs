//! The graph of calls against brute force: traces of a known topology, shuffled, some late, some sent twice, while the store's processes are killed.
//!
//! The brute force stands here and shares nothing with Spoor: a span of one service whose parent is of another is a call, a client's span that names what it calls and has no child calls that.

mod topology;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bench::rng::Rng;
use tests::spoor::Spoor;

use crate::support::{get_json, setup, soak};

pub(crate) use topology::{Link, Links, Made, Topology, links_of};

/// Spans of a request.
const BATCH: usize = 400;

/// Sends every batch of spans to one of these addresses, at random, until it is acknowledged; some twice.
pub(crate) async fn send(to: &[String], spans: &[&Made], rng: &mut Rng) {
    let client = reqwest::Client::new();
    for batch in spans.chunks(BATCH) {
        let twice = rng.below(20) == 0;
        for _ in 0..=u8::from(twice) {
            let until = Instant::now() + Duration::from_secs(60);
            loop {
                let url = &to[rng.below(to.len() as u64) as usize];
                let sent = client.post(format!("{url}/v1/traces"));
                let sent = sent.json(&topology::request(batch)).send().await;
                if sent.is_ok_and(|answer| answer.status() == 200) {
                    break;
                }
                assert!(Instant::now() < until, "nobody takes spans");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// What the API says of these hours.
async fn told(spoor: &Spoor, topology: &Topology) -> Links {
    let (start, end) = topology.period_ms();
    let url = format!(
        "{}/api/dependencies?endTs={end}&lookback={}&details=true",
        spoor.url("query-http"),
        end - start
    );
    let answer = get_json(&url).await;
    let links = answer["data"].as_array().unwrap().iter().map(|link| {
        let text = |field: &str| link[field].as_str().unwrap().to_owned();
        let number = |field: &str| link[field].as_u64().unwrap();
        let told = Link {
            calls: number("callCount"),
            errors: number("errorCount"),
            // as exact as a mean is
            sum_us: link["duration"]["mean"].as_u64().unwrap(),
        };
        ((text("parent"), text("child"), text("kind")), told)
    });
    links.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_counts_as_brute_force_does_through_kills() {
    let (traces, kills) = if soak() { (200_000, 20) } else { (600, 3) };
    let (_folder, setup) = setup();
    // small, so that traces lie in several segments and in the journal
    let setup = setup.arg("--embedded.max-age=0s");
    let mut rng = Rng::new(17);
    let topology = Topology::new(traces, &mut rng);
    let spans = topology.spans(&mut rng);
    let parts: Vec<_> = spans.chunks(spans.len() / (kills + 1) + 1).collect();
    let mut spoor = setup.start().unwrap();
    for (nth, part) in parts.iter().enumerate() {
        send(&[spoor.url("otlp-http")], part, &mut rng).await;
        if nth < kills {
            spoor.kill();
            spoor = setup.start().unwrap();
        }
    }
    let mut expect = links_of(&topology);
    for link in expect.values_mut() {
        link.sum_us /= link.calls;
    }
    let told = told(&spoor, &topology).await;
    compare(&told, &expect);
    let kinds: BTreeSet<&str> = expect.keys().map(|key| key.2.as_str()).collect();
    assert_eq!(kinds.len(), 5, "{kinds:?}");
    println!(
        "{} links, {} spans, {kills} kills",
        expect.len(),
        spans.len()
    );
}

/// Every link equals, and no other is there.
pub(crate) fn compare(told: &Links, expect: &Links) {
    let differ: BTreeMap<_, _> = expect
        .keys()
        .chain(told.keys())
        .filter(|key| told.get(*key) != expect.get(*key))
        .map(|key| (key, (told.get(key), expect.get(key))))
        .collect();
    assert!(differ.is_empty(), "told and expected: {differ:#?}");
}
