//! The certificate of this instance, for listeners that have to speak TLS and were given none.
//!
//! In: the whole configuration. Out: the issuer, when a listener needs one, after it has seen to it that there is a certificate. The names that a
//! machine is called by are found out here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use anyhow::Context as _;
use settings::{Host, environment};
use trust::{Issuer, Name};

use crate::config::Config;

/// The issuer whose certificate some listener serves with; there is one now. Blocks.
pub(super) fn ensure(config: &Config) -> anyhow::Result<Option<Issuer>> {
    let needed = config
        .listeners
        .iter()
        .any(|listener| listener.tls.as_ref().is_some_and(|tls| tls.own));
    if !needed {
        return Ok(None);
    }
    let issuer = issuer(config);
    let outcome = issuer
        .ensure()
        .context("there is no certificate to listen with")?;
    issuer.tell(&outcome);
    Ok(Some(issuer))
}

fn issuer(config: &Config) -> Issuer {
    let certificates = &config.certificates;
    let mut names = trust::names_of(&certificates.instance);
    names.extend(certificates.names.iter().cloned());
    names.extend(machine());
    for at in config.listeners.iter().flat_map(|listener| &listener.addrs) {
        match &at.host {
            Host::Ip(ip) if !ip.is_unspecified() => drop(names.insert(Name::Ip(*ip))),
            Host::Name(name) => names.extend(name.parse::<Name>().ok()),
            Host::Ip(_) | Host::Any => {}
        }
    }
    Issuer {
        directory: certificates.directory.clone(),
        instance: certificates.instance.clone(),
        names,
        validity: certificates.validity,
    }
}

/// This machine's name, and the addresses from which it would reach others: of a pod, those of the pod. Nothing is looked up and nothing is sent.
fn machine() -> Vec<Name> {
    let name = environment::host_name().parse::<Name>().ok();
    let ways: [(IpAddr, IpAddr); 2] = [
        (
            Ipv4Addr::UNSPECIFIED.into(),
            Ipv4Addr::new(192, 0, 2, 1).into(),
        ),
        (
            Ipv6Addr::UNSPECIFIED.into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        ),
    ];
    let addresses = ways.into_iter().filter_map(|(here, elsewhere)| {
        // choosing a way out is all that connecting does here: the addresses are of documentation
        let socket = UdpSocket::bind((here, 0)).ok()?;
        socket.connect((elsewhere, 9)).ok()?;
        Some(Name::Ip(socket.local_addr().ok()?.ip()))
    });
    name.into_iter().chain(addresses).collect()
}
