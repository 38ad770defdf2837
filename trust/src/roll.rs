//! Another authority in the place of one that clients trust, in three stages.
//!
//! In: a namespace, and the stage that is asked for. Out: its files in that stage, or why it is not its turn. First both are trusted and the old one issues; then both are trusted and
//! the new one issues; then the new one alone is trusted. Between the stages whoever trusts a `ca.crt` of before has to be given that of now: only a person knows when all were. All
//! that a stage decides is one rename; the rest follows from it by reconciling, and is the same after a kill.

use std::fmt;
use std::fs::File;
use std::str::FromStr;

use time::OffsetDateTime;

use crate::authority::{Authority, make_key, read, refuse_writable};
use crate::error::Error;
use crate::finding::Outcome;
use crate::folder;
use crate::leaf::{Leaf, Trust};
use crate::pair;
use crate::reason::Reason;
use crate::reconcile::Reconciler;
use crate::turn;

/// How far the roll-over of an authority is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Clients are given both.
    Trust,
    /// The new one issues.
    Issue,
    /// The old one is trusted no more.
    Drop,
}

/// Why a word is no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is none of trust, issue, drop")]
pub struct InvalidStage(String);

impl Reconciler {
    /// Goes to `stage`, and mends every member: they are all that lies in the namespace, see [`Reconciler::found`]. Already there: nothing is written. Blocks.
    ///
    /// # Errors
    /// When it is another stage's turn, or a certificate could not be mended before.
    pub fn roll(&self, stage: Stage, now: OffsetDateTime) -> Result<Vec<Outcome>, Error> {
        self.mended(stage, now)?;
        {
            let _turn = self.turn()?;
            match stage {
                Stage::Trust => self.trust_next(now)?,
                Stage::Issue => self.issue_next(now)?,
                Stage::Drop => self.drop_old(now)?,
            }
        }
        self.mended(stage, now)
    }

    fn turn(&self) -> Result<File, Error> {
        turn::take(&self.space().lock())
    }

    /// All of them: a stage begins and ends with nothing left to mend.
    fn mended(&self, stage: Stage, now: OffsetDateTime) -> Result<Vec<Outcome>, Error> {
        let each = self.mend(now).into_iter().zip(&self.members);
        each.map(|(outcome, member)| match outcome? {
            Outcome::KeptAnyway { reason, error } => {
                let what = member
                    .layout(&self.directory)
                    .folder()
                    .display()
                    .to_string();
                Err(self.refused(
                    stage,
                    format!("{what} could not be mended ({reason}): {error}"),
                ))
            }
            outcome => Ok(outcome),
        })
        .collect()
    }

    fn trust_next(&self, now: OffsetDateTime) -> Result<(), Error> {
        let space = self.space();
        if self.has_next(Stage::Trust)? {
            return Ok(());
        }
        if self.rolling(Stage::Trust, now)?.bundle().len() > 1 {
            let problem = "ca.crt holds more than one authority already: drop the old one first";
            return Err(self.refused(Stage::Trust, problem.to_owned()));
        }
        make_key(&space.next_key(), &self.namespace)?;
        self.mend_authority(now).map(drop)
    }

    fn issue_next(&self, now: OffsetDateTime) -> Result<(), Error> {
        let space = self.space();
        let authority = self.rolling(Stage::Issue, now)?;
        if !self.has_next(Stage::Issue)? {
            return match authority.bundle().len() {
                1 => {
                    let problem =
                        "no other one is trusted yet: trust it first, and give ca.crt to clients";
                    Err(self.refused(Stage::Issue, problem.to_owned()))
                }
                // it does already
                _ => Ok(()),
            };
        }
        self.require(&authority, Stage::Issue, now)?;
        // from here on the key that issues is that of the next one; the old one's is gone
        let rename = folder::rename(&space.next_key(), &space.key());
        rename.map_err(Error::files("rename", space.next_key()))
    }

    fn drop_old(&self, now: OffsetDateTime) -> Result<(), Error> {
        let authority = self.rolling(Stage::Drop, now)?;
        if self.has_next(Stage::Drop)? {
            let problem = "the old one still issues: let the new one issue first";
            return Err(self.refused(Stage::Drop, problem.to_owned()));
        }
        if authority.bundle().len() == 1 {
            return Ok(());
        }
        self.require(&authority, Stage::Drop, now)?;
        authority.trust_alone(&self.space())
    }

    /// Whether there is another key, which can be used.
    fn has_next(&self, stage: Stage) -> Result<bool, Error> {
        let path = self.space().next_key();
        refuse_writable(&path)?;
        match read(&path)? {
            Some(pem) if pair::public_half(&pem).is_some() => Ok(true),
            None => Ok(false),
            Some(_) => {
                let path = path.display();
                let problem = format!("{path} holds no private key: take it away");
                Err(self.refused(stage, problem))
            }
        }
    }

    fn rolling(&self, stage: Stage, now: OffsetDateTime) -> Result<Authority, Error> {
        self.authority(now)?.ok_or_else(|| {
            let problem = "there is none, or none whose key is here".to_owned();
            self.refused(stage, problem)
        })
    }

    /// Every certificate in the namespace has come as far as the stage before, whoever's it is.
    fn require(
        &self,
        authority: &Authority,
        stage: Stage,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let all = Self::found(&self.directory, &self.namespace, self.validity)?;
        for member in &all.members {
            let layout = member.layout(&self.directory);
            let leaf = Leaf::judge(&layout, Trust::of(authority), member, now);
            // what is due for other reasons goes on as ever
            let stands = |reason: &Reason| !matches!(reason, Reason::Ends | Reason::Names(_));
            if let Some(reason) = leaf.faults.into_iter().find(stands) {
                let folder = layout.folder().display();
                let problem = format!("{folder} is not as it should be ({reason})");
                return Err(self.refused(stage, problem));
            }
        }
        Ok(())
    }

    fn refused(&self, stage: Stage, problem: String) -> Error {
        Error::Roll {
            namespace: self.namespace.clone(),
            stage: match stage {
                Stage::Trust => "be joined by another",
                Stage::Issue => "hand over to the next",
                Stage::Drop => "be dropped",
            },
            problem,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trust => "trust",
            Self::Issue => "issue",
            Self::Drop => "drop",
        })
    }
}

impl FromStr for Stage {
    type Err = InvalidStage;

    fn from_str(text: &str) -> Result<Self, InvalidStage> {
        [Self::Trust, Self::Issue, Self::Drop]
            .into_iter()
            .find(|stage| stage.to_string() == text)
            .ok_or_else(|| InvalidStage(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
