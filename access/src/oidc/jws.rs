//! A signed token, taken apart.
//!
//! In: text of three parts with dots between them. Out: what it says of its signature, and its claims. Nobody has verified them yet: that is
//! [`Keys::verify`](super::keys::Keys::verify)'s part.
//!
//! Source: RFC 7515 (compact serialization), RFC 8725 (what tokens were confused with).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::claims::Claims;
use crate::refusal::{Refusal, shown};

/// The longest token that is read, in bytes.
const MAX_BYTES: usize = 16 << 10;
/// What a token of access or of a sign-in calls itself, if anything: one of another purpose is none.
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

/// A token that can be read. Nothing in it is proved.
pub(super) struct Jws<'a> {
    /// What it is signed with.
    pub(super) algorithm: Algorithm,
    /// Which key, where it says so.
    pub(super) kid: Option<String>,
    /// What is signed.
    pub(super) signed: &'a [u8],
    /// The signature.
    pub(super) signature: Vec<u8>,
    claims: Claims,
}

/// A member twice is an error, and so is one of another type.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

// === impl Jws ===

impl<'a> Jws<'a> {
    pub(super) fn parse(token: &'a str, accepted: &[Algorithm]) -> Result<Self, Refusal> {
        if token.len() > MAX_BYTES {
            return Err(Refusal::NotAToken("it is longer than 16 KiB"));
        }
        let parts = Refusal::NotAToken("it has not three parts with dots between them");
        let (signed, signature) = token.rsplit_once('.').ok_or(parts.clone())?;
        let (header, claims) = signed.split_once('.').ok_or(parts.clone())?;
        if claims.contains('.') {
            return Err(parts);
        }
        let header: Header = decode(header)
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or(Refusal::NotAToken("its header cannot be read"))?;
        let algorithm = header
            .alg
            .parse()
            .ok()
            .filter(|algorithm| accepted.contains(algorithm))
            .ok_or_else(|| Refusal::Algorithm(shown(&header.alg)))?;
        if header.crit.is_some() {
            return Err(Refusal::NotAToken(
                "its header asks for extensions, and none is known here",
            ));
        }
        let is_known = |typ: &String| TYPES.iter().any(|known| known.eq_ignore_ascii_case(typ));
        if !header.typ.as_ref().is_none_or(is_known) {
            return Err(Refusal::NotAToken(
                "its header says that it is something else",
            ));
        }
        let claims: Map<String, Value> = decode(claims)
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or(Refusal::NotAToken("its claims cannot be read"))?;
        let signature =
            decode(signature).ok_or(Refusal::NotAToken("its signature cannot be read"))?;
        Ok(Self {
            algorithm,
            kid: header.kid,
            signed: signed.as_bytes(),
            signature,
            claims: Claims::new(claims),
        })
    }

    /// What it says, proved or not.
    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    /// For whoever has verified the signature.
    pub(super) fn into_claims(self) -> Claims {
        self.claims
    }
}

/// Every text that is taken stands for one sequence of bytes, and every sequence has one text: what is changed is seen.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|text| URL_SAFE_NO_PAD.encode(text));
        format!("{header}.{claims}.c2ln")
    }

    #[track_caller]
    fn check(token: &str, reason: &str, said: &str) {
        let Err(refusal) = Jws::parse(token, &Algorithm::ALL) else {
            panic!("{token} was taken");
        };
        assert_eq!(refusal.reason(), reason, "{token}");
        assert!(refusal.to_string().contains(said), "{refusal}");
    }

    #[test]
    fn a_token_says_what_it_is_signed_with() {
        let text = token(r#"{"alg":"RS256","kid":"a","typ":"at+jwt","x":1}"#, "{}");
        let jws = Jws::parse(&text, &Algorithm::ALL).ok().unwrap();
        assert_eq!(jws.algorithm, Algorithm::Rs256);
        assert_eq!(jws.kid.as_deref(), Some("a"));
        assert_eq!(jws.signature, b"sig");
    }

    #[test]
    fn what_is_no_token_says_why() {
        check("", "not_a_token", "three parts");
        check("a.b", "not_a_token", "three parts");
        check("a.b.c.d", "not_a_token", "three parts");
        check("!.e30.c2ln", "not_a_token", "header");
        check(&token("[]", "{}"), "not_a_token", "header");
        check(&token("{}", "{}"), "not_a_token", "header");
        let twice = r#"{"alg":"RS256","alg":"ES256"}"#;
        check(&token(twice, "{}"), "not_a_token", "header");
        let good = r#"{"alg":"ES256"}"#;
        check(&token(good, "[]"), "not_a_token", "claims");
        check(&token(good, r#"{"a":1"#), "not_a_token", "claims");
        let deep = "[".repeat(500);
        check(
            &token(good, &format!(r#"{{"a":{deep}"#)),
            "not_a_token",
            "claims",
        );
        let critical = r#"{"alg":"ES256","crit":["exp"]}"#;
        check(&token(critical, "{}"), "not_a_token", "extensions");
        let logout = r#"{"alg":"ES256","typ":"logout+jwt"}"#;
        check(&token(logout, "{}"), "not_a_token", "something else");
        check(&"a".repeat(MAX_BYTES + 1), "not_a_token", "longer");
        let trailing = token(good, "{}") + "=";
        check(&trailing, "not_a_token", "signature");
    }

    #[test]
    fn what_is_not_signed_or_by_a_shared_key_is_refused_by_its_name() {
        for alg in ["none", "NONE", "HS256", "HS384"] {
            check(
                &token(&format!(r#"{{"alg":"{alg}"}}"#), "{}"),
                "algorithm",
                alg,
            );
        }
        let text = token(r#"{"alg":"RS256"}"#, "{}");
        let refusal = Jws::parse(&text, &[Algorithm::Es256]).err().unwrap();
        assert_eq!(refusal, Refusal::Algorithm("RS256".to_owned()));
    }
}
