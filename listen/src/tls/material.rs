//! Files and settings made into what rustls serves with.
//!
//! In: the bytes of the files. Out: a configuration whose certificate and key belong together, and the check of clients' certificates. A clear
//! error names the file that is at fault.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use settings::tls::ServerTls;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::files::Files;
use super::{Error, names};

/// One usable set of files.
#[derive(Debug)]
pub(crate) struct Material {
    pub(super) config: Arc<ServerConfig>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    /// When the leaf ends, in seconds since 1970.
    pub(super) not_after: i64,
    /// Of all files.
    pub(super) fingerprint: u64,
    /// Of the file of clients' authorities alone.
    pub(super) authorities: u64,
}

impl Material {
    pub(super) fn build(settings: &ServerTls, files: &Files) -> Result<Self, Error> {
        let versions = names::versions(settings)?;
        let provider = Arc::new(CryptoProvider {
            cipher_suites: names::suites(settings)?,
            ..rustls::crypto::ring::default_provider()
        });
        let cert = At {
            settings,
            path: settings.cert.as_ref(),
            name: "cert",
        };
        let key = At {
            settings,
            path: settings.key.as_ref(),
            name: "key",
        };
        let chain = cert.certificates(&files.cert)?;
        let not_after = chain
            .first()
            .and_then(|leaf| ends(leaf))
            .ok_or_else(|| cert.holds("holds a certificate that is not x.509".to_owned()))?;
        let clients = match &files.client_ca {
            Some(pem) => Some(verifier(
                &At {
                    settings,
                    path: settings.client_ca.as_ref(),
                    name: "client-ca",
                },
                pem,
                &provider,
                settings.is_client_optional(),
            )?),
            None => None,
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| Error::Setting {
                setting: format!("{}.cipher-suites", settings.prefix),
                problem: error.to_string(),
            })?;
        let builder = match &clients {
            Some(verifier) => builder.with_client_cert_verifier(Arc::clone(verifier)),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, key.private_key(&files.key)?)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => Error::Mismatch {
                    cert: cert.path(),
                    key: key.path(),
                    setting: settings.prefix.clone(),
                },
                other => key.holds(format!("cannot be used with its certificate: {other}")),
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if clients.is_some() {
            // A resumed session would carry a client's certificate past the check.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Self {
            config: Arc::new(config),
            clients,
            not_after,
            fingerprint: files.fingerprint(),
            authorities: files
                .client_ca
                .as_deref()
                .map_or(0, xxhash_rust::xxh3::xxh3_64),
        })
    }

    /// Whether a client that shows `chain` would be let in now.
    pub(super) fn vouches_for(&self, chain: &[CertificateDer<'static>]) -> bool {
        match (&self.clients, chain.split_first()) {
            (Some(verifier), Some((leaf, rest))) => verifier
                .verify_client_cert(leaf, rest, UnixTime::now())
                .is_ok(),
            (None, _) => true,
            // let in without one, or not at all
            (Some(verifier), None) => !verifier.client_auth_mandatory(),
        }
    }

    /// The leaf's time is over.
    pub(super) fn has_ended(&self) -> bool {
        i64::try_from(UnixTime::now().as_secs()).is_ok_and(|now| self.not_after < now)
    }

    /// What to say when that is so.
    pub(super) fn ended(&self, settings: &ServerTls) -> Error {
        At {
            settings,
            path: settings.cert.as_ref(),
            name: "cert",
        }
        .holds("holds a certificate that has expired".to_owned())
    }
}

/// A file and the setting that names it.
struct At<'a> {
    settings: &'a ServerTls,
    path: Option<&'a PathBuf>,
    name: &'static str,
}

impl At<'_> {
    fn path(&self) -> PathBuf {
        self.path.cloned().unwrap_or_default()
    }

    fn holds(&self, problem: String) -> Error {
        Error::Content {
            path: self.path(),
            setting: format!("{}.{}", self.settings.prefix, self.name),
            problem,
        }
    }

    fn certificates(&self, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
        let found = CertificateDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| self.holds(format!("is not pem: {error}")))?;
        if found.is_empty() {
            return Err(self
                .holds("holds no certificate: expected `-----BEGIN CERTIFICATE-----`".to_owned()));
        }
        Ok(found)
    }

    fn private_key(&self, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
        PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
            pem::Error::NoItemsFound if is_encrypted(bytes) => {
                self.holds("holds a key under a passphrase: store it without one".to_owned())
            }
            pem::Error::NoItemsFound => self
                .holds("holds no private key: expected `-----BEGIN PRIVATE KEY-----`".to_owned()),
            other => self.holds(format!("is not pem: {other}")),
        })
    }
}

fn is_encrypted(bytes: &[u8]) -> bool {
    const MARK: &[u8] = b"ENCRYPTED";
    bytes.windows(MARK.len()).any(|window| window == MARK)
}

fn verifier(
    at: &At<'_>,
    pem: &[u8],
    provider: &Arc<CryptoProvider>,
    optional: bool,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for authority in at.certificates(pem)? {
        roots.add(authority).map_err(|error| {
            at.holds(format!("holds an authority that cannot be used: {error}"))
        })?;
    }
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let builder = match optional {
        true => builder.allow_unauthenticated(),
        false => builder,
    };
    builder
        .build()
        .map_err(|error| at.holds(format!("cannot be used: {error}")))
}

fn ends(leaf: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = X509Certificate::from_der(leaf.as_ref()).ok()?;
    Some(parsed.validity().not_after.timestamp())
}
