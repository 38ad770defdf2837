//! From a configuration to running receivers: `bind`, then `run`.
//!
//! In: a [`Config`] and where spans go. Out: sockets whose addresses are known, then requests until the shutdown.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use futures_util::future::{join_all, try_join_all};
use listen::reflection;
use prometheus_client::registry::Registry;
use storage::layers::window::system_clock;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::admission::Admission;
use crate::config::{self, Config};
use crate::inflow::Limit;
use crate::inlet::Inlet;
use crate::intake::{Intake, Origin, Parts, Receiver};
use crate::metrics::{Agent, Asked, LostInKernel, Metrics};
use crate::receivers::jaeger::udp::{self, Udp};
use crate::receivers::{jaeger, otlp, remote, zipkin};
use crate::sampling::{self, Sampling};

/// Why receivers cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A listener cannot listen: free the address, or choose another by the setting that the text names.
    #[error(transparent)]
    Listen(#[from] listen::BindError),
    /// A message of the largest size allowed would not fit into the budget.
    #[error(
        "collector.budget-bytes of {budget} is less than the largest message, {message} bytes: raise it, or lower the max-message-size"
    )]
    Budget {
        /// In bytes.
        budget: usize,
        /// In bytes.
        message: usize,
    },
    /// The sampling strategies cannot be used.
    #[error(transparent)]
    Sampling(#[from] sampling::Error),
    /// The descriptions for gRPC reflection cannot be read: a defect of this build.
    #[error("cannot describe the services for grpc reflection: {0}")]
    Reflection(#[from] reflection::Error),
}

/// Bound receivers, not yet accepting.
pub struct Receivers {
    bound: Vec<(listen::Listener, Router)>,
    datagrams: Vec<Udp>,
    health: Vec<(HealthReporter, &'static [&'static str])>,
    sampling: Arc<Sampling>,
    inlet: Inlet,
}

/// Names that gRPC health knows on 14250, as in Jaeger.
const JAEGER_SERVICES: &[&str] = &[
    "jaeger.api_v2.CollectorService",
    "jaeger.api_v2.SamplingManager",
];
/// Names that gRPC reflection lists on 14250, as in Jaeger.
const JAEGER_LISTED: &[&str] = &["jaeger.api_v2.CollectorService"];
/// Names that gRPC health knows on 5779.
const SAMPLING_SERVICES: &[&str] = &["jaeger.api_v2.SamplingManager"];
/// Names that gRPC health knows on 4317.
const OTLP_SERVICES: &[&str] = &["opentelemetry.proto.collector.trace.v1.TraceService"];

/// Binds the receivers that `config` turns on, and puts their metrics into `registry`.
///
/// `listeners` counts connections: one for all rooms of the process.
pub async fn bind(
    config: &Config,
    mut parts: Parts,
    listeners: &listen::Metrics,
    registry: &mut Registry,
) -> Result<Receivers, BindError> {
    let message = config.max_message_bytes();
    if config.budget_bytes < message {
        let budget = config.budget_bytes;
        return Err(BindError::Budget { budget, message });
    }
    let admission = Admission::new(config.budget_bytes, message, config.guard.rules().clone());
    registry.register_collector(Box::new(admission.clone()));
    let metrics = Metrics::register(registry, &config.host, parts.collector.is_some());
    let stands_on = sampling::Parts {
        store: parts.sampling_store.clone(),
        collector: parts.collector.clone(),
        clock: system_clock(),
        host: &config.host,
        registry,
    };
    let sampling = Arc::new(Sampling::open(&config.sampling, stands_on).await?);
    let storage_reads = parts.storage_reads.take().unwrap_or_default();
    let intake = Intake::new(parts, config, sampling.clone(), admission, metrics);
    let intake = Arc::new(intake);

    let mut receivers = Receivers {
        bound: Vec::new(),
        datagrams: Vec::new(),
        health: Vec::new(),
        sampling: sampling.clone(),
        inlet: Inlet::new(intake.clone()),
    };
    if let Some(settings) = &config.otlp_grpc {
        let receiver = receiver(&intake, settings, otlp::grpc::ORIGIN, OTLP_GRPC_LIMIT);
        let router = receivers.with_health(OTLP_SERVICES).await;
        let router = otlp::grpc::router(router, receiver);
        receivers.add(&settings.listener, router, listeners).await?;
    }
    if let Some(settings) = &config.storage_grpc {
        let receiver = |origin| receiver(&intake, settings, origin, STORAGE_GRPC_LIMIT);
        let router = receivers.with_health(remote::SERVICES).await;
        let router = remote::router(router, receiver, storage_reads)?;
        receivers.add(&settings.listener, router, listeners).await?;
    }
    if let Some(settings) = &config.otlp_http {
        let receiver = receiver(&intake, settings, otlp::http::ORIGIN, OTLP_HTTP_LIMIT);
        let router = otlp::http::router(receiver, &config.otlp_http_cors);
        receivers.add(&settings.listener, router, listeners).await?;
    }
    if let Some(settings) = &config.jaeger_grpc {
        let receiver = receiver(&intake, settings, jaeger::grpc::ORIGIN, JAEGER_GRPC_LIMIT);
        let router = receivers.with_health(JAEGER_SERVICES).await;
        let router = reflection::add(router, &[wire::r#gen::DESCRIPTORS], JAEGER_LISTED)?;
        let router = jaeger::grpc::router(router, receiver, sampling.clone());
        receivers.add(&settings.listener, router, listeners).await?;
    }
    if let Some(settings) = &config.jaeger_thrift {
        let receiver = receiver(
            &intake,
            settings,
            jaeger::thrift::ORIGIN,
            JAEGER_THRIFT_LIMIT,
        );
        let asked = Asked::register(registry, "collector");
        let router = jaeger::thrift::router(receiver, sampling.clone(), asked);
        receivers.add(&settings.listener, router, listeners).await?;
    }
    if let Some(settings) = &config.zipkin {
        let receiver = receiver(&intake, settings, zipkin::ORIGIN, ZIPKIN_LIMIT);
        let router = zipkin::router(receiver, &config.zipkin_cors);
        receivers.add(&settings.listener, router, listeners).await?;
    }
    let mut agent = None;
    for (settings, kind) in [
        (&config.jaeger_compact, udp::JAEGER_COMPACT),
        (&config.jaeger_binary, udp::JAEGER_BINARY),
        (&config.zipkin_compact, udp::ZIPKIN_COMPACT),
    ] {
        if let Some(settings) = settings {
            let limit = Limit {
                bytes: settings.max_packet_bytes,
                setting: kind.limit,
            };
            let listener = &settings.listener;
            let bound = listen::bind_datagrams(listener, settings.socket_buffer);
            if let Some(datagrams) = or_without(listener, bound)? {
                let agent = agent.get_or_insert_with(|| Agent::register(registry));
                receivers.datagrams.push(Udp {
                    datagrams,
                    receiver: Arc::new(Receiver::new(intake.clone(), kind.origin, limit)),
                    port: agent.port(kind.origin.format, kind.protocol),
                    protocol: kind.protocol,
                    queue: settings.queue,
                });
            }
        }
    }
    let datagrams = receivers.datagrams.iter();
    let datagrams = datagrams.map(|udp| (udp.datagrams.name, udp.datagrams.addrs.clone()));
    let lost = LostInKernel(datagrams.collect());
    if !lost.0.is_empty() {
        registry.register_collector(Box::new(lost));
    }
    if let Some(listener) = &config.sampling_http {
        let asked = Asked::register(registry, "agent");
        let router = crate::receivers::sampling::http_router(sampling.clone(), &asked);
        receivers.add(listener, router, listeners).await?;
    }
    if let Some(listener) = &config.sampling_grpc {
        let router = receivers.with_health(SAMPLING_SERVICES).await;
        let router = crate::receivers::sampling::grpc_router(router, sampling);
        receivers.add(listener, router, listeners).await?;
    }
    Ok(receivers)
}

const OTLP_GRPC_LIMIT: &str = "collector.otlp.grpc.max-message-size";
const STORAGE_GRPC_LIMIT: &str = "grpc.max-message-size";
const OTLP_HTTP_LIMIT: &str = "collector.otlp.http.max-body-size";
const JAEGER_GRPC_LIMIT: &str = "collector.grpc-server.max-message-size";
const JAEGER_THRIFT_LIMIT: &str = "collector.http-server.max-body-size";
const ZIPKIN_LIMIT: &str = "collector.zipkin.max-body-size";

// === impl Receivers ===

impl Receivers {
    /// The way in for spans that the process makes itself.
    pub fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }

    /// Each receiver's name and where it listens.
    pub fn addrs(&self) -> Vec<(&'static str, Vec<SocketAddr>)> {
        let connections = self.bound.iter();
        let connections = connections.map(|(l, _)| (l.name(), l.local_addrs().to_vec()));
        let datagrams = self.datagrams.iter();
        let datagrams = datagrams.map(|u| (u.datagrams.name, u.datagrams.addrs.clone()));
        connections.chain(datagrams).collect()
    }

    /// Serves until `shutdown`; then accepts nothing more, answers what is in flight, and ends. Ends with an error as soon as one receiver
    /// does: a collector that lost a port should not look alive.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), listen::ServeError> {
        let Self {
            bound,
            datagrams,
            health,
            sampling,
            inlet: _,
        } = self;
        // whoever watches health learns of the shutdown while requests in flight are answered
        let telling = async {
            shutdown.cancelled().await;
            for (reporter, services) in &health {
                for service in services.iter().chain(&[""]) {
                    reporter
                        .set_service_status(service, ServingStatus::NotServing)
                        .await;
                }
            }
            std::future::pending::<()>().await;
        };
        let serving = bound
            .into_iter()
            .map(|(listener, router)| listener.serve(router, shutdown.clone()));
        let taking = datagrams.into_iter().map(|udp| udp.serve(shutdown.clone()));
        let serving = async {
            let rest = async {
                tokio::join!(join_all(taking), sampling.keep(shutdown.clone()));
                Ok(())
            };
            tokio::try_join!(try_join_all(serving), rest)
        };
        tokio::select! {
            served = serving => served.map(|_| ()),
            () = telling => Ok(()),
        }
    }

    async fn with_health(&mut self, services: &'static [&'static str]) -> Router {
        let (health, service) = tonic_health::server::health_reporter();
        for name in services {
            health
                .set_service_status(name, ServingStatus::Serving)
                .await;
        }
        self.health.push((health, services));
        Router::new().route_service("/grpc.health.v1.Health/{*method}", service)
    }

    async fn add(
        &mut self,
        listener: &listen::Config,
        router: Router,
        listeners: &listen::Metrics,
    ) -> Result<(), BindError> {
        let bound = listen::bind(listener, listeners).await;
        if let Some(bound) = or_without(listener, bound)? {
            self.bound.push((bound, router));
        }
        Ok(())
    }
}

/// What was bound; none, with a word about it, when another program has an address that nobody asked for.
fn or_without<T>(
    listener: &listen::Config,
    bound: Result<T, listen::BindError>,
) -> Result<Option<T>, listen::BindError> {
    match bound {
        Err(error) if listener.dispensable && error.is_taken() => {
            tracing::warn!(
                listener = listener.name,
                "{error}: going on without it; give it an address of its own if you need it"
            );
            Ok(None)
        }
        other => other.map(Some),
    }
}

fn receiver(
    intake: &Arc<Intake>,
    settings: &config::Receiver,
    origin: Origin,
    setting: &'static str,
) -> Receiver {
    let limit = Limit {
        bytes: settings.max_message_bytes,
        setting,
    };
    Receiver::new(intake.clone(), origin, limit)
}
