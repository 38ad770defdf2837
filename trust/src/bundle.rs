//! Whom clients of a namespace trust: the certificates in `ca.crt`.
//!
//! In: PEM. Out: certificates of authorities, all of them, or what is wrong with the file. While an authority rolls over there are two; which of them issues is not said here but by
//! `ca.key`.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// At least one authority.
#[derive(Clone)]
pub(crate) struct Bundle {
    pem: String,
    certificates: Vec<CertificateDer<'static>>,
}

// === impl Bundle ===

impl Bundle {
    pub(crate) fn parse(pem: &str) -> Result<Self, String> {
        let no_pem = |error| format!("it holds no certificate as PEM: {error}");
        // of a file without any the first error says why
        let first = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(no_pem)?;
        drop(first);
        let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(no_pem)?;
        for der in &certificates {
            let (_, parsed) = X509Certificate::from_der(der)
                .map_err(|error| format!("it holds no X.509 certificate: {error}"))?;
            if !parsed.is_ca() {
                return Err("it is no authority's certificate".to_owned());
            }
        }
        Ok(Self {
            pem: pem.to_owned(),
            certificates,
        })
    }

    /// As it lies in the file.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// One of them, as it lies in the file.
    pub(crate) fn pem_of(&self, at: usize) -> String {
        const END: &str = "-----END CERTIFICATE-----";
        let mut blocks = self.pem.split_inclusive(END);
        let block = blocks.nth(at).unwrap_or_default();
        let start = block.find("-----BEGIN CERTIFICATE-----");
        let block = start.and_then(|start| block.get(start..));
        format!("{}\n", block.unwrap_or_default())
    }

    pub(crate) fn len(&self) -> usize {
        self.certificates.len()
    }

    pub(crate) fn get(&self, at: usize) -> Option<&CertificateDer<'static>> {
        self.certificates.get(at)
    }

    /// Which of them is of the key with this public half.
    pub(crate) fn of_key(&self, public: &[u8]) -> Option<usize> {
        self.parsed()
            .position(|own| own.is_some_and(|own| own.public_key().raw == public))
    }

    /// Which of them has signed `leaf`.
    pub(crate) fn signer_of(&self, leaf: &X509Certificate<'_>) -> Option<usize> {
        self.parsed().position(|own| {
            own.is_some_and(|own| leaf.verify_signature(Some(own.public_key())).is_ok())
        })
    }

    /// For rustls.
    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.certificates.iter().cloned());
        Arc::new(roots)
    }

    fn parsed(&self) -> impl Iterator<Item = Option<X509Certificate<'_>>> {
        let parse = |der| X509Certificate::from_der(der).ok().map(|(_, own)| own);
        self.certificates.iter().map(move |der| parse(der))
    }
}
