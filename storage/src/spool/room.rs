//! Memory that all spools share, for one purpose.
//!
//! In: bytes wanted. Out: a permit for them, in the order of asking; what is more than all there is has all of it alone.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room is counted in these, so that 4 TiB fit a semaphore's number.
const UNIT_BYTES: usize = 1024;
/// One user never wants more than this share of it.
const USERS: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Room {
    permits: Arc<Semaphore>,
    units: u32,
}

// === impl Room ===

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT_BYTES).unwrap_or(u32::MAX);
        let units = units.clamp(1, u32::MAX >> 3);
        Self {
            permits: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// `bytes`, or as much of them as one of several users should take at once.
    pub(super) fn most(&self, bytes: usize) -> usize {
        bytes.min((self.units as usize * UNIT_BYTES / USERS).max(UNIT_BYTES))
    }

    /// Room for `bytes`, once it is there; `None`: never, it is closed.
    pub(super) async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX);
        let units = units.clamp(1, self.units);
        self.permits.clone().acquire_many_owned(units).await.ok()
    }
}
