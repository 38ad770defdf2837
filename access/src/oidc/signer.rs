//! Whoever signs tokens, in unit tests: a key of each kind that ring makes.
#![allow(clippy::missing_panics_doc, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

pub(crate) struct Signer {
    kid: Option<String>,
    pkcs8: Vec<u8>,
    pair: Pair,
}

// === impl Signer ===

impl Signer {
    pub(crate) fn p256(kid: &str) -> Self {
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).unwrap();
        Self::of(Some(kid.to_owned()), pkcs8.as_ref().to_vec(), true)
    }

    pub(crate) fn ed25519(kid: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::of(Some(kid.to_owned()), pkcs8.as_ref().to_vec(), false)
    }

    fn of(kid: Option<String>, pkcs8: Vec<u8>, is_p256: bool) -> Self {
        let pair = if is_p256 {
            let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
            Pair::P256(EcdsaKeyPair::from_pkcs8(kind, &pkcs8, &SystemRandom::new()).unwrap())
        } else {
            Pair::Ed25519(Ed25519KeyPair::from_pkcs8(&pkcs8).unwrap())
        };
        Self { kid, pkcs8, pair }
    }

    /// The same key by another name.
    pub(crate) fn named(&self, kid: &str) -> Self {
        let is_p256 = matches!(self.pair, Pair::P256(_));
        Self::of(Some(kid.to_owned()), self.pkcs8.clone(), is_p256)
    }

    /// The same key, whose tokens do not name it.
    pub(crate) fn nameless(&self) -> Self {
        let is_p256 = matches!(self.pair, Pair::P256(_));
        Self::of(None, self.pkcs8.clone(), is_p256)
    }

    pub(crate) fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256", "x": encode(&point[1..33]), "y": encode(&point[33..])})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": encode(pair.public_key().as_ref())})
            }
        }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let alg = match self.pair {
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
        };
        let mut header = json!({"alg": alg});
        if let Some(kid) = &self.kid {
            header["kid"] = json!(kid);
        }
        let [header, claims] =
            [&header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = match &self.pair {
            Pair::P256(pair) => {
                let signed = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
                signed.as_ref().to_vec()
            }
            Pair::Ed25519(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
