//! Seeing to it that an instance has a certificate, now and for as long as it runs.
//!
//! In: where, for whom, under which names, for how long. Out: files that can be served with, and what was done to get there. What is wrong is found and mended by [`Reconciler`];
//! here is only when that happens, and what is said of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Instance;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::authority::mode;
use crate::error::Error;
use crate::finding::Outcome;
use crate::kind::Kind;
use crate::layout::{Layout, there};
use crate::member::Member;
use crate::name::Name;
use crate::reconcile::Reconciler;

/// How often certificates are looked after, at most.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long before its end an authority is spoken of: clients are given it by hand.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

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
        let mut outcomes = self.reconciler().mend(now).into_iter();
        let own = outcomes.next().unwrap_or(Ok(Outcome::Kept));
        // what the instance shows elsewhere keeps nobody from serving
        for error in outcomes.filter_map(Result::err) {
            tracing::debug!(instance = %self.instance, "a certificate of another kind could not be looked after: {error}");
        }
        own
    }

    /// Of this instance: what it serves with, and of the other kinds those that were made.
    fn reconciler(&self) -> Reconciler {
        let own = Member {
            instance: self.instance.clone(),
            kind: Kind::Server,
            names: self.names.clone(),
            knows_all: true,
        };
        let others = [Kind::Node, Kind::Client]
            .into_iter()
            .map(|kind| Member::new(self.instance.clone(), kind))
            .filter(|member| member.layout(&self.directory).folder().is_dir());
        Reconciler {
            directory: self.directory.clone(),
            namespace: self.instance.namespace().to_owned(),
            members: std::iter::once(own).chain(others).collect(),
            validity: self.validity,
        }
    }

    /// Looks after the certificate until `shutdown`: whoever serves with it takes the new files up.
    pub async fn keep(self, shutdown: CancellationToken) {
        let every = LOOK_EVERY
            .min(self.validity / 10)
            .max(Duration::from_secs(1));
        let mut told = None;
        let mut is_given = self.layout().is_given();
        while shutdown
            .run_until_cancelled(tokio::time::sleep(every))
            .await
            .is_some()
        {
            let issuer = self.clone();
            let ensured = tokio::task::spawn_blocking(move || issuer.ensure()).await;
            match ensured {
                Ok(Ok(Outcome::KeptAnyway { error, .. })) if told.as_ref() == Some(&error) => {}
                // said once, at the start or when the key was taken away
                Ok(Ok(Outcome::Given)) if is_given => {}
                Ok(Ok(Outcome::Given)) => {
                    is_given = true;
                    self.tell(&Outcome::Given);
                }
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
        if let Ok(Some(authority)) = self.reconciler().authority(OffsetDateTime::now_utc())
            && authority.ends() < soon
        {
            tracing::warn!(instance = %self.instance, %ca, ends = %authority.ends(), "the authority ends within a year: let another take its place before that, see spoor certs renew --authority");
        }
        match outcome {
            Outcome::Kept => {}
            Outcome::KeptAnyway { reason, error } => {
                tracing::warn!(instance = %self.instance, %ca, "what is wrong with the certificate ({reason}) could not be mended, so the one that is there serves on: {error}");
            }
            Outcome::Given if there(&layout.authority()) => {
                tracing::warn!(instance = %self.instance, cert = %full(&layout.cert()), "ca.key is not beside ca.crt, so the certificate is not renewed and clients will refuse it when it ends: put the key back, or replace the certificate before that");
            }
            Outcome::Given => {
                tracing::info!(instance = %self.instance, cert = %full(&layout.cert()), "serving with the certificate that lies there; without ca.key beside ca.crt it is not renewed");
            }
            Outcome::Mended { reason } => {
                tracing::info!(instance = %self.instance, cert = %full(&layout.cert()), %reason, "mended what lies beside the certificate, which stays as it is");
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

/// A path that can be copied out of a log.
fn full(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.display().to_string()
}

#[cfg(test)]
mod tests;
