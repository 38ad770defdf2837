//! A durable queue on the local disk, in front of stores that are reached over a network: for clusters that are away for hours, and for senders that never come again.
//!
//! In: batches of instances. Out: `Ok` once the spool of the instance is synced; then the same spans go to the instance's store, the oldest first, again and again until it has them. Full means
//! `Throttled`. Each instance has a folder of its own, `<spool.directory>/<namespace>/<name>`; the bytes of all together are bounded, and shared out. A restart begins with what is there.
//! The journal is the embedded store's: checksummed records, one sync for all that waits, a torn tail cut, a failed sync ends it.
//!
//! An instance that goes leaves its spool on the disk; when it comes back, it is drained. Why so: `docs/adr/0013-spool.md`.

mod drain;
mod log;
mod position;
mod queue;
mod room;
mod shares;
mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::join_all;
use model::Instance;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use tokio_util::task::TaskTracker;

use self::queue::{Spool, Writer};
use self::room::Room;
use self::shares::Shares;
use crate::disk::{Disk, Lock};
use crate::embedded::journal;
use crate::layers::window::{Clock, system_clock};
use crate::port::TraceWriter;

const DIRECTORY: &str = "spool.directory";
const MAX_BYTES: &str = "spool.max-bytes";
const LOCK: &str = "LOCK";

/// What an operator sets of it.
#[derive(Clone)]
pub struct Config {
    /// `spool.directory`: where its folders are; created when missing.
    pub directory: PathBuf,
    /// `spool.max-bytes`: bytes that the files of all instances may take.
    pub max_bytes: u64,
    /// A share of `memory.max-bytes`: half for spans that wait to be synced, half for those on their way from the disk to the store.
    pub memory_bytes: usize,
    /// What time it is.
    pub clock: Clock,
}

/// Why it does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works in the folder.
    #[error("the spool in {} is in use by another process: stop it, or set {DIRECTORY} to another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder cannot be made or written to.
    #[error("could not {what} {}: {error}: see that {DIRECTORY} is a folder that this process may write to", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The spools of all instances. One process has a folder open at a time.
pub struct Spools {
    shared: Arc<Shared>,
    /// Writes to the stores run on it. Nobody waits for them at the end: what they carry is in the spool.
    writes: TaskTracker,
    /// Those of instances that went, until their tasks have ended.
    leaving: Mutex<BTreeMap<Instance, Arc<Spool>>>,
    _lock: Lock,
}

/// What they share.
struct Shared {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    shares: Shares,
    writes: Room,
    drains: Room,
    clock: Clock,
    spools: Mutex<BTreeMap<Instance, Arc<Spool>>>,
}

// === impl Config ===

impl Config {
    /// A gibibyte in this directory.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            max_bytes: 1 << 30,
            memory_bytes: 32 << 20,
            clock: system_clock(),
        }
    }
}

// === impl Shared ===

impl Shared {
    /// Where the spool of an instance is. Both parts are DNS labels, and so names of folders.
    fn folder(&self, instance: &Instance) -> PathBuf {
        self.directory
            .join(instance.namespace())
            .join(instance.name())
    }
}

// === impl Spools ===

impl Spools {
    /// Takes the folder, which is made when missing. Spools are read when their instances are named.
    pub fn open(config: Config, disk: Arc<dyn Disk>) -> Result<Self, OpenError> {
        let path = config.directory;
        let failed = |what| {
            let path = path.clone();
            move |error| OpenError::Io { what, path, error }
        };
        disk.create_folder(&path).map_err(failed("create"))?;
        let note = format!("process {}\n", std::process::id());
        let lock = disk.lock(&path.join(LOCK), &note).map_err(|error| {
            if error.kind() == io::ErrorKind::WouldBlock {
                return OpenError::InUse { path: path.clone() };
            }
            failed("lock")(error)
        })?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        disk.sync_folder(above)
            .map_err(failed("sync the folder of"))?;
        disk.sync_folder(&path).map_err(failed("sync"))?;
        let shared = Shared {
            disk,
            directory: path,
            shares: Shares::new(config.max_bytes),
            writes: Room::new(config.memory_bytes / 2),
            drains: Room::new(config.memory_bytes / 2),
            clock: config.clock,
            spools: Mutex::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            writes: TaskTracker::new(),
            leaving: Mutex::default(),
            _lock: lock,
        })
    }

    /// On what writes to the stores run.
    pub(crate) fn writes(&self) -> &TaskTracker {
        &self.writes
    }

    /// The spool of an instance, drained to `below` from now on.
    pub(crate) fn of(
        &self,
        instance: &Instance,
        below: Arc<dyn TraceWriter>,
    ) -> Arc<dyn TraceWriter> {
        let mut spools = self.shared.spools.lock();
        if let Some(spool) = spools.get(instance) {
            spool.drain_to(below);
            return Arc::new(Writer(spool.clone()));
        }
        let spool = Arc::new(Spool::new(instance.clone(), self.shared.clone(), below));
        let before = self.leaving.lock().remove(instance);
        spool.tasks.spawn(drain::run(spool.clone(), before));
        spools.insert(instance.clone(), spool.clone());
        Arc::new(Writer(spool))
    }

    /// Instances other than `known` have no spool from now on; what theirs hold stays on the disk, and is told of.
    pub(crate) fn keep_only(&self, known: &BTreeSet<Instance>) {
        self.shared.shares.know(known.len());
        let mut spools = self.shared.spools.lock();
        let mut leaving = self.leaving.lock();
        leaving.retain(|_, spool| !spool.tasks.is_empty());
        spools.retain(|instance, spool| {
            if known.contains(instance) {
                return true;
            }
            spool.close();
            let spans = spool.log().map_or(0, |log| log.level().spans);
            if spans > 0 {
                tell_left(instance, &self.shared.folder(instance), Some(spans));
            }
            leaving.insert(instance.clone(), spool.clone());
            false
        });
    }

    /// Looks for spools of instances that are not there, which somebody may have forgotten, and tells of them. Their bytes count.
    pub(crate) fn look_for_left(&self) {
        let disk = &*self.shared.disk;
        let list = |folder: &Path| disk.list(folder).unwrap_or_default();
        let known: BTreeSet<Instance> = self.shared.spools.lock().keys().cloned().collect();
        for namespace in list(&self.shared.directory) {
            for name in list(&self.shared.directory.join(&namespace)) {
                let instance = Instance::new(&namespace, &name).ok();
                let Some(instance) = instance.filter(|instance| !known.contains(instance)) else {
                    continue;
                };
                let folder = self.shared.folder(&instance);
                let numbers = journal::numbers(disk, &folder).unwrap_or_default();
                let files = numbers
                    .iter()
                    .filter_map(|n| journal::open(disk, &folder, *n).ok());
                let bytes = files.filter_map(|g| g.file.len().ok()).sum();
                if bytes > 0 {
                    self.shared.shares.set(&instance, bytes);
                    tell_left(&instance, &folder, None);
                }
            }
        }
    }

    /// `Err` with a sentence for an operator while no instance's spool takes anything.
    pub(crate) fn health(&self) -> Result<(), String> {
        let spools: Vec<_> = self.shared.spools.lock().values().cloned().collect();
        let mut first = None;
        for spool in spools {
            match spool.health() {
                Ok(()) => return Ok(()),
                Err(ill) => first = first.or(Some(ill)),
            }
        }
        first.map_or(Ok(()), Err)
    }

    /// Adds `spoor_spool_…` by namespace and instance to what an operator sees.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(shown::Shown(self.shared.clone())));
    }

    /// Ends all: what was taken is synced, what goes well for a moment goes on, the rest is there at the next start.
    pub(crate) async fn close(&self) {
        let mut all: Vec<_> = self.shared.spools.lock().values().cloned().collect();
        for spool in &all {
            spool.close();
        }
        all.extend(self.leaving.lock().values().cloned());
        join_all(all.iter().map(|spool| spool.tasks.wait())).await;
    }
}

fn tell_left(instance: &Instance, folder: &Path, spans: Option<u64>) {
    tracing::warn!(
        %instance,
        folder = %folder.display(),
        spans,
        "spans stay in the spool of an instance that is not there: they go to its store if it comes back; remove the folder if it does not"
    );
}

#[cfg(test)]
mod tests;
