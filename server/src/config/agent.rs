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
        let example = "the collector's host:port, such as jaeger-collector.prod.svc:14250";
        let targets = check.called(TARGETS, example);
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
            check.warn_of_any_certificate(&format!("{TLS}.skip-host-verify"));
        }
        Self {
            targets,
            retries: check.number("reporter.grpc.retry.max"),
            tls,
        }
    }
}

/// Without a host the call goes to this machine.
fn is_here(host: &Host) -> bool {
    *host == Host::Any || host.is_loopback()
}
