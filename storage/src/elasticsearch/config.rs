//! What the store of each instance is told: where its cluster is, what to show there, how its indices are called.
//!
//! In: plain values, filled in and checked by the server. Out: nothing; the modules beside this one read them. An archive has the same shape as the
//! store it belongs to, and a connection of its own.
//!
//! Source of names and defaults: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/options.go` v1.76.0.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use model::Instance;
use secrecy::{ExposeSecret as _, SecretString};
use settings::tls::ClientTls;

use super::housekeeping::Conditions;

/// One instance's store.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose it is.
    pub instance: Instance,
    /// Spans, services, dependencies, sampling, dead letters.
    pub main: Place,
    /// Traces that are kept for good; none: `es-archive.enabled` is false.
    pub archive: Option<Place>,
}

/// A cluster, and indices in it.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// How the cluster is reached.
    pub connection: Connection,
    /// How indices are called and made.
    pub indices: Indices,
    /// How spans are written down.
    pub documents: Documents,
    /// How much is asked and sent at once.
    pub limits: Limits,
    /// What is done to keep its indices in order.
    pub upkeep: Upkeep,
    /// How calls between services are counted.
    pub graph: Graph,
}

/// How a cluster is reached, and who we say we are.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What stands before the settings' names: `es` or `es-archive`. Messages name settings with it.
    pub settings: String,
    /// How the setting of URLs is called behind that: `server-urls`.
    pub urls_setting: &'static str,
    /// `server-urls`: full URLs, tried in turn, without a name or password in them.
    pub urls: Vec<String>,
    /// `tls`; none: TLS only where a URL says `https`, with the authorities of `trust`.
    pub tls: Option<ClientTls>,
    /// Whom to trust where the block names nobody.
    pub trust: trust::Store,
    /// `username`.
    pub username: String,
    /// `password`.
    pub password: Option<SecretString>,
    /// `password-file`: wins over `password`; read again when it changes.
    pub password_file: Option<PathBuf>,
    /// `token-file`: a bearer token; read again when it changes.
    pub token_file: Option<PathBuf>,
    /// `api-key-file`: read again when it changes.
    pub api_key_file: Option<PathBuf>,
    /// `bearer-token-propagation`: a reader's own token is sent in place of ours.
    pub propagate_bearer_token: bool,
    /// `api-key-allow-from-context`: a reader's own API key is sent in place of ours.
    pub propagate_api_key: bool,
    /// How often files with secrets are looked at, the shortest of the three intervals; zero: never again.
    pub reload_interval: Duration,
    /// `timeout`: of one search; zero: none but the reader's own.
    pub timeout: Duration,
    /// `version`: the major version of Elasticsearch; 0: asked of the server. OpenSearch counts as 7.
    pub version: u8,
    /// `http-compression`: requests are sent compressed.
    pub compression: bool,
    /// `compression-level`: of gzip, 1 to 9.
    pub compression_level: u32,
    /// `sniffer`: the cluster is asked for its nodes, and they are used.
    pub sniffer: bool,
    /// `sniffer-tls-enabled`: nodes that are found so are called by https.
    pub sniffer_tls: bool,
    /// `disable-health-check`: a node that failed is tried again at the next turn, without being asked first.
    pub disable_health_check: bool,
    /// `send-get-body-as`: the method of requests that read and carry a body; empty: as Jaeger sends them.
    pub send_get_body_as: String,
}

/// How often a new index begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// `day`
    #[default]
    Day,
    /// `hour`
    Hour,
}

/// How indices are called and made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indices {
    /// `index-prefix`, as it was set: a hyphen is put behind it.
    pub prefix: String,
    /// `index-date-separator`.
    pub date_separator: String,
    /// `index-rollover-frequency-spans`.
    pub spans: Rotation,
    /// `index-rollover-frequency-services`.
    pub services: Rotation,
    /// `index-rollover-frequency-adaptive-sampling`.
    pub sampling: Rotation,
    /// `use-aliases`: writes go to `…-write`, reads to `…-read`.
    pub use_aliases: bool,
    /// `use-ilm`: templates name a policy of index life cycle management (ISM on OpenSearch).
    pub use_ilm: bool,
    /// `ilm-policy-name`.
    pub ilm_policy: String,
    /// `remote-read-clusters`: clusters whose indices are read too, by the names that the cluster knows them by.
    pub remote_read_clusters: Vec<String>,
    /// `create-index-templates`.
    pub create_templates: bool,
    /// `num-shards`.
    pub shards: u32,
    /// `num-replicas`.
    pub replicas: u32,
    /// `prioirity-span-template`: Elasticsearch 8 and later.
    pub span_priority: u32,
    /// `prioirity-service-template`.
    pub service_priority: u32,
    /// `prioirity-dependencies-template`.
    pub dependencies_priority: u32,
    /// It is the archive: one index, no date.
    pub is_archive: bool,
}

/// How spans are written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documents {
    /// `tags-as-fields.*`.
    pub tags_as_fields: TagsAsFields,
    /// `tag-values`.
    pub tag_values: TagValues,
}

/// Which tags become fields of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagsAsFields {
    /// `all`
    pub all: bool,
    /// `include`, and the lines of `config-file`.
    pub include: BTreeSet<String>,
    /// `dot-replacement`: stands in a field's name where the key has a dot.
    pub dot_replacement: String,
    /// `max-keys`: distinct keys that become fields within one index; further ones stay in the list of tags. 0: no limit.
    pub max_keys: usize,
}

/// How numbers and booleans are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TagValues {
    /// As JSON has them, since Jaeger 1.69.
    #[default]
    Native,
    /// As text, which Jaeger before 1.69 reads.
    String,
}

/// How much is asked and sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `max-doc-count`: hits of one search, and names of a list; at most 10,000.
    pub max_doc_count: usize,
    /// `max-span-age`: how far back services and traces are looked for.
    pub max_span_age: Duration,
    /// `service-cache-ttl`: how long a service document is known to be there; zero: 12 h.
    pub service_cache_ttl: Duration,
    /// `adaptive-sampling.lookback`.
    pub sampling_lookback: Duration,
    /// `bulk.size`: bytes of one bulk request before compression.
    pub bulk_bytes: usize,
    /// `bulk.actions`: documents of one bulk request; 0: no limit.
    pub bulk_actions: usize,
    /// `bulk.workers`: bulk requests of an instance at once.
    pub bulk_workers: usize,
    /// No setting: what adaptive sampling reads at once.
    pub scroll: ScrollBounds,
}

/// How much is read of one question whose answer is read to its end, over all its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrollBounds {
    /// Documents.
    pub documents: usize,
    /// Bytes of the cluster's answers.
    pub bytes: usize,
    /// From the question to the end.
    pub time: Duration,
}

/// What a process that writes does to keep indices in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upkeep {
    /// `cleaner.max-age`: indices are deleted once all in them is older; zero: never.
    pub max_age: Duration,
    /// `cleaner.interval`: how often such indices are looked for.
    pub clean_interval: Duration,
    /// `rollover.interval`: how often it is seen to that aliases are there and that full indices are followed by new ones; zero: never.
    pub rollover_interval: Duration,
    /// `rollover.conditions`: when an index is full.
    pub conditions: Conditions,
    /// `rollover.lookback`: indices that were made longer ago are no longer read; zero: all are.
    pub lookback: Duration,
}

/// How a process that writes keeps count of the calls between services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Graph {
    /// `dependencies.enabled`. Off until somebody says so: an archive has none.
    pub is_on: bool,
    /// `dependencies.interval`: how often the current hour is counted anew.
    pub interval: Duration,
    /// `dependencies.late-after`: an hour is counted for good once it is over for so long; spans that come later have it counted again.
    pub late_after: Duration,
    /// `dependencies.settle`: longer than any write takes and than an index takes to be refreshed.
    pub settle: Duration,
}

// === impl Place ===

impl Place {
    /// Whether it is the same place, reached in the same way and kept alike. Where its settings are written does not matter: an item before it may have gone.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let Self {
            connection,
            indices,
            documents,
            limits,
            upkeep,
            graph,
        } = self;
        connection.is_same(&other.connection)
            && (indices, documents) == (&other.indices, &other.documents)
            && (limits, upkeep, graph) == (&other.limits, &other.upkeep, &other.graph)
    }
}

// === impl Connection ===

impl Connection {
    fn is_same(&self, other: &Self) -> bool {
        // taken apart, so that none is forgotten
        let Self {
            settings: _,
            urls_setting: _,
            urls,
            tls,
            trust,
            username,
            password,
            password_file,
            token_file,
            api_key_file,
            propagate_bearer_token,
            propagate_api_key,
            reload_interval,
            timeout,
            version,
            compression,
            compression_level,
            sniffer,
            sniffer_tls,
            disable_health_check,
            send_get_body_as,
        } = self;
        let nameless = |tls: &Option<ClientTls>| {
            tls.clone().map(|tls| ClientTls {
                prefix: String::new(),
                ..tls
            })
        };
        let secret = |secret: &Option<SecretString>| {
            let secret = secret.as_ref();
            secret.map(|secret| secret.expose_secret().to_owned())
        };
        nameless(tls) == nameless(&other.tls)
            && secret(password) == secret(&other.password)
            && (urls, trust, username) == (&other.urls, &other.trust, &other.username)
            && (password_file, token_file, api_key_file)
                == (&other.password_file, &other.token_file, &other.api_key_file)
            && (propagate_bearer_token, propagate_api_key)
                == (&other.propagate_bearer_token, &other.propagate_api_key)
            && (reload_interval, timeout, version)
                == (&other.reload_interval, &other.timeout, &other.version)
            && (compression, compression_level) == (&other.compression, &other.compression_level)
            && (sniffer, sniffer_tls, disable_health_check, send_get_body_as)
                == (
                    &other.sniffer,
                    &other.sniffer_tls,
                    &other.disable_health_check,
                    &other.send_get_body_as,
                )
    }
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            settings: "es".to_owned(),
            urls_setting: "server-urls",
            urls: vec!["http://127.0.0.1:9200".to_owned()],
            tls: None,
            trust: trust::Store::default(),
            username: String::new(),
            password: None,
            password_file: None,
            token_file: None,
            api_key_file: None,
            propagate_bearer_token: false,
            propagate_api_key: false,
            reload_interval: Duration::from_secs(10),
            timeout: Duration::ZERO,
            version: 0,
            compression: true,
            compression_level: 1,
            sniffer: false,
            sniffer_tls: false,
            disable_health_check: false,
            send_get_body_as: String::new(),
        }
    }
}

// === impl Indices ===

impl Default for Indices {
    fn default() -> Self {
        Self {
            prefix: String::new(),
            date_separator: "-".to_owned(),
            spans: Rotation::Day,
            services: Rotation::Day,
            sampling: Rotation::Day,
            use_aliases: false,
            use_ilm: false,
            ilm_policy: "jaeger-ilm-policy".to_owned(),
            remote_read_clusters: Vec::new(),
            create_templates: true,
            shards: 5,
            replicas: 1,
            span_priority: 0,
            service_priority: 0,
            dependencies_priority: 0,
            is_archive: false,
        }
    }
}

// === impl Documents ===

impl Default for Documents {
    fn default() -> Self {
        Self {
            tags_as_fields: TagsAsFields::default(),
            tag_values: TagValues::Native,
        }
    }
}

// === impl TagsAsFields ===

impl Default for TagsAsFields {
    fn default() -> Self {
        Self {
            all: false,
            include: BTreeSet::new(),
            dot_replacement: "@".to_owned(),
            max_keys: 500,
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_doc_count: 10_000,
            max_span_age: Duration::from_secs(72 * 3600),
            service_cache_ttl: Duration::ZERO,
            sampling_lookback: Duration::from_secs(72 * 3600),
            bulk_bytes: 5_000_000,
            bulk_actions: 1_000,
            bulk_workers: 1,
            scroll: ScrollBounds::default(),
        }
    }
}

// === impl ScrollBounds ===

impl Default for ScrollBounds {
    /// A million documents, 512 MiB, a minute.
    fn default() -> Self {
        Self {
            documents: 1_000_000,
            bytes: 512 << 20,
            time: Duration::from_secs(60),
        }
    }
}

// === impl Upkeep ===

impl Default for Upkeep {
    fn default() -> Self {
        Self {
            max_age: Duration::ZERO,
            clean_interval: Duration::from_secs(3600),
            rollover_interval: Duration::ZERO,
            // as Jaeger's es-rollover has it
            conditions: r#"{"max_age": "2d"}"#.parse().unwrap_or_default(),
            lookback: Duration::ZERO,
        }
    }
}

// === impl Graph ===

impl Default for Graph {
    fn default() -> Self {
        Self {
            is_on: false,
            interval: Duration::from_secs(600),
            late_after: Duration::from_secs(900),
            settle: Duration::from_secs(120),
        }
    }
}

#[cfg(test)]
mod tests;
