//! Who a request comes from: every way of proving it, in one place.
//!
//! In: the headers of a request and what its connection shows. Out: a caller; nobody, when nothing was shown; or a refusal, when what was shown proves nothing. A
//! way that is not set up is not looked at, so that a token which is meant for a store goes by. What a trusted proxy says comes before what it hands on.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use trust::Names;

use crate::basic::{Passwords, WrongPassword};
use crate::caller::Caller;
use crate::proxy::{Proxy, Said};

/// The ways. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Door {
    passwords: Option<Arc<Passwords>>,
    proxy: Option<Arc<Proxy>>,
}

/// What the connection of a request shows.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Where it comes from.
    pub addr: IpAddr,
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

    /// Whether there is any way.
    #[must_use]
    pub fn has_ways(&self) -> bool {
        self.passwords.is_some() || self.proxy.is_some()
    }

    /// What a client without a browser is told to show, for `WWW-Authenticate`.
    #[must_use]
    pub fn challenge(&self) -> Option<&'static str> {
        self.passwords
            .is_some()
            .then_some(r#"Basic realm="spoor", charset="UTF-8""#)
    }

    /// Who a request comes from; `None`: it shows nothing.
    ///
    /// # Errors
    /// When what it shows proves nothing.
    pub async fn caller(
        &self,
        headers: &HeaderMap,
        seen: Seen<'_>,
    ) -> Result<Option<Caller>, Unproved> {
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
        match said {
            // nothing else proves who it is
            Some(Said::Forged) => Err(Unproved::Forged { peer: seen.addr }),
            _ => Ok(None),
        }
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
            Self::Forged { .. } => "forged_headers",
            Self::Header(_) => "proxy_header_malformed",
        }
    }

    /// What whoever showed it can do.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Password(WrongPassword::Busy) => Remedy::Wait,
            Self::Password(_) => Remedy::Prove,
            Self::Forged { .. } | Self::Header(_) => Remedy::None,
        }
    }
}
