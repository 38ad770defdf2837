//! What a store in another process is told.
//!
//! In: `grpc-storage.*` and `grpc-storage-archive.*`, and whose requests are. Out: how it is reached, and its archive, or what keeps it from being used. It opens
//! nothing.

use std::path::Path;

use ::storage::remote::{Config, Protocol};
use trust::Instances;

use super::certificates::Certificates;
use super::check::Check;

const STORE: &str = "grpc-storage";
const ARCHIVE: &str = "grpc-storage-archive";
const TYPE: &str = "span-storage.type";

/// The store, then its archive, where there is one. Empty when something keeps it from being used.
pub(super) fn check(
    instances: &Instances,
    certificates: &Certificates,
    check: &mut Check<'_>,
) -> Vec<Config> {
    let own = certificates.layout().authority();
    let tenant_header = tenant_header(instances, check);
    let mut configs: Vec<Config> = one(STORE, &own, tenant_header.clone(), check)
        .into_iter()
        .collect();
    if check.settings.bool("grpc-storage-archive.enabled") {
        configs.extend(one(ARCHIVE, &own, tenant_header, check));
    } else {
        let parts = ["server", "connection-timeout", "protocol"];
        let parts = parts.map(|part| format!("{ARCHIVE}.{part}"));
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        check.warn_unused(
            &parts,
            "grpc-storage-archive.enabled is false, so this changes nothing",
        );
    }
    configs
}

fn one(
    prefix: &'static str,
    own: &Path,
    tenant_header: Option<String>,
    check: &mut Check<'_>,
) -> Option<Config> {
    let name = |part: &str| format!("{prefix}.{part}");
    let example = "the store's host:port, such as jaeger-remote-storage.prod.svc:17271";
    let servers = check.called(&name("server"), example);
    let patience = check.some_time(&name("connection-timeout"));
    let protocol = protocol(&name("protocol"), check);
    let tls = match check.settings.client_tls(&name("tls")) {
        Ok(tls) => tls,
        Err(error) => {
            check.wrong(&name("tls.enabled"), error);
            return None;
        }
    };
    match &tls {
        Some(tls) if tls.skip_host_verify => {
            check.warn_of_any_certificate(&name("tls.skip-host-verify"));
        }
        Some(_) => {}
        None => {
            let away = servers.iter().find(|at| !at.host.is_loopback());
            if let Some(at) = away {
                let note = format!(
                    "spans go to {at} in plaintext: whoever stands in between can read and change them"
                );
                check.warn(&name("tls.enabled"), note);
            }
        }
    }
    (!servers.is_empty()).then_some(Config {
        prefix,
        servers,
        patience,
        protocol,
        tls,
        trust: check.trust.with_authority(own.to_owned()),
        tenant_header,
    })
}

fn protocol(name: &str, check: &mut Check<'_>) -> Option<Protocol> {
    let text = check.settings.text(name).trim().to_owned();
    if text.is_empty() {
        return None;
    }
    text.parse::<Protocol>()
        .map_err(|error| check.wrong(name, error))
        .ok()
}

/// The header that tells the other side whose a request is; none where there is one instance and nothing to tell. It names a namespace, so two instances of one
/// namespace cannot be told apart.
fn tenant_header(instances: &Instances, check: &mut Check<'_>) -> Option<String> {
    let all = instances.all();
    if instances.tenants.is_none() && all.len() < 2 {
        return None;
    }
    for (at, instance) in all.iter().enumerate() {
        let same = |other: &&model::Instance| other.namespace() == instance.namespace();
        if let Some(other) = all.iter().take(at).find(same) {
            check.wrong(
                TYPE,
                format!("the store grpc is told namespaces alone, and could not tell {other} from {instance}: keep one of them elsewhere"),
            );
        }
    }
    let header = check.settings.text("multi-tenancy.header");
    Some(header.trim().to_ascii_lowercase())
}
