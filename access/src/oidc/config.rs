//! What an operator says of the provider and of sessions.
//!
//! In: plain values. Out: the same, or which setting is wrong. No file is opened here.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use secrecy::{ExposeSecret as _, SecretString};
use settings::tls::ClientTls;

use super::algorithm::Algorithm;
use super::{CALLBACK, sealer};

/// What is sent to the provider at the start of a sign-in by ourselves: an operator's parameters have other names.
const OWN_PARAMETERS: [&str; 10] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "request",
];

/// The sign-in. `Default` is what the documentation says, with no provider.
#[derive(Debug, Clone)]
pub struct Config {
    /// What stands before the last word of each of these settings, such as `query.oidc`: sentences name them by it.
    pub settings: String,
    /// The provider, as it calls itself: `https://id.example.com/realms/a`. A path is part of it, and so is a slash at its end.
    pub issuer: String,
    /// What the provider calls us.
    pub client_id: String,
    /// How we prove that to it.
    pub client_secret: Secret,
    /// What is asked for; `openid` always is.
    pub scopes: Vec<String>,
    /// Further parameters of the request that a browser is sent to the provider with, such as `prompt` or `acr_values`.
    pub authorize_parameters: Vec<(String, String)>,
    /// Claims, of which the first that is there is the caller's name. An `email` that the provider says is not verified is none.
    pub name_claims: Vec<String>,
    /// The claim that lists groups; dots lead into objects, as in `realm_access.roles`.
    pub groups_claim: String,
    /// Whom a token in `Authorization` may be for; empty: `client_id`.
    pub audiences: Vec<String>,
    /// What tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Where the provider sends browsers back to, the whole URL, with `/oauth/callback` at its end; `None`: what the request's host and its TLS say.
    pub redirect_url: Option<String>,
    /// Where the provider sends browsers to after a sign-out, if it knows that URL; `None`: it shows a page of its own.
    pub logout_redirect_url: Option<String>,
    /// What cookies are sealed with.
    pub session_keys: SessionKeys,
    /// How long a session lasts at most, renewals included.
    pub session_lifetime: Duration,
    /// Whether cookies go along when another site frames us.
    pub same_site: SameSite,
    /// Who may frame the pages of the sign-in: the value of `frame-ancestors` in a `Content-Security-Policy`.
    pub frame_ancestors: String,
    /// How the provider is connected to.
    pub tls: ClientTls,
    /// Whom to trust where `tls` names nobody.
    pub store: trust::Store,
    /// How often the provider's document and its keys are read again.
    pub refresh_interval: Duration,
}

/// A secret that somebody gave.
#[derive(Debug, Clone, Default)]
pub enum Secret {
    /// None: we are what OAuth calls a public client.
    #[default]
    None,
    /// Here it is.
    Given(SecretString),
    /// In a file, which is read whenever it is needed. White space at its end does not count.
    File(PathBuf),
}

/// Keys that cookies are sealed with: at least 32 bytes each, best random ones. The first seals, all of them open: a new key is put first, and the old one goes
/// away when no session is left that it sealed.
#[derive(Debug, Clone, Default)]
pub enum SessionKeys {
    /// One that is made at start and that nobody else knows: a restart ends all sessions, and a second process takes no session of this one's.
    #[default]
    Random,
    /// Here they are.
    Given(Vec<SecretString>),
    /// In files, read again when they change.
    Files(Vec<PathBuf>),
}

/// `SameSite` of cookies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SameSite {
    /// Another site's pages may link to us.
    #[default]
    Lax,
    /// Another site's pages may frame us, over TLS alone.
    None,
}

/// What is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that cannot be.
    #[error("{settings}.{name} {problem}")]
    Value {
        /// The block.
        settings: String,
        /// The setting's last word.
        name: &'static str,
        /// What is wrong with it, without the value of a secret.
        problem: String,
    },
}

// === impl ConfigError ===

impl ConfigError {
    /// The setting's last word, and what is wrong with it.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        let Self::Value { name, problem, .. } = self;
        (name, problem)
    }
}

impl Default for Config {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Self {
            settings: "oidc".to_owned(),
            issuer: String::new(),
            client_id: String::new(),
            client_secret: Secret::None,
            scopes: words(&["openid", "profile", "email"]),
            authorize_parameters: Vec::new(),
            name_claims: words(&["email", "preferred_username", "sub"]),
            groups_claim: "groups".to_owned(),
            audiences: Vec::new(),
            algorithms: Algorithm::ALL.to_vec(),
            redirect_url: None,
            logout_redirect_url: None,
            session_keys: SessionKeys::Random,
            session_lifetime: Duration::from_secs(12 * 60 * 60),
            same_site: SameSite::Lax,
            frame_ancestors: "'self'".to_owned(),
            tls: ClientTls::default(),
            store: trust::Store::default(),
            refresh_interval: Duration::from_secs(10 * 60),
        }
    }
}

// === impl Config ===

impl Config {
    /// Whether all of it can be.
    ///
    /// # Errors
    /// The first setting that cannot.
    pub fn check(&self) -> Result<(), ConfigError> {
        let wrong = |name, problem: String| {
            Err(ConfigError::Value {
                settings: self.settings.clone(),
                name,
                problem,
            })
        };
        if let Err(problem) = endpoint(&self.issuer) {
            return wrong("issuer", problem);
        }
        if self.issuer.contains(['?', '#']) {
            return wrong(
                "issuer",
                "has a query or a fragment, which no issuer has".to_owned(),
            );
        }
        if self.client_id.is_empty() {
            return wrong(
                "client-id",
                "is not set: give the name that the provider knows us by".to_owned(),
            );
        }
        if let Secret::Given(secret) = &self.client_secret
            && secret.expose_secret().is_empty()
        {
            return wrong("client-secret", "is empty".to_owned());
        }
        if self.name_claims.is_empty() {
            return wrong("name-claims", "names no claim".to_owned());
        }
        if self.algorithms.is_empty() {
            return wrong("algorithms", "names no algorithm".to_owned());
        }
        let own = |(name, _): &&(String, String)| OWN_PARAMETERS.contains(&name.as_str());
        if let Some((name, _)) = self.authorize_parameters.iter().find(own) {
            return wrong(
                "authorize-parameters",
                format!("sets {name}, which is not an operator's"),
            );
        }
        if let Some(url) = &self.redirect_url {
            let whole = endpoint(url).and_then(|url| match url.path().ends_with(CALLBACK) {
                true if url.query().is_none() => Ok(()),
                _ => Err(format!("\"{url}\" does not end with {CALLBACK}")),
            });
            if let Err(problem) = whole {
                return wrong("redirect-url", problem);
            }
        }
        if let Some(url) = &self.logout_redirect_url
            && let Err(problem) = endpoint(url)
        {
            return wrong("logout-redirect-url", problem);
        }
        if let SessionKeys::Given(keys) = &self.session_keys
            && let Err(problem) =
                sealer::check(keys.iter().map(|key| key.expose_secret().as_bytes()))
        {
            return wrong("session-key-files", problem);
        }
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, ';' | ',');
        if !self
            .frame_ancestors
            .split(' ')
            .all(|word| !word.is_empty() && word.chars().all(is_plain))
        {
            return wrong(
                "frame-ancestors",
                format!(
                    "\"{}\" is no list of origins with one space between them",
                    self.frame_ancestors
                ),
            );
        }
        Ok(())
    }

    /// Whom a token may be for.
    pub(super) fn accepted_audiences(&self) -> &[String] {
        if self.audiences.is_empty() {
            std::slice::from_ref(&self.client_id)
        } else {
            &self.audiences
        }
    }

    /// All scopes, `openid` among them, with a space between them.
    pub(super) fn scope(&self) -> String {
        let mut scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        if !scopes.contains(&"openid") {
            scopes.insert(0, "openid");
        }
        scopes.join(" ")
    }
}

/// A URL that may be called: `http` or `https`, a host, no user.
pub(super) fn endpoint(text: &str) -> Result<Uri, String> {
    if text.is_empty() {
        return Err("is not set: give a URL, https://host/path".to_owned());
    }
    let uri: Uri = text
        .parse()
        .map_err(|error| format!("\"{text}\" is no URL: {error}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(format!("\"{text}\" is not of http or https"));
    }
    let authority = uri.authority().map(http::uri::Authority::as_str);
    if uri.host().is_none_or(str::is_empty) || authority.is_some_and(|a| a.contains('@')) {
        return Err("names no host, or a user".to_owned());
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            settings: "query.oidc".to_owned(),
            issuer: "https://id.example.com/a".to_owned(),
            client_id: "spoor".to_owned(),
            ..Config::default()
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Config), said: &str) {
        let mut config = config();
        change(&mut config);
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn what_cannot_be_names_its_setting() {
        config().check().unwrap();
        check(|c| c.issuer.clear(), "query.oidc.issuer is not set");
        check(
            |c| c.issuer = "id.example.com".to_owned(),
            "query.oidc.issuer",
        );
        check(|c| c.issuer = "ftp://id".to_owned(), "not of http or https");
        check(|c| c.issuer = "https://u:hunter2@id".to_owned(), "a user");
        check(|c| c.issuer = "https://id?a=b".to_owned(), "a query");
        check(|c| c.client_id.clear(), "client-id is not set");
        check(|c| c.name_claims.clear(), "name-claims");
        check(|c| c.algorithms.clear(), "algorithms");
        check(
            |c| c.client_secret = Secret::Given("".into()),
            "client-secret is empty",
        );
        let own = ("state".to_owned(), "x".to_owned());
        check(|c| c.authorize_parameters.push(own), "sets state");
        let elsewhere = "https://spoor/else".to_owned();
        check(|c| c.redirect_url = Some(elsewhere), "/oauth/callback");
        check(
            |c| c.session_keys = SessionKeys::Given(vec!["hunter2".into()]),
            "session-key-files",
        );
        check(
            |c| c.session_keys = SessionKeys::Given(Vec::new()),
            "session-key-files",
        );
        check(
            |c| c.frame_ancestors = "'self'; script-src *".to_owned(),
            "frame-ancestors",
        );
    }

    #[test]
    fn openid_is_always_asked_for() {
        let mut config = config();
        config.scopes = vec!["groups".to_owned()];
        assert_eq!(config.scope(), "openid groups");
        config.scopes = vec!["email".to_owned(), "openid".to_owned()];
        assert_eq!(config.scope(), "email openid");
    }

    #[test]
    fn no_secret_is_shown() {
        let mut config = config();
        config.client_secret = Secret::Given("canary".into());
        config.session_keys = SessionKeys::Given(vec!["canary".into()]);
        let shown = format!("{config:?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}
