//! Forwarding to a collector.
//!
//! In: `reporter.grpc.*`. Out: where the collector is, and whether TLS is spoken to it: beyond this machine it is, unless it was switched off.

use settings::tls::ClientTls;
use settings::{Host, HostPort};

use super::check::Check;

/// Forwarding to a collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The collectors.
    pub targets: Vec<HostPort>,
    /// Attempts beyond the first.
    pub retries: usize,
    /// TLS; none: plaintext.
    pub tls: Option<ClientTls>,
}

const TARGETS: &str = "reporter.grpc.host-port";
const TLS: &str = "reporter.grpc.tls";

// === impl Agent ===

impl Agent {
    pub(super) fn check(check: &mut Check<'_>) -> Self {
        let targets = targets(check);
        let switch = format!("{TLS}.enabled");
        let is_written = check.is_written(&switch);
        let away = targets.iter().find(|at| !is_here(&at.host));
        let is_on = if is_written {
            check.settings.bool(&switch)
        } else {
            away.is_some()
        };
        let mut tls = None;
        if is_on {
            match check.settings.client_tls_as_if_on(TLS) {
                Ok(block) => tls = Some(block),
                Err(error) => check.wrong(&switch, error),
            }
        } else if let Some(at) = away {
            let note = format!(
                "spans go to {at} in plaintext: whoever stands in between can read and change them"
            );
            check.warn(&switch, note);
        } else if !is_written {
            let parts = ["ca", "cert", "key", "server-name"].map(|part| format!("{TLS}.{part}"));
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            check.warn_unused(
                &parts,
                "the collector is on this machine, where plaintext is spoken unless reporter.grpc.tls.enabled is true",
            );
        }
        if tls.as_ref().is_some_and(|tls| tls.skip_host_verify) {
            let name = format!("{TLS}.skip-host-verify");
            check.warn(
                &name,
                "any certificate is taken: whoever stands in between can read and change spans",
            );
        }
        Self {
            targets,
            retries: check.number("reporter.grpc.retry.max"),
            tls,
        }
    }
}

/// The collectors. Jaeger wrote gRPC's own names of resolvers before them.
fn targets(check: &mut Check<'_>) -> Vec<HostPort> {
    let text = check.settings.text(TARGETS).to_owned();
    let mut targets = Vec::new();
    for item in text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let bare = ["dns:///", "passthrough:///", "dns:"]
            .iter()
            .find_map(|scheme| item.strip_prefix(scheme))
            .unwrap_or(item);
        match bare.parse::<HostPort>() {
            Ok(at) if at.port == 0 => {
                check.wrong(TARGETS, format!("\"{item}\" has no port to call"));
            }
            Ok(at) => targets.push(at),
            Err(error) => check.wrong(TARGETS, error),
        }
    }
    if text.trim().is_empty() {
        check.wrong(
            TARGETS,
            "it is empty: give the collector's host:port, such as jaeger-collector.prod.svc:14250",
        );
    }
    targets
}

/// Without a host the call goes to this machine.
fn is_here(host: &Host) -> bool {
    *host == Host::Any || host.is_loopback()
}
