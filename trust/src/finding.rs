//! What is found wrong, and what it took to mend it.

use std::fmt;
use std::path::PathBuf;

use crate::reason::Reason;

/// What it took to have a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All was well with it, and nothing was written.
    Kept,
    /// Something is wrong with it and could not be mended; the one that is there still serves.
    KeptAnyway {
        /// What is wrong.
        reason: Reason,
        /// Why it is so still.
        error: String,
    },
    /// There is no key to issue with, but a certificate: it was put there, and stays as it is.
    Given,
    /// The certificate and its key stayed, and what was wrong beside them was mended.
    Mended {
        /// What was wrong.
        reason: Reason,
    },
    /// A certificate was issued.
    Issued {
        /// Why.
        reason: Reason,
        /// The authority was made as well: clients have to be given it.
        authority: bool,
    },
}

/// Something that is wrong, and how it is mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no authority: it is made.
    NoAuthority,
    /// The authority's certificate is lost or damaged: it is taken from a copy that belongs to its key.
    LostAuthority(Restored),
    /// Others may read the authority's key: that is taken from them.
    OpenAuthorityKey,
    /// The next authority has a key and no certificate: a roll-over was cut short, and goes on.
    NextUntrusted,
    /// A certificate is not as it should be.
    Leaf(Reason),
    /// Files that an interrupted attempt left: they are taken away.
    Leftovers(Vec<PathBuf>),
}

/// The authority's certificate out of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub(crate) from: PathBuf,
    pub(crate) pem: String,
}

// === impl Finding ===

impl Finding {
    /// One word for machines.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match &self.fault {
            Fault::NoAuthority => "no-authority",
            Fault::LostAuthority(_) => "lost-authority",
            Fault::OpenAuthorityKey => "wrong-mode",
            Fault::NextUntrusted => "next-untrusted",
            Fault::Leaf(reason) => reason.word(),
            Fault::Leftovers(_) => "leftover",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.fault {
            Fault::NoAuthority => f.write_str("there is no authority"),
            Fault::LostAuthority(Restored { from, .. }) => {
                write!(f, "lost or damaged, and {} is a copy of it", from.display())
            }
            Fault::OpenAuthorityKey => f.write_str("others may read it"),
            Fault::NextUntrusted => f.write_str("ca.crt holds no certificate of this key yet"),
            Fault::Leaf(reason) => reason.fmt(f),
            Fault::Leftovers(paths) => {
                write!(f, "{} files of an interrupted attempt", paths.len())
            }
        }
    }
}
