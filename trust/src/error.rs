//! Why there is no certificate to serve with.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why there is no certificate to serve with. Each says what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The folder takes no files, or gives none.
    #[error(
        "cannot {what} {path} ({source}): certs.directory must be a folder that this process may write to and that outlives it, \
         or hold the certificates already; or give each listener a certificate of its own"
    )]
    Files {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The authority's certificate is there and its key is not.
    #[error(
        "{} has no ca.key beside it and {} is missing, so nothing can be issued: put tls.crt and tls.key there, or move ca.crt away and a new authority is made",
        authority.display(), missing.display()
    )]
    NoKey {
        /// The authority's certificate.
        authority: PathBuf,
        /// What would have to be issued.
        missing: PathBuf,
    },
    /// The authority cannot be used. It is not replaced: clients trust it.
    #[error(
        "{} cannot be used: {problem}. It is not replaced, for clients trust it: put the right file back, or move it and its key away and a new authority is made",
        path.display()
    )]
    Authority {
        /// The file at fault.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A stage of a roll-over whose turn it is not.
    #[error("the authority of namespace {namespace} cannot {stage}: {problem}")]
    Roll {
        /// Whose authority.
        namespace: String,
        /// What was asked for.
        stage: &'static str,
        /// What stands in the way, and what to do.
        problem: String,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate for {what}: {source}")]
    Making {
        /// For whom.
        what: String,
        /// What the library said.
        source: rcgen::Error,
    },
}

// === impl Error ===

impl Error {
    pub(crate) fn files(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Files {
            what,
            path,
            source: Arc::new(source),
        }
    }

    pub(crate) fn making(what: impl Into<String>) -> impl FnOnce(rcgen::Error) -> Self {
        let what = what.into();
        move |source| Self::Making { what, source }
    }
}
