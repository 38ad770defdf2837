//! What is made, what is kept, what is refused.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;
use crate::name::names_of;
use crate::reason::Reason;

fn issuer(directory: &Path, instance: &str) -> Issuer {
    let instance = Instance::parse(instance).unwrap();
    Issuer {
        directory: directory.to_owned(),
        names: names_of(&instance),
        instance,
        validity: Duration::from_secs(90 * 24 * 3600),
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn reason(outcome: Outcome) -> Reason {
    match outcome {
        Outcome::Issued { reason, .. } | Outcome::Mended { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// Every file with its content and when it was written.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, i64)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            files.extend(snapshot(&path));
        } else {
            let content = fs::read(&path).unwrap_or_default();
            files.insert(
                path,
                (content, meta.mtime_nsec() + meta.mtime() * 1_000_000_000),
            );
        }
    }
    files
}

#[test]
fn what_is_made_lies_where_clients_look_and_is_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    let outcome = issuer.ensure().unwrap();
    assert_eq!(
        outcome,
        Outcome::Issued {
            reason: Reason::Missing,
            authority: true
        }
    );
    let mode = |path: &str| {
        let path = folder.path().join(path);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("prod/ca.key"), 0o600);
    assert_eq!(mode("prod/jaeger/tls.key"), 0o600);
    assert_eq!(mode("prod/jaeger"), 0o700);
    assert_eq!(mode("prod/ca.crt") & 0o444, 0o444);
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    assert_eq!(read("prod/ca.crt"), read("prod/jaeger/ca.crt"));
    assert!(read("prod/jaeger/tls.crt").starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(read("prod/jaeger/tls.key").starts_with("-----BEGIN PRIVATE KEY-----"));
}

#[test]
fn a_second_run_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    issuer.ensure().unwrap();
    let before = snapshot(folder.path());
    assert_eq!(issuer.ensure().unwrap(), Outcome::Kept);
    assert_eq!(snapshot(folder.path()), before);
}

#[test]
fn instances_of_one_name_in_two_namespaces_share_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for instance in ["prod/jaeger", "staging/jaeger", "prod/other"] {
        issuer(folder.path(), instance).ensure().unwrap();
    }
    let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
    assert_ne!(read("prod/ca.key"), read("staging/ca.key"));
    assert_ne!(read("prod/jaeger/tls.key"), read("staging/jaeger/tls.key"));
    assert_ne!(read("prod/jaeger/tls.key"), read("prod/other/tls.key"));
    assert_eq!(read("prod/jaeger/ca.crt"), read("prod/other/ca.crt"));
}

#[test]
fn each_damage_is_mended_and_the_authority_stays() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    issuer.ensure().unwrap();
    let other = super::tests::issuer(folder.path(), "prod/other");
    other.ensure().unwrap();
    let foreign = super::tests::issuer(folder.path(), "staging/jaeger");
    foreign.ensure().unwrap();
    let ca = fs::read(folder.path().join("prod/ca.crt")).unwrap();
    let at = |path: &str| folder.path().join(path);
    let cert = at("prod/jaeger/tls.crt");
    type Damage<'a> = Box<dyn Fn() + 'a>;
    let damages: Vec<(Damage<'_>, Reason)> = vec![
        (
            Box::new(|| fs::remove_file(&cert).unwrap()),
            Reason::Missing,
        ),
        (
            Box::new(|| fs::remove_file(at("prod/jaeger/tls.key")).unwrap()),
            Reason::Missing,
        ),
        (
            Box::new(|| fs::remove_dir_all(at("prod/jaeger")).unwrap()),
            Reason::Missing,
        ),
        (
            Box::new(|| fs::write(&cert, "junk").unwrap()),
            Reason::Unusable,
        ),
        (
            Box::new(|| fs::write(&cert, [0xff, 0xfe]).unwrap()),
            Reason::Unusable,
        ),
        (
            Box::new(|| {
                fs::copy(at("prod/other/tls.key"), at("prod/jaeger/tls.key")).unwrap();
            }),
            Reason::OtherKey,
        ),
        (
            Box::new(|| {
                for name in ["tls.crt", "tls.key"] {
                    let to = at("prod/jaeger").join(name);
                    fs::copy(at("staging/jaeger").join(name), to).unwrap();
                }
            }),
            Reason::OtherAuthority,
        ),
        (
            Box::new(|| fs::write(at("prod/jaeger/ca.crt"), "").unwrap()),
            Reason::Copy,
        ),
    ];
    for (damage, expected) in damages {
        damage();
        assert_eq!(reason(issuer.ensure().unwrap()), expected);
        assert_eq!(issuer.ensure().unwrap(), Outcome::Kept, "{expected:?}");
        assert_eq!(fs::read(at("prod/ca.crt")).unwrap(), ca);
    }
    let sets = fs::read_dir(at("prod/jaeger")).unwrap().count();
    // three links, the link to the set, the set
    assert_eq!(sets, 5);
}

#[test]
fn names_are_added_and_none_taken_away_until_it_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let query = issuer(folder.path(), "prod/jaeger");
    let mut collector = query.clone();
    let names: [Name; 2] = ["10.0.0.7", "fd00::7"].map(|n| n.parse().unwrap());
    collector.names.extend(names.clone());
    query.ensure().unwrap();
    assert_eq!(
        reason(collector.ensure().unwrap()),
        Reason::Names(names.to_vec())
    );
    // the two do not go on for ever taking each other's names away
    assert_eq!(query.ensure().unwrap(), Outcome::Kept);
    assert_eq!(collector.ensure().unwrap(), Outcome::Kept);
}

#[test]
fn it_is_renewed_when_a_third_of_its_time_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    issuer.ensure().unwrap();
    let day = time::Duration::days(1);
    assert_eq!(issuer.ensure_at(now() + day * 59).unwrap(), Outcome::Kept);
    assert_eq!(
        reason(issuer.ensure_at(now() + day * 61).unwrap()),
        Reason::Ends
    );
    // an authority that has ended is told, not replaced
    let error = issuer
        .ensure_at(now() + day * 3651)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("it ended at") && error.contains("ca.crt"),
        "{error}"
    );
}

#[test]
fn a_clock_that_was_ahead_and_an_authority_that_ends_are_lived_with() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    let day = time::Duration::days(1);
    issuer.ensure().unwrap();
    assert_eq!(
        reason(issuer.ensure_at(now() + day * 61).unwrap()),
        Reason::Ends
    );
    // the clock was put right
    assert_eq!(reason(issuer.ensure().unwrap()), Reason::NotYet);
    // a month before the authority's end a certificate ends with it, and is not made again and again
    let late = now() + day * 3620;
    assert_eq!(reason(issuer.ensure_at(late).unwrap()), Reason::Ended);
    assert_eq!(issuer.ensure_at(late).unwrap(), Outcome::Kept);
    assert_eq!(issuer.ensure_at(late + day * 25).unwrap(), Outcome::Kept);
}

#[test]
fn an_authority_that_cannot_be_used_is_told_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    issuer.ensure().unwrap();
    issuer_of_staging(folder.path());
    let at = |path: &str| folder.path().join(path);
    let (ca, key) = (at("prod/ca.crt"), at("prod/ca.key"));
    let (good_ca, good_key) = (fs::read(&ca).unwrap(), fs::read(&key).unwrap());
    let refused = |what: &str| {
        let error = issuer.ensure().unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    // of which there is no copy
    fs::remove_file(at("prod/jaeger/ca.crt")).unwrap();
    fs::write(&ca, "junk").unwrap();
    refused("it holds no certificate as PEM");
    fs::copy(at("prod/jaeger/tls.crt"), &ca).unwrap();
    refused("it is no authority's certificate");
    fs::write(&ca, &good_ca).unwrap();
    fs::copy(at("staging/ca.key"), &key).unwrap();
    refused("it is the key of another authority");
    fs::write(&key, "junk").unwrap();
    refused("it holds no private key");
    fs::remove_file(&key).unwrap();
    assert_eq!(issuer.ensure().unwrap(), Outcome::Given);
    fs::remove_file(at("prod/jaeger/tls.crt")).unwrap();
    refused("has no ca.key beside it");
    fs::write(&key, &good_key).unwrap();
    assert_eq!(reason(issuer.ensure().unwrap()), Reason::Missing);
    assert_eq!(fs::read(&ca).unwrap(), good_ca);
}

fn issuer_of_staging(folder: &Path) {
    issuer(folder, "staging/jaeger").ensure().unwrap();
}

#[test]
fn a_lost_certificate_of_the_authority_is_made_again_from_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    issuer.ensure().unwrap();
    let key = fs::read(folder.path().join("prod/ca.key")).unwrap();
    let cert = fs::read(folder.path().join("prod/jaeger/tls.crt")).unwrap();
    fs::remove_file(folder.path().join("prod/ca.crt")).unwrap();
    fs::remove_file(folder.path().join("prod/jaeger/ca.crt")).unwrap();
    // the certificate is the same key's, so that it can stay
    let reason = Reason::Copy;
    assert_eq!(issuer.ensure().unwrap(), Outcome::Mended { reason });
    assert_eq!(fs::read(folder.path().join("prod/ca.key")).unwrap(), key);
    let kept = fs::read(folder.path().join("prod/jaeger/tls.crt")).unwrap();
    assert_eq!(kept, cert);
}

#[test]
fn a_folder_that_takes_no_files_is_named_with_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = issuer(&file, "prod/jaeger")
        .ensure()
        .unwrap_err()
        .to_string();
    assert!(error.contains("certs.directory"), "{error}");
    assert!(error.contains("file/prod"), "{error}");
}

#[test]
fn a_short_life_and_a_long_name_are_kept_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut brief = issuer(folder.path(), "prod/jaeger");
    brief.validity = Duration::from_secs(600);
    brief.ensure().unwrap();
    assert_eq!(brief.ensure().unwrap(), Outcome::Kept);
    let minutes = time::Duration::minutes(1);
    assert_eq!(brief.ensure_at(now() + minutes * 6).unwrap(), Outcome::Kept);
    let due = brief.ensure_at(now() + minutes * 7).unwrap();
    assert_eq!(reason(due), Reason::Ends);
    let long = issuer(folder.path(), &format!("prod/{}", "a".repeat(60)));
    long.ensure().unwrap();
    assert_eq!(long.ensure().unwrap(), Outcome::Kept);
}

#[test]
fn where_nothing_can_be_written_what_is_there_serves_as_long_as_it_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let mut issuer = issuer(folder.path(), "prod/jaeger");
    issuer.ensure().unwrap();
    // writing is refused to everybody, whoever runs the test
    let turn = folder.path().join("prod/.lock");
    fs::remove_file(&turn).unwrap();
    fs::create_dir(&turn).unwrap();
    issuer.names.insert("traces.example.org".parse().unwrap());
    let outcome = issuer.ensure().unwrap();
    assert!(
        matches!(&outcome, Outcome::KeptAnyway { reason: Reason::Names(_), error } if error.contains(".lock")),
        "{outcome:?}"
    );
    let day = time::Duration::days(1);
    let due = issuer.ensure_at(now() + day * 61).unwrap();
    assert!(matches!(
        due,
        Outcome::KeptAnyway {
            reason: Reason::Ends,
            ..
        }
    ));
    assert!(issuer.ensure_at(now() + day * 91).is_err());
}

#[test]
fn a_key_that_others_may_write_to_issues_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    issuer.ensure().unwrap();
    let key = folder.path().join("prod/ca.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o666)).unwrap();
    let error = issuer.ensure().unwrap_err().to_string();
    assert!(
        error.contains("others may write to it (mode 666)"),
        "{error}"
    );
    fs::remove_file(folder.path().join("prod/ca.crt")).unwrap();
    assert!(issuer.ensure().is_err());
    let turn = fs::metadata(folder.path().join("prod/.lock")).unwrap();
    assert_eq!(turn.permissions().mode() & 0o777, 0o600);
}

#[test]
fn many_processes_of_an_instance_make_one_authority() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = issuer(folder.path(), "prod/jaeger");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| issuer.ensure().unwrap());
        }
    });
    assert_eq!(issuer.ensure().unwrap(), Outcome::Kept);
}
