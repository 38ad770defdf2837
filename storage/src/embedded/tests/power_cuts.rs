//! Power cuts under concurrent writers: nothing acknowledged is lost, nothing comes twice, and it always starts. The same cuts lose spans
//! when syncs are removed, so the test would notice.

use std::collections::HashSet;

use futures_util::future::join_all;
use parking_lot::Mutex;

use super::*;

const WRITERS: u64 = 4;

struct Outcome {
    acknowledged: usize,
    lost: usize,
}

/// Writes until the power goes; starts again, with more cuts while it starts; compares.
async fn cut(seed: u64, lying: bool) -> Outcome {
    let disk = SimulatedDisk::new(seed);
    // some seal after each write, so that the power goes while they do
    let config = || match seed % 3 {
        0 => config(),
        1 => Config {
            index_bytes: 1,
            ..config()
        },
        _ => Config {
            index_bytes: 1,
            clock: Arc::new(|| 40 * crate::port::HOUR_NS),
            ..config()
        },
    };
    let open = |disk: &SimulatedDisk| open_with(disk, config());
    let store = open(&disk);
    if lying {
        disk.ignore_syncs();
    }
    disk.lose_power_after(1 + seed * 7 % 601);
    let acknowledged = Mutex::new(Vec::new());
    join_all((1..=WRITERS).map(|writer| {
        let (store, acknowledged) = (&store, &acknowledged);
        async move {
            for nth in 0..40 {
                let count = 1 + (writer + nth + seed) % 5;
                let spans: Vec<_> = (0..count).map(|n| span(writer, nth * 10 + n)).collect();
                if write(store, spans.clone()).await.is_err() {
                    break;
                }
                acknowledged.lock().extend(spans);
            }
        }
    }))
    .await;
    drop(store);
    let mut disk = disk.reboot();
    // the power goes again while it starts
    for cuts in 0..seed % 3 {
        disk.lose_power_after(1 + (seed + cuts) % 13);
        drop(Embedded::open(config(), Arc::new(disk.clone())));
        disk = disk.reboot();
    }
    let store = open(&disk);
    let (found, completeness) = read(&store, 1..=WRITERS).await;
    assert_eq!(completeness, Completeness::Complete, "seed {seed}");
    let ids: HashSet<_> = found.iter().map(|s| (s.trace_id, s.span_id)).collect();
    assert_eq!(ids.len(), found.len(), "seed {seed}: a span came twice");
    let totals = store.shared.head.totals();
    // a lost sync may bring back a file whose spans are sealed
    let once = totals.spans == found.len() as u64;
    assert!(once || lying, "seed {seed}: stored twice");
    // it goes on
    write(&store, vec![span(99, 1)]).await.unwrap();
    assert_eq!(read(&store, [99]).await.0, [span(99, 1)]);
    let acknowledged = acknowledged.into_inner();
    let by_id: std::collections::HashMap<_, _> =
        found.iter().map(|s| ((s.trace_id, s.span_id), s)).collect();
    let lost = acknowledged
        .iter()
        .filter(|s| by_id.get(&(s.trace_id, s.span_id)) != Some(s));
    Outcome {
        lost: lost.count(),
        acknowledged: acknowledged.len(),
    }
}

/// 200 cuts, or 10,000 with `SPOOR_SOAK=1`.
fn seeds() -> std::ops::Range<u64> {
    if soak() { 0..10_000 } else { 0..200 }
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
    for seed in 0..50 {
        lost += cut(seed, true).await.lost;
    }
    assert!(lost > 100, "{lost}");
}
