//! What a certificate is for.
//!
//! In: a kind and an instance. Out: the folder's ending, the names it must hold, its subject and its uses. A server's certificate may be shown as a client too; a node of a cluster
//! is both to its neighbours; a client's cannot serve.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use model::Instance;
use rcgen::ExtendedKeyUsagePurpose;

use crate::name::Name;

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The collector and the query service of an instance.
    Server,
    /// The nodes of its Elasticsearch or OpenSearch.
    Node,
    /// What it shows to them, or whoever sends it spans.
    Client,
}

/// Why a word is no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is none of server, node, client")]
pub struct InvalidKind(String);

/// What Jaeger's services are called after the instance's name; the empty one is the instance itself.
const SERVICES: [&str; 6] = [
    "",
    "-agent",
    "-collector",
    "-collector-headless",
    "-query",
    "-query-headless",
];

/// The same of a cluster that is the instance's own, or that has a name of its own.
const NODES: [&str; 6] = [
    "",
    "-headless",
    "-elasticsearch",
    "-elasticsearch-headless",
    "-opensearch",
    "-opensearch-headless",
];

/// What may stand behind a service and its namespace.
const ENDINGS: [&str; 3] = ["", ".svc", ".svc.cluster.local"];

// === impl Kind ===

impl Kind {
    /// All.
    pub const ALL: [Self; 3] = [Self::Server, Self::Node, Self::Client];

    /// What a folder's name has behind the instance's.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Server => "",
            Self::Node => ".node",
            Self::Client => ".client",
        }
    }

    /// The instance's name in that of a folder, and the kind.
    pub(crate) fn of_folder(folder: &str) -> (&str, Self) {
        let ends = |kind: Self| Some((folder.strip_suffix(kind.ending())?, kind));
        ends(Self::Node)
            .or_else(|| ends(Self::Client))
            .unwrap_or((folder, Self::Server))
    }

    /// What it must hold wherever it is used: services in a cluster in all lengths, and this machine's loopback where something listens.
    #[must_use]
    pub fn names(self, instance: &Instance) -> BTreeSet<Name> {
        let services: &[&str] = match self {
            Self::Server => &SERVICES,
            Self::Node => &NODES,
            Self::Client => return client(instance),
        };
        let namespace = instance.namespace();
        let mut texts = Vec::new();
        for service in services {
            let short = format!("{}{service}", instance.name());
            for ending in ENDINGS {
                texts.push(format!("{short}.{namespace}{ending}"));
                // each node has a name below that of the headless service
                if self == Self::Node && service.ends_with("-headless") {
                    texts.push(format!("*.{short}.{namespace}{ending}"));
                }
            }
            texts.push(short);
        }
        // of a long name some are too long to be a service's
        let mut names: BTreeSet<Name> = texts.iter().filter_map(|name| name.parse().ok()).collect();
        names.insert(Name::Dns("localhost".to_owned()));
        names.insert(Name::Ip(Ipv4Addr::LOCALHOST.into()));
        names.insert(Name::Ip(Ipv6Addr::LOCALHOST.into()));
        names
    }

    /// The common name; of what is no server's also the unit, so that a cluster can tell its nodes from their clients.
    pub(crate) fn subject(self, instance: &Instance) -> (String, Option<&'static str>) {
        let common = format!("{}.{}", instance.name(), instance.namespace());
        let unit = match self {
            Self::Server => None,
            Self::Node => Some("node"),
            Self::Client => Some("client"),
        };
        (short(&common), unit)
    }

    pub(crate) fn uses(self) -> Vec<ExtendedKeyUsagePurpose> {
        match self {
            Self::Server | Self::Node => vec![
                ExtendedKeyUsagePurpose::ServerAuth,
                ExtendedKeyUsagePurpose::ClientAuth,
            ],
            Self::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        }
    }
}

/// A common name: longer ones are refused by some clients.
pub(crate) fn short(common: &str) -> String {
    common.chars().take(64).collect()
}

/// By these the other side knows it: see `instance.by-certificate`.
fn client(instance: &Instance) -> BTreeSet<Name> {
    let (name, namespace) = (instance.name(), instance.namespace());
    ENDINGS
        .iter()
        .filter_map(|ending| format!("{name}.{namespace}{ending}").parse().ok())
        .collect()
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "server",
            Self::Node => "node",
            Self::Client => "client",
        })
    }
}

impl FromStr for Kind {
    type Err = InvalidKind;

    fn from_str(text: &str) -> Result<Self, InvalidKind> {
        let kind = Self::ALL.into_iter().find(|kind| kind.to_string() == text);
        kind.ok_or_else(|| InvalidKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_says_whose_it_is_and_what_for() {
        let instance = Instance::new("prod", "jaeger").unwrap();
        for kind in Kind::ALL {
            let folder = format!("jaeger{}", kind.ending());
            assert_eq!(Kind::of_folder(&folder), ("jaeger", kind));
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert!(!kind.names(&instance).is_empty());
        }
        assert!("servers".parse::<Kind>().is_err());
        // and is none of an instance's
        assert!(Instance::new("prod", "jaeger.client").is_err());
    }

    #[test]
    fn nodes_are_called_by_service_and_one_by_one_and_clients_by_no_loopback() {
        let instance = Instance::new("prod", "jaeger").unwrap();
        let texts = |kind: Kind| -> Vec<String> {
            let names = kind.names(&instance);
            names.iter().map(ToString::to_string).collect()
        };
        let nodes = texts(Kind::Node);
        for name in [
            "localhost",
            "::1",
            "jaeger-elasticsearch",
            "jaeger-elasticsearch.prod",
            "jaeger-opensearch.prod.svc",
            "jaeger-elasticsearch-headless.prod.svc.cluster.local",
            "*.jaeger-elasticsearch-headless.prod.svc",
            "jaeger.prod.svc",
        ] {
            assert!(nodes.iter().any(|n| n == name), "no {name} in {nodes:?}");
        }
        assert_eq!(
            texts(Kind::Client),
            [
                "jaeger.prod",
                "jaeger.prod.svc",
                "jaeger.prod.svc.cluster.local"
            ]
        );
    }
}
