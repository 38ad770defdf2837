//! A disk in memory that can lose power: what was not synced survives in part, by sectors and by names, as chance has it.
//!
//! In: a seed and faults to come. Out: the same run for the same seed and the same order of calls. What was synced survives; of what was
//! not, any subset of 512-byte sectors, any length between the old and the new one, and any subset of a folder's changes of names.
//!
//! Source of the model: `fsync(2)` and `rename(2)` promise no more than this.

mod state;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use self::state::{Chance, Change, Content, Fault, State};
use super::{Disk, File, Lock, Room};

/// How large a disk is whose room nobody limits.
const UNLIMITED: usize = 1 << 50;

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

struct SimulatedFile {
    disk: SimulatedDisk,
    index: usize,
}

struct Held {
    disk: SimulatedDisk,
    path: PathBuf,
}

// === impl SimulatedDisk ===

impl SimulatedDisk {
    /// An empty disk whose power cuts are decided by `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            chance: Chance(seed),
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            pending: Vec::new(),
            folders: BTreeSet::new(),
            locked: BTreeSet::new(),
            open: BTreeMap::new(),
            operations: 0,
            off: false,
            off_at: None,
            faults: HashMap::new(),
            capacity: None,
            ignore_syncs: false,
            syncs: 0,
            stalled: false,
        })))
    }

    /// Makes every later sync a lie: it answers success and does nothing.
    pub fn ignore_syncs(&self) {
        self.0.lock().ignore_syncs = true;
    }

    /// Loses power at the `operations`-th operation from now on, in its middle.
    pub fn lose_power_after(&self, operations: u64) {
        let mut state = self.0.lock();
        state.off_at = Some(state.operations + operations);
    }

    /// From the `after`-th call of `verb` (`write`, `sync`, `sync_folder`, `create`, `preallocate`, `read`, `room`) from now on, every such call fails.
    pub fn fail(&self, verb: &'static str, after: u64, kind: io::ErrorKind) {
        self.0.lock().faults.insert(verb, Fault { after, kind });
    }

    /// No sync of a file ends until [`SimulatedDisk::mend`].
    pub fn stall_syncs(&self) {
        self.0.lock().stalled = true;
    }

    /// No more faults, no more limit of room.
    pub fn mend(&self) {
        let mut state = self.0.lock();
        state.faults.clear();
        state.capacity = None;
        state.stalled = false;
    }

    /// Bounds the room of all files together, in bytes. A file that was removed takes room as long as somebody has it open.
    pub fn limit_room(&self, bytes: usize) {
        self.0.lock().capacity = Some(bytes);
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// How many syncs of files there were.
    pub fn syncs(&self) -> u64 {
        self.0.lock().syncs
    }

    /// Whether the power is gone.
    pub fn is_off(&self) -> bool {
        self.0.lock().off
    }

    /// The names of all files.
    pub fn files(&self) -> Vec<PathBuf> {
        self.0.lock().names.keys().cloned().collect()
    }

    /// A file's bytes.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.0.lock();
        let index = state.names.get(path)?;
        state.files.get(*index).map(|c| c.now.clone())
    }

    /// Puts bytes into a file behind the back of who uses it, durably: damage.
    pub fn overwrite(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.0.lock();
        let index = state.add(path.to_owned());
        if let Some(content) = state.files.get_mut(index) {
            content.now = bytes.to_vec();
            content.durable = bytes.to_vec();
            content.dirty.clear();
        }
        state.durable_names.insert(path.to_owned(), index);
    }

    /// The same disk after the power came back. This one stays off: who still holds it gets errors.
    #[must_use]
    pub fn reboot(&self) -> Self {
        let mut state = self.0.lock();
        state.off = true;
        state.settle();
        let seed = state.chance.next();
        let next = Self::new(seed);
        {
            let mut after = next.0.lock();
            after.files = state
                .files
                .iter()
                .map(|c| Content {
                    now: c.durable.clone(),
                    ..c.clone()
                })
                .collect();
            after.names = state.durable_names.clone();
            after.durable_names = state.durable_names.clone();
            after.folders = state.folders.clone();
        }
        next
    }

    /// A copy as it is now, without faults, whose power never failed: what a killed process leaves behind.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let mut state = self.0.lock();
        state.off = true;
        let seed = state.chance.next();
        let next = Self::new(seed);
        {
            let mut after = next.0.lock();
            after.files = state.files.clone();
            after.names = state.names.clone();
            after.durable_names = state.durable_names.clone();
            after.pending = state.pending.clone();
            after.folders = state.folders.clone();
        }
        next
    }
}

impl Disk for SimulatedDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.step("create_folder")?;
        state
            .folders
            .extend(path.ancestors().map(Path::to_path_buf));
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut state = self.0.lock();
        state.step("create")?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let index = state.add(path.to_owned());
        Ok(self.file(&mut state, index))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut state = self.0.lock();
        state.step("open")?;
        match state.names.get(path).copied() {
            Some(index) => Ok(self.file(&mut state, index)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut state = self.0.lock();
        state.step("list")?;
        if !state.folders.contains(folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let entries = state.names.keys().chain(&state.folders);
        Ok(entries
            .filter(|p| p.parent() == Some(folder))
            .filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned()))
            .collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.step("rename")?;
        let Some(index) = state.names.remove(from) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        state.names.insert(to.to_owned(), index);
        state
            .pending
            .push(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.step("remove")?;
        if state.names.remove(path).is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.pending.push(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.step("sync_folder")?;
        if state.ignore_syncs {
            return Ok(());
        }
        let (done, left): (Vec<_>, Vec<_>) = std::mem::take(&mut state.pending)
            .into_iter()
            .partition(|c| c.path().parent() == Some(folder));
        state.pending = left;
        for change in done {
            change.apply(&mut state.durable_names);
        }
        Ok(())
    }

    fn room(&self, _folder: &Path) -> io::Result<Room> {
        let mut state = self.0.lock();
        state.step("room")?;
        let size = state.capacity.unwrap_or(UNLIMITED);
        Ok(Room {
            free: size.saturating_sub(state.used()) as u64,
            size: size as u64,
        })
    }

    fn lock(&self, path: &Path, _note: &str) -> io::Result<Lock> {
        let mut state = self.0.lock();
        state.step("lock")?;
        if !state.locked.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Lock::new(Held {
            disk: self.clone(),
            path: path.to_owned(),
        }))
    }
}

impl SimulatedDisk {
    fn file(&self, state: &mut State, index: usize) -> Arc<dyn File> {
        *state.open.entry(index).or_default() += 1;
        Arc::new(SimulatedFile {
            disk: self.clone(),
            index,
        })
    }
}

// === impl SimulatedFile ===

impl File for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.0.lock();
        state.step("read")?;
        let bytes = state.files.get(self.index).and_then(|c| {
            let start = usize::try_from(offset).ok()?;
            c.now.get(start..)
        });
        let bytes = bytes.unwrap_or_default();
        let len = bytes.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..len), bytes.get(..len)) {
            to.copy_from_slice(from);
        }
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let fault = state.step("write");
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        // a write that the power cut or a fault met is there in part, as the cut decides
        let mut take = bytes.len();
        if fault.is_err() {
            take = state.chance.below(bytes.len() + 1);
        }
        let now = state.files.get(self.index).map_or(0, |c| c.now.len());
        let full = state.room_for((start + take).saturating_sub(now));
        if full.is_err() {
            let capacity = state.capacity.unwrap_or_default();
            let room = capacity.saturating_sub(state.used());
            take = take.min((now + room).saturating_sub(start));
        }
        if let Some(content) = state.files.get_mut(self.index) {
            let end = start + take;
            if content.now.len() < end {
                content.now.resize(end, 0);
            }
            if let (Some(to), Some(from)) = (content.now.get_mut(start..end), bytes.get(..take)) {
                to.copy_from_slice(from);
            }
            content.touch(start, end);
        }
        fault.and(full)
    }

    fn sync(&self) -> io::Result<()> {
        // half a minute at most, so that a test that fails ends
        for _ in 0..30_000 {
            if !self.disk.0.lock().stalled {
                break;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(1));
        }
        let mut state = self.disk.0.lock();
        state.step("sync")?;
        state.syncs += 1;
        if state.ignore_syncs {
            return Ok(());
        }
        if let Some(content) = state.files.get_mut(self.index) {
            content.durable = content.now.clone();
            content.dirty.clear();
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.0.lock();
        state.step("len")?;
        Ok(state.files.get(self.index).map_or(0, |c| c.now.len()) as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.step("set_len")?;
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
        if let Some(content) = state.files.get_mut(self.index) {
            let was = content.now.len();
            content.now.resize(len, 0);
            content.touch(was.min(len), was.max(len));
        }
        Ok(())
    }

    fn preallocate(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.step("preallocate")?;
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
        let now = state.files.get(self.index).map_or(0, |c| c.now.len());
        state.room_for(len.saturating_sub(now))?;
        if let Some(content) = state.files.get_mut(self.index)
            && now < len
        {
            content.now.resize(len, 0);
            content.touch(now, len);
        }
        Ok(())
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        let mut state = self.disk.0.lock();
        if let Some(handles) = state.open.get_mut(&self.index) {
            *handles -= 1;
            if *handles == 0 {
                state.open.remove(&self.index);
            }
        }
    }
}

// === impl Held ===

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.0.lock().locked.remove(&self.path);
    }
}

#[cfg(test)]
mod tests;
