//! Settings of the stores.
//!
//! Rows only. Source: `jaegertracing/jaeger: internal/storage/v1` at v1.76.0, `plugin/storage` at v1.20.0.

use super::macros::{client_tls, server_tls};
use super::store_macros::{cassandra, elasticsearch, elasticsearch_tls, remote, remote_tls};
use crate::flag::{Flag, Kind, Reader};

const DATELESS: &str = "an archive is one index without a date, until somebody rolls it over";
const PLUGIN: &str = "plugins as programs ended with Jaeger 1.58: start it as a server, and give its address to grpc-storage.server";
const CASSANDRA: &str = "Spoor has no Cassandra store: use span-storage.type=embedded, and leave Jaeger beside it until its data has aged out";
const BADGER: &str = "Spoor has no Badger store: use span-storage.type=embedded with embedded.directory and embedded.max-age, and leave Jaeger beside it until its data has aged out";
const VARIABLE: &str = "follows span-storage.type";

pub(super) const ROWS: &[Flag] = &[
    Flag::acts(
        "embedded.directory",
        Kind::Text,
        "spoor-data",
        "folder of the embedded store; made when missing",
    ),
    Flag::acts(
        "embedded.max-age",
        Kind::Duration,
        "168h",
        "age at which stored spans are removed, archived ones excepted; 0: never",
    ),
    Flag::acts(
        "embedded.max-bytes",
        Kind::Bytes,
        "10GiB",
        "room on disk, the archive not counted; the oldest spans are removed beyond it; 0: no limit",
    ),
    Flag::acts(
        "embedded.min-free-bytes",
        Kind::Bytes,
        "",
        "room to keep free on the file system of embedded.directory, whatever fills it; the oldest spans are removed while there is less; empty: 1GiB or a twentieth of it, the smaller; 0: none, a full disk refuses writes",
    ),
    Flag::acts(
        "embedded.namespace-max-age",
        Kind::List,
        "",
        "ages of single namespaces in place of embedded.max-age, such as team-a=24h,team-b=720h; 0: never",
    ),
    Flag::acts(
        "embedded.namespace-max-bytes",
        Kind::List,
        "",
        "room on disk of single namespaces beside embedded.max-bytes, such as team-a=2GiB; the oldest spans of the namespace are removed beyond it",
    ),
    Flag::acts(
        "memory.max-traces",
        Kind::Int,
        "0",
        "traces in the memory store, the oldest are removed beyond it; 0: bounded by memory.max-bytes alone",
    ),
    Flag::acts(
        "spool.directory",
        Kind::Text,
        "",
        "folder where spans wait on the disk for an Elasticsearch or OpenSearch that is away; they are acknowledged once they are durable there; made when missing; empty: no spool, spans are acknowledged once the store has them",
    )
    .by(Reader::Collector),
    Flag::acts(
        "spool.max-bytes",
        Kind::Bytes,
        "1GiB",
        "room on disk for spans in spool.directory, of all instances together; beyond it they are refused",
    )
    .by(Reader::Collector),
    Flag::accepted("DEPENDENCY_STORAGE_TYPE", Kind::Text, "", VARIABLE).variable_only(),
    Flag::accepted(
        "SAMPLING_TYPE",
        Kind::Text,
        "",
        "it ended with Jaeger 1.50: sampling.config-type took its place",
    )
    .by(Reader::Collector)
    .variable_only(),
    Flag::accepted(
        "SAMPLING_STORAGE_TYPE",
        Kind::Text,
        "",
        "adaptive sampling keeps its state in the first store of span-storage.type that can",
    )
    .by(Reader::Collector)
    .variable_only(),
    Flag::acts(
        "METRICS_STORAGE_TYPE",
        Kind::Text,
        "",
        "prometheus: that is asked for rates and latencies of services; empty: see query.span-metrics",
    )
    .by(Reader::Query)
    .variable_only(),
    Flag::acts(
        "grpc-storage-archive.enabled",
        Kind::Bool,
        "false",
        "keep traces that somebody archives, with the server of grpc-storage-archive.server",
    ),
    Flag::accepted("grpc-storage-plugin.binary", Kind::Text, "", PLUGIN),
    Flag::accepted(
        "grpc-storage-plugin.configuration-file",
        Kind::Text,
        "",
        PLUGIN,
    ),
    Flag::accepted("grpc-storage-plugin.log-level", Kind::Text, "warn", PLUGIN),
    Flag::acts(
        "grpc.host-port",
        Kind::HostPort,
        "",
        "address where the role remote-storage serves its store; empty: listen.host at 17271",
    )
    .by(Reader::RemoteStorage),
    Flag::acts(
        "grpc.max-message-size",
        Kind::Bytes,
        "4MiB",
        "longest message of spans that the role remote-storage takes, on the wire and inflated",
    )
    .by(Reader::RemoteStorage),
    Flag::acts(
        "grpc.max-connection-age",
        Kind::Duration,
        "0s",
        "age at which the role remote-storage asks a connection to end, so that clients spread anew; 0: never",
    )
    .by(Reader::RemoteStorage),
    Flag::acts(
        "grpc.max-connection-age-grace",
        Kind::Duration,
        "0s",
        "time for its requests after that; 0: as long as they take",
    )
    .by(Reader::RemoteStorage),
    Flag::refused("badger.ephemeral", Kind::Bool, "false", BADGER),
    Flag::refused("badger.directory-key", Kind::Text, "", BADGER),
    Flag::refused("badger.directory-value", Kind::Text, "", BADGER),
    Flag::refused("badger.span-store-ttl", Kind::Duration, "72h", BADGER),
    Flag::refused("badger.maintenance-interval", Kind::Duration, "5m", BADGER),
    Flag::refused(
        "badger.metrics-update-interval",
        Kind::Duration,
        "10s",
        BADGER,
    ),
    Flag::refused("badger.read-only", Kind::Bool, "false", BADGER),
    Flag::refused("badger.consistency", Kind::Bool, "false", BADGER),
    Flag::refused("badger.truncate", Kind::Bool, "false", BADGER),
];

pub(super) const ELASTICSEARCH: &[Flag] = &elasticsearch!("es");
/// What has no meaning in an archive, which is never looked through and has no date.
pub(super) const ELASTICSEARCH_ALONE: &[Flag] = &[
    Flag::acts(
        "es.max-span-age",
        Kind::Duration,
        "72h",
        "how far back services and traces are looked for",
    ),
    Flag::acts(
        "es.index-date-separator",
        Kind::Text,
        "-",
        "what stands between year, month and day in the names of indices",
    ),
    Flag::acts(
        "es.index-rollover-frequency-spans",
        Kind::Text,
        "day",
        "how often a new index of spans begins: day or hour",
    ),
    Flag::acts(
        "es.index-rollover-frequency-services",
        Kind::Text,
        "day",
        "how often a new index of services begins: day or hour",
    ),
    Flag::acts(
        "es.index-rollover-frequency-adaptive-sampling",
        Kind::Text,
        "day",
        "how often a new index of adaptive sampling begins: day or hour",
    ),
    Flag::acts(
        "es.service-cache-ttl",
        Kind::Duration,
        "0s",
        "how long a service is known to be written within one index; 0: 12h",
    ),
    Flag::acts(
        "es.adaptive-sampling.lookback",
        Kind::Duration,
        "72h",
        "how far back the latest probabilities of adaptive sampling are looked for",
    ),
    Flag::acts(
        "es.cleaner.max-age",
        Kind::Duration,
        "0s",
        "age at which indices are deleted, once all in them is older; the archive is kept. Done by collector, all-in-one and ingester; 0: never, as in Jaeger: see docs/housekeeping.md",
    ),
    Flag::acts(
        "es.cleaner.interval",
        Kind::Duration,
        "1h",
        "how often such indices are looked for",
    ),
    Flag::acts(
        "es.rollover.interval",
        Kind::Duration,
        "0s",
        "how often it is seen to that aliases are there and that indices are followed by new ones; with use-aliases and without use-ilm. Done by collector, all-in-one and ingester; 0: never, as in Jaeger",
    ),
    Flag::acts(
        "es.rollover.conditions",
        Kind::Text,
        "{\"max_age\": \"2d\"}",
        "when an index is followed by a new one, as JSON: any one of the conditions suffices",
    ),
    Flag::acts(
        "es.rollover.lookback",
        Kind::Duration,
        "0s",
        "age at which rolled over indices are no longer read, by when they were made; 0: all are read",
    ),
    Flag::acts(
        "es.dependencies.enabled",
        Kind::Bool,
        "true",
        "count the calls between services from the spans in the cluster, an hour at a time, without Jaeger's Spark job; days that such a job has written are left to it. Done by one of the processes that write: see docs/dependencies.md",
    ),
    Flag::acts(
        "es.dependencies.interval",
        Kind::Duration,
        "10m",
        "how often the current hour is counted anew; after a crash of the process that counts, another takes over within twice that time",
    ),
    Flag::acts(
        "es.dependencies.late-after",
        Kind::Duration,
        "15m",
        "how long an hour is over before it is counted for good; spans of it that are written later have it counted again",
    ),
    Flag::acts(
        "es.dependencies.settle",
        Kind::Duration,
        "2m",
        "how long after a late span its hour is counted again: longer than a write and than the refresh of an index take",
    ),
];
pub(super) const ELASTICSEARCH_TLS: &[Flag] = &elasticsearch_tls!("es");
pub(super) const ARCHIVE: &[Flag] = &elasticsearch!("es-archive");
pub(super) const ARCHIVE_ALONE: &[Flag] = &[
    Flag::acts(
        "es-archive.enabled",
        Kind::Bool,
        "false",
        "keep traces that somebody archives, in indices of their own. What an archive shares with its store and nobody wrote for it is as for es: see docs/elasticsearch.md",
    ),
    Flag::accepted(
        "es-archive.max-span-age",
        Kind::Duration,
        "0s",
        "an archive has no age; Jaeger dropped it in 1.23",
    ),
    Flag::accepted("es-archive.index-date-separator", Kind::Text, "-", DATELESS),
    Flag::accepted(
        "es-archive.index-rollover-frequency-spans",
        Kind::Text,
        "day",
        DATELESS,
    ),
    Flag::accepted(
        "es-archive.index-rollover-frequency-services",
        Kind::Text,
        "day",
        DATELESS,
    ),
    Flag::accepted(
        "es-archive.index-rollover-frequency-adaptive-sampling",
        Kind::Text,
        "day",
        DATELESS,
    ),
    Flag::accepted(
        "es-archive.service-cache-ttl",
        Kind::Duration,
        "0s",
        "nobody looks for services in an archive",
    ),
    Flag::accepted(
        "es-archive.adaptive-sampling.lookback",
        Kind::Duration,
        "72h",
        "adaptive sampling keeps nothing in an archive",
    ),
];
pub(super) const ARCHIVE_TLS: &[Flag] = &elasticsearch_tls!("es-archive");
pub(super) const REMOTE: &[Flag] = &remote!(
    "grpc-storage",
    "host:port of a store in another process, for span-storage.type=grpc: Jaeger's remote-storage, or Spoor's; several with commas, used in turn"
);
pub(super) const REMOTE_TLS: &[Flag] = &remote_tls!("grpc-storage");
pub(super) const REMOTE_ARCHIVE: &[Flag] = &remote!(
    "grpc-storage-archive",
    "host:port of a store in another process that keeps archived traces, with grpc-storage-archive.enabled"
);
pub(super) const REMOTE_ARCHIVE_TLS: &[Flag] = &remote_tls!("grpc-storage-archive");
pub(super) const REMOTE_SERVER_TLS: &[Flag] = &server_tls!("grpc", Reader::RemoteStorage);
pub(super) const CASSANDRA_ROWS: &[Flag] = &cassandra!("cassandra", CASSANDRA);
pub(super) const CASSANDRA_TLS: &[Flag] = &client_tls!("cassandra", Flag::refused, CASSANDRA);
pub(super) const CASSANDRA_ARCHIVE: &[Flag] = &cassandra!("cassandra-archive", CASSANDRA);
pub(super) const CASSANDRA_ARCHIVE_TLS: &[Flag] =
    &client_tls!("cassandra-archive", Flag::refused, CASSANDRA);
