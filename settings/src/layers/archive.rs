//! What an archive has from the store that it belongs to.
//!
//! In: settings. Out: the same, where each setting of `es-archive` that nobody wrote and that an archive shares with its store has the store's value, and its
//! source. So one prefix and one password are written once, as in Jaeger. Source: `jaegertracing/jaeger: internal/storage/elasticsearch/config/config.go`
//! (`ApplyDefaults`) at v1.76.0; there servers, TLS and tokens are not shared, and an archive without servers of its own is looked for on 127.0.0.1.

use super::{Setting, Settings};

const ARCHIVE: &str = "es-archive.";
const STORE: &str = "es.";
const SERVERS: &str = "es-archive.server-urls";

/// Whatever the servers.
const ALWAYS: [&str; 14] = [
    "username",
    "password",
    "password-file",
    "sniffer",
    "sniffer-tls-enabled",
    "send-get-body-as",
    "index-prefix",
    "remote-read-clusters",
    "tags-as-fields.all",
    "tags-as-fields.include",
    "tags-as-fields.config-file",
    "tags-as-fields.dot-replacement",
    "tags-as-fields.max-keys",
    "tag-values",
];

/// Two ways of saying one thing: what is written for the archive in either is its own.
const PASSWORDS: [&str; 2] = ["es-archive.password", "es-archive.password-file"];

/// Where the archive has no servers of its own, and so lies where the store does.
const WITH_SERVERS: [&str; 19] = [
    "server-urls",
    "password-reload-interval",
    "token-file",
    "bearer-token-reload-interval",
    "bearer-token-propagation",
    "api-key-file",
    "api-key-reload-interval",
    "api-key-allow-from-context",
    "disable-health-check",
    "timeout",
    "version",
    "http-compression",
    "compression-level",
    "tls.enabled",
    "tls.ca",
    "tls.cert",
    "tls.key",
    "tls.server-name",
    "tls.skip-host-verify",
];

/// Takes over what the archive shares.
pub(super) fn inherit(settings: &mut Settings) {
    let with_servers = !settings.is_written(SERVERS);
    let password = PASSWORDS.iter().any(|name| settings.is_written(name));
    let with_servers = WITH_SERVERS.iter().filter(|_| with_servers);
    for part in ALWAYS.iter().chain(with_servers) {
        let name = format!("{ARCHIVE}{part}");
        if settings.is_written(&name) || (password && PASSWORDS.contains(&name.as_str())) {
            continue;
        }
        let from = settings.get(&format!("{STORE}{part}")).cloned();
        let flag = settings.get(&name).map(|setting| setting.flag);
        if let (Some(from), Some(flag)) = (from, flag) {
            settings.put(Setting { flag, ..from });
        }
    }
}

/// Whether the archive's TLS block is on because the store's is.
pub(super) fn shares_tls(settings: &Settings) -> bool {
    !settings.is_written(SERVERS)
        && !settings.is_written("es-archive.tls.enabled")
        && settings.bool("es.tls.enabled")
}

#[cfg(test)]
mod tests;
