//! What a connection says when it cannot be opened, against servers with certificates of our own making.

#![allow(
    clippy::disallowed_methods,
    reason = "a server of a test ends with its runtime"
)]

use std::path::{Path, PathBuf};

use model::Instance;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{Issuer, names_of};

/// An instance with its certificate below `folder`.
fn issue(folder: &Path, instance: &str) -> Issuer {
    let instance = Instance::parse(instance).unwrap();
    let issuer = Issuer {
        directory: folder.to_owned(),
        names: names_of(&instance),
        instance,
        validity: Duration::from_secs(3600),
    };
    issuer.ensure().unwrap();
    issuer
}

/// Answers every connection with what it is sent, after a handshake with the certificate of `issuer`; of clients with a certificate of the same authority alone,
/// if `mutual`.
async fn serve(issuer: &Issuer, mutual: bool) -> SocketAddr {
    let layout = issuer.layout();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_file(layout.cert()).unwrap()];
    let key = PrivateKeyDer::from_pem_file(layout.key()).unwrap();
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if mutual {
        let mut roots = rustls::RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(layout.authority()).unwrap();
        roots.add(authority).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let mut word = [0; 4];
                if stream.read_exact(&mut word).await.is_ok() {
                    drop(stream.write_all(&word).await);
                    drop(stream.shutdown().await);
                }
            }
        }
    });
    address
}

fn block(ca: Option<PathBuf>) -> ClientTls {
    ClientTls {
        prefix: "reporter.grpc.tls".to_owned(),
        ca,
        ..ClientTls::default()
    }
}

async fn echo(dialer: &Dialer, host: &str, address: SocketAddr) -> Result<(), String> {
    let mut stream = dialer
        .dial(host, address)
        .await
        .map_err(|e| e.to_string())?;
    let said = async {
        stream.write_all(b"ping").await?;
        let mut word = [0; 4];
        stream.read_exact(&mut word).await?;
        assert_eq!(&word, b"ping");
        std::io::Result::Ok(())
    };
    // in TLS 1.3 a server refuses a client's certificate after the handshake
    said.await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_trusted_is_connected_to_and_anything_else_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = issue(folder.path(), "prod/jaeger");
    let other = issue(folder.path(), "staging/jaeger");
    let address = serve(&server, false).await;
    let trusting =
        |issuer: &Issuer| Dialer::tls(block(Some(issuer.layout().authority())), &Store::default());

    echo(&trusting(&server), "localhost", address)
        .await
        .unwrap();
    let named = "jaeger-collector.prod.svc";
    echo(&trusting(&server), named, address).await.unwrap();
    echo(&trusting(&server), "127.0.0.1", address)
        .await
        .unwrap();
    let own = Dialer::tls(
        block(None),
        &Store::default().with_authority(server.layout().authority()),
    );
    echo(&own, "localhost", address).await.unwrap();

    let refused = |dialer: Dialer, host: &'static str, told: &'static [&'static str]| async move {
        let error = echo(&dialer, host, address).await.unwrap_err();
        for word in told {
            assert!(error.contains(word), "{error}");
        }
    };
    refused(
        trusting(&other),
        "localhost",
        &[
            "nobody who is trusted",
            "reporter.grpc.tls.ca",
            "staging/ca.crt",
        ],
    )
    .await;
    refused(
        Dialer::tls(block(None), &Store::default()),
        "localhost",
        &["authorities of the system"],
    )
    .await;
    refused(
        trusting(&server),
        "elsewhere.example",
        &[
            "is not for elsewhere.example",
            "reporter.grpc.tls.server-name",
        ],
    )
    .await;
    let renamed = ClientTls {
        server_name: Some("localhost".to_owned()),
        ..block(Some(server.layout().authority()))
    };
    echo(
        &Dialer::tls(renamed, &Store::default()),
        "elsewhere.example",
        address,
    )
    .await
    .unwrap();
    let anyone = ClientTls {
        skip_host_verify: true,
        ..block(None)
    };
    echo(
        &Dialer::tls(anyone, &Store::default()),
        "elsewhere.example",
        address,
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_and_files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    let server = issue(folder.path(), "prod/jaeger");
    let ca = server.layout().authority();
    let error = echo(
        &Dialer::tls(block(Some(ca.clone())), &Store::default()),
        "localhost",
        address,
    )
    .await;
    let error = error.unwrap_err();
    assert!(
        error.contains("does not speak TLS") && error.contains("reporter.grpc.tls.enabled=false"),
        "{error}"
    );

    let check = |ca: Option<PathBuf>, cert: Option<PathBuf>, key: Option<PathBuf>| {
        let settings = ClientTls {
            cert,
            key,
            ..block(ca)
        };
        Dialer::tls(settings, &Store::default())
            .check()
            .unwrap_err()
            .to_string()
    };
    let nowhere = check(Some("/nowhere/ca.crt".into()), None, None);
    assert!(
        nowhere.starts_with("cannot read /nowhere/ca.crt (reporter.grpc.tls.ca): "),
        "{nowhere}"
    );
    let key = server.layout().key();
    assert!(check(Some(key.clone()), None, None).contains("holds no certificate"));
    let other = issue(folder.path(), "staging/jaeger").layout();
    let pair = check(Some(ca), Some(server.layout().cert()), Some(other.key()));
    assert!(
        pair.contains("(reporter.grpc.tls.key) cannot be used with the certificate"),
        "{pair}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn our_certificate_is_shown_and_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let server = issue(folder.path(), "prod/jaeger");
    let address = serve(&server, true).await;
    let shown = folder.path().join("shown");
    std::fs::create_dir(&shown).unwrap();
    let put = |issuer: &Issuer| {
        std::fs::copy(issuer.layout().cert(), shown.join("tls.crt")).unwrap();
        std::fs::copy(issuer.layout().key(), shown.join("tls.key")).unwrap();
    };
    let settings = ClientTls {
        cert: Some(shown.join("tls.crt")),
        key: Some(shown.join("tls.key")),
        ..block(Some(server.layout().authority()))
    };
    let dialer = Dialer::tls(settings, &Store::default());
    put(&issue(folder.path(), "staging/jaeger"));
    let error = echo(&dialer, "localhost", address).await.unwrap_err();
    assert!(!error.is_empty());
    put(&issue(folder.path(), "prod/agent"));
    echo(&dialer, "localhost", address).await.unwrap();
}
