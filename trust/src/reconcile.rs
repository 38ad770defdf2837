//! Certificates as they should be, whatever happened to them.
//!
//! In: a namespace, and the certificates that are wanted in it. Out: what is wrong, by name, and after mending nothing. It looks, and writes only what is wrong: a second run writes
//! nothing, a restart writes nothing. Every write is whole or not there, and each leaves something that can be served with, so that it may be killed between any two: the next run
//! looks again and goes on. Processes take turns. This is the only place where certificates are mended: `Issuer` keeps one with it while Spoor runs, and so do the commands.

mod authority;

use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Instance;
use time::OffsetDateTime;

use crate::authority::{Authority, mode};
use crate::error::Error;
use crate::finding::{Fault, Finding, Outcome};
use crate::folder::{self, Entry, PUBLIC, SECRET};
use crate::kind::Kind;
use crate::layout::{CA, CERT, KEY, Layout, Space, there};
use crate::leaf::{Leaf, Trust};
use crate::member::Member;
use crate::reason::Reason;
use crate::turn;

/// Mends the certificates of one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciler {
    /// The folder of all namespaces.
    pub directory: PathBuf,
    /// Whose authority issues.
    pub namespace: String,
    /// What is wanted in it.
    pub members: Vec<Member>,
    /// How long a certificate lasts; it is renewed when a third of that is left.
    pub validity: Duration,
}

// === impl Reconciler ===

impl Reconciler {
    /// Of everything that lies in a namespace's folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn found(directory: &Path, namespace: &str, validity: Duration) -> Result<Self, Error> {
        let space = Space::new(directory, namespace);
        let folders = space
            .folders()
            .map_err(Error::files("read the folder", space.folder()))?;
        let members = folders.into_iter().filter_map(|(name, kind)| {
            Some(Member::new(Instance::new(namespace, &name).ok()?, kind))
        });
        Ok(Self {
            directory: directory.to_owned(),
            namespace: namespace.to_owned(),
            members: members.collect(),
            validity,
        })
    }

    /// What is wrong now, in the order in which it is mended. What can be seen of certificates before there is an authority is that they are missing. Writes nothing, waits for nobody.
    ///
    /// # Errors
    /// When the authority cannot be used, or there is no key to issue with what is missing.
    pub fn look(&self, now: OffsetDateTime) -> Result<Vec<Finding>, Error> {
        let mut findings = self.look_at_authority(now)?;
        if let Some(authority) = self.own_or_restored(now) {
            for member in &self.members {
                let layout = member.layout(&self.directory);
                let leaf = Leaf::judge(&layout, Trust::of(&authority), member, now);
                findings.extend(leaf.faults.into_iter().map(|reason| Finding {
                    path: layout.folder().to_owned(),
                    fault: Fault::Leaf(reason),
                }));
            }
        } else {
            let wanted = self.members.iter().map(|m| m.layout(&self.directory));
            findings.extend(wanted.filter(|l| !l.is_given()).map(|layout| Finding {
                path: layout.folder().to_owned(),
                fault: Fault::Leaf(Reason::Missing),
            }));
        }
        findings.extend(self.leftovers().map(|fault| Finding {
            path: self.space().folder().to_owned(),
            fault,
        }));
        Ok(findings)
    }

    /// Mends all of it, and says of each member what it took, in their order. Blocks.
    #[must_use]
    pub fn mend(&self, now: OffsetDateTime) -> Vec<Result<Outcome, Error>> {
        self.mend_asked(now, false)
    }

    /// Issues all members again, whether or not that is due. Blocks.
    #[must_use]
    pub fn renew(&self, now: OffsetDateTime) -> Vec<Result<Outcome, Error>> {
        self.mend_asked(now, true)
    }

    fn mend_asked(&self, now: OffsetDateTime, asked: bool) -> Vec<Result<Outcome, Error>> {
        let all = |result: Result<Outcome, Error>| vec![result; self.members.len()];
        if let Some(given) = self.given() {
            return given;
        }
        match self.look(now) {
            Ok(findings) if findings.is_empty() && !asked => return all(Ok(Outcome::Kept)),
            Ok(_) => {}
            Err(error) => return all(Err(error)),
        }
        let before = self.judge(now);
        let space = self.space();
        let turn = folder::make(space.folder(), 0o755).and_then(|()| turn::take(&space.lock()));
        let mended = turn.and_then(|turn| Ok((turn, self.mend_authority(now)?)));
        let outcomes = match &mended {
            Ok((_turn, made)) => {
                let mend = |(member, before)| {
                    let mended = self.mend_member(member, *made, now, asked);
                    mended.or_else(|error| anyway(before, error, asked))
                };
                self.members.iter().zip(before).map(mend).collect()
            }
            Err(error) => {
                let keep = |before| anyway(before, error.clone(), asked);
                before.into_iter().map(keep).collect()
            }
        };
        if let (Ok(_), Some(Fault::Leftovers(paths))) = (&mended, self.leftovers()) {
            // they do no harm and are found again
            drop(folder::sweep(&paths));
        }
        outcomes
    }

    /// Where there is no key to issue with and something was put there: a folder that only holds what was given may be one that nobody can write to, and an authority beside it would
    /// be none that its clients trust.
    fn given(&self) -> Option<Vec<Result<Outcome, Error>>> {
        let space = self.space();
        let of = |member: &Member, kind| Layout::of(&self.directory, &member.instance, kind);
        let is_given = |member: &Member| of(member, member.kind).is_given();
        let has_given_kin =
            |member: &Member| Kind::ALL.iter().any(|kind| of(member, *kind).is_given());
        if there(&space.key()) || !self.members.iter().any(has_given_kin) {
            return None;
        }
        let outcome = |member| match is_given(member) {
            true => Ok(Outcome::Given),
            false => Err(Error::NoKey {
                authority: space.authority(),
                missing: of(member, member.kind).cert(),
            }),
        };
        Some(self.members.iter().map(outcome).collect())
    }

    fn mend_member(
        &self,
        member: &Member,
        made: bool,
        now: OffsetDateTime,
        asked: bool,
    ) -> Result<Outcome, Error> {
        let layout = member.layout(&self.directory);
        let authority = self.authority(now)?.ok_or_else(|| Error::Authority {
            path: layout.authority(),
            problem: "it is gone again".to_owned(),
        })?;
        let leaf = Leaf::judge(&layout, Trust::of(&authority), member, now);
        let reason = match leaf.reason() {
            Some(reason) if leaf.kept.is_none() => reason.clone(),
            _ if asked => Reason::Asked,
            Some(reason) => reason.clone(),
            None => return Ok(Outcome::Kept),
        };
        let bundle = authority.bundle().pem();
        if let (Some((cert, key)), false) = (&leaf.kept, asked) {
            put(layout.folder(), cert, key, bundle)?;
            return Ok(match mode(&layout.key()) {
                Some(mode) if reason == Reason::Open && mode & 0o077 != 0 => Outcome::KeptAnyway {
                    reason,
                    error: format!("the file system gives it the mode {:o}", mode & 0o777),
                },
                _ => Outcome::Mended { reason },
            });
        }
        let issued = authority.issue(member, &leaf.names_for(member), self.validity, now)?;
        put(layout.folder(), &issued.cert, &issued.key, bundle)?;
        Ok(Outcome::Issued {
            reason,
            authority: made,
        })
    }

    pub(crate) fn space(&self) -> Space {
        Space::new(&self.directory, &self.namespace)
    }

    pub(crate) fn authority(&self, now: OffsetDateTime) -> Result<Option<Authority>, Error> {
        let space = self.space();
        let missing = self.members.first().map_or_else(
            || space.folder().to_owned(),
            |m| m.layout(&self.directory).cert(),
        );
        Authority::load(&space, &self.namespace, &missing, now)
    }

    fn leftovers(&self) -> Option<Fault> {
        let folders = self.members.iter().map(|m| m.layout(&self.directory));
        let folders = folders.map(|layout| layout.folder().to_owned());
        let left: Vec<PathBuf> = std::iter::once(self.space().folder().to_owned())
            .chain(folders)
            .flat_map(|folder| folder::leftovers(&folder))
            .collect();
        (!left.is_empty()).then_some(Fault::Leftovers(left))
    }

    /// Each member's certificate; none where there is no authority yet.
    fn judge(&self, now: OffsetDateTime) -> Vec<Option<Leaf>> {
        let authority = self.own_or_restored(now);
        let judge = |member: &Member| {
            let layout = member.layout(&self.directory);
            let trust = Trust::of(authority.as_ref()?);
            Some(Leaf::judge(&layout, trust, member, now))
        };
        self.members.iter().map(judge).collect()
    }
}

/// Nothing could be written: what is usable serves on.
fn anyway(before: Option<Leaf>, error: Error, asked: bool) -> Result<Outcome, Error> {
    match before {
        Some(leaf) if !asked && leaf.is_usable() => Ok(match leaf.reason() {
            Some(reason) => Outcome::KeptAnyway {
                reason: reason.clone(),
                error: error.to_string(),
            },
            None => Outcome::Kept,
        }),
        _ => Err(error),
    }
}

fn put(folder: &Path, cert: &str, key: &str, bundle: &str) -> Result<(), Error> {
    let entries = [
        (CERT, PUBLIC, cert),
        (KEY, SECRET, key),
        (CA, PUBLIC, bundle),
    ];
    let entries = entries.map(|(name, mode, content)| Entry {
        name,
        mode,
        content,
    });
    folder::write_set(folder, &entries)
}

#[cfg(test)]
mod tests;
