//! TLS blocks out of the settings.
//!
//! In: every setting and a prefix. Out: the block when it is on, or what is wrong. The rule that no part of a block may be set while it is off holds for every block,
//! also of listeners and stores that this version does not have. Source: `jaegertracing/jaeger: internal/config/tlscfg/flags.go` at v1.76.0.

use super::instances::may_say;
use super::{Position, Setting, Settings, archive, default};
use crate::source::Problem;
use crate::tls::{ClientTls, ServerTls, TlsError};

/// The blocks that are off, though a part of them is set.
pub(super) fn half_on(settings: &Settings) -> Vec<Problem> {
    blocks(settings)
        .filter(|prefix| !is_on(settings, prefix))
        .filter(|prefix| {
            parts(settings, prefix).any(|setting| setting.value != default(setting.flag))
        })
        .map(|prefix| Problem::Invalid(not_enabled(prefix)))
        .collect()
}

/// The same in an item of the list `instances`: blocks that the item says a part of.
pub(super) fn half_on_in_item(settings: &Settings, position: &Position) -> Vec<Problem> {
    let is_own = |setting: &Setting| {
        position.holds(&setting.source) && setting.value != default(setting.flag)
    };
    blocks(settings)
        .filter(|prefix| may_say(prefix) && !is_on(settings, prefix))
        .filter(|prefix| parts(settings, prefix).any(is_own))
        .map(|prefix| Problem::Invalid(format!("{}: {}", position.at(""), not_enabled(prefix))))
        .collect()
}

fn not_enabled(prefix: &str) -> String {
    let prefix = prefix.to_owned();
    TlsError::NotEnabled { prefix }.to_string()
}

/// The prefixes of all blocks, such as `es.tls`.
fn blocks(settings: &Settings) -> impl Iterator<Item = &'static str> {
    settings.iter().filter_map(|switch| {
        let prefix = switch.flag.name.strip_suffix(".enabled")?;
        Some(prefix).filter(|prefix| prefix.ends_with(".tls"))
    })
}

fn is_on(settings: &Settings, prefix: &str) -> bool {
    let switch = format!("{prefix}.enabled");
    match prefix {
        // an agent speaks TLS unless that is switched off
        "reporter.grpc.tls" if !settings.is_written(&switch) => true,
        "es-archive.tls" if archive::shares_tls(settings) => true,
        "kafka.producer.tls" | "kafka.consumer.tls" if settings.is_kafka_tls(prefix) => true,
        _ => settings.bool(&switch),
    }
}

fn parts<'a>(settings: &'a Settings, prefix: &str) -> impl Iterator<Item = &'a Setting> {
    let part = format!("{prefix}.");
    settings
        .iter()
        .filter(move |setting| setting.flag.name.starts_with(&part))
}

// === impl Settings ===

impl Settings {
    /// The server block under `prefix` (such as `collector.grpc.tls`), when it is on.
    ///
    /// # Errors
    /// When it lacks a part, or a part makes no sense.
    pub fn server_tls(&self, prefix: &str) -> Result<Option<ServerTls>, TlsError> {
        let name = |part: &str| format!("{prefix}.{part}");
        if !self.bool(&name("enabled")) {
            return Ok(None);
        }
        let text =
            |part: &str| Some(self.text(&name(part)).to_owned()).filter(|text| !text.is_empty());
        let tls = ServerTls {
            prefix: prefix.to_owned(),
            cert: self.path(&name("cert")),
            key: self.path(&name("key")),
            client_ca: self.path(&name("client-ca")),
            client_auth: text("client-auth"),
            cipher_suites: self.list(&name("cipher-suites")).to_vec(),
            min_version: text("min-version"),
            max_version: text("max-version"),
            reload_interval: self
                .duration(&name("reload-interval"))
                .to_std()
                .unwrap_or_default(),
            own: false,
        };
        tls.check().map(|()| Some(tls))
    }

    /// The client block under `prefix` (such as `es.tls`), when it is on.
    ///
    /// # Errors
    /// When it lacks a part.
    pub fn client_tls(&self, prefix: &str) -> Result<Option<ClientTls>, TlsError> {
        if !self.bool(&format!("{prefix}.enabled")) {
            return Ok(None);
        }
        self.client_tls_as_if_on(prefix).map(Some)
    }

    /// The same, whatever its switch says.
    ///
    /// # Errors
    /// When it lacks a part.
    pub fn client_tls_as_if_on(&self, prefix: &str) -> Result<ClientTls, TlsError> {
        let name = |part: &str| format!("{prefix}.{part}");
        let tls = ClientTls {
            prefix: prefix.to_owned(),
            ca: self.path(&name("ca")),
            cert: self.path(&name("cert")),
            key: self.path(&name("key")),
            server_name: Some(self.text(&name("server-name")).to_owned())
                .filter(|text| !text.is_empty()),
            skip_host_verify: self.bool(&name("skip-host-verify")),
        };
        tls.check().map(|()| tls)
    }

    /// Whether the block of `kafka.producer.tls` or `kafka.consumer.tls` is on: by its own switch, or because a certificate says who we are.
    #[must_use]
    pub fn is_kafka_tls(&self, prefix: &str) -> bool {
        let side = prefix.trim_end_matches(".tls");
        self.bool(&format!("{prefix}.enabled"))
            || self.text(&format!("{side}.authentication")) == "tls"
    }
}
