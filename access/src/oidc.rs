//! Sign-in at an OpenID provider, and its tokens.
//!
//! In: a request's head. Out: who sent it, proved by a session or by a token; or a refusal. For browsers: our own three paths, which lead through the provider and back.
//! The provider is asked in the background: it may come up after us, change its keys, and be away for a while. Sessions hold without it until they are renewed.
//!
//! Signatures are verified, cookies sealed by `ring`, which is the TLS library's own (docs/adr/0020-sign-in-with-rings-own-signatures.md says why not the crates that are made for this).
//!
//! Deliberately absent: listening, routes other than our own, what somebody may do.

mod algorithm;
mod claims;
mod client;
mod config;
mod cookie;
mod discovery;
mod flow;
mod grant;
mod jws;
mod keys;
mod page;
mod provider;
mod renewal;
mod return_path;
mod sealer;
mod session;
#[cfg(test)]
mod signer;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderValue, Method};
use parking_lot::Mutex;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

pub use algorithm::{Algorithm, InvalidAlgorithm};
pub use config::{Config, ConfigError, SameSite, Secret, SessionKeys};
pub use page::is_for_a_person;
pub use provider::State;

use self::client::Client;
use self::provider::Provider;
use self::renewal::{Outcome, Renewals};
use self::sealer::Sealer;
use self::session::Session;
use crate::{Caller, Refusal, Way};

/// Where a sign-in begins: `?return=` a path of ours, `&prompt=none` to show nothing.
pub const LOGIN: &str = "/oauth/login";
/// Where the provider sends browsers back to.
pub const CALLBACK: &str = "/oauth/callback";
/// Where a session ends.
pub const LOGOUT: &str = "/oauth/logout";

/// How often keys of sessions are compared with their files.
const RELOADED: Duration = Duration::from_secs(5);

/// The sign-in at one provider.
pub struct SignIn {
    core: Arc<Core>,
    renewals: Renewals,
}

/// What tasks of renewals need too.
struct Core {
    config: Arc<Config>,
    client: Arc<Client>,
    provider: Provider,
    sealer: Sealer,
    /// What kept the last sign-in from being finished, as it was said in the log.
    told: Mutex<String>,
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// The browser speaks TLS: with us, or with a proxy that is trusted and says so.
    pub tls: bool,
    /// What stands before every path; empty or `/` for nothing.
    pub base_path: &'a str,
}

/// Somebody who was proved, and what the answer must bring along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Who it is.
    pub caller: Caller,
    /// Values of `Set-Cookie` for the answer, whatever it is: a session that was renewed. Without them the browser would show the old one again, which the
    /// provider may take for a theft.
    pub cookies: Vec<HeaderValue>,
}

// === impl Seen ===

impl<'a> Seen<'a> {
    /// The base path without a slash at its end.
    fn base(self) -> &'a str {
        self.base_path.trim_end_matches('/')
    }
}

// === impl SignIn ===

impl SignIn {
    /// With these settings. The provider is not asked before [`keep`](Self::keep) runs. Blocks, where keys of sessions are in files.
    ///
    /// # Errors
    /// A setting that cannot be.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let sealer = Sealer::new(&config)?;
        if config.issuer.starts_with("http:") {
            tracing::warn!(
                issuer = config.issuer,
                "the OpenID provider is called without TLS: whoever stands in between can be anybody"
            );
        }
        let config = Arc::new(config);
        let client = Arc::new(Client::new(&config));
        let core = Core {
            provider: Provider::new(config.clone(), client.clone()),
            config,
            client,
            sealer,
            told: Mutex::default(),
        };
        Ok(Self {
            core: Arc::new(core),
            renewals: Renewals::default(),
        })
    }

    /// Whether the provider can be used, and why not.
    #[must_use]
    pub fn state(&self) -> State {
        self.core.provider.state()
    }

    /// Asks the provider for its document and its keys, again and again, until `shutdown`; then waits for what is under way. Without it nobody is let in.
    pub async fn keep(&self, shutdown: CancellationToken) {
        let reload = async {
            let mut ticks = tokio::time::interval(RELOADED);
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    _ = ticks.tick() => {}
                }
                let core = self.core.clone();
                let reloaded = tokio::task::spawn_blocking(move || core.sealer.reload()).await;
                drop(reloaded);
            }
        };
        tokio::join!(self.core.provider.keep(&shutdown), reload);
        self.renewals.finish().await;
    }

    /// Who sent a request: by a token in `Authorization`, else by the session of its cookies; none when it has neither. Other schemes than `Bearer` are not looked at.
    ///
    /// # Errors
    /// What is wrong with the token or the session.
    pub async fn caller(&self, parts: &Parts, seen: Seen<'_>) -> Result<Option<Proved>, Refusal> {
        if let Some(caller) = self.token(parts).await? {
            return Ok(Some(Proved {
                caller,
                cookies: Vec::new(),
            }));
        }
        self.session(parts, seen).await
    }

    /// Who sent a request, by a token in `Authorization` alone; none when it has none.
    ///
    /// # Errors
    /// What is wrong with the token.
    pub async fn token(&self, parts: &Parts) -> Result<Option<Caller>, Refusal> {
        match bearer(parts)? {
            Some(token) => self.bearer(&token).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whose a signed token is, without its scheme: for whoever finds it elsewhere than in `Authorization`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn bearer(&self, token: &SecretString) -> Result<Caller, Refusal> {
        let config = &self.core.config;
        let audiences = config.accepted_audiences();
        let provider = &self.core.provider;
        let claims = provider
            .verify(token.expose_secret(), audiences, now())
            .await?;
        let identity = claims.identity(config)?;
        Ok(Caller {
            name: identity.name,
            groups: identity.groups,
            way: Way::Bearer,
        })
    }

    /// Who sent a request, by the session of its cookies alone; none when it has none.
    pub(crate) async fn session(
        &self,
        parts: &Parts,
        seen: Seen<'_>,
    ) -> Result<Option<Proved>, Refusal> {
        let now = now();
        let jar = self.jar(seen);
        let Some(text) = jar.session(&parts.headers) else {
            return Ok(None);
        };
        let session = self.core.open(&text).ok_or(Refusal::SessionBroken)?;
        if is_forged(parts) {
            return Err(Refusal::CrossSite);
        }
        let proved = |session: &Session, cookies| {
            Ok(Some(Proved {
                caller: session.caller(),
                cookies,
            }))
        };
        if now >= session.ends {
            return Err(Refusal::SessionEnded);
        }
        let holds = now < session.expires;
        let refresh = match &session.refresh {
            Some(refresh) if now >= session.renew_at => refresh,
            _ if holds => return proved(&session, Vec::new()),
            _ => return Err(Refusal::SessionEnded),
        };
        let renewing = self.renewals.renew(&self.core, &session, refresh, now);
        match renewing.await {
            Outcome::Renewed(next) => {
                let sealed = self.core.seal(&next)?;
                let cookies = jar.set_session(&parts.headers, &sealed, next.lasts(now));
                proved(&next, cookies)
            }
            _ if holds => proved(&session, Vec::new()),
            Outcome::Ended => Err(Refusal::SessionEnded),
            Outcome::Failed(refusal) => Err(refusal),
        }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("issuer", &self.core.config.issuer)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// The token in `Authorization`.
fn bearer(parts: &Parts) -> Result<Option<SecretString>, Refusal> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Refusal::NotAToken("there are two of Authorization"));
    }
    let Some((scheme, rest)) = value.as_bytes().split_at_checked("bearer".len()) else {
        return Ok(None);
    };
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer");
    if !is_bearer || !rest.first().is_none_or(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let token = std::str::from_utf8(rest.trim_ascii())
        .map_err(|_| Refusal::NotAToken("it has characters that no token has"))?;
    Ok(Some(SecretString::from(token)))
}

/// Whether another site's page has the browser send what changes something: its cookies go along when it is allowed to frame us.
fn is_forged(parts: &Parts) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) {
        return false;
    }
    let text = |name| parts.headers.get(name).map(HeaderValue::as_bytes);
    if let Some(site) = text(http::HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, b"same-origin" | b"none");
    }
    // browsers that do not say it say at least where the page is from
    let Some(origin) = text(ORIGIN) else {
        return false;
    };
    let asked = parts.uri.authority().map(|a| a.as_str().as_bytes());
    let host = asked.or(text(HOST)).unwrap_or_default();
    let from = [&b"https://"[..], b"http://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(*scheme));
    from != Some(host)
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
