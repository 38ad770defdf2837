//! Certificates and authorities of a store in another process that change under load: nobody is turned away.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tests::pki::{Authority, Leaf, Mounted, replace};
use tests::spoor::{Setup, Spoor};

use super::{address, serving, trouble, using};
use crate::support::https::{Load, Post, posts};
use crate::support::{eventually, get, setup, soak, within};

/// One side's certificate and key, and whom it trusts.
fn files<'a>(leaf: &'a Leaf, trusted: &'a str) -> [(&'static str, &'a str); 3] {
    [
        ("tls.crt", &leaf.cert),
        ("tls.key", &leaf.key),
        ("ca.crt", trusted),
    ]
}

/// TLS from the files of `folder`, for the settings that begin with `prefix`; `ca` is its word for whom it trusts.
fn with_tls(setup: Setup, prefix: &str, ca: &str, folder: &std::path::Path) -> Setup {
    let file = |name: &str| folder.join(name).display().to_string();
    setup
        .arg(format!("--{prefix}.tls.enabled"))
        .arg(format!("--{prefix}.tls.cert={}", file("tls.crt")))
        .arg(format!("--{prefix}.tls.key={}", file("tls.key")))
        .arg(format!("--{prefix}.tls.{ca}={}", file("ca.crt")))
}

/// A span of now, since the window keeps older ones from the store.
fn post(spoor: &Spoor) -> Post {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let span = serde_json::json!([{"traceId": "5b8efff798038103d269b633813fc60c", "id": "eee19b7ec3c1b174", "name": "op",
        "timestamp": now.as_micros() as u64, "duration": 5, "localEndpoint": {"serviceName": "svc"}}]);
    let [_, zipkin, _] = posts(spoor);
    Post {
        body: Bytes::from(span.to_string()),
        ..zipkin
    }
}

/// How often the store took up changed files, and how many connections it has accepted.
async fn counts(store: &Spoor) -> (u64, u64) {
    let metrics = get(&format!("{}/metrics", store.url("admin"))).await.2;
    let count = |name: &str, label: &str| {
        let lines = metrics.lines().filter(|line| line.starts_with(name));
        let mut lines = lines.filter(|l| l.contains("\"storage-grpc\"") && l.contains(label));
        let line = lines.next();
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    };
    (
        count("spoor_listener_tls_reload_total", "\"ok\""),
        count("spoor_listener_connections_accepted_total", ""),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_and_authorities_are_replaced_under_load_and_no_request_fails() {
    let turns = if soak() { 20 } else { 2 };
    let (folder, setup) = setup();
    let mut authority = Authority::new("the first");
    let mut leaves = (authority.server(1), authority.client("a collector"));
    let pem = authority.pem();
    let (serves, calls) = (folder.path().join("serves"), folder.path().join("calls"));
    let mut served = Mounted::new(serves.clone(), &files(&leaves.0, &pem));
    let mut shown = Mounted::new(calls.clone(), &files(&leaves.1, &pem));
    // connections go by themselves, so that each change is met by new ones
    let store = serving(folder.path()).arg("--grpc.max-connection-age=200ms");
    let store = with_tls(store, "grpc", "client-ca", &serves)
        .start()
        .unwrap();
    let spoor = using(setup, &address(&store));
    let spoor = with_tls(spoor, "grpc-storage", "ca", &calls)
        .start()
        .unwrap();

    let load = Load::start(&[post(&spoor)], 4, false);
    for turn in 1..=turns {
        let next = Authority::new("the next");
        let both = authority.pem() + &next.pem();
        let fresh = (next.server(turn + 1), next.client("a collector"));
        // who is to be shown is trusted before, and who was shown until nobody shows it
        for ((server, client), trusted) in
            [(&leaves, &both), (&fresh, &both), (&fresh, &next.pem())]
        {
            let before = counts(&store).await;
            served.swap(&files(server, trusted));
            eventually(
                "the store takes up its files",
                || counts(&store),
                |(reloads, _)| *reloads > before.0,
            )
            .await;
            shown.swap(&files(client, trusted));
            let (_, accepted) = counts(&store).await;
            // the first may have been on its way with the old files, and the one before it goes when the second comes
            eventually(
                "connections are made anew",
                || counts(&store),
                |(_, now)| *now >= accepted + 3,
            )
            .await;
        }
        (authority, leaves) = (next, fresh);
    }
    let seen = load.end(true).await;
    let (reloads, connections) = counts(&store).await;
    println!(
        "{turns} changes of authority under load: {} requests, {} failed, p99 {:.1} ms; {connections} connections, files taken up {reloads} times",
        seen.took.len(),
        seen.failures.len(),
        seen.p99()
    );
    assert!(seen.failures.is_empty(), "{:?}", seen.failures);
    assert!(seen.took.len() > 100, "{}", seen.took.len());
}

#[tokio::test]
async fn an_authority_that_is_taken_out_of_the_bundles_is_trusted_on_old_connections_no_longer() {
    let (folder, setup) = setup();
    let authority = Authority::new("the store's own authority");
    let served = Mounted::new(
        folder.path().join("serves"),
        &files(&authority.server(1), &authority.pem())[..2],
    );
    let file = |name: &str| folder.path().join("serves").join(name);
    let store = serving(folder.path())
        .arg("--grpc.tls.enabled")
        .arg(format!("--grpc.tls.cert={}", file("tls.crt").display()))
        .arg(format!("--grpc.tls.key={}", file("tls.key").display()))
        .start()
        .unwrap();
    let bundles = folder.path().join("bundles");
    std::fs::create_dir(&bundles).unwrap();
    let bundle = bundles.join("store.pem");
    replace(&bundle, &authority.pem());
    let spoor = using(setup, &address(&store))
        .arg("--grpc-storage.tls.enabled")
        .arg(format!("--trust.bundles={}", bundles.display()))
        .start()
        .unwrap();
    let (status, text) = trouble::post(&spoor, 1).await;
    assert_eq!(status, 202, "{text}");
    // the same connection goes on being used
    let (_, accepted) = counts(&store).await;
    assert_eq!(trouble::post(&spoor, 2).await.0, 202);
    assert_eq!(counts(&store).await.1, accepted);

    let soon = Duration::from_secs(2);
    std::fs::remove_file(&bundle).unwrap();
    let refused = within(
        soon,
        "the store is not trusted any more",
        || trouble::post(&spoor, 3),
        |(status, _)| *status != 202,
    )
    .await;
    assert_eq!(refused.0, 503, "{}", refused.1);
    let ready = get(&format!("{}/ready", spoor.url("admin"))).await.2;
    for word in [
        "the store's own authority",
        "trust.bundles",
        "grpc-storage.tls.ca",
    ] {
        assert!(ready.contains(word), "{word}: {ready}");
    }
    replace(&bundle, &authority.pem());
    within(
        soon,
        "the store is trusted again",
        || trouble::post(&spoor, 4),
        |(status, _)| *status == 202,
    )
    .await;
    drop(served);
}
