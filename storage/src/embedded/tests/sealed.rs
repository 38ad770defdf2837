//! Spans in segments: what damage, missing files and faults leave of them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

fn sealed(disk: &SimulatedDisk) -> Embedded {
    open_with(disk, sealing())
}

/// Two traces of fifty spans, in five segments.
async fn filled(disk: &SimulatedDisk) -> Embedded {
    let store = sealed(disk);
    for id in (1..=50).collect::<Vec<_>>().chunks(10) {
        let spans = id.iter().flat_map(|id| [span(1, *id), span(2, *id)]);
        write(&store, spans.collect()).await.unwrap();
    }
    settled(&store).await;
    assert_eq!(store.shared.head.totals().segments, 5);
    store
}

fn files(disk: &SimulatedDisk, extension: &str) -> Vec<PathBuf> {
    let mut files = disk.files();
    files.retain(|f| f.extension().is_some_and(|e| e == extension));
    files
}

async fn count(store: &Embedded) -> usize {
    read(store, [1, 2]).await.0.len()
}

#[tokio::test]
async fn sealed_spans_come_back_as_they_were_in_the_order_they_came() {
    let disk = SimulatedDisk::new(1);
    let store = filled(&disk).await;
    assert!(files(&disk, "jnl").is_empty());
    let expect: Vec<_> = (1..=50).map(|id| span(1, id)).collect();
    assert_eq!(read(&store, [1]).await.0, expect);
    drop(store);
    let store = sealed(&disk.reboot());
    assert_eq!(read(&store, [1]).await, (expect, Completeness::Complete));
}

#[tokio::test]
async fn segments_of_a_day_that_is_over_become_one() {
    let disk = SimulatedDisk::new(1);
    let now = Arc::new(AtomicU64::new(1_000_000_000));
    let clock = {
        let now = now.clone();
        Arc::new(move || now.load(Ordering::Relaxed))
    };
    let config = Config { clock, ..sealing() };
    let store = open_with(&disk, config.clone());
    for id in 1..=12 {
        write(&store, vec![span(1, id), span(2, id)]).await.unwrap();
    }
    settled(&store).await;
    assert_eq!(store.shared.head.totals().segments, 12);
    now.fetch_add(30 * crate::port::HOUR_NS, Ordering::Relaxed);
    store.keeper.bell.ring();
    until("one segment", || store.shared.head.totals().segments == 1).await;
    let expect: Vec<_> = (1..=12).map(|id| span(1, id)).collect();
    assert_eq!(read(&store, [1]).await.0, expect);
    assert_eq!(store.metrics.merges.get(), 1);
    until("old files gone", || files(&disk, "seg").len() == 1).await;
    drop(store);
    let store = open_with(&disk.reboot(), config);
    assert_eq!(read(&store, [1]).await.0, expect);
}

#[tokio::test]
async fn a_segment_that_cannot_be_merged_holds_up_no_others() {
    let disk = SimulatedDisk::new(1);
    let store = sealed(&disk);
    for id in 1..=4 {
        write(&store, vec![span(1, id)]).await.unwrap();
    }
    settled(&store).await;
    // its call counts, which are the one byte before the footer, are read by merging alone
    let path = files(&disk, "seg").pop().unwrap();
    let mut bytes = disk.bytes(&path).unwrap();
    let tail = bytes.len() - 32;
    let footer = u64::from_le_bytes(bytes[tail..tail + 8].try_into().unwrap()) as usize;
    bytes[footer - 1] ^= 1;
    disk.overwrite(&path, &bytes);
    for id in 5..=8 {
        write(&store, vec![span(1, id)]).await.unwrap();
    }
    settled(&store).await;
    drop(store);
    let clock = Arc::new(|| 30 * crate::port::HOUR_NS);
    let store = open_with(&disk.reboot(), Config { clock, ..sealing() });
    until("those behind it are one", || {
        store.shared.head.totals().segments == 5
    })
    .await;
    assert_eq!(store.metrics.merge_failures.get(), 1);
    let expect: Vec<_> = (1..=8).map(|id| span(1, id)).collect();
    assert_eq!(read(&store, [1]).await.0, expect);
}

#[tokio::test]
async fn equal_spans_that_come_in_one_file_are_stored_once() {
    let disk = SimulatedDisk::new(1);
    let store = sealed(&disk);
    write(&store, vec![span(1, 1), span(1, 2), span(1, 1)])
        .await
        .unwrap();
    settled(&store).await;
    assert_eq!(store.shared.head.totals().spans, 2);
    write(&store, vec![span(1, 1)]).await.unwrap();
    settled(&store).await;
    assert_eq!(read(&store, [1]).await.0.len(), 2);
}

#[tokio::test]
async fn dead_letters_outlive_the_file_they_came_in() {
    let disk = SimulatedDisk::new(1);
    let store = sealed(&disk);
    let letter = crate::port::DeadLetter {
        instance: Instance::default(),
        reason: "too old".to_owned(),
        origin: "otlp-grpc",
        payload: vec![7; 10].into(),
    };
    let letters = store.dead_letters().unwrap();
    letters.bury(vec![letter]).await.unwrap();
    write(&store, vec![span(1, 1)]).await.unwrap();
    settled(&store).await;
    assert_eq!(store.dead_letter_count(), 1);
    drop(store);
    let store = sealed(&disk.reboot());
    assert_eq!(store.dead_letter_count(), 1);
    assert_eq!(store.recent_dead_letters()[0].reason, "too old");
    assert_eq!(read(&store, [1]).await.0.len(), 1);
}

#[tokio::test]
async fn spans_that_columns_hold_whole_have_a_payload_too() {
    let disk = SimulatedDisk::new(1);
    let store = sealed(&disk);
    let bare = |id| Span {
        attributes: Vec::new(),
        ..span(1, id)
    };
    write(&store, vec![bare(1), bare(2)]).await.unwrap();
    settled(&store).await;
    drop(store);
    // with room for blocks that were read lately
    let store = open(&disk.reboot());
    let whole = (vec![bare(1), bare(2)], Completeness::Complete);
    assert_eq!(read(&store, [1]).await, whole);
}

/// A segment is written before it counts, so no cut of one that counts is honest; whatever is left of it, the start goes on and says so.
#[tokio::test]
async fn every_cut_of_the_last_segment_costs_it_alone() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let disk = disk.reboot();
    let file = files(&disk, "seg").pop().unwrap();
    let bytes = disk.bytes(&file).unwrap();
    let step = if super::soak() { 1 } else { 37 };
    for len in (0..bytes.len()).step_by(step) {
        let copy = disk.reboot();
        copy.overwrite(&file, &bytes[..len]);
        let store = sealed(&copy);
        assert_eq!(count(&store).await, 80, "cut at {len}");
        assert_eq!(store.metrics.damaged.get(), 1);
        assert!(!copy.files().contains(&file));
        let aside = Path::new("/data/damaged").join(file.file_name().unwrap());
        assert_eq!(copy.bytes(&aside).unwrap(), &bytes[..len]);
    }
    println!(
        "cut a segment of {} bytes at every {step}. byte",
        bytes.len()
    );
}

#[tokio::test]
async fn no_flipped_bit_stops_a_start_or_shows_what_never_was() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let disk = disk.reboot();
    let all = disk.files();
    let expect: Vec<_> = [1, 2]
        .into_iter()
        .flat_map(|trace| (1..=50).map(move |id| span(trace, id)))
        .collect();
    let flips = if super::soak() { 1000 } else { 200 };
    let mut state = 7_u64;
    let (mut whole, mut partly) = (0, 0);
    for _ in 0..flips {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let file = &all[(state >> 33) as usize % all.len()];
        let mut bytes = disk.bytes(file).unwrap();
        if bytes.is_empty() {
            continue;
        }
        let bit = (state >> 13) as usize % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let copy = disk.reboot();
        copy.overwrite(file, &bytes);
        let store = sealed(&copy);
        let (spans, completeness) = read(&store, [1, 2]).await;
        assert!(spans.iter().all(|s| expect.contains(s)));
        // one segment of five at most
        assert!(
            spans.len() >= 80,
            "{} bit {bit}: {}",
            file.display(),
            spans.len()
        );
        if spans.len() == 100 {
            whole += 1;
        } else {
            partly += 1;
            let said = store.metrics.damaged.get() > 0;
            assert!(said || completeness != Completeness::Complete);
        }
        write(&store, vec![span(3, 1)]).await.unwrap();
        assert_eq!(read(&store, [3]).await.0, [span(3, 1)]);
    }
    println!(
        "{flips} flipped bits: {whole} without effect, {partly} cost part of one segment, all said so"
    );
    assert!(partly > flips / 4);
}

#[tokio::test]
async fn missing_and_empty_files_cost_what_was_in_them() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let disk = disk.reboot();
    for file in disk.files() {
        for empty in [false, true] {
            let copy = disk.reboot();
            if empty {
                copy.overwrite(&file, b"");
            } else {
                copy.remove(&file).unwrap();
            }
            let store = sealed(&copy);
            let is_segment = file.extension().is_some_and(|e| e == "seg");
            let left = if is_segment { 80 } else { 100 };
            assert_eq!(count(&store).await, left, "{}", file.display());
            let is_manifest = file.ends_with(manifest::NAME);
            assert_eq!(
                store.metrics.damaged.get(),
                u64::from(is_segment || is_manifest)
            );
            // it goes on, and the next start has nothing to say
            write(&store, vec![span(3, 1)]).await.unwrap();
            settled(&store).await;
            drop(store);
            let store = sealed(&copy.reboot());
            assert_eq!(store.metrics.damaged.get(), 0);
            assert_eq!(count(&store).await, left);
        }
    }
}

#[tokio::test]
async fn a_segment_that_cannot_be_read_now_keeps_its_place() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let disk = disk.reboot();
    // format, manifest, then the segments, each magic, tail and footer
    disk.fail("read", 8, ErrorKind::PermissionDenied);
    let store = sealed(&disk);
    assert!(count(&store).await < 100);
    assert!(store.metrics.damaged.get() > 0);
    drop(store);
    disk.mend();
    let store = sealed(&disk);
    assert_eq!(count(&store).await, 100);
}

#[tokio::test]
async fn a_read_that_fails_makes_the_answer_partial() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let store = sealed(&disk);
    disk.fail("read", 0, ErrorKind::Other);
    let (spans, completeness) = read(&store, [1]).await;
    assert!(spans.is_empty());
    assert!(matches!(completeness, Completeness::Partial { reason } if reason.contains(".seg")));
    disk.mend();
    assert_eq!(count(&store).await, 100);
}

#[tokio::test]
async fn what_a_sealing_that_did_not_end_left_behind_is_removed() {
    let disk = SimulatedDisk::new(1);
    drop(filled(&disk).await);
    let stray = PathBuf::from("/data/segments/0000000900.seg");
    disk.overwrite(&stray, b"half a segment");
    let store = sealed(&disk);
    assert!(!disk.files().contains(&stray));
    assert_eq!(store.metrics.damaged.get(), 0);
    write(&store, vec![span(3, 1)]).await.unwrap();
    settled(&store).await;
    // its number is not used again
    assert!(files(&disk, "seg").contains(&PathBuf::from("/data/segments/0000000901.seg")));
}

/// Spans that were signed and yet do not decode: nothing of ours writes them, and they stop neither a start nor sealing.
#[tokio::test]
async fn no_record_holds_sealing_up() {
    let spans = [span(1, 1), span(2, 1)];
    let encoded = || {
        let instance = Instance::default();
        let mut encoder = batch::Encoder::new(&instance, 1, 0);
        spans.iter().for_each(|s| encoder.push(s));
        encoder.finish()
    };
    let payload = |records: &[journal::Pending]| {
        let first = records.first().unwrap();
        first.payload(first.payload_len()).to_vec()
    };
    let whole = payload(&encoded());
    let mut set_aside = 0;
    for at in 0..whole.len() {
        let mut wrong = whole.clone();
        wrong[at] ^= 0x1d;
        let disk = SimulatedDisk::new(1);
        drop(open(&disk));
        let mut records = [journal::Pending::copy(journal::Kind::Spans, 1, &wrong)];
        journal::write_alone(&disk, Path::new("/data/journal"), 1, &mut records).unwrap();
        let store = sealed(&disk);
        write(&store, vec![span(3, 1)]).await.unwrap();
        settled(&store).await;
        assert_eq!(store.health(), Ok(()), "byte {at}");
        assert_eq!(read(&store, [3]).await.0, [span(3, 1)]);
        set_aside += usize::from(
            !disk
                .list(Path::new("/data/damaged"))
                .unwrap_or_default()
                .is_empty(),
        );
    }
    assert!(
        set_aside > whole.len() / 8,
        "{set_aside} of {}",
        whole.len()
    );
}
