//! Where a server listens, or where one is called: a host and a port.
//!
//! In: `host:port`, `:port`, a bare port (which old Jaeger settings used), `[v6]:port`. Out: the parts. It resolves no name and opens nothing; scoped
//! addresses (`fe80::1%eth0`) are refused, because they mean something else on every machine.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The part before the last colon.
    pub host: Host,
    /// The port; 0 lets the system choose one.
    pub port: u16,
}

/// What may stand before the port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// Nothing: every address of this machine, IPv4 and IPv6.
    Any,
    /// An address.
    Ip(IpAddr),
    /// A name, not looked up.
    Name(String),
}

/// Why a text is no host and port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPortError {
    /// No port in it.
    #[error("\"{0}\" has no port: give host:port, :port or [v6]:port")]
    NoPort(String),
    /// The port is no number from 0 to 65535.
    #[error("\"{port}\" in \"{text}\" is no port: give a number from 0 to 65535")]
    Port {
        /// What stands in the port's place.
        port: String,
        /// The whole text.
        text: String,
    },
    /// The host is neither an address nor a name.
    #[error(
        "\"{host}\" in \"{text}\" is no host: give a name, an IPv4 address, or an IPv6 address in brackets without a zone"
    )]
    Host {
        /// What stands in the host's place.
        host: String,
        /// The whole text.
        text: String,
    },
}

// === impl HostPort ===

impl HostPort {
    /// Every address of this machine at `port`.
    #[must_use]
    pub const fn any(port: u16) -> Self {
        Self {
            host: Host::Any,
            port,
        }
    }

    /// The socket's address where no look-up is needed: an address, or `[::]` for every address.
    #[must_use]
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match &self.host {
            Host::Any => Some(SocketAddr::new(
                IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                self.port,
            )),
            Host::Ip(ip) => Some(SocketAddr::new(*ip, self.port)),
            Host::Name(_) => None,
        }
    }
}

impl Host {
    /// Whether only this machine can reach it: 127.0.0.0/8, `::1`, their mapped forms, and the name `localhost`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::Any => false,
            Self::Ip(IpAddr::V4(ip)) => ip.is_loopback(),
            Self::Ip(IpAddr::V6(ip)) => {
                ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback())
            }
            Self::Name(name) => name.eq_ignore_ascii_case("localhost"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl FromStr for Host {
    type Err = HostPortError;

    /// A host alone: a name, an address, an IPv6 address with or without brackets, or nothing.
    fn from_str(text: &str) -> Result<Self, HostPortError> {
        let wrong = || HostPortError::Host {
            host: text.to_owned(),
            text: text.to_owned(),
        };
        let bare = match text.strip_prefix('[') {
            Some(rest) => {
                let inner = rest.strip_suffix(']').ok_or_else(wrong)?;
                return inner
                    .parse()
                    .map(|ip| Self::Ip(IpAddr::V6(ip)))
                    .map_err(|_| wrong());
            }
            None => text,
        };
        if bare.is_empty() {
            return Ok(Self::Any);
        }
        if let Ok(ip) = bare.parse() {
            return Ok(Self::Ip(ip));
        }
        // Digits and dots alone were meant as an address; a name never looks like that.
        let named = bare
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
            && bare.len() <= 253
            && bare.bytes().any(|b| b.is_ascii_alphabetic());
        if named {
            Ok(Self::Name(bare.to_owned()))
        } else {
            Err(wrong())
        }
    }
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        let text = text.trim();
        let (host, port) = match text.rsplit_once(':') {
            Some(parts) => parts,
            None if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => ("", text),
            None => return Err(HostPortError::NoPort(text.to_owned())),
        };
        // `::1` and `fe80::1:80` are ambiguous without brackets.
        if host.contains(':') && !host.starts_with('[') {
            return Err(HostPortError::Host {
                host: host.to_owned(),
                text: text.to_owned(),
            });
        }
        let valid = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let number = port.parse().ok().filter(|_| valid);
        let port = number.ok_or_else(|| HostPortError::Port {
            port: port.to_owned(),
            text: text.to_owned(),
        })?;
        let host = host.parse().map_err(|_| HostPortError::Host {
            host: host.to_owned(),
            text: text.to_owned(),
        })?;
        Ok(Self { host, port })
    }
}

#[cfg(test)]
mod tests;
