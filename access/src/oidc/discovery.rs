//! What the provider says of itself.
//!
//! In: its document, as it answered. Out: where it is asked for what, or what of the document cannot be. A provider that is called over TLS sends us nowhere that is not.
//!
//! Source: OpenID Connect Discovery 1.0 sections 3 and 4; RP-Initiated Logout 1.0; RFC 7009 (revocation), RFC 9207 (`iss` in answers).

use http::Uri;
use serde::Deserialize;

use super::config::{Config, endpoint};
use crate::refusal::shown;

/// Where the document is, below the issuer.
const PATH: &str = "/.well-known/openid-configuration";

/// A provider that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    /// Where browsers are sent to sign in.
    pub(super) authorization_endpoint: Uri,
    /// Where codes become tokens.
    pub(super) token_endpoint: Uri,
    /// Where its keys are.
    pub(super) jwks_uri: Uri,
    /// Where more is told of a user.
    pub(super) userinfo_endpoint: Option<Uri>,
    /// Where browsers are sent to sign out.
    pub(super) end_session_endpoint: Option<Uri>,
    /// Where a token is given back.
    pub(super) revocation_endpoint: Option<Uri>,
    /// Our secret is sent in the form, for it is not taken in a header.
    pub(super) secret_in_form: bool,
    /// Its answers to browsers say whose they are.
    pub(super) answers_name_issuer: bool,
}

/// The document, as it is written.
#[derive(Deserialize)]
pub(super) struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    end_session_endpoint: Option<String>,
    #[serde(default)]
    revocation_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What of a document cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Invalid {
    #[error(
        "the provider calls itself \"{found}\" and not \"{wanted}\": set {settings}.issuer to the name that it gives, if you trust it"
    )]
    Issuer {
        found: String,
        wanted: String,
        settings: String,
    },
    #[error("in the provider's document {name} {problem}")]
    Endpoint { name: &'static str, problem: String },
}

/// Where the document of `issuer` is.
pub(super) fn url(issuer: &str) -> Result<Uri, String> {
    endpoint(&format!("{}{PATH}", issuer.trim_end_matches('/')))
}

// === impl Metadata ===

impl Metadata {
    pub(super) fn read(document: Document, config: &Config) -> Result<Self, Invalid> {
        if document.issuer != config.issuer {
            return Err(Invalid::Issuer {
                found: shown(&document.issuer),
                wanted: config.issuer.clone(),
                settings: config.settings.clone(),
            });
        }
        let is_tls = config.issuer.starts_with("https:");
        let read = |name: &'static str, text: &str| {
            let invalid = |problem| Invalid::Endpoint { name, problem };
            let uri = endpoint(&shown_whole(text)).map_err(invalid)?;
            if is_tls && uri.scheme_str() != Some("https") {
                return Err(invalid(format!("is \"{uri}\", which is without TLS")));
            }
            Ok(uri)
        };
        let read_some = |name, text: Option<&String>| text.map(|text| read(name, text)).transpose();
        let methods = document.token_endpoint_auth_methods_supported;
        let takes = |method: &str| {
            let methods = methods.as_ref();
            methods.is_some_and(|methods| methods.iter().any(|one| one == method))
        };
        Ok(Self {
            authorization_endpoint: read(
                "authorization_endpoint",
                &document.authorization_endpoint,
            )?,
            token_endpoint: read("token_endpoint", &document.token_endpoint)?,
            jwks_uri: read("jwks_uri", &document.jwks_uri)?,
            userinfo_endpoint: read_some("userinfo_endpoint", document.userinfo_endpoint.as_ref())?,
            end_session_endpoint: read_some(
                "end_session_endpoint",
                document.end_session_endpoint.as_ref(),
            )?,
            revocation_endpoint: read_some(
                "revocation_endpoint",
                document.revocation_endpoint.as_ref(),
            )?,
            secret_in_form: takes("client_secret_post") && !takes("client_secret_basic"),
            answers_name_issuer: document.authorization_response_iss_parameter_supported,
        })
    }
}

/// A URL stands in sentences: one with characters that no line holds is no URL.
fn shown_whole(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(issuer: &str) -> Config {
        Config {
            settings: "query.oidc".to_owned(),
            issuer: issuer.to_owned(),
            ..Config::default()
        }
    }

    fn document() -> Value {
        json!({
            "issuer": "https://id/a", "authorization_endpoint": "https://id/auth?x=1", "token_endpoint": "https://id/token",
            "jwks_uri": "https://keys.id/jwks", "end_session_endpoint": "https://id/end",
        })
    }

    fn read(change: (&str, Value), issuer: &str) -> Result<Metadata, String> {
        let mut written = document();
        written[change.0] = change.1;
        let document = serde_json::from_value(written).map_err(|error| error.to_string())?;
        Metadata::read(document, &config(issuer)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_document_is_below_the_issuer() {
        for issuer in ["https://id/a", "https://id/a/"] {
            let url = url(issuer).unwrap();
            assert_eq!(url, "https://id/a/.well-known/openid-configuration");
        }
    }

    #[test]
    fn a_document_is_the_issuers_own_and_whole() {
        let metadata = read(("x", json!(1)), "https://id/a").unwrap();
        assert_eq!(metadata.authorization_endpoint, "https://id/auth?x=1");
        assert_eq!(metadata.end_session_endpoint.unwrap(), "https://id/end");
        assert!(!metadata.secret_in_form);
        let methods = json!(["client_secret_post"]);
        let name = "token_endpoint_auth_methods_supported";
        assert!(
            read((name, methods), "https://id/a")
                .unwrap()
                .secret_in_form
        );

        let other = read(("x", json!(1)), "https://id/a/").unwrap_err();
        assert!(
            other.contains("\"https://id/a\" and not \"https://id/a/\": set query.oidc.issuer"),
            "{other}"
        );
        let plain = read(("token_endpoint", json!("http://id/t")), "https://id/a").unwrap_err();
        assert!(
            plain.contains("token_endpoint is \"http://id/t\", which is without TLS"),
            "{plain}"
        );
        let script = json!("javascript:alert(1)");
        read(("authorization_endpoint", script), "https://id/a").unwrap_err();
        read(("jwks_uri", Value::Null), "https://id/a").unwrap_err();
    }
}
