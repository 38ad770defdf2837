//! The certificate of this instance, for listeners that have to speak TLS and were given none.
//!
//! In: the whole configuration. Out: the issuer, when a listener needs one, after it has seen to it that there is a certificate. The names that a
//! machine is called by are found out here.

use std::net::ToSocketAddrs;

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

/// This machine's name, and the addresses that it is known under: of a pod, those of the pod.
fn machine() -> Vec<Name> {
    let host = environment::host_name();
    let Ok(name) = host.parse::<Name>() else {
        return Vec::new();
    };
    // a name that cannot be looked up has no addresses to add
    let found = (host.as_str(), 0).to_socket_addrs();
    let addresses = found.into_iter().flatten().map(|at| Name::Ip(at.ip()));
    std::iter::once(name).chain(addresses).collect()
}
