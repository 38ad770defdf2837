//! Whether the store takes writes, and if not, why: one answer for writers and for readiness.
//!
//! A disk that stalls answers nothing, so the one sign of it is the time since an append began.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::port::WriteError;

/// An append that goes on for longer than this means that the disk stalls.
const STALLED: Duration = Duration::from_secs(5);

/// Whether the store takes writes.
pub(crate) struct Status {
    what: &'static str,
    setting: &'static str,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    poisoned: Option<String>,
    refusing: Option<String>,
    appending_since: Option<Instant>,
}

// === impl Status ===

impl Status {
    /// Of `what`, whose journal is in `folder`, below the one that `setting` names.
    pub(crate) fn new(what: &'static str, setting: &'static str, folder: PathBuf) -> Self {
        Self {
            what,
            setting,
            folder,
            state: Mutex::default(),
        }
    }

    /// An error once nothing more can be written until the store is opened again.
    pub(crate) fn check_open(&self) -> Result<(), WriteError> {
        let state = self.state.lock();
        if let Some(reason) = &state.poisoned {
            return Err(WriteError::Unavailable {
                reason: reason.clone(),
            });
        }
        if state.closed {
            return Err(WriteError::Unavailable {
                reason: format!("{} is closed", self.what),
            });
        }
        Ok(())
    }

    /// An error while writes are refused, while the disk stalls, or once nothing can be written any more.
    pub(crate) fn health(&self) -> Result<(), String> {
        self.health_at(Instant::now())
    }

    /// What [`Status::health`] says at this time.
    pub(crate) fn health_at(&self, now: Instant) -> Result<(), String> {
        let state = self.state.lock();
        if let Some(reason) = state.poisoned.as_ref().or(state.refusing.as_ref()) {
            return Err(reason.clone());
        }
        if state.closed {
            return Err(format!("{} is closed", self.what));
        }
        let since = state.appending_since;
        match since.map(|since| now.saturating_duration_since(since)) {
            Some(time) if time >= STALLED => Err(format!(
                "a write and sync in {} has been going on for {} s: see to the disk of {}",
                self.folder.display(),
                time.as_secs(),
                self.setting
            )),
            _ => Ok(()),
        }
    }

    /// An append and its sync begin.
    pub(crate) fn begin_append(&self) {
        self.state.lock().appending_since = Some(Instant::now());
    }

    /// They ended, one way or another.
    pub(crate) fn end_append(&self) {
        self.state.lock().appending_since = None;
    }

    /// Whether nothing more may be written, not even what is queued.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.state.lock().poisoned.is_some()
    }

    /// No more writes.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
    }

    /// No more writes, for this reason. The first reason stays.
    pub(crate) fn poison(&self, reason: String) {
        self.state.lock().poisoned.get_or_insert(reason);
    }

    /// Writes are refused for now, for this reason. Whether that is news.
    pub(crate) fn refuse(&self, reason: String) -> bool {
        self.state.lock().refusing.replace(reason).is_none()
    }

    /// Whether writes are refused for now, and may be taken again.
    pub(crate) fn is_refusing(&self) -> bool {
        let state = self.state.lock();
        state.refusing.is_some() && state.poisoned.is_none()
    }

    /// Writes succeed. Whether that is news.
    pub(crate) fn resume(&self) -> bool {
        self.state.lock().refusing.take().is_some()
    }
}
