//! A proxy that signs people in and says who they are, in headers: oauth2-proxy, OpenShift's oauth-proxy.
//!
//! In: which peers are such proxies (`access.proxy.peers`), which headers they set; of a request its headers, its peer's address and certificate. Out: a caller, nobody, or that
//! somebody who is no such proxy says who it is. Whoever can reach the port could write the headers, so a peer that is not known by its address or its certificate is believed nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use trust::{Names, Pattern};

use crate::caller::{Caller, Way};

/// More than these are nobody's.
const MAX_GROUPS: usize = 1000;

/// Proxies that are believed.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// Who they are.
    pub peers: Vec<TrustedPeer>,
    /// Headers that hold a user's name; the first that is there counts.
    pub user: Vec<HeaderName>,
    /// The header that holds groups, with commas between them.
    pub groups: HeaderName,
}

/// A peer that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedPeer {
    /// By its address.
    Net(IpNet),
    /// By a name in its certificate.
    Certificate(Pattern),
}

/// Why a text is no peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no peer: give an address, a network such as 10.0.0.0/8, or certificate:NAME with a DNS name or URI in the proxy's certificate"
)]
pub struct InvalidPeer(String);

/// What the headers of a request are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// There are none.
    Nothing,
    /// Somebody who is believed says this.
    Caller(Caller),
    /// Somebody who is not believed says who it is.
    Forged,
    /// A header holds no text, or stands twice.
    Malformed(HeaderName),
}

// === impl Proxy ===

impl Proxy {
    /// Whether a peer is one of those that are believed.
    pub(crate) fn is_trusted(&self, addr: IpAddr, names: Option<Names<'_>>) -> bool {
        self.peers.iter().any(|peer| peer.is(addr, names))
    }

    pub(crate) fn said(&self, headers: &HeaderMap, addr: IpAddr, names: Option<Names<'_>>) -> Said {
        let Some(header) = self.user.iter().find(|name| headers.contains_key(*name)) else {
            return Said::Nothing;
        };
        if !self.is_trusted(addr, names) {
            return Said::Forged;
        }
        let mut users = headers.get_all(header).iter();
        let user = users.next().and_then(|value| value.to_str().ok());
        let user = user.map(str::trim).filter(|user| !user.is_empty());
        let (Some(user), None) = (user, users.next()) else {
            return Said::Malformed(header.clone());
        };
        let mut groups = BTreeSet::new();
        for value in headers.get_all(&self.groups) {
            let Ok(value) = value.to_str() else {
                return Said::Malformed(self.groups.clone());
            };
            let named = value.split(',').map(str::trim);
            groups.extend(named.filter(|group| !group.is_empty()).map(str::to_owned));
        }
        if groups.len() > MAX_GROUPS {
            return Said::Malformed(self.groups.clone());
        }
        Said::Caller(Caller {
            name: user.to_owned(),
            groups,
            way: Way::Proxy,
        })
    }
}

// === impl TrustedPeer ===

impl TrustedPeer {
    fn is(&self, addr: IpAddr, names: Option<Names<'_>>) -> bool {
        match self {
            // an address of version 4 is one, in whatever socket it came
            Self::Net(net) => net.contains(&addr.to_canonical()),
            Self::Certificate(pattern) => names.is_some_and(|names| pattern.fits(names)),
        }
    }
}

impl FromStr for TrustedPeer {
    type Err = InvalidPeer;

    fn from_str(text: &str) -> Result<Self, InvalidPeer> {
        let invalid = || InvalidPeer(text.to_owned());
        if let Some(name) = text.strip_prefix("certificate:") {
            return name.parse().map(Self::Certificate).map_err(|_| invalid());
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let net = bare
            .parse::<IpAddr>()
            .map(|addr| IpNet::from(addr.to_canonical()));
        let net = net.or_else(|_| text.parse::<IpNet>());
        net.map(Self::Net).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: HeaderName = HeaderName::from_static("x-forwarded-user");
    const EMAIL: HeaderName = HeaderName::from_static("x-forwarded-email");
    const GROUPS: HeaderName = HeaderName::from_static("x-forwarded-groups");

    fn proxy(peers: &[&str]) -> Proxy {
        Proxy {
            peers: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
            user: vec![EMAIL, USER],
            groups: GROUPS,
        }
    }

    fn headers(of: &[(HeaderName, &[u8])]) -> HeaderMap {
        let of = of
            .iter()
            .map(|(name, value)| (name.clone(), http::HeaderValue::from_bytes(value).unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in of {
            headers.append(name, value);
        }
        headers
    }

    #[track_caller]
    fn check(peers: &[&str], addr: &str, names: Option<Names<'_>>, trusted: bool) {
        let said = proxy(peers).said(&headers(&[(USER, b"a")]), addr.parse().unwrap(), names);
        match said {
            Said::Caller(_) => assert!(trusted, "{peers:?} {addr}"),
            other => assert!(
                !trusted && other == Said::Forged,
                "{peers:?} {addr} {other:?}"
            ),
        }
    }

    #[test]
    fn only_a_known_peer_is_believed() {
        check(&["127.0.0.1"], "127.0.0.1", None, true);
        check(&["127.0.0.1"], "::ffff:127.0.0.1", None, true);
        check(&["::ffff:127.0.0.1"], "127.0.0.1", None, true);
        check(&["127.0.0.1"], "127.0.0.2", None, false);
        check(&["10.0.0.0/8"], "10.255.0.1", None, true);
        check(&["10.0.0.0/8"], "11.0.0.1", None, false);
        check(&["[::1]"], "::1", None, true);
        check(&["fd00::/8"], "fd00::5", None, true);
        check(&[], "127.0.0.1", None, false);
        let dns = ["proxy.shop.svc".to_owned()];
        let names = Some(Names {
            dns: &dns,
            uris: &[],
        });
        check(&["certificate:proxy.shop.svc"], "9.9.9.9", names, true);
        check(&["certificate:proxy.shop.svc"], "9.9.9.9", None, false);
        check(&["certificate:other.shop.svc"], "9.9.9.9", names, false);
    }

    #[test]
    fn a_caller_has_a_name_and_groups() {
        let addr: IpAddr = "127.0.0.1".parse().unwrap();
        let said =
            |of: &[(HeaderName, &[u8])]| proxy(&["127.0.0.1"]).said(&headers(of), addr, None);
        assert_eq!(said(&[]), Said::Nothing);
        assert_eq!(said(&[(GROUPS, b"admins")]), Said::Nothing);
        let Said::Caller(caller) = said(&[(USER, b"a"), (EMAIL, b"a@b.c"), (GROUPS, b"x, y,,z")])
        else {
            panic!("no caller");
        };
        assert_eq!(caller.name, "a@b.c");
        assert_eq!(
            caller.groups.into_iter().collect::<Vec<_>>(),
            ["x", "y", "z"]
        );
        assert_eq!(said(&[(USER, b"a"), (USER, b"b")]), Said::Malformed(USER));
        assert_eq!(said(&[(USER, b" ")]), Said::Malformed(USER));
        assert_eq!(said(&[(USER, b"\xff")]), Said::Malformed(USER));
        assert_eq!(
            said(&[(USER, b"a"), (GROUPS, b"\xff")]),
            Said::Malformed(GROUPS)
        );
    }

    #[test]
    fn what_is_no_peer_is_told() {
        for text in [
            "",
            "localhost",
            "10.0.0.0/33",
            "certificate:*a*",
            "10.0.0",
            "certificate:",
        ] {
            assert!(text.parse::<TrustedPeer>().is_err(), "{text}");
        }
    }
}
