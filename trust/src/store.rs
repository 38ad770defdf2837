//! Whom connections that we open trust: the system's authorities, and those in bundles that an operator gives.
//!
//! In: paths of files and folders. Out: authorities as they are now, and what is wrong in the bundles. One store serves every connection of the process: it looks at the files when it is asked, a
//! few times a second at most, and reads only what changed. Whatever lies there, it is no error: what can be used is, the rest is told.
//!
//! Deliberately absent: a client's own `*.tls.ca`, which narrows trust to what it names, and counts alone: `dial`.

mod anchor;
mod bundles;
mod file;
mod flaw;
mod pem;
mod system;

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use parking_lot::Mutex;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use bundles::Bundles;
use system::System;

pub(crate) use anchor::shown;
pub use flaw::{Flaw, Why};

/// The setting that names bundles.
pub(crate) const SETTING: &str = "trust.bundles";
/// How often files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Whom to trust. Clones look at the same files and share what was read.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    /// An authority of our own making, trusted too when this file is there.
    own: Option<PathBuf>,
}

struct Shared {
    paths: Vec<PathBuf>,
    state: Mutex<State>,
}

struct State {
    looked: Option<Instant>,
    bundles: Bundles,
    system: System,
    report: Arc<Report>,
    /// Of what was found last; `None`: something else was found since.
    anchors: Option<Arc<Anchors>>,
}

/// What was found in the bundles at the last look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that were read.
    pub files: usize,
    /// Authorities that are trusted for them, each counted once.
    pub authorities: usize,
    /// When the first of these ends, in seconds since the Unix epoch.
    pub ends: Option<i64>,
    /// Differs when the authorities do.
    pub fingerprint: u64,
    /// Whatever is not used, in the order of the files.
    pub flaws: Vec<Flaw>,
}

/// Authorities, ready to be used.
pub(crate) struct Anchors {
    /// Differs when they do.
    pub(crate) fingerprint: u64,
    /// `None`: there are none.
    pub(crate) verifier: Option<Arc<WebPkiServerVerifier>>,
    certificates: Vec<CertificateDer<'static>>,
    system: usize,
    bundles: usize,
}

/// Stores with the same bundles are one.
static KNOWN: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

// === impl Store ===

impl Store {
    /// The system's authorities, and those in `bundles`: files, and folders of files. Reads nothing yet. Asked for again with the same paths, it is the same one.
    #[must_use]
    pub fn new(bundles: Vec<PathBuf>) -> Self {
        let mut known = KNOWN.lock();
        known.retain(|shared| shared.strong_count() > 0);
        let mut all = known.iter().filter_map(Weak::upgrade);
        let found = all.find(|shared| shared.paths == bundles);
        drop(all);
        let shared = found.unwrap_or_else(|| {
            let shared = Arc::new(Shared {
                state: Mutex::new(State {
                    looked: None,
                    bundles: Bundles::new(bundles.clone()),
                    system: System::default(),
                    report: Arc::default(),
                    anchors: None,
                }),
                paths: bundles,
            });
            known.push(Arc::downgrade(&shared));
            shared
        });
        Self { shared, own: None }
    }

    /// Trusts the authority in this file too, when it is there: one of our own making.
    #[must_use]
    pub fn with_authority(&self, file: PathBuf) -> Self {
        Self {
            shared: self.shared.clone(),
            own: Some(file),
        }
    }

    /// The files and folders.
    #[must_use]
    pub fn bundles(&self) -> &[PathBuf] {
        &self.shared.paths
    }

    /// What the bundles hold now, and what of it is not used. Blocks.
    #[must_use]
    pub fn report(&self) -> Arc<Report> {
        let mut state = self.shared.state.lock();
        state.look();
        state.report.clone()
    }

    /// Those who are trusted now, without our own. Blocks.
    pub(crate) fn anchors(&self) -> Arc<Anchors> {
        let mut state = self.shared.state.lock();
        state.look();
        if state.system.look() {
            state.anchors = None;
        }
        let State {
            anchors,
            bundles,
            system,
            ..
        } = &mut *state;
        let found = || Arc::new(Anchors::new(system, &bundles.held().authorities));
        anchors.get_or_insert_with(found).clone()
    }

    /// Where our own authority is.
    pub(crate) fn own(&self) -> Option<&Path> {
        self.own.as_deref()
    }

    /// Who is trusted, for messages.
    pub(crate) fn described(&self, anchors: &Anchors) -> String {
        let mut all = format!("the authorities of the system ({})", anchors.system);
        if !self.shared.paths.is_empty() {
            all.push_str(&format!(", those of {SETTING} ({})", anchors.bundles));
        }
        if let Some(own) = self.own.as_ref().filter(|own| own.exists()) {
            all.push_str(&format!(", {}", own.display()));
        }
        all
    }
}

/// The system's authorities alone.
impl Default for Store {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

/// Whether they name the same files.
impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        (&self.shared.paths, &self.own) == (&other.shared.paths, &other.own)
    }
}

impl Eq for Store {}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("bundles", &self.shared.paths)
            .field("own", &self.own)
            .finish()
    }
}

// === impl State ===

impl State {
    fn look(&mut self) {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        let is_news = self.bundles.look();
        // a look at many files takes its time
        self.looked = Some(Instant::now());
        if !is_news {
            return;
        }
        let held = self.bundles.held();
        self.report = Arc::new(Report {
            files: held.files,
            authorities: held.authorities.len(),
            ends: held.ends,
            fingerprint: fingerprint(held.authorities.iter()),
            flaws: held.flaws.clone(),
        });
        self.anchors = None;
    }
}

// === impl Anchors ===

impl Anchors {
    fn new(system: &System, bundles: &[CertificateDer<'static>]) -> Self {
        let system = system.authorities();
        let mut roots = RootCertStore::empty();
        let mut certificates = Vec::with_capacity(system.len() + bundles.len());
        for authority in system.iter().chain(bundles) {
            if roots.add(authority.clone()).is_ok() {
                certificates.push(authority.clone());
            }
        }
        Self {
            fingerprint: fingerprint(certificates.iter()),
            verifier: verifier(roots),
            certificates,
            system: system.len(),
            bundles: bundles.len(),
        }
    }

    /// All of them, as PEM.
    pub(crate) fn pem(&self) -> String {
        self.certificates.iter().map(|der| pem(der)).collect()
    }
}

/// Takes chains that lead to one of `roots`; `None`: there are none.
pub(crate) fn verifier(roots: RootCertStore) -> Option<Arc<WebPkiServerVerifier>> {
    let provider = Arc::new(ring::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .ok()
}

/// A certificate, as PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    let digits = BASE64_STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(digit);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}

fn fingerprint<'a>(certificates: impl Iterator<Item = &'a CertificateDer<'static>>) -> u64 {
    let mut all: Vec<&[u8]> = certificates.map(AsRef::as_ref).collect();
    // where they stand makes no difference
    all.sort_unstable();
    let mut hasher = DefaultHasher::new();
    all.hash(&mut hasher);
    hasher.finish()
}

/// Seconds since the Unix epoch.
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

#[cfg(test)]
mod tests;
