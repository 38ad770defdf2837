//! The provider's public keys.
//!
//! In: its JSON Web Key Set, and a token. Out: whether one of the keys signed it. Keys that cannot be used are passed over and counted.
//!
//! Source: RFC 7517, RFC 7518 section 6, RFC 8037.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

use super::algorithm::{Algorithm, Family};
use super::jws::Jws;
use crate::refusal::{Refusal, shown};

/// More than any provider has: whoever signs without saying by which key makes us try them all.
const MOST_KEYS: usize = 64;
/// RSA keys shorter than this are broken.
const LEAST_RSA_BYTES: usize = 2048 / 8;

/// Keys that can be used.
#[derive(Default)]
pub(super) struct Keys {
    keys: Vec<Key>,
    /// How many could not.
    pub(super) passed_over: usize,
}

struct Key {
    kid: Option<String>,
    /// The one algorithm that it is for, where the provider says so.
    algorithm: Option<String>,
    material: Material,
}

enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The set, as the provider writes it.
#[derive(Deserialize)]
pub(super) struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Written {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

// === impl Keys ===

impl Keys {
    /// Of a set; none that can be used is no error here.
    pub(super) fn read(set: Set) -> Self {
        let all = set.keys.len();
        let keys: Vec<Key> = set
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value(key).ok().and_then(Key::read))
            .take(MOST_KEYS)
            .collect();
        Self {
            passed_over: all - keys.len(),
            keys,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }

    /// Whether one of these signed `token`.
    pub(super) fn verify(&self, token: &Jws<'_>) -> Result<(), Refusal> {
        let mut is_known = false;
        for key in self.keys.iter().filter(|key| key.may_have_signed(token)) {
            is_known = true;
            if key.material.verifies(token) {
                return Ok(());
            }
        }
        Err(match &token.kid {
            _ if is_known => Refusal::BadSignature,
            Some(kid) => Refusal::UnknownKey(shown(kid)),
            None => Refusal::UnknownKey(format!("of {}", token.algorithm)),
        })
    }
}

// === impl Key ===

impl Key {
    fn read(written: Written) -> Option<Self> {
        if written.purpose.as_deref().is_some_and(|one| one != "sig") {
            return None;
        }
        let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
        let material = match (written.kty.as_str(), written.crv.as_deref()) {
            ("RSA", _) => {
                // ring takes numbers without leading zeros, which some write
                let number = |text| {
                    let bytes: Vec<u8> = bytes(text)?;
                    Some(
                        bytes
                            .into_iter()
                            .skip_while(|byte| *byte == 0)
                            .collect::<Vec<_>>(),
                    )
                };
                let (n, e) = (number(&written.n)?, number(&written.e)?);
                if n.len() < LEAST_RSA_BYTES {
                    return None;
                }
                Material::Rsa(RsaPublicKeyComponents { n, e })
            }
            ("EC", Some("P-256")) => Material::P256(point(&written, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(&written, 48)?),
            ("OKP", Some("Ed25519")) => {
                Material::Ed25519(bytes(&written.x).filter(|key| key.len() == 32)?)
            }
            _ => return None,
        };
        Some(Self {
            kid: written.kid,
            algorithm: written.alg,
            material,
        })
    }

    fn may_have_signed(&self, token: &Jws<'_>) -> bool {
        let named = match (&token.kid, &self.kid) {
            (Some(kid), Some(own)) => kid == own,
            (Some(_), None) => false,
            (None, _) => true,
        };
        named
            && (self.algorithm.as_deref()).is_none_or(|own| own == token.algorithm.as_str())
            && self.material.goes_with(token.algorithm)
    }
}

/// An uncompressed point.
fn point(written: &Written, bytes: usize) -> Option<Vec<u8>> {
    let mut point = vec![4];
    for coordinate in [&written.x, &written.y] {
        let coordinate = URL_SAFE_NO_PAD.decode(coordinate.as_ref()?).ok()?;
        if coordinate.len() != bytes {
            return None;
        }
        point.extend(coordinate);
    }
    Some(point)
}

// === impl Material ===

impl Material {
    fn goes_with(&self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm.family()),
            (Self::Rsa(_), Family::Rsa(_))
                | (Self::P256(_), Family::P256)
                | (Self::P384(_), Family::P384)
                | (Self::Ed25519(_), Family::Ed25519)
        )
    }

    fn verifies(&self, token: &Jws<'_>) -> bool {
        let with = |algorithm, key: &Vec<u8>| {
            UnparsedPublicKey::new(algorithm, key)
                .verify(token.signed, &token.signature)
                .is_ok()
        };
        match (self, token.algorithm.family()) {
            (Self::Rsa(key), Family::Rsa(parameters)) => key
                .verify(parameters, token.signed, &token.signature)
                .is_ok(),
            (Self::P256(key), Family::P256) => with(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Self::P384(key), Family::P384) => with(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Self::Ed25519(key), Family::Ed25519) => {
                UnparsedPublicKey::new(&signature::ED25519, key)
                    .verify(token.signed, &token.signature)
                    .is_ok()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oidc::signer::Signer;

    fn keys(list: Vec<Value>) -> Keys {
        Keys::read(Set { keys: list })
    }

    fn verify(keys: &Keys, token: &str) -> Result<(), Refusal> {
        keys.verify(&Jws::parse(token, &Algorithm::ALL)?)
    }

    #[test]
    fn one_key_of_each_kind_signs_and_the_other_does_not() {
        for (a, b) in [
            (Signer::p256("a"), Signer::p256("b")),
            (Signer::ed25519("a"), Signer::ed25519("b")),
        ] {
            let both = keys(vec![a.jwk(), b.jwk()]);
            let token = a.sign(&json!({"sub": "x"}));
            assert_eq!(verify(&both, &token), Ok(()));
            let only_b = keys(vec![b.jwk()]);
            let unknown = Refusal::UnknownKey("a".to_owned());
            assert_eq!(verify(&only_b, &token), Err(unknown));
            let as_a = keys(vec![b.named("a").jwk()]);
            assert_eq!(verify(&as_a, &token), Err(Refusal::BadSignature));
            // without a name all are tried
            let nameless = a.nameless().sign(&json!({"sub": "x"}));
            assert_eq!(verify(&both, &nameless), Ok(()));
            assert_eq!(verify(&only_b, &nameless), Err(Refusal::BadSignature));
        }
    }

    #[test]
    fn a_key_is_used_for_what_it_is_for_alone() {
        let signer = Signer::p256("a");
        let token = signer.sign(&json!({"sub": "x"}));
        for (member, value) in [
            ("use", "enc"),
            ("alg", "ES384"),
            ("kty", "OKP"),
            ("crv", "P-384"),
        ] {
            let mut jwk = signer.jwk();
            jwk[member] = json!(value);
            let refusal = verify(&keys(vec![jwk]), &token).unwrap_err();
            assert_eq!(refusal.reason(), "unknown_key", "{member}");
        }
    }

    #[test]
    fn keys_that_cannot_be_used_are_passed_over() {
        let short = URL_SAFE_NO_PAD.encode([0xff; 128]);
        let list = vec![
            json!(7),
            json!({"kty": "oct", "k": "c2VjcmV0"}),
            json!({"kty": "RSA", "n": short, "e": "AQAB"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            json!({"kty": "RSA", "n": 7}),
            Signer::p256("a").jwk(),
        ];
        let keys = keys(list);
        assert_eq!((keys.count(), keys.passed_over), (1, 5));
    }
}
