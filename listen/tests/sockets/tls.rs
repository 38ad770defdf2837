//! TLS: protocols, mistakes, files that change, authorities that go.

use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use listen::Metrics;
use settings::tls::ServerTls;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::*;

/// A removed authority is refused within this time.
const PROMISED: Duration = Duration::from_secs(1);

fn reloads(running: &Running, result: &str) -> i64 {
    running.metric(&format!(
        "spoor_listener_tls_reload_total{{listener=\"test\",result=\"{result}\"}}"
    ))
}

async fn serving(pki: &Pki, authority: &Authority) -> Running {
    pki.write_leaf(&authority.leaf("server"));
    Running::start(tls_config(pki.settings())).await
}

async fn serving_mutual(pki: &Pki, authority: &Authority, clients: &[&Authority]) -> Running {
    pki.write_leaf(&authority.leaf("server"));
    trust(pki, clients);
    Running::start(tls_config(pki.mutual())).await
}

fn trust(pki: &Pki, clients: &[&Authority]) {
    pki.write(
        "ca.crt",
        &clients
            .iter()
            .map(|authority| authority.pem())
            .collect::<String>(),
    );
}

#[tokio::test]
async fn alpn_chooses_http2_or_http1() {
    let (pki, authority) = (Pki::new(), Authority::new("ca"));
    let running = serving(&pki, &authority).await;
    let stream = handshake(
        &client(&authority, None, &["h2", "http/1.1"]),
        running.addr(),
    )
    .await
    .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(
        http2_over(stream)
            .await
            .unwrap()
            .get("/peer")
            .await
            .unwrap()
            .1,
        "nobody tls=true from 127.0.0.1"
    );
    let stream = handshake(&client(&authority, None, &["http/1.1"]), running.addr())
        .await
        .unwrap();
    assert_eq!(
        http1_over(stream).await.unwrap().get("/").await.unwrap().0,
        200
    );
    // No ALPN at all, as plain HTTP/2 clients do.
    let stream = handshake(&client(&authority, None, &[]), running.addr())
        .await
        .unwrap();
    assert_eq!(
        http2_over(stream).await.unwrap().get("/").await.unwrap().0,
        200
    );
}

#[tokio::test]
async fn plaintext_to_a_tls_port_is_counted_and_answered_in_its_own_protocol() {
    let (pki, authority) = (Pki::new(), Authority::new("ca"));
    let running = serving(&pki, &authority).await;
    let answer =
        String::from_utf8(raw(running.addr(), b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await)
            .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("client sent an HTTP request to an HTTPS server"),
        "{answer}"
    );
    eventually("it is counted", || running.refused("plaintext_on_tls") == 1).await;
    let mut client = http2(running.addr()).await;
    assert!(client.get("/").await.is_err());
    eventually("it is counted", || running.refused("plaintext_on_tls") == 2).await;
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_off() {
    let (pki, authority) = (Pki::new(), Authority::new("ca"));
    let running = serving(&pki, &authority).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    stream.write_all(b"\x16\x03\x01\x02\x00\x01").await.unwrap();
    read_all(&mut stream).await;
    eventually("it is counted", || {
        running.refused("handshake_timeout") == 1
    })
    .await;
}

#[tokio::test]
async fn a_certificate_may_be_optional_and_a_wrong_one_is_refused_all_the_same() {
    let (pki, authority, stranger) = (Pki::new(), Authority::new("ca"), Authority::new("stranger"));
    pki.write_leaf(&authority.leaf("server"));
    trust(&pki, &[&authority]);
    let settings = ServerTls {
        client_auth: Some("optional".to_owned()),
        ..pki.mutual()
    };
    let running = Running::start(tls_config(settings)).await;
    let without = client(&authority, None, &["h2"]);
    let mut open = http2_over(handshake(&without, running.addr()).await.unwrap())
        .await
        .unwrap();
    assert_eq!(open.get("/").await.unwrap().0, 200);
    let right = authority.leaf("frontend");
    let right = client(&authority, Some(&right), &[]);
    let (_, body) = get_over_tls(&right, running.addr(), "/peer").await.unwrap();
    assert!(body.contains("CN=frontend"), "{body}");
    let wrong = stranger.leaf("frontend");
    let wrong = client(&authority, Some(&wrong), &[]);
    assert!(get_over_tls(&wrong, running.addr(), "/").await.is_err());
    // other authorities: who came without a certificate stays
    trust(&pki, &[&stranger]);
    eventually("it is taken up", || reloads(&running, "ok") == 1).await;
    assert_eq!(open.get("/").await.unwrap().0, 200);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused_where_one_is_asked_for() {
    let (pki, authority, stranger) = (Pki::new(), Authority::new("ca"), Authority::new("stranger"));
    let running = serving_mutual(&pki, &authority, &[&authority]).await;
    assert!(
        get_over_tls(&client(&authority, None, &[]), running.addr(), "/")
            .await
            .is_err()
    );
    eventually("it is counted", || running.refused("tls_handshake") == 1).await;
    let wrong = stranger.leaf("frontend");
    assert!(
        get_over_tls(&client(&authority, Some(&wrong), &[]), running.addr(), "/")
            .await
            .is_err()
    );
    eventually("it is counted", || running.refused("tls_handshake") == 2).await;
    let right = authority.leaf("frontend");
    let (status, body) = get_over_tls(
        &client(&authority, Some(&right), &[]),
        running.addr(),
        "/peer",
    )
    .await
    .unwrap();
    assert_eq!(status, 200);
    assert!(body.contains("CN=frontend"), "{body}");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_while_connections_stay() {
    let (pki, old, new) = (Pki::new(), Authority::new("old"), Authority::new("new"));
    let running = serving(&pki, &old).await;
    let stream = handshake(&client(&old, None, &["h2"]), running.addr())
        .await
        .unwrap();
    let mut open = http2_over(stream).await.unwrap();
    assert_eq!(open.get("/").await.unwrap().0, 200);
    pki.write_leaf(&new.leaf("server"));
    eventually("it is taken up", || reloads(&running, "ok") == 1).await;
    assert_eq!(
        get_over_tls(&client(&new, None, &[]), running.addr(), "/")
            .await
            .unwrap()
            .0,
        200
    );
    assert!(
        get_over_tls(&client(&old, None, &[]), running.addr(), "/")
            .await
            .is_err()
    );
    assert_eq!(open.get("/").await.unwrap().0, 200);
    assert_eq!(reloads(&running, "kept_old"), 0);
    assert!(
        running.metric("spoor_listener_tls_certificate_expiry_seconds{listener=\"test\"}")
            > 1_700_000_000
    );
}

#[tokio::test]
async fn rotating_again_and_again_fails_no_request() {
    let (pki, authority) = (Pki::new(), Authority::new("ca"));
    let running = serving(&pki, &authority).await;
    let connector = client(&authority, None, &[]);
    for turn in 1..=20 {
        pki.write_leaf(&authority.leaf("server"));
        while reloads(&running, "ok") < turn {
            assert_eq!(
                get_over_tls(&connector, running.addr(), "/")
                    .await
                    .unwrap()
                    .0,
                200
            );
        }
    }
    assert_eq!(reloads(&running, "ok"), 20);
    assert_eq!(running.refused("tls_handshake"), 0);
}

#[tokio::test]
async fn a_bad_set_of_files_keeps_the_last_good_one_and_a_good_one_is_taken_up_after_it() {
    let (pki, authority) = (Pki::new(), Authority::new("ca"));
    let good = authority.leaf("server");
    let running = serving(&pki, &authority).await;
    let connector = client(&authority, None, &[]);
    let other_key = authority.leaf("server").1;
    let bad: [(&str, Leaf); 5] = [
        ("a key of another pair", (good.0.clone(), other_key)),
        (
            "half a certificate",
            (good.0[..good.0.len() / 2].to_owned(), good.1.clone()),
        ),
        ("an empty file", (String::new(), good.1.clone())),
        (
            "certificate and key swapped",
            (good.1.clone(), good.0.clone()),
        ),
        ("an expired certificate", authority.expired_leaf()),
    ];
    for (count, (what, leaf)) in (1..).zip(&bad) {
        pki.write_leaf(leaf);
        eventually(what, || reloads(&running, "kept_old") >= count).await;
        assert_eq!(
            get_over_tls(&connector, running.addr(), "/")
                .await
                .unwrap()
                .0,
            200,
            "{what}"
        );
    }
    std::fs::remove_file(pki.path("tls.key")).unwrap();
    eventually("a missing file", || reloads(&running, "kept_old") >= 6).await;
    assert_eq!(
        get_over_tls(&connector, running.addr(), "/")
            .await
            .unwrap()
            .0,
        200
    );
    assert_eq!(reloads(&running, "ok"), 0);
    pki.write_leaf(&good);
    eventually("a good set", || reloads(&running, "ok") == 1).await;
    assert_eq!(
        get_over_tls(&connector, running.addr(), "/")
            .await
            .unwrap()
            .0,
        200
    );
}

#[tokio::test]
async fn a_swapped_link_is_followed_as_kubernetes_does_it() {
    let (pki, old, new) = (Pki::new(), Authority::new("old"), Authority::new("new"));
    for (folder, authority) in [("..1", &old), ("..2", &new)] {
        std::fs::create_dir(pki.path(folder)).unwrap();
        let (cert, key) = authority.leaf("server");
        pki.write(&format!("{folder}/tls.crt"), &cert);
        pki.write(&format!("{folder}/tls.key"), &key);
    }
    symlink("..1", pki.path("..data")).unwrap();
    symlink("..data/tls.crt", pki.path("tls.crt")).unwrap();
    symlink("..data/tls.key", pki.path("tls.key")).unwrap();
    let running = Running::start(tls_config(pki.settings())).await;
    assert_eq!(
        get_over_tls(&client(&old, None, &[]), running.addr(), "/")
            .await
            .unwrap()
            .0,
        200
    );
    symlink("..2", pki.path("..data_tmp")).unwrap();
    std::fs::rename(pki.path("..data_tmp"), pki.path("..data")).unwrap();
    eventually("it is taken up", || reloads(&running, "ok") == 1).await;
    assert_eq!(
        get_over_tls(&client(&new, None, &[]), running.addr(), "/")
            .await
            .unwrap()
            .0,
        200
    );
}

#[tokio::test]
async fn a_removed_authority_is_refused_on_new_and_on_open_connections() {
    let (pki, authority) = (Pki::new(), Authority::new("ca"));
    let (leaving, staying) = (Authority::new("leaving"), Authority::new("staying"));
    let running = serving_mutual(&pki, &authority, &[&leaving, &staying]).await;
    let leaves = (leaving.leaf("old"), staying.leaf("new"));
    let goes = client(&authority, Some(&leaves.0), &[]);
    let stays = client(&authority, Some(&leaves.1), &[]);
    let mut goes_open = http2_over(handshake(&goes, running.addr()).await.unwrap())
        .await
        .unwrap();
    let mut goes_http1 = http1_over(handshake(&goes, running.addr()).await.unwrap())
        .await
        .unwrap();
    let mut stays_open = http2_over(handshake(&stays, running.addr()).await.unwrap())
        .await
        .unwrap();
    assert_eq!(goes_open.get("/").await.unwrap().0, 200);
    assert_eq!(goes_http1.get("/").await.unwrap().0, 200);
    assert_eq!(stays_open.get("/").await.unwrap().0, 200);

    let removed = Instant::now();
    trust(&pki, &[&staying]);
    eventually("open connections are closed", || {
        goes_open.0.is_closed() && goes_http1.0.is_closed()
    })
    .await;
    assert!(removed.elapsed() <= PROMISED, "{:?}", removed.elapsed());
    assert_eq!(running.closed("client_ca_removed"), 2);
    assert!(get_over_tls(&goes, running.addr(), "/").await.is_err());
    assert_eq!(stays_open.get("/").await.unwrap().0, 200);
    assert_eq!(
        get_over_tls(&stays, running.addr(), "/").await.unwrap().0,
        200
    );

    // A staged roll-over: added again, then everybody is let in.
    trust(&pki, &[&staying, &leaving]);
    eventually("it is taken up", || reloads(&running, "ok") == 2).await;
    assert_eq!(
        get_over_tls(&goes, running.addr(), "/").await.unwrap().0,
        200
    );
    assert_eq!(stays_open.get("/").await.unwrap().0, 200);
}

#[tokio::test]
async fn only_the_versions_between_min_and_max_are_spoken() {
    let (pki, authority) = (Pki::new(), Authority::new("ca"));
    pki.write_leaf(&authority.leaf("server"));
    let settings = ServerTls {
        max_version: Some("1.2".to_owned()),
        ..pki.settings()
    };
    let running = Running::start(tls_config(settings)).await;
    let stream = handshake(&client(&authority, None, &[]), running.addr())
        .await
        .unwrap();
    assert_eq!(
        stream.get_ref().1.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_2)
    );
}

#[tokio::test]
async fn files_that_cannot_be_used_at_the_start_are_errors_that_name_them() {
    let (pki, authority) = (Pki::new(), Authority::new("ca"));
    let (cert, key) = authority.leaf("server");
    let other = authority.leaf("other");
    let check = async |files: [&str; 3], expect: &[&str]| {
        for (name, text) in ["tls.crt", "tls.key", "ca.crt"].into_iter().zip(files) {
            pki.write(name, text);
        }
        let error = listen::bind(&tls_config(pki.mutual()), &Metrics::default())
            .await
            .unwrap_err()
            .to_string();
        for word in expect {
            assert!(error.contains(word), "{error}\nlacks {word}");
        }
    };
    let ca = authority.pem();
    check(
        [&key, &key, &ca],
        &["tls.crt", "test.tls.cert", "holds no certificate"],
    )
    .await;
    check(
        [&cert, &cert, &ca],
        &["tls.key", "test.tls.key", "holds no private key"],
    )
    .await;
    check(
        [&cert, &other.1, &ca],
        &["tls.key", "tls.crt", "does not belong to the certificate"],
    )
    .await;
    check(
        [&cert, &key, "nothing"],
        &["ca.crt", "test.tls.client-ca", "holds no certificate"],
    )
    .await;
    check([&cert[..200], &key, &ca], &["tls.crt", "is not pem"]).await;
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check([&cert, encrypted, &ca], &["tls.key", "passphrase"]).await;

    std::fs::remove_file(pki.path("tls.crt")).unwrap();
    let error = listen::bind(&tls_config(pki.settings()), &Metrics::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot use tls for test: cannot read ")
            && error.contains("(test.tls.cert): No such file"),
        "{error}"
    );
    let unset = ServerTls {
        key: None,
        ..pki.settings()
    };
    pki.write("tls.crt", &cert);
    let error = listen::bind(&tls_config(unset), &Metrics::default())
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "cannot use tls for test: test.tls.key is not set: give the path of a pem file"
    );
}
