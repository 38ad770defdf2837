//! A store as it is seen from outside: what is in it, whether it is whole, its traces; beside a running store and without one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::embedded::inspect::{Damage, Inspection, Selection, Traces, Verified, verify};

/// Three segments and a part of the journal: trace 1 in all of them, the others in one each; one span twice.
async fn filled(disk: &SimulatedDisk) -> Embedded {
    let store = open_with(disk, sealing());
    for id in 1..=3 {
        write(&store, vec![span(1, id), span(10 + id, 100 + id)])
            .await
            .unwrap();
    }
    settled(&store).await;
    store.close().await;
    let store = open(disk);
    write(&store, vec![span(1, 4), span(1, 1), span(14, 104)])
        .await
        .unwrap();
    store
}

/// The first file whose name ends like this.
fn file(disk: &SimulatedDisk, end: &str) -> PathBuf {
    let mut files = disk.files().into_iter();
    let found = files.find(|f| f.to_string_lossy().ends_with(end));
    found.unwrap()
}

fn inspect(disk: &SimulatedDisk) -> Inspection {
    Inspection::open(Path::new("/data"), Arc::new(disk.clone())).unwrap()
}

fn verified(disk: &SimulatedDisk) -> Verified {
    verify(Path::new("/data"), Arc::new(disk.clone()), &mut |_| {}).unwrap()
}

fn contents(disk: &SimulatedDisk) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = disk.files().into_iter();
    files
        .map(|file| (file.clone(), disk.bytes(&file).unwrap()))
        .collect()
}

/// All traces, each by its spans' ids; a trace that comes twice fails.
fn all(traces: &mut Traces, at_most: usize) -> BTreeMap<u64, Vec<u64>> {
    let mut found = BTreeMap::new();
    let mut part: Vec<u64> = Vec::new();
    while let Some(chunk) = traces.next_chunk(at_most) {
        let trace = chunk.spans[0].trace_id.low();
        assert!(chunk.spans.iter().all(|s| s.trace_id.low() == trace));
        part.extend(chunk.spans.iter().map(|s| s.span_id.to_u64()));
        if !chunk.has_more {
            assert_eq!(found.insert(trace, std::mem::take(&mut part)), None);
        }
    }
    assert_eq!(traces.damage(), []);
    assert_eq!(traces.passed_rows(), traces.rows());
    found
}

fn selected(disk: &SimulatedDisk, selection: Selection) -> Vec<u64> {
    let mut traces = inspect(disk).traces(&Instance::default(), selection);
    all(&mut traces, 100).into_keys().collect()
}

#[tokio::test]
async fn every_trace_comes_once_and_whole_and_no_file_is_touched() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    for closed in [false, true] {
        if closed {
            store.close().await;
        }
        let before = contents(&disk);
        let inspection = inspect(&disk);
        assert_eq!(inspection.damage(), []);
        assert_eq!(inspection.instances(), [Instance::default()]);
        for at_most in [1, 2, 100] {
            let mut traces = inspection.traces(&Instance::default(), Selection::default());
            let expect: BTreeMap<u64, Vec<u64>> = [
                (1, vec![1, 2, 3, 4]),
                (11, vec![101]),
                (12, vec![102]),
                (13, vec![103]),
                (14, vec![104]),
            ]
            .into();
            assert_eq!(all(&mut traces, at_most), expect);
        }
        let found = verified(&disk);
        assert_eq!((found.damage.as_slice(), found.spans), (&[] as &[_], 9));
        assert_eq!(contents(&disk), before);
    }
}

#[tokio::test]
async fn the_report_counts_what_is_there() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    let report = inspect(&disk).report();
    assert_eq!((report.format, report.has_manifest), (Some(1), true));
    let [instance] = report.instances.as_slice() else {
        panic!("{:?}", report.instances);
    };
    assert_eq!((instance.spans, instance.sealed_spans), (9, 6));
    assert_eq!(instance.starts, Some((1000, 104_000)));
    let segments: Vec<_> = report
        .segments
        .iter()
        .map(|s| (s.spans, s.traces))
        .collect();
    assert_eq!(segments, [(2, 2); 3]);
    assert!(report.segments.iter().all(|s| s.bytes > 0 && s.day == 0));
    let [generation] = report.generations.as_slice() else {
        panic!("{:?}", report.generations);
    };
    assert_eq!((generation.spans, generation.traces), (3, 2));
    assert_eq!(generation.starts, Some((1000, 104_000)));
    drop(store);
}

#[tokio::test]
async fn a_selection_takes_whole_traces_by_one_of_their_spans() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    let mut other = span(2, 9);
    other.resource = Arc::new(Resource::of_service("till"));
    write(&store, vec![other, span(2, 8)]).await.unwrap();
    let service = |name: &str| Selection {
        service: Some(name.to_owned()),
        ..Selection::default()
    };
    assert_eq!(selected(&disk, service("till")), [2]);
    assert_eq!(selected(&disk, service("cart")), [1, 2, 11, 12, 13, 14]);
    assert_eq!(selected(&disk, service("no such")), [0_u64; 0]);
    let between = |start_ns, end_ns| Selection {
        start_ns: Some(start_ns),
        end_ns: Some(end_ns),
        ..Selection::default()
    };
    assert_eq!(selected(&disk, between(102_000, 104_000)), [12, 13]);
    // its first span is outside, the one that is inside stands in the last file
    assert_eq!(selected(&disk, between(4_000, 5_000)), [1]);
    assert_eq!(selected(&disk, between(0, 1_000)), [0_u64; 0]);
    let both = Selection {
        service: Some("till".to_owned()),
        ..between(8_000, 9_000)
    };
    assert_eq!(selected(&disk, both), [0_u64; 0]);
}

#[tokio::test]
async fn a_folder_without_a_store_is_named() {
    let disk = SimulatedDisk::new(1);
    let open = |disk: &SimulatedDisk| {
        let error = Inspection::open(Path::new("/data"), Arc::new(disk.clone())).err();
        error.unwrap().to_string()
    };
    let error = open(&disk);
    assert!(
        error.contains("no store in /data") && error.contains("embedded.directory"),
        "{error}"
    );
    disk.create_folder(Path::new("/data")).unwrap();
    assert_eq!(open(&disk), error);
    disk.overwrite(Path::new("/data/notes.txt"), b"x");
    assert!(open(&disk).contains("notes.txt"));
    assert_eq!(disk.files(), [PathBuf::from("/data/notes.txt")]);
}

/// Whether damage names this file, and an offset that is not behind the byte.
fn names(damage: &[Damage], file: &Path, at: usize) -> bool {
    damage
        .iter()
        .any(|d| d.file == file && d.offset.is_none_or(|o| o <= at as u64))
}

#[tokio::test]
async fn every_byte_of_a_sealed_file_is_looked_at() {
    let disk = SimulatedDisk::new(1);
    filled(&disk).await.close().await;
    let file = file(&disk, "0000000002.seg");
    let bytes = disk.bytes(&file).unwrap();
    let step = if soak() { 1 } else { 7 };
    for at in (0..bytes.len()).step_by(step) {
        let copy = disk.reboot();
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        copy.overwrite(&file, &bytes);
        let found = verified(&copy);
        assert!(
            names(&found.damage, &file, at),
            "byte {at}: {:?}",
            found.damage
        );
    }
    println!("{} bytes, each {step}.", bytes.len());
    let copy = disk.reboot();
    copy.remove(&file).unwrap();
    assert!(names(&verified(&copy).damage, &file, 0));
}

/// All of a file of a store that was closed was durable: its header, each record and its end.
#[tokio::test]
async fn every_byte_of_a_closed_journal_is_looked_at() {
    let disk = SimulatedDisk::new(1);
    filled(&disk).await.close().await;
    let file = file(&disk, ".jnl");
    let bytes = disk.bytes(&file).unwrap();
    // the last record is the mark: what is torn there was never told to anyone
    let end = bytes.len() - 48;
    for at in (0..end).step_by(if soak() { 1 } else { 3 }) {
        let copy = disk.reboot();
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        copy.overwrite(&file, &bytes);
        let found = verified(&copy);
        // zeros that fill up the file's header and a record hold nothing
        let is_filler = bytes[at] == 0x10;
        assert!(
            is_filler || names(&found.damage, &file, at),
            "byte {at} of {}: {:?}",
            bytes.len(),
            found.damage
        );
    }
}

#[tokio::test]
async fn a_torn_write_is_no_damage() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    let killed = disk.after_kill();
    drop(store);
    let file = file(&killed, ".jnl");
    let mut bytes = killed.bytes(&file).unwrap();
    let end = bytes.iter().rposition(|b| *b != 0).unwrap();
    bytes.truncate(end - 10);
    killed.overwrite(&file, &bytes);
    let found = verified(&killed);
    assert_eq!((found.damage.as_slice(), found.spans), (&[] as &[_], 6));
    assert_eq!(inspect(&killed).damage(), []);
}

#[tokio::test]
async fn damaged_spans_are_left_out_and_named() {
    let disk = SimulatedDisk::new(1);
    filled(&disk).await.close().await;
    let file = file(&disk, "0000000002.seg");
    let mut bytes = disk.bytes(&file).unwrap();
    // the first block holds the spans
    bytes[10] ^= 0x10;
    disk.overwrite(&file, &bytes);
    let inspection = inspect(&disk);
    assert_eq!(inspection.damage(), []);
    let mut traces = inspection.traces(&Instance::default(), Selection::default());
    let mut ids = Vec::new();
    while let Some(chunk) = traces.next_chunk(100) {
        ids.extend(chunk.spans.iter().map(|s| s.span_id.to_u64()));
    }
    ids.sort_unstable();
    assert_eq!(ids, [1, 3, 4, 101, 103, 104]);
    assert!(traces.damage().iter().all(|d| d.file == file));
    assert!(!traces.damage().is_empty());
}

#[tokio::test]
async fn it_is_of_one_moment_while_a_store_seals_and_merges() {
    let disk = SimulatedDisk::new(1);
    let now = Arc::new(std::sync::atomic::AtomicU64::new(1_000_000_000));
    let clock = {
        let now = now.clone();
        Arc::new(move || now.load(std::sync::atomic::Ordering::Relaxed))
    };
    let store = open_with(&disk, Config { clock, ..sealing() });
    let rounds = if soak() { 400 } else { 40 };
    for id in 1..=rounds {
        write(&store, vec![span(1, id), span(2, id)]).await.unwrap();
        if id == rounds / 2 {
            // the day is over: what there is merges
            now.fetch_add(
                30 * crate::port::HOUR_NS,
                std::sync::atomic::Ordering::Relaxed,
            );
            store.keeper.bell.ring();
        }
        let seen = disk.clone();
        let found = tokio::task::spawn_blocking(move || {
            let inspection = inspect(&seen);
            assert_eq!(inspection.damage(), []);
            let mut traces = inspection.traces(&Instance::default(), Selection::default());
            all(&mut traces, 100)
        });
        let expect: Vec<u64> = (1..=id).collect();
        let found = found.await.unwrap();
        assert_eq!(found, [(1, expect.clone()), (2, expect)].into());
        let seen = disk.clone();
        let damage = tokio::task::spawn_blocking(move || verified(&seen).damage);
        assert_eq!(damage.await.unwrap(), []);
    }
}

#[tokio::test]
async fn an_archive_is_named_and_verified_along() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    assert_eq!(inspect(&disk).report().archive, None);
    let archive = store.archive().unwrap();
    archive.keep(batch(vec![span(7, 7)])).await.unwrap();
    store.close().await;
    let folder = inspect(&disk).report().archive.unwrap();
    assert_eq!(folder, Path::new("/data/archive"));
    let found = verified(&disk);
    assert_eq!((found.damage.as_slice(), found.spans), (&[] as &[_], 10));
    let archived = Inspection::open(&folder, Arc::new(disk.clone())).unwrap();
    let mut traces = archived.traces(&Instance::default(), Selection::default());
    assert_eq!(all(&mut traces, 100), [(7, vec![7])].into());
}
