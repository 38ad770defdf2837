//! What a simulated disk is made of: bytes now and bytes that are durable, names now and names that are durable, and chance.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

const SECTOR: usize = 512;

pub(super) struct State {
    pub(super) chance: Chance,
    pub(super) files: Vec<Content>,
    pub(super) names: BTreeMap<PathBuf, usize>,
    pub(super) durable_names: BTreeMap<PathBuf, usize>,
    /// Changes of names since their folder was synced, in order.
    pub(super) pending: Vec<Change>,
    pub(super) folders: BTreeSet<PathBuf>,
    pub(super) locked: BTreeSet<PathBuf>,
    /// How many handles there are on each file that somebody has open.
    pub(super) open: BTreeMap<usize, usize>,
    pub(super) operations: u64,
    pub(super) off: bool,
    pub(super) off_at: Option<u64>,
    pub(super) faults: HashMap<&'static str, Fault>,
    pub(super) capacity: Option<usize>,
    pub(super) ignore_syncs: bool,
    pub(super) syncs: u64,
    pub(super) stalled: bool,
}

#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) now: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) dirty: BTreeSet<usize>,
}

#[derive(Clone)]
pub(super) enum Change {
    Add(PathBuf, usize),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

pub(super) struct Fault {
    pub(super) after: u64,
    pub(super) kind: io::ErrorKind,
}

/// splitmix64: small, and the same on every machine.
pub(super) struct Chance(pub(super) u64);

// === impl State ===

impl State {
    /// Counts an operation; an error when the power is gone, goes now, or a fault is due.
    pub(super) fn step(&mut self, verb: &'static str) -> io::Result<()> {
        if self.off {
            return Err(power_is_off());
        }
        self.operations += 1;
        if self.off_at.is_some_and(|at| self.operations >= at) {
            self.off = true;
            return Err(power_is_off());
        }
        match self.faults.get_mut(verb) {
            Some(fault) if fault.after == 0 => Err(fault.kind.into()),
            Some(fault) => {
                fault.after -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn add(&mut self, path: PathBuf) -> usize {
        if let Some(index) = self.names.get(&path) {
            return *index;
        }
        let index = self.files.len();
        self.files.push(Content::default());
        self.names.insert(path.clone(), index);
        self.pending.push(Change::Add(path, index));
        index
    }

    /// Decides what of the unsynced survives.
    pub(super) fn settle(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            if self.chance.coin() {
                change.apply(&mut self.durable_names);
            }
        }
        let chance = &mut self.chance;
        for content in &mut self.files {
            content.settle(chance);
        }
    }

    pub(super) fn used(&self) -> usize {
        let names = self.names.values().copied();
        let live: BTreeSet<usize> = names.chain(self.open.keys().copied()).collect();
        live.iter()
            .filter_map(|i| self.files.get(*i))
            .map(|c| c.now.len())
            .sum()
    }

    pub(super) fn room_for(&self, grown: usize) -> io::Result<()> {
        match self.capacity {
            Some(capacity) if grown > 0 && self.used() + grown > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }
}

// === impl Content ===

impl Content {
    pub(super) fn settle(&mut self, chance: &mut Chance) {
        let (old, new) = (self.durable.len(), self.now.len());
        let len = if old == new || chance.coin() {
            new
        } else if chance.coin() {
            old
        } else {
            old.min(new) + chance.below(old.abs_diff(new) + 1)
        };
        self.durable.resize(len, 0);
        for sector in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(len).min(new);
            if start < end
                && chance.coin()
                && let (Some(to), Some(from)) =
                    (self.durable.get_mut(start..end), self.now.get(start..end))
            {
                to.copy_from_slice(from);
            }
        }
    }

    pub(super) fn touch(&mut self, start: usize, end: usize) {
        if start < end {
            self.dirty.extend(start / SECTOR..=(end - 1) / SECTOR);
        }
    }
}

// === impl Change ===

impl Change {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Add(path, _) | Self::Remove(path) | Self::Rename(path, _) => path,
        }
    }

    pub(super) fn apply(self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Add(path, index) => {
                names.insert(path, index);
            }
            Self::Remove(path) => {
                names.remove(&path);
            }
            Self::Rename(from, to) => {
                if let Some(index) = names.remove(&from) {
                    names.insert(to, index);
                }
            }
        }
    }
}

// === impl Chance ===

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn power_is_off() -> io::Error {
    io::Error::other("the power is off")
}
