//! Whether the store takes writes, and if not, why: one answer for writers and for readiness.

use parking_lot::Mutex;

use crate::port::WriteError;

/// Whether the store takes writes.
#[derive(Default)]
pub(crate) struct Status(Mutex<State>);

#[derive(Default)]
struct State {
    closed: bool,
    poisoned: Option<String>,
    refusing: Option<String>,
}

// === impl Status ===

impl Status {
    /// An error once nothing more can be written until the store is opened again.
    pub(crate) fn check_open(&self) -> Result<(), WriteError> {
        let state = self.0.lock();
        if let Some(reason) = &state.poisoned {
            return Err(WriteError::Unavailable {
                reason: reason.clone(),
            });
        }
        if state.closed {
            return Err(WriteError::Unavailable {
                reason: "the embedded store is closed".to_owned(),
            });
        }
        Ok(())
    }

    /// An error while writes are refused or nothing can be written any more.
    pub(crate) fn health(&self) -> Result<(), String> {
        let state = self.0.lock();
        match state.poisoned.as_ref().or(state.refusing.as_ref()) {
            Some(reason) => Err(reason.clone()),
            None if state.closed => Err("the embedded store is closed".to_owned()),
            None => Ok(()),
        }
    }

    /// Whether nothing more may be written, not even what is queued.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.0.lock().poisoned.is_some()
    }

    /// No more writes.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
    }

    /// No more writes, for this reason. The first reason stays.
    pub(crate) fn poison(&self, reason: String) {
        self.0.lock().poisoned.get_or_insert(reason);
    }

    /// Writes are refused for now, for this reason. Whether that is news.
    pub(crate) fn refuse(&self, reason: String) -> bool {
        self.0.lock().refusing.replace(reason).is_none()
    }

    /// Whether writes are refused for now, and may be taken again.
    pub(crate) fn is_refusing(&self) -> bool {
        let state = self.0.lock();
        state.refusing.is_some() && state.poisoned.is_none()
    }

    /// Writes succeed. Whether that is news.
    pub(crate) fn resume(&self) -> bool {
        self.0.lock().refusing.take().is_some()
    }
}
