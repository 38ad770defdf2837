//! Settings of what answers queries.
//!
//! Rows only. Source: `jaegertracing/jaeger: cmd/query/app/flags.go`, `internal/storage/metricstore/prometheus/options.go` at v1.76.0, `cmd/query/app/flags.go`
//! at v1.20.0.

use super::macros::server_tls;
use crate::flag::{Flag, Kind, Reader};

const fn q(flag: Flag) -> Flag {
    flag.by(Reader::Query)
}

pub(super) const ROWS: &[Flag] = &[
    q(Flag::acts(
        "query.http-server.host-port",
        Kind::HostPort,
        "",
        "address of the HTTP API; empty: listen.host at 16686",
    )),
    q(Flag::acts(
        "query.grpc-server.host-port",
        Kind::HostPort,
        "",
        "address of queries over gRPC; empty: listen.host at 16685",
    )),
    q(Flag::acts(
        "query.base-path",
        Kind::Text,
        "/",
        "prefix of every path, behind a reverse proxy: starts with a slash and does not end with one",
    )),
    q(Flag::acts(
        "query.additional-headers",
        Kind::Lines,
        "",
        "header for every answer, as \"Key: Value\"; may be given several times",
    )),
    q(Flag::acts(
        "query.max-clock-skew-adjustment",
        Kind::Duration,
        "0s",
        "how far a span may be moved in an answer to lie within its parent; 0: not at all",
    )),
    q(Flag::acts(
        "query.max-traces",
        Kind::Int,
        "10000",
        "most traces in one answer; a larger limit is brought down to it",
    )),
    q(Flag::acts(
        "query.max-spans",
        Kind::Int,
        "1000000",
        "most spans in one answer; it is cut there, and says so",
    )),
    q(Flag::acts(
        "query.max-bytes",
        Kind::Bytes,
        "128MiB",
        "memory of one answer's spans; it is cut there, and says so. With its JSON an answer takes up to three times as much, all together query.max-concurrent-reads times that",
    )),
    q(Flag::acts(
        "query.max-concurrent-reads",
        Kind::Int,
        "4",
        "requests for traces that are answered at once, until the client has read its answer; more wait, within query.timeout",
    )),
    q(Flag::acts(
        "query.timeout",
        Kind::Duration,
        "30s",
        "how long one query may take; then it is answered with what there is, or 503 where there is nothing",
    )),
    q(Flag::acts(
        "query.search-timeout",
        Kind::Duration,
        "3500ms",
        "how long of that a search for traces, or for summaries of them, may take: Kiali waits 4s for one",
    )),
    q(Flag::acts(
        "query.cache-ttl",
        Kind::Duration,
        "2s",
        "how old a list may be that is answered without asking the store again: dependencies, and where the store is another process services and operations; for one instance and one caller's token alone; 0: none is kept",
    )),
    q(Flag::acts(
        "query.cache-bytes",
        Kind::Bytes,
        "16MiB",
        "memory of lists that are kept for query.cache-ttl",
    )),
    q(Flag::acts(
        "query.trace-cache-ttl",
        Kind::Duration,
        "1m",
        "how long a trace is held that nobody asks for, for a page that asks for its parts one by one: they are of what was read for its skeleton; for one instance and one caller's token alone; 0: each part reads the store",
    )),
    q(Flag::acts(
        "query.trace-cache-bytes",
        Kind::Bytes,
        "256MiB",
        "memory of traces that are held for query.trace-cache-ttl; a larger one is not held",
    )),
    q(Flag::acts(
        "query.tag-expressions",
        Kind::Bool,
        "true",
        "a tag value with an operator (* + ? | [ ( { \\) also finds what it matches as an expression",
    )),
    q(Flag::acts(
        "query.union",
        Kind::List,
        "",
        "instances whose traces are read as well, as namespace/name with commas between them: whoever may read this one sees theirs too",
    )),
    q(Flag::acts(
        "query.static-files",
        Kind::Text,
        "",
        "folder with a bundle of Jaeger's web UI: index.html, and static/ beside it; read into memory, and again when it changes; empty: Spoor's own web UI",
    )),
    q(Flag::acts(
        "query.ui-config",
        Kind::Text,
        "",
        "configuration of the web UI, as Jaeger's: a .json file, or with query.static-files a .js file that defines function UIConfig(); read again when it changes",
    )),
    q(Flag::acts(
        "query.frame-ancestors",
        Kind::List,
        "self",
        "origins whose pages may show the web UI in a frame, with commas between them, such as self,https://grafana.example.com; none: no page may",
    )),
    q(Flag::acts(
        "query.demo",
        Kind::Bool,
        "true",
        "let the web UI make a small shop's traces, where this process takes spans, for who has none yet",
    )),
    q(Flag::acts(
        "query.log-static-assets-access",
        Kind::Bool,
        "false",
        "log each request for a file of the web UI",
    )),
    q(Flag::acts(
        "query.bearer-token-propagation",
        Kind::Bool,
        "false",
        "hand the token or API key of whoever asks (Authorization, or X-Forwarded-Access-Token) to the store, where es.bearer-token-propagation or es.api-key-allow-from-context takes it",
    )),
    q(Flag::acts(
        "query.enable-tracing",
        Kind::Bool,
        "false",
        "store spans of queries, of the service spoor-query, with the traces of the instance that was asked: callers' trace contexts are continued; at most 100 queries a second",
    )),
    q(Flag::acts(
        "query.tracing-ratio",
        Kind::Float,
        "1",
        "share of queries, 0 to 1, that are traced with query.enable-tracing where the caller brings no trace context",
    )),
    q(Flag::acts(
        "query.span-metrics",
        Kind::Text,
        "auto",
        "whether a store counts its spans when rates and latencies of services are asked for: auto, where that makes no cluster work (the stores embedded and memory); always; never",
    )),
    q(Flag::acts(
        "prometheus.server-url",
        Kind::Text,
        "http://localhost:9090",
        "where Prometheus is, with METRICS_STORAGE_TYPE=prometheus; it may end with a path",
    )),
    q(Flag::accepted(
        "prometheus.connect-timeout",
        Kind::Duration,
        "30s",
        "connecting is given up after 5s, and a query after query.timeout",
    )),
    q(Flag::acts(
        "prometheus.token-file",
        Kind::Text,
        "",
        "path of a file with a bearer token for Prometheus, read again when it changes",
    )),
    q(Flag::acts(
        "prometheus.token-override-from-context",
        Kind::Bool,
        "true",
        "send the token of whoever asks in place of that file's, where query.bearer-token-propagation hands it on",
    )),
    q(Flag::acts(
        "prometheus.query.namespace",
        Kind::Text,
        "traces_span_metrics",
        "what stands before the names of the metrics calls and duration, with an underscore; empty: nothing",
    )),
    q(Flag::acts(
        "prometheus.query.duration-unit",
        Kind::Text,
        "ms",
        "unit of durations in Prometheus, ms or s, for the name of their metric",
    )),
    q(Flag::acts(
        "prometheus.query.normalize-calls",
        Kind::Bool,
        "false",
        "the metric of calls has a name that ends with _total",
    )),
    q(Flag::acts(
        "prometheus.query.normalize-duration",
        Kind::Bool,
        "false",
        "the metric of durations has a name that ends with its unit",
    )),
    q(Flag::acts(
        "prometheus.query.extra-query-params",
        Kind::Text,
        "",
        "parameters for the URL of every query, as name=value,name=value",
    )),
    q(Flag::accepted(
        "prometheus.query.support-spanmetrics-connector",
        Kind::Bool,
        "true",
        "the names of the spanmetrics connector are the only ones",
    )),
    // Names that ended before 1.76.
    q(Flag::old_port("query.port", "query.http-server.host-port")),
    q(Flag::alias(
        "query.host-port",
        Kind::HostPort,
        "query.http-server.host-port",
    )),
];

pub(super) const HTTP_TLS: &[Flag] = &server_tls!("query.http", Reader::Query);
pub(super) const GRPC_TLS: &[Flag] = &server_tls!("query.grpc", Reader::Query);
pub(super) const PROMETHEUS_TLS: &[Flag] = &[
    q(Flag::acts(
        "prometheus.tls.enabled",
        Kind::Bool,
        "false",
        "the settings of this block hold for a URL of https; without it those are trusted that authorities of the system or of trust.bundles have signed",
    )),
    q(Flag::acts(
        "prometheus.tls.ca",
        Kind::Text,
        "",
        "path of the authorities that may have signed Prometheus' certificate, PEM; read again when it changes; empty: those of the system and of trust.bundles, and our own in certs.directory",
    )),
    q(Flag::acts(
        "prometheus.tls.cert",
        Kind::Text,
        "",
        "path of our certificate, PEM, for a server that asks for one; read again when it changes",
    )),
    q(Flag::acts(
        "prometheus.tls.key",
        Kind::Text,
        "",
        "path of its private key, PEM; read again when it changes",
    )),
    q(Flag::acts(
        "prometheus.tls.server-name",
        Kind::Text,
        "",
        "name that Prometheus' certificate must hold; empty: the host that is called",
    )),
    q(Flag::acts(
        "prometheus.tls.skip-host-verify",
        Kind::Bool,
        "false",
        "take any certificate: whoever stands in between can read and change what is answered",
    )),
    q(Flag::alias(
        "prometheus.tls",
        Kind::Bool,
        "prometheus.tls.enabled",
    )),
];
