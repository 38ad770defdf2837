//! Disks that fail or fill up, and files that were damaged.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::*;
use crate::port::ReadError;

/// Of a store that keeps its journal as it is: `sealed` has what is to be said of segments.
fn config() -> Config {
    Config {
        seals: false,
        ..super::config()
    }
}

fn open(disk: &SimulatedDisk) -> Embedded {
    open_with(disk, config())
}

async fn filled(disk: &SimulatedDisk) -> Embedded {
    let store = open(disk);
    for id in 1..=50 {
        write(&store, vec![span(1, id), span(2, id)]).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_failed_sync_ends_writing_and_not_reading() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    let before = disk.syncs();
    disk.fail("sync", 0, ErrorKind::Other);
    let error = write(&store, vec![span(1, 51)]).await.unwrap_err();
    assert!(matches!(&error, WriteError::Unavailable { reason } if reason.contains("sync")));
    // mended or not: that sync is never tried again
    disk.mend();
    for _ in 0..3 {
        let error = write(&store, vec![span(1, 52)]).await.unwrap_err();
        assert!(matches!(error, WriteError::Unavailable { .. }));
    }
    assert_eq!(disk.syncs(), before);
    assert!(store.health().unwrap_err().contains("sync"));
    assert_eq!(read(&store, [1, 2]).await.0.len(), 100);
    drop(store);
    let store = open(&disk.reboot());
    assert_eq!(store.health(), Ok(()));
    write(&store, vec![span(1, 53)]).await.unwrap();
    assert!(read(&store, [1]).await.0.len() >= 51);
}

#[tokio::test]
async fn a_failed_write_ends_writing_too() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    disk.fail("write", 0, ErrorKind::Other);
    assert!(write(&store, vec![span(1, 51)]).await.is_err());
    disk.mend();
    assert!(write(&store, vec![span(1, 52)]).await.is_err());
    assert!(store.health().is_err());
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_takes_them_again_by_itself() {
    let disk = SimulatedDisk::new(1);
    let store = open(&disk);
    disk.limit_room(20_000);
    let mut kept = 0;
    let error = loop {
        match write(&store, vec![span(1, kept + 1)]).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&error, WriteError::Throttled { reason, .. } if reason.contains("embedded.max-bytes")),
        "{error}"
    );
    assert!(store.health().is_err());
    assert!(kept > 20);
    assert_eq!(read(&store, [1]).await.0.len() as u64, kept);
    disk.mend();
    write(&store, vec![span(1, kept + 1)]).await.unwrap();
    assert_eq!(store.health(), Ok(()));
    drop(store);
    let store = open(&disk.reboot());
    assert_eq!(read(&store, [1]).await.0.len() as u64, kept + 1);
}

#[tokio::test]
async fn a_store_that_nobody_writes_to_finds_out_by_itself_that_there_is_room() {
    let disk = SimulatedDisk::new(1);
    let store = open(&disk);
    disk.limit_room(1000);
    let large = (1..=50).map(|id| span(1, id)).collect();
    assert!(write(&store, large).await.is_err());
    assert!(store.health().is_err());
    disk.mend();
    until("writes taken again", || store.health().is_ok()).await;
}

#[tokio::test]
async fn a_full_disk_does_not_stop_a_start() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    disk.limit_room(0);
    let store = open(&disk);
    assert_eq!(read(&store, [1, 2]).await.0.len(), 100);
    assert!(write(&store, vec![span(3, 1)]).await.is_err());
    disk.mend();
    write(&store, vec![span(3, 1)]).await.unwrap();
}

#[tokio::test]
async fn a_read_that_fails_makes_the_answer_partial() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    disk.fail("read", 3, ErrorKind::Other);
    let (spans, completeness) = read(&store, [1]).await;
    assert!(spans.len() < 50);
    assert!(matches!(completeness, Completeness::Partial { reason } if reason.contains(".jnl")));
    assert!(store.metrics.damaged.get() > 0);
}

fn journal_files(disk: &SimulatedDisk) -> Vec<PathBuf> {
    let mut files = disk.files();
    files.retain(|f| f.extension().is_some_and(|e| e == "jnl"));
    files
}

#[tokio::test]
async fn damage_in_the_middle_is_set_aside_and_counted_and_the_rest_is_served() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let disk = disk.reboot();
    let file = journal_files(&disk)[0].clone();
    let mut bytes = disk.bytes(&file).unwrap();
    bytes[200] ^= 0x10;
    disk.overwrite(&file, &bytes);
    let store = open(&disk);
    assert_eq!(store.metrics.damaged.get(), 1);
    assert_eq!(read(&store, [1, 2]).await.0.len(), 98);
}

#[tokio::test]
async fn damage_in_the_last_write_of_a_closed_store_is_not_taken_for_a_torn_one() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    store.close().await;
    drop(store);
    let file = journal_files(&disk).pop().unwrap();
    let mut bytes = disk.bytes(&file).unwrap();
    // behind the last record stands the mark, 48 bytes
    let at = bytes.len() - 60;
    bytes[at] ^= 1;
    disk.overwrite(&file, &bytes);
    let store = open(&disk);
    assert_eq!(store.metrics.damaged.get(), 1);
    assert_eq!(read(&store, [1, 2]).await.0.len(), 98);
}

#[tokio::test]
async fn no_flipped_bit_stops_a_start_or_costs_more_than_its_record() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let disk = disk.reboot();
    let files = disk.files();
    let mut state = 99_u64;
    for _ in 0..200 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let file = &files[(state >> 33) as usize % files.len()];
        let original = disk.bytes(file).unwrap();
        if original.is_empty() {
            continue;
        }
        let mut bytes = original.clone();
        let bit = (state >> 20) as usize % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        // each on a copy: a start may cut and rewrite
        let copy = disk.reboot();
        copy.overwrite(file, &bytes);
        let store = open(&copy);
        let (spans, _) = read(&store, [1, 2]).await;
        assert!(spans.len() >= 98, "{} bit {bit}", file.display());
    }
}

#[tokio::test]
async fn an_empty_file_and_strange_names_do_not_stop_a_start() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let folder = PathBuf::from("/data/journal");
    disk.overwrite(&folder.join("0000000900.jnl"), &[]);
    disk.overwrite(&folder.join("notes.txt"), b"hello");
    disk.overwrite(&folder.join("0000000901.jnl"), &[0xff; 5000]);
    let store = open(&disk);
    assert_eq!(read(&store, [1, 2]).await.0.len(), 100);
    write(&store, vec![span(3, 1)]).await.unwrap();
}

#[tokio::test]
async fn a_search_whose_caller_went_away_is_cancelled() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    let cx = ReadContext::default();
    cx.cancelled.cancel();
    let query = TraceQuery {
        limit: 10,
        start_max_ns: u64::MAX,
        ..TraceQuery::default()
    };
    let reader = store.reader(&Instance::default());
    let error = reader.find_trace_ids(&cx, &query).await.unwrap_err();
    assert!(matches!(error, ReadError::Cancelled(_)));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_does_not_stop_a_start_and_stays() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let files = journal_files(&disk);
    // after the format and the newest files
    disk.fail("read", 4, ErrorKind::Other);
    let store = open(&disk);
    let damaged = store.metrics.damaged.get();
    assert!(damaged > 0 && damaged < files.len() as u64, "{damaged}");
    disk.mend();
    let found = read(&store, [1, 2]).await.0.len();
    assert!(found > 0 && found < 100, "{found}");
    write(&store, vec![span(3, 1)]).await.unwrap();
    drop(store);
    assert!(journal_files(&disk).starts_with(&files));
    let store = open(&disk);
    assert_eq!(store.metrics.damaged.get(), 0);
    assert_eq!(read(&store, [1, 2, 3]).await.0.len(), 101);
}

#[tokio::test]
async fn what_is_no_file_under_a_files_name_does_not_stop_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        directory: folder.path().to_owned(),
        ..config()
    };
    let open = || Embedded::open(config.clone(), Arc::new(crate::disk::RealDisk)).unwrap();
    let store = open();
    write(&store, vec![span(1, 1)]).await.unwrap();
    drop(store);
    let journal = folder.path().join("journal");
    std::fs::create_dir(journal.join("0000000000007.jnl")).unwrap();
    std::fs::create_dir(journal.join("0000000008.jnl")).unwrap();
    std::os::unix::fs::symlink("nowhere", journal.join("0000000009.jnl")).unwrap();
    let store = open();
    assert_eq!(store.metrics.damaged.get(), 3);
    assert_eq!(read(&store, [1]).await.0, [span(1, 1)]);
    write(&store, vec![span(2, 1)]).await.unwrap();
    assert!(journal.join("0000000010.jnl").exists());
    assert!(journal.join("0000000009.jnl").is_symlink());
    drop(store);
    assert_eq!(read(&open(), [1, 2]).await.0.len(), 2);
}

#[tokio::test]
async fn a_tail_that_cannot_be_synced_does_not_stop_a_start() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    disk.fail("sync", 0, ErrorKind::Other);
    let store = open(&disk);
    assert_eq!(store.metrics.damaged.get(), 1);
    assert_eq!(read(&store, [1, 2]).await.0.len(), 100);
    // a disk that is still broken shows at the first write
    assert!(write(&store, vec![span(3, 1)]).await.is_err());
}

#[tokio::test]
async fn a_disk_that_stalls_shows_in_health_until_it_goes_on() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    let in_time = |seconds| Instant::now() + Duration::from_secs(seconds);
    disk.stall_syncs();
    let pending = write(&store, vec![span(3, 1)]);
    let watch = async {
        until("an append that goes on", || {
            store.status.health_at(in_time(3600)).is_err()
        })
        .await;
        assert_eq!(store.status.health_at(in_time(1)), Ok(()));
        let reason = store.status.health_at(in_time(70)).unwrap_err();
        assert!(reason.contains("/data/journal"), "{reason}");
        assert!(reason.contains("for 7"), "{reason}");
        disk.mend();
    };
    let (written, ()) = futures_util::future::join(pending, watch).await;
    written.unwrap();
    assert_eq!(store.status.health_at(in_time(3600)), Ok(()));
}

#[tokio::test]
async fn the_newest_file_is_removed_only_when_it_was_never_begun() {
    for (bytes, stays) in [
        (vec![], false),
        (vec![0; 64], false),
        (vec![0; 9000], false),
        (vec![7; 64], true),
        (vec![7; 30], true),
        ([vec![7; 64], vec![0; 3000]].concat(), true),
        ([vec![0; 64], vec![9; 3000]].concat(), true),
    ] {
        let disk = SimulatedDisk::new(1);
        drop(filled(&disk).await);
        let file = PathBuf::from("/data/journal/0000000900.jnl");
        disk.overwrite(&file, &bytes);
        for _ in 0..2 {
            let store = open(&disk);
            assert_eq!(read(&store, [1, 2]).await.0.len(), 100);
            assert_eq!(store.metrics.damaged.get(), u64::from(stays));
            write(&store, vec![span(3, 1)]).await.unwrap();
            assert_eq!(disk.bytes(&file), stays.then(|| bytes.clone()));
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn files_made_long_by_holes_cost_a_start_no_time_and_no_spans() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        directory: folder.path().to_owned(),
        ..config()
    };
    let open = || Embedded::open(config.clone(), Arc::new(crate::disk::RealDisk)).unwrap();
    let store = open();
    for id in 1..=100 {
        write(&store, vec![span(1, id)]).await.unwrap();
    }
    drop(store);
    let files = || std::fs::read_dir(folder.path().join("journal")).unwrap();
    assert!(files().count() > 2);
    for file in files() {
        let file = std::fs::File::options()
            .write(true)
            .open(file.unwrap().path());
        // together more than the files may take
        file.unwrap().set_len(30 << 30).unwrap();
    }
    let started = Instant::now();
    let store = open();
    // reading them would take minutes
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(read(&store, [1]).await.0.len(), 100);
    assert_eq!(store.metrics.damaged.get(), 0);
    assert!(files().all(|f| f.unwrap().metadata().unwrap().len() < 10_000));
}
