//! The files of a client's TLS block, made into what rustls connects with.
//!
//! In: the block, and the store of authorities, which counts where the block names none. Out: a configuration, or an error that names the file and its setting. Both HTTP/2 and HTTP/1.1 are
//! offered.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use settings::tls::ClientTls;

use super::DialError;
use super::verifier::Verifier;
use crate::store::{self, Anchors, Store};

/// What stands in the files now. Holds a private key, so it has no `Debug`.
pub(super) struct Files {
    trusted: Trusted,
    cert: Option<(PathBuf, Vec<u8>)>,
    key: Option<(PathBuf, Vec<u8>)>,
}

/// Whom to trust.
enum Trusted {
    /// Anybody.
    All,
    /// Those of the block alone: a file, and what it holds.
    Named(PathBuf, Vec<u8>),
    /// Those of the store, and the authority of our own making, where there is one.
    Stored(Arc<Anchors>, Option<Vec<u8>>),
}

// === impl Trusted ===

impl Trusted {
    fn read(settings: &ClientTls, store: &Store) -> Result<Self, DialError> {
        if let Some((path, bytes)) = file(settings, &settings.ca, "ca")? {
            return Ok(Self::Named(path, bytes));
        }
        if settings.skip_host_verify {
            return Ok(Self::All);
        }
        // not there is no error: there may never have been one
        let own = store.own().and_then(|path| std::fs::read(path).ok());
        Ok(Self::Stored(store.anchors(), own))
    }
}

// === impl Files ===

impl Files {
    pub(super) fn read(settings: &ClientTls, store: &Store) -> Result<Self, DialError> {
        Ok(Self {
            trusted: Trusted::read(settings, store)?,
            cert: file(settings, &settings.cert, "cert")?,
            key: file(settings, &settings.key, "key")?,
        })
    }

    /// Differs when a file does.
    pub(super) fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        match &self.trusted {
            Trusted::All => {}
            Trusted::Named(_, bytes) => bytes.hash(&mut hasher),
            Trusted::Stored(anchors, own) => (anchors.fingerprint, own).hash(&mut hasher),
        }
        for file in [&self.cert, &self.key] {
            file.as_ref().map(|(_, bytes)| bytes).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Those of the store, ours among them, as PEM; `None`: the block says whom to trust.
    pub(super) fn stored_pem(&self) -> Option<String> {
        let Trusted::Stored(anchors, own) = &self.trusted else {
            return None;
        };
        let mut all = anchors.pem();
        let own = own
            .iter()
            .flat_map(|pem| CertificateDer::pem_slice_iter(pem));
        all.extend(own.flatten().map(|der| store::pem(&der)));
        Some(all)
    }

    pub(super) fn build(&self, settings: &ClientTls) -> Result<ClientConfig, DialError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| DialError::Content {
                path: PathBuf::new(),
                setting: settings.prefix.clone(),
                problem: error.to_string(),
            })?;
        let verifier: Arc<dyn ServerCertVerifier> = if settings.skip_host_verify {
            Arc::new(Anyone(provider))
        } else {
            Arc::new(Verifier::new(self.anchors(settings)?, provider))
        };
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let chain = certificates(settings, "cert", &cert.0, &cert.1)?;
                is_valid(&chain).map_err(|problem| wrong(settings, "cert", &cert.0, problem))?;
                let secret = PrivateKeyDer::from_pem_slice(&key.1).map_err(|error| {
                    wrong(
                        settings,
                        "key",
                        &key.0,
                        format!("holds no private key: {error}"),
                    )
                })?;
                builder
                    .with_client_auth_cert(chain, secret)
                    .map_err(|error| {
                        wrong(
                            settings,
                            "key",
                            &key.0,
                            format!("cannot be used with the certificate: {error}"),
                        )
                    })?
            }
            _ => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Sets of authorities, one of which has to know a server.
    fn anchors(&self, settings: &ClientTls) -> Result<Vec<Arc<WebPkiServerVerifier>>, DialError> {
        let mut roots = RootCertStore::empty();
        match &self.trusted {
            Trusted::All => Ok(Vec::new()),
            Trusted::Named(path, pem) => {
                for authority in certificates(settings, "ca", path, pem)? {
                    roots.add(authority).map_err(|error| {
                        wrong(
                            settings,
                            "ca",
                            path,
                            format!("holds an authority that cannot be used: {error}"),
                        )
                    })?;
                }
                Ok(store::verifier(roots).into_iter().collect())
            }
            Trusted::Stored(anchors, own) => {
                let own = own
                    .iter()
                    .flat_map(|pem| CertificateDer::pem_slice_iter(pem));
                roots.add_parsable_certificates(own.flatten());
                // the store's are shared by all connections
                let own = store::verifier(roots);
                Ok(own.into_iter().chain(anchors.verifier.clone()).collect())
            }
        }
    }
}

/// What a file of the block holds.
fn file(
    settings: &ClientTls,
    path: &Option<PathBuf>,
    name: &str,
) -> Result<Option<(PathBuf, Vec<u8>)>, DialError> {
    let Some(path) = path else { return Ok(None) };
    std::fs::read(path)
        .map(|bytes| Some((path.clone(), bytes)))
        .map_err(|source| DialError::Unreadable {
            path: path.clone(),
            setting: format!("{}.{name}", settings.prefix),
            source,
        })
}

fn wrong(settings: &ClientTls, name: &str, path: &Path, problem: String) -> DialError {
    DialError::Content {
        path: path.to_owned(),
        setting: format!("{}.{name}", settings.prefix),
        problem,
    }
}

/// Whether the leaf is valid today: a server refuses it in words that nobody finds.
fn is_valid(chain: &[CertificateDer<'_>]) -> Result<(), String> {
    let Some(leaf) = chain.first() else {
        return Ok(());
    };
    let (_, leaf) = x509_parser::parse_x509_certificate(leaf)
        .map_err(|error| format!("holds no certificate: {error}"))?;
    let (validity, subject) = (leaf.validity(), leaf.subject());
    if validity.is_valid() {
        return Ok(());
    }
    let now = x509_parser::time::ASN1Time::now();
    Err(if now > validity.not_after {
        format!(
            "holds a certificate of \"{subject}\" that ended on {}",
            validity.not_after
        )
    } else {
        format!(
            "holds a certificate of \"{subject}\" that begins on {}",
            validity.not_before
        )
    })
}

fn certificates(
    settings: &ClientTls,
    name: &str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, DialError> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(settings, name, path, format!("is not pem: {error}")))?;
    if found.is_empty() {
        return Err(wrong(
            settings,
            name,
            path,
            "holds no certificate".to_owned(),
        ));
    }
    Ok(found)
}

/// Takes any certificate, as `skip-host-verify` asks: whoever stands in between reads everything.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
