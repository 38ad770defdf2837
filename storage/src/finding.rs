//! What was found where it was looked whether a store would work: for a person, and to decide by.

pub(crate) mod certificate;

use model::Instance;

/// How a finding is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is well.
    Good,
    /// Worth knowing.
    Note,
    /// It works, and may not do so for long or not as meant.
    Warning,
    /// It does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whose store.
    pub instance: Instance,
    /// `main` or `archive` of Elasticsearch, `producer` or `consumer` of Kafka, `remote` or `remote archive` of a store in another process; `trust`: not of a store,
    /// but of whom connections trust.
    pub store: &'static str,
    /// What was looked at.
    pub subject: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// In words.
    pub text: String,
}

// === impl Verdict ===

impl Verdict {
    /// In one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}
