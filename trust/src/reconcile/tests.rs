//! Every damage, at every moment: it is mended, nothing else is touched, and a second run writes nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::bundle::Bundle;
use crate::damage::{
    DAMAGES, Damage, Past, Snapshot, VALIDITY, changes, copy, days, found, instance, member,
    mended, now, past, reconciler, room, snapshot, strays,
};
use crate::finding::Outcome;
use crate::issue::Issuer;
use crate::kill;
use crate::pair;
use crate::survey::survey;

/// The same past for every damage: keys and times of all are alike.
fn each(mut check: impl FnMut(&Damage, &dyn Fn() -> Past)) {
    let folder = past();
    let again = folder.path().join("again");
    let fresh = || {
        drop(fs::remove_dir_all(&again));
        copy(&folder.path().join("live"), &again);
        Past {
            backups: folder.path().to_owned(),
            live: again.clone(),
        }
    };
    for damage in DAMAGES {
        check(damage, &fresh);
    }
}

fn issuer(directory: &Path) -> Issuer {
    let instance = instance("prod/jaeger");
    Issuer {
        directory: directory.to_owned(),
        names: crate::names_of(&instance),
        instance,
        validity: VALIDITY,
    }
}

#[track_caller]
fn is_right(live: &Path, what: &str) {
    let survey = survey(live, &BTreeSet::new(), now()).unwrap();
    let about = |c: &&crate::Complaint| c.path.starts_with(live.join("prod"));
    let complaints: Vec<String> = survey
        .complaints
        .iter()
        .filter(about)
        .map(ToString::to_string)
        .collect();
    assert!(complaints.is_empty(), "{what}: {complaints:#?}");
}

type Pair = [Option<Vec<u8>>; 2];

fn pair_of(live: &Path) -> Pair {
    ["tls.crt", "tls.key"].map(|file| fs::read(live.join("prod/jaeger").join(file)).ok())
}

#[test]
fn before_the_start_each_damage_is_named_and_mended_and_nothing_else_is_touched() {
    assert!(DAMAGES.len() >= 25);
    each(|damage, fresh| {
        let past = fresh();
        let live = &past.live;
        let (whole, pair) = (snapshot(live), pair_of(live));
        (damage.done)(&past);
        let findings = found(live, "prod").look(now());
        let words: Vec<&str> = match &findings {
            Ok(findings) => findings.iter().map(Finding::word).collect(),
            Err(error) => panic!("{}: {error}", damage.name),
        };
        // a folder that is gone is known to whoever wants it
        let is_gone = damage.name == "secret deleted";
        assert!(
            words.contains(&damage.word) || is_gone,
            "{}: {words:?}",
            damage.name
        );
        issuer(live).ensure().unwrap();
        is_mended(damage, live, &whole, &pair, damage.name);
    });
}

/// It is right, nothing but what was wrong was written, and a second run writes nothing.
#[track_caller]
fn is_mended(damage: &Damage, live: &Path, whole: &Snapshot, pair: &Pair, what: &str) {
    is_right(live, what);
    let mended = snapshot(live);
    let nothing: [PathBuf; 0] = [];
    assert_eq!(
        strays(whole, &mended, live, damage.scope),
        nothing,
        "{what}"
    );
    assert_eq!(pair_of(live) == *pair, damage.keeps_pair, "{what}");
    assert_eq!(issuer(live).ensure().unwrap(), Outcome::Kept, "{what}");
    assert_eq!(changes(&mended, &snapshot(live)), nothing, "{what}");
}

#[tokio::test(start_paused = true)]
async fn while_it_runs_each_damage_is_mended_within_an_interval() {
    let folder = past();
    let past = Past {
        backups: folder.path().to_owned(),
        live: folder.path().join("live"),
    };
    let live = &past.live;
    let shutdown = CancellationToken::new();
    let looking = issuer(live).keep(shutdown.clone());
    let damaging = async {
        for damage in DAMAGES {
            let (whole, pair) = (snapshot(live), pair_of(live));
            (damage.done)(&past);
            // the clock stands while something is written
            tokio::time::sleep(Duration::from_secs(61)).await;
            is_mended(damage, live, &whole, &pair, damage.name);
        }
        shutdown.cancel();
    };
    tokio::join!(looking, damaging);
}

#[test]
fn killed_at_any_step_of_mending_it_goes_on_where_it_was() {
    let mut kills = 0;
    each(|damage, fresh| {
        for steps in 0.. {
            let run = fresh();
            let live = &run.live;
            let (whole, pair) = (snapshot(live), pair_of(live));
            let authority = |file: &str| fs::read(live.join("prod").join(file)).unwrap_or_default();
            let (good, key) = (authority("ca.crt"), authority("ca.key"));
            (damage.done)(&run);
            let damaged = authority("ca.crt");
            let (_, was_killed) = kill::after(steps, || drop(issuer(live).ensure()));
            let what = format!("{}, after {steps} steps", damage.name);
            // the authority is never worse than before: its key stays, and its certificate is whole or was not touched
            assert!(authority("ca.key") == key, "{what}");
            assert!([&damaged, &good].contains(&&authority("ca.crt")), "{what}");
            issuer(live).ensure().unwrap();
            is_mended(damage, live, &whole, &pair, &what);
            if !was_killed {
                assert!(steps > 1, "{what}: it took no steps");
                return;
            }
            kills += 1;
        }
    });
    assert!(kills > 500, "{kills}");
}

#[test]
fn killed_at_any_step_of_the_first_start_it_is_made_by_the_next() {
    for steps in 0.. {
        let folder = room();
        let issuer = issuer(folder.path());
        let (_, was_killed) = kill::after(steps, || drop(issuer.ensure()));
        issuer.ensure().unwrap();
        let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
        assert_eq!(all.complaints, [], "after {steps} steps");
        let whole = snapshot(folder.path());
        assert_eq!(issuer.ensure().unwrap(), Outcome::Kept);
        assert!(changes(&whole, &snapshot(folder.path())).is_empty());
        if !was_killed {
            assert!(steps > 10);
            return;
        }
    }
}

#[test]
fn what_only_a_person_can_mend_is_told_and_nothing_is_written() {
    type Done = fn(&Path);
    let cases: &[(&str, Done)] = &[
        ("holds no private key", |prod| {
            fs::write(prod.join("ca.key"), "junk").unwrap();
        }),
        ("key of another authority", |prod| {
            fs::copy(
                prod.with_file_name("staging").join("ca.key"),
                prod.join("ca.key"),
            )
            .unwrap();
        }),
        ("authority of namespace staging", |prod| {
            for file in ["ca.crt", "ca.key"] {
                let other = prod.with_file_name("staging");
                fs::copy(other.join(file), prod.join(file)).unwrap();
            }
        }),
        ("others may write to it", |prod| {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(prod.join("ca.key"), fs::Permissions::from_mode(0o620)).unwrap();
        }),
        ("holds no certificate", |prod| {
            fs::write(prod.join("ca.crt"), "junk").unwrap();
            for of in ["jaeger", "jaeger.node", "jaeger.client", "other"] {
                fs::write(prod.join(of).join("ca.crt"), "junk").unwrap();
            }
        }),
    ];
    let past = past();
    for (part, done) in cases {
        let again = room();
        copy(&past.path().join("live"), again.path());
        done(&again.path().join("prod"));
        let damaged = snapshot(again.path());
        let told = issuer(again.path()).ensure().unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
        assert!(
            changes(&damaged, &snapshot(again.path())).is_empty(),
            "{part}"
        );
    }
}

#[test]
fn without_the_key_what_is_there_stays_and_nothing_is_made_beside_it() {
    let past = past();
    let live = past.path().join("live");
    fs::remove_file(live.join("prod/ca.key")).unwrap();
    let whole = snapshot(&live);
    let outcomes = found(&live, "prod").mend(now());
    assert!(
        outcomes.iter().all(|o| matches!(o, Ok(Outcome::Given))),
        "{outcomes:?}"
    );
    fs::remove_file(live.join("prod/ca.crt")).unwrap();
    fs::remove_dir_all(live.join("prod/jaeger.client")).unwrap();
    let client = reconciler(&live, vec![member("prod/jaeger", Kind::Client)]);
    let told = client.mend(now()).remove(0).unwrap_err().to_string();
    assert!(told.contains("has no ca.key beside it"), "{told}");
    assert!(!live.join("prod/ca.key").exists() && whole.len() > 20);
}

#[test]
fn two_hundred_namespaces_with_an_instance_of_one_name_share_no_key() {
    let folder = room();
    for number in 0..200 {
        let members =
            [Kind::Server, Kind::Client].map(|kind| member(&format!("ns-{number}/jaeger"), kind));
        mended(&reconciler(folder.path(), members.to_vec()), now());
    }
    let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
    assert_eq!(all.complaints, []);
    let keys: std::collections::HashSet<_> = all.rows.iter().map(|row| &row.facts.key).collect();
    assert_eq!((all.rows.len(), keys.len()), (600, 600));
    let issuers: BTreeSet<_> = all.rows.iter().map(|row| &row.facts.issuer).collect();
    assert_eq!(issuers.len(), 200);
    // what would be seen if there were one
    let at = |path: &str| folder.path().join(path);
    for file in ["tls.crt", "tls.key"] {
        fs::copy(at("ns-7/jaeger").join(file), at("ns-8/jaeger").join(file)).unwrap();
    }
    let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
    let of = |word: &str| all.complaints.iter().filter(|c| c.word == word).count();
    assert_eq!((of("shared-key"), of("wrong-issuer")), (2, 1));
}

#[test]
fn names_of_an_operator_stay_and_those_of_another_namespace_go() {
    let folder = room();
    let mut asked = member("prod/jaeger", Kind::Client);
    for name in ["traces.example.org", "jaeger.staging.svc"] {
        asked.names.insert(name.parse().unwrap());
    }
    mended(&reconciler(folder.path(), vec![asked]), now() - days(70));
    let plain = found(folder.path(), "prod");
    let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
    let words: Vec<&str> = all.complaints.iter().map(|c| c.word).collect();
    assert_eq!(words, ["short-life", "wrong-san"]);
    mended(&plain, now());
    let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
    assert_eq!(all.complaints, []);
    let names = &all.rows.last().unwrap().facts.names;
    assert!(
        names.contains(&"traces.example.org".to_owned()),
        "{names:?}"
    );
    assert!(
        !names.contains(&"jaeger.staging.svc".to_owned()),
        "{names:?}"
    );
}

#[test]
fn asked_for_another_all_are_issued_once() {
    let past = past();
    let live = past.path().join("live");
    let whole = snapshot(&live);
    let prod = found(&live, "prod");
    let serials = || -> BTreeSet<String> {
        let all = survey(&live, &BTreeSet::new(), now()).unwrap();
        all.rows.into_iter().map(|row| row.facts.serial).collect()
    };
    let before = serials();
    for outcome in prod.renew(now()) {
        let reason = Reason::Asked;
        assert_eq!(
            outcome.unwrap(),
            Outcome::Issued {
                reason,
                authority: false
            }
        );
    }
    assert_eq!(serials().difference(&before).count(), 4);
    assert!(strays(&whole, &snapshot(&live), &live, "prod").is_empty());
}

/// The other half of the test below, in a process of its own.
#[test]
#[ignore = "writes to the working folder until it is killed"]
fn renews_until_it_is_killed() {
    if !Path::new("to-be-killed").exists() {
        return;
    }
    let members = vec![member("prod/jaeger", Kind::Server)];
    let prod = reconciler(Path::new("."), members);
    while Path::new("to-be-killed").exists() {
        for outcome in prod.renew(now()) {
            outcome.unwrap();
        }
    }
}

/// The certificate and its key as one reader sees them: of one set, unless it went away meanwhile.
fn seen(folder: &Path) -> Option<(String, String)> {
    let set = folder.join(fs::read_link(folder.join("..data")).ok()?);
    let text = |file: &str| fs::read_to_string(set.join(file)).ok();
    Some((text("tls.crt")?, text("tls.key")?))
}

#[test]
fn a_process_that_is_really_killed_leaves_what_can_be_served_with() {
    let folder = room();
    fs::write(folder.path().join("to-be-killed"), "").unwrap();
    let jaeger = folder.path().join("prod/jaeger");
    mended(
        &reconciler(folder.path(), vec![member("prod/jaeger", Kind::Server)]),
        now(),
    );
    let authority = fs::read(folder.path().join("prod/ca.crt")).unwrap();
    for round in 0..20 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "reconcile::tests::renews_until_it_is_killed",
                "--ignored",
            ])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (before, until) = (seen(&jaeger), Instant::now() + Duration::from_secs(30));
        // each round somewhere else: a few changes later, and a few looks
        let mut looks = 0;
        while looks < round * 7 + 1 {
            assert!(Instant::now() < until, "it renews nothing");
            if let Some((cert, key)) = seen(&jaeger) {
                let public = pair::public_half(&key).unwrap();
                let bundle = Bundle::parse(std::str::from_utf8(&authority).unwrap()).unwrap();
                let leaf = rustls_pki_types::pem::PemObject::from_pem_slice(cert.as_bytes());
                let leaf: rustls_pki_types::CertificateDer<'_> = leaf.unwrap();
                let leaf = x509_parser::parse_x509_certificate(&leaf).unwrap().1;
                assert_eq!(
                    leaf.public_key().raw,
                    public,
                    "a certificate with another key"
                );
                assert!(bundle.signer_of(&leaf).is_some());
                looks += u32::from(Some((cert, key)) != before);
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        mended(&found(folder.path(), "prod"), now());
        let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
        assert_eq!(all.complaints, [], "round {round}");
    }
    assert_eq!(
        fs::read(folder.path().join("prod/ca.crt")).unwrap(),
        authority
    );
}

#[test]
fn a_folder_that_is_no_instances_is_let_be() {
    let folder = room();
    let prod = folder.path().join("prod");
    for path in ["lost+found", "Backup", "empty"] {
        fs::create_dir_all(prod.join(path)).unwrap();
    }
    fs::write(prod.join("Backup/tls.key"), "old").unwrap();
    assert_eq!(found(folder.path(), "prod").members, []);
    let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
    assert_eq!(all, crate::Survey::default());
}
