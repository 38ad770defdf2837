//! The listeners there are, each with its settings.
//!
//! In: a word of `plaintext.listeners`. Out: the listener, its host-port setting, its TLS block and its default port. One list for all rooms; a listener that
//! a later version opens gets its row with it. Source: `jaegertracing/jaeger: ports/ports.go` and the flags of v1.76.0.

use std::fmt;

use crate::ports;

/// A port that Spoor can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListenerName {
    /// OTLP over gRPC.
    OtlpGrpc,
    /// OTLP over HTTP.
    OtlpHttp,
    /// Jaeger's protobuf over gRPC.
    JaegerGrpc,
    /// Jaeger's Thrift over HTTP.
    JaegerThrift,
    /// Zipkin's JSON, protobuf and Thrift over HTTP.
    Zipkin,
    /// Jaeger's Thrift in the compact protocol, over UDP.
    JaegerCompact,
    /// Jaeger's Thrift in the binary protocol, over UDP.
    JaegerBinary,
    /// Zipkin's Thrift in the compact protocol, over UDP.
    ZipkinCompact,
    /// Remote sampling over HTTP.
    SamplingHttp,
    /// Remote sampling over gRPC.
    SamplingGrpc,
    /// Jaeger's HTTP API.
    QueryHttp,
    /// Jaeger's query service over gRPC.
    QueryGrpc,
    /// A store that is served to other processes.
    StorageGrpc,
    /// Health and metrics.
    Admin,
}

struct Row {
    name: ListenerName,
    word: &'static str,
    setting: &'static str,
    tls_prefix: Option<&'static str>,
    port: u16,
}

const fn row(
    name: ListenerName,
    word: &'static str,
    setting: &'static str,
    tls_prefix: &'static str,
    port: u16,
) -> Row {
    Row {
        name,
        word,
        setting,
        tls_prefix: Some(tls_prefix),
        port,
    }
}

const fn datagrams(
    name: ListenerName,
    word: &'static str,
    setting: &'static str,
    port: u16,
) -> Row {
    Row {
        tls_prefix: None,
        ..row(name, word, setting, "", port)
    }
}

const ROWS: [Row; 14] = [
    row(
        ListenerName::OtlpGrpc,
        "otlp-grpc",
        "collector.otlp.grpc.host-port",
        "collector.otlp.grpc.tls",
        ports::OTLP_GRPC,
    ),
    row(
        ListenerName::OtlpHttp,
        "otlp-http",
        "collector.otlp.http.host-port",
        "collector.otlp.http.tls",
        ports::OTLP_HTTP,
    ),
    row(
        ListenerName::JaegerGrpc,
        "jaeger-grpc",
        "collector.grpc-server.host-port",
        "collector.grpc.tls",
        ports::COLLECTOR_GRPC,
    ),
    row(
        ListenerName::JaegerThrift,
        "jaeger-thrift",
        "collector.http-server.host-port",
        "collector.http.tls",
        ports::COLLECTOR_HTTP,
    ),
    row(
        ListenerName::Zipkin,
        "zipkin",
        "collector.zipkin.host-port",
        "collector.zipkin.tls",
        ports::ZIPKIN,
    ),
    datagrams(
        ListenerName::JaegerCompact,
        "jaeger-compact",
        "processor.jaeger-compact.server-host-port",
        ports::JAEGER_COMPACT,
    ),
    datagrams(
        ListenerName::JaegerBinary,
        "jaeger-binary",
        "processor.jaeger-binary.server-host-port",
        ports::JAEGER_BINARY,
    ),
    datagrams(
        ListenerName::ZipkinCompact,
        "zipkin-compact",
        "processor.zipkin-compact.server-host-port",
        ports::ZIPKIN_COMPACT,
    ),
    row(
        ListenerName::SamplingHttp,
        "sampling-http",
        "http-server.host-port",
        "http-server.tls",
        ports::SAMPLING_HTTP,
    ),
    row(
        ListenerName::SamplingGrpc,
        "sampling-grpc",
        "sampling.grpc.host-port",
        "sampling.grpc.tls",
        ports::SAMPLING_GRPC,
    ),
    row(
        ListenerName::QueryHttp,
        "query-http",
        "query.http-server.host-port",
        "query.http.tls",
        ports::QUERY_HTTP,
    ),
    row(
        ListenerName::QueryGrpc,
        "query-grpc",
        "query.grpc-server.host-port",
        "query.grpc.tls",
        ports::QUERY_GRPC,
    ),
    row(
        ListenerName::StorageGrpc,
        "storage-grpc",
        "grpc.host-port",
        "grpc.tls",
        ports::STORAGE_GRPC,
    ),
    ADMIN,
];

const ADMIN: Row = row(
    ListenerName::Admin,
    "admin",
    "admin.http.host-port",
    "admin.http.tls",
    ports::COLLECTOR_ADMIN,
);

// === impl ListenerName ===

impl ListenerName {
    /// Every listener, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.name)
    }

    fn row(self) -> &'static Row {
        ROWS.iter().find(|row| row.name == self).unwrap_or(&ADMIN)
    }

    /// Its word in `plaintext.listeners`, in logs and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().word
    }

    /// The listener of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.word == word).map(|row| row.name)
    }

    /// The setting that holds its address.
    #[must_use]
    pub fn setting(self) -> &'static str {
        self.row().setting
    }

    /// What stands before `.enabled`, `.cert` and so on; none: datagrams have no TLS.
    #[must_use]
    pub fn tls_prefix(self) -> Option<&'static str> {
        self.row().tls_prefix
    }

    /// Whether it takes datagrams, which have no connection and no TLS.
    #[must_use]
    pub fn is_datagram(self) -> bool {
        self.tls_prefix().is_none()
    }

    /// Jaeger's port for it; the admin port of `query` alone is another.
    #[must_use]
    pub fn default_port(self) -> u16 {
        self.row().port
    }

    /// Health checks and scrapers come without certificates, and no span passes here.
    #[must_use]
    pub fn is_plaintext_by_nature(self) -> bool {
        self == Self::Admin
    }
}

impl fmt::Display for ListenerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
