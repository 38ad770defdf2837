//! Settings of who asks and what they may.
//!
//! Rows only. They are ours: Jaeger leaves all of it to a proxy.

use crate::flag::{Flag, Kind};

pub(super) const ROWS: &[Flag] = &[
    Flag::acts(
        "access.grants",
        Kind::Lines,
        "",
        "who may do what where, as \"group:shop-devs read shop\"; WHO is anyone, signed-in, user:NAME, group:NAME or certificate:PATTERN, WHAT is read, write or read+write, WHERE is namespaces, namespace/name or *; may be given several times. From the first one on nothing is allowed but what one says",
    ),
    Flag::acts(
        "access.htpasswd",
        Kind::Text,
        "",
        "path of a file of users and passwords, as htpasswd -B or -s writes it; read again when it changes. With it whoever asks has to sign in",
    ),
    Flag::acts(
        "access.proxy.peers",
        Kind::List,
        "",
        "proxies that sign people in and are believed what they say in headers: addresses, networks such as 10.0.0.0/8, or certificate:NAME of the proxy's certificate. With it whoever asks has to sign in",
    ),
    Flag::acts(
        "access.proxy.user-headers",
        Kind::List,
        "x-forwarded-email,x-forwarded-user",
        "headers of such a proxy that hold who asks; the first that is there counts",
    ),
    Flag::acts(
        "access.proxy.groups-header",
        Kind::Text,
        "x-forwarded-groups",
        "header of such a proxy that holds their groups, with commas between them",
    ),
    Flag::acts(
        "access.oidc.issuer",
        Kind::Text,
        "",
        "OpenID provider where people sign in and which signs tokens, as it calls itself, such as https://id.example.com/realms/a. With it whoever asks has to sign in",
    ),
    Flag::acts(
        "access.oidc.client-id",
        Kind::Text,
        "",
        "what the provider calls us",
    ),
    Flag::acts(
        "access.oidc.client-secret",
        Kind::Secret,
        "",
        "how we prove that to the provider; empty, as the file: we are a public client",
    ),
    Flag::acts(
        "access.oidc.client-secret-file",
        Kind::Text,
        "",
        "path of a file with that secret, read whenever it is needed; wins over the secret",
    ),
    Flag::acts(
        "access.oidc.scopes",
        Kind::List,
        "openid,profile,email",
        "what is asked for of the provider; openid always is",
    ),
    Flag::acts(
        "access.oidc.authorize-parameters",
        Kind::List,
        "",
        "further parameters that browsers are sent to the provider with: name=value,…",
    ),
    Flag::acts(
        "access.oidc.name-claims",
        Kind::List,
        "email,preferred_username,sub",
        "claims of a token that hold who asks; the first that is there counts. An email that is not verified is none",
    ),
    Flag::acts(
        "access.oidc.groups-claim",
        Kind::Text,
        "groups",
        "claim that lists groups; dots lead into objects, as in realm_access.roles",
    ),
    Flag::acts(
        "access.oidc.audiences",
        Kind::List,
        "",
        "whom a token in Authorization may be for; empty: access.oidc.client-id",
    ),
    Flag::acts(
        "access.oidc.algorithms",
        Kind::List,
        "",
        "what tokens may be signed with; empty: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA",
    ),
    Flag::acts(
        "access.oidc.redirect-url",
        Kind::Text,
        "",
        "where the provider sends browsers back to, a whole URL with /oauth/callback at its end; empty: what the request's host and its TLS say",
    ),
    Flag::acts(
        "access.oidc.logout-redirect-url",
        Kind::Text,
        "",
        "where the provider sends browsers to after they signed out; empty: it shows a page of its own",
    ),
    Flag::acts(
        "access.oidc.session-key-files",
        Kind::List,
        "",
        "paths of files with keys that sessions' cookies are sealed with, 32 random bytes or more each; the first seals, all open, and they are read again when they change. Empty: one that is made at the start, so that a restart ends all sessions, and of several processes each knows its own alone",
    ),
    Flag::acts(
        "access.oidc.session-lifetime",
        Kind::Duration,
        "12h",
        "how long a session lasts at most, renewals included",
    ),
    Flag::acts(
        "access.oidc.same-site",
        Kind::Text,
        "lax",
        "lax, or none: whether sessions' cookies go along when a page of another site frames us, such as Kiali's; over TLS alone",
    ),
    Flag::acts(
        "access.oidc.refresh-interval",
        Kind::Duration,
        "10m",
        "how often the provider's document and its keys are read again; a token of an unknown key has them read at once",
    ),
    Flag::acts(
        "access.oidc.tls.ca",
        Kind::Text,
        "",
        "path of the authorities that may have signed the provider's certificate, PEM; read again when it changes; empty: those of the system and of trust.bundles",
    ),
];
