//! What the provider gives for a code or for a token of a renewal.
//!
//! In: a code with what proves that it is ours, or a refresh token. Out: who it is, until when, and what the next renewal is asked for with; or a refusal. What the
//! token of the sign-in does not tell is asked for with the token of access, which is then forgotten.
//!
//! Source: RFC 6749 sections 4.1.3, 5 and 6; RFC 7636; RFC 7009; OpenID Connect Core 1.0 sections 3.1.3 and 5.3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use http::{HeaderValue, StatusCode, Uri};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Core;
use super::claims::Identity;
use super::client::{Answer, Trouble};
use super::config::Secret;
use super::discovery::Metadata;
use crate::refusal::{Refusal, shown};

/// How long a token of access lasts that does not say so, in seconds.
const UNSAID: u64 = 300;

/// What was given.
pub(super) struct Granted {
    /// Who it is; a renewal need not say it again.
    pub(super) identity: Option<Identity>,
    /// Until when, in seconds since 1970.
    pub(super) expires: u64,
    pub(super) refresh: Option<SecretString>,
}

/// The provider's answer, as it is written.
#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
    /// A number; some write it as text.
    #[serde(default)]
    expires_in: Value,
}

/// The same when it says no.
#[derive(Deserialize)]
struct No {
    error: String,
    #[serde(default)]
    error_description: String,
}

// === impl Core ===

impl Core {
    /// Who it is whom the provider gave `code` for. The verifier proves that we asked, the nonce that this is the answer.
    pub(super) async fn redeem(
        &self,
        metadata: &Metadata,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
        nonce: &str,
        now: u64,
    ) -> Result<Granted, Refusal> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let tokens = self.tokens(metadata, &form).await?;
        if tokens.id_token.is_none() {
            return Err(Refusal::MissingClaim(
                "id_token in the provider's answer".to_owned(),
            ));
        }
        self.read(metadata, tokens, Some(nonce), now).await
    }

    /// The same once more, without a person.
    pub(super) async fn refresh(
        &self,
        refresh: &SecretString,
        now: u64,
    ) -> Result<Granted, Refusal> {
        let answer = self.provider.answer().await?;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose_secret()),
        ];
        let tokens = self.tokens(&answer.metadata, &form).await?;
        self.read(&answer.metadata, tokens, None, now).await
    }

    /// Gives a refresh token back. That it was not taken is nobody's business any more.
    pub(super) async fn revoke(&self, refresh: &SecretString) {
        let Ok(answer) = self.provider.answer_now() else {
            return;
        };
        let Some(url) = &answer.metadata.revocation_endpoint else {
            return;
        };
        let form = [
            ("token", refresh.expose_secret()),
            ("token_type_hint", "refresh_token"),
        ];
        if let Err(refusal) = self.post(&answer.metadata, url, &form).await {
            tracing::debug!("a refresh token was not given back: {refusal}");
        }
    }

    async fn read(
        &self,
        metadata: &Metadata,
        tokens: Tokens,
        nonce: Option<&str>,
        now: u64,
    ) -> Result<Granted, Refusal> {
        let seconds = match &tokens.expires_in {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64(),
        };
        let mut expires = now.saturating_add(seconds.unwrap_or(UNSAID));
        let refresh = tokens.refresh_token.map(SecretString::from);
        let Some(id_token) = &tokens.id_token else {
            return Ok(Granted {
                identity: None,
                expires,
                refresh,
            });
        };
        let identified = self.identify(metadata, id_token, tokens.access_token, nonce, now);
        let identity = match identified.await {
            Ok((identity, end)) => {
                expires = expires.max(end);
                Some(identity)
            }
            // the provider itself, over TLS, has just said that the session goes on, and took the token that it would be asked with again: what cannot be
            // asked or verified at that moment, for keys that change, ends no session
            Err(refusal) if nonce.is_none() && refusal.may_pass() => {
                tracing::debug!("a renewed session keeps its name and groups: {refusal}");
                None
            }
            Err(refusal) => return Err(refusal),
        };
        Ok(Granted {
            identity,
            expires,
            refresh,
        })
    }

    /// Who it is, and when the token ends.
    async fn identify(
        &self,
        metadata: &Metadata,
        id_token: &str,
        access_token: Option<String>,
        nonce: Option<&str>,
        now: u64,
    ) -> Result<(Identity, u64), Refusal> {
        let config = &self.config;
        let audience = std::slice::from_ref(&config.client_id);
        let mut claims = self.provider.verify(id_token, audience, now).await?;
        claims.check_sign_in(&config.client_id, nonce)?;
        if claims.lacks(config)
            && let (Some(url), Some(token)) = (&metadata.userinfo_endpoint, access_token)
        {
            let bearer = Zeroizing::new(format!("Bearer {token}"));
            let bearer = HeaderValue::try_from(bearer.as_str())
                .map_err(|_| Refusal::NotAToken("the provider's token of access is no text"))?;
            let more = self.client.get::<Map<String, Value>>(url, Some(bearer));
            claims.add(more.await.map_err(|trouble| self.unreachable(&trouble))?)?;
        }
        Ok((claims.identity(config)?, claims.end().unwrap_or(0)))
    }

    async fn tokens(&self, metadata: &Metadata, form: &[(&str, &str)]) -> Result<Tokens, Refusal> {
        let url = &metadata.token_endpoint;
        let answer = self.post(metadata, url, form).await?;
        answer
            .json(url)
            .map_err(|trouble| self.unreachable(&trouble))
    }

    /// Sends a form with what proves that we are the client.
    async fn post(
        &self,
        metadata: &Metadata,
        url: &Uri,
        form: &[(&str, &str)],
    ) -> Result<Answer, Refusal> {
        let secret = self.client_secret().await?;
        let id = &self.config.client_id;
        let (authorization, form) = proved(id, secret.as_ref(), metadata.secret_in_form, form)?;
        let answer = self.client.post(url, authorization, form).await;
        let answer = answer.map_err(|trouble| self.unreachable(&trouble))?;
        if answer.status == StatusCode::OK {
            return Ok(answer);
        }
        Err(self.refused(url, &answer))
    }

    /// What its "no" means: it is about the one who signs in, or about us.
    fn refused(&self, url: &Uri, answer: &Answer) -> Refusal {
        let status = answer.status;
        let no: Option<No> = serde_json::from_slice(&answer.body).ok();
        let Some(no) = no.filter(|_| status.is_client_error()) else {
            let url = url.clone();
            return self.unreachable(&Trouble::Status { url, status });
        };
        let refused = provider_refused(&no.error, &no.error_description);
        let about_us = ["invalid_client", "unauthorized_client"].contains(&no.error.as_str());
        if about_us || status == StatusCode::UNAUTHORIZED {
            let settings = &self.config.settings;
            return Refusal::Unreachable(self.provider.sentence(&format!(
                "it does not take us for \"{}\", see {settings}.client-id and {settings}.client-secret: {refused}",
                self.config.client_id
            )));
        }
        refused
    }

    async fn client_secret(&self) -> Result<Option<SecretString>, Refusal> {
        let path = match &self.config.client_secret {
            Secret::None => return Ok(None),
            Secret::Given(secret) => return Ok(Some(secret.clone())),
            Secret::File(path) => path.clone(),
        };
        let reading = path.clone();
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(reading)).await;
        let read = read.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        let text = read.map(Zeroizing::new).map_err(|error| {
            Refusal::Unreachable(format!(
                "cannot read {} ({}.client-secret-file): {error}",
                path.display(),
                self.config.settings
            ))
        })?;
        Ok(Some(SecretString::from(text.trim_end())))
    }

    fn unreachable(&self, trouble: &Trouble) -> Refusal {
        Refusal::Unreachable(self.provider.sentence(&trouble.to_string()))
    }
}

/// A form with what proves that we are the client: in a header, or in the form itself.
fn proved(
    id: &str,
    secret: Option<&SecretString>,
    in_form: bool,
    form: &[(&str, &str)],
) -> Result<(Option<HeaderValue>, String), Refusal> {
    let mut text = form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(form);
    let header = match secret {
        Some(secret) if !in_form => Some(basic(id, secret)?),
        _ => {
            text.append_pair("client_id", id);
            None
        }
    };
    if let Some(secret) = secret.filter(|_| in_form) {
        text.append_pair("client_secret", secret.expose_secret());
    }
    Ok((header, text.finish()))
}

/// The provider's own words.
pub(super) fn provider_refused(error: &str, description: &str) -> Refusal {
    let description = match description {
        "" => String::new(),
        text => format!(" ({})", shown(text)),
    };
    Refusal::ProviderRefused {
        error: shown(error),
        description,
    }
}

/// Both halves are encoded as in a form before they are joined.
fn basic(id: &str, secret: &SecretString) -> Result<HeaderValue, Refusal> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let secret = Zeroizing::new(encoded(secret.expose_secret()));
    let pair = Zeroizing::new(format!("{}:{}", encoded(id), secret.as_str()));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    HeaderValue::try_from(text.as_str())
        .map_err(|_| Refusal::Unreachable("the client secret is no text".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secret: Option<&str>, in_form: bool, header: Option<&str>, form: &str) {
        let secret = secret.map(SecretString::from);
        let (found, text) = proved("a b", secret.as_ref(), in_form, &[("code", "x&y")]).unwrap();
        let found = found.as_ref().map(|value| value.to_str().unwrap());
        assert_eq!((found, text.as_str()), (header, form));
    }

    #[test]
    fn a_client_proves_itself_as_the_provider_takes_it() {
        check(None, false, None, "code=x%26y&client_id=a+b");
        let form = "code=x%26y&client_id=a+b&client_secret=p%3Aq";
        check(Some("p:q"), true, None, form);
        // "a+b:p%3Aq"
        let header = "Basic YStiOnAlM0Fx";
        check(Some("p:q"), false, Some(header), "code=x%26y");
    }
}
