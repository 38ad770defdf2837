//! The rules that hold now.
//!
//! In: [`Instances`], at the start and whenever others take their place. Out: those that hold at the moment, for whoever asks; one request is decided by one set of them.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::instances::Instances;

/// Rules that may be replaced while they are asked. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Rules(Arc<ArcSwap<Instances>>);

// === impl Rules ===

impl Rules {
    /// These.
    #[must_use]
    pub fn new(instances: Instances) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(instances)))
    }

    /// Those that hold now.
    #[must_use]
    pub fn now(&self) -> Arc<Instances> {
        self.0.load_full()
    }

    /// These hold for every request that comes from now on.
    pub fn replace(&self, instances: Instances) {
        self.0.store(Arc::new(instances));
    }
}
