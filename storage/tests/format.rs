//! The embedded store's format, version 1: a folder that was written once opens in every later version, and reads the same by a reader
//! that knows nothing but `docs/embedded-format.md`.
//!
//! `SPOOR_WRITE_FIXTURES=1` writes a folder that is missing. What is committed is never written anew: it is the promise.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests: what is not there ends them"
)]

#[path = "format/bytes.rs"]
mod bytes;
#[path = "format/folder.rs"]
mod folder;
#[path = "format/journal.rs"]
mod journal;
#[path = "format/listing.rs"]
mod listing;
#[path = "format/payloads.rs"]
mod payloads;
#[path = "format/record.rs"]
mod record;
#[path = "format/segment.rs"]
mod segment;
#[path = "format/spans.rs"]
mod spans;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use storage::disk::RealDisk;
use storage::embedded::{Config, Embedded};
use storage::memory::{self, Memory};
use storage::{Backend, DeadLetter};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/embedded-v1")
}

fn open(folder: &Path, seals: bool, index_bytes: usize) -> Embedded {
    let config = Config {
        clock: Arc::new(|| spans::NOW),
        max_age: Duration::ZERO,
        index_bytes,
        seals,
        ..Config::in_directory(folder)
    };
    Embedded::open(config, Arc::new(RealDisk)).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy(&from, &to);
        } else if !from.ends_with("LOCK") {
            fs::copy(&from, &to).unwrap();
        }
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// Waits until `done`, which has to come true.
async fn until(mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "waited for too long");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// All that a store says.
async fn everything(store: &dyn Backend) -> Vec<Json> {
    let mut lines = Vec::new();
    for instance in spans::instances() {
        lines.push(listing::summary(store, &instance).await);
        lines.extend(listing::sorted(listing::spans(store, &instance).await));
    }
    lines
}

fn letter(letter: &DeadLetter) -> Json {
    json!({
        "instance": letter.instance.as_str(),
        "reason": letter.reason,
        "origin": letter.origin,
        "payload": bytes::hex(&letter.payload),
    })
}

/// The lines of the committed listing that have this key.
fn expected(key: &str) -> Vec<Json> {
    let text = fs::read_to_string(fixture().join("expected.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Json| line.get(key).is_some())
        .collect()
}

#[tokio::test]
#[allow(
    clippy::disallowed_methods,
    reason = "a switch of the tests, no setting of the program"
)]
async fn the_fixture_is_written_where_it_is_missing() {
    let write = std::env::var("SPOOR_WRITE_FIXTURES").as_deref() == Ok("1");
    if !write || fixture().exists() {
        println!("skipped: set SPOOR_WRITE_FIXTURES=1 to write a fixture that is missing");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (path, oracle) = (folder.path(), Memory::new(memory::Config::default()));
    // everything is sealed with the write that brought it
    let store = open(path, true, 1);
    let letters = spans::letters();
    let bury = async |store: &Embedded, letter: &DeadLetter| {
        let letters = store.dead_letters().unwrap();
        letters.bury(vec![letter.clone()]).await.unwrap();
    };
    bury(&store, &letters[0]).await;
    for batch in spans::sealed() {
        oracle.writer().write(batch.clone()).await.unwrap();
        store.writer().write(batch).await.unwrap();
    }
    until(|| count(&path.join("journal")) == 0 && count(&path.join("segments")) == 3).await;
    store.close().await;
    drop(store);
    let store = open(path, false, 1 << 20);
    for batch in spans::open() {
        oracle.writer().write(batch.clone()).await.unwrap();
        store.writer().write(batch).await.unwrap();
    }
    bury(&store, &letters[1]).await;
    store.close().await;
    let mut lines = everything(&oracle).await;
    assert_eq!(everything(&store).await, lines);
    lines.extend(letters.iter().map(letter));
    let text: Vec<_> = lines.iter().map(|line| format!("{line}\n")).collect();
    copy(path, &fixture().join("store"));
    fs::write(fixture().join("expected.jsonl"), text.concat()).unwrap();
}

#[tokio::test]
async fn the_store_gives_back_what_was_written() {
    let mut lines = expected("services");
    lines.extend(expected("trace_id"));
    let letters = expected("reason");
    // as it is, and once the journal is sealed too
    for seals in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        copy(&fixture().join("store"), folder.path());
        let store = open(folder.path(), seals, 96 << 20);
        if seals {
            until(|| count(&folder.path().join("journal")) == 0).await;
        }
        let mut found = everything(&store).await;
        found.sort_by_key(|line| line.get("services").is_none());
        assert_eq!(found, lines);
        assert_eq!(store.dead_letter_count(), letters.len() as u64);
        for (letter, expect) in store.recent_dead_letters().iter().zip(&letters) {
            assert_eq!(letter.reason, expect["reason"]);
            assert_eq!(letter.instance, expect["instance"]);
        }
        assert_eq!(store.health(), Ok(()));
    }
}

#[test]
fn a_reader_from_the_document_alone_gives_back_the_same() {
    let folder = folder::read(&fixture().join("store"));
    let mut lines = expected("trace_id");
    lines = listing::sorted(lines);
    assert_eq!(listing::sorted(folder.spans), lines);
    let letters = |mut list: Vec<Json>| {
        list.sort_by_key(Json::to_string);
        list
    };
    assert_eq!(letters(folder.letters), letters(expected("reason")));
    for summary in expected("services") {
        let whose =
            |(instance, _, _): &(String, String, String)| summary["summary_of"] == *instance;
        let calls = folder.calls.iter().filter(|(key, _)| whose(key));
        let calls: Vec<_> = calls
            .map(|((_, parent, child), count)| json!([parent, child, count]))
            .collect();
        assert_eq!(summary["dependencies"], json!(calls));
    }
}

/// The fixture has what a reader can go wrong at.
#[test]
fn the_fixture_has_every_shape() {
    let folder = folder::read(&fixture().join("store"));
    let days: Vec<_> = folder
        .segments
        .iter()
        .map(|s| (s.instance.as_str(), s.day, s.replaces.len(), s.tokens.len()))
        .collect();
    assert_eq!(days.len(), 3, "{days:?}");
    assert!(days.contains(&("default/jaeger", 20_000, 4, 4)), "{days:?}");
    assert!(days.contains(&("default/jaeger", 20_001, 0, 1)), "{days:?}");
    assert!(days.contains(&("shop/traces", 20_000, 0, 1)), "{days:?}");
    let sum = |of: fn(&segment::Segment) -> usize| folder.segments.iter().map(of).sum::<usize>();
    assert_eq!(sum(|s| s.empty_blocks), 1);
    assert!(sum(|s| s.blocks_apart) > 1);
    assert!(sum(|s| s.stored[0]) > 0 && sum(|s| s.stored[1]) > 0);
    assert_eq!(folder.row_flags, 1 | 2 | 0x40 | 0x80);
    for segment in &folder.segments {
        let has = |key: &str, value: &str| {
            let token = segment::token(key, value);
            segment.tokens.iter().any(|f| segment::may_hold(f, token))
        };
        let (nightly, carts) = (segment.day == 20_001, segment.replaces.len() == 4);
        assert_eq!(has("job", "nightly-report"), nightly);
        assert_eq!(has("host.name", "h1"), nightly);
        assert_eq!(has("share", "2.625"), nightly);
        assert_eq!(has("error", "true"), nightly);
        assert_eq!(has("otel.status_description", "out of paper"), nightly);
        assert_eq!(has("http.route", "/cart"), carts);
        assert_eq!(has("span.kind", "consumer"), carts);
    }
}
