//! The spool of one instance on the disk: the embedded store's journal, and how far it is drained.
//!
//! In: records, and places up to which the store has everything. Out: the records in their order, from that place on, once they are durable. A file goes only after the place behind it is
//! durable, so that a number which the place names is never given to another file. What is damaged is reported and stepped over, and its file set aside under another name.
//!
//! Deliberately absent: async, waiting, what a record means. Every call may block on the disk.

mod upto;

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;

use self::upto::Upto;
use super::position::Position;
use crate::disk::{self, Disk};
use crate::embedded::batch::SpanRecord;
use crate::embedded::journal::{
    self, AppendError, Generation, Journal, Kind, Limits, Pending, Scan, mend, scan_from,
};

/// No file is longer, whatever the shares are.
const GENERATION_BYTES: u64 = 64 << 20;
/// Room is set aside in steps of a sixteenth of a file, of this at most.
const ALLOCATE_BYTES: u64 = 1 << 20;
/// How often the place is made durable while no file goes.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// The spool of one instance.
pub(super) struct Log {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    journal: Mutex<Journal>,
    state: Mutex<State>,
    damaged: Counter,
}

/// What is there, as far as it is durable.
struct State {
    files: VecDeque<Held>,
    /// Drained, and on the disk until the place is saved.
    gone: Vec<Held>,
    /// Everything before it is in the store.
    drained: Position,
    saved: Position,
    saved_at: Instant,
    spans: u64,
    /// When the oldest of them was taken in, nanoseconds since the Unix epoch, or a little before.
    oldest_ns: u64,
}

struct Held {
    generation: Arc<Generation>,
    /// Where its records end.
    end: u64,
    /// The journal appends to it.
    is_open: bool,
    is_damaged: bool,
}

/// Records in their order.
pub(super) struct Chunk {
    /// When each was taken in, and its payload.
    pub(super) records: Vec<(u64, Bytes)>,
    /// The place behind them.
    pub(super) next: Position,
}

/// What there is to drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) spans: u64,
    /// When the oldest of them was taken in, nanoseconds since the Unix epoch, or a little before; now, when there are none.
    pub(super) oldest_ns: u64,
}

// === impl Log ===

impl Log {
    /// What is in `folder`, which is made when missing, with the bytes that its files take. Files get about `file_bytes` long.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        file_bytes: u64,
        now_ns: u64,
        damaged: Counter,
    ) -> io::Result<(Self, u64)> {
        make_durable(&*disk, &folder)?;
        let drained = Position::read(&*disk, &folder)?;
        let mut state = State {
            files: VecDeque::new(),
            gone: Vec::new(),
            drained,
            saved: drained,
            saved_at: Instant::now(),
            spans: 0,
            oldest_ns: now_ns,
        };
        let numbers = journal::numbers(&*disk, &folder)?;
        let newest = numbers.last().copied().unwrap_or_default();
        let (mut end, mut sequence) = (0, 0);
        // until where the file before was durable, by what the later one says
        let mut later: Option<(u64, u64)> = None;
        for number in numbers.into_iter().rev() {
            let path = journal::path(&folder, number);
            if number < drained.generation {
                remove(&*disk, &path);
                continue;
            }
            let generation = match journal::open(&*disk, &folder, number) {
                Ok(generation) => generation,
                // what nobody can say to be damaged is not passed over: it is tried again, before anything newer is drained
                Err(error) if disk::may_pass(&error) => return Err(error),
                Err(error) => {
                    mend::leave(&path, "open", &error, &damaged);
                    // under its own name it would count as drained when newer ones are
                    set_aside(&*disk, &path);
                    continue;
                }
            };
            let scan = state.count(&generation, drained, &damaged);
            sequence = sequence.max(scan.sequence);
            if number == newest {
                end = scan.end;
            }
            if let Some(error) = &scan.unreadable {
                mend::leave(&path, "read", error, &damaged);
            } else if number == newest && !mend::is_ruined(&scan) {
                mend::cut_tail(&generation, &scan)?;
            }
            let durable = later.filter(|(of, _)| *of == number).map(|(_, end)| end);
            mend::report(&generation, &scan, durable, &damaged);
            later = scan
                .header
                .map(|h| (h.number.saturating_sub(1), h.previous_end));
            let durable = durable.unwrap_or_default().max(scan.durable_end);
            let is_damaged = scan.unreadable.is_some()
                || mend::is_ruined(&scan)
                || durable > scan.end
                || scan.holes.iter().any(|hole| hole.offset < durable);
            let held = Held {
                end: scan.end,
                is_open: false,
                is_damaged,
                generation: Arc::new(generation),
            };
            if scan.records > 0 {
                state.files.push_front(held);
            } else {
                state.gone.push(held);
            }
        }
        // a number is not used again, though the file that had it is gone
        let last = newest.max(drained.generation);
        let limits = Limits {
            generation_bytes: GENERATION_BYTES,
            allocate_bytes: (file_bytes / 16).min(ALLOCATE_BYTES),
        };
        let journal = Journal::new(disk.clone(), &folder, limits, last, end, sequence);
        let log = Self {
            disk,
            folder,
            journal: Mutex::new(journal),
            state: Mutex::new(state),
            damaged,
        };
        log.let_go();
        let bytes = log.state.lock().files.iter().map(|held| held.end).sum();
        Ok((log, bytes))
    }

    /// Appends `records`, which hold so many `spans`, and syncs. The bytes that its files take more for it. The file before ends when it would get longer than `file_bytes`.
    pub(super) fn append(
        &self,
        records: &mut [Pending],
        spans: u64,
        file_bytes: u64,
    ) -> Result<u64, AppendError> {
        let mut journal = self.journal.lock();
        let received_ns = records.first().map_or(0, Pending::received_ns);
        let bytes: u64 = records.iter().map(Pending::record_len).sum();
        let is_full = {
            let state = self.state.lock();
            let open = state.files.back().filter(|held| held.is_open);
            open.is_some_and(|held| held.end + bytes > file_bytes)
        };
        if is_full {
            self.end_file_of(&mut journal);
        }
        let appended = journal.append(records)?;
        let mut state = self.state.lock();
        if state.spans == 0 {
            state.oldest_ns = received_ns;
        }
        state.spans += spans;
        let number = appended.generation.number;
        match state.files.back_mut() {
            Some(held) if held.generation.number == number => {
                let more = appended.end - held.end;
                held.end = appended.end;
                Ok(more)
            }
            before => {
                if let Some(before) = before {
                    before.is_open = false;
                }
                state.files.push_back(Held {
                    generation: appended.generation,
                    end: appended.end,
                    is_open: true,
                    is_damaged: false,
                });
                Ok(appended.end)
            }
        }
    }

    /// Whether there is room on the disk, as far as setting `bytes` aside can tell.
    pub(super) fn probe(&self, bytes: u64) -> Result<(), AppendError> {
        self.journal.lock().probe(bytes)
    }

    /// Where draining goes on.
    pub(super) fn drained(&self) -> Position {
        self.state.lock().drained
    }

    /// Whether there are records from `from` on.
    pub(super) fn has_more(&self, from: Position) -> bool {
        let state = self.state.lock();
        state.files.back().is_some_and(|held| {
            let number = held.generation.number;
            number > from.generation || (number == from.generation && held.end > from.offset)
        })
    }

    /// About `max_bytes` of records from `from` on, one at least; `None`: there are none yet.
    pub(super) fn read(&self, from: Position, max_bytes: usize) -> Option<Chunk> {
        let mut from = from;
        loop {
            let (generation, end) = {
                let state = self.state.lock();
                let mut files = state.files.iter();
                let held = files.find(|held| {
                    let number = held.generation.number;
                    number > from.generation
                        || (number == from.generation && from.offset < held.end)
                })?;
                (held.generation.clone(), held.end)
            };
            let number = generation.number;
            let offset = if number == from.generation {
                from.offset
            } else {
                0
            };
            let (mut records, mut bytes, mut next) = (Vec::new(), 0, None);
            let upto = Upto {
                file: &*generation.file,
                end,
            };
            let scan = scan_from(&upto, offset, |visit| {
                let header = visit.header;
                if header.kind == Kind::Spans as u8 {
                    bytes += visit.payload.len();
                    records.push((header.received_ns, Bytes::copy_from_slice(visit.payload)));
                }
                if bytes < max_bytes {
                    return ControlFlow::Continue(());
                }
                let behind = visit.offset + visit.payload.len() as u64;
                next = Some(behind.next_multiple_of(8).min(end));
                ControlFlow::Break(())
            });
            if let Some(error) = &scan.unreadable {
                mend::leave(&generation.path, "read", error, &self.damaged);
                self.set_damaged(number);
            } else if !scan.holes.is_empty() || (next.is_none() && scan.end < end) {
                self.damaged.inc();
                tracing::error!(file = %generation.path.display(), after = offset, "records of the spool are damaged: the rest is sent");
                self.set_damaged(number);
            }
            from = Position {
                generation: number,
                offset: next.unwrap_or(end),
            };
            if !records.is_empty() {
                return Some(Chunk {
                    records,
                    next: from,
                });
            }
        }
    }

    /// Sets the file aside, once it is drained, that has this number.
    pub(super) fn set_damaged(&self, number: u64) {
        let mut state = self.state.lock();
        let mut files = state.files.iter_mut();
        if let Some(held) = files.find(|held| held.generation.number == number) {
            held.is_damaged = true;
        }
    }

    /// The store has everything before `to`: so many spans more, the last of which were taken in then. The bytes of files that are let go of with that, once it is durable.
    pub(super) fn advance(&self, to: Position, spans: u64, newest_ns: u64) -> u64 {
        let (is_due, before) = {
            let mut state = self.state.lock();
            state.drained = to;
            state.spans = state.spans.saturating_sub(spans);
            state.oldest_ns = state.oldest_ns.max(newest_ns);
            state.retire();
            let is_due = !state.gone.is_empty() || state.saved_at.elapsed() >= SAVE_EVERY;
            (is_due, state.gone_bytes())
        };
        if is_due {
            self.save();
        }
        before - self.state.lock().gone_bytes().min(before)
    }

    /// Makes the place durable, if it is not, and lets go of files that are drained. The bytes of these.
    pub(super) fn save(&self) -> u64 {
        let (drained, is_saved, before) = {
            let mut state = self.state.lock();
            state.saved_at = Instant::now();
            (
                state.drained,
                state.saved == state.drained,
                state.gone_bytes(),
            )
        };
        if !is_saved {
            if let Err(error) = drained.save(&*self.disk, &self.folder) {
                tracing::warn!(folder = %self.folder.display(), %error, "could not save how far the spool is drained: a restart sends more again, and it is stored once");
                return 0;
            }
            self.state.lock().saved = drained;
        }
        self.let_go();
        before - self.state.lock().gone_bytes().min(before)
    }

    /// Whether the place is not durable yet.
    pub(super) fn is_unsaved(&self) -> bool {
        let state = self.state.lock();
        state.saved != state.drained
    }

    /// Whether all is drained, and a file of at least so many bytes is still there.
    pub(super) fn is_idle_beyond(&self, bytes: u64) -> bool {
        let state = self.state.lock();
        state.is_drained() && state.files.iter().map(|held| held.end).sum::<u64>() > bytes
    }

    /// Ends the current file, so that it can go once it is drained. The bytes of what went.
    pub(super) fn end_file(&self) -> u64 {
        self.end_file_of(&mut self.journal.lock());
        self.state.lock().retire();
        self.save()
    }

    fn end_file_of(&self, journal: &mut Journal) {
        journal.rotate();
        if let Some(held) = self.state.lock().files.back_mut() {
            held.is_open = false;
        }
    }

    /// What there is to drain.
    pub(super) fn level(&self) -> Level {
        let state = self.state.lock();
        Level {
            spans: state.spans,
            oldest_ns: state.oldest_ns,
        }
    }

    /// Ends it in good order; `is_poisoned`: nothing more may be written, not even that. The bytes of files that went.
    pub(super) fn close(&self, is_poisoned: bool) -> u64 {
        if self.is_idle_beyond(0) {
            return self.end_file();
        }
        let mut journal = self.journal.lock();
        if is_poisoned {
            journal.rotate();
        } else {
            journal.close();
        }
        drop(journal);
        self.save()
    }

    /// Removes what is drained. What is damaged stays, under another name.
    fn let_go(&self) {
        let gone = std::mem::take(&mut self.state.lock().gone);
        for held in gone {
            let path = &held.generation.path;
            if !held.is_damaged {
                remove(&*self.disk, path);
                continue;
            }
            set_aside(&*self.disk, path);
        }
    }
}

// === impl State ===

impl State {
    /// Counts what is to be drained of a file.
    fn count(&mut self, generation: &Generation, drained: Position, damaged: &Counter) -> Scan {
        let from = if generation.number == drained.generation {
            drained.offset
        } else {
            0
        };
        scan_from(&*generation.file, from, |visit| {
            let header = visit.header;
            if header.kind == Kind::Spans as u8 {
                match SpanRecord::decode(visit.payload) {
                    Ok(record) => {
                        self.spans += record.len();
                        self.oldest_ns = self.oldest_ns.min(header.received_ns);
                    }
                    Err(error) => {
                        damaged.inc();
                        tracing::error!(file = %generation.path.display(), offset = visit.offset, %error, "set aside a record of the spool");
                    }
                }
            }
            ControlFlow::Continue(())
        })
    }

    /// Moves files that are drained to those that are to go.
    fn retire(&mut self) {
        while let Some(held) = self.files.front() {
            let number = held.generation.number;
            let Position { generation, offset } = self.drained;
            let is_drained = number < generation || (number == generation && offset >= held.end);
            if held.is_open || !is_drained {
                break;
            }
            self.gone.extend(self.files.pop_front());
        }
    }

    fn gone_bytes(&self) -> u64 {
        self.gone.iter().map(|held| held.end).sum()
    }

    fn is_drained(&self) -> bool {
        let Position { generation, offset } = self.drained;
        self.files.back().is_none_or(|held| {
            let number = held.generation.number;
            number < generation || (number == generation && offset >= held.end)
        })
    }
}

/// Makes the folder of an instance, its namespace's and the one of both, and their names durable.
fn make_durable(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    disk.create_folder(folder)?;
    for above in folder.ancestors().skip(1).take(2) {
        disk.sync_folder(above)?;
    }
    disk.sync_folder(folder)
}

fn set_aside(disk: &dyn Disk, path: &Path) {
    let aside = path.with_extension("damaged");
    let renamed = disk.rename(path, &aside);
    tracing::warn!(file = %aside.display(), ?renamed, "a damaged file of the spool is set aside for somebody to look at");
}

fn remove(disk: &dyn Disk, path: &Path) {
    if let Err(error) = disk.remove(path) {
        tracing::debug!(file = %path.display(), %error, "could not remove a drained file of the spool yet");
    }
}
