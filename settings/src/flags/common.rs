//! Settings of every role: the admin port, logs, metrics, listening, shutting down.
//!
//! Rows only. Source: `jaegertracing/jaeger: cmd/internal/flags` at v1.76.0, `cmd/flags` at v1.20.0; what Jaeger never had is marked by its help.

use super::macros::server_tls;
use crate::flag::{Flag, Kind, Reader};

const METRICS: &str = "Spoor always serves Prometheus metrics on the admin port";

pub(super) const ROWS: &[Flag] = &[
    Flag::acts(
        "config-file",
        Kind::Text,
        "",
        "path of a file with settings: json, toml, yaml, yml, hcl or properties, by its ending",
    ),
    Flag::acts(
        "span-storage.type",
        Kind::List,
        "embedded",
        "where spans are kept: embedded, memory, elasticsearch (opensearch is the same), grpc (a store in another process), kafka (which is only written to, for an ingester); a list writes to all and reads from the first that is not kafka",
    ),
    Flag::alias("span-storage-type", Kind::List, "span-storage.type"),
    Flag::acts(
        "log-level",
        Kind::Text,
        "info",
        "least severe log line that is written: debug, info, warn, error (dpanic, panic and fatal mean error)",
    ),
    Flag::acts(
        "log-encoding",
        Kind::Text,
        "json",
        "form of a log line: json or console",
    ),
    Flag::acts(
        "listen.host",
        Kind::Text,
        "",
        "host of every listener without a host-port of its own, such as :: or 0.0.0.0; empty: 127.0.0.1 and ::1. Also read from JAEGER_LISTEN_HOST",
    ),
    Flag::acts(
        "plaintext.listeners",
        Kind::List,
        "",
        "listeners that may speak plaintext to other machines: all, or words such as otlp-grpc, jaeger-grpc, query-http, jaeger-udp",
    ),
    Flag::acts(
        "instance.default",
        Kind::Text,
        "default/jaeger",
        "namespace/name of this instance: whose certificates it serves with, and whose the spans are that say nothing else",
    ),
    Flag::acts(
        "certs.directory",
        Kind::Text,
        "spoor-certs",
        "folder of the certificates that are made for listeners that have to speak TLS and were given none: NAMESPACE/ca.crt for clients, NAMESPACE/NAME/tls.crt and tls.key. Keep it where it outlives the process",
    ),
    Flag::acts(
        "certs.names",
        Kind::List,
        "",
        "more names and addresses that clients call this instance by, such as traces.example.org; localhost, this machine's name and the addresses from which it reaches others, the hosts of listeners and the services of the instance in Kubernetes are there already",
    ),
    Flag::acts(
        "certs.validity",
        Kind::Duration,
        "2160h",
        "how long a certificate that is made lasts, at least 1m; it is renewed when a third of that is left, without a restart",
    ),
    Flag::acts(
        "trust.bundles",
        Kind::List,
        "",
        "files of authorities, PEM, and folders of such files: beside those of the system they are trusted on every connection that is opened and whose own tls.ca is empty. What comes and goes there is taken up while it runs",
    ),
    Flag::acts(
        "listen.max-connections",
        Kind::Int,
        "10000",
        "open connections of one listener; one more is closed at once and counted",
    ),
    Flag::acts(
        "shutdown.grace-period",
        Kind::Duration,
        "25s",
        "time from SIGTERM to the end: in it requests are answered and spans stored (Kubernetes kills after 30s)",
    ),
    Flag::acts(
        "memory.max-bytes",
        Kind::Bytes,
        "",
        "memory for spans in flight, in the memory store and in the embedded store's heads; at least 16MiB; empty: 192MiB or half the memory cgroup, the smaller",
    ),
    Flag::acts(
        "admin.http.host-port",
        Kind::HostPort,
        "",
        "address of health and metrics; empty: listen.host at 14269, or 16687 for the role query",
    ),
    Flag::acts(
        "status.http.host-port",
        Kind::HostPort,
        "",
        "address that the command status asks; empty: 127.0.0.1 at the role's admin port",
    ),
    Flag::acts(
        "metrics-http-route",
        Kind::Text,
        "/metrics",
        "path of the metrics on the admin port",
    ),
    Flag::accepted("metrics-backend", Kind::Text, "prometheus", METRICS),
    Flag::accepted(
        "feature-gates",
        Kind::List,
        "",
        "Spoor has no feature gates; what they unlock in Jaeger is on or has a setting",
    ),
    Flag::old_port("admin-http-port", "admin.http.host-port"),
    Flag::old_port("health-check-http-port", "admin.http.host-port"),
];

pub(super) const ADMIN_TLS: &[Flag] = &server_tls!("admin.http", Reader::All);
