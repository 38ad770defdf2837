//! Runs the fuzz bodies over mutations of the fixture: 1,000 a file's kind, or 100,000 with `SPOOR_SOAK=1`.

use std::fs;

use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::tests::soak;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn rounds() -> usize {
    if soak() { 100_000 } else { 1000 }
}

/// The fixture's files of a folder.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded-v1/store");
    let mut paths: Vec<_> = fs::read_dir(store.join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn mutate(data: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        let at = random.below(data.len());
        match random.below(7) {
            0 => data.truncate(at),
            1 => data.insert(at, random.below(256) as u8),
            2 if !data.is_empty() => drop(data.remove(at)),
            3 => data.extend_from_within(at..),
            4 if !data.is_empty() => data[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            5 => {
                let from = random.below(data.len());
                let part: Vec<u8> = data[from..].iter().take(8).copied().collect();
                for (to, from) in data[at..].iter_mut().zip(part) {
                    *to = from;
                }
            }
            _ if !data.is_empty() => data[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
}

/// The file with one of its blocks changed and signed anew: what checksums do not catch.
fn sign_anew(data: &[u8], random: &mut Random) -> Vec<u8> {
    let (disk, folders) = disk();
    let path = folders.segments.join("0000000001.seg");
    disk.overwrite(&path, data);
    let segment = Segment::open(&disk, &path, 1, Cache::new(0)).unwrap();
    let file = disk.open(&path).unwrap();
    let mut footer = (*segment.footer().unwrap()).clone();
    let mut out = data.to_vec();
    let mut pointers = vec![(0, &mut footer.calls), (0, &mut footer.trace_filter)];
    pointers.extend(footer.trace_index.iter_mut().map(|(_, p)| (0, p)));
    pointers.extend(footer.operations.pages.iter_mut().map(|(_, p)| (0, p)));
    pointers.extend(footer.groups.pages.iter_mut().map(|(_, p)| (0, p)));
    for group in &mut footer.row_groups {
        pointers.push((group.offset, &mut group.keys));
        pointers.push((group.offset, &mut group.details));
    }
    // one more than there are: the footer itself
    let which = random.below(pointers.len() + 1);
    if let Some((base, pointer)) = pointers.get_mut(which) {
        let mut block = pointer.at_base(*base).read(&*file).unwrap();
        mutate(&mut block, random);
        pointer.offset = out.len() as u64 - *base;
        pointer.len = block.len() as u32;
        pointer.raw_len = 0;
        pointer.checksum = xxh3_64(&block);
        out.extend_from_slice(&block);
    }
    let is_footer = which == pointers.len();
    let mut footer = footer.encode();
    if is_footer {
        mutate(&mut footer, random);
    }
    let at = out.len() as u64;
    out.extend_from_slice(&footer);
    out.extend_from_slice(&at.to_le_bytes());
    out.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    out.extend_from_slice(&0_u32.to_le_bytes());
    out.extend_from_slice(&xxh3_64(&footer).to_le_bytes());
    out.extend_from_slice(b"SPOORSGF");
    out
}

/// The journal file with a payload changed and signed anew.
fn sign_record_anew(data: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = data[..64].to_vec();
    let mut at = 64;
    let mut records = Vec::new();
    while at + 48 <= data.len() {
        let len = u32::from_le_bytes(data[at + 12..at + 16].try_into().unwrap()) as usize;
        records.push(&data[at..at + 48 + len]);
        at = (at + 48 + len).next_multiple_of(8);
    }
    let which = random.below(records.len());
    for (nth, record) in records.iter().enumerate() {
        let mut payload = record[48..].to_vec();
        if nth == which {
            mutate(&mut payload, random);
        }
        let mut header = record[..48].to_vec();
        header[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        header[40..].copy_from_slice(&xxh3_64(&payload).to_le_bytes());
        let sum = (xxh3_64(&header[8..]) as u32).to_le_bytes();
        header[4..8].copy_from_slice(&sum);
        out.extend_from_slice(&header);
        out.extend_from_slice(&payload);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out
}

#[test]
fn no_mutation_of_a_segment_shows_what_never_was_or_hides_that_it_is_damaged() {
    let mut random = Random(7);
    let seeds = files("segments");
    let whole: Vec<Seen> = seeds.iter().map(|seed| read_segment(seed)).collect();
    for seen in &whole {
        assert_eq!(seen.damage, None);
        assert!(!seen.spans.is_empty());
    }
    let mut reported = 0;
    for round in 0..rounds() {
        let (seed, whole) = (&seeds[round % seeds.len()], &whole[round % seeds.len()]);
        let mut data = seed.clone();
        mutate(&mut data, &mut random);
        let seen = read_segment(&data);
        let known = seen.spans.iter().all(|s| whole.spans.contains(s));
        assert!(known, "round {round}: a span that was never written");
        match seen.damage {
            Some(_) => reported += 1,
            None => assert_eq!(seen.spans, whole.spans, "round {round}"),
        }
    }
    println!("{reported} of {} mutations were reported", rounds());
    assert!(reported > rounds() * 9 / 10);
}

#[test]
fn no_segment_that_is_wrong_and_signed_breaks_anything() {
    let mut random = Random(8);
    let seeds = files("segments");
    for round in 0..rounds() {
        segment(&sign_anew(&seeds[round % seeds.len()], &mut random));
    }
}

#[test]
fn no_mutation_of_a_journal_file_or_manifest_breaks_a_promise() {
    let mut random = Random(9);
    let mut seeds = files("journal");
    seeds.extend(files("dead-letters"));
    let manifest = b"spoor manifest\nversion 1\nnext-segment 4\nlast-generation 7\nsegment 3\nsealed 7\nchecksum ";
    for round in 0..rounds() {
        let mut data = seeds[round % seeds.len()].clone();
        journal_file(&sign_record_anew(&data, &mut random));
        mutate(&mut data, &mut random);
        journal_file(&data);
        let mut text = manifest.to_vec();
        mutate(&mut text, &mut random);
        let summed = text.len().saturating_sub(b"checksum ".len());
        let sum = format!("{:016x}\n", xxh3_64(&text[..summed]));
        text.extend_from_slice(sum.as_bytes());
        manifest_file(&text);
    }
}
