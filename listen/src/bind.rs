//! Taking addresses: sockets, and the certificate that goes with them.
//!
//! In: a [`Config`]. Out: a [`Listener`] that holds its addresses and accepts nothing yet, or an error that names address and setting. Addresses
//! are numbers here; host names were resolved before.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use crate::config::{Config, Limits};
use crate::metrics::{Counters, Metrics};
use crate::tls;

/// Connections that the kernel holds for us until they are accepted.
const BACKLOG: i32 = 1024;

/// How often a free port is looked for that all addresses can have.
const PORT_ATTEMPTS: usize = 16;

/// Why a listener has no address.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has it, or it may not be had.
    #[error("cannot listen on {addr} for {listener}: {source} (setting {setting})")]
    Address {
        /// What was asked for.
        addr: SocketAddr,
        /// The listener's name.
        listener: &'static str,
        /// The setting that moves it.
        setting: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing to listen on.
    #[error("no address to listen on for {listener} (setting {setting})")]
    NoAddress {
        /// The listener's name.
        listener: &'static str,
        /// The setting that gives one.
        setting: &'static str,
    },
    /// The certificate or key cannot be used.
    #[error("cannot use tls for {listener}: {source}")]
    Tls {
        /// The listener's name.
        listener: &'static str,
        /// Which file or setting, and why.
        source: tls::Error,
    },
}

// === impl BindError ===

impl BindError {
    /// Whether another program has the address.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Address { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }
}

/// What is bound: connections, or datagrams.
trait Bound: Sized {
    fn open(addr: SocketAddr, dual_stack: bool) -> io::Result<Self>;
    fn at(&self) -> io::Result<SocketAddr>;
}

/// Sockets that are bound and hear nothing yet; [`serve`](Listener::serve) starts them.
#[derive(Debug)]
pub struct Listener {
    pub(crate) sockets: Vec<TcpListener>,
    pub(crate) addrs: Vec<SocketAddr>,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tls: Option<tls::Keeper>,
}

impl Listener {
    /// The addresses as they are, port 0 replaced.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The name it was configured with.
    pub fn name(&self) -> &'static str {
        self.counters.listener
    }
}

/// Sockets for datagrams, bound: what comes is held by the kernel until it is read.
#[derive(Debug)]
pub struct Datagrams {
    /// The name it was configured with.
    pub name: &'static str,
    /// One for each address.
    pub sockets: Vec<UdpSocket>,
    /// The addresses as they are, port 0 replaced.
    pub addrs: Vec<SocketAddr>,
}

/// Binds every address of `config` for datagrams, with room for `receive_buffer` bytes in the kernel where that is not 0. Addresses are
/// taken as [`bind`] takes them; TLS and limits of connections do not apply.
pub fn bind_datagrams(config: &Config, receive_buffer: usize) -> Result<Datagrams, BindError> {
    let sockets: Vec<UdpSocket> = bind_all(config)?;
    for socket in &sockets {
        if receive_buffer > 0
            && let Err(error) = SockRef::from(socket).set_recv_buffer_size(receive_buffer)
        {
            tracing::warn!(listener = config.name, receive_buffer, %error, "the system's receive buffer is kept");
        }
    }
    let addrs = sockets.iter().filter_map(|s| s.at().ok()).collect();
    Ok(Datagrams {
        name: config.name,
        sockets,
        addrs,
    })
}

/// Loads the TLS files and binds every address of `config`.
///
/// With several addresses on port 0 all get the same port. With `optional`, one address family may be missing. `[::]` hears IPv4 as well,
/// unless an IPv4 wildcard stands beside it; on a machine without IPv6 it becomes `0.0.0.0`.
pub async fn bind(config: &Config, metrics: &Metrics) -> Result<Listener, BindError> {
    let counters = metrics.of(config.name);
    let tls = match &config.tls {
        Some(settings) => Some(
            tls::Keeper::load(settings.clone(), Arc::clone(&counters))
                .await
                .map_err(|source| BindError::Tls {
                    listener: config.name,
                    source,
                })?,
        ),
        None => None,
    };
    let sockets: Vec<TcpListener> = bind_all(config)?;
    let addrs = sockets
        .iter()
        .filter_map(|socket| socket.at().ok())
        .collect();
    Ok(Listener {
        sockets,
        addrs,
        limits: config.limits.clone(),
        counters,
        tls,
    })
}

fn bind_all<S: Bound>(config: &Config) -> Result<Vec<S>, BindError> {
    let free_port = config.addrs.len() > 1 && config.addrs.iter().all(|addr| addr.port() == 0);
    let mut attempt = 1;
    loop {
        match bind_once(config, free_port) {
            Err(BindError::Address { source, .. })
                if free_port
                    && attempt < PORT_ATTEMPTS
                    && source.kind() == io::ErrorKind::AddrInUse =>
            {
                attempt += 1;
            }
            other => return other,
        }
    }
}

fn bind_once<S: Bound>(config: &Config, free_port: bool) -> Result<Vec<S>, BindError> {
    let mut sockets: Vec<S> = Vec::new();
    let mut missing = None;
    for &asked in &config.addrs {
        let mut addr = asked;
        if let (true, Some(first)) = (free_port, sockets.first()) {
            addr.set_port(first.at().map_or(0, |addr| addr.port()));
        }
        match open(addr, &config.addrs) {
            Ok(socket) => sockets.push(socket),
            Err(source) => {
                let error = BindError::Address {
                    addr,
                    listener: config.name,
                    setting: config.setting,
                    source,
                };
                match &error {
                    BindError::Address { source, .. }
                        if config.optional && is_missing_family(source) =>
                    {
                        tracing::debug!(listener = config.name, %error, "this address family is missing, going on without");
                        missing = Some(error);
                    }
                    _ => return Err(error),
                }
            }
        }
    }
    if sockets.is_empty() {
        return Err(missing.unwrap_or(BindError::NoAddress {
            listener: config.name,
            setting: config.setting,
        }));
    }
    Ok(sockets)
}

fn open<S: Bound>(addr: SocketAddr, all: &[SocketAddr]) -> io::Result<S> {
    let wildcard_v4 = all
        .iter()
        .any(|other| other.is_ipv4() && other.ip().is_unspecified() && other.port() == addr.port());
    match S::open(addr, addr.ip().is_unspecified() && !wildcard_v4) {
        Err(error)
            if addr.is_ipv6()
                && addr.ip().is_unspecified()
                && is_missing_family(&error)
                && !wildcard_v4 =>
        {
            tracing::warn!(%addr, "this machine has no ipv6, listening on 0.0.0.0");
            S::open(
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, addr.port())),
                false,
            )
        }
        other => other,
    }
}

impl Bound for TcpListener {
    fn open(addr: SocketAddr, dual_stack: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        if addr.is_ipv6() {
            socket.set_only_v6(!dual_stack)?;
        }
        // A restart must not wait for connections of the former process to fade.
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Self::from_std(socket.into())
    }

    fn at(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

impl Bound for UdpSocket {
    fn open(addr: SocketAddr, dual_stack: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
        if addr.is_ipv6() {
            socket.set_only_v6(!dual_stack)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        Self::from_std(socket.into())
    }

    fn at(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

/// `EAFNOSUPPORT`, or `EADDRNOTAVAIL` where the family is there but its loopback is not.
fn is_missing_family(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT)
}
