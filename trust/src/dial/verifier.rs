//! Which certificates of servers are taken.
//!
//! In: sets of authorities. Out: a chain is taken when it leads to one of them, for the name that is called, today. Of a chain that leads nowhere it is kept who signed its last certificate, for
//! whoever dialled it: rustls says only that it knows nobody.

use std::cell::RefCell;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::store::shown;

/// Certificates that are looked at of a chain.
const MOST_OF_A_CHAIN: usize = 16;

tokio::task_local! {
    /// Who signed the topmost certificate that was shown, where nobody whom we trust did: of the handshake that this task makes.
    static MISSING: RefCell<Option<String>>;
}

/// Takes a chain that leads to any of these.
#[derive(Debug)]
pub(super) struct Verifier {
    anchors: Vec<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

/// What `handshake` ends with, and who signed the topmost certificate that was shown in it, if that was nobody whom we trust.
pub(super) async fn witness<T>(handshake: impl Future<Output = T>) -> (T, Option<String>) {
    MISSING
        .scope(RefCell::new(None), async {
            let ended = handshake.await;
            (ended, MISSING.with(RefCell::take))
        })
        .await
}

// === impl Verifier ===

impl Verifier {
    pub(super) fn new(
        anchors: impl IntoIterator<Item = Arc<WebPkiServerVerifier>>,
        provider: Arc<CryptoProvider>,
    ) -> Self {
        Self {
            anchors: anchors.into_iter().collect(),
            provider,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let mut failed = unknown();
        for anchors in &self.anchors {
            match anchors.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ) {
                Ok(verified) => return Ok(verified),
                // another set may know its issuer; what else is wrong says more
                Err(error) if error == unknown() => {}
                Err(error) => failed = error,
            }
        }
        if is_of_the_chain(&failed) {
            let issuer = issuer(end_entity, intermediates);
            // without a scope nobody asks
            drop(MISSING.try_with(|missing| missing.replace(issuer)));
        }
        Err(failed)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Nobody whom we trust has signed it, or somebody of the same name with another key.
pub(super) fn is_of_the_chain(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)
    )
}

/// Who signed the topmost certificate of a chain that begins with `leaf`.
fn issuer(leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Option<String> {
    let others = others.iter().take(MOST_OF_A_CHAIN);
    let mut others: Vec<X509Certificate<'_>> = others.filter_map(parse).collect();
    let mut top = parse(leaf)?;
    while let Some(at) = others
        .iter()
        .position(|other| other.subject() == top.issuer())
    {
        // each once: two may have signed each other
        top = others.swap_remove(at);
    }
    Some(shown(&top.issuer().to_string()))
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(der)
        .ok()
        .map(|(_, parsed)| parsed)
}
