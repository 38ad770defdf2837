//! Everything in a folder of certificates: what is there, and what is wrong with it.
//!
//! In: the folder. Out: a row for each certificate, and a complaint for each thing that is wrong. Files are read and none is written. What is wrong with a certificate is decided where
//! it is mended; what is seen here alone is what only shows between folders: a key that lies in two of them.

mod complaint;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use model::Instance;
use rustls::crypto::hash::Hash;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::authority::{Authority, mode, read};
use crate::bundle::Bundle;
use crate::error::Error;
use crate::facts::Facts;
use crate::folder;
use crate::layout::{CA, Space, names_in, there};
use crate::leaf::{Leaf, Trust};
use crate::member::Member;
use crate::name::Name;
use crate::pair;
use crate::reason::Reason;

pub use complaint::Complaint;
use complaint::word_of;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Each certificate, in the order of paths.
    pub rows: Vec<Row>,
    /// What is wrong, in the same order.
    pub complaints: Vec<Complaint>,
    /// What need not be wrong: an authority that rolls over.
    pub notes: Vec<Complaint>,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its file.
    pub path: PathBuf,
    /// What it says.
    pub facts: Facts,
    /// SHA-256 of it, in hexadecimal digits.
    pub fingerprint: String,
}

/// What lasts less than this part of its life is told of an authority: clients are given another by hand.
const LAST_PART: i64 = 10;

struct Looking<'a> {
    survey: Survey,
    /// Public halves of keys, in which folders they are, and in which file there.
    keys: BTreeMap<Vec<u8>, BTreeMap<PathBuf, PathBuf>>,
    directory: &'a Path,
    /// What an operator added to some certificate.
    names: &'a BTreeSet<Name>,
    now: OffsetDateTime,
}

/// Looks at all of `directory`; `names` are right in any certificate.
///
/// # Errors
/// When the folder cannot be read.
pub fn survey(
    directory: &Path,
    names: &BTreeSet<Name>,
    now: OffsetDateTime,
) -> Result<Survey, Error> {
    let failed = |path: &Path| Error::files("read the folder", path.to_owned());
    let mut looking = Looking {
        survey: Survey::default(),
        keys: BTreeMap::new(),
        directory,
        names,
        now,
    };
    let spaces = names_in(directory).map_err(failed(directory))?;
    for namespace in spaces {
        // anything else that lies there is nobody's namespace
        if Instance::new(&namespace, "x").is_err() {
            continue;
        }
        let space = Space::new(directory, &namespace);
        let folders = space.folders().map_err(failed(space.folder()))?;
        if folders.is_empty() && !there(&space.authority()) && !there(&space.key()) {
            continue;
        }
        let authority = looking.authority(&space, &namespace);
        for (name, kind) in folders {
            if let Ok(instance) = Instance::new(&namespace, &name) {
                looking.member(&Member::new(instance, kind), authority.as_ref());
            }
        }
    }
    looking.shared();
    let Survey { complaints, .. } = &mut looking.survey;
    complaints.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(looking.survey)
}

/// Whom a namespace trusts: with the key that issues, or without it.
struct Found {
    bundle: Bundle,
    issuer: Option<(usize, OffsetDateTime)>,
}

// === impl Looking ===

impl Looking<'_> {
    fn authority(&mut self, space: &Space, namespace: &str) -> Option<Found> {
        let (cert, key) = (space.authority(), space.key());
        for key in [&key, &space.next_key()] {
            self.secret(key);
        }
        self.rows(&cert);
        self.leftovers(space.folder());
        let has_key = there(&key);
        if !there(&cert) {
            if has_key {
                self.complain(&cert, "missing", "there is none beside ca.key");
            }
            return None;
        }
        if !has_key {
            let parsed = read(&cert).map_err(|error| error.to_string());
            let parsed = parsed.and_then(|pem| Bundle::parse(&pem.unwrap_or_default()));
            return match parsed {
                Ok(bundle) => Some(Found {
                    bundle,
                    issuer: None,
                }),
                Err(problem) => {
                    self.complain(&cert, word_of(&problem), &problem);
                    None
                }
            };
        }
        match Authority::load(space, namespace, &cert, self.now) {
            Ok(Some(authority)) => {
                self.life(&cert, &authority);
                if authority.bundle().len() > 1 {
                    let still = match there(&space.next_key()) {
                        true => "the next authority is trusted and does not issue yet",
                        false => "an authority that does not issue is trusted still",
                    };
                    self.survey
                        .notes
                        .push(Complaint::new(&cert, "rolling", still));
                }
                Some(Found {
                    bundle: authority.bundle().clone(),
                    issuer: Some((authority.at(), authority.ends())),
                })
            }
            Ok(None) => None,
            Err(Error::Authority { path, problem }) => {
                self.complain(&path, word_of(&problem), &problem);
                None
            }
            Err(error) => {
                self.complain(&cert, "unreadable", &error.to_string());
                None
            }
        }
    }

    fn life(&mut self, cert: &Path, authority: &Authority) {
        let der = authority.bundle().get(authority.at());
        let parsed = der.and_then(|der| X509Certificate::from_der(der).ok());
        let Some((_, parsed)) = parsed else { return };
        let validity = parsed.validity();
        let ends = validity.not_after.timestamp();
        let life = ends.saturating_sub(validity.not_before.timestamp());
        if ends.saturating_sub(self.now.unix_timestamp()) < life / LAST_PART {
            let text = format!(
                "the authority ends soon, at {}: let another take its place",
                authority.ends()
            );
            self.complain(cert, "short-life", &text);
        }
    }

    fn member(&mut self, member: &Member, found: Option<&Found>) {
        let layout = member.layout(self.directory);
        // of a pair the key's file is named
        self.key(&layout.key());
        self.rows(&layout.cert());
        self.leftovers(layout.folder());
        let copy = || read(&layout.copy()).ok().flatten();
        let beside = match found {
            Some(_) => None,
            None => copy().and_then(|pem| Bundle::parse(&pem).ok()),
        };
        let trust = match (found, &beside) {
            (Some(found), _) => Trust {
                bundle: &found.bundle,
                issuer: found.issuer,
            },
            (None, Some(bundle)) => Trust {
                bundle,
                issuer: None,
            },
            (None, None) => {
                let text = "no authority is there to verify it with";
                return self.complain(&layout.copy(), "missing", text);
            }
        };
        let leaf = Leaf::judge(&layout, trust, member, self.now);
        for reason in &leaf.faults {
            let complaints = Complaint::of(reason, &layout, member);
            self.survey.complaints.extend(complaints);
        }
        let others: Vec<String> = leaf
            .names
            .iter()
            .filter(|name| name.is_of_another(member.instance.namespace()))
            .filter(|name| !self.names.contains(*name))
            .map(ToString::to_string)
            .collect();
        if !others.is_empty() {
            let text = format!("it holds names of another namespace: {}", others.join(" "));
            self.complain(&layout.cert(), Reason::Names(Vec::new()).word(), &text);
        }
    }

    /// A key of an authority: for its user alone.
    fn secret(&mut self, path: &Path) {
        match mode(path) {
            Some(mode) if mode & 0o077 != 0 => {
                let mode = mode & 0o777;
                let text = format!("others may use it (mode {mode:o}): it should be 600");
                self.complain(path, Reason::Open.word(), &text);
            }
            _ => {}
        }
        self.key(path);
    }

    fn key(&mut self, path: &Path) {
        let pem = read(path).ok().flatten();
        if let Some(public) = pem.as_deref().and_then(pair::public_half) {
            self.holds(public, path);
        }
    }

    fn holds(&mut self, public: Vec<u8>, path: &Path) {
        let folder = path.parent().unwrap_or(path).to_owned();
        let places = self.keys.entry(public).or_default();
        places.entry(folder).or_insert_with(|| path.to_owned());
    }

    fn leftovers(&mut self, folder: &Path) {
        for path in folder::leftovers(folder) {
            let text = "an interrupted attempt left it: it counts for nothing, and may hold a key";
            self.complain(&path, "leftover", text);
        }
    }

    fn rows(&mut self, path: &Path) {
        let pem = std::fs::read(path).unwrap_or_default();
        let all = CertificateDer::pem_slice_iter(&pem).flatten();
        for (place, der) in all.enumerate() {
            // behind a certificate there may be those of its authorities, which it shares with its neighbours
            let is_own = place == 0 || path.ends_with(CA);
            if let (true, Ok((_, parsed))) = (is_own, X509Certificate::from_der(&der)) {
                self.holds(parsed.public_key().raw.to_vec(), path);
            }
            let row = Facts::of(&der).map(|facts| Row {
                path: path.to_owned(),
                facts,
                fingerprint: fingerprint(&der),
            });
            self.survey.rows.extend(row);
        }
    }

    /// Keys that lie in more than one place.
    fn shared(&mut self) {
        let shared: Vec<BTreeSet<PathBuf>> = std::mem::take(&mut self.keys)
            .into_values()
            .map(|places| places.into_values().collect())
            .filter(|paths: &BTreeSet<PathBuf>| paths.len() > 1)
            .collect();
        for paths in shared {
            for path in &paths {
                let others = paths.iter().filter(|other| *other != path);
                let others: Vec<String> = others.map(|o| o.display().to_string()).collect();
                let text = format!("it holds the same key as {}", others.join(" and "));
                self.complain(path, "shared-key", &text);
            }
        }
    }

    fn complain(&mut self, path: &Path, word: &'static str, text: &str) {
        self.survey
            .complaints
            .push(Complaint::new(path, word, text));
    }
}

/// SHA-256, as browsers and `openssl` show it, without colons.
fn fingerprint(der: &CertificateDer<'_>) -> String {
    let Some(suite) = TLS13_AES_128_GCM_SHA256.tls13() else {
        return String::new();
    };
    let sha256: &dyn Hash = suite.common.hash_provider;
    let digest = sha256.hash(der);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests;
