//! Seeing to it that an instance has a certificate, now and for as long as it runs.
//!
//! In: where, for whom, under which names, for how long. Out: files that can be served with, and what was done to get there. It looks first and writes
//! only what is missing or due; two processes of one instance take turns, and neither takes away the names of the other.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Instance;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::error::Error;
use crate::folder::{self, Entry, PUBLIC, SECRET};
use crate::layout::{CA, CERT, KEY, Layout};
use crate::leaf::{Leaf, Reason};
use crate::name::Name;

/// How often certificates are looked after, at most.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

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
        if let Some(authority) = Authority::load(&layout, now)?
            && Leaf::judge(&layout, &authority, &self.names, now)
                .due
                .is_none()
        {
            return Ok(Outcome::Kept);
        }
        folder::make(layout.namespace(), 0o755)?;
        let turn = layout.namespace().join(".lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&turn)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(Error::files("lock", turn))?;
        let outcome = self.issue(&layout, now);
        drop(lock);
        outcome
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
                Ok(Ok(outcome)) => {
                    self.tell(&outcome);
                    told = None;
                }
                Ok(Err(error)) => {
                    let text = error.to_string();
                    if told.as_ref() != Some(&text) {
                        tracing::error!(instance = %self.instance, "the certificate was not looked after, and the one in use stays: {text}");
                        told = Some(text);
                    }
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
        match outcome {
            Outcome::Kept => {}
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
