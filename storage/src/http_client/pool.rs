//! Open connections, and when they may not be used again.
//!
//! In: the TLS settings. Out: an HTTP client, whose connections were all made with what stands in the files now. Files are compared twice a second while there is something to
//! send: when one has changed, new connections are opened from then on; what is under way on old ones ends there, and then they close.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection as Connects};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use settings::tls::ClientTls;
use trust::{Changes, Dialer, Stream};

use crate::elasticsearch::config::Connection;

/// How long a connection may lie unused. Less than what load balancers grant, so that ours is not the request that finds it closed.
const IDLE: Duration = Duration::from_secs(55);
/// Unused connections to one node.
const MOST_IDLE: usize = 8;

pub(super) type Http = hyper_util::client::legacy::Client<Connector, Full<Bytes>>;

pub(super) struct Pool {
    /// Some node is called over TLS, or the settings say how one would be: else there are no files to compare.
    uses_tls: bool,
    connector: Connector,
    current: ArcSwap<Http>,
    changes: Changes,
}

/// Opens connections to whatever host a URL names.
#[derive(Clone)]
pub(super) struct Connector {
    plaintext: Arc<Dialer>,
    tls: Arc<Dialer>,
}

/// An open connection.
pub(super) struct Open(TokioIo<Stream>);

// === impl Pool ===

impl Pool {
    pub(super) fn new(settings: &Connection) -> Self {
        let connector = Connector {
            plaintext: Arc::new(Dialer::plaintext()),
            tls: Arc::new(dialer(settings, tls(settings))),
        };
        let calls_https = |url: &String| url.trim().starts_with("https:");
        Self {
            uses_tls: settings.tls.is_some()
                || settings.sniffer_tls
                || settings.urls.iter().any(calls_https),
            current: ArcSwap::from_pointee(http(connector.clone())),
            changes: Changes::of(connector.tls.clone()),
            connector,
        }
    }

    pub(super) fn check_files(&self) -> Result<(), String> {
        if !self.uses_tls {
            return Ok(());
        }
        self.connector
            .tls
            .check()
            .map_err(|error| error.to_string())
    }

    /// The client to use now.
    pub(super) async fn current(&self) -> Arc<Http> {
        if self.uses_tls && self.changes.are_there().await {
            self.current.store(Arc::new(http(self.connector.clone())));
        }
        self.current.load_full()
    }
}

/// The TLS block of the settings, or that of who names no authority.
pub(crate) fn tls(settings: &Connection) -> ClientTls {
    let system = || ClientTls {
        prefix: format!("{}.tls", settings.settings),
        ..ClientTls::default()
    };
    settings.tls.clone().unwrap_or_else(system)
}

/// Opens connections with such a block.
pub(crate) fn dialer(settings: &Connection, tls: ClientTls) -> Dialer {
    Dialer::tls(tls, &settings.trust).for_http1()
}

fn http(connector: Connector) -> Http {
    hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_IDLE)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .build(connector)
}

// === impl Connector ===

impl tower::Service<Uri> for Connector {
    type Response = Open;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Open>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let is_tls = uri.scheme_str() == Some("https");
        let dialer = if is_tls { &self.tls } else { &self.plaintext };
        let dialer = dialer.clone();
        Box::pin(async move { dial(&dialer, &uri, is_tls).await })
    }
}

/// The first of the host's addresses that can be connected to.
async fn dial(dialer: &Dialer, uri: &Uri, is_tls: bool) -> io::Result<Open> {
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let addresses = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("cannot look up {host}: {error}")))?;
    let mut failed = None;
    for address in addresses {
        match dialer.dial(host, address).await {
            Ok(stream) => return Ok(Open(TokioIo::new(stream))),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.map_or_else(
        || io::Error::other(format!("{host} has no address")),
        io::Error::other,
    ))
}

// === impl Open ===

impl Connects for Open {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Open {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Open {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }
}
