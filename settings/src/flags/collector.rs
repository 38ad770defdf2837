//! Settings of what receives spans.
//!
//! Rows only. Source: `jaegertracing/jaeger: cmd/collector/app/flags`, `internal/sampling`, `internal/tenancy` at v1.76.0, `cmd/collector/app/builder_flags.go`
//! at v1.20.0.

use super::macros::{processor, server_tls};
use crate::flag::{Flag, Kind, Reader};

const QUEUE: &str = "Spoor has no such queue: a request is answered when its spans are durable, within the memory of memory.max-bytes";

const fn c(flag: Flag) -> Flag {
    flag.by(Reader::Collector)
}

pub(super) const ROWS: &[Flag] = &[
    c(Flag::acts(
        "collector.otlp.enabled",
        Kind::Bool,
        "true",
        "receive OTLP, over gRPC and over HTTP",
    )),
    c(Flag::acts(
        "collector.otlp.grpc.host-port",
        Kind::HostPort,
        "",
        "address of OTLP over gRPC; empty: listen.host at 4317",
    )),
    c(Flag::acts(
        "collector.otlp.grpc.max-message-size",
        Kind::Bytes,
        "4MiB",
        "largest message, on the wire and inflated",
    )),
    c(Flag::acts(
        "collector.otlp.grpc.max-connection-age",
        Kind::Duration,
        "0s",
        "age at which a connection is asked to end, so that clients spread anew; 0: never",
    )),
    c(Flag::acts(
        "collector.otlp.grpc.max-connection-age-grace",
        Kind::Duration,
        "0s",
        "time for its requests after that; 0: as long as they take",
    )),
    c(Flag::acts(
        "collector.otlp.http.host-port",
        Kind::HostPort,
        "",
        "address of OTLP over HTTP; empty: listen.host at 4318",
    )),
    c(Flag::acts(
        "collector.otlp.http.max-body-size",
        Kind::Bytes,
        "20MiB",
        "largest body, on the wire and inflated",
    )),
    c(Flag::acts(
        "collector.otlp.http.idle-timeout",
        Kind::Duration,
        "0s",
        "how long a connection may be without a request; 0: 5m",
    )),
    c(Flag::acts(
        "collector.otlp.http.read-header-timeout",
        Kind::Duration,
        "2s",
        "time for the head of a request; 0: 10s",
    )),
    c(Flag::acts(
        "collector.otlp.http.read-timeout",
        Kind::Duration,
        "0s",
        "time between two pieces of a request's body; 0: 15s",
    )),
    c(Flag::acts(
        "collector.otlp.http.cors.allowed-origins",
        Kind::List,
        "",
        "origins of web pages that may send spans, each with at most one *; empty: none",
    )),
    c(Flag::acts(
        "collector.otlp.http.cors.allowed-headers",
        Kind::List,
        "",
        "request headers that such pages may set",
    )),
    c(Flag::acts(
        "collector.grpc-server.host-port",
        Kind::HostPort,
        "",
        "address of Jaeger's protobuf over gRPC; empty: listen.host at 14250",
    )),
    c(Flag::acts(
        "collector.grpc-server.max-message-size",
        Kind::Bytes,
        "4MiB",
        "largest message, on the wire and inflated",
    )),
    c(Flag::acts(
        "collector.grpc-server.max-connection-age",
        Kind::Duration,
        "0s",
        "age at which a connection is asked to end, so that clients spread anew; 0: never",
    )),
    c(Flag::acts(
        "collector.grpc-server.max-connection-age-grace",
        Kind::Duration,
        "0s",
        "time for its requests after that; 0: as long as they take",
    )),
    c(Flag::acts(
        "collector.http-server.host-port",
        Kind::HostPort,
        "",
        "address of Jaeger's Thrift over HTTP; empty: listen.host at 14268",
    )),
    c(Flag::acts(
        "collector.http-server.max-body-size",
        Kind::Bytes,
        "20MiB",
        "largest body, on the wire and inflated",
    )),
    c(Flag::acts(
        "collector.http-server.idle-timeout",
        Kind::Duration,
        "0s",
        "how long a connection may be without a request; 0: 5m",
    )),
    c(Flag::acts(
        "collector.http-server.read-header-timeout",
        Kind::Duration,
        "2s",
        "time for the head of a request; 0: 10s",
    )),
    c(Flag::acts(
        "collector.http-server.read-timeout",
        Kind::Duration,
        "0s",
        "time between two pieces of a request's body; 0: 15s",
    )),
    c(Flag::acts(
        "collector.zipkin.host-port",
        Kind::HostPort,
        "",
        "address of Zipkin over HTTP; empty: listen.host at 9411 in all-in-one, and off in collector",
    )),
    c(Flag::acts(
        "collector.zipkin.max-body-size",
        Kind::Bytes,
        "20MiB",
        "largest body, on the wire and inflated",
    )),
    c(Flag::acts(
        "collector.zipkin.idle-timeout",
        Kind::Duration,
        "0s",
        "how long a connection may be without a request; 0: 5m",
    )),
    c(Flag::acts(
        "collector.zipkin.read-header-timeout",
        Kind::Duration,
        "2s",
        "time for the head of a request; 0: 10s",
    )),
    c(Flag::acts(
        "collector.zipkin.read-timeout",
        Kind::Duration,
        "0s",
        "time between two pieces of a request's body; 0: 15s",
    )),
    c(Flag::acts(
        "collector.zipkin.cors.allowed-origins",
        Kind::List,
        "",
        "origins of web pages that may send spans, each with at most one *; empty: none",
    )),
    c(Flag::acts(
        "collector.zipkin.cors.allowed-headers",
        Kind::List,
        "",
        "request headers that such pages may set",
    )),
    c(Flag::acts(
        "collector.tags",
        Kind::Text,
        "",
        "tags for the process of every span: k=v,k2=${VARIABLE:default}",
    )),
    c(Flag::acts(
        "collector.budget-bytes",
        Kind::Bytes,
        "",
        "memory that requests may hold until they are durable, one instance a quarter of it; empty: a share of memory.max-bytes",
    )),
    c(Flag::acts(
        "collector.write-timeout",
        Kind::Duration,
        "4s",
        "how long the store may take before a sender is told to try again (senders give up after 5s)",
    )),
    c(Flag::acts(
        "span.max-age",
        Kind::Duration,
        "720h",
        "spans that began longer ago are not stored but kept as dead letters, or with the store memory alone dropped and counted; 0: no limit",
    )),
    c(Flag::acts(
        "span.max-future",
        Kind::Duration,
        "24h",
        "spans that begin further ahead are not stored but kept as dead letters, or with the store memory alone dropped and counted; 0: no limit",
    )),
    c(Flag::acts(
        "span.max-bytes",
        Kind::Bytes,
        "4MiB",
        "spans that take more memory, text included, are not stored but kept as dead letters, or with the store memory alone dropped and counted; 0: no limit",
    )),
    c(Flag::acts(
        "span.max-attributes",
        Kind::Int,
        "10000",
        "spans with more attributes, those of their events and links included, are not stored but kept as dead letters, or with the store memory alone dropped and counted; 0: no limit",
    )),
    c(Flag::accepted(
        "collector.num-workers",
        Kind::Int,
        "50",
        QUEUE,
    )),
    c(Flag::accepted(
        "collector.queue-size",
        Kind::Int,
        "2000",
        QUEUE,
    )),
    c(Flag::accepted(
        "collector.queue-size-memory",
        Kind::Int,
        "0",
        QUEUE,
    )),
    c(Flag::accepted(
        "collector.enable-span-size-metrics",
        Kind::Bool,
        "false",
        "bytes are always counted, without a label for each span",
    )),
    c(Flag::accepted(
        "collector.zipkin.keep-alive",
        Kind::Bool,
        "true",
        "it had no effect in Jaeger either: connections are kept",
    )),
    c(Flag::acts(
        "downsampling.ratio",
        Kind::Float,
        "1",
        "share of traces that is stored, 0 to 1; the rest is dropped and counted",
    )),
    c(Flag::acts(
        "downsampling.hashsalt",
        Kind::Text,
        "",
        "collectors with the same salt keep the same traces; empty: downsampling-default-salt",
    )),
    Flag::acts(
        "http-server.host-port",
        Kind::HostPort,
        "",
        "address of remote sampling over HTTP; empty: listen.host at 5778 in all-in-one and agent, and off in collector, which answers on 14268 too",
    )
    .by(Reader::CollectorAndAgent),
    c(Flag::acts(
        "sampling.grpc.host-port",
        Kind::HostPort,
        "",
        "address of remote sampling over gRPC; empty: listen.host at 5779 in all-in-one, and off in collector, which answers on 14250 too",
    )),
    c(Flag::acts(
        "sampling.config-type",
        Kind::Text,
        "file",
        "what says how much SDKs are told to sample: file (sampling.strategies-file), or adaptive (what was counted)",
    )),
    c(Flag::acts(
        "sampling.strategies-file",
        Kind::Text,
        "",
        "path or URL (http, https) of the sampling strategies, JSON; read again when they change; empty: sampling.default-sampling-probability for all",
    )),
    c(Flag::acts(
        "sampling.strategies.ca",
        Kind::Text,
        "",
        "path of the authorities that may have signed the certificate of that URL's server, PEM; empty: the system's, those of trust.bundles, and certs.directory's for the namespace of instance.default",
    )),
    c(Flag::acts(
        "sampling.strategies-reload-interval",
        Kind::Duration,
        "0s",
        "how often that file is compared with what is in use; 0: 10s",
    )),
    c(Flag::acts(
        "sampling.default-sampling-probability",
        Kind::Float,
        "0.001",
        "share of traces, 0 to 1, for services and operations of which the strategies say nothing usable",
    )),
    c(Flag::acts(
        "sampling.target-samples-per-second",
        Kind::Float,
        "1",
        "adaptive sampling: traces a second to record of each operation of each service",
    )),
    c(Flag::acts(
        "sampling.delta-tolerance",
        Kind::Float,
        "0.3",
        "adaptive sampling: the share by which an operation may miss the target before its probability changes",
    )),
    c(Flag::acts(
        "sampling.buckets-for-calculation",
        Kind::Int,
        "1",
        "adaptive sampling: how many of the latest intervals make an operation's rate, the newest weighing most",
    )),
    c(Flag::acts(
        "sampling.calculation-interval",
        Kind::Duration,
        "1m",
        "adaptive sampling: how often traces are counted and probabilities calculated",
    )),
    c(Flag::acts(
        "sampling.aggregation-buckets",
        Kind::Int,
        "10",
        "adaptive sampling: for how many intervals an operation is remembered that comes no more",
    )),
    c(Flag::acts(
        "sampling.delay",
        Kind::Duration,
        "2m",
        "adaptive sampling: how old a trace's count must be to be used, so that every collector has written its own",
    )),
    c(Flag::acts(
        "sampling.initial-sampling-probability",
        Kind::Float,
        "0.001",
        "adaptive sampling: share of traces, 0 to 1, for operations of which nothing is known",
    )),
    c(Flag::acts(
        "sampling.min-sampling-probability",
        Kind::Float,
        "1e-05",
        "adaptive sampling: the lowest share of traces, 0 to 1",
    )),
    c(Flag::acts(
        "sampling.min-samples-per-second",
        Kind::Float,
        "0.016666666666666666",
        "adaptive sampling: traces a second that a client records of an operation whatever the share",
    )),
    c(Flag::acts(
        "sampling.leader-lease-refresh-interval",
        Kind::Duration,
        "5s",
        "adaptive sampling: how often the collector that calculates says that it goes on",
    )),
    c(Flag::acts(
        "sampling.follower-lease-refresh-interval",
        Kind::Duration,
        "1m",
        "adaptive sampling: how often the others try to take its place, and how long after its last word they can",
    )),
    Flag::acts(
        "multi-tenancy.enabled",
        Kind::Bool,
        "false",
        "believe a header that names the tenant, which is the namespace that spans go to and are read from; what has none is refused",
    ),
    Flag::acts(
        "multi-tenancy.header",
        Kind::Text,
        "x-tenant",
        "name of that header",
    ),
    Flag::acts(
        "multi-tenancy.tenants",
        Kind::List,
        "",
        "tenants that are known; any other is refused",
    ),
    Flag::acts(
        "multi-tenancy.listeners",
        Kind::List,
        "",
        "listeners where the header is believed, by the words of plaintext.listeners; empty: all. Elsewhere a certificate or instance.by-listener has to say it",
    ),
    Flag::acts(
        "instance.by-listener",
        Kind::List,
        "",
        "whose everything is that a listener takes or answers: otlp-grpc=NAMESPACE/NAME,…",
    ),
    Flag::acts(
        "instance.by-certificate",
        Kind::List,
        "",
        "whose a client is, by a DNS name or URI in its certificate: spiffe://cluster.local/ns/shop/*=shop/jaeger,…; clients of other certificates, and of none, are refused",
    ),
    // Names that ended before 1.76.
    c(Flag::old_port(
        "collector.http-port",
        "collector.http-server.host-port",
    )),
    c(Flag::old_port(
        "collector.grpc-port",
        "collector.grpc-server.host-port",
    )),
    c(Flag::accepted(
        "collector.port",
        Kind::Text,
        "14267",
        "TChannel ended with Jaeger 1.18; clients of that age need an upgrade",
    )),
    c(Flag::old_port(
        "collector.zipkin.http-port",
        "collector.zipkin.host-port",
    )),
    c(Flag::alias(
        "collector.zipkin.allowed-origins",
        Kind::List,
        "collector.zipkin.cors.allowed-origins",
    )),
    c(Flag::alias(
        "collector.zipkin.allowed-headers",
        Kind::List,
        "collector.zipkin.cors.allowed-headers",
    )),
];

pub(super) const OTLP_GRPC_TLS: &[Flag] = &server_tls!("collector.otlp.grpc", Reader::Collector);
pub(super) const OTLP_HTTP_TLS: &[Flag] = &server_tls!("collector.otlp.http", Reader::Collector);
pub(super) const GRPC_TLS: &[Flag] = &server_tls!("collector.grpc", Reader::Collector);
pub(super) const HTTP_TLS: &[Flag] = &server_tls!("collector.http", Reader::Collector);
pub(super) const ZIPKIN_TLS: &[Flag] = &server_tls!("collector.zipkin", Reader::Collector);
pub(super) const JAEGER_COMPACT: &[Flag] = &processor!("processor.jaeger-compact", "6831");
pub(super) const JAEGER_BINARY: &[Flag] = &processor!("processor.jaeger-binary", "6832");
pub(super) const ZIPKIN_COMPACT: &[Flag] = &processor!("processor.zipkin-compact", "5775");
pub(super) const SAMPLING_HTTP_TLS: &[Flag] =
    &server_tls!("http-server", Reader::CollectorAndAgent);
pub(super) const SAMPLING_GRPC_TLS: &[Flag] = &server_tls!("sampling.grpc", Reader::Collector);
