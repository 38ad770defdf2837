//! The commands on the folder of certificates.
//!
//! In: a parsed [`Certs`]. Out: what was done to which file, or what is there and what is wrong with it, and whether all was well. What is wrong, and how it is mended, is decided in
//! `trust`, where a running Spoor asks too: these may be used beside one.

mod show;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;
use time::OffsetDateTime;
use trust::{Complaint, Member, Outcome, Reconciler, Stage};

use crate::cli::{Certs, Output};
use crate::config::Certificates;

const HELP: &str = "\
Make certificates, look at them, put others in their place.

Usage: spoor certs <command> [options] [--flag=value …]

Commands:
  issue          see to it that an instance has its certificates, and the namespace an authority; what is
                 right stays as it is
  renew          issue again what is there; with --authority put another authority in the place of a
                 namespace's, stage by stage
  verify         name all that is wrong: shared keys, wrong issuers, names, modes, pairs, short lives …
  show           list subject, names, serial, issuer, end and fingerprint of each certificate

verify and show change nothing. All may be used beside a Spoor that serves with what is there.

Options:
  --directory DIR
      the folder of all namespaces; without it certs.directory
  --namespace NS, --instance NAME
      whose; without them those of instance.default. renew without an instance: the whole namespace
  --kinds server,node,client
      what for: a collector and a query service, nodes of Elasticsearch or OpenSearch, a client.
      issue: without it server. renew: without it all that are there
  --authority trust|issue|drop
      one after the other. trust: both authorities are in ca.crt, and the old one issues. issue: the new
      one issues. drop: the new one alone is trusted. Give ca.crt to all clients after each
  --output text|json
      of verify and show

Settings that count: certs.directory, certs.names (more names), certs.validity, instance.default.
Exit codes: 0 all was well; 1 something is wrong, or the command failed.
";

/// Carries `command` out; true means that all was well.
///
/// # Errors
/// When `out` or `err` can not be written.
pub fn run(command: &Certs, out: &mut impl Write, err: &mut impl Write) -> io::Result<bool> {
    let now = OffsetDateTime::now_utc();
    match command {
        Certs::Help => out.write_all(HELP.as_bytes()).map(|()| true),
        Certs::Issue {
            certificates,
            kinds,
        } => {
            let members = kinds.iter().map(|kind| {
                let mut member = Member::new(certificates.instance.clone(), *kind);
                member.names.extend(certificates.names.iter().cloned());
                member
            });
            let reconciler = Reconciler {
                directory: certificates.directory.clone(),
                namespace: certificates.instance.namespace().to_owned(),
                members: members.collect(),
                validity: certificates.validity,
            };
            let outcomes = reconciler.mend(now);
            tell(&reconciler, outcomes, out, err)
        }
        Certs::Renew {
            certificates,
            namespace,
            instance,
            kinds,
        } => {
            let Some(mut reconciler) = found(certificates, namespace, err)? else {
                return Ok(false);
            };
            reconciler.members.retain(|member| {
                instance.as_ref().is_none_or(|i| *i == member.instance)
                    && (kinds.is_empty() || kinds.contains(&member.kind))
            });
            if reconciler.members.is_empty() {
                let folder = certificates.directory.join(namespace);
                let folder = folder.display();
                writeln!(
                    err,
                    "spoor: {folder} holds no such certificate: spoor certs issue makes it"
                )?;
                return Ok(false);
            }
            let outcomes = reconciler.renew(now);
            tell(&reconciler, outcomes, out, err)
        }
        Certs::Roll {
            certificates,
            namespace,
            stage,
        } => roll(certificates, namespace, *stage, now, out, err),
        Certs::Verify {
            certificates,
            output,
        } => verify(certificates, *output, now, out, err),
        Certs::Show {
            certificates,
            output,
        } => match trust::survey(&certificates.directory, &certificates.names, now) {
            Ok(survey) => show::run(&survey.rows, *output, out).map(|()| true),
            Err(error) => writeln!(err, "spoor: {error}").map(|()| false),
        },
    }
}

/// All that lies in a namespace.
fn found(
    certificates: &Certificates,
    namespace: &str,
    err: &mut impl Write,
) -> io::Result<Option<Reconciler>> {
    match Reconciler::found(&certificates.directory, namespace, certificates.validity) {
        Ok(reconciler) => Ok(Some(reconciler)),
        Err(error) => writeln!(err, "spoor: {error}").map(|()| None),
    }
}

/// A line for each certificate.
fn tell(
    reconciler: &Reconciler,
    outcomes: Vec<Result<Outcome, trust::Error>>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<bool> {
    let (mut is_good, mut told) = (true, BTreeSet::new());
    for (member, outcome) in reconciler.members.iter().zip(outcomes) {
        let folder = member.layout(&reconciler.directory);
        let folder = folder.folder().display();
        match outcome {
            Ok(Outcome::Kept) => writeln!(out, "{folder}: kept, all is well")?,
            Ok(Outcome::Mended { reason }) => writeln!(out, "{folder}: mended, {reason}")?,
            Ok(Outcome::Issued { reason, authority }) => {
                let also = if authority {
                    ", and an authority made"
                } else {
                    ""
                };
                writeln!(out, "{folder}: issued, {reason}{also}")?;
            }
            Ok(Outcome::KeptAnyway { reason, error }) => {
                is_good = false;
                writeln!(
                    err,
                    "spoor: {folder}: could not be mended ({reason}): {error}"
                )?;
            }
            Ok(Outcome::Given) => {
                is_good = false;
                writeln!(
                    err,
                    "spoor: {folder}: it was put there, and stays: there is no ca.key to issue another with"
                )?;
            }
            Err(error) => {
                is_good = false;
                // of an authority that cannot be used each is told the same
                if told.insert(error.to_string()) {
                    writeln!(err, "spoor: {error}")?;
                }
            }
        }
    }
    Ok(is_good)
}

fn roll(
    certificates: &Certificates,
    namespace: &str,
    stage: Stage,
    now: OffsetDateTime,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<bool> {
    let Some(reconciler) = found(certificates, namespace, err)? else {
        return Ok(false);
    };
    let outcomes = match reconciler.roll(stage, now) {
        Ok(outcomes) => outcomes,
        Err(error) => return writeln!(err, "spoor: {error}").map(|()| false),
    };
    let is_good = tell(
        &reconciler,
        outcomes.into_iter().map(Ok).collect(),
        out,
        err,
    )?;
    let ca = certificates.directory.join(namespace).join("ca.crt");
    let next = match stage {
        Stage::Trust => "give it to all clients, then go on with --authority=issue",
        Stage::Issue => {
            "once all servers and clients show new certificates, go on with --authority=drop"
        }
        Stage::Drop => "give it to all clients",
    };
    writeln!(out, "{}: {next}", ca.display())?;
    Ok(is_good)
}

fn verify(
    certificates: &Certificates,
    output: Output,
    now: OffsetDateTime,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<bool> {
    let directory: &Path = &certificates.directory;
    let survey = match trust::survey(directory, &certificates.names, now) {
        Ok(survey) => survey,
        Err(error) => return writeln!(err, "spoor: {error}").map(|()| false),
    };
    let is_empty = survey.rows.is_empty() && survey.complaints.is_empty();
    if is_empty {
        let directory = directory.display();
        writeln!(
            err,
            "spoor: {directory} holds no certificates: give another --directory"
        )?;
        return Ok(false);
    }
    match output {
        Output::Text => {
            for complaint in &survey.complaints {
                writeln!(out, "{complaint}")?;
            }
            for note in &survey.notes {
                writeln!(out, "{}: note: {}", note.path.display(), note.text)?;
            }
            let (count, wrong) = (survey.rows.len(), survey.complaints.len());
            writeln!(out, "{count} certificates, {wrong} faults")?;
        }
        Output::Json => {
            let row = |c: &Complaint| json!({"file": c.path.display().to_string(), "problem": c.word, "text": c.text});
            let all = json!({
                "certificates": survey.rows.len(),
                "problems": survey.complaints.iter().map(row).collect::<Vec<_>>(),
                "notes": survey.notes.iter().map(row).collect::<Vec<_>>(),
            });
            writeln!(out, "{all:#}")?;
        }
    }
    Ok(survey.complaints.is_empty())
}

#[cfg(test)]
mod tests;
