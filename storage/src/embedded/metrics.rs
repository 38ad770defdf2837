//! What the embedded store shows an operator.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::head::Totals;
use super::keeper::Bound;
use crate::disk::Room;

/// Numbers for an operator. Clones are the same numbers.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    journal_bytes: Gauge<u64, AtomicU64>,
    generations: Gauge<u64, AtomicU64>,
    head_bytes: Gauge<u64, AtomicU64>,
    spans: Gauge<u64, AtomicU64>,
    dead_letters: Gauge<u64, AtomicU64>,
    poisoned: Gauge<u64, AtomicU64>,
    disk_free_bytes: Gauge<u64, AtomicU64>,
    disk_size_bytes: Gauge<u64, AtomicU64>,
    /// Time of an append and its sync.
    pub(crate) sync_seconds: Histogram,
    /// Records, or runs of bytes where records should be, that cannot be read.
    pub(crate) damaged: Counter,
    retired_spans: Family<ByReason, Counter>,
    /// Groups of writes that found no room.
    pub(crate) refused: Counter,
    segments: Gauge<u64, AtomicU64>,
    segment_bytes: Gauge<u64, AtomicU64>,
    segment_spans: Gauge<u64, AtomicU64>,
    archive_bytes: Gauge<u64, AtomicU64>,
    archive_spans: Gauge<u64, AtomicU64>,
    /// Time to seal a generation.
    pub(crate) seal_seconds: Histogram,
    /// Generations that could not be sealed, each try counted.
    pub(crate) seal_failures: Counter,
    /// Merges of segments.
    pub(crate) merges: Counter,
    /// Merges that failed.
    pub(crate) merge_failures: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

// === impl Metrics ===

impl Metrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let gauges = [
            (
                "spoor_embedded_journal_bytes",
                "Bytes of the embedded store's journal, which holds what is not sealed yet",
                &self.journal_bytes,
            ),
            (
                "spoor_embedded_generations",
                "Files of the embedded store's journal",
                &self.generations,
            ),
            (
                "spoor_embedded_head_bytes",
                "Bytes of memory that the embedded store's index takes",
                &self.head_bytes,
            ),
            (
                "spoor_embedded_spans",
                "Spans that the embedded store keeps, equal ones counted each time they came",
                &self.spans,
            ),
            (
                "spoor_embedded_segments",
                "Segments of the embedded store",
                &self.segments,
            ),
            (
                "spoor_embedded_segment_bytes",
                "Bytes of the embedded store's segments, dead letters of sealed files included",
                &self.segment_bytes,
            ),
            (
                "spoor_embedded_segment_spans",
                "Spans in the embedded store's segments",
                &self.segment_spans,
            ),
            (
                "spoor_embedded_archive_bytes",
                "Bytes of the embedded store's archive, which count towards no bound",
                &self.archive_bytes,
            ),
            (
                "spoor_embedded_archive_spans",
                "Spans in the embedded store's archive",
                &self.archive_spans,
            ),
            (
                "spoor_embedded_dead_letters",
                "Dead letters that the embedded store keeps",
                &self.dead_letters,
            ),
            (
                "spoor_embedded_poisoned",
                "1 once a failed sync ended all writing, until the store is opened again",
                &self.poisoned,
            ),
            (
                "spoor_embedded_disk_free_bytes",
                "Bytes that are free on the file system of the embedded store, 0 when it does not say",
                &self.disk_free_bytes,
            ),
            (
                "spoor_embedded_disk_size_bytes",
                "Bytes of the file system of the embedded store, 0 when it does not say",
                &self.disk_size_bytes,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "spoor_embedded_sync_seconds",
            "Time to append a group of writes to the journal and sync it",
            self.sync_seconds.clone(),
        );
        registry.register(
            "spoor_embedded_retired_spans",
            "Spans that were let go to stay within age or bytes on disk, or to keep some free",
            self.retired_spans.clone(),
        );
        registry.register(
            "spoor_embedded_seal_seconds",
            "Time to seal a file of the journal into segments",
            self.seal_seconds.clone(),
        );
        let counters = [
            (
                "spoor_embedded_damaged_records",
                "Records, segments or blocks that could not be read and were set aside",
                &self.damaged,
            ),
            (
                "spoor_embedded_seal_failures",
                "Tries to seal a file of the journal that failed",
                &self.seal_failures,
            ),
            (
                "spoor_embedded_merges",
                "Merges of segments into one",
                &self.merges,
            ),
            (
                "spoor_embedded_merge_failures",
                "Merges of segments that failed",
                &self.merge_failures,
            ),
            (
                "spoor_embedded_refused_groups",
                "Groups of writes that found no room on the disk",
                &self.refused,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
    }

    /// Shows sums over all generations.
    pub(crate) fn show(&self, totals: &Totals) {
        self.journal_bytes.set(totals.file_bytes);
        self.generations.set(totals.generations as u64);
        self.head_bytes.set(totals.bytes as u64);
        self.spans.set(totals.spans);
        self.dead_letters.set(totals.dead_letters);
        self.segments.set(totals.segments as u64);
        self.segment_bytes.set(totals.sealed_bytes);
        self.segment_spans.set(totals.sealed_spans);
    }

    /// Shows the room of the file system.
    pub(crate) fn show_room(&self, room: Option<Room>) {
        self.disk_free_bytes.set(room.map_or(0, |r| r.free));
        self.disk_size_bytes.set(room.map_or(0, |r| r.size));
    }

    /// Bytes that are free and bytes of all, as they are shown.
    #[cfg(test)]
    pub(crate) fn shown_room(&self) -> (u64, u64) {
        (self.disk_free_bytes.get(), self.disk_size_bytes.get())
    }

    /// Those of the archive: nobody is shown them but for damage, which counts as one.
    pub(crate) fn of_archive(&self) -> Self {
        Self {
            damaged: self.damaged.clone(),
            ..Self::default()
        }
    }

    /// Shows what is in the archive.
    pub(crate) fn show_archive(&self, totals: &Totals) {
        self.archive_bytes.set(totals.disk_bytes());
        self.archive_spans.set(totals.spans);
    }

    /// Spans let go to stay within this bound.
    pub(super) fn retired_spans(&self, bound: Bound) -> Counter {
        let reason = bound.label();
        self.retired_spans.get_or_create_owned(&ByReason { reason })
    }

    /// Shows that all writing ended.
    pub(crate) fn set_poisoned(&self) {
        self.poisoned.set(1);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            journal_bytes: Gauge::default(),
            generations: Gauge::default(),
            head_bytes: Gauge::default(),
            spans: Gauge::default(),
            dead_letters: Gauge::default(),
            poisoned: Gauge::default(),
            disk_free_bytes: Gauge::default(),
            disk_size_bytes: Gauge::default(),
            // 0.1 ms to 3.3 s
            sync_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            damaged: Counter::default(),
            retired_spans: Family::default(),
            refused: Counter::default(),
            segments: Gauge::default(),
            segment_bytes: Gauge::default(),
            segment_spans: Gauge::default(),
            archive_bytes: Gauge::default(),
            archive_spans: Gauge::default(),
            // 4 ms to 65 s
            seal_seconds: Histogram::new(exponential_buckets(0.004, 2.0, 15)),
            seal_failures: Counter::default(),
            merges: Counter::default(),
            merge_failures: Counter::default(),
        };
        for bound in Bound::ALL {
            metrics.retired_spans(bound);
        }
        metrics
    }
}
