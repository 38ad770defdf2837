//! Who may ask and send.
//!
//! In: `access.*`. Out: grants, and the ways in which somebody proves who they are. Files are opened by `roles`.

mod sign_in;

use std::path::PathBuf;

use access::{Grants, Proxy, TrustedPeer, Verb, oidc};
use http::HeaderName;
use trust::Instances;

use super::check::Check;
use super::listeners::Listeners;
use crate::cli::Role;

const GRANTS: &str = "access.grants";
const HTPASSWD: &str = "access.htpasswd";
const PEERS: &str = "access.proxy.peers";
const USER_HEADERS: &str = "access.proxy.user-headers";
const GROUPS_HEADER: &str = "access.proxy.groups-header";

/// Who may ask and send.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Who may do what where.
    pub grants: Grants,
    /// Users and passwords.
    pub htpasswd: Option<PathBuf>,
    /// Proxies that sign people in.
    pub proxy: Option<Proxy>,
    /// The OpenID provider.
    pub oidc: Option<oidc::Config>,
}

// === impl Access ===

impl Access {
    pub(super) fn check(role: Role, check: &mut Check<'_>) -> Self {
        if role.forwards() {
            check.warn_unused(
                &[GRANTS, HTPASSWD, PEERS, USER_HEADERS, GROUPS_HEADER],
                "an agent hands spans on: the collector decides who may send them",
            );
            return Self::default();
        }
        let grants = Grants::parse(check.settings.list(GRANTS).iter().map(String::as_str));
        let grants = grants.unwrap_or_else(|error| {
            check.wrong(GRANTS, error);
            Grants::default()
        });
        let htpasswd = check.settings.text(HTPASSWD);
        Self {
            grants,
            htpasswd: (!htpasswd.is_empty()).then(|| PathBuf::from(htpasswd)),
            proxy: proxy(check),
            oidc: sign_in::check(check),
        }
    }

    /// Whether somebody can sign in.
    #[must_use]
    pub fn signs_in(&self) -> bool {
        self.htpasswd.is_some() || self.proxy.is_some() || self.oidc.is_some()
    }

    /// Says what lets nobody in though it seems to.
    pub(super) fn tell(
        &self,
        role: Role,
        instances: &Instances,
        listeners: &Listeners,
        check: &mut Check<'_>,
    ) {
        if self.grants.is_empty() {
            if self.signs_in() && !instances.has_one_namespace() {
                check.warn(
                    GRANTS,
                    "it is empty, and there are several namespaces: nobody may read any until it says who",
                );
            }
            return;
        }
        for (concerns, verb, what) in [
            (role.collects(), Verb::Write, "all spans are refused"),
            (role.answers(), Verb::Read, "nobody is shown anything"),
        ] {
            if concerns && !self.grants.grant_any(verb) {
                let verb = verb.as_str();
                check.warn(GRANTS, format!("no line lets anybody {verb}: {what}"));
            }
        }
        let asks_for_certificates = listeners
            .iter()
            .any(|listener| (listener.tls.as_ref()).is_some_and(|tls| tls.client_ca.is_some()));
        if self.grants.know_certificates() && !asks_for_certificates {
            check.warn(
                GRANTS,
                "it knows clients by their certificates, and no listener asks for one: give those a tls.client-ca",
            );
        }
    }
}

fn proxy(check: &mut Check<'_>) -> Option<Proxy> {
    let mut peers: Vec<TrustedPeer> = Vec::new();
    for text in check.settings.list(PEERS) {
        match text.parse() {
            Ok(peer) => peers.push(peer),
            Err(error) => check.wrong(PEERS, error),
        }
    }
    let mut user = Vec::new();
    for text in check.settings.list(USER_HEADERS) {
        user.extend(header(USER_HEADERS, text, check));
    }
    let groups = check.settings.text(GROUPS_HEADER);
    let groups = header(GROUPS_HEADER, groups, check);
    if peers.is_empty() {
        check.warn_unused(
            &[USER_HEADERS, GROUPS_HEADER],
            "access.proxy.peers is empty, so no proxy is believed",
        );
        return None;
    }
    if user.is_empty() {
        check.wrong(USER_HEADERS, "it names no header that says who asks");
    }
    Some(Proxy {
        peers,
        user,
        groups: groups?,
    })
}

fn header(setting: &str, text: &str, check: &mut Check<'_>) -> Option<HeaderName> {
    match HeaderName::from_bytes(text.trim().as_bytes()) {
        Ok(name) => Some(name),
        Err(_) => {
            check.wrong(setting, format!("\"{text}\" is no name of a header"));
            None
        }
    }
}
