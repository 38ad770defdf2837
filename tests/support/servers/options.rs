//! What a server is told beside what every one is told: settings, files, certificates, who may do what.

use std::collections::BTreeMap;

use super::Kind;
use crate::pki::Leaf;

/// The folder of certificates in a server's configuration.
pub const CERTS: &str = "certs";

/// How a server differs from the plain one.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub(super) lines: Vec<String>,
    pub(super) files: BTreeMap<String, String>,
    pub(super) users: Vec<(String, String)>,
    pub(super) security: Security,
}

/// What guards a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Security {
    /// Nothing: plain HTTP for all.
    #[default]
    Off,
    /// Its own: Elasticsearch's.
    BuiltIn,
    /// OpenSearch's plugin.
    Plugin,
}

// === impl Options ===

impl Options {
    /// A further line of `elasticsearch.yml` or `opensearch.yml`.
    #[must_use]
    pub fn setting(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// A further file, by its name below the configuration folder.
    #[must_use]
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.files.insert(name.to_owned(), text.to_owned());
        self
    }

    /// Elasticsearch with TLS that cuts off whoever shows no certificate of `authorities` (PEM), and a superuser.
    #[must_use]
    pub fn client_certificates(
        self,
        authorities: &str,
        server: &Leaf,
        (user, password): (&str, &str),
    ) -> Self {
        let mut options = self.certificates(authorities, server);
        options.security = Security::BuiltIn;
        options.users.push((user.to_owned(), password.to_owned()));
        let mut options = options.setting("xpack.security.enabled: true");
        for layer in ["http", "transport"] {
            let prefix = format!("xpack.security.{layer}.ssl");
            options = options
                .setting(&format!("{prefix}.enabled: true"))
                .setting(&format!("{prefix}.key: {CERTS}/server.key"))
                .setting(&format!("{prefix}.certificate: {CERTS}/server.crt"))
                .setting(&format!("{prefix}.certificate_authorities: {CERTS}/ca.crt"));
        }
        options.setting("xpack.security.http.ssl.client_authentication: required")
    }

    /// OpenSearch whose security plugin takes the common name of a certificate for who asks. `admin` may do anything; each of `names` may
    /// write to, read and prepare the indices that match its pattern.
    #[must_use]
    pub fn identities(
        self,
        authorities: &str,
        server: &Leaf,
        admin: &str,
        names: &[(&str, &str)],
    ) -> Self {
        let mut options = self.certificates(authorities, server);
        options.security = Security::Plugin;
        for layer in ["http", "transport"] {
            let prefix = format!("plugins.security.ssl.{layer}");
            options = options
                .setting(&format!("{prefix}.pemcert_filepath: {CERTS}/server.crt"))
                .setting(&format!("{prefix}.pemkey_filepath: {CERTS}/server.key"))
                .setting(&format!("{prefix}.pemtrustedcas_filepath: {CERTS}/ca.crt"));
        }
        let (mut roles, mut mapping) = (meta("roles"), meta("rolesmapping"));
        for (name, pattern) in names {
            roles += &role(name, pattern);
            mapping += &format!("{name}:\n  users: [\"{name}\"]\n");
        }
        options
            .setting("plugins.security.ssl.http.enabled: true")
            .setting("plugins.security.ssl.http.clientauth_mode: REQUIRE")
            .setting("plugins.security.ssl.transport.enforce_hostname_verification: false")
            .setting("plugins.security.ssl.certificates_hot_reload.enabled: true")
            .setting(&format!(
                "plugins.security.authcz.admin_dn: [\"CN={admin}\"]"
            ))
            .setting("plugins.security.allow_default_init_securityindex: true")
            .file("opensearch-security/config.yml", &by_common_name())
            .file("opensearch-security/roles.yml", &roles)
            .file("opensearch-security/roles_mapping.yml", &mapping)
    }

    fn certificates(self, authorities: &str, server: &Leaf) -> Self {
        self.file(&format!("{CERTS}/ca.crt"), authorities)
            .file(&format!("{CERTS}/server.crt"), &server.cert)
            .file(&format!("{CERTS}/server.key"), &server.key)
    }

    /// The variant's lines for what `kind` has on unless told otherwise.
    pub(super) fn defaults(&self, kind: Kind) -> Option<&'static str> {
        let has_it = !kind.is_opensearch() && kind != Kind::Elasticsearch6;
        (has_it && self.security == Security::Off).then_some("xpack.security.enabled: false")
    }
}

fn meta(what: &str) -> String {
    format!("_meta:\n  type: {what}\n  config_version: 2\n")
}

fn by_common_name() -> String {
    meta("config")
        + r"config:
  dynamic:
    authc:
      clientcert_auth_domain:
        http_enabled: true
        transport_enabled: false
        order: 0
        http_authenticator:
          type: clientcert
          challenge: false
          config:
            username_attribute: cn
        authentication_backend:
          type: noop
"
}

/// What a store needs: bulks, searches and aliases on its own indices, templates, and to look at the cluster.
fn role(name: &str, pattern: &str) -> String {
    format!(
        r#"{name}:
  cluster_permissions:
    - cluster_composite_ops
    - cluster_monitor
    - "indices:admin/template/*"
    - "indices:admin/index_template/*"
  index_permissions:
    - index_patterns: ["{pattern}"]
      allowed_actions: [indices_all]
"#
    )
}
