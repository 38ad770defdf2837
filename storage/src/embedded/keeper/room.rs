//! Keeps room free on the file system: the oldest goes before the disk is full, and again when something found no room.
//!
//! In: what the file system says, and what found no room. Out: segments that were let go, the oldest first, until as much is free as
//! `embedded.min-free-bytes` wants. Readers hold files and others use the file system too; these rules keep them from costing all history:
//!
//! - What was let go and is read here counts as free: it will be once its reader ends. A slow reader costs nothing more.
//! - Letting go that frees nothing, not even once its readers here ended, ends after a 64th of what is stored, one segment at least: another
//!   process reads the files, or takes the room at once. The next one waits, each time twice as long, until letting go frees room or there
//!   is enough.
//! - An eighth of the room that others leave (what is free, and what is stored) stays history, however much is wanted.
//! - What is not sealed yet goes only when there is no segment and sealing fails: sealing itself gives most of its room back.
//!
//! When sealing or a write found no room, one goes whatever is free: a quota, for one, is nothing that a file system tells.

use std::io;
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Keeper;
use super::retain::{Bound, Why};
use crate::disk::{self, Disk, Room};
use crate::embedded::Config;
use crate::embedded::segment::Segment;

/// How long a file system may take to give room back before it counts as not given.
const SETTLE: Duration = Duration::from_millis(100);
/// How long the next pass that lets go waits after one that freed nothing, at first.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// How long it waits at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// This part of what is stored may go in one pass without freeing anything.
const PASS_SHARE: u64 = 64;
/// This part of the room that others leave stays history.
const KEPT_SHARE: u64 = 8;

/// What is known of the room, and how letting go for it went.
#[derive(Default)]
pub(in crate::embedded) struct Watch(Mutex<State>);

#[derive(Default)]
struct State {
    /// As it was measured last.
    room: Option<Room>,
    /// It could not be measured, and that was said.
    failed: bool,
    /// How long the last one that freed nothing made the next one wait; zero: it freed something.
    pause: Duration,
    /// Until when it waits.
    until: Option<Instant>,
    /// What was let go and is read still, and its bytes.
    coming: Vec<(Weak<Segment>, u64)>,
    /// Where it was relied on that this comes: what was free then, and what was to come.
    relied: Option<(u64, u64)>,
    /// Bytes that went and freed nothing, since something did last.
    in_vain: u64,
}

// === impl Watch ===

impl Watch {
    /// Asks the file system that holds the store. `None`: it does not say, which is logged once where it matters.
    pub(in crate::embedded) fn measure(&self, disk: &dyn Disk, config: &Config) -> Option<Room> {
        let room = disk.room(&config.directory);
        let mut state = self.0.lock();
        state.room = room.as_ref().ok().copied();
        if let Err(error) = room
            && !std::mem::replace(&mut state.failed, true)
            && !config.lets_disk_fill()
        {
            tracing::warn!(
                folder = %config.directory.display(),
                %error,
                "cannot measure what is free on the file system: embedded.min-free-bytes keeps nothing free while that is so"
            );
        }
        state.room
    }

    /// This segment was let go: its room comes back once nobody has it open.
    pub(super) fn expect(&self, segment: Weak<Segment>, bytes: u64) {
        self.0.lock().coming.push((segment, bytes));
    }

    /// Bytes that come back once readers of this process end.
    fn coming(&self) -> u64 {
        let coming = &mut self.0.lock().coming;
        coming.retain(|(segment, _)| segment.strong_count() > 0);
        coming.iter().map(|(_, bytes)| bytes).sum()
    }

    /// What was measured last.
    pub(in crate::embedded) fn room(&self) -> Option<Room> {
        self.0.lock().room
    }

    /// There is room, or letting go made some: the next one need not wait.
    pub(in crate::embedded) fn mended(&self) {
        let mut state = self.0.lock();
        state.pause = Duration::ZERO;
        state.until = None;
        state.relied = None;
        state.in_vain = 0;
    }

    /// The next one waits, twice as long as the one before.
    fn hold(&self) -> Duration {
        let mut state = self.0.lock();
        state.pause = (state.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        state.until = Some(Instant::now() + state.pause);
        state.pause
    }

    /// Letting go did not help: the next one waits.
    fn pause(&self) {
        tracing::warn!(
            seconds = self.hold().as_secs(),
            "letting the oldest spans go made no room, another process reads them or takes it: the next go after a pause"
        );
    }

    /// What is to come makes up for what is missing: later it is seen whether it came.
    fn rely_on(&self, free: u64, coming: u64) {
        self.0.lock().relied = Some((free, coming));
    }

    /// So many bytes went and freed nothing. Whether that is enough, of what is stored, for the next ones to wait.
    fn went_in_vain(&self, bytes: u64, stored: u64) -> bool {
        let in_vain = &mut self.0.lock().in_vain;
        *in_vain += bytes;
        let enough = *in_vain > stored / PASS_SHARE;
        if enough {
            *in_vain = 0;
        }
        enough
    }

    /// Whether what was relied on came, once its readers ended, now that so much is free.
    fn check(&self, free: u64, stored: u64) {
        let coming = self.coming();
        let relied = self.0.lock().relied;
        if let Some((was_free, was_coming)) = relied
            && coming < was_coming
        {
            self.0.lock().relied = None;
            let came = was_coming - coming;
            if free >= was_free.saturating_add(came / 2) {
                self.mended();
            } else if self.went_in_vain(came, stored) {
                self.pause();
            }
        }
    }

    fn is_paused(&self) -> bool {
        let until = self.0.lock().until;
        until.is_some_and(|until| Instant::now() < until)
    }
}

// === impl Keeper ===

impl Keeper {
    /// Measures, and shows what came of it.
    pub(super) fn measure(&self) -> Option<Room> {
        let room = self.watch.measure(&*self.sealer.disk, &self.config);
        self.metrics.show_room(room);
        room
    }

    /// Lets the oldest segments go while less is free than is wanted. Whether any went.
    pub(super) fn retain_room(&self) -> bool {
        self.let_go_while_short(|why, goes| {
            let oldest = self.segments_by_age().into_iter().next()?;
            let bytes = oldest.file_bytes;
            (goes(bytes) && self.let_go(oldest, why)).then_some(bytes)
        })
    }

    /// The same with what is not sealed, where there is nothing else and sealing fails.
    pub(super) fn retain_room_of_journal(&self) {
        self.let_go_while_short(|why, goes| {
            if self.head.totals().segments > 0 || self.health().is_ok() {
                return None;
            }
            let (oldest, _) = self.head.oldest()?;
            let bytes = oldest.file_bytes();
            (oldest.is_complete() && goes(bytes)).then(|| {
                self.let_generation_go(oldest, why);
                bytes
            })
        });
    }

    /// Asks `step` to let one thing go, if so many bytes may go, while less is free than is wanted. Whether any went.
    fn let_go_while_short(&self, step: impl Fn(Why, &dyn Fn(u64) -> bool) -> Option<u64>) -> bool {
        let (mut any, mut settled) = (false, false);
        let mut measured = self.measure();
        if let Some(room) = measured {
            let stored = self.head.totals().disk_bytes();
            self.watch.check(room.free, stored);
        }
        while let Some(room) = measured {
            let wanted = self.config.wanted_free(room.size);
            if room.free >= wanted {
                self.watch.mended();
                break;
            }
            let coming = self.watch.coming();
            if room.free.saturating_add(coming) >= wanted {
                self.watch.rely_on(room.free, coming);
                break;
            }
            let stored = self.head.totals().disk_bytes();
            let goes = |bytes: u64| {
                stored.saturating_sub(bytes) >= room.free.saturating_add(stored) / KEPT_SHARE
            };
            if self.watch.is_paused() {
                break;
            }
            let why = Why {
                bound: Bound::Free,
                room: Some((room.free, wanted)),
            };
            let Some(bytes) = step(why, &goes) else {
                break;
            };
            any = true;
            // manifest and journal change what is free a little, too
            let expect = room.free.saturating_add(bytes / 2);
            let rose = |now: Option<Room>| now.is_some_and(|now| now.free >= expect);
            measured = self.measure();
            if self.watch.coming() > coming {
                continue;
            }
            if !rose(measured) && !settled {
                settled = true;
                self.bell.pause(SETTLE);
                measured = self.measure();
            }
            if rose(measured) {
                self.watch.mended();
            } else if self.watch.went_in_vain(bytes, stored) {
                self.watch.pause();
                break;
            }
        }
        any
    }

    /// Something found no room. Lets what leaves too little free go, or else the oldest segment. Whether it is worth trying again.
    pub(super) fn make_room(&self) -> bool {
        if self.config.lets_disk_fill() {
            return false;
        }
        if self.retain_room() {
            return true;
        }
        if self.watch.is_paused() {
            return false;
        }
        let oldest = self.segments_by_age().into_iter().next();
        oldest.is_some_and(|oldest| self.let_go(oldest, Why::of(Bound::Free)))
    }

    /// Does something that may find no room; once more when some could be made.
    pub(super) fn with_room<T>(&self, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match act() {
            Err(error) if disk::is_full(&error) && self.make_room() => {
                let again = act();
                match &again {
                    Err(error) if disk::is_full(error) => self.watch.pause(),
                    _ => self.watch.mended(),
                }
                again
            }
            other => other,
        }
    }

    /// A write found no room: the thread that lets go looks for some now.
    pub(in crate::embedded) fn ask_for_room(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.bell.ring();
    }

    /// Makes room for a write that found none. If the write goes on failing, the next segment goes after a pause.
    pub(super) fn answer_for_room(&self) {
        let asked = self.asked.swap(false, Ordering::Relaxed);
        if asked && self.make_room() {
            self.watch.hold();
        }
    }

    /// Bytes of the journal beyond which writes wait for sealing: on a small disk it must not take what is kept free.
    pub(in crate::embedded) fn journal_bytes(&self) -> u64 {
        match self.watch.room() {
            Some(room) if self.config.seals && !self.config.lets_disk_fill() => room.size / 64,
            _ => u64::MAX,
        }
    }

    /// Bytes that a merge may write: what is kept free is for the journal and for sealing first.
    pub(super) fn bytes_per_merge(&self) -> u64 {
        let kept = self.config.generation_bytes.saturating_mul(8);
        self.measure()
            .map_or(u64::MAX, |room| room.free.saturating_sub(kept) / 2)
    }
}
