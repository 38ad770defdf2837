//! The journal keeps what it said it keeps, whatever happens to its files.

use std::collections::BTreeMap;

use super::*;
use crate::disk::SimulatedDisk;

const LIMITS: Limits = Limits {
    generation_bytes: 4096,
    allocate_bytes: 1024,
};

fn folder() -> PathBuf {
    PathBuf::from("/data/journal")
}

fn record(fill: u8, len: usize) -> Pending {
    let mut bytes = vec![0; HEADER_LEN];
    bytes.resize(HEADER_LEN + len, fill);
    Pending::new(Kind::Spans, 1, bytes)
}

/// Opens the journal as the store does: shows every payload, and cuts the tail of the newest file.
fn recover(disk: &SimulatedDisk) -> (Journal, Vec<Vec<u8>>, Vec<Scan>) {
    disk.create_folder(&folder()).unwrap();
    let (mut payloads, mut scans) = (Vec::new(), Vec::new());
    let (mut last, mut end, mut sequence) = (0, 0, 0);
    for number in numbers(disk, &folder()).unwrap() {
        let generation = open(disk, &folder(), number).unwrap();
        let found = scan(&*generation.file, |visit| {
            assert_eq!(visit.payload.len(), visit.header.payload_len as usize);
            payloads.push(visit.payload.to_vec());
        });
        assert!(found.unreadable.is_none());
        generation.file.set_len(found.end).unwrap();
        generation.file.sync().unwrap();
        (last, end, sequence) = (number, found.end, found.sequence.max(sequence));
        scans.push(found);
    }
    let journal = Journal::new(
        Arc::new(disk.clone()),
        &folder(),
        LIMITS,
        last,
        end,
        sequence,
    );
    (journal, payloads, scans)
}

#[test]
fn what_was_appended_comes_back_in_order_over_several_files() {
    let disk = SimulatedDisk::new(1);
    let (mut journal, ..) = recover(&disk);
    for n in 0..40 {
        let mut group = [record(n, 100), record(n + 100, usize::from(n))];
        let appended = journal.append(&mut group).unwrap();
        let mut bytes = [0; 100];
        disk::read_exact_at(&*appended.generation.file, &mut bytes, appended.payloads[0]).unwrap();
        assert_eq!(bytes, [n; 100]);
    }
    let (_, payloads, scans) = recover(&disk.reboot());
    let expect: Vec<Vec<u8>> = (0..40)
        .flat_map(|n: u8| [vec![n; 100], vec![n + 100; usize::from(n)]])
        .collect();
    assert_eq!(payloads, expect);
    assert!(scans.len() > 1);
    assert!(
        scans
            .iter()
            .all(|s| s.holes.is_empty() && s.header.is_some())
    );
    assert_eq!(scans.last().unwrap().sequence, 80);
}

#[test]
fn a_group_longer_than_a_generation_has_one_of_its_own() {
    let disk = SimulatedDisk::new(1);
    let (mut journal, ..) = recover(&disk);
    journal.append(&mut [record(1, 10)]).unwrap();
    journal.append(&mut [record(2, 10_000)]).unwrap();
    journal.append(&mut [record(3, 10)]).unwrap();
    let (_, payloads, scans) = recover(&disk.reboot());
    assert_eq!(payloads, [vec![1; 10], vec![2; 10_000], vec![3; 10]]);
    assert_eq!(scans.len(), 3);
}

/// Appends until the power goes; answers what was acknowledged and what came back.
fn cut(seed: u64, lying: bool) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let disk = SimulatedDisk::new(seed);
    let mut journal = recover(&disk).0;
    if lying {
        disk.ignore_syncs();
    }
    disk.lose_power_after(1 + seed % 97);
    let mut acknowledged = Vec::new();
    for n in 0..200_u8 {
        let len = 1 + usize::from(n) * 37 % 700;
        let mut group = vec![record(n, len)];
        if n % 3 == 0 {
            group.push(record(n, 2 * len));
        }
        let payloads: Vec<_> = group
            .iter()
            .map(|r| r.payload(r.payload_len()).to_vec())
            .collect();
        match journal.append(&mut group) {
            Ok(_) => acknowledged.extend(payloads),
            Err(_) => break,
        }
    }
    let after = disk.reboot();
    let (mut journal, found, scans) = recover(&after);
    assert!(
        lying
            || scans
                .iter()
                .all(|s| s.holes.iter().all(|h| h.offset >= s.durable_end)),
        "a hole where everything was durable"
    );
    // it goes on: what is appended now is there next time, with all that was there
    journal.append(&mut [record(255, 9)]).unwrap();
    let again = recover(&after.reboot()).1;
    let (new, old) = again.split_last().unwrap();
    assert_eq!((new, old), (&vec![255; 9], &*found));
    (acknowledged, found)
}

#[test]
fn no_power_cut_loses_what_was_acknowledged() {
    for seed in 0..1000 {
        let (acknowledged, found) = cut(seed, false);
        assert!(found.starts_with(&acknowledged), "seed {seed}");
    }
}

#[test]
fn power_cuts_lose_what_was_acknowledged_when_syncs_are_removed() {
    let lost = (0..200).filter(|seed| {
        let (acknowledged, found) = cut(*seed, true);
        !found.starts_with(&acknowledged)
    });
    assert!(lost.count() > 100);
}

fn three_files() -> SimulatedDisk {
    let disk = SimulatedDisk::new(5);
    let mut journal = recover(&disk).0;
    for n in 1..=12 {
        journal
            .append(&mut [record(n, 600 + usize::from(n))])
            .unwrap();
    }
    disk.reboot()
}

#[test]
fn the_last_file_cut_at_every_byte_keeps_every_record_before_the_cut() {
    let disk = three_files();
    let files = disk.files();
    let last = files.last().unwrap();
    let bytes = disk.bytes(last).unwrap();
    let before = recover(&disk).1;
    let whole = recover(&disk).2.last().unwrap().records;
    let ends: Vec<usize> = {
        let mut ends = Vec::new();
        let generation = disk.open(last).unwrap();
        scan(&*generation, |v| {
            ends.push(v.offset as usize + v.payload.len());
        });
        ends
    };
    assert_eq!(ends.len() as u64, whole);
    for len in 0..bytes.len() {
        disk.overwrite(last, &bytes[..len]);
        let (mut journal, found, _) = recover(&disk);
        let kept = ends.iter().filter(|end| **end <= len).count();
        let lost = ends.len() - kept;
        assert_eq!(found, before[..before.len() - lost], "cut at {len}");
        journal.append(&mut [record(200, 3)]).unwrap();
        disk.remove(journal.current.as_ref().unwrap().generation.path.as_path())
            .unwrap();
    }
}

#[test]
fn a_flipped_bit_costs_at_most_the_record_it_is_in() {
    let disk = three_files();
    let files = disk.files();
    let originals: BTreeMap<_, _> = files
        .iter()
        .map(|f| (f.clone(), disk.bytes(f).unwrap()))
        .collect();
    let before = recover(&disk).1;
    let mut state = 12_345_u64;
    for _ in 0..1000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let random = (state >> 16) as usize;
        let path = &files[random % files.len()];
        let mut bytes = originals[path].clone();
        let bit = random / 8 % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        disk.overwrite(path, &bytes);
        let found = recover(&disk).1;
        assert!(
            found.len() + 1 >= before.len(),
            "{} bit {bit}",
            path.display()
        );
        assert!(found.iter().all(|f| before.contains(f)));
        disk.overwrite(path, &originals[path]);
    }
}

#[test]
fn bytes_that_look_like_a_record_are_none_inside_a_damaged_one() {
    let disk = SimulatedDisk::new(1);
    let mut journal = recover(&disk).0;
    // a client who knows the format, but not the file's salt, sends a record as a value
    let mut forged = record(66, 16);
    let forged = forged.finish(0, 5, 64).to_vec();
    let mut bytes = vec![0; HEADER_LEN];
    bytes.extend(forged);
    journal
        .append(&mut [Pending::new(Kind::Spans, 1, bytes), record(2, 8)])
        .unwrap();
    let path = disk.files()[0].clone();
    let mut bytes = disk.bytes(&path).unwrap();
    bytes[64 + 4] ^= 1;
    disk.overwrite(&path, &bytes);
    assert_eq!(recover(&disk).1, [vec![2; 8]]);
}

#[test]
fn an_empty_file_and_one_without_a_header_do_not_stop_a_start() {
    let disk = three_files();
    let files = disk.files();
    let before = recover(&disk).1;
    let mut bytes = disk.bytes(&files[0]).unwrap();
    bytes[..64].fill(0xff);
    disk.overwrite(&files[0], &bytes);
    assert_eq!(recover(&disk).1, before);
    disk.overwrite(&files[1], &[]);
    let found = recover(&disk).1;
    assert!(found.len() < before.len() && !found.is_empty());
}

#[test]
fn a_full_disk_is_refused_and_mends_itself() {
    let disk = SimulatedDisk::new(1);
    let mut journal = recover(&disk).0;
    journal.append(&mut [record(1, 500)]).unwrap();
    disk.limit_room(2500);
    let mut kept = 1;
    loop {
        match journal.append(&mut [record(kept + 1, 500)]) {
            Ok(_) => kept += 1,
            Err(AppendError::Refused { error, .. }) => {
                assert!(disk::is_full(&error));
                break;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(kept > 1);
    disk.mend();
    journal.append(&mut [record(99, 5000)]).unwrap();
    journal.append(&mut [record(100, 5)]).unwrap();
    let mut expect: Vec<_> = (1..=kept).map(|n| vec![n; 500]).collect();
    expect.extend([vec![99; 5000], vec![100; 5]]);
    assert_eq!(recover(&disk.reboot()).1, expect);
}

#[test]
fn a_file_that_cannot_be_made_on_a_full_disk_leaves_no_litter() {
    let disk = SimulatedDisk::new(1);
    let mut journal = recover(&disk).0;
    disk.limit_room(10);
    for _ in 0..5 {
        assert!(matches!(
            journal.append(&mut [record(1, 5)]),
            Err(AppendError::Refused { .. })
        ));
    }
    assert!(disk.files().is_empty());
}

#[test]
fn a_failed_sync_is_final() {
    for verb in ["sync", "sync_folder"] {
        let disk = SimulatedDisk::new(1);
        let mut journal = recover(&disk).0;
        disk.fail(verb, 0, io::ErrorKind::Other);
        let error = journal.append(&mut [record(1, 5)]).err().unwrap();
        assert!(
            matches!(error, AppendError::Failed { what: "sync", .. }),
            "{error}"
        );
    }
}

/// A file with one byte that the disk cannot read.
struct BadSector(Arc<dyn File>, u64);

impl File for BadSector {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if (offset..offset + buffer.len() as u64).contains(&self.1) {
            return Err(io::Error::other("bad sector"));
        }
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn preallocate(&self, len: u64) -> io::Result<()> {
        self.0.preallocate(len)
    }
}

#[test]
fn what_stands_before_a_bad_sector_is_read() {
    let disk = SimulatedDisk::new(1);
    let mut journal = recover(&disk).0;
    let mut group: Vec<_> = (1..=20).map(|n| record(n, 1000)).collect();
    let appended = journal.append(&mut group).unwrap();
    // in the sixteenth record
    let bad = BadSector(appended.generation.file.clone(), 64 + 15 * 1048 + 500);
    let mut found = Vec::new();
    let scan = scan(&bad, |visit| found.push(visit.payload[0]));
    assert!(scan.unreadable.is_some());
    assert!(found.len() >= 11 && found.len() < 16, "{found:?}");
    assert_eq!(scan.end, 64 + 1048 * scan.records);
}
