//! What is not used of a bundle, and why.
//!
//! In: a file, and perhaps a line. Out: a sentence for people, and a word to count by.

use std::fmt;
use std::path::PathBuf;

/// Why something is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// There is no such file or folder.
    Missing,
    /// It cannot be read, or is larger than a bundle may be.
    Unreadable,
    /// The file holds nothing that can be used.
    Empty,
    /// A block that cannot be decoded, or holds something else than its label says.
    Damaged,
    /// A block of another kind, such as a key.
    OtherKind,
    /// The certificate is no authority's.
    NotAnAuthority,
    /// The authority has ended.
    Expired,
    /// The authority begins later.
    NotYetValid,
    /// The same certificate stands elsewhere in the bundles: it is used from there.
    Duplicate,
}

/// Something in a bundle that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The file or folder.
    pub path: PathBuf,
    /// Where in the file, counted from 1: the line in which the block begins, and which of the blocks it is. `None`: it is about all of it.
    pub at: Option<(usize, usize)>,
    /// In one word.
    pub why: Why,
    /// In words, without the place.
    pub text: String,
}

// === impl Why ===

impl Why {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Missing,
        Self::Unreadable,
        Self::Empty,
        Self::Damaged,
        Self::OtherKind,
        Self::NotAnAuthority,
        Self::Expired,
        Self::NotYetValid,
        Self::Duplicate,
    ];

    /// In one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Empty => "empty",
            Self::Damaged => "damaged",
            Self::OtherKind => "other-kind",
            Self::NotAnAuthority => "not-a-ca",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Duplicate => "duplicate",
        }
    }

    /// Nothing is lacking for it.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(self, Self::Duplicate)
    }
}

// === impl Flaw ===

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, nth)) = self.at {
            write!(f, ": line {line} (block {nth})")?;
        }
        write!(f, ": {}", self.text)
    }
}
