//! Certificates, authorities and passwords change under load, and no request fails: two namespaces on a real Elasticsearch that asks for certificates.
//!
//! `SPOOR_SOAK=1` raises the counts to 1,000 certificates, 20 authorities and two restarts of the store, at 2,000 spans a second.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use model::Instance;
use settings::tls::ClientTls;
use storage::elasticsearch::config::Place;
use tests::pki::{Authority, Leaf, Mounted, replace, trusting};
use tests::servers::client::Client;
use tests::servers::secured::{self, PASSWORD, Secured, USER};
use tests::servers::{Kind, Options};

use super::sender::{Sender, Sent, open, place, span};
use crate::support::{eventually, soak};

const BATCH: u64 = 20;

/// What one namespace has in its folder.
struct Secrets {
    mounted: Mounted,
    trusted: String,
    leaf: Leaf,
}

// === impl Secrets ===

impl Secrets {
    fn new(folder: &Path, authority: &Authority) -> Self {
        let (trusted, leaf) = (authority.pem(), authority.client("spoor"));
        let files = [
            ("ca.crt", trusted.as_str()),
            ("tls.crt", &leaf.cert),
            ("tls.key", &leaf.key),
        ];
        Self {
            mounted: Mounted::new(folder.to_owned(), &files),
            trusted,
            leaf,
        }
    }

    fn swap(&mut self) {
        let Self {
            mounted,
            trusted,
            leaf,
        } = self;
        mounted.swap(&[
            ("ca.crt", trusted),
            ("tls.crt", &leaf.cert),
            ("tls.key", &leaf.key),
        ]);
    }
}

fn secure_place(secured: &Secured, folder: &Path, prefix: &str) -> Place {
    let mut place = place(&secured.server.url(), prefix);
    let file = |name: &str| Some(folder.join(name));
    place.connection.username = USER.to_owned();
    place.connection.password_file = file("../password");
    place.connection.tls = Some(ClientTls {
        prefix: "es.tls".to_owned(),
        ca: file("ca.crt"),
        cert: file("tls.crt"),
        key: file("tls.key"),
        ..ClientTls::default()
    });
    place
}

/// Load on one namespace until it is told to stop: every second batch by way of a collector of its own, which opens connections of its own.
async fn load(
    sender: &Sender,
    place: &Place,
    instance: &Instance,
    stop: &AtomicBool,
    next: &AtomicU64,
) -> Sent {
    let mut all = Sent::default();
    let mut tick = tokio::time::interval(Duration::from_millis(if soak() { 20 } else { 100 }));
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        let spans = (first..first + BATCH).map(span).collect();
        let sent = if (first / BATCH).is_multiple_of(2) {
            sender.send_through(&sender.storage, spans).await
        } else {
            let place = place.clone();
            let fresh = tokio::task::block_in_place(|| open(vec![(instance.clone(), place)]));
            sender.send_through(&fresh, spans).await
        };
        all.add(sent);
    }
    all
}

/// Whoever shows `leaf` and trusts `trusted` is answered.
async fn answered(secured: &Secured, trusted: &str, leaf: &Leaf) {
    let tls = trusting(trusted, Some(leaf));
    let client = Client::new(secured.server.port())
        .over(tls)
        .user(USER, PASSWORD);
    let ask = async || client.get("/_cluster/health").await;
    eventually("the server took its new files", ask, Result::is_ok)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_authorities_change_under_load_and_no_request_fails() {
    let (leaves, authorities, restarts) = if soak() { (1_000, 20, 2) } else { (30, 2, 0) };
    let mut secured =
        secured::start_elasticsearch(Kind::Elasticsearch8, Options::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    replace(&folder.path().join("password"), PASSWORD);
    let mut secrets =
        ["a", "b"].map(|name| Secrets::new(&folder.path().join(name), &secured.authority));
    let instances = ["prod/jaeger", "staging/jaeger"].map(|text| Instance::parse(text).unwrap());
    let places = [("a", "rotate-a"), ("b", "rotate-b")]
        .map(|(name, prefix)| secure_place(&secured, &folder.path().join(name), prefix));
    let pairs = instances
        .iter()
        .cloned()
        .zip(places.iter().cloned())
        .collect();
    let client = secured.server.client().clone();
    let senders = tokio::task::block_in_place(|| Sender::all(pairs, &client));
    let (stop, next) = (AtomicBool::new(false), AtomicU64::new(1));

    for nth in 0..restarts {
        let sending = senders[0].send_spans(40, 4, |batch| {
            (0..BATCH)
                .map(|at| span(1_000_000_000 * (nth + 1) + batch * BATCH + at))
                .collect()
        });
        let restarting = async { tokio::task::block_in_place(|| secured.server.restart()) };
        let (sent, restarted) = tokio::join!(sending, restarting);
        restarted.unwrap();
        assert_eq!(sent.acknowledged.len() as u64, 40 * BATCH);
    }
    let rotating = async {
        let mut done = 0;
        let mut authority = None;
        for round in 0..=authorities {
            for _ in 0..u64::div_ceil(leaves, authorities + 1) {
                for one in &mut secrets {
                    let signs = authority.as_ref().unwrap_or(&secured.authority);
                    one.leaf = signs.client("spoor");
                    one.swap();
                }
                done += 1;
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
            if round == authorities {
                break;
            }
            let new = Authority::new("the next authority");
            let old = authority.as_ref().unwrap_or(&secured.authority).pem();
            let both = format!("{old}{}", new.pem());
            // each side trusts both before the other shows the new one
            secured.server.replace_file("certs/ca.crt", &both).unwrap();
            for one in &mut secrets {
                one.trusted = both.clone();
                one.swap();
            }
            answered(&secured, &both, &new.client("probe")).await;
            let server = new.server(100 + round);
            secured
                .server
                .replace_file("certs/server.key", &server.key)
                .unwrap();
            secured
                .server
                .replace_file("certs/server.crt", &server.cert)
                .unwrap();
            answered(&secured, &new.pem(), &new.client("probe")).await;
            for one in &mut secrets {
                one.trusted = new.pem();
                one.leaf = new.client("spoor");
                one.swap();
            }
            // ours have to be in use before the server forgets the old one
            tokio::time::sleep(Duration::from_secs(1)).await;
            secured
                .server
                .replace_file("certs/ca.crt", &new.pem())
                .unwrap();
            authority = Some(new);
        }
        println!("{done} certificates of each namespace, {authorities} authorities");
        stop.store(true, Ordering::Relaxed);
        secrets
    };
    let began = Instant::now();
    let (mut secrets, a, b) = tokio::join!(
        rotating,
        load(&senders[0], &places[0], &instances[0], &stop, &next),
        load(&senders[1], &places[1], &instances[1], &stop, &next),
    );
    println!(
        "{:?}: {} and {} spans",
        began.elapsed(),
        a.acknowledged.len(),
        b.acknowledged.len()
    );
    assert_eq!((a.again, b.again), (0, 0), "requests that failed");

    // the client that asks the store knew the first authority
    let tls = trusting(&secrets[0].trusted, Some(&secrets[0].leaf));
    let client = Client::new(secured.server.port())
        .over(tls)
        .user(USER, PASSWORD);
    for (sender, sent) in senders.iter().zip([&a, &b]) {
        sender.asking(&client).check("rotation", sent).await;
    }

    // whoever trusts somebody else is out within a second, and back as soon as that is mended
    let trusted = std::mem::replace(&mut secrets[1].trusted, Authority::new("a stranger").pem());
    secrets[1].swap();
    let removed = Instant::now();
    let refused = loop {
        let batch = model::Batch::new(instances[1].clone(), vec![span(5_000_000_000)], 0);
        match senders[1].storage.writer().write(batch).await {
            Ok(()) => assert!(removed.elapsed() < Duration::from_secs(1), "still taken"),
            Err(error) => break error.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    println!(
        "an authority that is gone: refused {:?} later: {refused}",
        removed.elapsed()
    );
    assert!(refused.contains("es.tls.ca"), "{refused}");
    // the other namespace does not notice
    assert_eq!(
        senders[0]
            .send_spans(1, 1, |_| vec![span(6_000_000_000)])
            .await
            .again,
        0
    );
    secrets[1].trusted = trusted;
    secrets[1].swap();
    assert_eq!(
        senders[1]
            .send_spans(1, 1, |_| vec![span(6_000_000_001)])
            .await
            .acknowledged
            .len(),
        1
    );
}
