//! Keeps what is stored in order: seals generations, merges segments, lets go what is beyond the bounds.
//!
//! Two threads: one seals and lets go, one merges, so that a long merge holds no sealing up. Whatever they do counts once the manifest says
//! so: until then files are only files, and a start removes those that the manifest does not know.

mod merging;
mod retain;
mod room;
mod start;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Config;
use super::head::{Head, Index, Letters};
use super::journal::Generation;
use super::manifest::{self, Found, Manifest};
use super::metrics::Metrics;
use super::seal::{Sealed, Sealer};
use super::segment::{self, Segment};

pub(super) use retain::Bound;
pub(super) use room::Watch;
pub(super) use start::{Folders, restore};

/// How often it looks for what is too old, and tries again what failed.
const TICK: Duration = Duration::from_secs(1);

/// How far they step back: at 5 a third of the processor is left to them where all others want it too.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// Keeps what is stored in order.
pub(super) struct Keeper {
    pub(super) sealer: Sealer,
    pub(super) folders: Folders,
    pub(super) head: Arc<Head>,
    pub(super) metrics: Metrics,
    pub(super) config: Config,
    pub(super) bell: Arc<Bell>,
    pub(super) manifest: Mutex<Book>,
    /// Files whose removal failed: tried again.
    pub(super) left: Mutex<Vec<PathBuf>>,
    /// Generations that a start had no memory to read, the newest first.
    pub(super) unread: Mutex<Vec<Generation>>,
    /// Segments that could not be merged for damage: they are served as they are, and hold up no others.
    pub(super) unmergeable: Mutex<BTreeSet<u64>>,
    /// Why sealing fails, while it does.
    pub(super) failing: Mutex<Option<String>>,
    pub(super) watch: Watch,
    /// A write found no room.
    pub(super) asked: AtomicBool,
}

/// The manifest, and numbers that were given away since.
pub(super) struct Book {
    pub(super) manifest: Manifest,
    /// Numbers of files that came to nothing are not used again either.
    pub(super) next_segment: u64,
}

/// Wakes the threads that keep, and those that wait for them.
#[derive(Default)]
pub(super) struct Bell {
    state: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Default)]
struct Rung {
    /// Counts up.
    rings: u64,
    closing: bool,
}

// === impl Bell ===

impl Bell {
    /// There is something to do, or something was done.
    pub(super) fn ring(&self) {
        self.state.lock().rings += 1;
        self.changed.notify_all();
    }

    /// The threads end.
    pub(super) fn close(&self) {
        self.state.lock().closing = true;
        self.changed.notify_all();
    }

    /// For this long, or until it closes. Answers how often it rang.
    fn pause(&self, time: Duration) -> u64 {
        let until = Instant::now() + time;
        let mut state = self.state.lock();
        while !state.closing && !self.changed.wait_until(&mut state, until).timed_out() {}
        state.rings
    }

    pub(super) fn is_closing(&self) -> bool {
        self.state.lock().closing
    }

    /// Until it rings again after `seen`, closes, or the time is over. Answers how often it rang.
    pub(super) fn wait(&self, seen: u64, at_most: Duration) -> u64 {
        let mut state = self.state.lock();
        if state.rings == seen && !state.closing {
            self.changed.wait_for(&mut state, at_most);
        }
        state.rings
    }
}

// === impl Book ===

impl Book {
    /// A number that no segment had before.
    fn reserve(&mut self) -> u64 {
        let number = self.next_segment;
        self.next_segment += 1;
        number
    }
}

// === impl Keeper ===

impl Keeper {
    /// What time it is, nanoseconds since the Unix epoch.
    pub(super) fn now_ns(&self) -> u64 {
        (self.config.clock)()
    }

    /// Before the threads start: writes the manifest where it is not what counts, seals what there was no memory to read, and lets go what
    /// is beyond the bounds. Nothing of it stops a start: the threads try again.
    pub(super) fn begin(&self, changed: bool, unread: Vec<Generation>) {
        if changed {
            let mut book = self.manifest.lock();
            let manifest = book.manifest.clone();
            if let Err(error) = self.commit(&mut book, manifest) {
                tracing::warn!(%error, "could not write the manifest, it is written with the next change");
            }
        }
        *self.unread.lock() = unread;
        self.seal_unread();
        self.retain();
    }

    /// Generations that a start had no memory to read are sealed as they are.
    fn seal_unread(&self) {
        let mut unread = self.unread.lock();
        while let Some(generation) = unread.last() {
            match self.with_room(|| self.seal_generation(generation)) {
                Ok(sealed) => {
                    self.recovered();
                    let letters = self.letters_of(&sealed, 0);
                    self.head.seal(generation.number, &sealed.segments, letters);
                    self.dispose(generation, sealed.is_damaged());
                    unread.pop();
                }
                Err(error) => return self.failed(generation, &error),
            }
        }
    }

    /// Seals and lets go until the bell closes.
    pub(super) fn run_sealing(&self) {
        step_back();
        let mut seen = 0;
        while !self.bell.is_closing() {
            let mut failed = false;
            self.answer_for_room();
            self.retain();
            self.seal_unread();
            while self.config.seals
                && !self.bell.is_closing()
                && let Some(index) = self.head.oldest().map(|(index, _)| index)
                && index.is_complete()
            {
                match self.seal(&index) {
                    Ok(()) => self.recovered(),
                    Err(error) => {
                        self.failed(&index.generation, &error);
                        failed = true;
                        break;
                    }
                }
                self.retain();
                self.bell.ring();
            }
            seen = match failed {
                // our own ring is no reason to try again at once
                true => self.bell.pause(TICK),
                false => self.bell.wait(seen, TICK),
            };
        }
    }

    /// Merges until the bell closes.
    pub(super) fn run_merging(&self) {
        step_back();
        let mut seen = 0;
        while !self.bell.is_closing() {
            while !self.bell.is_closing() && self.merge() {
                self.bell.ring();
            }
            seen = self.bell.wait(seen, TICK);
        }
    }

    /// Why generations are not sealed, while they are not.
    pub(super) fn health(&self) -> Result<(), String> {
        self.failing.lock().clone().map_or(Ok(()), Err)
    }

    fn recovered(&self) {
        if self.failing.lock().take().is_some() {
            self.watch.mended();
            tracing::info!("the embedded store seals again");
        }
    }

    fn failed(&self, generation: &Generation, error: &io::Error) {
        self.metrics.seal_failures.inc();
        let reason = format!(
            "could not seal {}: {error}: see to the disk of embedded.directory; it is tried again every second",
            generation.path.display()
        );
        if self.failing.lock().replace(reason.clone()).is_none() {
            tracing::error!(
                reason,
                "the embedded store cannot seal, spans stay in the journal"
            );
            // writes that wait for it are refused now, not when their time is over
            self.bell.ring();
        }
    }

    /// Seals the oldest generation.
    fn seal(&self, index: &Index) -> io::Result<()> {
        let started = Instant::now();
        let sealed = self.with_room(|| self.seal_generation(&index.generation))?;
        if sealed.spans < index.spans() {
            self.metrics.damaged.inc();
            tracing::error!(
                file = %index.generation.path.display(),
                spans = index.spans() - sealed.spans,
                "spans that were written can no longer be read"
            );
        }
        let letters = self.letters_of(&sealed, index.dead_letters());
        self.head
            .seal(index.generation.number, &sealed.segments, letters);
        self.metrics
            .seal_seconds
            .observe(started.elapsed().as_secs_f64());
        self.dispose(
            &index.generation,
            sealed.spans < index.spans() || sealed.is_damaged(),
        );
        Ok(())
    }

    fn letters_of(&self, sealed: &Sealed, count: u64) -> Option<Letters> {
        let generation = sealed.letters.clone()?;
        Some(Letters {
            count,
            file_bytes: generation.file.len().unwrap_or_default(),
            newest_ns: self.now_ns(),
            generation,
        })
    }

    /// Writes a generation's segments and makes them count.
    fn seal_generation(&self, generation: &Generation) -> io::Result<Sealed> {
        let given = RefCell::new(Vec::new());
        let next_number = || {
            let number = self.manifest.lock().reserve();
            given.borrow_mut().push(number);
            number
        };
        let sealed = self.seal_under(generation, &next_number);
        if sealed.is_err() {
            self.clear_up(&given.take());
        }
        sealed
    }

    /// Removes what a sealing that failed left: on a full disk each try would leave more.
    fn clear_up(&self, numbers: &[u64]) {
        // a manifest that could not be made durable may count all the same
        let counts = match manifest::read(&*self.sealer.disk, &self.folders.data) {
            Ok(Found::Whole(manifest)) => numbers.iter().any(|n| manifest.segments.contains(n)),
            Ok(Found::Nothing) => false,
            Ok(Found::Damaged) | Err(_) => true,
        };
        if !counts {
            for number in numbers {
                self.remove(self.folders.segments.join(segment::name(*number)));
            }
        }
    }

    fn seal_under(
        &self,
        generation: &Generation,
        next_number: &dyn Fn() -> u64,
    ) -> io::Result<Sealed> {
        let older = self.head.segments();
        let sealed = self.sealer.seal(generation, next_number, &older)?;
        // what was let go for room meanwhile can be closed
        drop(older);
        let mut book = self.manifest.lock();
        let mut manifest = book.manifest.clone();
        manifest.sealed.insert(generation.number);
        manifest.last_generation = manifest.last_generation.max(generation.number);
        manifest
            .segments
            .extend(sealed.segments.iter().map(|s| s.number));
        self.commit(&mut book, manifest)?;
        Ok(sealed)
    }

    /// Makes `manifest` what counts.
    fn commit(&self, book: &mut Book, mut manifest: Manifest) -> io::Result<()> {
        manifest.next_segment = book.next_segment;
        manifest.write(&*self.sealer.disk, &self.folders.data)?;
        book.manifest = manifest;
        Ok(())
    }

    /// Removes the file of a sealed generation, or sets it aside.
    fn dispose(&self, generation: &Generation, damaged: bool) {
        if damaged {
            self.folders.set_aside(&*self.sealer.disk, &generation.path);
        } else {
            self.remove(generation.path.clone());
        }
        // the next manifest leaves it out once its name is durably gone; until then a start removes it again
        let gone = self.sealer.disk.sync_folder(&self.folders.journal).is_ok();
        if gone && self.left.lock().is_empty() {
            self.manifest
                .lock()
                .manifest
                .sealed
                .remove(&generation.number);
        }
    }

    fn remove(&self, path: PathBuf) {
        if let Err(error) = self.sealer.disk.remove(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(file = %path.display(), %error, "could not remove a file yet");
            self.left.lock().push(path);
        }
    }
}

/// Lets threads that somebody waits for go first. Sealing that falls behind holds writes up, which gives it its time again.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        let thread = rustix::thread::gettid();
        if let Err(error) = rustix::process::setpriority_process(Some(thread), NICE) {
            tracing::debug!(%error, "the threads that seal run at the priority of all others");
        }
    }
}

fn numbers(segments: &[Arc<Segment>]) -> BTreeSet<u64> {
    segments.iter().map(|s| s.number).collect()
}
