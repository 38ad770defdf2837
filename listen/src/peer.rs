//! Who sent a request: an extension of every request.
//!
//! In: the address of a connection and the certificate it proved. Out: [`Peer`], to be read by whoever decides what the client may do. It
//! decides nothing itself.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Where the connection comes from; behind a proxy, the proxy.
    pub addr: SocketAddr,
    /// The connection is encrypted.
    pub tls: bool,
    /// The certificate that the client proved, when the listener asks for one.
    pub certificate: Option<Arc<Certificate>>,
}

/// What a client's certificate says. An authority of the listener signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The subject in RFC 2253's manner, such as `CN=frontend, O=shop`.
    pub subject: String,
    /// DNS names among the alternative names.
    pub dns_names: Vec<String>,
    /// URIs among the alternative names, such as `spiffe://cluster.local/ns/shop/sa/frontend`.
    pub uris: Vec<String>,
    /// The certificate itself.
    pub der: CertificateDer<'static>,
}

// === impl Peer ===

impl Peer {
    /// DNS names and URIs of the client's certificate; `None`: it showed none.
    #[must_use]
    pub fn names(&self) -> Option<(&[String], &[String])> {
        let certificate = self.certificate.as_deref()?;
        Some((&certificate.dns_names, &certificate.uris))
    }
}

// === impl Certificate ===

impl Certificate {
    /// Reads the names; there are none in what is not X.509, which a verified certificate always is.
    pub(crate) fn read(der: &CertificateDer<'_>) -> Self {
        let mut certificate = Self {
            subject: String::new(),
            dns_names: Vec::new(),
            uris: Vec::new(),
            der: der.clone().into_owned(),
        };
        let Ok((_, parsed)) = X509Certificate::from_der(der.as_ref()) else {
            return certificate;
        };
        certificate.subject = parsed.subject().to_string();
        if let Ok(Some(names)) = parsed.subject_alternative_name() {
            for name in &names.value.general_names {
                match name {
                    GeneralName::DNSName(name) => certificate.dns_names.push((*name).to_owned()),
                    GeneralName::URI(uri) => certificate.uris.push((*uri).to_owned()),
                    _ => {}
                }
            }
        }
        certificate
    }
}
