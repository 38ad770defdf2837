//! The OpenID provider where people sign in.
//!
//! In: `access.oidc.*`. Out: how it is asked, and what of its tokens counts. Nothing is connected, and no file read.

use std::path::PathBuf;

use access::oidc::{Config, SameSite, Secret, SessionKeys};
use query::FrameAncestors;
use settings::tls::ClientTls;

use super::super::check::Check;

const PREFIX: &str = "access.oidc";
const ISSUER: &str = "access.oidc.issuer";
const PARAMETERS: &str = "access.oidc.authorize-parameters";
const ALGORITHMS: &str = "access.oidc.algorithms";
const SAME_SITE: &str = "access.oidc.same-site";
const UNUSED: [&str; 12] = [
    "access.oidc.client-id",
    "access.oidc.client-secret",
    "access.oidc.client-secret-file",
    PARAMETERS,
    "access.oidc.audiences",
    ALGORITHMS,
    "access.oidc.redirect-url",
    "access.oidc.logout-redirect-url",
    "access.oidc.session-key-files",
    SAME_SITE,
    "access.oidc.groups-claim",
    "access.oidc.tls.ca",
];

/// The provider, where there is one.
pub(super) fn check(check: &mut Check<'_>) -> Option<Config> {
    let settings = check.settings;
    let issuer = settings.text(ISSUER).trim();
    if issuer.is_empty() {
        check.warn_unused(
            &UNUSED,
            "access.oidc.issuer is empty, so nobody signs in at a provider",
        );
        return None;
    }
    let text = |name: &str| settings.text(&format!("{PREFIX}.{name}")).trim().to_owned();
    let some = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    let list = |name: &str| settings.list(&format!("{PREFIX}.{name}")).to_vec();
    let paths = |name: &str| {
        list(name)
            .into_iter()
            .map(PathBuf::from)
            .collect::<Vec<_>>()
    };
    let session_keys = paths("session-key-files");
    let config = Config {
        settings: PREFIX.to_owned(),
        issuer: issuer.to_owned(),
        client_id: text("client-id"),
        client_secret: match some("client-secret-file") {
            Some(path) => Secret::File(path.into()),
            None => match settings.secret("access.oidc.client-secret") {
                Some(secret) => Secret::Given(secret.into()),
                None => Secret::None,
            },
        },
        scopes: list("scopes"),
        authorize_parameters: parameters(check),
        name_claims: list("name-claims"),
        groups_claim: text("groups-claim"),
        audiences: list("audiences"),
        algorithms: algorithms(check),
        redirect_url: some("redirect-url"),
        logout_redirect_url: some("logout-redirect-url"),
        session_keys: match session_keys.is_empty() {
            true => SessionKeys::Random,
            false => SessionKeys::Files(session_keys),
        },
        session_lifetime: check.some_time("access.oidc.session-lifetime"),
        same_site: same_site(check),
        frame_ancestors: {
            let origins = settings.list("query.frame-ancestors");
            // what is wrong with them is told where pages are
            let origins = FrameAncestors::parse(origins.iter().map(String::as_str));
            origins.unwrap_or_default().to_string()
        },
        tls: ClientTls {
            prefix: settings.called("access.oidc.tls"),
            ca: some("tls.ca").map(PathBuf::from),
            ..ClientTls::default()
        },
        store: check.trust.clone(),
        refresh_interval: check.some_time("access.oidc.refresh-interval"),
    };
    if let Err(error) = config.check() {
        let (name, problem) = error.parts();
        check.wrong(&format!("{PREFIX}.{name}"), problem);
    }
    Some(config)
}

fn parameters(check: &mut Check<'_>) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    for text in check.settings.list(PARAMETERS) {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                parameters.push((name.to_owned(), value.to_owned()));
            }
            _ => check.wrong(PARAMETERS, format!("\"{text}\" is no name=value")),
        }
    }
    parameters
}

fn algorithms(check: &mut Check<'_>) -> Vec<access::oidc::Algorithm> {
    let mut algorithms = Vec::new();
    for text in check.settings.list(ALGORITHMS) {
        match text.trim().parse() {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(error) => check.wrong(ALGORITHMS, error),
        }
    }
    match algorithms.is_empty() {
        true => Config::default().algorithms,
        false => algorithms,
    }
}

fn same_site(check: &mut Check<'_>) -> SameSite {
    match check.settings.text(SAME_SITE) {
        "lax" => SameSite::Lax,
        "none" => SameSite::None,
        other => {
            check.wrong(
                SAME_SITE,
                format!("\"{other}\" is unknown: give lax or none"),
            );
            SameSite::Lax
        }
    }
}
