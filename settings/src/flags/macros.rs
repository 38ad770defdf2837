//! Blocks of settings that repeat under several prefixes.
//!
//! In: a prefix. Out: its rows. A macro and not a function, because a name must be known when the table is compiled. Source: `jaegertracing/jaeger:
//! internal/config/tlscfg/flags.go`, `internal/storage/kafka/auth/options.go` at v1.76.0 and their forerunners at v1.20.0.

/// The server TLS block that acts.
macro_rules! server_tls {
    ($prefix:literal, $reader:expr) => {
        [
            Flag::acts(concat!($prefix, ".tls.enabled"), Kind::Bool, "false", "speak TLS on this listener").by($reader),
            Flag::acts(concat!($prefix, ".tls.cert"), Kind::Text, "", "path of the certificate chain, PEM; read again when it changes").by($reader),
            Flag::acts(concat!($prefix, ".tls.key"), Kind::Text, "", "path of the private key, PEM; read again when it changes").by($reader),
            Flag::acts(concat!($prefix, ".tls.client-ca"), Kind::Text, "", "path of the authorities that sign clients' certificates, PEM; with it every client must show one").by($reader),
            Flag::acts(concat!($prefix, ".tls.cipher-suites"), Kind::List, "", "cipher suites allowed, by Go's names; empty: the library's choice").by($reader),
            Flag::acts(concat!($prefix, ".tls.min-version"), Kind::Text, "", "lowest version of TLS: 1.2 or 1.3; empty: 1.2").by($reader),
            Flag::acts(concat!($prefix, ".tls.max-version"), Kind::Text, "", "highest version of TLS: 1.2 or 1.3; empty: 1.3").by($reader),
            Flag::acts(concat!($prefix, ".tls.reload-interval"), Kind::Duration, "0s", "how often the files are compared with what is in use; 0: the built-in interval, for they are always watched").by($reader),
            Flag::alias(concat!($prefix, ".tls"), Kind::Bool, concat!($prefix, ".tls.enabled")).by($reader),
            Flag::alias(concat!($prefix, ".tls.client.ca"), Kind::Text, concat!($prefix, ".tls.client-ca")).by($reader),
        ]
    };
}

/// The server TLS block of a listener that this version does not open.
macro_rules! server_tls_later {
    ($prefix:literal, $note:expr) => {
        [
            Flag::accepted(concat!($prefix, ".tls.enabled"), Kind::Bool, "false", $note),
            Flag::accepted(concat!($prefix, ".tls.cert"), Kind::Text, "", $note),
            Flag::accepted(concat!($prefix, ".tls.key"), Kind::Text, "", $note),
            Flag::accepted(concat!($prefix, ".tls.client-ca"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".tls.cipher-suites"),
                Kind::List,
                "",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".tls.min-version"), Kind::Text, "", $note),
            Flag::accepted(concat!($prefix, ".tls.max-version"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".tls.reload-interval"),
                Kind::Duration,
                "0s",
                $note,
            ),
            Flag::alias(
                concat!($prefix, ".tls"),
                Kind::Bool,
                concat!($prefix, ".tls.enabled"),
            ),
            Flag::alias(
                concat!($prefix, ".tls.client.ca"),
                Kind::Text,
                concat!($prefix, ".tls.client-ca"),
            ),
        ]
    };
}

/// The client TLS block, all rows with one effect.
macro_rules! client_tls {
    ($prefix:literal, $make:path, $note:expr) => {
        [
            $make(concat!($prefix, ".tls.enabled"), Kind::Bool, "false", $note),
            $make(concat!($prefix, ".tls.ca"), Kind::Text, "", $note),
            $make(concat!($prefix, ".tls.cert"), Kind::Text, "", $note),
            $make(concat!($prefix, ".tls.key"), Kind::Text, "", $note),
            $make(concat!($prefix, ".tls.server-name"), Kind::Text, "", $note),
            $make(
                concat!($prefix, ".tls.skip-host-verify"),
                Kind::Bool,
                "false",
                $note,
            ),
            Flag::alias(
                concat!($prefix, ".tls"),
                Kind::Bool,
                concat!($prefix, ".tls.enabled"),
            ),
        ]
    };
}

/// Everything but the TLS block that `kafka.producer` and `kafka.consumer` share.
macro_rules! kafka_common {
    ($prefix:literal, $note:expr) => {
        [
            Flag::accepted(
                concat!($prefix, ".brokers"),
                Kind::List,
                "127.0.0.1:9092",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".topic"),
                Kind::Text,
                "jaeger-spans",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".encoding"), Kind::Text, "protobuf", $note),
            Flag::accepted(concat!($prefix, ".protocol-version"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".authentication"),
                Kind::Text,
                "none",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".plaintext.username"),
                Kind::Text,
                "",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".plaintext.password"),
                Kind::Secret,
                "",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".plaintext.mechanism"),
                Kind::Text,
                "PLAIN",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".kerberos.service-name"),
                Kind::Text,
                "kafka",
                $note,
            ),
            Flag::accepted(concat!($prefix, ".kerberos.realm"), Kind::Text, "", $note),
            Flag::accepted(
                concat!($prefix, ".kerberos.username"),
                Kind::Text,
                "",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".kerberos.password"),
                Kind::Secret,
                "",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".kerberos.use-keytab"),
                Kind::Bool,
                "false",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".kerberos.keytab-file"),
                Kind::Text,
                "/etc/security/kafka.keytab",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".kerberos.config-file"),
                Kind::Text,
                "/etc/krb5.conf",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".kerberos.disable-fast-negotiation"),
                Kind::Bool,
                "false",
                $note,
            ),
        ]
    };
}

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

/// One UDP server of the agent.
macro_rules! processor {
    ($prefix:literal, $port:literal, $note:expr) => {
        [
            Flag::accepted(concat!($prefix, ".workers"), Kind::Int, "10", $note),
            Flag::accepted(
                concat!($prefix, ".server-queue-size"),
                Kind::Int,
                "1000",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".server-max-packet-size"),
                Kind::Int,
                "65000",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".server-socket-buffer-size"),
                Kind::Int,
                "0",
                $note,
            ),
            Flag::accepted(
                concat!($prefix, ".server-host-port"),
                Kind::HostPort,
                $port,
                $note,
            ),
        ]
    };
}

pub(super) use {
    cassandra, client_tls, elasticsearch, kafka_common, processor, server_tls, server_tls_later,
};
