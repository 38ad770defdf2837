//! Who signed in, as a cookie keeps it.
//!
//! In: an identity, and until when it holds. Out: bytes to be sealed, and back. Keys of the provider are no part of it: it holds when they change.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::claims::Identity;
use crate::{Caller, Way};

/// A session is renewed when this much of it is left, or a quarter, in seconds.
const MARGIN: u64 = 60;

/// A session. Times are seconds since 1970.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) identity: Identity,
    /// From then on the provider is asked for a renewal.
    pub(super) renew_at: u64,
    /// From then on it is over, unless it is renewed.
    pub(super) expires: u64,
    /// From then on it is over.
    pub(super) ends: u64,
    /// What a renewal is asked for with.
    pub(super) refresh: Option<SecretString>,
}

/// Short names: cookies are small.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    s: Cow<'a, str>,
    n: Cow<'a, str>,
    g: Cow<'a, BTreeSet<String>>,
    w: u64,
    x: u64,
    e: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    r: Option<Cow<'a, str>>,
}

// === impl Session ===

impl Session {
    /// One that the provider vouches for until `expires`, from `now` on; over after `ends` in any case.
    pub(super) fn new(
        identity: Identity,
        refresh: Option<SecretString>,
        now: u64,
        expires: u64,
        ends: u64,
    ) -> Self {
        let expires = expires.min(ends);
        let margin = MARGIN.min(expires.saturating_sub(now) / 4);
        Self {
            identity,
            renew_at: expires - margin,
            expires,
            ends,
            refresh,
        }
    }

    pub(super) fn caller(&self) -> Caller {
        Caller {
            name: self.identity.name.clone(),
            groups: self.identity.groups.clone(),
            way: Way::Session,
        }
    }

    /// For how long a browser keeps it, at `now`: as long as it may be renewed.
    pub(super) fn lasts(&self, now: u64) -> Duration {
        let until = match self.refresh {
            Some(_) => self.ends,
            None => self.expires,
        };
        Duration::from_secs(until.saturating_sub(now))
    }

    /// The bytes that are sealed, with or without what a renewal needs.
    pub(super) fn encode(&self, with_refresh: bool) -> Zeroizing<Vec<u8>> {
        let refresh = self.refresh.as_ref().filter(|_| with_refresh);
        let written = Written {
            s: Cow::Borrowed(&self.identity.subject),
            n: Cow::Borrowed(&self.identity.name),
            g: Cow::Borrowed(&self.identity.groups),
            w: self.renew_at,
            x: self.expires,
            e: self.ends,
            r: refresh.map(|token| Cow::Borrowed(token.expose_secret())),
        };
        // text and numbers can always be written
        Zeroizing::new(serde_json::to_vec(&written).unwrap_or_default())
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let written: Written<'_> = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            identity: Identity {
                subject: written.s.into_owned(),
                name: written.n.into_owned(),
                groups: written.g.into_owned(),
            },
            renew_at: written.w,
            expires: written.x,
            ends: written.e,
            refresh: written
                .r
                .map(|token| SecretString::from(token.into_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(refresh: Option<&str>) -> Session {
        let identity = Identity {
            subject: "7".to_owned(),
            name: "ann".to_owned(),
            groups: ["a", "b"].map(str::to_owned).into(),
        };
        Session::new(identity, refresh.map(SecretString::from), 1000, 1400, 5000)
    }

    #[test]
    fn a_session_comes_back_as_it_was() {
        for refresh in [None, Some("token")] {
            let one = session(refresh);
            let back = Session::decode(&one.encode(true)).unwrap();
            assert!(back.identity == one.identity);
            let token = back.refresh.as_ref().map(SecretString::expose_secret);
            assert_eq!(token, refresh);
            let times = |s: &Session| (s.renew_at, s.expires, s.ends);
            assert_eq!(times(&back), (1340, 1400, 5000));
            let without = Session::decode(&one.encode(false)).unwrap();
            assert!(without.refresh.is_none());
        }
        assert!(Session::decode(b"").is_none());
    }

    #[test]
    fn a_browser_keeps_it_for_as_long_as_it_may_be_renewed() {
        assert_eq!(session(None).lasts(1000).as_secs(), 400);
        assert_eq!(session(Some("t")).lasts(1000).as_secs(), 4000);
        assert_eq!(session(None).lasts(9000).as_secs(), 0);
    }

    #[test]
    fn a_short_one_is_not_renewed_at_once_and_a_long_one_ends() {
        let identity = session(None).identity;
        let short = Session::new(identity.clone(), None, 1000, 1040, 5000);
        assert_eq!((short.renew_at, short.expires), (1030, 1040));
        let long = Session::new(identity.clone(), None, 1000, 9000, 5000);
        assert_eq!((long.renew_at, long.expires), (4940, 5000));
        let over = Session::new(identity, None, 1000, 900, 5000);
        assert_eq!((over.renew_at, over.expires), (900, 900));
    }
}
