//! A proxy in front of a real store that fails as networks, proxies and stores fail, when a test says so.
//!
//! In: HTTP/1.1 on a port of 127.0.0.1, and rules that may change at any time. Out: the same requests to the store, less what a rule took away,
//! and its answers, bent by rules; what was sent is counted. Which requests a rule strikes follows from a seed. Bodies are read to their end
//! before anything is decided; there is no TLS and no HTTP/2.
//!
//! It runs on a thread of its own, so that a test may block.
//!
//! Source: the bulk API as Elasticsearch documents it, for the shape of bodies and answers.

mod bulk;
mod forward;
pub mod rules;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper_util::rt::TokioIo;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::forward::Upstream;
use self::rules::{Drawn, Rules};
pub use self::rules::{Fault, Rule};

/// A proxy. It is gone with this value.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

/// What a proxy saw and did since it started, or since [`FaultProxy::reset`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were opened.
    pub connections: u64,
    /// Requests that came, on all paths.
    pub requests: u64,
    /// Of them, those that were sent on.
    pub forwarded: u64,
    /// Bytes of the bodies that came, as they came.
    pub bytes: u64,
    /// Documents in the bulks that came.
    pub documents: u64,
    /// Of them, those that were sent on.
    pub documents_forwarded: u64,
    /// How often each rule struck, by its name: requests, or items where it strikes items.
    pub struck: BTreeMap<&'static str, u64>,
}

/// What connections and tests share.
#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    rules: Mutex<Rules>,
    counts: Mutex<Counts>,
    /// Connections that are open.
    open: AtomicU64,
}

// === impl FaultProxy ===

impl FaultProxy {
    /// In front of the store on `port` of 127.0.0.1, without rules.
    pub fn start(port: u16, seed: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream: (Ipv4Addr::LOCALHOST, port).into(),
            rules: Mutex::new(Rules::new(seed)),
            counts: Mutex::default(),
            open: AtomicU64::new(0),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let accepting = shared.clone();
        runtime.spawn(async move {
            // without a listener every client is refused, which a test sees
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                accept(listener, accepting).await;
            }
        });
        Ok(Self {
            address,
            shared,
            runtime: Some(runtime),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://address`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From the next request on these rules hold and no others; each draws from the beginning of its numbers. A request meets all of them
    /// in this order, until one answers or cuts.
    pub fn set(&self, rules: impl IntoIterator<Item = Rule>) {
        lock(&self.shared.rules).set(rules);
    }

    /// Lets everything through.
    pub fn clear(&self) {
        self.set([]);
    }

    /// What it saw and did.
    pub fn counts(&self) -> Counts {
        lock(&self.shared.counts).clone()
    }

    /// Connections that are open now.
    pub fn open(&self) -> u64 {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Begins to count again.
    pub fn reset(&self) {
        *lock(&self.shared.counts) = Counts::default();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // a test may be async, where waiting for threads is not allowed
            runtime.shutdown_background();
        }
    }
}

// === impl Counts ===

impl Counts {
    /// How often the rule of this name struck.
    pub fn of(&self, rule: &str) -> u64 {
        self.struck.get(rule).copied().unwrap_or_default()
    }
}

// === impl Shared ===

impl Shared {
    fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut lock(&self.counts));
    }

    fn draw(&self, path: &str, inflated: usize, items: usize) -> Vec<Drawn> {
        let drawn = lock(&self.rules).draw(path, inflated, items);
        self.count(|counts| {
            for Drawn { name, struck, .. } in &drawn {
                *counts.struck.entry(*name).or_default() += struck;
            }
        });
        drawn
    }
}

async fn accept(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else { continue };
        shared.count(|counts| counts.connections += 1);
        shared.open.fetch_add(1, Ordering::Relaxed);
        let open = shared.clone();
        let upstream = Arc::new(tokio::sync::Mutex::new(Upstream::new(shared.clone())));
        let service = hyper::service::service_fn(move |request| {
            let upstream = upstream.clone();
            // an error closes the connection without an answer
            async move { upstream.lock().await.answer(request).await }
        });
        connections.spawn(async move {
            let serving = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            drop(serving.await);
            open.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
