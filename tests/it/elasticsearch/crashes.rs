//! `kill -9` of the collector under load, at random: what was acknowledged lies in the cluster, once.
//!
//! Senders come again with what got no answer, so that much is sent twice that was stored already. `SPOOR_SOAK=1`: 200 times.

use std::time::Duration;

use bench::Protocol;
use bench::rng::Rng;
use tests::servers::{Kind, shared};

use super::collector::{Collector, Tally};
use crate::support::{get, soak};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kills_of_the_collector_under_load_lose_and_double_nothing() {
    let (kills, seconds) = if soak() { (200, 1.5) } else { (5, 0.6) };
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let collector = Collector::new(&server.url(), "crashes");
    let start = || tokio::task::block_in_place(|| collector.start());
    let mut tally = Tally::new(32);
    let mut rng = Rng::new(11);
    let (mut open, mut ready) = (Vec::new(), Vec::new());
    let (mut spoor, _) = start();
    for kill in 0..kills {
        let before = tally.send(collector.load(Protocol::OtlpGrpc, seconds));
        let sending = tokio::spawn(before);
        tokio::time::sleep(Duration::from_secs_f64(seconds * (0.1 + 0.8 * rng.unit()))).await;
        spoor.kill();
        let open_after;
        (spoor, open_after) = start();
        open.push(open_after);
        ready.push(spoor.ready_after);
        let (status, _, said) = get(&format!("{}/ready", spoor.url("admin"))).await;
        assert_eq!(status, 200, "after kill {kill}: {said}");
        tally.add(&sending.await.unwrap());
    }
    open.sort();
    ready.sort();
    println!(
        "{kills} starts: port open after {:?}, slowest {:?}; ready after {:?}, slowest {:?}",
        open[kills / 2],
        open[kills - 1],
        ready[kills / 2],
        ready[kills - 1],
    );
    let what = format!("{kills} kills under load");
    tally.check_all(&what, server.client(), "crashes").await;
    // promised: 1 s and 2 s; a machine that tests share is given more
    assert!(open[kills / 2] < Duration::from_secs(1), "{open:?}");
    assert!(open[kills - 1] < Duration::from_secs(3), "{open:?}");
    assert!(ready[kills / 2] < Duration::from_secs(2), "{ready:?}");
    assert!(ready[kills - 1] < Duration::from_secs(5), "{ready:?}");
}
