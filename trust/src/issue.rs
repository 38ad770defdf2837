//! Seeing to it that an instance has a certificate, now and for as long as it runs.
//!
//! In: where, for whom, under which names, for how long. Out: files that can be served with, and what was done to get there. It looks first and writes
//! only what is missing or due; two processes of one instance take turns, and neither takes away the names of the other.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use model::Instance;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::authority::{Authority, mode};
use crate::error::Error;
use crate::folder::{self, Entry, PUBLIC, SECRET};
use crate::layout::{CA, CERT, KEY, Layout};
use crate::leaf::{Leaf, Reason};
use crate::name::Name;

/// How often certificates are looked after, at most.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long before its end an authority is spoken of: clients are given it by hand.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long another process may take with its turn.
const TURN: Duration = Duration::from_secs(10);

/// Issues for one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The folder of all namespaces.
    pub directory: PathBuf,
    /// For whom.
    pub instance: Instance,
    /// What it is called by.
    pub names: BTreeSet<Name>,
    /// How long a certificate lasts; it is renewed when a third of that is left.
    pub validity: Duration,
}

/// What it took to have a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All was well, and nothing was written.
    Kept,
    /// Another one is due and could not be made; the one that is there still serves.
    KeptAnyway {
        /// Why one is due.
        reason: Reason,
        /// Why there is none.
        error: String,
    },
    /// There is no key to issue with, but a certificate: it was put there, and stays as it is.
    Given,
    /// A certificate was issued.
    Issued {
        /// Why.
        reason: Reason,
        /// The authority was made as well: clients have to be given it.
        authority: bool,
    },
}

// === impl Issuer ===

impl Issuer {
    /// Where its files lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::new(&self.directory, &self.instance)
    }

    /// Makes what is missing or due. Blocks.
    ///
    /// # Errors
    /// When there is nothing to serve with afterwards, or an authority that cannot be used.
    pub fn ensure(&self) -> Result<Outcome, Error> {
        self.ensure_at(OffsetDateTime::now_utc())
    }

    /// As if it were `now`.
    pub(crate) fn ensure_at(&self, now: OffsetDateTime) -> Result<Outcome, Error> {
        let layout = self.layout();
        // a folder that only holds what was given may be one that nobody can write to
        if is_given(&layout) {
            return Ok(Outcome::Given);
        }
        let found = Authority::load(&layout, now)?
            .map(|authority| Leaf::judge(&layout, &authority, &self.names, now));
        if found.as_ref().is_some_and(|leaf| leaf.due.is_none()) {
            return Ok(Outcome::Kept);
        }
        let made = folder::make(layout.namespace(), 0o755)
            .and_then(|()| take_turn(&layout.namespace().join(".lock")))
            .and_then(|_turn| self.issue(&layout, now));
        match (made, found) {
            // a folder that nobody can write to serves as long as what is in it does
            (
                Err(error),
                Some(Leaf {
                    is_usable: true,
                    due: Some(reason),
                    ..
                }),
            ) => Ok(Outcome::KeptAnyway {
                reason,
                error: error.to_string(),
            }),
            (made, _) => made,
        }
    }

    fn issue(&self, layout: &Layout, now: OffsetDateTime) -> Result<Outcome, Error> {
        let (authority, made) = match Authority::load(layout, now)? {
            Some(authority) => (authority, false),
            None => (Authority::make(layout, &self.instance, now)?, true),
        };
        let leaf = Leaf::judge(layout, &authority, &self.names, now);
        let Some(reason) = leaf.due else {
            return Ok(Outcome::Kept);
        };
        // another process of this instance may be called by names that this one does not know
        let names = leaf.names.union(&self.names).cloned().collect();
        let issued = authority.issue(&self.instance, &names, self.validity, now)?;
        let entries = [
            (CERT, PUBLIC, issued.cert.as_str()),
            (KEY, SECRET, issued.key.as_str()),
            (CA, PUBLIC, authority.pem()),
        ]
        .map(|(name, mode, content)| Entry {
            name,
            mode,
            content,
        });
        folder::write_set(layout.instance(), &entries)?;
        Ok(Outcome::Issued {
            reason,
            authority: made,
        })
    }

    /// Looks after the certificate until `shutdown`: whoever serves with it takes the new files up.
    pub async fn keep(self, shutdown: CancellationToken) {
        let every = LOOK_EVERY
            .min(self.validity / 10)
            .max(Duration::from_secs(1));
        let mut told = None;
        while shutdown
            .run_until_cancelled(tokio::time::sleep(every))
            .await
            .is_some()
        {
            let issuer = self.clone();
            let ensured = tokio::task::spawn_blocking(move || issuer.ensure()).await;
            match ensured {
                Ok(Ok(Outcome::KeptAnyway { error, .. })) if told.as_ref() == Some(&error) => {}
                // said at the start
                Ok(Ok(Outcome::Given)) => {}
                Ok(Ok(Outcome::Kept)) => told = None,
                Ok(Ok(outcome)) => {
                    self.tell(&outcome);
                    told = match outcome {
                        Outcome::KeptAnyway { error, .. } => Some(error),
                        _ => None,
                    };
                }
                Ok(Err(error)) => {
                    let text = error.to_string();
                    if told.as_ref() != Some(&text) {
                        tracing::error!(instance = %self.instance, "the certificate was not looked after, and the one in use stays: {text}");
                        told = Some(text);
                    }
                }
                Err(ended) if ended.is_panic() => {
                    tracing::error!(instance = %self.instance, "looking after the certificate failed: {ended}");
                }
                // the runtime is ending
                Err(_) => return,
            }
        }
    }

    /// Says what was done, where clients find the authority, and nothing when all was well.
    pub fn tell(&self, outcome: &Outcome) {
        let layout = self.layout();
        let ca = full(&layout.authority());
        let key = layout.authority_key();
        if mode(&key).is_some_and(|mode| mode & 0o044 != 0) {
            tracing::warn!(key = %full(&key), "others may read the key of the authority, and issue what clients trust: take that from them (chmod 600)");
        }
        let soon = OffsetDateTime::now_utc() + YEAR;
        if let Ok(Some(authority)) = Authority::load(&layout, OffsetDateTime::now_utc())
            && authority.ends() < soon
        {
            tracing::warn!(instance = %self.instance, %ca, ends = %authority.ends(), "the authority ends within a year: make another below another certs.directory and give its ca.crt to clients before that");
        }
        match outcome {
            Outcome::Kept => {}
            Outcome::KeptAnyway { reason, error } => {
                tracing::warn!(instance = %self.instance, %ca, "another certificate is due ({reason}) and could not be made, so the one that is there serves on: {error}");
            }
            Outcome::Given if fs::exists(layout.authority()).unwrap_or(false) => {
                tracing::warn!(instance = %self.instance, cert = %full(&layout.cert()), "ca.key is not beside ca.crt, so the certificate is not renewed and clients will refuse it when it ends: put the key back, or replace the certificate before that");
            }
            Outcome::Given => {
                tracing::info!(instance = %self.instance, cert = %full(&layout.cert()), "serving with the certificate that lies there; without ca.key beside ca.crt it is not renewed");
            }
            Outcome::Issued {
                reason,
                authority: true,
            } => {
                tracing::warn!(instance = %self.instance, %ca, %reason, "made an authority and a certificate: give the file ca.crt to clients, and keep certs.directory where it outlives this process, or they will have to be given another");
            }
            Outcome::Issued {
                reason,
                authority: false,
            } => {
                tracing::info!(instance = %self.instance, %ca, %reason, "issued a certificate");
            }
        }
    }
}

/// One process at a time; the turn ends with the file. Whoever holds it for long is named.
fn take_turn(path: &Path) -> Result<File, Error> {
    let open = || {
        // nobody else may hold it
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(folder::SECRET)
            .open(path)?;
        file.set_permissions(Permissions::from_mode(folder::SECRET))?;
        Ok(file)
    };
    let file = open().map_err(Error::files("lock", path))?;
    let until = Instant::now() + TURN;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::park_timeout(Duration::from_millis(20));
            }
            Err(error) => return Err(Error::files("lock", path)(error.into())),
        }
    }
}

/// Whether there is a certificate with its key, and no key to issue with.
fn is_given(layout: &Layout) -> bool {
    let there = |path: PathBuf| fs::exists(path).unwrap_or(false);
    !there(layout.authority_key()) && there(layout.cert()) && there(layout.key())
}

/// A path that can be copied out of a log.
fn full(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.display().to_string()
}

#[cfg(test)]
mod tests;
