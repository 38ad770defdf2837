//! What a list lacks.
//!
//! In: one sentence for each thing that is missing from names or calls. Out: all of them, for whoever asked. Traces say it at their end.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::trouble::Trouble;

/// What is missing from a list of names or calls. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Lacks(Arc<Mutex<Trouble>>);

// === impl Lacks ===

impl Lacks {
    pub(crate) fn note(&self, trouble: Trouble) {
        self.0.lock().add(trouble);
    }

    /// Something is missing, in a sentence.
    pub fn add(&self, what: String) {
        self.0.lock().note(what);
    }

    /// What is missing, and the setting that mends it; none: nothing is.
    pub fn reason(&self) -> Option<String> {
        self.0.lock().reason()
    }
}
