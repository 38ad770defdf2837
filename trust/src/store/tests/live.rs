//! Bundles that change while connections are opened: real handshakes, with servers of several authorities.

#![allow(
    clippy::disallowed_methods,
    reason = "a server of a test ends with its runtime"
)]

use std::net::SocketAddr;
use std::time::Instant;

use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use settings::tls::ClientTls;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{Changes, DialError, Dialer};

/// A change has to be in use within this.
const SOON: Duration = Duration::from_secs(2);

/// A server at `localhost` with a certificate of `issuer`, which shows `above` too, and answers what it is sent for as long as the connection is open.
async fn serve(issuer: &Authority, above: &[&Authority]) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, issuer).unwrap();
    let mut chain = vec![leaf.der().clone()];
    chain.extend(above.iter().map(|one| one.der().clone()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut word = [0; 4];
                while stream.read_exact(&mut word).await.is_ok() {
                    stream.write_all(&word).await.unwrap();
                }
            });
        }
    });
    address
}

fn dialer(store: &Store) -> Dialer {
    Dialer::tls(block(), store)
}

fn block() -> ClientTls {
    ClientTls {
        prefix: "es.tls".to_owned(),
        ..ClientTls::default()
    }
}

/// Whether a new connection is opened and carries something.
async fn call(dialer: &Dialer, address: SocketAddr) -> Result<(), DialError> {
    let mut stream = dialer.dial("localhost", address).await?;
    stream.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"ping");
    Ok(())
}

/// Waits until calls come through, or fail; how long that took.
async fn until(dialer: &Dialer, address: SocketAddr, comes_through: bool) -> Duration {
    let began = Instant::now();
    loop {
        let called = call(dialer, address).await;
        if called.is_ok() == comes_through {
            return began.elapsed();
        }
        assert!(began.elapsed() < SOON, "still {called:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until the report is as wanted.
async fn report(store: &Store, what: &str, is_right: impl Fn(&Report) -> bool) -> Arc<Report> {
    let began = Instant::now();
    loop {
        let report = store.report();
        if is_right(&report) {
            return report;
        }
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{what}: {report:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// In place of what is there, as careful writers do.
fn replace(path: &Path, text: &str) {
    let fresh = path.with_file_name(".fresh");
    fs::write(&fresh, text).unwrap();
    fs::rename(fresh, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_come_and_go_while_connections_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (authority("the first"), authority("the second"));
    let (of_first, of_second) = (serve(&first, &[]).await, serve(&second, &[]).await);
    let store = store(&[folder.path()]);
    let dialer = Arc::new(dialer(&store));
    let changes = Changes::of(dialer.clone());
    assert!(!changes.are_there().await);
    for address in [of_first, of_second] {
        let error = call(&dialer, address).await.unwrap_err();
        assert!(matches!(error, DialError::Untrusted { .. }), "{error}");
    }
    let path = folder.path().join("a.pem");
    replace(&path, &first.pem());
    until(&dialer, of_first, true).await;
    let before = dialer.fingerprint();
    // a file beside it
    replace(&folder.path().join("b.pem"), &second.pem());
    until(&dialer, of_second, true).await;
    call(&dialer, of_first).await.unwrap();
    assert_ne!(dialer.fingerprint(), before);
    // what keeps connections hears of it, once
    let began = Instant::now();
    while !changes.are_there().await {
        assert!(began.elapsed() < SOON, "no change is told");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let now = dialer.fingerprint();
    // taken away
    fs::remove_file(&path).unwrap();
    until(&dialer, of_first, false).await;
    call(&dialer, of_second).await.unwrap();
    assert_ne!(dialer.fingerprint(), now);
    // and out of a file that stays
    replace(&folder.path().join("b.pem"), &first.pem());
    until(&dialer, of_second, false).await;
    call(&dialer, of_first).await.unwrap();
    // where it lies makes no difference
    let known = dialer.fingerprint();
    fs::rename(folder.path().join("b.pem"), folder.path().join("c.pem")).unwrap();
    report(&store, "a file of another name", |report| report.files == 1).await;
    assert_eq!(dialer.fingerprint(), known);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_one_of_hundreds_opens_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    let all: Vec<Authority> = (0..500)
        .map(|nth| authority(&format!("root {nth}")))
        .collect();
    let text: String = all.iter().map(|one| one.pem() + "# junk\n").collect();
    write(&path, &text);
    let store = store(&[&path]);
    let dialer = dialer(&store);
    for nth in [0, 1, 249, 498, 499] {
        call(&dialer, serve(&all[nth], &[]).await).await.unwrap();
    }
    let anchors = store.anchors();
    let many = Instant::now();
    for _ in 0..200 {
        // nothing is parsed again
        assert!(Arc::ptr_eq(&store.anchors(), &anchors));
    }
    println!("200 looks at 500 authorities: {:?}", many.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    let root = authority("the root");
    let address = serve(&root, &[]).await;
    write(&path, root.pem());
    let store = store(&[&path]);
    let dialer = dialer(&store);
    call(&dialer, address).await.unwrap();
    assert_eq!(store.report().flaws, []);
    let large = || {
        let file = fs::File::create(&path).unwrap();
        file.set_len(17 << 20).unwrap();
    };
    let damages: [(&str, &dyn Fn()); 5] = [
        ("empty", &|| fs::write(&path, "").unwrap()),
        ("empty", &|| replace(&path, "no certificate at all\n")),
        ("empty", &|| replace(&path, &ended("of old").pem())),
        ("empty", &|| replace(&path, &leaf("a"))),
        ("unreadable", &large),
    ];
    for (why, damage) in damages {
        damage();
        let told = report(&store, why, |report| {
            report.flaws.iter().any(|flaw| flaw.why.as_str() == why)
        })
        .await;
        assert_eq!(told.authorities, 1, "{told:?}");
        let text = told.flaws[0].to_string();
        assert!(text.contains("stays in use"), "{text}");
        call(&dialer, address).await.unwrap();
        replace(&path, &root.pem());
        report(&store, "mended", |report| report.flaws.is_empty()).await;
    }
    // a part of it is enough
    replace(&path, &format!("{}{}", root.pem(), leaf("a")));
    report(&store, "a part", |report| report.flaws.len() == 1).await;
    call(&dialer, address).await.unwrap();
    // to take it away is to take it away
    fs::remove_file(&path).unwrap();
    until(&dialer, address, false).await;
    assert_eq!(flaws(&store.report())[0].0, "missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_ends_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    let (short, long) = (lasting("short", 3), authority("long"));
    let address = serve(&short, &[]).await;
    write(&path, format!("{}{}", short.pem(), long.pem()));
    let store = store(&[&path]);
    let dialer = dialer(&store);
    call(&dialer, address).await.unwrap();
    assert_eq!(store.report().authorities, 2);
    let told = report(&store, "an end", |report| report.authorities == 1).await;
    assert_eq!(flaws(&told)[0].0, "expired");
    call(&dialer, address).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_certificate_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.pem");
    let root = authority("the private root");
    let between = CertifiedIssuer::signed_by(
        {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
                .distinguished_name
                .push(DnType::CommonName, "in between");
            params
        },
        KeyPair::generate().unwrap(),
        &root,
    )
    .unwrap();
    let (whole, alone) = (
        serve(&between, &[&between]).await,
        serve(&between, &[]).await,
    );
    let store = store(&[&path]);
    let told = async |block: ClientTls, address: SocketAddr| {
        let error = call(&Dialer::tls(block, &store), address).await;
        error.unwrap_err().to_string()
    };
    let said = told(block(), whole).await;
    for word in [
        "localhost",
        &whole.to_string(),
        "CN=the private root",
        "trust.bundles",
        "es.tls.ca",
        "those of trust.bundles (0)",
        "authorities of the system",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let said = told(block(), alone).await;
    assert!(
        said.contains("its issuer: \"") && said.contains("CN=in between"),
        "{said}"
    );
    // what one server's setting names is trusted alone
    write(&path, root.pem());
    let dialer = dialer(&store);
    until(&dialer, whole, true).await;
    let other = folder.path().join("other.pem");
    write(&other, authority("another").pem());
    let pinned = ClientTls {
        ca: Some(other.clone()),
        ..block()
    };
    let said = told(pinned, whole).await;
    for word in [
        "CN=the private root",
        "es.tls.ca",
        &other.display().to_string(),
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // an authority in between may be trusted by itself
    write(&path, between.pem());
    until(&dialer, alone, true).await;
}
