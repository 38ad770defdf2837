//! Keeps the store within its bounds by letting the oldest go: by age, by bytes on disk, and for what is free there. Counted and logged.
//!
//! A namespace may have bounds of its own. A segment's age is that of the span in it that was taken in last. What was taken in lately and
//! is not sealed yet goes by bytes only when there is nothing else. How room is kept free: `room`.

use std::io;
use std::sync::Arc;

use super::Keeper;
use crate::disk;
use crate::embedded::forgotten;
use crate::embedded::head::Index;
use crate::embedded::journal::Generation;
use crate::embedded::segment::Segment;

/// What leaves no room for the oldest spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::embedded) enum Bound {
    /// `embedded.max-age`.
    Age,
    /// `embedded.max-bytes`.
    Bytes,
    /// `embedded.namespace-max-bytes`.
    NamespaceBytes,
    /// `embedded.min-free-bytes`.
    Free,
}

/// Why something is let go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Why {
    pub(super) bound: Bound,
    /// How many bytes were free, and how many are wanted, where it is for room.
    pub(super) room: Option<(u64, u64)>,
}

impl Keeper {
    /// Lets go what is beyond the bounds.
    pub(in crate::embedded) fn retain(&self) {
        let left = std::mem::take(&mut *self.left.lock());
        left.into_iter().for_each(|path| self.remove(path));
        self.retain_letters();
        while let Some((segment, bound)) = self.segment_beyond() {
            if !self.let_go(segment, Why::of(bound)) {
                break;
            }
        }
        self.retain_generations();
        self.retain_room();
        self.retain_room_of_journal();
        self.metrics.show(&self.head.totals());
    }

    /// Whether even the namespace that is kept longest would let it go.
    fn is_too_old(&self, newest_ns: u64) -> bool {
        self.now_ns().saturating_sub(newest_ns) > self.config.longest_age_ns()
    }

    fn has_too_many_bytes(&self) -> bool {
        self.config.max_bytes > 0 && self.head.totals().disk_bytes() > self.config.max_bytes
    }

    /// Bytes that all of it may take; `u64::MAX`: no limit. No more than the file system has, unless that may fill up.
    pub(super) fn bytes_for_all(&self) -> u64 {
        let size = match self.watch.room() {
            Some(room) if !self.config.lets_disk_fill() => room.size,
            _ => u64::MAX,
        };
        match self.config.max_bytes {
            0 => size,
            max => max.min(size),
        }
    }

    /// Segments, the one whose spans were taken in first before the others.
    pub(super) fn segments_by_age(&self) -> Vec<Arc<Segment>> {
        let mut segments = self.head.segments();
        segments.sort_by_key(|s| s.summary.received_ns.1);
        segments
    }

    /// The oldest segment that is beyond a bound.
    fn segment_beyond(&self) -> Option<(Arc<Segment>, Bound)> {
        let segments = self.segments_by_age();
        let now = self.now_ns();
        let is_too_old = |s: &&Arc<Segment>| {
            let age = now.saturating_sub(s.summary.received_ns.1);
            age > self.config.max_age_ns(&s.summary.instance)
        };
        if let Some(segment) = segments.iter().find(is_too_old) {
            return Some((segment.clone(), Bound::Age));
        }
        for (namespace, bounds) in &self.config.namespaces {
            let is_its = |s: &&Arc<Segment>| s.summary.instance.namespace() == namespace;
            let bytes: u64 = segments.iter().filter(is_its).map(|s| s.file_bytes).sum();
            if bounds.max_bytes > 0 && bytes > bounds.max_bytes {
                let oldest = segments.iter().find(is_its)?;
                return Some((oldest.clone(), Bound::NamespaceBytes));
            }
        }
        let oldest = segments.into_iter().next()?;
        self.has_too_many_bytes().then_some((oldest, Bound::Bytes))
    }

    /// Lets a segment go. Whether it went. Its file is closed then, unless somebody reads it: only that gives its room back.
    pub(super) fn let_go(&self, segment: Arc<Segment>, why: Why) -> bool {
        let file = segment.path.display().to_string();
        let instance = segment.summary.instance.clone();
        let spans = segment.summary.spans;
        let (read, bytes) = (Arc::downgrade(&segment), segment.file_bytes);
        if let Err(error) = self.let_segment_go(segment) {
            tracing::warn!(file, %error, "could not let the oldest spans go");
            return false;
        }
        self.watch.expect(read, bytes);
        self.metrics.retired_spans(why.bound).inc_by(spans);
        let (free, wanted) = why.room.unzip();
        tracing::info!(
            file,
            %instance,
            spans,
            reason = why.bound.setting(),
            free,
            wanted,
            "let the oldest spans go"
        );
        true
    }

    fn let_segment_go(&self, segment: Arc<Segment>) -> io::Result<()> {
        let mut book = self.manifest.lock();
        let mut manifest = book.manifest.clone();
        manifest.segments.remove(&segment.number);
        let path = segment.path.clone();
        match self.commit(&mut book, manifest.clone()) {
            // there is no room to write that there will be room: remove first, a start takes a missing segment for what it is
            Err(error) if disk::is_full(&error) => {
                self.sealer.disk.remove(&path)?;
                self.head.replace(std::slice::from_ref(&segment), &[]);
                drop(segment);
                if let Err(error) = self.commit(&mut book, manifest.clone()) {
                    tracing::warn!(%error, "could not write the manifest, it is written with the next change");
                    book.manifest = manifest;
                }
                return Ok(());
            }
            other => other?,
        }
        self.head.replace(std::slice::from_ref(&segment), &[]);
        drop(book);
        self.remove(path);
        Ok(())
    }

    /// Dead letters of sealed generations go by age, or when they alone have too many bytes.
    fn retain_letters(&self) {
        for letters in self.head.letters() {
            let too_many = || {
                let all = self.head.letters();
                let bytes: u64 = all.iter().map(|l| l.file_bytes).sum();
                bytes > self.bytes_for_all() / 8
            };
            if !self.is_too_old(letters.newest_ns) && !too_many() {
                return;
            }
            tracing::info!(
                file = %letters.generation.path.display(),
                dead_letters = letters.count,
                "let the oldest dead letters go"
            );
            self.head.remove_letters(letters.generation.number);
            self.remove(letters.generation.path.clone());
            self.remove(forgotten::path(
                &self.folders.letters,
                letters.generation.number,
            ));
        }
    }

    /// Generations that are complete and not sealed yet.
    fn retain_generations(&self) {
        while let Some((oldest, _)) = self.head.oldest()
            && oldest.is_complete()
        {
            let bound = if self.is_too_old(oldest.newest_ns()) {
                Bound::Age
            } else if self.has_too_many_bytes() && self.head.totals().segments == 0 {
                Bound::Bytes
            } else {
                return;
            };
            self.let_generation_go(oldest, Why::of(bound));
        }
    }

    /// Lets the oldest generation go, which `oldest` is.
    pub(super) fn let_generation_go(&self, oldest: Arc<Index>, why: Why) {
        self.head.pop_oldest();
        let (bound, spans) = (why.bound, oldest.spans());
        self.metrics.retired_spans(bound).inc_by(spans);
        let (free, wanted) = why.room.unzip();
        tracing::info!(
            file = %oldest.generation.path.display(),
            spans,
            dead_letters = oldest.dead_letters(),
            reason = bound.setting(),
            free,
            wanted,
            "let the oldest spans go"
        );
        let Generation { path, number, .. } = &*oldest.generation;
        let (path, list) = (
            path.clone(),
            forgotten::path(&self.folders.letters, *number),
        );
        // its room comes back once it is closed
        drop(oldest);
        self.remove(path);
        self.remove(list);
    }
}

// === impl Why ===

impl Why {
    /// A bound that is none of room.
    pub(super) fn of(bound: Bound) -> Self {
        Self { bound, room: None }
    }
}

// === impl Bound ===

impl Bound {
    pub(in crate::embedded) const ALL: [Self; 4] =
        [Self::Age, Self::Bytes, Self::NamespaceBytes, Self::Free];

    /// The word that counts it in metrics.
    pub(in crate::embedded) fn label(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Bytes => "bytes",
            Self::NamespaceBytes => "namespace-bytes",
            Self::Free => "free",
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Self::Age => "embedded.max-age or embedded.namespace-max-age",
            Self::Bytes => "embedded.max-bytes",
            Self::NamespaceBytes => "embedded.namespace-max-bytes",
            Self::Free => "embedded.min-free-bytes",
        }
    }
}
