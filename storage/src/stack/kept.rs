//! Which instances there are, and in which of the open backends each is kept.
//!
//! In: backends, which stay, and instances, which come and go. Out: for each instance its backends, the first of which is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use model::Instance;

use crate::port::Backend;

/// How an instance is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whose spans.
    pub instance: Instance,
    /// Names of the backends that spans go to, in this order; the first is read. Empty: all that are open.
    pub backends: Vec<&'static str>,
    /// Instances whose traces are read with its own.
    pub union: Vec<Instance>,
}

/// All of them.
pub(super) struct Known {
    backends: Vec<Arc<dyn Backend>>,
    instances: ArcSwap<BTreeMap<Instance, Kept>>,
}

// === impl Kept ===

impl From<Instance> for Kept {
    /// In all backends, and read alone.
    fn from(instance: Instance) -> Self {
        Self {
            instance,
            backends: Vec::new(),
            union: Vec::new(),
        }
    }
}

// === impl Known ===

impl Known {
    /// `backends`: one at least.
    pub(super) fn new(backends: Vec<Arc<dyn Backend>>) -> Self {
        Self {
            backends,
            instances: ArcSwap::default(),
        }
    }

    pub(super) fn backends(&self) -> &[Arc<dyn Backend>] {
        &self.backends
    }

    pub(super) fn all(&self) -> Arc<BTreeMap<Instance, Kept>> {
        self.instances.load_full()
    }

    pub(super) fn replace(&self, instances: BTreeMap<Instance, Kept>) {
        self.instances.store(Arc::new(instances));
    }

    /// Its backends, in its order. One that is not open is left out.
    pub(super) fn backends_of(&self, kept: &Kept) -> Vec<&Arc<dyn Backend>> {
        if kept.backends.is_empty() {
            return self.backends.iter().collect();
        }
        let find = |name: &&str| self.backends.iter().find(|b| b.name() == *name);
        kept.backends.iter().filter_map(find).collect()
    }

    /// The one that is read.
    pub(super) fn first_of(&self, kept: &Kept) -> Arc<dyn Backend> {
        let own = self.backends_of(kept).into_iter().next();
        let first = own.or_else(|| self.backends.first());
        first
            .expect("there is a backend, or nothing was built")
            .clone()
    }
}
