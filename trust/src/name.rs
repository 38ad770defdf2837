//! The names that a certificate is good for.
//!
//! In: the instance, this machine, the hosts of listeners, what an operator adds. Out: DNS names and addresses, sorted. Services of Kubernetes are
//! called by a short name, with the namespace, and in full; a headless service by all of these too.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use model::Instance;

use crate::kind::Kind;

/// What a client may call a server by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A host, perhaps with `*` as its first label.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is neither an address nor a host name of letters, digits, hyphens and dots, such as traces.example.org, *.example.org or 10.0.0.7"
)]
pub struct InvalidName(String);

/// A host name is at most this long, a label of it 63.
const MOST_CHARACTERS: usize = 253;

/// The names of the servers of `instance` wherever they run: this machine's loopback, and its services in a cluster.
#[must_use]
pub fn names_of(instance: &Instance) -> BTreeSet<Name> {
    Kind::Server.names(instance)
}

// === impl Name ===

impl Name {
    /// It is that of a service in another namespace: whoever has its key could pass for that one.
    pub(crate) fn is_of_another(&self, namespace: &str) -> bool {
        let Self::Dns(name) = self else { return false };
        let service = name
            .strip_suffix(".svc.cluster.local")
            .or_else(|| name.strip_suffix(".svc"));
        service
            .and_then(|service| service.rsplit_once('.'))
            .is_some_and(|(_, its)| its != namespace)
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(ip) = bare.parse() {
            return Ok(Self::Ip(ip));
        }
        let lower = text.trim_end_matches('.').to_ascii_lowercase();
        let host = lower.strip_prefix("*.").unwrap_or(&lower);
        let is_label = |label: &str| {
            let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            (1..=63).contains(&label.len())
                && label.bytes().all(inner)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // an address that is wrong is no host name
        let is_number = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if lower.len() <= MOST_CHARACTERS && host.split('.').all(is_label) && !is_number {
            Ok(Self::Dns(lower))
        } else {
            Err(InvalidName(text.to_owned()))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_called_by_all_its_services_in_all_lengths() {
        let names = names_of(&Instance::new("prod", "jaeger").unwrap());
        let texts: Vec<String> = names.iter().map(ToString::to_string).collect();
        for name in [
            "localhost",
            "127.0.0.1",
            "::1",
            "jaeger",
            "jaeger-collector",
            "jaeger-collector.prod",
            "jaeger-collector.prod.svc",
            "jaeger-collector.prod.svc.cluster.local",
            "jaeger-collector-headless.prod.svc",
            "jaeger-query.prod.svc.cluster.local",
            "jaeger-agent.prod.svc",
        ] {
            assert!(texts.iter().any(|t| t == name), "no {name} in {texts:?}");
        }
    }

    #[test]
    fn only_addresses_and_host_names_are_names() {
        for (text, shown) in [
            ("Traces.Example.ORG.", "traces.example.org"),
            ("*.example.org", "*.example.org"),
            ("10.0.0.7", "10.0.0.7"),
            ("[fd00::7]", "fd00::7"),
            ("my_host", "my_host"),
        ] {
            assert_eq!(text.parse::<Name>().unwrap().to_string(), shown);
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            ".",
            "a..b",
            "a b",
            "-a",
            "a-",
            "*",
            "a.*.b",
            "10.0.0",
            "10.0.0.256",
            "ü",
            &long,
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
