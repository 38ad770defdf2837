//! The rule of listening: what a listener binds, and whether it speaks TLS.
//!
//! In: the listener, its host-port if one was given, the default host, its TLS block if it is on, and the list of listeners that may be plaintext. Out: addresses
//! and a decision, or an error that names the setting to set. Safe by default: with nothing given only this machine reaches it; what reaches further has TLS,
//! with files of our own making where none are given, or is named by `plaintext.listeners`. It binds nothing, makes no file, and looks up no name before
//! it is asked to.

mod name;
mod plaintext;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::PathBuf;

pub use name::ListenerName;
pub use plaintext::{Plaintext, PlaintextError};

use crate::tls::ServerTls;
use crate::{Host, HostPort};

/// A listener with everything decided that can be decided without the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Which one.
    pub name: ListenerName,
    /// Where: one address, or the two of this machine.
    pub addrs: Vec<HostPort>,
    /// Whether `addrs` is the pair 127.0.0.1 and `::1`: one of them missing on a machine is no error.
    pub optional: bool,
    /// With it the listener speaks TLS and nothing else.
    pub tls: Option<ServerTls>,
}

/// Where the certificate of our own making lies, for listeners that were given none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnFiles {
    /// The certificate.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// What the rule is given.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// Which listener.
    pub name: ListenerName,
    /// The port when no host-port is given; each role has its own for `admin`.
    pub default_port: u16,
    /// The listener's own setting, when it was set.
    pub host_port: Option<&'a HostPort>,
    /// `listen.host`, when it was set.
    pub default_host: Option<&'a Host>,
    /// The TLS block, when it is on.
    pub tls: Option<&'a ServerTls>,
    /// Somebody wrote that the block is off.
    pub tls_is_off: bool,
    /// For a listener that has to speak TLS and was given no files.
    pub own: &'a OwnFiles,
    /// `plaintext.listeners`.
    pub plaintext: &'a Plaintext,
}

/// Why a listener may not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenerError {
    /// It would be reachable from elsewhere, readable by everyone in between, for its TLS was switched off.
    #[error(
        "{setting}: {at} is reachable from other machines and {tls}.enabled is false: leave that out and it speaks TLS, with a certificate that is made, \
         or allow plaintext with plaintext.listeners={name}, or listen on 127.0.0.1"
    )]
    TlsIsOff {
        /// The setting that made it reachable.
        setting: &'static str,
        /// The address.
        at: HostPort,
        /// The TLS block that would protect it.
        tls: &'static str,
        /// The word for `plaintext.listeners`.
        name: ListenerName,
    },
    /// The same of datagrams, which nothing protects.
    #[error(
        "{setting}: {at} is reachable from other machines, and datagrams have no TLS: listen on 127.0.0.1 and run an agent beside the application, \
         or allow plaintext with plaintext.listeners={name}"
    )]
    Datagrams {
        /// The setting that made it reachable.
        setting: &'static str,
        /// The address.
        at: HostPort,
        /// The word for `plaintext.listeners`.
        name: ListenerName,
    },
}

// === impl ListenerError ===

impl ListenerError {
    /// The setting that made the listener reachable.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        match self {
            Self::TlsIsOff { setting, .. } | Self::Datagrams { setting, .. } => setting,
        }
    }
}

// === impl Rule ===

impl Rule<'_> {
    /// Decides.
    ///
    /// # Errors
    /// When the listener would be reachable from elsewhere without TLS, for its TLS was switched off or it has none, and nobody allowed that.
    pub fn resolve(self) -> Result<Listener, ListenerError> {
        let loopback = || {
            [
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ]
            .map(Host::Ip)
            .to_vec()
        };
        let (setting, port, hosts) = match (self.host_port, self.default_host) {
            (Some(at), _) if is_localhost(&at.host) => (self.name.setting(), at.port, loopback()),
            (Some(at), _) => (self.name.setting(), at.port, vec![at.host.clone()]),
            (None, Some(host)) if !is_localhost(host) => {
                ("listen.host", self.default_port, vec![host.clone()])
            }
            (None, _) => ("listen.host", self.default_port, loopback()),
        };
        let optional = hosts.len() > 1;
        let addrs: Vec<HostPort> = hosts
            .into_iter()
            .map(|host| HostPort { host, port })
            .collect();
        let mut listener = Listener {
            name: self.name,
            addrs,
            optional,
            tls: self.tls.cloned(),
        };
        if let Some(at) = listener.addrs.first()
            && listener.is_exposed()
            && !self.name.is_plaintext_by_nature()
            && !self.plaintext.allows(self.name)
        {
            let (at, name) = (at.clone(), self.name);
            match name.tls_prefix() {
                Some(prefix) if !self.tls_is_off => {
                    listener.tls = Some(ServerTls {
                        prefix: prefix.to_owned(),
                        ..ServerTls::default()
                    });
                }
                Some(tls) => {
                    return Err(ListenerError::TlsIsOff {
                        setting,
                        at,
                        tls,
                        name,
                    });
                }
                None => return Err(ListenerError::Datagrams { setting, at, name }),
            }
        }
        if let Some(tls) = &mut listener.tls
            && tls.cert.is_none()
        {
            tls.own = true;
            tls.cert = Some(self.own.cert.clone());
            tls.key = Some(self.own.key.clone());
        }
        Ok(listener)
    }
}

fn is_localhost(host: &Host) -> bool {
    matches!(host, Host::Name(name) if name.eq_ignore_ascii_case("localhost"))
}

// === impl Listener ===

impl Listener {
    /// Whether it speaks plaintext to other machines.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.tls.is_none() && !self.addrs.iter().all(|at| at.host.is_loopback())
    }

    /// The sentence for the log when data crosses the network unprotected; none when it does not. The admin port carries no spans and stays silent.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        if !self.is_exposed() || self.name.is_plaintext_by_nature() {
            return None;
        }
        let at = self.addrs.first()?;
        let cure = match self.name.tls_prefix() {
            Some(_) => format!("leave {} out of that list and it speaks TLS", self.name),
            None => "nothing protects datagrams".to_owned(),
        };
        Some(format!(
            "{} listens on {at} in plaintext, as plaintext.listeners allows: whoever reaches it or stands in between can read and send spans; {cure}",
            self.name,
        ))
    }

    /// The socket addresses to bind. A name is looked up; "every address" becomes `[::]`, or `0.0.0.0` on a machine without IPv6.
    ///
    /// # Errors
    /// When a name can not be looked up, or has no address.
    pub fn socket_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        let mut found = Vec::new();
        for at in &self.addrs {
            match (&at.host, at.socket_addr()) {
                (Host::Any, Some(all)) if UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok() => {
                    found.push(all);
                }
                (Host::Any, _) => found.push(SocketAddr::from((Ipv4Addr::UNSPECIFIED, at.port))),
                (_, Some(one)) => found.push(one),
                (Host::Name(name), None) => {
                    found.extend((name.as_str(), at.port).to_socket_addrs()?);
                }
                (Host::Ip(ip), None) => found.push(SocketAddr::new(*ip, at.port)),
            }
        }
        found.dedup();
        if found.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} has no address: see {}", self.name, self.name.setting()),
            ));
        }
        Ok(found)
    }

    /// Whether both would bind the same port of the same address; port 0 never collides.
    #[must_use]
    pub fn collides(&self, other: &Self) -> bool {
        // a port of connections and one of datagrams are two
        self.name.is_datagram() == other.name.is_datagram()
            && self.addrs.iter().any(|a| {
                other
                    .addrs
                    .iter()
                    .any(|b| a.port != 0 && a.port == b.port && overlap(&a.host, &b.host))
            })
    }
}

impl fmt::Display for Listener {
    /// `otlp-grpc 127.0.0.1:4317 [::1]:4317 plaintext`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        for at in &self.addrs {
            write!(f, " {at}")?;
        }
        f.write_str(match &self.tls {
            Some(tls) if tls.own => " TLS with a certificate of its own making",
            Some(_) => " TLS",
            None => " plaintext",
        })
    }
}

fn overlap(a: &Host, b: &Host) -> bool {
    let everything = |host: &Host| match host {
        Host::Any => true,
        Host::Ip(ip) => ip.is_unspecified(),
        Host::Name(_) => false,
    };
    a == b || everything(a) || everything(b)
}

#[cfg(test)]
mod tests;
