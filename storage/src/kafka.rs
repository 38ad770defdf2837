//! Kafka, as a store that is only written to: spans wait in a topic for an ingester.
//!
//! In: batches of any instance that has a [`Config`]. Out: records as Jaeger's collector writes them, each with a header that says whose it is; `Ok` once the brokers confirmed each. Instances with
//! the same brokers and tuning share a producer.
//!
//! Deliberately absent: reading, which is the ingester's; and whatever librdkafka does: batches, retries, compression.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/kafka` v1.76.0; ADR 12.

pub mod check;
mod config;
pub mod connection;
mod delivery;
mod letters;
mod live;
mod metrics;
mod producer;
pub mod trouble;
mod turns;
mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::port::{
    Archive, Backend, Capabilities, DeadLetters, DependencyReader, TraceReader, TraceWriter,
    WriteError,
};
use crate::write_only::WriteOnly;
use letters::Letters;
use metrics::Families;
use producer::Producer;
use writer::Channel;

pub use config::{Acks, Config, Tuning};
pub use connection::{Connection, Login, Mechanism, Unusable};
pub use writer::INSTANCE_HEADER;

/// How long records on their way are waited for at the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// The topics of all instances.
pub struct Kafka {
    shared: Arc<Shared>,
    /// The producers' keepers.
    tasks: TaskTracker,
    ending: CancellationToken,
}

struct Shared {
    /// By namespace and name, and by nothing shorter.
    channels: BTreeMap<Instance, Channel>,
    families: Families,
    closed: AtomicBool,
}

struct Writer(Arc<Shared>);

// === impl Kafka ===

impl Kafka {
    /// Opens nothing but files: brokers may be away at the start. Blocks.
    ///
    /// # Errors
    /// A setting or a file that cannot be used, with its instance.
    pub fn new(configs: Vec<Config>) -> Result<Self, String> {
        let families = Families::new();
        let mut channels: BTreeMap<Instance, Channel> = BTreeMap::new();
        for config in configs {
            let instance = config.instance.clone();
            let wrong = |problem: String| format!("{instance}: {problem}");
            let encoder = config.encoder().ok_or_else(|| {
                wrong(format!(
                    "{}.encoding: {} is read only: give protobuf, json, otlp_proto or otlp_json",
                    config.connection.settings, config.encoding
                ))
            })?;
            let metrics = families.of(&instance);
            let known = channels
                .values()
                .find(|other| other.config().shares(&config));
            let producer = match known {
                Some(other) => other.producer().clone(),
                None => {
                    let made = Producer::new(
                        config.connection.clone(),
                        config.tuning.clone(),
                        metrics.clone(),
                    );
                    Arc::new(made.map_err(|error| wrong(error.to_string()))?)
                }
            };
            channels.insert(instance, Channel::new(config, encoder, producer, metrics));
        }
        Ok(Self {
            shared: Arc::new(Shared {
                channels,
                families,
                closed: AtomicBool::new(false),
            }),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
        })
    }

    /// Keeps producers in order, until it is closed: files that change, brokers that come back. Call it once.
    pub fn keep(&self) {
        for producer in self.shared.producers() {
            self.tasks.spawn(producer.keep(self.ending.clone()));
        }
    }

    /// Puts what is counted into `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.shared.families.register(registry);
    }
}

// === impl Shared ===

impl Shared {
    fn channel(&self, instance: &Instance) -> Result<&Channel, WriteError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(WriteError::Unavailable {
                reason: "storage is closed".to_owned(),
            });
        }
        self.channels
            .get(instance)
            .ok_or_else(|| WriteError::Unavailable {
                reason: format!("{instance} has no topic on Kafka"),
            })
    }

    /// Each once.
    fn producers(&self) -> Vec<Arc<Producer>> {
        let mut producers: Vec<Arc<Producer>> = Vec::new();
        for channel in self.channels.values() {
            if !producers
                .iter()
                .any(|known| Arc::ptr_eq(known, channel.producer()))
            {
                producers.push(channel.producer().clone());
            }
        }
        producers
    }
}

impl TraceWriter for Writer {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        async move { self.0.channel(&batch.instance)?.write(&batch).await }.boxed()
    }
}

impl Backend for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            dead_letters: true,
            remote: true,
            ..Capabilities::default()
        }
    }

    fn writer(&self) -> Arc<dyn TraceWriter> {
        Arc::new(Writer(self.shared.clone()))
    }

    fn reader(&self, _: &Instance) -> Arc<dyn TraceReader> {
        Arc::new(elsewhere())
    }

    fn dependencies(&self, _: &Instance) -> Arc<dyn DependencyReader> {
        Arc::new(elsewhere())
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        Some(Arc::new(Letters(self.shared.clone())))
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        None
    }

    fn health(&self) -> Result<(), String> {
        let mut ills = Vec::new();
        for producer in self.shared.producers() {
            match producer.trouble.said() {
                // one that works is served, and what the others lack is in the metrics
                None => return Ok(()),
                Some(said) => ills.push(said),
            }
        }
        if ills.is_empty() {
            return Ok(());
        }
        Err(ills.join("; "))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.shared.closed.store(true, Ordering::Release);
            self.ending.cancel();
            self.tasks.close();
            self.tasks.wait().await;
            for producer in self.shared.producers() {
                let ended = tokio::task::spawn_blocking(move || producer.end(FAREWELL));
                // a panic in there is said by the runtime
                ended.await.ok();
            }
        }
        .boxed()
    }
}

fn elsewhere() -> WriteOnly {
    WriteOnly {
        elsewhere: "spans are in a topic of Kafka, and an ingester takes them to the store that is read from".to_owned(),
    }
}
