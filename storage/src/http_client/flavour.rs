//! What kind of server a cluster is, where that makes a difference.
//!
//! In: `version`, or what the server says of itself. Out: a [`Flavour`]. `GET /` may be closed to us, or not be there; then the nodes are asked for their version.
//!
//! Source: `jaegertracing/jaeger: internal/storage/elasticsearch/config` v1.76.0, which reads one digit.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::{Client, Error, Request};

/// How long an answer is good for: clusters are upgraded under us.
const FRESH: Duration = Duration::from_secs(3600);
/// The oldest that is spoken to.
const OLDEST: u8 = 6;

/// Who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    /// Elasticsearch.
    Elasticsearch,
    /// OpenSearch.
    OpenSearch,
}

/// What kind of server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flavour {
    /// Who made it.
    pub(crate) product: Product,
    /// Its major version, by its own count: OpenSearch's begins anew.
    pub(crate) major: u8,
}

/// What is known.
pub(super) struct Known {
    set: Option<Flavour>,
    asked: Mutex<Option<(Instant, Flavour)>>,
}

// === impl Flavour ===

impl Flavour {
    /// Whether every document has a type, which has to be named.
    pub(crate) fn has_types(self) -> bool {
        self.product == Product::Elasticsearch && self.major < 7
    }
}

// === impl Known ===

impl Known {
    /// `version` as it was set; 0: ask.
    pub(super) fn new(version: u8) -> Self {
        let set = (version > 0).then_some(Flavour {
            product: Product::Elasticsearch,
            major: version,
        });
        Self {
            set,
            asked: Mutex::new(None),
        }
    }

    pub(super) async fn of(&self, client: &Client) -> Result<Flavour, Error> {
        if let Some(set) = self.set {
            return Ok(set);
        }
        let known = *self.asked.lock();
        if let Some((at, flavour)) = known
            && at.elapsed() < FRESH
        {
            return Ok(flavour);
        }
        match ask(client).await {
            Ok(flavour) => {
                *self.asked.lock() = Some((Instant::now(), flavour));
                Ok(flavour)
            }
            // what was known is better than nothing while the cluster is away
            Err(error) => known.map(|(_, flavour)| flavour).ok_or(error),
        }
    }
}

async fn ask(client: &Client) -> Result<Flavour, Error> {
    let root = client.send(&Request::get(&[])).await?;
    let json = root.json();
    if let Some(number) = json.pointer("/version/number").and_then(|n| n.as_str()) {
        let tagline = json.get("tagline").and_then(|t| t.as_str());
        let distribution = json
            .pointer("/version/distribution")
            .and_then(|d| d.as_str());
        let is_open = distribution == Some("opensearch")
            || tagline.is_some_and(|tagline| tagline.contains("OpenSearch"));
        return flavour(number, is_open, client);
    }
    // not there, or not for us
    let product = root.product.clone();
    let nodes = Request::get(&["_nodes", "_local"]).query("filter_path", "nodes.*.version,nodes.*.build_type,nodes.*.build_flavor,nodes.*.build_hash,nodes.*.settings.node,nodes.*.plugins.classname,nodes.*.modules.classname");
    let nodes = client.send(&nodes).await?;
    let json = nodes.json();
    let node = json.get("nodes").and_then(|nodes| nodes.as_object());
    let node = node.and_then(|nodes| nodes.values().next());
    let number = node.and_then(|node| node.get("version")?.as_str());
    if let (Some(node), Some(number)) = (node, number) {
        let product = product.or(nodes.product);
        let is_open = product.as_deref() != Some("Elasticsearch")
            && node.to_string().contains("org.opensearch");
        return flavour(number, is_open, client);
    }
    let why = |status: u16, at: &str| format!("{at} answered {status}");
    let said = format!(
        "{} does not say which version it is ({}, {}): give its major version with {}.version, 7 for OpenSearch",
        client.shown(),
        why(root.status, "GET /"),
        why(nodes.status, "GET /_nodes/_local"),
        client.settings().settings
    );
    Err(match (root.status, nodes.status) {
        (429 | 500.., _) | (_, 429 | 500..) => Error::Busy(said),
        _ => Error::Denied(said),
    })
}

fn flavour(number: &str, is_open: bool, client: &Client) -> Result<Flavour, Error> {
    let major = number
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    let product = if is_open {
        Product::OpenSearch
    } else {
        Product::Elasticsearch
    };
    match major {
        Some(major) if is_open || major >= OLDEST => Ok(Flavour { product, major }),
        _ => Err(Error::Denied(format!(
            "{} is version \"{number}\": Elasticsearch {OLDEST} and later and OpenSearch are spoken to",
            client.shown()
        ))),
    }
}
