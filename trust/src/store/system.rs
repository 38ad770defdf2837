//! The authorities of the system.
//!
//! In: where OpenSSL would look for them, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` say. Out: certificates. They are loaded when metadata of a file there differ. Where nothing can be loaded any
//! more, those that were loaded last stay.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::file::Stamp;

/// How often metadata are compared at most.
const LOOK_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub(super) struct System {
    looked: Option<Instant>,
    /// Of the metadata; `None`: a further change may not show.
    stamp: Option<u64>,
    authorities: Vec<CertificateDer<'static>>,
}

// === impl System ===

impl System {
    pub(super) fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }

    /// Looks, if it is time; true: they are not what they were.
    pub(super) fn look(&mut self) -> bool {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return false;
        }
        let is_first = self.looked.replace(Instant::now()).is_none();
        let (stamp, is_settled) = stamp();
        if !is_first && self.stamp == Some(stamp) {
            return false;
        }
        self.stamp = is_settled.then_some(stamp);
        let loaded = rustls_native_certs::load_native_certs();
        for error in &loaded.errors {
            tracing::debug!(%error, "an authority of the system cannot be loaded");
        }
        let is_certificate = |der: &CertificateDer<'_>| X509Certificate::from_der(der).is_ok();
        let mut authorities = loaded.certs;
        authorities.retain(is_certificate);
        if authorities == self.authorities || (authorities.is_empty() && !is_first) {
            return is_first;
        }
        self.authorities = authorities;
        true
    }
}

/// Of the metadata of all files that may hold them, and whether these would show a further change.
fn stamp() -> (u64, bool) {
    let places = openssl_probe::probe();
    let folders = places.cert_dir.into_iter().flat_map(|folder| {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files
    });
    let mut paths: Vec<PathBuf> = places.cert_file.into_iter().chain(folders).collect();
    paths.sort();
    let (mut hasher, mut is_settled) = (DefaultHasher::new(), true);
    for path in paths {
        let stamp = fs::metadata(&path).ok().map(|of| Stamp::of(&of));
        is_settled &= stamp.is_none_or(|stamp| stamp.is_settled());
        (path, stamp).hash(&mut hasher);
    }
    (hasher.finish(), is_settled)
}
