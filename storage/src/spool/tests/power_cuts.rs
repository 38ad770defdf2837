//! Power cuts under concurrent writers, while the store is away and while it takes spans: nothing acknowledged is lost, and it always starts. The same cuts lose spans when syncs are removed.

use super::*;

const WRITERS: u64 = 4;

struct Outcome {
    acknowledged: usize,
    lost: usize,
}

/// Writes until the power goes; starts again, with more cuts while it starts and drains; compares with what the store has in the end.
async fn cut(seed: u64, lying: bool) -> Outcome {
    let disk = SimulatedDisk::new(seed);
    let store = Store::away();
    if seed % 2 == 1 && !lying {
        store.is_back();
    }
    let (spools, writer) = open(&disk, &store);
    // opened, so that the cut comes while spans do
    writer.write(batch([1_000_000])).await.unwrap();
    if lying {
        disk.ignore_syncs();
    }
    disk.lose_power_after(1 + seed * 7 % 401);
    let acknowledged = Mutex::new(Vec::new());
    join_all((1..=WRITERS).map(|nth| {
        let (writer, acknowledged) = (&writer, &acknowledged);
        async move {
            for round in 0..60 {
                let first = nth * 10_000 + round * 10;
                let count = 1 + (nth + round + seed) % 5;
                let spans = first..first + count;
                if writer.write(batch(spans.clone())).await.is_err() {
                    break;
                }
                acknowledged.lock().extend(spans);
            }
        }
    }))
    .await;
    // as the process would go
    spool(&spools).close();
    let mut disk = disk.reboot();
    drop((spools, writer));
    for cuts in 0..seed % 3 {
        disk.lose_power_after(1 + (seed + cuts) % 23);
        if let Ok(spools) = Spools::open(config(), Arc::new(disk.clone())) {
            drop(of(&spools, &Instance::default(), &store));
            tokio::time::sleep(Duration::from_millis(1)).await;
            spool(&spools).close();
        }
        disk = disk.reboot();
    }
    store.is_back();
    let (spools, writer) = open(&disk, &store);
    // it goes on, and what was there goes first
    let last = 999_999;
    writer.write(batch([last])).await.unwrap();
    until("drained", || store.has(last)).await;
    spools.close().await;
    let acknowledged = acknowledged.into_inner();
    let lost = acknowledged.iter().filter(|id| !store.has(**id));
    Outcome {
        lost: lost.count(),
        acknowledged: acknowledged.len(),
    }
}

/// 200 cuts, or 5,000 with `SPOOR_SOAK=1`.
fn seeds() -> std::ops::Range<u64> {
    if soak() { 0..5_000 } else { 0..200 }
}

#[tokio::test]
async fn no_power_cut_loses_what_was_acknowledged() {
    let mut acknowledged = 0;
    for seed in seeds() {
        let outcome = cut(seed, false).await;
        assert_eq!(outcome.lost, 0, "seed {seed}");
        acknowledged += outcome.acknowledged;
    }
    println!(
        "{} power cuts, {acknowledged} spans acknowledged, 0 lost",
        seeds().end
    );
    assert!(acknowledged > 1000);
}

#[tokio::test]
async fn the_same_cuts_lose_spans_when_syncs_are_removed() {
    let mut lost = 0;
    for seed in 0..40 {
        lost += cut(seed, true).await.lost;
    }
    assert!(lost > 100, "{lost}");
}
