//! A private key as it lies in a file.
//!
//! In: PEM in any of the usual forms. Out: its public half as a certificate holds it (`SubjectPublicKeyInfo`). rustls reads it, as it will when it serves.

use rustls::crypto::ring::sign;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

/// The public half of a private key.
pub(crate) fn public_half(pem: &str) -> Option<Vec<u8>> {
    let secret = PrivateKeyDer::from_pem_slice(pem.as_bytes()).ok()?;
    let pair = sign::any_supported_type(&secret).ok()?;
    pair.public_key().map(|key| key.to_vec())
}
