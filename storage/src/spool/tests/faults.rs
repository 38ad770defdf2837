//! A disk that fails, is full, or has damaged bytes.

use super::*;

#[tokio::test]
async fn a_failed_sync_ends_writing_and_what_is_there_is_drained() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let (spools, writer) = open(&disk, &store);
    writer.write(batch([1])).await.unwrap();
    disk.fail("sync", 0, io::ErrorKind::Other);
    let error = writer.write(batch([2])).await.unwrap_err();
    assert!(
        matches!(&error, WriteError::Unavailable { reason } if reason.contains("spool.directory"))
    );
    disk.mend();
    // nothing is known of the file any more
    assert_eq!(writer.write(batch([3])).await, Err(error));
    assert!(spools.health().is_err());
    store.is_back();
    until("drained", || store.has(1)).await;
    assert!(!store.has(3));
    spools.close().await;
}

#[tokio::test]
async fn a_full_disk_refuses_and_takes_again_by_itself() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let (spools, writer) = open(&disk, &store);
    writer.write(batch([1])).await.unwrap();
    disk.limit_room(1);
    let error = loop {
        if let Err(error) = writer.write(batch(2..200)).await {
            break error;
        }
    };
    assert!(
        matches!(&error, WriteError::Throttled { reason, .. } if reason.contains("make room on the disk")),
        "{error}"
    );
    assert!(spools.health().is_err());
    disk.mend();
    until("it is well by itself", || spools.health().is_ok()).await;
    writer.write(batch([500])).await.unwrap();
    store.is_back();
    until("drained", || store.has(500)).await;
    spools.close().await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_opened_is_tried_again() {
    let (disk, store) = (SimulatedDisk::new(1), Arc::new(Store::default()));
    let spools = open_with(&disk, config());
    disk.fail("sync_folder", 0, io::ErrorKind::PermissionDenied);
    let writer = of(&spools, &Instance::default(), &store);
    until("it is told", || spools.health().is_err()).await;
    disk.mend();
    until("it is open", || spools.health().is_ok()).await;
    writer.write(batch([1])).await.unwrap();
    until("drained", || store.has(1)).await;
    spools.close().await;
}

#[tokio::test]
async fn a_damaged_record_costs_itself_and_its_file_is_set_aside() {
    let (disk, store) = (SimulatedDisk::new(1), Store::away());
    let (spools, writer) = open(&disk, &store);
    for id in 1..=20 {
        writer.write(batch([id])).await.unwrap();
    }
    spools.close().await;
    drop(spools);
    let file = disk
        .files()
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "jnl"));
    let file = file.unwrap();
    let mut bytes = disk.bytes(&file).unwrap();
    // in the payload of the first record
    bytes[64 + 48 + 4] ^= 1;
    disk.overwrite(&file, &bytes);
    store.is_back();
    let (spools, _writer) = open(&disk, &store);
    until("the others are drained", || store.len() == 19).await;
    assert!(!store.has(1));
    assert!(!shown(&spools).contains(
        "spoor_spool_damaged_records_total{namespace=\"default\",instance=\"jaeger\"} 0"
    ));
    until("it is set aside", || {
        disk.files()
            .iter()
            .any(|p| p.extension().is_some_and(|e| e == "damaged"))
    })
    .await;
    spools.close().await;
}

/// A spool with files that hold 1 to 300, closed.
async fn filled(disk: &SimulatedDisk) {
    let (spools, writer) = open(disk, &Store::away());
    for id in 1..=300 {
        writer.write(batch([id])).await.unwrap();
    }
    spools.close().await;
    assert!(journal_files(disk) > 1);
}

#[tokio::test]
async fn files_that_cannot_be_opened_for_a_while_are_not_passed_over() {
    let (disk, store) = (SimulatedDisk::new(1), Arc::new(Store::default()));
    filled(&disk).await;
    disk.fail("open", 1, io::ErrorKind::PermissionDenied);
    let (spools, writer) = open(&disk, &store);
    until("it is told", || spools.health().is_err()).await;
    disk.mend();
    writer.write(batch([301])).await.unwrap();
    until("all is drained", || store.len() == 301).await;
    assert_eq!(*store.order.lock(), (1..=301).collect::<Vec<_>>());
    spools.close().await;
}

#[tokio::test]
async fn a_file_that_a_broken_disk_does_not_open_is_set_aside_and_never_removed() {
    let (disk, store) = (SimulatedDisk::new(1), Arc::new(Store::default()));
    filled(&disk).await;
    let files = journal_files(&disk);
    disk.fail("open", 1, io::ErrorKind::Other);
    let (spools, writer) = open(&disk, &store);
    until("it is read", || {
        spools.health().is_ok() && spool(&spools).log().is_some()
    })
    .await;
    disk.mend();
    writer.write(batch([301])).await.unwrap();
    until("the rest is drained", || store.has(301)).await;
    spools.close().await;
    drop(spools);
    let (spools, _writer) = open(&disk, &store);
    until("it is read again", || spool(&spools).log().is_some()).await;
    spools.close().await;
    let aside = disk.files();
    let aside = aside
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "damaged"));
    assert_eq!(aside.count(), files);
}
