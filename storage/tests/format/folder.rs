//! A store's folder (section 2): what counts, and what it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::bytes::xxh3;
use crate::segment::Segment;
use crate::{journal, segment};

/// What a folder holds.
#[derive(Default)]
pub(crate) struct Folder {
    /// Equal ones once.
    pub(crate) spans: Vec<Json>,
    pub(crate) letters: Vec<Json>,
    pub(crate) segments: Vec<Segment>,
    /// All flags that rows of the journal have.
    pub(crate) row_flags: u8,
    pub(crate) calls: BTreeMap<(String, String, String), i64>,
}

/// Reads a folder that is whole.
pub(crate) fn read(path: &Path) -> Folder {
    let sum = xxh3(b"spoor embedded\nversion 1");
    let expect = format!("spoor embedded\nversion 1\nchecksum {sum:016x}\n");
    assert_eq!(fs::read_to_string(path.join("FORMAT")).unwrap(), expect);
    let (segments, sealed) = manifest(&fs::read_to_string(path.join("MANIFEST.spoor")).unwrap());
    let mut folder = Folder::default();
    let mut spans = Vec::new();
    for number in segments {
        let file = path.join("segments").join(format!("{number:010}.seg"));
        let segment = segment::read(&fs::read(file).unwrap());
        spans.extend_from_slice(&segment.spans);
        for ((parent, child), number) in &segment.calls {
            let key = (segment.instance.clone(), parent.clone(), child.clone());
            *folder.calls.entry(key).or_default() += number;
        }
        folder.segments.push(segment);
    }
    let in_journal = generations(&path.join("journal"));
    for (number, bytes) in &in_journal {
        if !sealed.contains(number) {
            let mut journal = journal::read(*number, bytes);
            assert!(journal.closed);
            folder.row_flags |= journal.row_flags;
            spans.append(&mut journal.spans);
            folder.letters.append(&mut journal.letters);
        }
    }
    for (number, bytes) in &generations(&path.join("dead-letters")) {
        if sealed.contains(number) || !in_journal.contains_key(number) {
            let mut journal = journal::read(*number, bytes);
            assert!(journal.spans.is_empty());
            folder.letters.append(&mut journal.letters);
        }
    }
    let mut seen = BTreeSet::new();
    spans.retain(|span| seen.insert(span.to_string()));
    folder.spans = spans;
    folder
}

fn generations(folder: &Path) -> BTreeMap<u64, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let number = path.file_stem().unwrap().to_str().unwrap().parse();
        (number.unwrap(), fs::read(&path).unwrap())
    });
    files.collect()
}

/// The segments that count, and the generations that do not.
fn manifest(text: &str) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let lines: Vec<_> = text.lines().collect();
    let (last, lines) = lines.split_last().unwrap();
    let summed = text.strip_suffix(&format!("{last}\n")).unwrap();
    assert_eq!(*last, format!("checksum {:016x}", xxh3(summed.as_bytes())));
    assert_eq!(lines[..2], ["spoor manifest", "version 1"]);
    let (mut segments, mut sealed) = (BTreeSet::new(), BTreeSet::new());
    for line in &lines[2..] {
        let (what, number) = line.split_once(' ').unwrap();
        let number = number.parse().unwrap();
        match what {
            "next-segment" => assert!(number > 0),
            "last-generation" => {}
            "segment" => assert!(segments.insert(number)),
            "sealed" => assert!(sealed.insert(number)),
            other => panic!("line {other}"),
        }
    }
    (segments, sealed)
}
