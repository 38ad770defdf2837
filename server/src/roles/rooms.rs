//! From the whole configuration to what each room is told.
//!
//! In: [`Config`]. Out: the rooms' own configurations, and the stores, opened. Memory is shared out here and nowhere else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use query::Place;
use settings::tls::ClientTls;
use storage::disk::RealDisk;
use storage::elasticsearch::Elasticsearch;
use storage::embedded::{self, Embedded};
use storage::forward::{self, Forward};
use storage::kafka::Kafka;
use storage::memory::{self, Memory};
use storage::remote::Remote;
use storage::spool::{self, Spools};
use storage::stack::{self, Reading, Storage};
use storage::{Backend, ReadLimits};

use trust::Dialer;

use crate::commands::version;
use crate::config::{self, Config};

use super::access::Access;
use super::counted;

/// How long an agent tries to hand spans on, over all attempts.
const FORWARDING: Duration = Duration::from_secs(10);

/// A listener as the accept loop is told of it. Names are looked up here.
pub(super) fn listener(
    listener: &settings::Listener,
    config: &Config,
) -> anyhow::Result<listen::Config> {
    let setting = listener.name.setting();
    let addrs = listener
        .socket_addrs()
        .with_context(|| format!("look up the address of {setting}"))?;
    let mut told = listen::Config::new(listener.name.as_str(), setting, addrs);
    told.optional = listener.optional;
    told.dispensable =
        config::Listeners::is_dispensable(config.role, listener.name, &config.settings);
    told.tls = listener.tls.clone();
    told.limits.max_connections = config.max_connections;
    told.limits.shutdown_grace = config.shutdown_grace.saturating_sub(super::CLOSING);
    Ok(told)
}

/// How `memory.max-bytes` is shared out: a quarter for requests that are under way, half for what the stores keep in memory, an eighth for
/// what waits to be written; the rest is for answers and for what is not counted.
struct Shares {
    requests: usize,
    stores: usize,
    queue: usize,
}

// === impl Shares ===

impl Shares {
    fn of(config: &Config) -> Self {
        let all = config.memory_max_bytes.as_usize();
        Self {
            requests: all / 4,
            stores: all / 2 / config.storage.backends.len().max(1),
            queue: all / 8,
        }
    }
}

/// The stores, open.
pub(super) struct Stores {
    /// Behind their layers.
    pub(super) storage: Storage,
    /// The clusters of all instances, where any has one.
    pub(super) clusters: Option<Arc<Elasticsearch>>,
    /// The collector that spans are forwarded to, if they are.
    pub(super) forwards_to: Option<Arc<forward::Client>>,
}

/// Opens the stores, and puts the layers on them.
pub(super) async fn stores(config: &Config, registry: &mut Registry) -> anyhow::Result<Stores> {
    let shares = Shares::of(config);
    let (mut forwards_to, mut clusters) = (None, None);
    let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
    for backend in &config.storage.backends {
        backends.push(match backend {
            config::Backend::Embedded => Arc::new(open_embedded(config, &shares, registry).await?),
            config::Backend::Memory => {
                let memory = Memory::new(memory::Config {
                    max_bytes: shares.stores,
                    max_traces: config.storage.memory_max_traces,
                });
                memory.register(registry);
                Arc::new(memory)
            }
            config::Backend::Elasticsearch => {
                // reads files alone: a cluster may be away
                let configs = config.storage.elasticsearch.clone();
                let opened = tokio::task::block_in_place(|| Elasticsearch::new(configs));
                let opened = Arc::new(opened.map_err(anyhow::Error::msg)?);
                opened.register(registry);
                if config.role.writes() {
                    opened.keep_house();
                } else {
                    opened.watch();
                }
                clusters = Some(opened.clone());
                opened
            }
            config::Backend::Kafka => {
                // reads files alone: brokers may be away
                let mut configs = config.storage.kafka.clone();
                for topic in &mut configs {
                    topic.tuning.queue_bytes = shares.queue;
                }
                let opened = tokio::task::block_in_place(|| Kafka::new(configs));
                let topics = opened.map_err(anyhow::Error::msg)?;
                topics.register(registry);
                topics.keep();
                Arc::new(topics)
            }
            config::Backend::Grpc => {
                // reads files alone: the store may be away
                let mut configs = config.storage.remote.clone().into_iter();
                let store = configs.next().context("the store grpc has a server")?;
                let opened = tokio::task::block_in_place(|| Remote::new(store, configs.next()));
                Arc::new(opened.map_err(anyhow::Error::msg)?)
            }
            config::Backend::Collector => {
                let collector = forward(config, registry)?;
                forwards_to = Some(collector.client());
                Arc::new(collector)
            }
        });
    }
    let settings = stack::Settings {
        spools: open_spools(config, &shares)?,
        instances: config.storage.kept.clone(),
        window: config.storage.window(),
        limits: config.storage.limits(),
        max_waiting_bytes: shares.queue,
        waits: config.role.ingests(),
        ..stack::Settings::default()
    };
    let storage = Storage::build(backends, &settings)?;
    storage.register(registry);
    Ok(Stores {
        storage,
        clusters,
        forwards_to,
    })
}

/// The spools of all instances, where there are any. Takes the folder; what is in it is read while spans arrive.
fn open_spools(config: &Config, shares: &Shares) -> anyhow::Result<Option<Arc<Spools>>> {
    let Some(spool) = &config.storage.spool else {
        return Ok(None);
    };
    let settings = spool::Config {
        max_bytes: spool.max_bytes.as_bytes(),
        memory_bytes: shares.queue,
        ..spool::Config::in_directory(spool.directory.clone())
    };
    let opened = tokio::task::block_in_place(|| Spools::open(settings, Arc::new(RealDisk)))?;
    Ok(Some(Arc::new(opened)))
}

/// The collector that an agent forwards to. Nothing is connected yet, but files that cannot be used end the start.
fn forward(config: &Config, registry: &mut Registry) -> anyhow::Result<Forward> {
    let agent = config.agent.clone().context("an agent has a collector")?;
    let targets: Vec<String> = agent.targets.iter().map(ToString::to_string).collect();
    tracing::info!(
        collector = targets.join(","),
        tls = agent.tls.is_some(),
        "forwarding spans"
    );
    let dialer = match agent.tls {
        None => Dialer::plaintext(),
        Some(tls) => Dialer::tls(tls, &config.trust()),
    };
    tokio::task::block_in_place(|| dialer.check())?;
    let settings = forward::Config {
        targets: agent.targets,
        retries: agent.retries,
        attempt: Duration::from_secs(2),
    };
    let store = Forward::new(settings, dialer);
    store.register(registry);
    Ok(store)
}

/// Opening reads the whole journal: on a thread of its own.
async fn open_embedded(
    config: &Config,
    shares: &Shares,
    registry: &mut Registry,
) -> anyhow::Result<Embedded> {
    let settings = embedded::Config {
        directory: config.storage.embedded.directory.clone(),
        max_bytes: config.storage.embedded.max_bytes.as_bytes(),
        min_free_bytes: config
            .storage
            .embedded
            .min_free_bytes
            .map(settings::ByteSize::as_bytes),
        max_age: config.storage.embedded.max_age.unwrap_or(Duration::ZERO),
        namespaces: config.storage.embedded.namespaces.clone(),
        index_bytes: shares.stores,
        queue_bytes: shares.queue,
        ..embedded::Config::default()
    };
    let opened =
        tokio::task::spawn_blocking(move || Embedded::open(settings, Arc::new(RealDisk))).await;
    let store = opened.context("opening the embedded store panicked")??;
    store.register(registry);
    Ok(store)
}

/// The collector, in roles that have one.
pub(super) fn collector(
    config: &Config,
    access: &Access,
) -> anyhow::Result<Option<collector::Config>> {
    let Some(collector) = &config.collector else {
        return Ok(None);
    };
    let grpc =
        |at: &Option<settings::Listener>, limits: &config::GrpcReceiver| -> anyhow::Result<_> {
            let Some(at) = at else { return Ok(None) };
            let mut listener = listener(at, config)?;
            listener.limits.max_connection_age = limits.max_connection_age;
            listener.limits.max_connection_age_grace = limits.max_connection_age_grace;
            Ok(Some(collector::Receiver {
                listener,
                max_message_bytes: limits.max_message.as_usize(),
            }))
        };
    let http =
        |at: &Option<settings::Listener>, limits: &config::HttpReceiver| -> anyhow::Result<_> {
            let Some(at) = at else { return Ok(None) };
            let mut listener = listener(at, config)?;
            let told = &mut listener.limits;
            told.idle = limits.idle_timeout.unwrap_or(told.idle);
            told.headers = limits.read_header_timeout.unwrap_or(told.headers);
            told.body_progress = limits.read_timeout.unwrap_or(told.body_progress);
            Ok(Some(collector::Receiver {
                listener,
                max_message_bytes: limits.max_body.as_usize(),
            }))
        };
    let datagrams =
        |at: &Option<settings::Listener>, limits: &config::DatagramReceiver| -> anyhow::Result<_> {
            let Some(at) = at else { return Ok(None) };
            Ok(Some(collector::Datagrams {
                listener: listener(at, config)?,
                max_packet_bytes: limits.max_packet.as_usize(),
                queue: limits.queue,
                socket_buffer: limits.socket_buffer.as_usize(),
            }))
        };
    let plain =
        |at: &Option<settings::Listener>| at.as_ref().map(|at| listener(at, config)).transpose();
    let cors = |cors: &config::Cors| collector::Cors {
        allowed_origins: cors.allowed_origins.clone(),
        allowed_headers: cors.allowed_headers.clone(),
    };
    let mut told = collector::Config {
        otlp_grpc: grpc(&config.listeners.otlp_grpc, &collector.otlp_grpc)?,
        storage_grpc: grpc(&config.listeners.storage_grpc, &collector.storage_grpc)?,
        otlp_http: http(&config.listeners.otlp_http, &collector.otlp_http)?,
        otlp_http_cors: cors(&collector.otlp_http_cors),
        jaeger_grpc: grpc(&config.listeners.jaeger_grpc, &collector.jaeger_grpc)?,
        jaeger_thrift: http(&config.listeners.jaeger_thrift, &collector.jaeger_thrift)?,
        zipkin: http(&config.listeners.zipkin, &collector.zipkin)?,
        zipkin_cors: cors(&collector.zipkin_cors),
        jaeger_compact: datagrams(&config.listeners.jaeger_compact, &collector.jaeger_compact)?,
        jaeger_binary: datagrams(&config.listeners.jaeger_binary, &collector.jaeger_binary)?,
        zipkin_compact: datagrams(&config.listeners.zipkin_compact, &collector.zipkin_compact)?,
        sampling: collector::sampling::Config {
            file: collector.sampling.file.clone(),
            url: strategies_url(config, &collector.sampling),
            reload_interval: collector.sampling.reload_interval,
            default_probability: collector.sampling.default_probability,
            adaptive: collector.sampling.adaptive.clone(),
        },
        sampling_http: plain(&config.listeners.sampling_http)?,
        sampling_grpc: plain(&config.listeners.sampling_grpc)?,
        guard: access.guard.clone(),
        door: access.door.clone(),
        tags: collector.tags.clone(),
        downsampling_ratio: collector.downsampling_ratio,
        downsampling_salt: collector.downsampling_salt.clone(),
        write_timeout: collector.write_timeout,
        host: settings::environment::host_name(),
        ..collector::Config::default()
    };
    if config.role.forwards() {
        // whoever sends datagrams does not wait, and a collector may be asked again
        told.write_timeout = FORWARDING;
    }
    if config.role.serves_a_store() {
        // whoever received the spans has done that
        told.tags = Vec::new();
        told.downsampling_ratio = 1.0;
        told.sampling = collector::sampling::Config::default();
    }
    // one message of the largest size has to fit, however little memory there is
    told.budget_bytes = collector.budget.map_or_else(
        || Shares::of(config).requests.max(told.max_message_bytes()),
        settings::ByteSize::as_usize,
    );
    Ok(Some(told))
}

/// Where the sampling strategies lie, if that is a URL.
fn strategies_url(
    config: &Config,
    sampling: &config::Sampling,
) -> Option<collector::sampling::Url> {
    Some(collector::sampling::Url {
        url: sampling.url.clone()?,
        tls: ClientTls {
            prefix: "sampling.strategies".to_owned(),
            ca: sampling.ca.clone(),
            ..ClientTls::default()
        },
        trust: config.trust(),
    })
}

/// The ingester, in the role that has one. It reads files alone: brokers may be away.
pub(super) fn ingester(
    config: &Config,
    storage: &Storage,
    registry: &mut Registry,
) -> anyhow::Result<Option<ingester::Ingester>> {
    let Some(mut told) = config.ingester.clone() else {
        return Ok(None);
    };
    if told.budget_bytes == 0 {
        told.budget_bytes = (Shares::of(config).requests).max(config::LEAST_BUDGET.as_usize());
    }
    let topics: Vec<&str> = told.topics.names().collect();
    tracing::info!(
        brokers = told.connection.shown(),
        topics = topics.join(","),
        group = told.group_id,
        member = told.group_instance_id,
        tls = told.connection.tls.is_some(),
        "reading from Kafka"
    );
    let parts = ingester::Parts {
        writer: storage.writer(),
        dead_letters: storage.dead_letters(),
        ledger: storage.ledger(),
    };
    let opened = tokio::task::block_in_place(|| ingester::open(told, parts, registry))?;
    Ok(Some(opened))
}

/// The query service, in roles that have one. `addrs` are the listeners that are bound already, for its page.
pub(super) fn query(
    config: &Config,
    addrs: &[(&'static str, Vec<SocketAddr>)],
    access: &Access,
    storage: &Storage,
) -> anyhow::Result<Option<query::Config>> {
    let (Some(query), Some(at)) = (&config.query, &config.listeners.query_http) else {
        return Ok(None);
    };
    let place = |(listener, addrs): &(&'static str, Vec<SocketAddr>)| {
        let what = match *listener {
            "otlp-grpc" => "OTLP over gRPC",
            "otlp-http" => "OTLP over HTTP",
            "jaeger-grpc" => "Jaeger's protobuf over gRPC",
            "jaeger-thrift" => "Jaeger's Thrift over HTTP",
            "zipkin" => "Zipkin over HTTP",
            "sampling-http" => "remote sampling over HTTP",
            "sampling-grpc" => "remote sampling over gRPC",
            "jaeger-compact" => "Jaeger's compact Thrift over UDP",
            "jaeger-binary" => "Jaeger's binary Thrift over UDP",
            "zipkin-compact" => "Zipkin's compact Thrift over UDP",
            "admin" => "health and metrics",
            other => other,
        };
        addrs.first().map(|address| Place {
            what: what.to_owned(),
            address: address.to_string(),
        })
    };
    let counted = counted::open(config)?;
    let measures = storage.reading(&config.certificates.instance).measures;
    let has_metrics = counted.is_some()
        || measures.is_some_and(|measures| query.span_metrics.counts(measures.is_dear));
    Ok(Some(query::Config {
        counted,
        has_metrics,
        http: listener(at, config)?,
        grpc: (config.listeners.query_grpc.as_ref())
            .map(|at| listener(at, config))
            .transpose()?,
        places: addrs.iter().filter_map(place).collect(),
        tracing: query.tracing_ratio.map(|ratio| query::Tracing {
            writer: storage.writer(),
            ratio,
        }),
        ..reading(query, access, storage)
    }))
}

/// What reads of the store that is served to other processes, in the role that does.
pub(super) fn storage_reads(
    config: &Config,
    access: &Access,
    storage: &Arc<Storage>,
    registry: &mut Registry,
) -> Option<axum::Router> {
    let query = config.query.as_ref();
    let query = query.filter(|_| config.role.serves_a_store())?;
    let told = reading(query, access, storage);
    Some(query::storage_reads(
        &told,
        readers(config, storage),
        registry,
    ))
}

/// How the store is read, on no address.
fn reading(query: &config::Query, access: &Access, storage: &Storage) -> query::Config {
    query::Config {
        base_path: query.base_path.clone(),
        additional_headers: query.additional_headers.clone(),
        max_clock_skew: query.max_clock_skew,
        timeout: query.timeout,
        search_timeout: query.search_timeout,
        max_concurrent_reads: query.max_concurrent_reads,
        cache: query.cache.clone(),
        kept: query.kept.clone(),
        limits: ReadLimits {
            traces: query.max_traces,
            spans: query.max_spans,
            bytes: query.max_bytes.as_usize(),
        },
        tag_expressions: query.tag_expressions,
        passes_credentials_on: query.bearer_token_propagation,
        guard: access.guard.clone(),
        door: access.door.clone(),
        archive: storage.has_archive(),
        ui: query.ui.clone(),
        version: query::Version {
            spoor: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: version::GIT_COMMIT.to_owned(),
            git_version: version::JAEGER.to_owned(),
            build_date: version::BUILD_DATE.to_owned(),
        },
        ..query::Config::default()
    }
}

/// How the query service reads the store.
pub(super) fn readers(config: &Config, storage: &Arc<Storage>) -> query::Stores {
    let span_metrics = config.query.as_ref().map(|query| query.span_metrics);
    let span_metrics = span_metrics.unwrap_or_default();
    let storage = storage.clone();
    Arc::new(move |instance| {
        let Reading {
            kind,
            traces,
            dependencies,
            measures,
            archive,
            takes_credentials,
        } = storage.reading(instance);
        let measures = measures.filter(|measures| span_metrics.counts(measures.is_dear));
        query::Readers {
            kind,
            traces,
            dependencies,
            measures: measures.map(|measures| measures.reader),
            archive,
            takes_credentials,
        }
    })
}

/// Where metrics are on the admin port.
pub(super) fn metrics_path(config: &Config) -> Option<String> {
    (config.settings.text("metrics-backend") != "none").then(|| config.metrics_route.clone())
}
