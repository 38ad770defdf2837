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
];
