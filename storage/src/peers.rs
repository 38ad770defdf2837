//! The addresses of a server that is called over gRPC, and a connection to each.
//!
//! In: host names and ports. Out: the next connection in turn. A headless service has an address for each of its pods, so names are looked up again
//! now and then, and after each failure; who is gone is forgotten, who is new gets its share. Certificates and authorities that change make all connections anew: what is under way on
//! the old ones ends there.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use settings::{Host, HostPort};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};
use trust::{Changes, Dialer};

use crate::causes;

/// How long a look-up is good for.
const FRESH: Duration = Duration::from_secs(30);
/// How soon after the one before a failure leads to another.
const SOONEST: Duration = Duration::from_secs(1);
/// Addresses of all names together.
const MOST_PEERS: usize = 64;

/// One address of the server.
pub(crate) struct Peer {
    host: String,
    address: SocketAddr,
    pub(crate) channel: Channel,
    /// What calls are addressed to.
    pub(crate) origin: Uri,
}

/// All of them.
pub(crate) struct Peers {
    shared: Arc<Shared>,
    turn: AtomicUsize,
    /// Looking names up, which no call waits for that has an address already.
    tracker: TaskTracker,
}

struct Shared {
    targets: Vec<HostPort>,
    dialer: Arc<Dialer>,
    changes: Changes,
    known: Mutex<Known>,
    /// A look-up has ended.
    looked: Notify,
}

#[derive(Default)]
struct Known {
    peers: Vec<Arc<Peer>>,
    /// When the last look-up began.
    looked_up: Option<Instant>,
    /// One is under way: a resolver may take its time, and is asked once.
    looking: bool,
    /// Why the look-up found nothing.
    failed: Option<String>,
    /// A call failed since.
    doubtful: bool,
}

// === impl Peers ===

impl Peers {
    pub(crate) fn new(targets: Vec<HostPort>, dialer: Dialer) -> Self {
        let dialer = Arc::new(dialer);
        Self {
            shared: Arc::new(Shared {
                targets,
                changes: Changes::of(dialer.clone()),
                dialer,
                known: Mutex::default(),
                looked: Notify::new(),
            }),
            turn: AtomicUsize::new(0),
            tracker: TaskTracker::new(),
        }
    }

    /// The next in turn; an error when no name has an address. Waits only while none was ever found.
    pub(crate) async fn next(&self) -> Result<Arc<Peer>, String> {
        if self.shared.changes.are_there().await {
            self.shared.renew();
        }
        loop {
            let looked = self.shared.looked.notified();
            if self.shared.begins_to_look() {
                let shared = self.shared.clone();
                self.tracker.spawn(async move { shared.look_up().await });
            }
            {
                let known = self.shared.known.lock();
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                if let Some(peer) = known.peers.get(turn % known.peers.len().max(1)) {
                    return Ok(peer.clone());
                }
                if !known.looking {
                    return Err(known.failed.clone().unwrap_or_default());
                }
            }
            looked.await;
        }
    }

    /// A call failed: addresses may have changed.
    pub(crate) fn doubt(&self) {
        self.shared.known.lock().doubtful = true;
    }

    /// For messages.
    pub(crate) fn shown(&self) -> String {
        let targets = self.shared.targets.iter();
        let shown: Vec<String> = targets.map(ToString::to_string).collect();
        shown.join(",")
    }
}

// === impl Shared ===

impl Shared {
    /// Whether it is time for a look-up, and none is under way; from now on one is.
    fn begins_to_look(&self) -> bool {
        let mut known = self.known.lock();
        let soonest = if known.doubtful { SOONEST } else { FRESH };
        let is_stale = known.looked_up.is_none_or(|at| at.elapsed() >= soonest);
        let begins = is_stale && !known.looking;
        if begins {
            known.looking = true;
            known.looked_up = Some(Instant::now());
            known.doubtful = false;
        }
        begins
    }

    /// Finds out the addresses. What was known stays when no name answers.
    async fn look_up(&self) {
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
        let mut peers = Vec::with_capacity(found.len());
        for (host, address) in found {
            let there = known.peers.iter().find(|peer| peer.address == address);
            match there
                .cloned()
                .map_or_else(|| self.peer(host, address).map(Arc::new), Ok)
            {
                Ok(peer) => peers.push(peer),
                Err(error) => failed = Some(error),
            }
        }
        if !peers.is_empty() {
            known.peers = peers;
        }
        known.failed = failed.or_else(|| Some("no name has an address".to_owned()));
        known.looking = false;
        drop(known);
        self.looked.notify_waiters();
    }

    /// Nobody is called any more on a connection that is open.
    fn renew(&self) {
        let mut known = self.known.lock();
        for peer in &mut known.peers {
            // of one that was made already another can be made
            if let Ok(anew) = self.peer(peer.host.clone(), peer.address) {
                *peer = Arc::new(anew);
            }
        }
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
        let (dialer, called) = (self.dialer.clone(), host.clone());
        let connector = tower::service_fn(move |_: Uri| {
            let (dialer, host) = (dialer.clone(), called.clone());
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
            host,
            address,
            channel,
            origin,
        })
    }
}

/// A status with all that lies behind it: tonic's own words say nothing of what went wrong.
pub(crate) fn explain(status: &Status) -> String {
    let said = causes::joined(status.message(), status.source());
    if said.is_empty() {
        return format!("{:?}", status.code());
    }
    said
}
