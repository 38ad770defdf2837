//! Which key a TLS block of a client names.
//!
//! In: the block. Out: the public half of its private key, the same for every file that holds that key, however it is written. The private half goes nowhere.

use rustls::crypto::ring::sign;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use settings::tls::ClientTls;

use super::DialError;

/// The public half of a key pair.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublicKey(Vec<u8>);

// === impl PublicKey ===

impl PublicKey {
    /// That of a certificate: its `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn of(info: &[u8]) -> Self {
        Self(info.to_vec())
    }
}

/// The public half of the block's key; none when it names none. Blocks.
///
/// # Errors
/// When the file cannot be read, or holds no key that can be used.
pub fn public_key(settings: &ClientTls) -> Result<Option<PublicKey>, DialError> {
    let Some(path) = &settings.key else {
        return Ok(None);
    };
    let setting = || format!("{}.key", settings.prefix);
    let content = |problem| DialError::Content {
        path: path.clone(),
        setting: setting(),
        problem,
    };
    let pem = std::fs::read(path).map_err(|source| DialError::Unreadable {
        path: path.clone(),
        setting: setting(),
        source,
    })?;
    let secret = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|error| content(format!("holds no private key: {error}")))?;
    let pair = sign::any_supported_type(&secret)
        .map_err(|error| content(format!("holds a key that cannot be used: {error}")))?;
    Ok(pair.public_key().map(|key| PublicKey(key.to_vec())))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use rcgen::KeyPair;

    use super::*;

    fn of(pem: &str) -> Result<Option<PublicKey>, DialError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tls.key");
        std::fs::write(&path, pem).unwrap();
        public_key(&ClientTls {
            prefix: "es.tls".to_owned(),
            key: Some(path),
            ..ClientTls::default()
        })
    }

    /// The same key in the older form, which lies inside the newer one.
    fn sec1(pair: &KeyPair) -> String {
        let pkcs8 = pair.serialize_der();
        let start = pkcs8
            .windows(5)
            .position(|bytes| bytes[0] == 0x30 && bytes[2..] == [0x02, 0x01, 0x01]);
        let text = base64::prelude::BASE64_STANDARD.encode(&pkcs8[start.unwrap()..]);
        format!("-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n")
    }

    #[test]
    fn a_key_is_the_same_in_every_file_that_holds_it() {
        let (ours, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let key = of(&ours.serialize_pem()).unwrap();
        assert!(key.is_some());
        let with_words = format!("a comment\n\n{}", ours.serialize_pem());
        assert_eq!(of(&with_words).unwrap(), key);
        assert_eq!(of(&sec1(&ours)).unwrap(), key);
        assert_ne!(of(&other.serialize_pem()).unwrap(), key);
        assert_eq!(public_key(&ClientTls::default()).unwrap(), None);
    }

    #[test]
    fn a_file_without_a_key_is_told_with_its_setting() {
        let told = of("no key").unwrap_err().to_string();
        assert!(
            told.contains("tls.key (es.tls.key) holds no private key"),
            "{told}"
        );
        let missing = ClientTls {
            prefix: "es.tls".to_owned(),
            key: Some("/nowhere/tls.key".into()),
            ..ClientTls::default()
        };
        let told = public_key(&missing).unwrap_err().to_string();
        assert!(
            told.starts_with("cannot read /nowhere/tls.key (es.tls.key)"),
            "{told}"
        );
    }
}
