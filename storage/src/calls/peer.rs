//! What a span calls that may have no spans of its own: a database, a queue, another service.
//!
//! In: a span of kind client, producer or consumer, with the attributes of OpenTelemetry's conventions, of those before they were stable, or of OpenTracing's. Out: a kind and a name, which
//! do not name a port, and are no address: each machine of a cluster would be a node of its own.
//!
//! Source: OpenTelemetry's semantic conventions 1.27 (`db.*`, `messaging.*`, `server.*`, `peer.service`) and 1.20 (`net.peer.name`); OpenTracing's `semantic_conventions.md` (`peer.*`,
//! `db.instance`, `db.type`, `message_bus.destination`).

use std::net::IpAddr;

use model::{KeyValue, Span, SpanKind};

use super::{Names, Peer, names_peers};
use crate::port::LinkKind;

const SYSTEMS: [&str; 3] = ["db.system.name", "db.system", "db.type"];
const DATABASES: [&str; 3] = ["db.namespace", "db.name", "db.instance"];
const QUEUES: [&str; 3] = [
    "messaging.destination.name",
    "messaging.destination",
    "message_bus.destination",
];
const HOSTS: [&str; 4] = [
    "server.address",
    "net.peer.name",
    "peer.hostname",
    "peer.address",
];
/// Bytes of a name: longer ones are none.
const MOST_BYTES: usize = 256;

// === impl Peer ===

impl Peer {
    /// What `span` names.
    pub(crate) fn of(span: &Span, names: &mut Names) -> Option<Self> {
        if !names_peers(span.kind) {
            return None;
        }
        let (kind, name) = named(span.kind, &span.attributes)?;
        let is_name = !name.is_empty() && name.len() <= MOST_BYTES;
        is_name.then(|| Self {
            kind,
            name: names.number(&name),
        })
    }
}

fn named(kind: SpanKind, attributes: &[KeyValue]) -> Option<(LinkKind, String)> {
    let of = |key: &str| {
        let found = attributes.iter().find(|one| one.key == key)?;
        found.value.as_str().filter(|text| !text.is_empty())
    };
    let first = |keys: &[&str]| keys.iter().find_map(|key| of(key));
    let within = |system: &str, name: Option<&str>| match name {
        Some(name) => format!("{system}:{name}"),
        None => system.to_owned(),
    };
    let queue = || {
        let name = first(&QUEUES)?;
        Some(match of("messaging.system") {
            Some(system) => format!("{system}:{name}"),
            None => name.to_owned(),
        })
    };
    let service = || of("peer.service").map(str::to_owned);
    match kind {
        SpanKind::Consumer => return Some((LinkKind::Consume, queue()?)),
        SpanKind::Producer => {
            if let Some(queue) = queue() {
                return Some((LinkKind::Publish, queue));
            }
        }
        _ => {
            if let Some(system) = first(&SYSTEMS) {
                let name = service().unwrap_or_else(|| within(system, first(&DATABASES)));
                return Some((LinkKind::Database, name));
            }
        }
    }
    let host = || first(&HOSTS).and_then(host);
    Some((LinkKind::Peer, service().or_else(host)?))
}

/// The name of a host without its port; none, when it is a number.
fn host(text: &str) -> Option<String> {
    let bare = text.trim_start_matches('[');
    let address = bare.split_once(']').map_or(bare, |(address, _)| address);
    let name = match address.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.parse::<u16>().is_ok() => name,
        _ => address,
    };
    let is_number = name.parse::<IpAddr>().is_ok();
    (!is_number && !name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_named_by_any_convention_and_never_by_a_number() {
        use LinkKind::{Consume, Database, Publish};
        use SpanKind::{Client, Consumer, Producer, Server};
        type Row<'a> = (
            SpanKind,
            &'a [(&'a str, &'a str)],
            Option<(LinkKind, &'a str)>,
        );
        let rows: [Row<'_>; 16] = [
            (
                Client,
                &[("db.system", "mysql"), ("db.name", "orders")],
                Some((Database, "mysql:orders")),
            ),
            (
                Client,
                &[("db.system.name", "redis")],
                Some((Database, "redis")),
            ),
            (
                Client,
                &[("db.type", "sql"), ("peer.service", "main-db")],
                Some((Database, "main-db")),
            ),
            (Server, &[("db.system", "mysql")], None),
            (
                Producer,
                &[
                    ("messaging.system", "kafka"),
                    ("messaging.destination.name", "t"),
                ],
                Some((Publish, "kafka:t")),
            ),
            (
                Producer,
                &[("message_bus.destination", "t")],
                Some((Publish, "t")),
            ),
            (
                Consumer,
                &[
                    ("messaging.system", "kafka"),
                    ("messaging.destination", "t"),
                ],
                Some((Consume, "kafka:t")),
            ),
            (Consumer, &[("messaging.system", "kafka")], None),
            (Consumer, &[("peer.service", "x")], None),
            (
                Client,
                &[("peer.service", "pay"), ("server.address", "h")],
                Some((LinkKind::Peer, "pay")),
            ),
            (
                Client,
                &[("server.address", "api.example.org")],
                Some((LinkKind::Peer, "api.example.org")),
            ),
            (
                Client,
                &[("peer.address", "api.example.org:443")],
                Some((LinkKind::Peer, "api.example.org")),
            ),
            (Client, &[("net.peer.name", "10.1.2.3")], None),
            (Client, &[("peer.address", "10.1.2.3:80")], None),
            (Client, &[("peer.address", "[fd00::1]:80")], None),
            (Client, &[("peer.service", "")], None),
        ];
        for (kind, attributes, expect) in rows {
            let all: Vec<_> = attributes
                .iter()
                .map(|(k, v)| KeyValue::new(*k, *v))
                .collect();
            let span = Span {
                kind,
                attributes: all,
                ..Span::default()
            };
            let mut names = Names::default();
            let got = Peer::of(&span, &mut names).map(|peer| (peer.kind, names.name(peer.name)));
            assert_eq!(got, expect, "{kind:?} {attributes:?}");
        }
    }
}
