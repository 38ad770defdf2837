//! The bake-off for the journal: files of our own against redb, on the same file layer, and LZ4 on payloads.
//!
//! `cargo bench -p storage --bench journal [folder]`. fjall is not in it: it opens `std::fs` files itself, so no power cut can be simulated
//! under it. What was measured and decided: `docs/adr/0003-journal.md`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark: it prints, and stops at what is wrong"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use redb::{Database, Durability, ReadableDatabase as _, StorageBackend, TableDefinition};
use storage::disk::{Disk, File, RealDisk, read_exact_at};
use storage::embedded::probe::Probe;

#[path = "support/spans.rs"]
mod spans;

use spans::{Chance, cpu_seconds, percentile};

/// What each contender writes, in bytes.
const TOTAL: usize = 512 << 20;
/// Records are let go this many bytes later.
const KEPT: usize = 128 << 20;

const WAL: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("wal");
/// redb's pages are powers of two: a value just below one wastes least.
const SLICE: usize = (1 << 20) - 4096;

trait Contender {
    /// Makes a group of records durable.
    fn append(&mut self, group: &[&[u8]]);
    /// Lets the oldest bytes go, down to what is kept.
    fn retire(&mut self);
}

struct Files {
    probe: Probe,
    folder: PathBuf,
    newest: u64,
    oldest: u64,
}

struct Redb {
    database: Database,
    next: u64,
    oldest: u64,
    sizes: std::collections::VecDeque<usize>,
    kept: usize,
}

struct Adapter(Arc<dyn File>);

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Adapter")
    }
}

impl StorageBackend for Adapter {
    fn len(&self) -> Result<u64, std::io::Error> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), std::io::Error> {
        read_exact_at(&*self.0, out, offset)
    }
    fn set_len(&self, len: u64) -> Result<(), std::io::Error> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> Result<(), std::io::Error> {
        self.0.sync()
    }
    fn write(&self, offset: u64, data: &[u8]) -> Result<(), std::io::Error> {
        self.0.write_at(data, offset)
    }
}

impl Contender for Files {
    fn append(&mut self, group: &[&[u8]]) {
        self.newest = self.probe.append(group).unwrap();
    }
    fn retire(&mut self) {
        while self.newest - self.oldest >= 2 {
            let name = format!("{:010}.jnl", self.oldest);
            RealDisk.remove(&self.folder.join(name)).unwrap();
            self.oldest += 1;
        }
    }
}

impl Contender for Redb {
    fn append(&mut self, group: &[&[u8]]) {
        let mut transaction = self.database.begin_write().unwrap();
        transaction.set_durability(Durability::Immediate).unwrap();
        {
            let mut table = transaction.open_table(WAL).unwrap();
            for slice in group.iter().flat_map(|record| record.chunks(SLICE)) {
                table.insert(self.next, slice).unwrap();
                self.next += 1;
                self.sizes.push_back(slice.len());
                self.kept += slice.len();
            }
        }
        transaction.commit().unwrap();
    }
    fn retire(&mut self) {
        // as files are: half of what is kept at once, by one transaction
        if self.kept < KEPT + KEPT / 2 {
            return;
        }
        let transaction = self.database.begin_write().unwrap();
        {
            let mut table = transaction.open_table(WAL).unwrap();
            while self.kept > KEPT {
                table.remove(self.oldest).unwrap();
                self.kept -= self.sizes.pop_front().unwrap();
                self.oldest += 1;
            }
        }
        transaction.commit().unwrap();
    }
}

fn files(folder: &Path, allocate: u64) -> Files {
    Files {
        probe: Probe::open(Arc::new(RealDisk), folder, 64 << 20, allocate).unwrap(),
        folder: folder.to_owned(),
        newest: 1,
        oldest: 1,
    }
}

fn redb(folder: &Path) -> Redb {
    let file = RealDisk.create(&folder.join("wal.redb")).unwrap();
    let database = Database::builder()
        .set_cache_size(16 << 20)
        .create_with_backend(Adapter(file))
        .unwrap();
    assert!(database.begin_read().is_ok());
    Redb {
        database,
        next: 0,
        oldest: 0,
        sizes: std::collections::VecDeque::new(),
        kept: 0,
    }
}

fn measure(name: &str, contender: &mut dyn Contender, record: usize, group: usize) {
    let mut chance = Chance(7);
    let bytes: Vec<u8> = (0..record * 4 / 8 + 1)
        .flat_map(|_| chance.next().to_le_bytes())
        .collect();
    let mut times = Vec::new();
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let rounds = TOTAL / (record * group);
    for round in 0..rounds {
        let from = |n: usize| (round * 8 + n * 64) % (record * 3);
        let records: Vec<&[u8]> = (0..group)
            .map(|n| &bytes[from(n)..from(n) + record])
            .collect();
        let before = Instant::now();
        contender.append(&records);
        times.push(before.elapsed().as_secs_f64() * 1000.0);
        contender.retire();
    }
    let seconds = started.elapsed().as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    println!(
        "| {} KiB x {group} | {name} | {:.0} | {:.2} | {:.2} | {:.2} |",
        record >> 10,
        TOTAL as f64 / 1e6 / seconds,
        cpu * (1 << 30) as f64 / TOTAL as f64,
        percentile(&mut times, 0.5),
        percentile(&mut times, 0.99),
    );
}

fn lz4() {
    let batches = spans::batches(3, 64, 512);
    let instance = model::Instance::default();
    let payloads: Vec<Vec<u8>> = batches
        .iter()
        .map(|batch| {
            let mut bytes = Vec::new();
            for span in batch.spans.iter() {
                wire::record::encode_span(span, &mut bytes);
            }
            bytes
        })
        .collect();
    drop(instance);
    let spans = batches.iter().map(model::Batch::len).sum::<usize>() as f64;
    let raw: usize = payloads.iter().map(Vec::len).sum();
    let rounds = 10;
    let cpu = Instant::now();
    let mut packed = Vec::new();
    for _ in 0..rounds {
        packed = payloads
            .iter()
            .map(|p| lz4_flex::compress_prepend_size(p))
            .collect();
    }
    let pack = cpu.elapsed().as_secs_f64() / f64::from(rounds) / spans * 1e9;
    let cpu = Instant::now();
    for _ in 0..rounds {
        for payload in &packed {
            std::hint::black_box(lz4_flex::decompress_size_prepended(payload).unwrap());
        }
    }
    let unpack = cpu.elapsed().as_secs_f64() / f64::from(rounds) / spans * 1e9;
    let small: usize = packed.iter().map(Vec::len).sum();
    println!(
        "\nLZ4 on records of 512 spans: {:.0} -> {:.0} bytes a span (ratio {:.2}), {pack:.0} ns a span to compress, {unpack:.0} to inflate",
        raw as f64 / spans,
        small as f64 / spans,
        raw as f64 / small as f64,
    );
}

fn main() {
    let folder = std::env::args().nth(1).filter(|a| !a.starts_with('-'));
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    println!("| record x group | journal | MB/s | CPU-s a GiB | sync p50 ms | sync p99 ms |");
    println!("|---|---|--:|--:|--:|--:|");
    for (record, group) in [
        (64 << 10, 1),
        (64 << 10, 8),
        (512 << 10, 1),
        (512 << 10, 4),
        (2 << 20, 1),
    ] {
        let place = tempfile::tempdir_in(&folder).unwrap();
        measure(
            "files, set aside",
            &mut files(place.path(), 4 << 20),
            record,
            group,
        );
        let place = tempfile::tempdir_in(&folder).unwrap();
        measure("files", &mut files(place.path(), 0), record, group);
        let place = tempfile::tempdir_in(&folder).unwrap();
        measure("redb", &mut redb(place.path()), record, group);
    }
    lz4();
}
