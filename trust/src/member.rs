//! One certificate that is wanted.
//!
//! In: whose, what for, under which names. Out: the same, in one value.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use model::Instance;

use crate::kind::Kind;
use crate::layout::Layout;
use crate::name::Name;

/// A certificate of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Whose it is.
    pub instance: Instance,
    /// What it is for.
    pub kind: Kind,
    /// What it has to hold.
    pub names: BTreeSet<Name>,
    /// That is all that it is called by here and now: other names go when it is renewed. Otherwise it keeps them.
    pub knows_all: bool,
}

// === impl Member ===

impl Member {
    /// With the names that it has everywhere; those that it holds beside them stay.
    #[must_use]
    pub fn new(instance: Instance, kind: Kind) -> Self {
        Self {
            names: kind.names(&instance),
            instance,
            kind,
            knows_all: false,
        }
    }

    /// Where its files lie.
    #[must_use]
    pub fn layout(&self, directory: &Path) -> Layout {
        Layout::of(directory, &self.instance, self.kind)
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Server => self.instance.fmt(f),
            kind => write!(f, "{} ({kind})", self.instance),
        }
    }
}
