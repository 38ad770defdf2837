//! The store on Kafka and an ingester, both in this process, at a real broker: what the tests beside this file build on.

use std::sync::Arc;
use std::time::Duration;

use ingester::{Config, GroupProtocol, Health, Ingester, Parts, Start, Topic, Topics};
use model::{Batch, Instance, Resource, Span, SpanId, TraceId};
use prometheus_client::registry::Registry;
use storage::embedded::{self, Embedded};
use storage::kafka::{self, Connection, Kafka};
use storage::layers::Counts;
use storage::stack::{self, Storage};
use storage::{Backend as _, TraceWriter};
use tests::kafka::Broker;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::encoding::{Encoding, Expected};

/// Nanoseconds since the Unix epoch.
fn now_ns() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_nanos() as u64
}

/// Spans of traces of ten each, `first` and those after it, all of now.
pub(super) fn spans(first: u128, traces: u128) -> Vec<Span> {
    let resource = Arc::new(Resource::of_service("shop"));
    let start_ns = now_ns();
    (first..first + traces)
        .flat_map(|trace| (1..=10u64).map(move |at| (trace, at)))
        .map(|(trace, at)| Span {
            trace_id: TraceId(trace.to_be_bytes()),
            span_id: SpanId(at.to_be_bytes()),
            name: "buy".into(),
            start_ns,
            end_ns: start_ns + 5_000,
            resource: resource.clone(),
            ..Span::default()
        })
        .collect()
}

pub(super) fn batch(spans: Vec<Span>) -> Batch {
    Batch::new(Instance::default(), spans, 0)
}

pub(super) fn connection(broker: &Broker, settings: &str) -> Connection {
    Connection::plaintext(settings, &[broker.address()])
}

/// A store on Kafka whose spans go to `topic` of `broker`, and what else is set of it.
pub(super) fn store(broker: &Broker, topic: &str, set: impl FnOnce(&mut kafka::Config)) -> Kafka {
    let mut config = kafka::Config {
        instance: Instance::default(),
        connection: connection(broker, "kafka.producer"),
        tuning: kafka::Tuning::default(),
        topic: topic.to_owned(),
        dead_letter_topic: format!("{topic}-dead-letters"),
        encoding: Encoding::JaegerProto,
    };
    set(&mut config);
    let store = Kafka::new(vec![config]).unwrap();
    store.keep();
    store
}

/// An ingester that runs, with an embedded store of its own behind it.
pub(super) struct Running {
    storage: Storage,
    health: Health,
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), ingester::Ended>>,
    registry: Registry,
    _folder: tempfile::TempDir,
}

// === impl Running ===

impl Running {
    /// One of `group`, which reads `topic`.
    pub(super) fn start(
        broker: &Broker,
        topic: &str,
        group: &str,
        set: impl FnOnce(&mut Config),
    ) -> Self {
        Self::before(None, broker, topic, group, set)
    }

    /// The same, with another store behind it.
    pub(super) fn before(
        store: Option<Arc<dyn TraceWriter>>,
        broker: &Broker,
        topic: &str,
        group: &str,
        set: impl FnOnce(&mut Config),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = embedded::Config {
            directory: folder.path().to_owned(),
            ..embedded::Config::default()
        };
        let backend = Embedded::open(settings, Arc::new(storage::disk::RealDisk)).unwrap();
        let storage = Storage::build(vec![Arc::new(backend)], &stack::Settings::default()).unwrap();
        let topic = Topic {
            name: topic.to_owned(),
            instance: Instance::default(),
            is_trusted: false,
        };
        let mut config = Config {
            connection: connection(broker, "kafka.consumer"),
            topics: Topics::new(vec![topic], [Instance::default()]),
            encoding: Expected::One(Encoding::JaegerProto),
            group_id: group.to_owned(),
            group_instance_id: None,
            protocol: GroupProtocol::Classic,
            session_timeout: Duration::from_secs(6),
            start: Start::Earliest,
            rack_id: String::new(),
            fetch_bytes: 1 << 20,
            parallelism: 1_000,
            budget_bytes: 16 << 20,
            stall: Duration::from_secs(60),
        };
        set(&mut config);
        let parts = Parts {
            writer: store.unwrap_or_else(|| storage.writer()),
            dead_letters: storage.dead_letters(),
            ledger: storage.ledger(),
        };
        let mut registry = Registry::default();
        let opened: Ingester = ingester::open(config, parts, &mut registry).unwrap();
        let (health, shutdown) = (opened.health(), CancellationToken::new());
        let ending = shutdown.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the test is the owner of its tasks"
        )]
        let running = tokio::spawn(opened.run(ending));
        Self {
            storage,
            health,
            shutdown,
            running,
            registry,
            _folder: folder,
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.storage.ledger().counts()
    }

    pub(super) fn health(&self) -> Result<(), String> {
        self.health.check()
    }

    /// What it counts of this name, all labels together.
    pub(super) fn metric(&self, name: &str) -> i64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let rows = text.lines().filter(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        rows.map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap())
            .sum()
    }

    /// Ends as at SIGTERM.
    pub(super) async fn end(self) -> Storage {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
        self.storage
    }
}

/// Writes to a store, and closes it.
pub(super) async fn write(store: &Kafka, spans: Vec<Span>) -> Result<(), storage::WriteError> {
    let writer: Arc<dyn TraceWriter> = store.writer();
    writer.write(batch(spans)).await
}
