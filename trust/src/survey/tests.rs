//! What is named, and whether `openssl` says the same.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;
use crate::damage::{
    changes, copy, days, found, member, mended, now, past, reconciler, room, snapshot,
};
use crate::kind::Kind;
use crate::roll::Stage;

fn words(directory: &Path) -> Vec<(String, &'static str)> {
    let all = survey(directory, &BTreeSet::new(), now()).unwrap();
    let short = |path: &Path| path.strip_prefix(directory).unwrap().display().to_string();
    all.complaints
        .iter()
        .map(|c| (short(&c.path), c.word))
        .collect()
}

#[test]
fn each_fault_is_named_with_its_file() {
    type Done = fn(&Path, &Path);
    let cases: &[(&str, &str, Done)] = &[
        ("prod/jaeger/tls.key", "missing", |live, _| {
            fs::remove_file(live.join("prod/jaeger/tls.key")).unwrap();
        }),
        ("prod/jaeger/tls.crt", "unreadable", |live, _| {
            fs::write(live.join("prod/jaeger/tls.crt"), "junk").unwrap();
        }),
        ("prod/jaeger/tls.key", "unreadable", |live, _| {
            fs::write(live.join("prod/jaeger/tls.key"), "junk").unwrap();
        }),
        ("prod/jaeger/tls.key", "mismatched-pair", |live, past| {
            pair(live, past, "live/prod/other", &["tls.key"]);
        }),
        ("prod/jaeger/tls.key", "shared-key", |live, past| {
            pair(live, past, "live/prod/other", &["tls.key"]);
        }),
        ("prod/other/tls.key", "shared-key", |live, past| {
            pair(live, past, "live/prod/other", &["tls.key"]);
        }),
        ("prod/jaeger/tls.crt", "wrong-issuer", |live, past| {
            pair(live, past, "live/staging/jaeger", &["tls.crt", "tls.key"]);
        }),
        ("prod/jaeger/tls.crt", "wrong-subject", |live, past| {
            pair(live, past, "live/staging/jaeger", &["tls.crt", "tls.key"]);
        }),
        ("prod/jaeger/tls.crt", "wrong-san", |live, past| {
            pair(live, past, "live/staging/jaeger", &["tls.crt", "tls.key"]);
        }),
        ("staging/jaeger/tls.key", "shared-key", |live, past| {
            pair(live, past, "live/staging/jaeger", &["tls.crt", "tls.key"]);
        }),
        ("prod/jaeger/tls.crt", "short-life", |live, past| {
            pair(live, past, "ending/prod/jaeger", &["tls.crt", "tls.key"]);
        }),
        ("prod/jaeger/tls.crt", "expired", |live, past| {
            pair(live, past, "ended/prod/jaeger", &["tls.crt", "tls.key"]);
        }),
        ("prod/jaeger/tls.key", "wrong-mode", |live, _| {
            mode(&live.join("prod/jaeger/tls.key"), 0o640);
        }),
        ("prod/ca.key", "wrong-mode", |live, _| {
            mode(&live.join("prod/ca.key"), 0o640);
        }),
        ("prod/jaeger/ca.crt", "wrong-ca-copy", |live, past| {
            pair(live, past, "live/staging/jaeger", &["ca.crt"]);
        }),
        ("prod/ca.crt", "missing", |live, _| {
            fs::remove_file(live.join("prod/ca.crt")).unwrap();
        }),
        ("prod/ca.crt", "unreadable", |live, _| {
            fs::write(live.join("prod/ca.crt"), "junk").unwrap();
        }),
        ("prod/ca.crt", "not-a-ca", |live, _| {
            put(fs::copy(
                live.join("prod/other/tls.crt"),
                live.join("prod/ca.crt"),
            ));
        }),
        ("prod/ca.key", "mismatched-pair", |live, _| {
            put(fs::copy(
                live.join("staging/ca.key"),
                live.join("prod/ca.key"),
            ));
        }),
        ("prod/ca.key", "shared-key", |live, _| {
            put(fs::copy(
                live.join("staging/ca.key"),
                live.join("prod/ca.key"),
            ));
        }),
        ("prod/ca.crt", "wrong-subject", |live, _| {
            for file in ["ca.crt", "ca.key"] {
                fs::copy(
                    live.join("staging").join(file),
                    live.join("prod").join(file),
                )
                .unwrap();
            }
        }),
        ("prod/jaeger/..17", "leftover", |live, _| {
            fs::create_dir(live.join("prod/jaeger/..17")).unwrap();
        }),
    ];
    fn put(copied: std::io::Result<u64>) {
        assert!(copied.unwrap() > 0);
    }
    fn pair(live: &Path, past: &Path, of: &str, files: &[&str]) {
        for file in files {
            fs::copy(
                past.join(of).join(file),
                live.join("prod/jaeger").join(file),
            )
            .unwrap();
        }
    }
    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let past = past();
    assert_eq!(words(&past.path().join("live")), []);
    for (path, word, done) in cases {
        let again = room();
        copy(past.path(), again.path());
        let live = again.path().join("live");
        done(&live, again.path());
        let whole = snapshot(&live);
        let found = words(&live);
        assert!(
            found.contains(&((*path).to_owned(), *word)),
            "{path} {word}: {found:?}"
        );
        assert!(
            changes(&whole, &snapshot(&live)).is_empty(),
            "looking writes nothing"
        );
    }
}

#[test]
fn an_authority_that_ends_soon_or_rolls_over_is_told() {
    let folder = room();
    let members = vec![member("prod/jaeger", Kind::Server)];
    mended(
        &reconciler(folder.path(), members),
        now() - days(9 * 365 + 200),
    );
    let prod = found(folder.path(), "prod");
    mended(&prod, now());
    assert_eq!(
        words(folder.path()),
        [("prod/ca.crt".to_owned(), "short-life")]
    );
    prod.roll(Stage::Trust, now()).unwrap();
    let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
    assert!(
        all.notes[0].to_string().contains("does not issue yet"),
        "{:?}",
        all.notes
    );
    prod.roll(Stage::Issue, now()).unwrap();
    let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
    assert_eq!(all.complaints, []);
    assert!(
        all.notes[0].to_string().contains("is trusted still"),
        "{:?}",
        all.notes
    );
    prod.roll(Stage::Drop, now()).unwrap();
    let all = survey(folder.path(), &BTreeSet::new(), now()).unwrap();
    assert_eq!((all.complaints, all.notes), (vec![], vec![]));
}

/// As a kubelet does: a set whose name is a time, a link to it, links to its files; and as it puts another in its place.
fn mount(folder: &Path, from: &Path, set: &str) {
    let set_at = folder.join(set);
    fs::create_dir_all(&set_at).unwrap();
    for file in ["tls.crt", "tls.key", "ca.crt"] {
        fs::write(set_at.join(file), fs::read(from.join(file)).unwrap()).unwrap();
        if fs::symlink_metadata(folder.join(file)).is_err() {
            symlink(Path::new("..data").join(file), folder.join(file)).unwrap();
        }
    }
    symlink(set, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

#[test]
fn a_mounted_secret_is_read_through_its_links_and_let_be() {
    let source = past();
    let live = source.path().join("live");
    let folder = room();
    let jaeger = folder.path().join("prod/jaeger");
    mount(
        &jaeger,
        &live.join("prod/jaeger"),
        "..2026_11_27_10_00_00.1",
    );
    assert_eq!(words(folder.path()), []);
    mount(
        &jaeger,
        &source.path().join("ending/prod/jaeger"),
        "..2026_11_27_11_00_00.2",
    );
    assert_eq!(
        words(folder.path()),
        [("prod/jaeger/tls.crt".to_owned(), "short-life")]
    );
    mount(
        &jaeger,
        &live.join("staging/jaeger"),
        "..2026_11_27_12_00_00.3",
    );
    let found_words = words(folder.path());
    assert!(
        found_words.iter().all(|(_, word)| *word == "wrong-san"),
        "{found_words:?}"
    );
    assert!(!found_words.is_empty());
    let whole = snapshot(folder.path());
    assert!(
        found(folder.path(), "prod")
            .mend(now())
            .iter()
            .all(Result::is_ok)
    );
    assert!(changes(&whole, &snapshot(folder.path())).is_empty());
    // and what is made here can be mounted: the three files, and no other
    let set = fs::canonicalize(live.join("prod/jaeger/..data")).unwrap();
    let files = names_of(&set);
    assert_eq!(files, ["ca.crt", "tls.crt", "tls.key"]);
    let all = names_of(&live.join("prod/jaeger"));
    assert_eq!(all.len(), 5, "{all:?}");
}

fn names_of(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What `openssl` says, and whether it was content. It is not passed over where it is missing: it is the only reader of these files that is not ours.
fn openssl(args: &[&str]) -> (String, bool) {
    let done = Command::new("openssl").args(args).output();
    let done = done.expect("install openssl: it checks what is made here");
    let text = [done.stdout, done.stderr].map(|out| String::from_utf8(out).unwrap());
    (text.concat(), done.status.success())
}

#[track_caller]
fn verified(ca: &Path, cert: &Path, more: &[&str]) -> bool {
    let (ca, cert) = (ca.to_str().unwrap(), cert.to_str().unwrap());
    let args = [
        &[
            "verify",
            "-x509_strict",
            "-no-CApath",
            "-no-CAstore",
            "-CAfile",
            ca,
        ],
        more,
        &[cert],
    ];
    openssl(&args.concat()).1
}

#[test]
fn openssl_takes_what_is_made_and_reads_the_same_in_it() {
    let folder = past();
    let live = folder.path().join("live");
    let at = |path: &str| live.join(path);
    let (prod, staging) = (at("prod/ca.crt"), at("staging/ca.crt"));
    for (cert, purpose, host, is_good) in [
        ("jaeger", "sslserver", "jaeger-collector.prod.svc", true),
        (
            "jaeger",
            "sslserver",
            "jaeger-query.prod.svc.cluster.local",
            true,
        ),
        ("jaeger", "sslserver", "jaeger-collector.staging.svc", false),
        ("jaeger", "sslclient", "jaeger.prod", true),
        (
            "jaeger.node",
            "sslserver",
            "node-1.jaeger-elasticsearch-headless.prod.svc",
            true,
        ),
        ("jaeger.node", "sslclient", "jaeger-opensearch", true),
        ("jaeger.client", "sslclient", "jaeger.prod.svc", true),
        ("jaeger.client", "sslserver", "jaeger.prod.svc", false),
    ] {
        let more = ["-purpose", purpose, "-verify_hostname", host];
        let cert = at("prod").join(cert).join("tls.crt");
        assert_eq!(verified(&prod, &cert, &more), is_good, "{purpose} {host}");
        assert!(!verified(&staging, &cert, &more), "{purpose} {host}");
    }
    for ip in ["127.0.0.1", "::1"] {
        assert!(
            verified(&prod, &at("prod/jaeger/tls.crt"), &["-verify_ip", ip]),
            "{ip}"
        );
    }
    let all = survey(&live, &BTreeSet::new(), now()).unwrap();
    assert_eq!(all.rows.len(), 10);
    for row in &all.rows {
        let path = row.path.to_str().unwrap();
        let x509 = |what: &str| openssl(&["x509", "-in", path, "-noout", what]).0;
        let plain = |text: &str| {
            text.trim()
                .rsplit('=')
                .next()
                .unwrap()
                .replace(':', "")
                .to_lowercase()
        };
        let fingerprint = openssl(&["x509", "-in", path, "-noout", "-fingerprint", "-sha256"]).0;
        assert_eq!(plain(&fingerprint), row.fingerprint);
        let serial = row.facts.serial.replace(':', "").to_lowercase();
        assert_eq!(plain(&x509("-serial")), serial);
        let names = openssl(&["x509", "-in", path, "-noout", "-ext", "subjectAltName"]).0;
        assert_eq!(
            names.matches("DNS:").count() + names.matches("IP Address:").count(),
            row.facts.names.len()
        );
        let key = row.path.with_file_name(match row.path.ends_with("ca.crt") {
            true => "ca.key",
            false => "tls.key",
        });
        let public = openssl(&["pkey", "-in", key.to_str().unwrap(), "-pubout"]).0;
        assert_eq!(x509("-pubkey"), public);
    }
}

#[test]
fn openssl_follows_a_roll_over() {
    let folder = room();
    let members = vec![member("prod/jaeger", Kind::Server)];
    mended(&reconciler(folder.path(), members), now() - days(1));
    let at = |path: &str| folder.path().join(path);
    let (cert, ca) = (at("prod/jaeger/tls.crt"), at("prod/ca.crt"));
    let aside = |name: &str| {
        fs::copy(&ca, at(name)).unwrap();
        at(name)
    };
    let first = aside("first.crt");
    let prod = found(folder.path(), "prod");
    prod.roll(Stage::Trust, now()).unwrap();
    let both = aside("both.crt");
    assert!(verified(&first, &cert, &[]) && verified(&both, &cert, &[]));
    prod.roll(Stage::Issue, now()).unwrap();
    assert!(!verified(&first, &cert, &[]) && verified(&both, &cert, &[]));
    prod.roll(Stage::Drop, now()).unwrap();
    assert!(
        !verified(&first, &cert, &[]) && verified(&both, &cert, &[]) && verified(&ca, &cert, &[])
    );
    assert_eq!(fs::read_to_string(&ca).unwrap().matches("BEGIN").count(), 1);
}
