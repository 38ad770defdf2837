//! A spool in front of a store that is away, comes back, rejects; under restarts, bounds, faults and power cuts.

mod faults;
mod power_cuts;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use model::Batch;

use super::*;
use crate::disk::SimulatedDisk;
use crate::layers::fake::{batch, ids, rejected, unavailable};
use crate::port::WriteError;
use crate::tests::soak;

/// A store that can be away, and that never takes some.
#[derive(Default)]
struct Store {
    away: AtomicBool,
    /// How often each was written, by id.
    stored: Mutex<BTreeMap<u64, usize>>,
    /// In the order of writing.
    order: Mutex<Vec<u64>>,
}

/// This id is poison.
const POISON: u64 = 6_000_000;

impl Store {
    fn away() -> Arc<Self> {
        let store = Self::default();
        store.away.store(true, Ordering::Relaxed);
        Arc::new(store)
    }

    fn is_back(&self) {
        self.away.store(false, Ordering::Relaxed);
    }

    fn has(&self, id: u64) -> bool {
        self.stored.lock().contains_key(&id)
    }

    fn len(&self) -> usize {
        self.stored.lock().len()
    }
}

impl TraceWriter for Store {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            if self.away.load(Ordering::Relaxed) {
                return Err(unavailable());
            }
            let ids = ids(&batch);
            for id in ids.iter().filter(|id| **id != POISON) {
                *self.stored.lock().entry(*id).or_default() += 1;
                self.order.lock().push(*id);
            }
            match ids.iter().position(|id| *id == POISON) {
                None => Ok(()),
                Some(at) => Err(rejected([at])),
            }
        })
    }
}

/// Small, so that a test has several files.
fn config() -> Config {
    Config {
        max_bytes: 256 << 10,
        clock: Arc::new(|| 1_000_000_000),
        ..Config::in_directory("/data/spool")
    }
}

fn open_with(disk: &SimulatedDisk, config: Config) -> Spools {
    Spools::open(config, Arc::new(disk.clone())).unwrap()
}

/// All spools, with that of the default instance.
fn open(disk: &SimulatedDisk, store: &Arc<Store>) -> (Spools, Arc<dyn TraceWriter>) {
    let spools = open_with(disk, config());
    let writer = of(&spools, &Instance::default(), store);
    (spools, writer)
}

fn of(spools: &Spools, instance: &Instance, store: &Arc<Store>) -> Arc<dyn TraceWriter> {
    let mut known: BTreeSet<_> = spools.shared.spools.lock().keys().cloned().collect();
    known.insert(instance.clone());
    spools.keep_only(&known);
    spools.of(instance, store.clone())
}

fn spool(spools: &Spools) -> Arc<Spool> {
    spools.shared.spools.lock().values().next().unwrap().clone()
}

/// Waits until `done`, which has to come true.
async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < deadline, "waited for: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn shown(spools: &Spools) -> String {
    let mut registry = Registry::default();
    spools.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    text
}

fn journal_files(disk: &SimulatedDisk) -> usize {
    let files = disk.files();
    let is_journal = |path: &&PathBuf| path.extension().is_some_and(|e| e == "jnl");
    files.iter().filter(is_journal).count()
}

#[tokio::test]
async fn spans_are_acknowledged_while_the_store_is_away_and_drained_in_order_when_it_is_back() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let (spools, writer) = open(&disk, &store);
    for id in 1..=300 {
        writer.write(batch([id])).await.unwrap();
    }
    assert_eq!(store.len(), 0);
    assert_eq!(spools.health(), Ok(()));
    let text = shown(&spools);
    let owner = "namespace=\"default\",instance=\"jaeger\"";
    for line in [
        format!("spoor_spool_spans{{{owner}}} 300"),
        format!("spoor_spool_oldest_seconds{{{owner}}} 0"),
        format!("spoor_spool_drained_spans_total{{{owner}}} 0"),
        format!("spoor_spool_refused_total{{{owner}}} 0"),
    ] {
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    assert!(journal_files(&disk) > 1);
    store.is_back();
    until("all is drained", || store.len() == 300).await;
    assert_eq!(*store.order.lock(), (1..=300).collect::<Vec<_>>());
    let drained = format!("spoor_spool_drained_spans_total{{{owner}}} 300");
    until("it says so", || shown(&spools).contains(&drained)).await;
    until("files went", || journal_files(&disk) <= 1).await;
    spools.close().await;
    assert_eq!(journal_files(&disk), 0, "an empty spool leaves no journal");
    let error = writer.write(batch([9])).await.unwrap_err();
    assert!(matches!(error, WriteError::Unavailable { .. }));
}

#[tokio::test]
async fn what_is_there_at_a_start_goes_first_and_what_was_drained_does_not_come_again() {
    let (disk, store) = (SimulatedDisk::new(1), Arc::new(Store::default()));
    let (spools, writer) = open(&disk, &store);
    for id in 1..=50 {
        writer.write(batch([id])).await.unwrap();
    }
    until("drained", || store.len() == 50).await;
    store.away.store(true, Ordering::Relaxed);
    for id in 51..=100 {
        writer.write(batch([id])).await.unwrap();
    }
    spools.close().await;
    drop(spools);
    store.is_back();
    let (spools, writer) = open(&disk, &store);
    writer.write(batch([101])).await.unwrap();
    until("drained", || store.len() == 101).await;
    assert_eq!(*store.order.lock(), (1..=101).collect::<Vec<_>>());
    spools.close().await;
}

#[tokio::test]
async fn a_kill_loses_nothing() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let (_spools, writer) = open(&disk, &store);
    for id in 1..=100 {
        writer.write(batch([id])).await.unwrap();
    }
    let killed = disk.after_kill();
    let there = Arc::new(Store::default());
    let (spools, _) = open(&killed, &there);
    until("drained", || there.len() == 100).await;
    spools.close().await;
}

#[tokio::test]
async fn a_full_spool_refuses_names_the_setting_and_takes_again_once_it_drains() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let (spools, writer) = open(&disk, &store);
    let mut taken = 0;
    let error = loop {
        match writer.write(batch([taken + 1])).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    let WriteError::Throttled { reason, .. } = error else {
        panic!("{error}");
    };
    assert!(reason.contains("raise spool.max-bytes"), "{reason}");
    assert!(taken > 100, "{taken}");
    let held = spools.shared.shares.held(&Instance::default());
    assert!(held <= 256 << 10 && held > 200 << 10, "{held}");
    assert!(shown(&spools).contains("refused_total{namespace=\"default\",instance=\"jaeger\"} 1"));
    store.is_back();
    until("drained", || store.len() as u64 == taken).await;
    until("there is room", || {
        spools.shared.shares.held(&Instance::default()) < 64 << 10
    })
    .await;
    writer.write(batch([taken + 1])).await.unwrap();
    spools.close().await;
}

#[tokio::test]
async fn what_the_store_rejects_counts_and_holds_nothing_up() {
    let (disk, store) = (SimulatedDisk::new(1), Arc::new(Store::default()));
    let (spools, writer) = open(&disk, &store);
    writer.write(batch([1, POISON, 2])).await.unwrap();
    writer.write(batch([3])).await.unwrap();
    until("drained", || store.len() == 3).await;
    let rejected = "spoor_spool_rejected_spans_total{namespace=\"default\",instance=\"jaeger\"} 1";
    until("it is counted", || shown(&spools).contains(rejected)).await;
    let counts = &spool(&spools).counts;
    until("the rest too", || {
        counts.drained.load(Ordering::Relaxed) == 3
    })
    .await;
    spools.close().await;
}

#[tokio::test]
async fn an_instance_that_goes_leaves_its_spool_and_finds_it_when_it_comes_back() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let spools = open_with(&disk, config());
    let [stays, goes] = ["a/jaeger", "b/jaeger"].map(|text| Instance::parse(text).unwrap());
    let other = Store::away();
    let kept = of(&spools, &stays, &other);
    let writer = of(&spools, &goes, &store);
    let own = |id| Batch {
        instance: goes.clone(),
        ..batch([id])
    };
    writer.write(own(1)).await.unwrap();
    spools.keep_only(&BTreeSet::from([stays.clone()]));
    let error = writer.write(own(2)).await.unwrap_err();
    assert!(matches!(error, WriteError::Unavailable { .. }), "{error}");
    assert!(!shown(&spools).contains("namespace=\"b\""));
    store.is_back();
    // at once, while the one before may not have ended
    let writer = of(&spools, &goes, &store);
    writer.write(own(3)).await.unwrap();
    until("both are drained", || store.has(1) && store.has(3)).await;
    assert_eq!((store.len(), other.len()), (2, 0));
    let of_a = Batch {
        instance: stays,
        ..batch([7])
    };
    kept.write(of_a).await.unwrap();
    other.is_back();
    until("the other is drained", || other.has(7)).await;
    spools.close().await;
}

#[tokio::test]
async fn spools_of_instances_that_are_not_there_count_and_are_left() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let (spools, writer) = open(&disk, &store);
    writer.write(batch([1])).await.unwrap();
    spools.close().await;
    drop(spools);
    let spools = open_with(&disk, config());
    spools.look_for_left();
    assert!(spools.shared.shares.held(&Instance::default()) > 64);
    let writer = of(&spools, &Instance::default(), &store);
    store.is_back();
    until("drained", || store.has(1)).await;
    drop(writer);
    spools.close().await;
}

#[tokio::test]
async fn waiting_writes_share_a_sync() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let (spools, writer) = open(&disk, &store);
    writer.write(batch([1])).await.unwrap();
    let before = disk.syncs();
    let writes = (2..=200).map(|id| writer.write(batch([id])));
    let answers = join_all(writes).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(disk.syncs() - before < 100, "{}", disk.syncs() - before);
    spools.close().await;
}

#[tokio::test]
async fn one_process_has_the_folder_at_a_time() {
    let disk = SimulatedDisk::new(1);
    let spools = open_with(&disk, config());
    let error = Spools::open(config(), Arc::new(disk.clone())).err();
    assert!(matches!(error, Some(OpenError::InUse { .. })));
    drop(spools);
    open_with(&disk, config());
}
