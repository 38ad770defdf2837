//! Where the files lie: `D/NS/{ca.crt,ca.key}` and `D/NS/NAME/{tls.crt,tls.key,ca.crt}`; what is no server's has its kind behind the name: `D/NS/NAME.client/`.
//!
//! In: the folder, the instance, the kind. Out: paths, and the way back from a folder's name. A folder of certificates has the layout of a Kubernetes TLS secret. The name of an instance
//! holds no dot, so that no two meet.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::Instance;

use crate::kind::Kind;

/// The paths of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    space: Space,
    folder: PathBuf,
}

/// The paths of one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Space(PathBuf);

pub(crate) const CERT: &str = "tls.crt";
pub(crate) const KEY: &str = "tls.key";
pub(crate) const CA: &str = "ca.crt";

/// The link to the set that counts.
pub(crate) const DATA: &str = "..data";

// === impl Layout ===

impl Layout {
    /// Of an instance's server, under `directory`.
    #[must_use]
    pub fn new(directory: &Path, instance: &Instance) -> Self {
        Self::of(directory, instance, Kind::Server)
    }

    /// Of a certificate of any kind.
    #[must_use]
    pub fn of(directory: &Path, instance: &Instance, kind: Kind) -> Self {
        let space = Space::new(directory, instance.namespace());
        Self {
            folder: (space.0).join(format!("{}{}", instance.name(), kind.ending())),
            space,
        }
    }

    /// What clients of the namespace trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.space.authority()
    }

    /// The authority's key.
    #[must_use]
    pub fn authority_key(&self) -> PathBuf {
        self.space.key()
    }

    /// The certificate.
    #[must_use]
    pub fn cert(&self) -> PathBuf {
        self.folder.join(CERT)
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.join(KEY)
    }

    /// The copy of what clients trust.
    #[must_use]
    pub fn copy(&self) -> PathBuf {
        self.folder.join(CA)
    }

    /// The folder of all three.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether there is a certificate with its key, and no key to issue with: it was put there.
    pub(crate) fn is_given(&self) -> bool {
        !there(&self.authority_key()) && there(&self.cert()) && there(&self.key())
    }
}

// === impl Space ===

impl Space {
    pub(crate) fn new(directory: &Path, namespace: &str) -> Self {
        Self(directory.join(namespace))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Whom clients trust: one authority, while it rolls over two.
    pub(crate) fn authority(&self) -> PathBuf {
        self.0.join(CA)
    }

    /// The key that issues. Whichever authority in `ca.crt` it belongs to is the one that signs.
    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("ca.key")
    }

    /// The key that will issue, while it rolls over.
    pub(crate) fn next_key(&self) -> PathBuf {
        self.0.join("ca-next.key")
    }

    /// Whose turn it is.
    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join(".lock")
    }

    /// The folders in it that hold certificates, in order; of which name and kind each is.
    pub(crate) fn folders(&self) -> io::Result<Vec<(String, Kind)>> {
        let mut found = Vec::new();
        for name in names_in(&self.0)? {
            let (bare, kind) = Kind::of_folder(&name);
            let folder = self.0.join(&name);
            let is_one = [CERT, KEY, CA, DATA]
                .iter()
                .any(|file| fs::symlink_metadata(folder.join(file)).is_ok());
            if is_one && Instance::new("default", bare).is_ok() {
                found.push((bare.to_owned(), kind));
            }
        }
        Ok(found)
    }
}

/// The names of the folders in `folder`, in order.
pub(crate) fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // of a link too: a secret may be mounted elsewhere
        if fs::metadata(entry.path()).is_ok_and(|meta| meta.is_dir()) {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.sort();
    Ok(names)
}

pub(crate) fn there(path: &Path) -> bool {
    fs::exists(path).unwrap_or(false)
}
