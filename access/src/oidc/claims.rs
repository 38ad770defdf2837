//! What a verified token says, and whether it is for us and for now.
//!
//! In: claims whose signature was verified, what is accepted, and the time. Out: who it is, or the first thing that is wrong. A minute of difference between two
//! clocks is nothing.
//!
//! Source: RFC 7519 section 4.1; OpenID Connect Core 1.0 section 3.1.3.7.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::config::Config;
use crate::refusal::{Refusal, shown};

/// By how much clocks may differ, in seconds.
const LEEWAY: u64 = 60;
/// How many groups are taken of a token.
const MOST_GROUPS: usize = 1000;
/// How long a name or a group may be, in bytes.
const LONGEST_NAME: usize = 512;

/// Claims that were verified.
pub(super) struct Claims(Map<String, Value>);

/// Who a token is about.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The provider's own id of the user.
    pub(super) subject: String,
    pub(super) name: String,
    pub(super) groups: BTreeSet<String>,
}

// === impl Claims ===

impl Claims {
    pub(super) fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// Whether the token is `issuer`'s, for one of `audiences`, and for `now`, in seconds since 1970.
    pub(super) fn check(
        &self,
        issuer: &str,
        audiences: &[String],
        now: u64,
    ) -> Result<(), Refusal> {
        let found = self.text("iss").ok_or_else(|| missing("iss"))?;
        if found != issuer {
            return Err(Refusal::WrongIssuer {
                found: shown(found),
                accepted: issuer.to_owned(),
            });
        }
        let found = self.audiences();
        if found.is_empty() {
            return Err(missing("aud"));
        }
        if !found.iter().any(|one| audiences.iter().any(|a| a == one)) {
            return Err(Refusal::WrongAudience {
                found: shown(&found.join(", ")),
                accepted: audiences.join(", "),
            });
        }
        let end = self.seconds("exp").ok_or_else(|| missing("exp"))?;
        if now >= end.saturating_add(LEEWAY) {
            return Err(Refusal::Expired(now - end));
        }
        if self.0.contains_key("nbf") {
            let begin = self.seconds("nbf").ok_or_else(|| missing("nbf"))?;
            if begin > now.saturating_add(LEEWAY) {
                return Err(Refusal::NotYetValid(begin - now));
            }
        }
        Ok(())
    }

    /// What is asked of the token of a sign-in beside that.
    pub(super) fn check_sign_in(
        &self,
        client_id: &str,
        nonce: Option<&str>,
    ) -> Result<(), Refusal> {
        // of a renewal there is none, and one that comes along is the first sign-in's
        if let Some(nonce) = nonce
            && self.text("nonce") != Some(nonce)
        {
            return Err(Refusal::WrongNonce);
        }
        if let Some(party) = self.text("azp")
            && party != client_id
        {
            return Err(Refusal::WrongAudience {
                found: shown(party),
                accepted: client_id.to_owned(),
            });
        }
        Ok(())
    }

    /// Who it is about, as the settings have it.
    pub(super) fn identity(&self, config: &Config) -> Result<Identity, Refusal> {
        let subject = self.text("sub").ok_or_else(|| missing("sub"))?;
        let named = config.name_claims.iter().find_map(|claim| {
            // an address that somebody only says is his may be another's
            let unproved =
                claim == "email" && self.0.get("email_verified") == Some(&Value::Bool(false));
            self.text(claim).filter(|_| !unproved)
        });
        let name = named.ok_or_else(|| missing(&config.name_claims.join(" or ")))?;
        Ok(Identity {
            subject: subject.to_owned(),
            name: name.to_owned(),
            groups: self.groups(&config.groups_claim),
        })
    }

    /// When the token ends, in seconds since 1970.
    pub(super) fn end(&self) -> Option<u64> {
        self.seconds("exp")
    }

    /// Whether something is missing that the provider may tell when it is asked for more.
    pub(super) fn lacks(&self, config: &Config) -> bool {
        let first = config.name_claims.first();
        first.is_some_and(|claim| self.text(claim).is_none())
            || self.at(&config.groups_claim).is_none()
    }

    /// Adds what is not there yet, of the same user.
    pub(super) fn add(&mut self, more: Map<String, Value>) -> Result<(), Refusal> {
        let subject = more.get("sub").and_then(Value::as_str);
        if subject.is_none() || subject != self.text("sub") {
            return Err(missing(
                "sub, the same in the token and in what the provider tells of the user",
            ));
        }
        for (claim, value) in more {
            self.0.entry(claim).or_insert(value);
        }
        Ok(())
    }

    /// A claim of text that may be a name.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        let text = self.at(claim)?.as_str()?;
        let is_name = !text.is_empty() && text.len() <= LONGEST_NAME;
        (is_name && !text.chars().any(char::is_control)).then_some(text)
    }

    fn audiences(&self) -> Vec<&str> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn seconds(&self, claim: &str) -> Option<u64> {
        let value = self.0.get(claim)?;
        value.as_u64().or_else(|| {
            // fractions are seconds too; what is below zero is long over
            value.as_f64().map(|seconds| seconds as u64)
        })
    }

    fn groups(&self, claim: &str) -> BTreeSet<String> {
        let listed = match self.at(claim) {
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let is_name = |group: &&str| {
            !group.is_empty() && group.len() <= LONGEST_NAME && !group.chars().any(char::is_control)
        };
        let groups = listed.into_iter().filter(is_name).take(MOST_GROUPS);
        groups.map(str::to_owned).collect()
    }

    /// A claim by its name, which may have dots in it, or by a path of names.
    fn at(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(path) {
            return Some(value);
        }
        let mut names = path.split('.');
        let mut value = self.0.get(names.next()?)?;
        for name in names {
            value = value.get(name)?;
        }
        Some(value)
    }
}

fn missing(claim: &str) -> Refusal {
    Refusal::MissingClaim(claim.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_000_000;

    fn good() -> Value {
        json!({"iss": "https://id", "aud": ["other", "spoor"], "exp": NOW + 1, "sub": "7", "nonce": "n"})
    }

    fn claims(value: Value) -> Claims {
        let Value::Object(map) = value else { panic!() };
        Claims::new(map)
    }

    #[track_caller]
    fn check(claim: &str, value: &Value, reason: Option<&str>) {
        let mut all = good();
        all[claim] = value.clone();
        let found = claims(all).check("https://id", &["a".to_owned(), "spoor".to_owned()], NOW);
        let found = found.err().map(|refusal| refusal.reason());
        assert_eq!(found, reason, "{claim}: {value}");
    }

    #[test]
    fn each_claim_that_is_wrong_is_told_apart() {
        check("x", &json!(1), None);
        check("iss", &json!("https://id/"), Some("wrong_issuer"));
        check("iss", &json!(null), Some("missing_claim"));
        check("aud", &json!("spoor"), None);
        check("aud", &json!("else"), Some("wrong_audience"));
        check("aud", &json!([7]), Some("missing_claim"));
        check("exp", &json!(null), Some("missing_claim"));
        check("exp", &json!("tomorrow"), Some("missing_claim"));
        check("exp", &json!(NOW - 59), None);
        check("exp", &json!(NOW - 60), Some("expired"));
        check("exp", &json!(-1), Some("expired"));
        check("exp", &json!(1e300), None);
        check("exp", &json!(NOW as f64 + 0.5), None);
        check("nbf", &json!(NOW + 60), None);
        check("nbf", &json!(NOW + 61), Some("not_yet_valid"));
        check("nbf", &json!("soon"), Some("missing_claim"));
    }

    #[test]
    fn a_sign_in_has_its_nonce_and_its_party() {
        let one = claims(good());
        assert_eq!(one.check_sign_in("spoor", Some("n")), Ok(()));
        assert_eq!(one.check_sign_in("spoor", None), Ok(()));
        let other = Err(Refusal::WrongNonce);
        assert_eq!(one.check_sign_in("spoor", Some("m")), other);
        let mut all = good();
        all["azp"] = json!("else");
        let refusal = claims(all).check_sign_in("spoor", Some("n")).unwrap_err();
        assert_eq!(refusal.reason(), "wrong_audience");
    }

    #[track_caller]
    fn name(extra: &[(&str, Value)], expect: Option<&str>) {
        let mut all = good();
        for (claim, value) in extra {
            all[*claim] = value.clone();
        }
        let found = claims(all).identity(&Config::default()).ok();
        assert_eq!(found.map(|i| i.name).as_deref(), expect, "{extra:?}");
    }

    #[test]
    fn the_first_claim_that_is_there_is_the_name() {
        name(&[], Some("7"));
        let user = ("preferred_username", json!("ann"));
        let email = ("email", json!("a@b.c"));
        name(std::slice::from_ref(&user), Some("ann"));
        name(&[user.clone(), email.clone()], Some("a@b.c"));
        name(&[user.clone(), ("email", json!(""))], Some("ann"));
        name(&[user.clone(), ("email", json!("a\nb"))], Some("ann"));
        let unproved = ("email_verified", json!(false));
        name(&[user, email, unproved], Some("ann"));
        name(&[("sub", json!(7))], None);
    }

    #[test]
    fn groups_are_a_list_a_word_or_somewhere_inside() {
        let of = |claim: &str, value: Value| {
            let groups = claims(value).groups(claim);
            groups.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(
            of("groups", json!({"groups": ["b", "a", 7, ""]})),
            ["a", "b"]
        );
        assert_eq!(of("groups", json!({"groups": "a"})), ["a"]);
        let nested = json!({"realm": {"roles": ["r"]}});
        assert_eq!(of("realm.roles", nested), ["r"]);
        assert_eq!(of("https://x.y/g", json!({"https://x.y/g": ["u"]})), ["u"]);
        assert!(of("groups", json!({})).is_empty());
    }

    #[test]
    fn what_is_told_beside_the_token_is_of_the_same_user_and_changes_nothing() {
        let more = |value: Value| match value {
            Value::Object(map) => map,
            _ => panic!(),
        };
        let mut one = claims(good());
        assert!(one.lacks(&Config::default()));
        one.add(more(json!({"sub": "8", "groups": []})))
            .unwrap_err();
        one.add(more(json!({"groups": []}))).unwrap_err();
        one.add(more(
            json!({"sub": "7", "groups": ["g"], "email": "e", "iss": "x"}),
        ))
        .unwrap();
        assert!(!one.lacks(&Config::default()));
        assert_eq!(one.text("iss"), Some("https://id"));
    }
}
