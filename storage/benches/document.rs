//! What a span costs on its way into an index and out of an answer: `cargo bench -p storage --bench document`.
//!
//! Prints nanoseconds, allocations and bytes of a document for each way to write it, and for reading, in batches of 512 spans of 11 attributes
//! that share a resource of 8. Each number is the best of many rounds: the others had company.
#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark: it counts allocations, prints, and stops at what is wrong"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use model::{Batch, Buffer};
use storage::elasticsearch::config::{Documents, TagValues, TagsAsFields};
use storage::elasticsearch::document::{Decoder, Encoder, KeyBook, Source};

#[allow(dead_code)]
#[path = "support/spans.rs"]
mod spans;

/// Counts what is allocated.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands everything on to the system's allocator, and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROUNDS: usize = 400;

fn measure(name: &str, spans: usize, mut run: impl FnMut() -> usize) {
    let (mut best, mut allocations, mut bytes) = (u128::MAX, u64::MAX, 0);
    for _ in 0..ROUNDS {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let started = Instant::now();
        bytes = run();
        best = best.min(started.elapsed().as_nanos());
        allocations = allocations.min(ALLOCATIONS.load(Ordering::Relaxed) - before);
    }
    let each = |total: f64| total / spans as f64;
    println!(
        "{name:24} {:8.0} ns  {:6.2} allocations  {:6.0} bytes",
        each(best as f64),
        each(allocations as f64),
        each(bytes as f64),
    );
}

/// A document a line, as in a bulk; as in an answer, commas between them.
fn write(batch: &Batch, documents: &Documents, keys: &KeyBook, end: u8, out: &mut Vec<u8>) {
    let mut encoder = Encoder::new(documents, keys);
    for span in batch.spans.iter() {
        black_box(encoder.encode("jaeger-span-2026-11-23", span, out));
        out.push(end);
    }
}

fn main() {
    let batch = spans::batches(5, 1, 512).remove(0);
    let count = batch.len();
    let text = Documents {
        tag_values: TagValues::String,
        ..Documents::default()
    };
    let fields = Documents {
        tags_as_fields: TagsAsFields {
            all: true,
            ..TagsAsFields::default()
        },
        ..Documents::default()
    };
    for (name, documents) in [
        ("write", &Documents::default()),
        ("write, text values", &text),
        ("write, tags as fields", &fields),
    ] {
        let keys = KeyBook::new(documents.tags_as_fields.max_keys);
        let mut out = Vec::with_capacity(2 << 20);
        measure(name, count, || {
            out.clear();
            write(&batch, documents, &keys, b'\n', &mut out);
            out.len()
        });
    }
    for (name, documents) in [
        ("read", &Documents::default()),
        ("read, tags as fields", &fields),
    ] {
        let mut json = b"[".to_vec();
        write(&batch, documents, &KeyBook::new(0), b',', &mut json);
        json.pop();
        json.push(b']');
        let buffer = Buffer::new(Bytes::from(json)).unwrap();
        measure(name, count, || {
            let sources: Vec<Source<'_>> = serde_json::from_slice(buffer.as_bytes()).unwrap();
            let mut decoder = Decoder::new(&buffer, documents);
            for source in sources {
                black_box(decoder.span("i", "1", source).unwrap());
            }
            buffer.as_bytes().len()
        });
    }
}
