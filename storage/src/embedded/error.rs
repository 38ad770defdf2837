//! Why a store does not open, in words for an operator.

use std::io;
use std::path::PathBuf;

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works in the folder.
    #[error("data folder {} is in use by another process{}: stop it, or set embedded.directory to another folder", path.display(), holder(note))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// What the other one left in the lock file: its process id.
        note: String,
    },
    /// The folder was written by a version that this one does not know.
    #[error("data folder {} has format {found:?}, and this version of Spoor knows {known}: use the version that wrote it, or set embedded.directory to another folder", path.display())]
    UnknownFormat {
        /// The folder.
        path: PathBuf,
        /// What its `FORMAT` says.
        found: String,
        /// What this version writes.
        known: u32,
    },
    /// The folder holds what Spoor never wrote.
    #[error("data folder {} holds {found:?} and no whole FORMAT file of Spoor's, so it may not be Spoor's: set embedded.directory to an empty folder", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// One of the names in it.
        found: String,
    },
    /// There is no store to look at.
    #[error("there is no store in {}: set embedded.directory to the folder of one", path.display())]
    NoStore {
        /// The folder.
        path: PathBuf,
    },
    /// The folder or a file in it cannot be made, read or written.
    #[error("could not {what} {}: {error}: see that embedded.directory is a folder that this process may write to", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

fn holder(note: &str) -> String {
    match note.trim() {
        "" => String::new(),
        note => format!(" ({note})"),
    }
}
