//! Why TLS files or settings cannot be used, in words that say which file and which setting to mend.

use std::io;
use std::path::PathBuf;

/// What is wrong with the TLS of a listener.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// TLS without a certificate or a key.
    #[error("{setting} is not set: give the path of a pem file")]
    Unset {
        /// The setting without a value.
        setting: String,
    },
    /// The file is not there, or may not be read.
    #[error("cannot read {} ({setting}): {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there and does not hold what it should.
    #[error("{} ({setting}) {problem}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Certificate and key are of different pairs.
    #[error("the key {} ({setting}.key) does not belong to the certificate {} ({setting}.cert)", .key.display(), .cert.display())]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The settings' common beginning.
        setting: String,
    },
    /// A version or cipher suite that is not known or not offered.
    #[error("{setting}: {problem}")]
    Setting {
        /// The setting.
        setting: String,
        /// The value that is wrong, and those that are right.
        problem: String,
    },
}
