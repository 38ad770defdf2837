//! What the keys of a store of Jaeger 2 are here.
//!
//! Rows only; keys below the kind of store. `es` also stands for `es-archive`.

use crate::commands::migrate::pattern::{As, Pattern, converted, decide, nothing, setting};

const ONE_SHARDS: &str = "the shards and copies of spans are those of all indices";
const WAY: &str = "Spoor answers when spans are durable, in one way";
const KEPT: &[(&str, &str)] = &[("grpc-storage-archive.enabled", "true")];
const TLS: &[(&str, &str)] = &[("es.tls.enabled", "true")];
const ALIASES: &[(&str, &str)] = &[("es.use-aliases", "true")];
const POLICY: &[(&str, &str)] = &[("es.use-aliases", "true"), ("es.use-ilm", "true")];

pub(super) const MEMORY: &[Pattern] = &[setting("max_traces", "memory.max-traces")];

pub(super) const ARCHIVE_IN_MEMORY: &[Pattern] = &[nothing(
    "**",
    "an archive beside a store in memory is Spoor's own",
)];

#[rustfmt::skip] // a row a line
pub(super) const REMOTE: &[Pattern] = &[
    setting("endpoint", "grpc-storage.server"),
    setting("timeout", "grpc-storage.connection-timeout"),
    converted("tls.insecure", "grpc-storage.tls.enabled", As::Not),
    setting("tls.ca_file", "grpc-storage.tls.ca"),
    setting("tls.cert_file", "grpc-storage.tls.cert"),
    setting("tls.key_file", "grpc-storage.tls.key"),
    setting("tls.server_name_override", "grpc-storage.tls.server-name"),
    setting("tls.insecure_skip_verify", "grpc-storage.tls.skip-host-verify"),
];

#[rustfmt::skip] // a row a line
pub(super) const REMOTE_ARCHIVE: &[Pattern] = &[
    setting("endpoint", "grpc-storage-archive.server").with(KEPT),
    setting("timeout", "grpc-storage-archive.connection-timeout"),
    converted("tls.insecure", "grpc-storage-archive.tls.enabled", As::Not),
    setting("tls.ca_file", "grpc-storage-archive.tls.ca"),
    setting("tls.cert_file", "grpc-storage-archive.tls.cert"),
    setting("tls.key_file", "grpc-storage-archive.tls.key"),
    setting("tls.server_name_override", "grpc-storage-archive.tls.server-name"),
    setting("tls.insecure_skip_verify", "grpc-storage-archive.tls.skip-host-verify"),
];

#[rustfmt::skip] // a row a line
pub(super) const CLUSTER: &[Pattern] = &[
    setting("server_urls", "es.server-urls"),
    setting("remote_read_clusters", "es.remote-read-clusters"),
    // who we are
    setting("auth.basic.username", "es.username"),
    setting("auth.basic.password", "es.password"),
    setting("auth.basic.password_file", "es.password-file"),
    setting("auth.basic.reload_interval", "es.password-reload-interval"),
    setting("auth.bearer_token.file_path", "es.token-file"),
    setting("auth.bearer_token.from_context", "es.bearer-token-propagation"),
    setting("auth.bearer_token.reload_interval", "es.bearer-token-reload-interval"),
    setting("auth.api_key.file_path", "es.api-key-file"),
    setting("auth.api_key.from_context", "es.api-key-allow-from-context"),
    setting("auth.api_key.reload_interval", "es.api-key-reload-interval"),
    decide("auth.authenticator", "Spoor has no such way to say who it is: give es.token-file, es.api-key-file or es.username"),
    // TLS
    converted("tls.insecure", "es.tls.enabled", As::Not),
    setting("tls.ca_file", "es.tls.ca").with(TLS),
    setting("tls.cert_file", "es.tls.cert").with(TLS),
    setting("tls.key_file", "es.tls.key").with(TLS),
    setting("tls.server_name_override", "es.tls.server-name").with(TLS),
    setting("tls.insecure_skip_verify", "es.tls.skip-host-verify").with(TLS),
    nothing("tls.include_system_ca_certs_pool", "with es.tls.ca these authorities alone are trusted"),
    nothing("tls.min_version", "TLS is 1.2 and 1.3"),
    nothing("tls.max_version", "TLS is 1.2 and 1.3"),
    nothing("tls.reload_interval", "files are read again when they change"),
    // how it is called
    setting("sniffing.enabled", "es.sniffer"),
    setting("sniffing.use_https", "es.sniffer-tls-enabled"),
    setting("disable_health_check", "es.disable-health-check"),
    nothing("health_check_timeout_startup", "a cluster that is away at the start is waited for"),
    setting("send_get_body_as", "es.send-get-body-as"),
    setting("query_timeout", "es.timeout"),
    setting("http_compression", "es.http-compression"),
    decide("custom_headers.**", "Spoor sends no headers of somebody's own to Elasticsearch: its value is not shown here"),
    setting("version", "es.version"),
    setting("log_level", "es.log-level"),
    // writing
    setting("bulk_processing.max_bytes", "es.bulk.size"),
    setting("bulk_processing.max_actions", "es.bulk.actions"),
    setting("bulk_processing.flush_interval", "es.bulk.flush-interval"),
    setting("bulk_processing.workers", "es.bulk.workers"),
    nothing("write_mode", WAY),
    nothing("poison_pill_handling", "spans that can never be stored are dead letters: spoor dead-letter list"),
    // indices
    setting("indices.index_prefix", "es.index-prefix"),
    converted("indices.spans.date_layout", "es.index-date-separator", As::DateLayout),
    converted("indices.services.date_layout", "es.index-date-separator", As::DateLayout),
    converted("indices.dependencies.date_layout", "es.index-date-separator", As::DateLayout),
    converted("indices.sampling.date_layout", "es.index-date-separator", As::DateLayout),
    setting("indices.spans.rollover_frequency", "es.index-rollover-frequency-spans"),
    setting("indices.services.rollover_frequency", "es.index-rollover-frequency-services"),
    setting("indices.sampling.rollover_frequency", "es.index-rollover-frequency-adaptive-sampling"),
    nothing("indices.dependencies.rollover_frequency", "dependencies have an index a day, as in Jaeger 1"),
    setting("indices.spans.shards", "es.num-shards"),
    setting("indices.spans.replicas", "es.num-replicas"),
    nothing("indices.*.shards", ONE_SHARDS),
    nothing("indices.*.replicas", ONE_SHARDS),
    setting("indices.spans.priority", "es.prioirity-span-template"),
    setting("indices.services.priority", "es.prioirity-service-template"),
    setting("indices.dependencies.priority", "es.prioirity-dependencies-template"),
    nothing("indices.sampling.priority", "adaptive sampling needs no template"),
    nothing("indices.*.rotation.manual_rollover.**", "es.use-aliases says it").with(ALIASES),
    nothing("indices.*.rotation.auto_rollover.**", "es.use-ilm says it").with(POLICY),
    setting("indices.spans.rotation.periodic.frequency", "es.index-rollover-frequency-spans"),
    setting("indices.services.rotation.periodic.frequency", "es.index-rollover-frequency-services"),
    converted("indices.spans.rotation.periodic.date_layout", "es.index-date-separator", As::DateLayout),
    nothing("indices.*.rotation.periodic.**", "it is what Spoor does when nothing is set"),
    decide("indices.*.rotation.data_stream.**", "Spoor keeps spans in indices, not in data streams"),
    setting("use_aliases", "es.use-aliases"),
    setting("use_ilm", "es.use-ilm"),
    decide("span_read_alias", "Spoor's aliases are those of es.index-prefix"),
    decide("span_write_alias", "Spoor's aliases are those of es.index-prefix"),
    decide("service_read_alias", "Spoor's aliases are those of es.index-prefix"),
    decide("service_write_alias", "Spoor's aliases are those of es.index-prefix"),
    setting("create_mappings", "es.create-index-templates"),
    // reading
    setting("max_doc_count", "es.max-doc-count"),
    setting("max_span_age", "es.max-span-age"),
    nothing("max_trace_duration", "a trace is found whole, however long it is"),
    setting("service_cache_ttl", "es.service-cache-ttl"),
    setting("adaptive_sampling_lookback", "es.adaptive-sampling.lookback"),
    setting("tags_as_fields.all", "es.tags-as-fields.all"),
    setting("tags_as_fields.dot_replacement", "es.tags-as-fields.dot-replacement"),
    setting("tags_as_fields.config_file", "es.tags-as-fields.config-file"),
    setting("tags_as_fields.include", "es.tags-as-fields.include"),
    nothing("rollover.**", "Jaeger 2 does not read it: indices.*.rotation took its place"),
];
