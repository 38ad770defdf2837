//! What is wrong with the authority of a namespace, and what of that can be mended.
//!
//! In: its files, the copies of its certificate beside the certificates that it issued. Out: findings, and files. What is taken from a copy belongs to the key that issues: nobody is
//! trusted who was not.

use time::OffsetDateTime;

use super::Reconciler;
use crate::authority::{Authority, mode, read, refuse_writable};
use crate::error::Error;
use crate::finding::{Fault, Finding, Restored};
use crate::folder::{self, PUBLIC, SECRET};
use crate::layout::CA;
use crate::pair;

impl Reconciler {
    /// Makes the authority what it should be; whether it was made. The turn is ours.
    pub(crate) fn mend_authority(&self, now: OffsetDateTime) -> Result<bool, Error> {
        let space = self.space();
        let mut made = false;
        let mut before = None;
        // what is found next may follow from what was mended; what is found again cannot be mended here
        while let Some(finding) = self.look_at_authority(now)?.into_iter().next() {
            if before.as_ref() == Some(&finding) {
                break;
            }
            before = Some(finding.clone());
            match finding.fault {
                Fault::NoAuthority => {
                    Authority::make(&space, &self.namespace, now)?;
                    made = true;
                }
                Fault::LostAuthority(Restored { pem, .. }) => {
                    folder::write(&space.authority(), PUBLIC, &pem)?;
                }
                Fault::OpenAuthorityKey => {
                    let key = read(&space.key())?.unwrap_or_default();
                    folder::write(&space.key(), SECRET, &key)?;
                }
                Fault::NextUntrusted => {
                    if let Some(authority) = self.authority(now)? {
                        authority.trust_next(&space, &self.namespace, now)?;
                    }
                }
                Fault::Leaf(_) | Fault::Leftovers(_) => break,
            }
        }
        Ok(made)
    }

    pub(super) fn look_at_authority(&self, now: OffsetDateTime) -> Result<Vec<Finding>, Error> {
        let space = self.space();
        let at = |path, fault| Finding { path, fault };
        let authority = match self.authority(now) {
            Ok(Some(authority)) => authority,
            other => {
                if let Some((restored, _)) = self.restored(now) {
                    let lost = Fault::LostAuthority(restored);
                    return Ok(vec![at(space.authority(), lost)]);
                }
                return match other {
                    Ok(_) => Ok(vec![at(space.authority(), Fault::NoAuthority)]),
                    Err(error) => Err(error),
                };
            }
        };
        let mut findings = Vec::new();
        if mode(&space.key()).is_some_and(|mode| mode & 0o077 != 0) {
            findings.push(at(space.key(), Fault::OpenAuthorityKey));
        }
        // a key that cannot be used is told when the roll-over goes on: until then it is nobody's
        let next = read(&space.next_key()).ok().flatten();
        if let Some(public) = next.as_deref().and_then(pair::public_half)
            && authority.bundle().of_key(&public).is_none()
            && refuse_writable(&space.next_key()).is_ok()
        {
            findings.push(at(space.next_key(), Fault::NextUntrusted));
        }
        Ok(findings)
    }

    /// The authority; where its certificate is lost or damaged, with that of a copy.
    pub(super) fn own_or_restored(&self, now: OffsetDateTime) -> Option<Authority> {
        let own = self.authority(now).ok().flatten();
        own.or_else(|| self.restored(now).map(|(_, authority)| authority))
    }

    /// A copy of the authority's certificate that belongs to its key; that with most authorities, for an older one may hold fewer.
    fn restored(&self, now: OffsetDateTime) -> Option<(Restored, Authority)> {
        let space = self.space();
        refuse_writable(&space.key()).ok()?;
        let key = read(&space.key()).ok().flatten()?;
        let mut best: Option<(Restored, Authority)> = None;
        for (name, kind) in space.folders().ok()? {
            let folder = space.folder().join(format!("{name}{}", kind.ending()));
            let from = folder.join(CA);
            let Some(pem) = read(&from).ok().flatten() else {
                continue;
            };
            let Ok(authority) = Authority::of(&pem, &key, &self.namespace, now) else {
                continue;
            };
            let count = authority.bundle().len();
            if best
                .as_ref()
                .is_none_or(|(_, other)| count > other.bundle().len())
            {
                best = Some((Restored { from, pem }, authority));
            }
        }
        best
    }
}
