//! Spans from senders by way of a collector, a topic and a group of ingesters into Elasticsearch, each a process of its own; and what each tells of itself.
//!
//! In: a broker, a cluster, a name that is the topic's, the group's and the indices' prefix. Out: a [`Line`] whose members come and go as a test says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench::Protocol;
use tests::kafka::{Admin, Broker};
use tests::spoor::{Setup, Spoor};
use tokio::task::JoinHandle;

use crate::elasticsearch::collector::{Collector, Tally};
use crate::support::setup;

/// Of each topic.
pub(super) const PARTITIONS: u16 = 12;

/// Of a request of the load.
const BATCH: usize = 10;

/// A topic, and who may be put before and behind it.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) admin: Admin,
    broker: String,
    store: String,
}

/// An ingester; its settings stay from start to start.
pub(super) struct Member {
    setup: Setup,
    _folder: tempfile::TempDir,
    running: Option<Spoor>,
}

/// A load that goes on until it is told to end.
pub(super) struct Traffic {
    ending: Arc<AtomicBool>,
    sending: JoinHandle<Tally>,
    _collector: Spoor,
    _files: Collector,
}

// === impl Line ===

impl Line {
    /// With new topics of `name`; the ingesters write to the cluster at `store`.
    pub(super) fn new(broker: &Broker, store: &str, name: &'static str) -> Self {
        let admin = broker.admin();
        admin.create_topic(name, PARTITIONS).unwrap();
        admin
            .create_topic(&format!("{name}-dead-letters"), 1)
            .unwrap();
        Self {
            name,
            admin,
            broker: broker.address(),
            store: store.to_owned(),
        }
    }

    /// One that is not started yet; `lasting`: its name in the group, none without one.
    pub(super) fn member(&self, lasting: Option<usize>, args: &[&str]) -> Member {
        let (folder, mut setup) = setup();
        let (name, broker, store) = (self.name, &self.broker, &self.store);
        let lasting = lasting.map_or("none".to_owned(), |nth| format!("{name}-{nth}"));
        setup.args.extend([
            "ingester".to_owned(),
            format!("--kafka.consumer.brokers={broker}"),
            format!("--kafka.consumer.topic={name}"),
            format!("--kafka.consumer.group-id={name}"),
            format!("--kafka.consumer.group-instance-id={lasting}"),
            "--span-storage.type=elasticsearch".to_owned(),
            format!("--es.server-urls={store}"),
            format!("--es.index-prefix={name}"),
            "--es.num-shards=1".to_owned(),
            "--es.num-replicas=0".to_owned(),
        ]);
        setup.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        Member {
            setup,
            _folder: folder,
            running: None,
        }
    }

    /// So many spans a second, by a collector that writes to the topic.
    pub(super) fn traffic(&self, per_second: f64) -> Traffic {
        let (name, broker) = (self.name, &self.broker);
        let args = [
            "collector".to_owned(),
            format!("--kafka.producer.brokers={broker}"),
            format!("--kafka.producer.topic={name}"),
            format!("--kafka.producer.dead-letter-topic={name}-dead-letters"),
        ];
        let files = Collector::writing_to("kafka", &args);
        let (collector, _) = blocking(|| files.start());
        let mut load = files.load(Protocol::OtlpGrpc, 2.0);
        load.rate = Some(per_second);
        let ending = Arc::new(AtomicBool::new(false));
        let seen = ending.clone();
        let sending = tokio::spawn(async move {
            let mut tally = Tally::new(BATCH);
            while !seen.load(Ordering::Acquire) {
                let outcome = tally.send(load.clone()).await;
                tally.add(&outcome);
            }
            tally
        });
        Traffic {
            ending,
            sending,
            _collector: collector,
            _files: files,
        }
    }

    /// How many records the group has committed.
    pub(super) fn committed(&self) -> i64 {
        let committed = self.admin.committed(self.name, self.name);
        // the broker does not know a group that has just begun
        committed.map_or(0, |committed| committed.values().sum())
    }

    /// How many records lie before the ends that the group has not committed.
    pub(super) fn behind(&self) -> anyhow::Result<i64> {
        let committed = self.admin.committed(self.name, self.name)?;
        let ends = self.admin.ends(self.name)?;
        let behind = ends
            .iter()
            .map(|(at, end)| end - committed.get(at).copied().unwrap_or_default());
        Ok(behind.sum())
    }

    /// Waits until all is committed, for as long as more and more of it is.
    pub(super) async fn drained(&self) {
        let began = Instant::now();
        // a broker may be about to start
        let mut left = self.behind().unwrap_or(i64::MAX);
        let first = left;
        while left > 0 {
            let what = format!("{}: {left} records are not committed", self.name);
            left = until(&what, || self.behind().ok().filter(|now| *now < left)).await;
        }
        let took = began.elapsed();
        println!(
            "{}: {first} records behind in the end, none after {took:.1?}",
            self.name
        );
    }
}

// === impl Traffic ===

impl Traffic {
    /// Ends it; what was acknowledged.
    pub(super) async fn end(self) -> Tally {
        self.ending.store(true, Ordering::Release);
        self.sending.await.unwrap()
    }
}

// === impl Member ===

impl Member {
    pub(super) fn start(&mut self) -> &Spoor {
        let running = blocking(|| self.setup.start()).unwrap();
        self.running.insert(running)
    }

    pub(super) fn running(&self) -> &Spoor {
        self.running.as_ref().unwrap()
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        self.running.take().unwrap().kill();
    }

    /// By SIGTERM, in an orderly way.
    pub(super) fn end(&mut self) {
        let running = self.running.take().unwrap();
        assert_eq!(blocking(|| running.terminate()).unwrap(), Some(0));
    }

    pub(super) fn admin_url(&self) -> String {
        self.running().url("admin")
    }
}

/// How often each partition was given to a member and not taken from it again, by what `/metrics` says.
pub(super) fn held(metrics: &str) -> BTreeMap<u16, i64> {
    let mut held = BTreeMap::new();
    for line in metrics.lines() {
        let of = |name: &str| {
            line.strip_prefix("jaeger_ingester_sarama_consumer_partition_")?
                .strip_prefix(name)?
                .strip_prefix("_total{")
        };
        let (labels, sign) = match (of("start"), of("close")) {
            (Some(rest), _) => (rest, 1),
            (_, Some(rest)) => (rest, -1),
            _ => continue,
        };
        let (_, partition) = labels.split_once("partition=\"").unwrap();
        let (partition, value) = partition.split_once('"').unwrap();
        let value: i64 = value.rsplit(' ').next().unwrap().parse().unwrap();
        *held.entry(partition.parse().unwrap()).or_default() += sign * value;
    }
    held.retain(|_, times| *times > 0);
    held
}

/// What blocks, on a thread that may.
pub(super) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Asks until there is something, at most two minutes.
#[track_caller]
pub(super) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> impl Future<Output = T> {
    let end = Instant::now() + Duration::from_secs(120);
    async move {
        loop {
            if let Some(found) = blocking(&mut ask) {
                return found;
            }
            assert!(Instant::now() < end, "{what}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
