//! The role: the thread that polls and the tasks that write, from their start to their end.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use storage::kafka::Unusable;
use storage::kafka::trouble::Trouble;
use storage::layers::Ledger;
use storage::layers::occasional::Occasional;
use storage::{DeadLetters, TraceWriter};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, GroupProtocol};
use crate::consumer::Consumer;
use crate::metrics::Metrics;
use crate::process::Process;

/// Where spans go, and what cannot be one.
#[derive(Clone)]
pub struct Parts {
    /// Takes spans.
    pub writer: Arc<dyn TraceWriter>,
    /// Takes records that cannot be read; `None`: they are dropped and counted.
    pub dead_letters: Option<Arc<dyn DeadLetters>>,
    /// What became of every span.
    pub ledger: Arc<Ledger>,
}

/// An ingester, ready to run.
pub struct Ingester {
    consumer: Consumer,
    health: Health,
}

/// How an ingester fares, for whoever asks.
#[derive(Clone)]
pub struct Health {
    trouble: Arc<Trouble>,
    stalled: Arc<Mutex<Option<String>>>,
}

/// The thread ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the thread that reads Kafka ended by itself")]
pub struct Ended;

/// An ingester by `config`, whose files are looked at. It connects to nobody yet: brokers may be away. Blocks.
///
/// # Errors
/// A file or a setting that cannot be used.
pub fn open(config: Config, parts: Parts, registry: &mut Registry) -> Result<Ingester, Unusable> {
    let connection = &config.connection;
    let dialer = connection.dialer();
    connection.client(dialer.as_ref())?;
    let metrics = Metrics::default();
    metrics.register(registry);
    metrics.assignor(match config.protocol {
        GroupProtocol::Classic => "range",
        GroupProtocol::Consumer => "broker",
    });
    let trouble = Arc::new(Trouble::new(&connection.settings, connection.shown()));
    let health = Health {
        trouble: trouble.clone(),
        stalled: Arc::default(),
    };
    let process = Process {
        parts,
        topics: config.topics.clone(),
        encoding: config.encoding,
        metrics: metrics.clone(),
        ending: CancellationToken::new(),
        told: Occasional::default(),
    };
    let consumer = Consumer {
        config,
        dialer,
        process: Arc::new(process),
        trouble,
        metrics,
        ending: CancellationToken::new(),
        runtime: Handle::current(),
        tasks: TaskTracker::new(),
        stalled: health.stalled.clone(),
    };
    Ok(Ingester { consumer, health })
}

// === impl Ingester ===

impl Ingester {
    /// How it fares.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Reads until `shutdown`; then what is under way is written and committed.
    ///
    /// # Errors
    /// The thread ended by itself.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Ended> {
        let (ending, tasks) = (self.consumer.ending.clone(), self.consumer.tasks.clone());
        let process = self.consumer.process.clone();
        let (over, ended) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("spoor-ingester".to_owned())
            .spawn(move || {
                self.consumer.run();
                // whoever waited is gone when the runtime is
                over.send(()).ok();
            })
            .map_err(|_| Ended)?;
        let mut ended = std::pin::pin!(ended);
        let by_itself = tokio::select! {
            () = shutdown.cancelled() => false,
            _ = &mut ended => true,
        };
        ending.cancel();
        if !by_itself {
            // a thread that panicked is told below
            ended.await.ok();
        }
        process.ending.cancel();
        tasks.close();
        tasks.wait().await;
        match (thread.join(), by_itself) {
            (Ok(()), false) => Ok(()),
            _ => Err(Ended),
        }
    }
}

// === impl Health ===

impl Health {
    /// `Err` with a sentence for an operator while nothing can be read.
    pub fn check(&self) -> Result<(), String> {
        match self.stalled.lock().clone().or_else(|| self.trouble.said()) {
            None => Ok(()),
            Some(said) => Err(format!("kafka: {said}")),
        }
    }
}
