//! The collector's addresses, and a connection to each.
//!
//! In: host names and ports. Out: the next connection in turn. A headless service has an address for each of its pods, so names are looked up again
//! now and then, and after each failure; who is gone is forgotten, who is new gets its share.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use settings::{Host, HostPort};
use tokio::time::Instant;
use tonic::Status;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};
use trust::Dialer;

/// How long a look-up is good for.
const FRESH: Duration = Duration::from_secs(30);
/// How soon after the one before a failure leads to another.
const SOONEST: Duration = Duration::from_secs(1);
/// Addresses of all names together.
const MOST_PEERS: usize = 64;

/// One address of the collector.
pub(super) struct Peer {
    address: SocketAddr,
    pub(super) channel: Channel,
    /// What calls are addressed to.
    pub(super) origin: Uri,
}

/// All of them.
pub(super) struct Peers {
    targets: Vec<HostPort>,
    dialer: Arc<Dialer>,
    known: Mutex<Known>,
    turn: AtomicUsize,
}

#[derive(Default)]
struct Known {
    peers: Vec<Arc<Peer>>,
    looked_up: Option<Instant>,
    /// Why the look-up found nothing.
    failed: Option<String>,
    /// A call failed since.
    doubtful: bool,
}

// === impl Peers ===

impl Peers {
    pub(super) fn new(targets: Vec<HostPort>, dialer: Dialer) -> Self {
        Self {
            targets,
            dialer: Arc::new(dialer),
            known: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// The next in turn; an error when no name has an address.
    pub(super) async fn next(&self) -> Result<Arc<Peer>, String> {
        if self.is_stale() {
            self.look_up().await?;
        }
        let known = self.known.lock();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = known.peers.len().max(1);
        let peer = known.peers.get(turn % count).cloned();
        peer.ok_or_else(|| known.failed.clone().unwrap_or_default())
    }

    /// A call failed: addresses may have changed.
    pub(super) fn doubt(&self) {
        self.known.lock().doubtful = true;
    }

    /// For messages.
    pub(super) fn shown(&self) -> String {
        let shown: Vec<String> = self.targets.iter().map(ToString::to_string).collect();
        shown.join(",")
    }

    fn is_stale(&self) -> bool {
        let known = self.known.lock();
        match known.looked_up {
            None => true,
            Some(at) => at.elapsed() >= if known.doubtful { SOONEST } else { FRESH },
        }
    }

    /// Finds out the addresses. What was known stays when no name answers.
    async fn look_up(&self) -> Result<(), String> {
        let mut found = Vec::new();
        let mut failed = None;
        for target in &self.targets {
            let host = match &target.host {
                Host::Name(name) => name.clone(),
                Host::Ip(ip) => ip.to_string(),
                Host::Any => "localhost".to_owned(),
            };
            match tokio::net::lookup_host((host.as_str(), target.port)).await {
                Ok(addresses) => found.extend(addresses.map(|address| (host.clone(), address))),
                Err(error) => failed = Some(format!("cannot look up {host}: {error}")),
            }
        }
        found.truncate(MOST_PEERS);
        let mut known = self.known.lock();
        known.looked_up = Some(Instant::now());
        known.doubtful = false;
        known.failed = failed;
        if found.is_empty() {
            return Ok(());
        }
        let mut peers = Vec::with_capacity(found.len());
        for (host, address) in found {
            let there = known.peers.iter().find(|peer| peer.address == address);
            peers.push(match there {
                Some(peer) => peer.clone(),
                None => Arc::new(self.peer(host, address)?),
            });
        }
        known.peers = peers;
        Ok(())
    }

    /// Connects when it is first used, and anew when the connection is gone.
    fn peer(&self, host: String, address: SocketAddr) -> Result<Peer, String> {
        let port = address.port();
        let shown = match host.parse::<std::net::Ipv6Addr>() {
            Ok(ip) => format!("[{ip}]:{port}"),
            Err(_) => format!("{host}:{port}"),
        };
        let scheme = if self.dialer.is_tls() {
            "https"
        } else {
            "http"
        };
        let origin: Uri = format!("{scheme}://{shown}")
            .parse()
            .map_err(|error| format!("{shown} is no address: {error}"))?;
        let dialer = self.dialer.clone();
        let connector = tower::service_fn(move |_: Uri| {
            let (dialer, host) = (dialer.clone(), host.clone());
            async move { dialer.dial(&host, address).await.map(TokioIo::new) }
        });
        // the connector speaks TLS itself, so tonic must not be asked to: the scheme is of the requests alone
        let channel = Endpoint::from_shared(format!("http://{shown}"))
            .map_err(|error| format!("{shown} is no address: {error}"))?
            .origin(origin.clone())
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_while_idle(false)
            .connect_with_connector_lazy(connector);
        Ok(Peer {
            address,
            channel,
            origin,
        })
    }
}

/// A status with all that lies behind it: tonic's own words say nothing of what went wrong.
pub(super) fn explain(status: &Status) -> String {
    let mut said = status.message().to_owned();
    let mut cause = status.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !said.contains(&text) {
            said = if said.is_empty() {
                text
            } else {
                format!("{said}: {text}")
            };
        }
        cause = inner.source();
    }
    if said.is_empty() {
        return format!("{:?}", status.code());
    }
    said
}
