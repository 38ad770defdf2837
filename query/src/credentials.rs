//! The token or key of whoever asks, for stores that decide by it.
//!
//! In: a request's headers, which over gRPC are its metadata. Out: one of its credentials with its scheme, or none. It is kept for that request alone, and is
//! never shown. One word alone is a token, as in Jaeger; a scheme counts in any case, as RFC 7235 has it.
//!
//! Source: `jaegertracing/jaeger: internal/auth/bearertoken` v1.76.0.

use http::HeaderMap;
use secrecy::SecretString;

/// What a proxy for sign-in puts a token into.
const FORWARDED_TOKEN: &str = "x-forwarded-access-token";
/// What Jaeger's own clients put a token into over gRPC, without a scheme.
const TOKEN_METADATA: &str = "bearer.token";
/// Schemes that a store takes.
const SCHEMES: [&str; 2] = ["Bearer", "ApiKey"];

/// More than one token, in Jaeger's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed token: multiple tokens found")]
pub(crate) struct Several;

/// Over gRPC: of `bearer.token`, else as over HTTP.
pub(crate) fn of_metadata(metadata: &HeaderMap) -> Result<Option<SecretString>, Several> {
    let mut tokens = metadata.get_all(TOKEN_METADATA).iter();
    let token = match (tokens.next(), tokens.next()) {
        (_, Some(_)) => return Err(Several),
        (token, None) => token.and_then(|token| token.to_str().ok()),
    };
    Ok(match token.map(str::trim) {
        None | Some("") => of(metadata),
        Some(token) => Some(SecretString::from(format!("Bearer {token}"))),
    })
}

/// Of `Authorization`, else of what a proxy put there.
pub(crate) fn of(headers: &HeaderMap) -> Option<SecretString> {
    let text = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?.trim();
        (!text.is_empty()).then_some(text)
    };
    let given = text("authorization").or_else(|| text(FORWARDED_TOKEN))?;
    let words: Vec<&str> = given.split(' ').filter(|word| !word.is_empty()).collect();
    let (scheme, secret) = match words.as_slice() {
        [token] => ("Bearer", *token),
        [scheme, secret] => {
            let is_it = |one: &&str| scheme.eq_ignore_ascii_case(one);
            let scheme = SCHEMES.into_iter().find(is_it)?;
            (scheme, *secret)
        }
        _ => {
            tracing::warn!(
                words = words.len(),
                "a caller's Authorization is neither a token nor a scheme and a token: it is not handed on"
            );
            return None;
        }
    };
    Some(SecretString::from(format!("{scheme} {secret}")))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], expect: Option<&str>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let found = of(&map);
        let found = found.as_ref().map(secrecy::SecretString::expose_secret);
        assert_eq!(found, expect, "{headers:?}");
    }

    #[test]
    fn a_token_or_a_key_is_taken_with_its_scheme() {
        check(&[], None);
        check(&[("authorization", "bearer t")], Some("Bearer t"));
        check(&[("authorization", "APIKey k")], Some("ApiKey k"));
        check(&[("authorization", "Basic dTpw")], None);
        check(&[("authorization", "t")], Some("Bearer t"));
        check(&[("authorization", "Bearer t u")], None);
        check(&[(FORWARDED_TOKEN, "t")], Some("Bearer t"));
        check(&[(FORWARDED_TOKEN, "Bearer t")], Some("Bearer t"));
        check(
            &[("authorization", ""), (FORWARDED_TOKEN, "t")],
            Some("Bearer t"),
        );
        let both = [("authorization", "Bearer mine"), (FORWARDED_TOKEN, "proxy")];
        check(&both, Some("Bearer mine"));
    }

    #[test]
    fn over_grpc_a_token_stands_alone_or_as_over_http() {
        let mut metadata = HeaderMap::new();
        let token = |metadata: &HeaderMap| {
            let found = of_metadata(metadata)?;
            Ok(found.map(|found| found.expose_secret().to_owned()))
        };
        assert_eq!(token(&metadata), Ok(None));
        metadata.insert("authorization", "Bearer a".parse().unwrap());
        assert_eq!(token(&metadata), Ok(Some("Bearer a".to_owned())));
        metadata.insert(TOKEN_METADATA, "t".parse().unwrap());
        assert_eq!(token(&metadata), Ok(Some("Bearer t".to_owned())));
        metadata.append(TOKEN_METADATA, "u".parse().unwrap());
        assert_eq!(token(&metadata), Err(Several));
    }
}
