//! Which instance this is, and the certificates that are made for it.
//!
//! In: `instance.default`, `certs.*`. Out: values, and where the files of listeners without a certificate of their own lie. Nothing is made here.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use model::Instance;
use settings::listener::OwnFiles;
use trust::{Layout, Name};

use super::check::Check;

/// The certificates of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// Whose they are; also whose spans are those that say nothing else.
    pub instance: Instance,
    /// `certs.directory`.
    pub directory: PathBuf,
    /// `certs.names`.
    pub names: BTreeSet<Name>,
    /// `certs.validity`.
    pub validity: Duration,
}

/// One that ends before clients have connected helps nobody.
const LEAST_VALIDITY: Duration = Duration::from_secs(60);

// === impl Certificates ===

impl Certificates {
    pub(super) fn check(check: &mut Check<'_>) -> Self {
        let instance =
            Instance::parse(check.settings.text("instance.default")).unwrap_or_else(|error| {
                check.wrong("instance.default", error);
                Instance::default()
            });
        let directory = check.settings.path("certs.directory").unwrap_or_else(|| {
            check.wrong("certs.directory", "it is empty: give the path of a folder");
            PathBuf::new()
        });
        let mut names = BTreeSet::new();
        for text in check.settings.list("certs.names") {
            match text.parse() {
                Ok(name) => drop(names.insert(name)),
                Err(error) => check.wrong("certs.names", error),
            }
        }
        let validity = check.some_time("certs.validity");
        if validity < LEAST_VALIDITY {
            check.wrong("certs.validity", "give 1m or more");
        }
        Self {
            instance,
            directory,
            names,
            validity,
        }
    }

    /// Where its files lie, or will.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::new(&self.directory, &self.instance)
    }

    /// The certificate and its key.
    pub(super) fn files(&self) -> OwnFiles {
        let layout = self.layout();
        OwnFiles {
            cert: layout.cert(),
            key: layout.key(),
        }
    }
}
