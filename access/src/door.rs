//! Who a request comes from: every way of proving it, in one place.
//!
//! In: the headers of a request and what its connection shows. Out: a caller; nobody, when nothing was shown; or a refusal, when what was shown proves nothing. A
//! way that is not set up is not looked at, so that a token which is meant for a store goes by. What a trusted proxy says comes before what it hands on.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio_util::sync::CancellationToken;
use trust::Names;

use crate::basic::{Passwords, WrongPassword};
use crate::caller::Caller;
use crate::oidc::{self, SignIn};
use crate::proxy::{Proxy, Said};
use crate::refusal::{GrpcCode, Refusal};

/// What a proxy that ends TLS says of the browser's connection.
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The ways. Cloning shares them.
#[derive(Clone, Default)]
pub struct Door {
    passwords: Option<Arc<Passwords>>,
    proxy: Option<Arc<Proxy>>,
    sign_in: Option<Arc<SignIn>>,
}

/// Somebody who was proved, or nobody, and what the answer must bring along.
#[derive(Debug, Default)]
pub struct Entry {
    /// Who it is; `None`: nothing was shown.
    pub caller: Option<Caller>,
    /// Values of `Set-Cookie`: a session that was renewed.
    pub cookies: Vec<HeaderValue>,
}

/// What the connection of a request shows.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Where it comes from.
    pub addr: IpAddr,
    /// It is encrypted.
    pub tls: bool,
    /// The names in its client's certificate.
    pub names: Option<Names<'a>>,
}

/// What was shown proves nothing: nobody is let in by it, though the rest of the request may be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// User and password.
    #[error(transparent)]
    Password(#[from] WrongPassword),
    /// Headers of a proxy, from a peer that is none.
    #[error(
        "{peer} says in a header who is asking, and is no proxy that is trusted: see access.proxy.peers"
    )]
    Forged {
        /// Where the request came from.
        peer: IpAddr,
    },
    /// A token or a session.
    #[error(transparent)]
    Token(#[from] Refusal),
    /// A header of a trusted proxy that names nobody.
    #[error("the proxy's header {0} is no name, or stands twice")]
    Header(String),
}

/// What whoever showed it can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Show something else: 401.
    Prove,
    /// Nothing: 403.
    None,
    /// Come again: 503.
    Wait,
}

// === impl Door ===

impl Door {
    /// By these users and passwords.
    #[must_use]
    pub fn with_passwords(mut self, passwords: Passwords) -> Self {
        self.passwords = Some(Arc::new(passwords));
        self
    }

    /// By what this proxy says.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(Arc::new(proxy));
        self
    }

    /// At this OpenID provider, by its tokens and by sessions.
    #[must_use]
    pub fn with_sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = Some(Arc::new(sign_in));
        self
    }

    /// Whether there is any way.
    #[must_use]
    pub fn has_ways(&self) -> bool {
        self.passwords.is_some() || self.proxy.is_some() || self.sign_in.is_some()
    }

    /// Where browsers sign in, if they can.
    #[must_use]
    pub fn sign_in(&self) -> Option<&SignIn> {
        self.sign_in.as_deref()
    }

    /// What a client is told to show, for `WWW-Authenticate`. A browser would ask for a password as soon as it reads of one, so where people sign in at a provider
    /// that is not said.
    #[must_use]
    pub fn challenge(&self) -> Option<&'static str> {
        match (&self.sign_in, &self.passwords) {
            (Some(_), _) => Some(r#"Bearer realm="spoor""#),
            (None, Some(_)) => Some(r#"Basic realm="spoor", charset="UTF-8""#),
            (None, None) => None,
        }
    }

    /// Whether the browser's connection is encrypted: with us, or with a proxy that is trusted and says so.
    #[must_use]
    pub fn is_tls(&self, headers: &HeaderMap, seen: Seen<'_>) -> bool {
        let says = headers.get(FORWARDED_PROTO).map(HeaderValue::as_bytes) == Some(b"https");
        let is_proxy = |proxy: &Arc<Proxy>| proxy.is_trusted(seen.addr, seen.names);
        seen.tls || (says && self.proxy.as_ref().is_some_and(is_proxy))
    }

    /// Asks the provider what it has to know of it, until `shutdown`.
    pub async fn keep(&self, shutdown: CancellationToken) {
        match &self.sign_in {
            Some(sign_in) => sign_in.keep(shutdown).await,
            None => shutdown.cancelled().await,
        }
    }

    /// Who a request of a browser or a tool comes from; `base_path` is what stands before every path.
    ///
    /// # Errors
    /// When what it shows proves nothing.
    pub async fn visitor(
        &self,
        parts: &Parts,
        seen: Seen<'_>,
        base_path: &str,
    ) -> Result<Entry, Unproved> {
        let forged = match self.caller(parts, seen).await {
            Ok(None) => None,
            Err(forged @ Unproved::Forged { .. }) => Some(forged),
            Ok(caller) => {
                return Ok(Entry {
                    caller,
                    ..Entry::default()
                });
            }
            Err(unproved) => return Err(unproved),
        };
        if let Some(sign_in) = &self.sign_in {
            let tls = self.is_tls(&parts.headers, seen);
            let proved = sign_in
                .session(parts, oidc::Seen { tls, base_path })
                .await?;
            if let Some(proved) = proved {
                return Ok(Entry {
                    caller: Some(proved.caller),
                    cookies: proved.cookies,
                });
            }
        }
        // nothing else proves who it is
        forged.map_or_else(|| Ok(Entry::default()), Err)
    }

    /// Who a request of a program comes from, which has no session; `None`: it shows nothing.
    ///
    /// # Errors
    /// When what it shows proves nothing.
    pub async fn caller(&self, parts: &Parts, seen: Seen<'_>) -> Result<Option<Caller>, Unproved> {
        let headers = &parts.headers;
        let said = self.proxy.as_ref();
        let said = said.map(|proxy| proxy.said(headers, seen.addr, seen.names));
        match said {
            Some(Said::Caller(caller)) => return Ok(Some(caller)),
            Some(Said::Malformed(header)) => return Err(Unproved::Header(header.to_string())),
            _ => {}
        }
        let authorization = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        if let (Some(passwords), Some(shown)) = (&self.passwords, authorization)
            && let Some(caller) = passwords.caller(shown).await?
        {
            return Ok(Some(caller));
        }
        if let Some(sign_in) = &self.sign_in
            && let Some(caller) = sign_in.token(parts).await?
        {
            return Ok(Some(caller));
        }
        match said {
            // nothing else proves who it is
            Some(Said::Forged) => Err(Unproved::Forged { peer: seen.addr }),
            _ => Ok(None),
        }
    }
}

/// Which ways there are; secrets stay inside.
impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("passwords", &self.passwords.is_some())
            .field("proxy", &self.proxy.is_some())
            .field("sign_in", &self.sign_in.is_some())
            .finish()
    }
}

// === impl Unproved ===

impl Unproved {
    /// The word that it is counted by.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Password(WrongPassword::Malformed) => "basic_malformed",
            Self::Password(WrongPassword::Wrong) => "wrong_password",
            Self::Password(WrongPassword::Busy) => "passwords_busy",
            Self::Token(refusal) => refusal.reason(),
            Self::Forged { .. } => "forged_headers",
            Self::Header(_) => "proxy_header_malformed",
        }
    }

    /// What it is over HTTP.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match (self, self.remedy()) {
            (Self::Token(refusal), _) => refusal.status(),
            (_, Remedy::Prove) => StatusCode::UNAUTHORIZED,
            (_, Remedy::None) => StatusCode::FORBIDDEN,
            (_, Remedy::Wait) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What it is over gRPC.
    #[must_use]
    pub fn grpc(&self) -> GrpcCode {
        match (self, self.remedy()) {
            (Self::Token(refusal), _) => refusal.grpc(),
            (_, Remedy::Prove) => GrpcCode::Unauthenticated,
            (_, Remedy::None) => GrpcCode::PermissionDenied,
            (_, Remedy::Wait) => GrpcCode::Unavailable,
        }
    }

    /// What whoever showed it can do.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Password(WrongPassword::Busy) => Remedy::Wait,
            Self::Password(_) => Remedy::Prove,
            Self::Token(refusal) => refusal.remedy(),
            Self::Forged { .. } | Self::Header(_) => Remedy::None,
        }
    }
}
