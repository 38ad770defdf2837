//! Each stage, clients of the stage before, and a kill at every step.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::bundle::Bundle;
use crate::damage::{changes, copy, days, found, member, mended, now, reconciler, room, snapshot};
use crate::kill;
use crate::kind::Kind;
use crate::survey::survey;

const STAGES: [Stage; 3] = [Stage::Trust, Stage::Issue, Stage::Drop];

fn made() -> tempfile::TempDir {
    let folder = room();
    let mut members = Kind::ALL.map(|kind| member("prod/jaeger", kind)).to_vec();
    members.push(member("prod/other", Kind::Server));
    mended(&reconciler(folder.path(), members), now() - days(1));
    folder
}

fn trusted(folder: &Path) -> Bundle {
    let pem = fs::read_to_string(folder.join("prod/ca.crt")).unwrap();
    Bundle::parse(&pem).unwrap()
}

/// Whoever trusts `bundle` takes every certificate of the namespace.
fn is_taken(folder: &Path, bundle: &Bundle, what: &str) {
    let trust = Trust {
        bundle,
        issuer: None,
    };
    for member in found(folder, "prod").members {
        let layout = member.layout(folder);
        let leaf = Leaf::judge(&layout, trust, &member, now());
        // the copy is for whoever reads that folder, and may be another stage's
        let faults: Vec<_> = leaf
            .faults
            .into_iter()
            .filter(|f| *f != Reason::Copy)
            .collect();
        assert_eq!(faults, [], "{what}: {member}");
    }
}

#[track_caller]
fn is_right(folder: &Path, what: &str) {
    let all = survey(folder, &BTreeSet::new(), now()).unwrap();
    assert_eq!(all.complaints, [], "{what}");
}

#[test]
fn in_three_stages_the_authority_is_another_and_nobody_is_locked_out() {
    let folder = made();
    let first = trusted(folder.path());
    let prod = found(folder.path(), "prod");
    let mut clients = first.clone();
    for (stage, authorities) in STAGES.into_iter().zip([2, 2, 1]) {
        let outcomes = prod.roll(stage, now()).unwrap();
        let changed = |outcome: &Outcome| match stage {
            Stage::Issue => matches!(
                outcome,
                Outcome::Issued {
                    reason: Reason::Rolled,
                    ..
                }
            ),
            _ => {
                *outcome
                    == Outcome::Mended {
                        reason: Reason::Copy,
                    }
            }
        };
        assert!(outcomes.iter().all(changed), "{stage}: {outcomes:?}");
        is_right(folder.path(), &stage.to_string());
        is_taken(folder.path(), &clients, "of the stage before");
        clients = trusted(folder.path());
        assert_eq!(clients.len(), authorities);
        is_taken(folder.path(), &clients, "of this stage");
        let whole = snapshot(folder.path());
        let again = prod.roll(stage, now()).unwrap();
        assert!(again.iter().all(|outcome| *outcome == Outcome::Kept));
        assert!(
            changes(&whole, &snapshot(folder.path())).is_empty(),
            "{stage}"
        );
        assert!(
            prod.mend(now())
                .into_iter()
                .all(|o| o.unwrap() == Outcome::Kept)
        );
    }
    assert!(!folder.path().join("prod/ca-next.key").exists());
    assert!(first.pem() != clients.pem());
    let leaf = member("prod/jaeger", Kind::Server);
    let trust = Trust {
        bundle: &first,
        issuer: None,
    };
    let judged = Leaf::judge(&leaf.layout(folder.path()), trust, &leaf, now());
    assert!(judged.faults.contains(&Reason::OtherAuthority));
}

#[test]
fn killed_at_any_step_of_any_stage_whoever_trusted_before_trusts_still() {
    let folder = made();
    for stage in STAGES {
        let clients = trusted(folder.path());
        for steps in 0.. {
            let again = room();
            copy(folder.path(), again.path());
            let prod = found(again.path(), "prod");
            let (done, was_killed) = kill::after(steps, || prod.roll(stage, now()).is_ok());
            let what = format!("{stage}, after {steps} steps");
            // a kill while leftovers are swept fails nothing
            assert!(done || was_killed, "{what}");
            is_taken(again.path(), &clients, &what);
            // a process that runs mends what it finds, and takes the stage no further
            mended(&prod, now());
            is_right(again.path(), &what);
            is_taken(again.path(), &clients, &what);
            prod.roll(stage, now()).unwrap();
            is_right(again.path(), &what);
            is_taken(again.path(), &trusted(again.path()), &what);
            let whole = snapshot(again.path());
            prod.roll(stage, now()).unwrap();
            assert!(
                changes(&whole, &snapshot(again.path())).is_empty(),
                "{what}"
            );
            if !was_killed {
                assert!(steps > 20, "{what}");
                break;
            }
        }
        found(folder.path(), "prod").roll(stage, now()).unwrap();
    }
}

#[test]
fn a_stage_waits_for_its_turn() {
    let folder = made();
    let prod = found(folder.path(), "prod");
    let refused = |stage, part: &str| {
        let whole = snapshot(folder.path());
        let told = prod.roll(stage, now()).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
        assert!(changes(&whole, &snapshot(folder.path())).is_empty());
    };
    refused(Stage::Issue, "trust it first");
    assert!(
        prod.roll(Stage::Drop, now())
            .unwrap()
            .iter()
            .all(|o| *o == Outcome::Kept)
    );
    prod.roll(Stage::Trust, now()).unwrap();
    refused(Stage::Drop, "let the new one issue first");
    prod.roll(Stage::Issue, now()).unwrap();
    refused(Stage::Trust, "drop the old one first");
    // somebody was not reached
    let late = folder.path().join("prod/late");
    copy(&folder.path().join("prod/jaeger"), &late);
    let told = prod.roll(Stage::Drop, now()).unwrap_err().to_string();
    assert!(told.contains("late is not as it should be"), "{told}");
    let prod = found(folder.path(), "prod");
    prod.roll(Stage::Drop, now()).unwrap();
    is_right(folder.path(), "dropped");
    fs::write(folder.path().join("prod/ca-next.key"), "junk").unwrap();
    assert!(
        prod.roll(Stage::Trust, now())
            .unwrap_err()
            .to_string()
            .contains("take it away")
    );
    assert!("both".parse::<Stage>().is_err());
}

#[test]
fn an_authority_that_is_lost_while_it_rolls_over_is_put_back_with_both() {
    let folder = made();
    let first = fs::read(folder.path().join("prod/ca.crt")).unwrap();
    let prod = found(folder.path(), "prod");
    for stage in [Stage::Trust, Stage::Issue] {
        prod.roll(stage, now()).unwrap();
        let both = fs::read(folder.path().join("prod/ca.crt")).unwrap();
        fs::remove_file(folder.path().join("prod/ca.crt")).unwrap();
        mended(&prod, now());
        assert_eq!(fs::read(folder.path().join("prod/ca.crt")).unwrap(), both);
        is_right(folder.path(), "put back");
    }
    // as it was before: it does not belong to the key that issues now
    fs::write(folder.path().join("prod/ca.crt"), first).unwrap();
    mended(&prod, now());
    assert_eq!(trusted(folder.path()).len(), 2);
}
