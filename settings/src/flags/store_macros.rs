//! Blocks of settings that repeat for a store and its archive.
//!
//! In: a prefix. Out: its rows. Macros for the reason that stands in `macros`. Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/options.go`,
//! `internal/storage/v1/cassandra/options.go` at v1.76.0 and their forerunners at v1.20.0.

/// `es` or `es-archive`.
macro_rules! elasticsearch {
    ($prefix:literal, $note:expr) => {
        [
            Flag::accepted(
                concat!($prefix, ".server-urls"),
                Kind::List,
                "http://127.0.0.1:9200",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".username"), Kind::Text, "", $note),
            Flag::accepted(concat!($prefix, ".password"), Kind::Secret, "", $note),
            Flag::accepted(concat!($prefix, ".password-file"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".password-reload-interval"),
                Kind::Duration,
                "10s",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".token-file"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".bearer-token-reload-interval"),
                Kind::Duration,
                "10s",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".bearer-token-propagation"),
                Kind::Bool,
                "false",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".api-key-file"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".api-key-reload-interval"),
                Kind::Duration,
                "10s",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".api-key-allow-from-context"),
                Kind::Bool,
                "false",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".sniffer"), Kind::Bool, "false", $note),
            Flag::accepted(
                concat!($prefix, ".sniffer-tls-enabled"),
                Kind::Bool,
                "false",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".disable-health-check"),
                Kind::Bool,
                "false",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".timeout"), Kind::Duration, "0s", $note),
            Flag::accepted(concat!($prefix, ".version"), Kind::Int, "0", $note),
            Flag::accepted(concat!($prefix, ".send-get-body-as"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".http-compression"),
                Kind::Bool,
                "true",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".log-level"), Kind::Text, "error", $note),
            Flag::accepted(
                concat!($prefix, ".max-doc-count"),
                Kind::Int,
                "10000",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".num-shards"), Kind::Int, "5", $note),
            Flag::accepted(concat!($prefix, ".num-replicas"), Kind::Int, "1", $note),
            // The misspelling is Jaeger's; the right spelling is an alias.
            Flag::accepted(
                concat!($prefix, ".prioirity-span-template"),
                Kind::Int,
                "0",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".prioirity-service-template"),
                Kind::Int,
                "0",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".prioirity-dependencies-template"),
                Kind::Int,
                "0",
                $note,
            ),
            Flag::alias(
                concat!($prefix, ".priority-span-template"),
                Kind::Int,
                concat!($prefix, ".prioirity-span-template"),
            ),
            Flag::alias(
                concat!($prefix, ".priority-service-template"),
                Kind::Int,
                concat!($prefix, ".prioirity-service-template"),
            ),
            Flag::alias(
                concat!($prefix, ".priority-dependencies-template"),
                Kind::Int,
                concat!($prefix, ".prioirity-dependencies-template"),
            ),
            Flag::accepted(
                concat!($prefix, ".create-index-templates"),
                Kind::Bool,
                "true",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".index-prefix"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".index-date-separator"),
                Kind::Text,
                "-",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".index-rollover-frequency-spans"),
                Kind::Text,
                "day",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".index-rollover-frequency-services"),
                Kind::Text,
                "day",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".index-rollover-frequency-adaptive-sampling"),
                Kind::Text,
                "day",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".use-aliases"), Kind::Bool, "false", $note),
            Flag::accepted(concat!($prefix, ".use-ilm"), Kind::Bool, "false", $note),
            Flag::accepted(
                concat!($prefix, ".remote-read-clusters"),
                Kind::List,
                "",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".tags-as-fields.all"),
                Kind::Bool,
                "false",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".tags-as-fields.include"),
                Kind::List,
                "",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".tags-as-fields.config-file"),
                Kind::Text,
                "",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".tags-as-fields.dot-replacement"),
                Kind::Text,
                "@",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".service-cache-ttl"),
                Kind::Duration,
                "0s",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".adaptive-sampling.lookback"),
                Kind::Duration,
                "72h",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".bulk.size"),
                Kind::Bytes,
                "5000000",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".bulk.workers"), Kind::Int, "1", $note),
            Flag::accepted(concat!($prefix, ".bulk.actions"), Kind::Int, "1000", $note),
            Flag::accepted(
                concat!($prefix, ".bulk.flush-interval"),
                Kind::Duration,
                "200ms",
                $note,
            ),
            Flag::alias(
                concat!($prefix, ".max-num-spans"),
                Kind::Int,
                concat!($prefix, ".max-doc-count"),
            ),
        ]
    };
}

/// `cassandra` or `cassandra-archive`.
macro_rules! cassandra {
    ($prefix:literal, $how:expr) => {
        [
            Flag::refused(concat!($prefix, ".enabled"), Kind::Bool, "false", $how),
            Flag::refused(
                concat!($prefix, ".connections-per-host"),
                Kind::Int,
                "2",
                $how,
            ),
            Flag::refused(
                concat!($prefix, ".max-retry-attempts"),
                Kind::Int,
                "3",
                $how,
            ),
            Flag::refused(concat!($prefix, ".timeout"), Kind::Duration, "0s", $how),
            Flag::refused(
                concat!($prefix, ".connect-timeout"),
                Kind::Duration,
                "0s",
                $how,
            ),
            Flag::refused(
                concat!($prefix, ".reconnect-interval"),
                Kind::Duration,
                "1m",
                $how,
            ),
            Flag::refused(concat!($prefix, ".servers"), Kind::List, "127.0.0.1", $how),
            Flag::refused(concat!($prefix, ".port"), Kind::Int, "0", $how),
            Flag::refused(
                concat!($prefix, ".keyspace"),
                Kind::Text,
                "jaeger_v1_test",
                $how,
            ),
            Flag::refused(concat!($prefix, ".local-dc"), Kind::Text, "", $how),
            Flag::refused(concat!($prefix, ".consistency"), Kind::Text, "", $how),
            Flag::refused(
                concat!($prefix, ".disable-compression"),
                Kind::Bool,
                "false",
                $how,
            ),
            Flag::refused(concat!($prefix, ".proto-version"), Kind::Int, "4", $how),
            Flag::refused(
                concat!($prefix, ".socket-keep-alive"),
                Kind::Duration,
                "0s",
                $how,
            ),
            Flag::refused(concat!($prefix, ".username"), Kind::Text, "", $how),
            Flag::refused(concat!($prefix, ".password"), Kind::Secret, "", $how),
            Flag::refused(
                concat!($prefix, ".basic.allowed-authenticators"),
                Kind::List,
                "",
                $how,
            ),
            Flag::refused(
                concat!($prefix, ".enable-dependencies-v2"),
                Kind::Bool,
                "false",
                $how,
            ),
            Flag::refused(
                concat!($prefix, ".tls.verify-host"),
                Kind::Bool,
                "false",
                $how,
            ),
            Flag::refused(
                concat!($prefix, ".span-store-write-cache-ttl"),
                Kind::Duration,
                "12h",
                $how,
            ),
            Flag::refused(
                concat!($prefix, ".index.tag-blacklist"),
                Kind::List,
                "",
                $how,
            ),
            Flag::refused(
                concat!($prefix, ".index.tag-whitelist"),
                Kind::List,
                "",
                $how,
            ),
            Flag::refused(concat!($prefix, ".index.logs"), Kind::Bool, "false", $how),
            Flag::refused(concat!($prefix, ".index.tags"), Kind::Bool, "false", $how),
            Flag::refused(
                concat!($prefix, ".index.process-tags"),
                Kind::Bool,
                "false",
                $how,
            ),
        ]
    };
}

pub(super) use {cassandra, elasticsearch};
