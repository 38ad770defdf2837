//! Blocks of settings that repeat for a store and its archive.
//!
//! In: a prefix. Out: its rows. Macros for the reason that stands in `macros`. Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/options.go`,
//! `internal/storage/v1/cassandra/options.go` at v1.76.0 and their forerunners at v1.20.0.

/// What `es` and `es-archive` share. An archive has the store's value where nobody wrote one of its own: see `layers::archive`.
macro_rules! elasticsearch {
    ($prefix:literal) => {
        [
            Flag::acts(concat!($prefix, ".server-urls"), Kind::List, "http://127.0.0.1:9200", "full URLs of the cluster's nodes, used in turn; https means TLS"),
            Flag::acts(concat!($prefix, ".username"), Kind::Text, "", "user name, sent with the password. Of several ways to say who we are one is sent, the first of: a reader's own API key or token, api-key-file, token-file, username"),
            Flag::acts(concat!($prefix, ".password"), Kind::Secret, "", "password of the user name"),
            Flag::acts(concat!($prefix, ".password-file"), Kind::Text, "", "path of a file with the password; wins over the password"),
            Flag::acts(concat!($prefix, ".password-reload-interval"), Kind::Duration, "10s", "how often the password file is read again; 0: never. The shortest such interval counts for all files"),
            Flag::acts(concat!($prefix, ".token-file"), Kind::Text, "", "path of a file with a bearer token; goes before the user name"),
            Flag::acts(concat!($prefix, ".bearer-token-reload-interval"), Kind::Duration, "10s", "how often the token file is read again; 0: never"),
            Flag::acts(concat!($prefix, ".bearer-token-propagation"), Kind::Bool, "false", "send the bearer token of whoever asks in place of ours"),
            Flag::acts(concat!($prefix, ".api-key-file"), Kind::Text, "", "path of a file with an API key; goes before the token file"),
            Flag::acts(concat!($prefix, ".api-key-reload-interval"), Kind::Duration, "10s", "how often the file of the API key is read again; 0: never"),
            Flag::acts(concat!($prefix, ".api-key-allow-from-context"), Kind::Bool, "false", "send the API key of whoever asks in place of ours"),
            Flag::acts(concat!($prefix, ".sniffer"), Kind::Bool, "false", "ask the cluster for its nodes, and use those"),
            Flag::acts(concat!($prefix, ".sniffer-tls-enabled"), Kind::Bool, "false", "call the nodes that were found so by https"),
            Flag::acts(concat!($prefix, ".disable-health-check"), Kind::Bool, "false", "use a node that failed again without asking first whether it is well"),
            Flag::acts(concat!($prefix, ".timeout"), Kind::Duration, "0s", "how long one search may take; 0: as long as whoever asks waits"),
            Flag::acts(concat!($prefix, ".version"), Kind::Int, "0", "major version of Elasticsearch, 6 or later; OpenSearch counts as 7; 0: the server is asked"),
            Flag::acts(concat!($prefix, ".send-get-body-as"), Kind::Text, "", "method of requests that read and have a body: GET or POST; empty: as Jaeger sends each"),
            Flag::acts(concat!($prefix, ".http-compression"), Kind::Bool, "true", "send requests compressed with gzip"),
            Flag::acts(concat!($prefix, ".compression-level"), Kind::Int, "1", "level of that compression, 1 (fast) to 9 (small)"),
            Flag::accepted(concat!($prefix, ".log-level"), Kind::Text, "error", "the client of Elasticsearch has no log of its own: see log-level"),
            Flag::acts(concat!($prefix, ".max-doc-count"), Kind::Int, "10000", "hits that one search asks for, at most 10000, and names in a list; a search with more goes on page by page"),
            Flag::acts(concat!($prefix, ".num-shards"), Kind::Int, "5", "shards of an index that is made; 1 for an item of instances unless it is set"),
            Flag::acts(concat!($prefix, ".num-replicas"), Kind::Int, "1", "copies of each shard"),
            // The misspelling is Jaeger's; the right spelling is an alias.
            Flag::acts(concat!($prefix, ".prioirity-span-template"), Kind::Int, "0", "priority of the template of spans, from Elasticsearch 8 on"),
            Flag::acts(concat!($prefix, ".prioirity-service-template"), Kind::Int, "0", "priority of the template of services, from Elasticsearch 8 on"),
            Flag::acts(concat!($prefix, ".prioirity-dependencies-template"), Kind::Int, "0", "priority of the template of dependencies, from Elasticsearch 8 on"),
            Flag::alias(concat!($prefix, ".priority-span-template"), Kind::Int, concat!($prefix, ".prioirity-span-template")),
            Flag::alias(concat!($prefix, ".priority-service-template"), Kind::Int, concat!($prefix, ".prioirity-service-template")),
            Flag::alias(concat!($prefix, ".priority-dependencies-template"), Kind::Int, concat!($prefix, ".prioirity-dependencies-template")),
            Flag::acts(concat!($prefix, ".create-index-templates"), Kind::Bool, "true", "put the templates of indices at the start"),
            Flag::acts(concat!($prefix, ".index-prefix"), Kind::Text, "", "what the names of indices begin with, with a hyphen behind it: prod makes prod-jaeger-span-2026-01-31. No two instances share one on one cluster"),
            Flag::acts(concat!($prefix, ".use-aliases"), Kind::Bool, "false", "write to the alias …-write and read from …-read: made by rollover.interval or by spoor es-rollover init"),
            Flag::acts(concat!($prefix, ".use-ilm"), Kind::Bool, "false", "index life cycle management rolls over; needs use-aliases, and create-index-templates=false"),
            Flag::acts(concat!($prefix, ".ilm-policy-name"), Kind::Text, "jaeger-ilm-policy", "name of that policy"),
            Flag::acts(concat!($prefix, ".remote-read-clusters"), Kind::List, "", "remote clusters whose indices are read too, by the names that the cluster has for them"),
            Flag::acts(concat!($prefix, ".tags-as-fields.all"), Kind::Bool, "false", "every tag but binary ones becomes a field of its own"),
            Flag::acts(concat!($prefix, ".tags-as-fields.include"), Kind::List, "", "keys of tags that become fields of their own"),
            Flag::acts(concat!($prefix, ".tags-as-fields.config-file"), Kind::Text, "", "path of a file with such keys, one a line; empty lines and those that begin with # are skipped; read at the start"),
            Flag::acts(concat!($prefix, ".tags-as-fields.dot-replacement"), Kind::Text, "@", "what stands in a field's name where the key has a dot"),
            Flag::acts(concat!($prefix, ".tags-as-fields.max-keys"), Kind::Int, "500", "different keys that become fields within one index; further ones stay in the list of tags; 0: no limit"),
            Flag::acts(concat!($prefix, ".tag-values"), Kind::Text, "native", "how numbers and booleans are written: native, or string for Jaeger before 1.69 to read"),
            Flag::acts(concat!($prefix, ".bulk.size"), Kind::Bytes, "5000000", "most bytes of one bulk request, before compression"),
            Flag::acts(concat!($prefix, ".bulk.workers"), Kind::Int, "1", "bulk requests of an instance that are under way at once"),
            Flag::acts(concat!($prefix, ".bulk.actions"), Kind::Int, "1000", "most documents of one bulk request; 0: no limit"),
            Flag::accepted(concat!($prefix, ".bulk.flush-interval"), Kind::Duration, "200ms", "nothing waits for a time to pass: a bulk request starts as soon as one of bulk.workers is free, with what came meanwhile"),
            Flag::alias(concat!($prefix, ".max-num-spans"), Kind::Int, concat!($prefix, ".max-doc-count")),
        ]
    };
}

/// The client TLS block of `es` or `es-archive`.
macro_rules! elasticsearch_tls {
    ($prefix:literal) => {
        [
            Flag::acts(concat!($prefix, ".tls.enabled"), Kind::Bool, "false", "the settings of this block hold for URLs of https; without it those are trusted that authorities of the system or of trust.bundles have signed"),
            Flag::acts(concat!($prefix, ".tls.ca"), Kind::Text, "", "path of the authorities that may have signed the cluster's certificate, PEM; read again when it changes; empty: those of the system and of trust.bundles, and the one of the instance's namespace in certs.directory"),
            Flag::acts(concat!($prefix, ".tls.cert"), Kind::Text, "", "path of our certificate, PEM, for a cluster that asks for one; read again when it changes"),
            Flag::acts(concat!($prefix, ".tls.key"), Kind::Text, "", "path of its private key, PEM; read again when it changes. No two instances share one"),
            Flag::acts(concat!($prefix, ".tls.server-name"), Kind::Text, "", "name that the cluster's certificate must hold; empty: the host that is called"),
            Flag::acts(concat!($prefix, ".tls.skip-host-verify"), Kind::Bool, "false", "take any certificate: whoever stands in between can read and change spans"),
            Flag::alias(concat!($prefix, ".tls"), Kind::Bool, concat!($prefix, ".tls.enabled")),
        ]
    };
}

/// Everything but the TLS block of `grpc-storage` or `grpc-storage-archive`.
macro_rules! remote {
    ($prefix:literal, $server:literal) => {
        [
            Flag::acts(concat!($prefix, ".server"), Kind::Text, "", $server),
            Flag::acts(concat!($prefix, ".connection-timeout"), Kind::Duration, "5s", "how long the server may take to confirm one write, connecting included; how long it may take to answer, query.timeout says"),
            Flag::acts(concat!($prefix, ".protocol"), Kind::Text, "", "how the server is spoken to: spoor, v2 or v1; empty: the first of these that it knows, which is found at the first call"),
        ]
    };
}

/// The client TLS block of `grpc-storage` or `grpc-storage-archive`.
macro_rules! remote_tls {
    ($prefix:literal) => {
        [
            Flag::acts(concat!($prefix, ".tls.enabled"), Kind::Bool, "false", "speak TLS to the server"),
            Flag::acts(concat!($prefix, ".tls.ca"), Kind::Text, "", "path of the authorities that may have signed the server's certificate, PEM; read again when it changes; empty: those of the system and of trust.bundles"),
            Flag::acts(concat!($prefix, ".tls.cert"), Kind::Text, "", "path of our certificate chain, PEM, for a server that asks for one; read again when it changes"),
            Flag::acts(concat!($prefix, ".tls.key"), Kind::Text, "", "path of its private key, PEM; read again when it changes"),
            Flag::acts(concat!($prefix, ".tls.server-name"), Kind::Text, "", "name that the server's certificate must hold; empty: the host that is called"),
            Flag::acts(concat!($prefix, ".tls.skip-host-verify"), Kind::Bool, "false", "take any certificate: whoever stands in between can read and change spans"),
            Flag::alias(concat!($prefix, ".tls"), Kind::Bool, concat!($prefix, ".tls.enabled")),
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

pub(super) use {cassandra, elasticsearch, elasticsearch_tls, remote, remote_tls};
