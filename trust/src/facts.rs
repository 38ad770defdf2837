//! What a certificate says of itself, for people.
//!
//! In: a file of certificates, or an open connection. Out: whom each is of, who signed it, for which names, from when to when, and its public key. Nothing is verified here.

use std::io;
use std::net::IpAddr;
use std::path::Path;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_util::either::Either;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{PublicKey, Stream};

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whom it is of.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Seconds since the Unix epoch.
    pub begins: i64,
    /// Seconds since the Unix epoch.
    pub ends: i64,
    /// In hexadecimal digits.
    pub serial: String,
    /// Its public key.
    pub key: PublicKey,
}

// === impl Facts ===

impl Facts {
    /// The certificates in a PEM file, in their order; what is none is passed over. Blocks.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> io::Result<Vec<Self>> {
        let pem = std::fs::read(path)?;
        let certificates = CertificateDer::pem_slice_iter(&pem).flatten();
        Ok(certificates.filter_map(|der| Self::of(&der)).collect())
    }

    /// What the other side showed, its own certificate first; nothing without TLS.
    #[must_use]
    pub fn shown(stream: &Stream) -> Vec<Self> {
        let Either::Right(stream) = stream else {
            return Vec::new();
        };
        let (_, connection) = stream.get_ref();
        let chain = connection.peer_certificates().unwrap_or_default();
        chain.iter().filter_map(Self::of).collect()
    }

    pub(crate) fn of(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        let validity = certificate.validity();
        Some(Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            names: names.iter().filter_map(name).collect(),
            begins: validity.not_before.timestamp(),
            ends: validity.not_after.timestamp(),
            serial: certificate.raw_serial_as_string(),
            key: PublicKey::of(certificate.public_key().raw),
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    Some(match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
            (*name).to_owned()
        }
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| v6()).ok()?.to_string()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};
    use settings::tls::ClientTls;

    use super::*;

    #[test]
    fn a_certificate_says_whose_it_is_and_for_what() {
        let key = KeyPair::generate().unwrap();
        let names = ["es.prod.svc".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names.clone()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "prod");
        let pem = params.self_signed(&key).unwrap().pem();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let found = Facts::read(&at("tls.crt", &format!("words\n{pem}{pem}"))).unwrap();
        assert_eq!(found.len(), 2);
        let facts = &found[0];
        assert!(facts.subject.contains("CN=prod"), "{facts:?}");
        assert_eq!(facts.issuer, facts.subject);
        assert_eq!(facts.names, names);
        assert!(facts.begins < facts.ends);
        let tls = ClientTls {
            key: Some(at("tls.key", &key.serialize_pem())),
            ..ClientTls::default()
        };
        assert_eq!(crate::public_key(&tls).unwrap(), Some(facts.key.clone()));
    }

    #[test]
    fn a_file_without_certificates_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.crt");
        assert!(Facts::read(&path).is_err());
        std::fs::write(
            &path,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        assert_eq!(Facts::read(&path).unwrap(), []);
    }
}
