//! What adaptive sampling keeps, in one file of the data folder: durable when it is acknowledged, and read back at the start.
//!
//! In: rows and probabilities. Out: the same, after a restart too. Each change writes the whole file, which is small, under another name and
//! puts it in the place of the one before, so that a power cut leaves the one or the other. A file that cannot be read is reported and counts
//! as empty: what was lost is counted anew within minutes, and spans are never held up by it.
//!
//! Leases are not in the file: one process has the folder, and its leases end with it.

mod encoding;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, ready};
use parking_lot::{Mutex, RwLock};
use tokio_util::task::TaskTracker;

use super::metrics::Metrics;
use crate::disk::{self, Disk};
use crate::port::{
    Probabilities, ReadError, SamplingStore, Throughput, ThroughputRows, WriteError,
};
use crate::sampling::{Leases, State};

/// The file's name.
pub(super) const NAME: &str = "SAMPLING.spoor";
/// Its name while it is written.
pub(super) const NEW: &str = "SAMPLING.new";

/// The file, and what stands in it.
pub(super) struct Sampling {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    /// As it was last written. Readers never wait for the disk.
    state: RwLock<State>,
    /// Held while the file is written; whether no more is.
    closed: Mutex<bool>,
    leases: Leases,
}

/// What the port sees of it.
pub(super) struct Store {
    pub(super) sampling: Arc<Sampling>,
    /// Where writing runs, so that closing the store waits for it.
    pub(super) tracker: TaskTracker,
}

// === impl Sampling ===

impl Sampling {
    /// Reads the file in a data folder.
    pub(super) fn open(folder: PathBuf, disk: Arc<dyn Disk>, metrics: &Metrics) -> Self {
        let state = read(&*disk, &folder).unwrap_or_else(|reason| {
            metrics.damaged.inc();
            tracing::error!(
                file = %folder.join(NAME).display(),
                reason,
                "what adaptive sampling kept cannot be read: it begins anew, all else of the embedded store is served"
            );
            State::default()
        });
        Self {
            folder,
            disk,
            state: RwLock::new(state),
            closed: Mutex::new(false),
            leases: Leases::default(),
        }
    }

    /// Waits until what is being written is written, and writes nothing after.
    pub(super) fn close(&self) {
        *self.closed.lock() = true;
    }

    /// Writes the file with a change made, then shows it. Blocks.
    fn change(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let closed = self.closed.lock();
        if *closed {
            return Err(WriteError::Unavailable {
                reason: "the embedded store is closed".to_owned(),
            });
        }
        let mut state = self.state.read().clone();
        change(&mut state)?;
        let bytes = encoding::encode(&state);
        disk::replace(&*self.disk, &self.folder, NEW, NAME, &bytes).map_err(|error| {
            WriteError::Unavailable {
                reason: format!(
                    "could not write {}: {error}: see to the disk of embedded.directory",
                    self.folder.join(NAME).display()
                ),
            }
        })?;
        *self.state.write() = state;
        Ok(())
    }
}

fn read(disk: &dyn Disk, folder: &std::path::Path) -> Result<State, String> {
    let file = match disk.open_to_read(&folder.join(NAME)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::default()),
        Err(error) => return Err(error.to_string()),
    };
    let len = file.len().map_err(|error| error.to_string())?;
    if len > encoding::MAX_LEN {
        return Err(format!("it is longer than {} bytes", encoding::MAX_LEN));
    }
    let mut bytes = vec![0; len as usize];
    disk::read_exact_at(&*file, &mut bytes, 0).map_err(|error| error.to_string())?;
    encoding::decode(&bytes).ok_or_else(|| "it is damaged".to_owned())
}

// === impl Store ===

impl Store {
    fn change(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), WriteError> + Send + 'static,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        let sampling = self.sampling.clone();
        let writing = self.tracker.spawn_blocking(move || sampling.change(change));
        Box::pin(async {
            writing.await.unwrap_or_else(|error| {
                Err(WriteError::Unavailable {
                    reason: error.to_string(),
                })
            })
        })
    }
}

impl SamplingStore for Store {
    fn append_throughput(&self, rows: ThroughputRows) -> BoxFuture<'_, Result<(), WriteError>> {
        self.change(|state| {
            state.append(rows);
            Ok(())
        })
    }

    fn get_throughput(
        &self,
        after_ns: u64,
        until_ns: u64,
    ) -> BoxFuture<'_, Result<Vec<Throughput>, ReadError>> {
        let found = self.sampling.state.read().throughput(after_ns, until_ns);
        Box::pin(ready(Ok(found)))
    }

    fn put_probabilities(
        &self,
        probabilities: Probabilities,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        self.change(|state| state.put(probabilities))
    }

    fn get_probabilities(&self) -> BoxFuture<'_, Result<Option<Probabilities>, ReadError>> {
        let latest = self.sampling.state.read().latest().cloned();
        Box::pin(ready(Ok(latest)))
    }

    fn acquire_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, WriteError>> {
        let leases = &self.sampling.leases;
        Box::pin(ready(Ok(leases.acquire(name, holder, ttl, Instant::now()))))
    }

    fn resign_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        self.sampling.leases.resign(name, holder);
        Box::pin(ready(Ok(())))
    }
}

#[cfg(test)]
mod tests;
