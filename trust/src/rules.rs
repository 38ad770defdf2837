//! The rules that hold now.
//!
//! In: [`Instances`], at the start and whenever others take their place. Out: those that hold at the moment, for whoever asks; one request is decided by one set of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::instances::Instances;

/// Rules that may be replaced while they are asked. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Rules(Arc<Held>);

#[derive(Debug)]
struct Held {
    now: ArcSwap<Instances>,
    changes: AtomicU64,
}

// === impl Rules ===

impl Rules {
    /// These.
    #[must_use]
    pub fn new(instances: Instances) -> Self {
        Self(Arc::new(Held {
            now: ArcSwap::from_pointee(instances),
            changes: AtomicU64::new(0),
        }))
    }

    /// Those that hold now.
    #[must_use]
    pub fn now(&self) -> Arc<Instances> {
        self.0.now.load_full()
    }

    /// These hold for every request that comes from now on.
    pub fn replace(&self, instances: Instances) {
        self.0.now.store(Arc::new(instances));
        self.0.changes.fetch_add(1, Ordering::Release);
    }

    /// How often others took their place: what was learnt before a change need not hold after it.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::Acquire)
    }
}
