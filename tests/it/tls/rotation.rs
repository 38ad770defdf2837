//! Certificates and authorities that change under load: nobody who may come is turned away, and who may not come any more is gone within a second.

use std::time::{Duration, Instant};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tests::pki::{Authority, Leaf, Mounted, replace, trusting};
use tests::spoor::Setup;

use super::look;
use crate::support::https::{Load, Post, posts};
use crate::support::{setup, soak};

/// TLS from the files of `folder` for the listener whose settings begin with `prefix`.
fn with_tls(setup: Setup, prefix: &str, folder: &std::path::Path, client_ca: bool) -> Setup {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut setup = setup
        .arg(format!("--{prefix}.tls.enabled"))
        .arg(format!("--{prefix}.tls.cert={}", file("tls.crt")))
        .arg(format!("--{prefix}.tls.key={}", file("tls.key")));
    if client_ca {
        setup = setup.arg(format!("--{prefix}.tls.client-ca={}", file("ca.crt")));
    }
    setup
}

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .to_vec()
}

/// Connects until `expect` is served; how long that took.
async fn until_served(post: &Post, expect: &[u8]) -> Duration {
    let began = Instant::now();
    loop {
        // each try is a handshake, so this does not spin
        if post.connect().await.unwrap().served == expect {
            return began.elapsed();
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the old one is served still"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_replaced_under_load_and_no_request_fails() {
    let rotations = if soak() { 100 } else { 5 };
    let (folder, setup) = setup();
    let authority = Authority::new("an authority");
    let ca = folder.path().join("authority.crt");
    std::fs::write(&ca, authority.pem()).unwrap();
    let leaf = authority.server(0x1000);
    let renamed = folder.path().join("renamed");
    std::fs::create_dir(&renamed).unwrap();
    let rename = |leaf: &Leaf| {
        replace(&renamed.join("tls.crt"), &leaf.cert);
        replace(&renamed.join("tls.key"), &leaf.key);
    };
    rename(&leaf);
    let (pem, at) = (authority.pem(), folder.path().join("mounted"));
    fn files<'a>(leaf: &'a Leaf, ca: &'a str) -> [(&'static str, &'a str); 3] {
        [
            ("tls.crt", &leaf.cert),
            ("tls.key", &leaf.key),
            ("ca.crt", ca),
        ]
    }
    let mut mounted = Mounted::new(at.clone(), &files(&leaf, &pem));

    let setup = with_tls(setup, "collector.http", &at, true);
    let setup = with_tls(setup, "collector.zipkin", &at, false);
    let setup = with_tls(setup, "collector.otlp.http", &renamed, false);
    let spoor = setup.start().unwrap();
    let shown = authority.server(0x2000);
    let [thrift, zipkin, otlp] = posts(&spoor);
    let posts = [
        thrift.over(trusting(&pem, Some(&shown))),
        zipkin.over(trusting(&pem, None)),
        otlp.over(trusting(&pem, None)),
    ];
    let load = Load::start(&posts, 4, false);
    let mut slowest = Duration::ZERO;
    for number in 1..=rotations {
        let leaf = authority.server(0x1000 + number);
        rename(&leaf);
        mounted.swap(&files(&leaf, &pem));
        for post in &posts {
            slowest = slowest.max(until_served(post, &der(&leaf.cert)).await);
        }
    }
    let seen = load.end(true).await;
    println!(
        "{rotations} rotations under load: {} requests, {} failed, p99 {:.1} ms, a new certificate served after at most {slowest:?}",
        seen.took.len(),
        seen.failures.len(),
        seen.p99()
    );
    assert!(seen.failures.is_empty(), "{:?}", seen.failures);
    assert!(seen.took.len() > 100, "{}", seen.took.len());
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    for listener in ["zipkin", "otlp-http"] {
        let seen = look(spoor.address(listener), &ca, "/");
        let serial = format!("{:X} ", 0x1000 + rotations);
        assert!(seen.starts_with(&serial), "{listener}: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_an_authority_that_is_removed_are_cut_off_within_a_second() {
    let (folder, setup) = setup();
    let ours = Authority::new("the server's");
    let (gone, stays) = (Authority::new("gone"), Authority::new("stays"));
    let leaf = ours.server(1);
    for (name, text) in [
        ("tls.crt", leaf.cert),
        ("tls.key", leaf.key),
        ("ca.crt", gone.pem() + &stays.pem()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let setup = with_tls(setup, "collector.http", folder.path(), true);
    let setup = with_tls(setup, "collector.zipkin", folder.path(), true);
    let spoor = setup.start().unwrap();
    let plain = posts(&spoor);
    let of = |authority: &Authority| {
        let tls = trusting(&ours.pem(), Some(&authority.server(7)));
        [plain[0].over(tls.clone()), plain[1].over(tls)]
    };
    let (of_gone, of_stays) = (of(&gone), of(&stays));
    // two that are open and say nothing
    let mut idle = Vec::new();
    for post in &of_gone {
        let mut connection = post.connect().await.unwrap();
        connection.post(post).await.unwrap();
        idle.push(connection);
    }
    let (condemned, spared) = (
        Load::start(&of_gone, 4, true),
        Load::start(&of_stays, 4, false),
    );
    // under load means that both have been served
    for post in of_gone.iter().chain(&of_stays) {
        for _ in 0..20 {
            post.once().await.unwrap();
        }
    }
    let removed = Instant::now();
    replace(&folder.path().join("ca.crt"), &stays.pem());
    let condemned = tokio::time::timeout(Duration::from_secs(20), condemned.end(false));
    let condemned = condemned.await.expect("all of them are cut off");
    let last = condemned.last_success.unwrap() - removed;
    for connection in &mut idle {
        connection.closed().await;
    }
    let idle = removed.elapsed();
    for post in &of_gone {
        post.once().await.expect_err("its authority is gone");
    }
    for post in &of_stays {
        for _ in 0..20 {
            post.once().await.unwrap();
        }
    }
    let spared = spared.end(true).await;
    println!(
        "an authority removed under load: its last request succeeded {last:?} after, idle connections were closed within {idle:?}; {} requests of the other one, {} failed",
        spared.took.len(),
        spared.failures.len()
    );
    assert!(condemned.took.len() > 40, "{}", condemned.took.len());
    assert!(last < Duration::from_secs(1), "{last:?}");
    assert!(idle < Duration::from_secs(1), "{idle:?}");
    assert!(spared.failures.is_empty(), "{:?}", spared.failures);
}
