//! A collector of its own process on a cluster, loads whose senders come again, and what the cluster itself holds of them.
//!
//! In: a cluster and a prefix of indices. Out: a [`Spoor`] on ports that stay from start to start; a [`Tally`] of what was acknowledged, which is
//! held against the cluster by asking it past all of our code.

use std::collections::{BTreeSet, HashSet};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench::{Epoch, Load, Outcome, ProcessSample, Profile, Protocol, Workload, sender};
use tests::servers::client::Client;
use tests::servers::ports;
use tests::spoor::{Setup, Spoor};

use super::sender::stored;
use crate::support::{eventually, get, setup};

/// How long senders come again with the same request.
const PATIENCE: Duration = Duration::from_secs(120);

/// A collector, not started yet.
pub(crate) struct Collector {
    folder: tempfile::TempDir,
    pub(crate) setup: Setup,
    grpc: u16,
    http: u16,
}

/// Spans of loads that were acknowledged.
pub(crate) struct Tally {
    pub(crate) epoch: Arc<Epoch>,
    acknowledged: HashSet<u64>,
    requests: usize,
    given_up: usize,
    refusals: u64,
    rounds: u64,
}

/// What a collector says at `/metrics`.
pub(crate) struct Metrics(String);

// === impl Collector ===

impl Collector {
    /// On the cluster at `url`, with indices of its own.
    pub(crate) fn new(url: &str, prefix: &str) -> Self {
        Self::with(&[
            format!("--es.server-urls={url}"),
            format!("--es.index-prefix={prefix}"),
            "--es.num-shards=1".to_owned(),
            "--es.num-replicas=0".to_owned(),
        ])
    }

    /// On Elasticsearch, told the rest by these arguments.
    pub(crate) fn with(args: &[String]) -> Self {
        Self::writing_to("elasticsearch", args)
    }

    /// On a store of this kind, told the rest by these arguments.
    pub(crate) fn writing_to(store: &str, args: &[String]) -> Self {
        let (folder, mut setup) = setup();
        let [grpc, http] = [(); 2].map(|()| ports::one().unwrap());
        setup.args.extend([
            format!("--span-storage.type={store}"),
            format!("--collector.otlp.grpc.host-port=127.0.0.1:{grpc}"),
            format!("--collector.otlp.http.host-port=127.0.0.1:{http}"),
        ]);
        setup.args.extend_from_slice(args);
        Self {
            folder,
            setup,
            grpc,
            http,
        }
    }

    /// A folder that goes away with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// With another argument.
    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.setup.args.push(arg.to_owned());
        self
    }

    /// Starts it; how long it took until connections were taken. Blocks.
    pub(crate) fn start(&self) -> (Spoor, Duration) {
        let began = Instant::now();
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| {
                while TcpStream::connect((Ipv4Addr::LOCALHOST, self.grpc)).is_err()
                    && !ended.load(Ordering::Relaxed)
                {
                    std::thread::park_timeout(Duration::from_millis(2));
                }
                began.elapsed()
            });
            let started = self.setup.start();
            ended.store(true, Ordering::Relaxed);
            (started.unwrap(), opening.join().unwrap())
        })
    }

    /// A load of so many seconds as fast as answers come, whose senders come again.
    pub(crate) fn load(&self, protocol: Protocol, seconds: f64) -> Load {
        let port = match protocol {
            Protocol::OtlpGrpc => self.grpc,
            Protocol::OtlpHttp => self.http,
            other => panic!("{other} has no port of its own here"),
        };
        Load {
            target: format!("http://127.0.0.1:{port}"),
            protocol,
            duration: Duration::from_secs_f64(seconds),
            in_flight: 16,
            connections: 2,
            rate: None,
            until_gone: false,
            again: Some(PATIENCE),
            requests: None,
            late: None,
        }
    }
}

// === impl Tally ===

impl Tally {
    /// Of requests of at most `batch` spans.
    pub(crate) fn new(batch: usize) -> Self {
        // so many that most requests are full
        let spans = (batch * 60).max(4_000);
        let workload = Workload::new(batch as u64, Profile::Small, spans, batch);
        Self {
            epoch: Arc::new(Epoch::new(&workload)),
            acknowledged: HashSet::new(),
            requests: 0,
            given_up: 0,
            refusals: 0,
            rounds: 0,
        }
    }

    /// A load, to be run beside others; its spans are not those of any load before it.
    pub(crate) fn send(
        &mut self,
        load: Load,
    ) -> impl Future<Output = Outcome> + Send + use<> + 'static {
        let epoch = self.epoch.clone();
        self.rounds += 1_000_000;
        let first = self.rounds;
        async move { sender::send(&epoch, &load, first).await.unwrap() }
    }

    /// Takes down what became of a load.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        for sent in &outcome.sent {
            self.requests += 1;
            self.given_up += usize::from(!sent.acknowledged);
            if sent.acknowledged {
                let ids = self.epoch.layout.span_ids(sent.round, sent.request);
                self.acknowledged.extend(ids);
            }
        }
        self.refusals += outcome.refusal_us.len();
    }

    /// Nothing acknowledged is missing in the indices with this prefix, and nothing is there twice.
    pub(crate) async fn check(&self, what: &str, store: &Client, prefix: &str) {
        let stored = stored(store, prefix).await;
        let there: BTreeSet<u64> = stored.keys().copied().collect();
        let lost = self.acknowledged.iter().filter(|id| !there.contains(id));
        let lost = lost.count();
        let twice = stored.values().filter(|copies| **copies > 1).count();
        println!(
            "{what}: {} spans acknowledged, {} stored, {lost} lost, {twice} doubled; {} of {} requests given up, {} answers to come again",
            self.acknowledged.len(),
            there.len(),
            self.given_up,
            self.requests,
            self.refusals,
        );
        assert!(!self.acknowledged.is_empty(), "{what}: nothing was taken");
        assert_eq!((lost, twice), (0, 0), "{what}: lost and doubled");
    }

    /// The same, and every request was taken in the end.
    pub(crate) async fn check_all(&self, what: &str, store: &Client, prefix: &str) {
        self.check(what, store, prefix).await;
        assert_eq!(self.given_up, 0, "{what}: requests given up");
    }
}

// === impl Metrics ===

impl Metrics {
    pub(crate) async fn of(spoor: &Spoor) -> Self {
        let (status, _, text) = get(&format!("{}/metrics", spoor.url("admin"))).await;
        assert_eq!(status, 200, "{text}");
        Self(text)
    }

    /// All series of this name together.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        let values = self.0.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = rest.strip_prefix('{').map_or(rest, |labelled| {
                labelled.rsplit('}').next().unwrap_or_default()
            });
            // another name begins alike
            value.strip_prefix(' ')?.parse::<f64>().ok()
        });
        values.sum::<f64>() as u64
    }

    /// Every span received is accounted for and none is under way; what is not as it should be.
    pub(crate) fn unbalanced(&self) -> Option<String> {
        let of = |what: &str| self.sum(&format!("spoor_spans_{what}"));
        let became = ["durable", "refused", "dead_lettered", "dropped"];
        let became = became.map(|what| of(&format!("{what}_total")));
        let (received, in_flight) = (of("received_total"), of("in_flight"));
        let balances = received == became.iter().sum::<u64>() && in_flight == 0;
        (!balances).then(|| format!("{received} received, {became:?}, {in_flight} in flight"))
    }
}

/// Waits until the ledger balances with nothing under way; gives what it says.
pub(crate) async fn balanced(spoor: &Spoor) -> Metrics {
    let ask = async || Metrics::of(spoor).await.unbalanced();
    eventually("the ledger balances", ask, Option::is_none).await;
    Metrics::of(spoor).await
}

/// The most memory it ever had, in MiB, without the pages of its program: one that was built for tests has many.
pub(crate) fn peak_mib(spoor: &Spoor) -> u64 {
    let pid = spoor.pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let of_files = status.lines().find_map(|l| l.strip_prefix("RssFile:"));
    let of_files = of_files.unwrap().trim_end_matches("kB").trim();
    let of_files = of_files.parse::<u64>().unwrap() << 10;
    let peak = ProcessSample::of(pid).unwrap().peak_rss_bytes;
    peak.saturating_sub(of_files) >> 20
}
