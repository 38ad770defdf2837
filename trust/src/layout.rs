//! Where the files lie: `D/NS/{ca.crt,ca.key}` and `D/NS/NAME/{tls.crt,tls.key,ca.crt}`.
//!
//! In: the folder and the instance. Out: paths. An instance's own folder has the layout of a Kubernetes TLS secret.

use std::path::{Path, PathBuf};

use model::Instance;

/// The paths of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    namespace: PathBuf,
    instance: PathBuf,
}

pub(crate) const CERT: &str = "tls.crt";
pub(crate) const KEY: &str = "tls.key";
pub(crate) const CA: &str = "ca.crt";

// === impl Layout ===

impl Layout {
    /// Under `directory`.
    #[must_use]
    pub fn new(directory: &Path, instance: &Instance) -> Self {
        let namespace = directory.join(instance.namespace());
        Self {
            instance: namespace.join(instance.name()),
            namespace,
        }
    }

    /// What clients of the namespace trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.namespace.join(CA)
    }

    /// The authority's key.
    #[must_use]
    pub fn authority_key(&self) -> PathBuf {
        self.namespace.join("ca.key")
    }

    /// The instance's certificate.
    #[must_use]
    pub fn cert(&self) -> PathBuf {
        self.instance.join(CERT)
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.instance.join(KEY)
    }

    /// The folder of the namespace.
    pub(crate) fn namespace(&self) -> &Path {
        &self.namespace
    }

    /// The folder of the instance.
    pub(crate) fn instance(&self) -> &Path {
        &self.instance
    }
}
