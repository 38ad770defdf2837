//! Bundles of every kind, and what is told of them.

mod live;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use time::Duration as Span;

use super::anchor::Content;
use super::*;

/// An authority that signs itself.
type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    authority_with(name, |_| {})
}

fn authority_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    change(&mut params);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn ended(name: &str) -> Authority {
    authority_with(name, |params| {
        params.not_before = date_time_ymd(2010, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 29);
    })
}

/// No authority's.
fn leaf(name: &str) -> String {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().pem()
}

/// What is not used, as `reason` and the place.
fn flaws(report: &Report) -> Vec<(&'static str, String, Option<usize>)> {
    let flaws = report.flaws.iter();
    flaws
        .map(|flaw| {
            let name = flaw.path.file_name().unwrap_or_default().to_string_lossy();
            let line = flaw.at.map(|(line, _)| line);
            (flaw.why.as_str(), name.into_owned(), line)
        })
        .collect()
}

fn store(paths: &[&Path]) -> Store {
    Store::new(paths.iter().map(|path| (*path).to_owned()).collect())
}

/// Somebody wrote it a while ago.
fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::write(path, text).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    let ago = SystemTime::now() - Duration::from_secs(60);
    file.set_modified(ago).unwrap();
}

#[test]
fn a_bundle_of_hundreds_with_junk_is_used_and_the_rest_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    let all: Vec<Authority> = (0..500)
        .map(|nth| authority(&format!("root {nth}")))
        .collect();
    let old = ended("a root of old");
    let mut text = String::from("\u{feff}# our authorities\r\n\r\nIssuer: nobody\n");
    for (nth, one) in all.iter().enumerate() {
        let pem = one.pem();
        match nth % 5 {
            0 => text.push_str(&pem.replace('\n', "\r\n")),
            // a file that was put together without a line break
            1 => text.push_str(pem.trim_end()),
            _ => text.push_str(&pem),
        }
        if nth % 7 == 0 {
            text.push_str("\n===== ----- junk: % \0 \u{1F511} -----\n");
        }
    }
    let good = text.lines().count();
    let line = |text: &str| Some(text.lines().count() + 1);
    let mut expect = Vec::new();
    for (junk, why) in [
        (old.pem(), "expired"),
        (leaf("es.prod.svc"), "not-a-ca"),
        (all[7].pem(), "duplicate"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            "damaged",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_owned(),
            "damaged",
        ),
        (KeyPair::generate().unwrap().serialize_pem(), "other-kind"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned(), "damaged"),
    ] {
        expect.push((why, "bundle.pem".to_owned(), line(&text)));
        text.push_str(&junk);
    }
    assert!(good > 500);
    write(&path, &text);
    let store = store(&[&path]);
    let report = store.report();
    assert_eq!((report.files, report.authorities), (1, 500));
    let mut found = flaws(&report);
    found.sort_by_key(|(.., line)| *line);
    assert_eq!(found, expect);
    // by subject and date, file and line
    let told: Vec<String> = report.flaws.iter().map(ToString::to_string).collect();
    let expired = told.iter().find(|told| told.contains("ended")).unwrap();
    assert!(
        expired.contains("CN=a root of old") && expired.contains("ended on 2020-02-29"),
        "{expired}"
    );
    assert!(
        expired.starts_with(&path.display().to_string()),
        "{expired}"
    );
    let twice = told.iter().find(|told| told.contains("already")).unwrap();
    assert!(twice.contains("CN=root 7"), "{twice}");
    // no key is ever shown
    let key = text.split("PRIVATE KEY-----").nth(1).unwrap().trim();
    let digits = key.lines().next().unwrap();
    assert!(told.iter().all(|told| !told.contains(digits)), "{told:?}");
    // and OpenSSL is given the same ones
    let given = Content::parse(store.anchors().pem().as_bytes()).anchors;
    let given: HashSet<_> = given.into_iter().map(|anchor| anchor.der).collect();
    assert!(all.iter().all(|one| given.contains(one.der())));
    assert!(!given.contains(old.der()));
}

#[test]
fn each_kind_of_certificate_is_judged() {
    let may_not_sign = authority_with("may not sign", |params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let signs = authority_with("signs", |params| {
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    });
    let good = authority("good");
    let mut trusted = good.der().to_vec();
    trusted.extend(b"\x30\x03\x02\x01\x01");
    let trusted = pem(&trusted).replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let other = pem(good.der()).replace("CERTIFICATE", "X509 CRL");
    for (bytes, anchors, whys) in [
        (good.pem().into_bytes(), 1, vec![]),
        (good.der().to_vec(), 1, vec![]),
        (trusted.into_bytes(), 1, vec![]),
        (signs.pem().into_bytes(), 1, vec![]),
        (
            may_not_sign.pem().into_bytes(),
            0,
            vec![Why::NotAnAuthority],
        ),
        (leaf("a").into_bytes(), 0, vec![Why::NotAnAuthority]),
        (other.into_bytes(), 0, vec![Why::OtherKind]),
        (b"\x30\x82\x01\x00junk".to_vec(), 0, vec![Why::Damaged]),
        (b"words".to_vec(), 0, vec![]),
        (Vec::new(), 0, vec![]),
    ] {
        let content = Content::parse(&bytes);
        let found: Vec<Why> = content.flaws.iter().map(|flaw| flaw.why).collect();
        assert_eq!(
            (content.anchors.len(), found),
            (anchors, whys),
            "{content:?}"
        );
        assert!(
            content
                .anchors
                .iter()
                .all(|anchor| anchor.der == *good.der() || anchor.subject.contains("signs"))
        );
    }
}

#[test]
fn what_nobody_could_read_is_told_up_to_a_number() {
    let block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let content = Content::parse(block.repeat(3_000).as_bytes());
    assert_eq!(content.flaws.len(), 1_000);
    let last = content.flaws.last().unwrap();
    assert!(last.text.contains("and 2000 more"), "{}", last.text);
}

#[test]
fn a_name_that_a_stranger_made_up_is_fit_for_a_log() {
    let told = shown(&format!("a\nb\u{1b}[31m{}", "x".repeat(500)));
    assert!(!told.contains(['\n', '\u{1b}']), "{told}");
    assert_eq!(told.chars().count(), 201);
}

#[test]
fn a_folder_stands_for_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let names = ["a", "b", "c", "d"];
    let all: Vec<Authority> = names.iter().map(|name| authority(name)).collect();
    // as Kubernetes mounts a secret
    fs::create_dir(at("..2026")).unwrap();
    write(&at("..2026/a.crt"), all[0].pem());
    std::os::unix::fs::symlink("..2026", at("..data")).unwrap();
    std::os::unix::fs::symlink("..data/a.crt", at("a.crt")).unwrap();
    write(&at("b.pem"), all[1].pem());
    // another name for it, as `openssl rehash` makes them
    std::os::unix::fs::symlink("b.pem", at("0a1b2c3d.0")).unwrap();
    write(&at(".c.pem"), all[2].pem());
    fs::create_dir(at("more")).unwrap();
    write(&at("more/d.pem"), all[3].pem());
    write(&at("notes.txt"), "nothing here");
    std::os::unix::fs::symlink("nowhere", at("z.crt")).unwrap();
    let single = tempfile::tempdir().unwrap();
    let single = single.path().join("gone.pem");
    let report = store(&[folder.path(), &single]).report();
    assert_eq!((report.files, report.authorities), (3, 2));
    let none = |why, name: &str| (why, name.to_owned(), None);
    assert_eq!(
        flaws(&report),
        [
            none("missing", "z.crt"),
            none("empty", "notes.txt"),
            none("missing", "gone.pem"),
        ]
    );
}

#[test]
fn stores_of_the_same_bundles_share_what_they_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pem");
    write(&path, authority("a").pem());
    let (one, other) = (store(&[&path]), store(&[&path]));
    assert!(Arc::ptr_eq(&one.report(), &other.report()));
    assert_eq!(one, other);
    let own = one.with_authority("ca.crt".into());
    assert_ne!(own, one);
    assert!(Arc::ptr_eq(&own.report(), &one.report()));
    assert!(Arc::ptr_eq(&own.anchors(), &one.anchors()));
    assert_ne!(one, Store::default());
    // another one once nobody has it any more
    let before = Arc::downgrade(&one.shared);
    drop((one, other, own));
    assert!(before.upgrade().is_none());
    assert_eq!(store(&[&path]).report().authorities, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is done to one block, and whatever lies between blocks, all others are used.
    #[test]
    fn damage_to_one_block_costs_no_other(
        damaged in 0_usize..6,
        from in 0.0..1.0_f64,
        len in 0_usize..200,
        with in prop::collection::vec(any::<u8>(), 0..60),
        junk in "[^-]{0,40}",
        crlf in any::<bool>(),
    ) {
        let all = six();
        let mut bytes = Vec::new();
        for (nth, (pem, _)) in all.iter().enumerate() {
            let pem = if crlf { pem.replace('\n', "\r\n") } else { pem.clone() };
            let mut block = pem.into_bytes();
            if nth == damaged {
                let from = (block.len() as f64 * from) as usize;
                let to = (from + len).min(block.len());
                block.splice(from..to, with.iter().copied());
            }
            bytes.extend(block);
            bytes.extend(junk.as_bytes());
            bytes.push(b'\n');
        }
        let found = Content::parse(&bytes);
        for (nth, (_, der)) in all.iter().enumerate() {
            let is_there = found.anchors.iter().any(|anchor| anchor.der == *der);
            prop_assert!(is_there || nth == damaged, "{nth} is lost: {:?}", found.flaws);
        }
        prop_assert!(found.anchors.len() <= all.len());
    }

    /// A certificate in which any byte is another is judged, whatever it has become.
    #[test]
    fn a_damaged_certificate_is_judged(at in 0.0..1.0_f64, byte in any::<u8>(), cut in 0.0..1.0_f64) {
        let (_, der) = &six()[0];
        let mut bytes = der.to_vec();
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] = byte;
        let whole = Content::parse(pem(&bytes).as_bytes());
        prop_assert_eq!(whole.anchors.len() + whole.flaws.len(), 1);
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        let cut = Content::parse(pem(&bytes).as_bytes());
        prop_assert_eq!((cut.anchors.len(), cut.flaws.len()), (0, 1));
        drop(Content::parse(&bytes));
    }
}

fn six() -> &'static [(String, CertificateDer<'static>)] {
    static SIX: std::sync::OnceLock<Vec<(String, CertificateDer<'static>)>> =
        std::sync::OnceLock::new();
    SIX.get_or_init(|| {
        let all = (0..6).map(|nth| authority(&format!("root {nth}")));
        all.map(|one| (one.pem(), one.der().clone())).collect()
    })
}

/// An authority that lasts this long.
fn lasting(name: &str, seconds: i64) -> Authority {
    authority_with(name, |params| {
        params.not_after = OffsetDateTime::now_utc() + Span::seconds(seconds);
    })
}
