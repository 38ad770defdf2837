//! Collectors on one store, with services that do as they are told. Time stands still but for what is waited for.

use model::{Batch, Instance, KeyValue, Resource, Span};
use storage::Backend as _;
use storage::memory::{self, Memory};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;

/// A collector, running.
struct Collector {
    adaptive: Arc<Adaptive>,
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
}

async fn collector(memory: &Memory, config: &Config) -> Collector {
    let began = Instant::now();
    let parts = Parts {
        collector: None,
        store: memory.sampling_store(),
        clock: Arc::new(move || 1_700_000_000_000_000_000 + nanos(began.elapsed())),
        host: "host",
        registry: &mut prometheus_client::registry::Registry::default(),
    };
    let adaptive = Arc::new(Adaptive::open(config, parts).await.unwrap());
    let shutdown = CancellationToken::new();
    let mut tasks = JoinSet::new();
    let keeping = (adaptive.clone(), shutdown.clone());
    tasks.spawn(async move { keeping.0.keep(keeping.1).await });
    Collector {
        adaptive,
        shutdown,
        tasks,
    }
}

impl Collector {
    fn leads(&self) -> bool {
        self.adaptive.leadership.is_held()
    }

    async fn stop(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    /// What a client takes for an operation.
    fn told(&self, service: &str, operation: &str) -> f64 {
        let told = self.adaptive.of(service).operation_sampling.unwrap();
        let mut each = told.per_operation_strategies.into_iter();
        let own = each.find(|o| o.operation == operation);
        own.map_or(told.default_sampling_probability, |o| {
            o.probabilistic_sampling.unwrap().sampling_rate
        })
    }

    /// Traces that a client recorded with a probability, and says so or not.
    fn record(&self, count: usize, probability: f64, says: bool) {
        let attributes = vec![
            KeyValue::new("sampler.type", "probabilistic"),
            KeyValue::new("sampler.param", probability),
        ];
        let span = Span {
            name: "GET /".into(),
            attributes: if says { attributes } else { Vec::new() },
            resource: Arc::new(Resource::of_service("shop")),
            ..Span::default()
        };
        self.adaptive.count(&Roots::of(&vec![span; count], !says));
    }
}

fn memory() -> Memory {
    Memory::new(memory::Config::default())
}

/// A service with so many traces a second, which asks once a minute. What is recorded a second in the end.
async fn settle(collector: &Collector, traces: f64, minutes: usize, says: bool) -> f64 {
    let mut probability = 0.0;
    for _ in 0..minutes {
        probability = collector.told("shop", "GET /");
        collector.record((traces * probability * 60.0) as usize, probability, says);
        sleep(Duration::from_secs(60)).await;
    }
    traces * probability
}

#[tokio::test(start_paused = true)]
async fn what_is_recorded_settles_at_the_target_from_both_sides() {
    for says in [true, false] {
        for traces in [5_000.0, 100_000.0, 20.0] {
            let memory = memory();
            let collector = collector(&memory, &Config::default()).await;
            let recorded = settle(&collector, traces, 60, says).await;
            assert!(
                (0.7..=1.3).contains(&recorded),
                "{recorded} of {traces} a second, says: {says}"
            );
            collector.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_follows_nothing_changes_nothing() {
    let memory = memory();
    let collector = collector(&memory, &Config::default()).await;
    for _ in 0..20 {
        collector.record(6_000, 1.0, true);
        sleep(Duration::from_secs(60)).await;
    }
    // once, while it was believed to follow the initial one
    assert_eq!(collector.told("shop", "GET /"), 0.000_01);
    // and one that says nothing and never asks is not known at all
    let of_cart = collector
        .adaptive
        .answers
        .read()
        .probability("cart", "GET /");
    assert_eq!(of_cart, 0.001);
    collector.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_leads_the_others_answer_the_same_and_the_next_takes_over() {
    let memory = memory();
    let config = Config::default();
    let first = collector(&memory, &config).await;
    sleep(Duration::from_secs(1)).await;
    let second = collector(&memory, &config).await;
    sleep(Duration::from_secs(1)).await;
    assert!(first.leads() && !second.leads());
    // traces come to the one, questions to the other
    for _ in 0..10 {
        let probability = second.told("shop", "GET /");
        first.record((probability * 300_000.0) as usize, probability, true);
        sleep(Duration::from_secs(60)).await;
        assert!(first.leads() != second.leads());
    }
    sleep(FOLLOW).await;
    let told = first.told("shop", "GET /");
    assert!(told < 0.001, "{told}");
    assert_eq!(second.told("shop", "GET /"), told);

    let began = Instant::now();
    first.stop().await;
    while !second.leads() {
        sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() <= config.follower_lease_refresh_interval);
    }
    assert_eq!(second.told("shop", "GET /"), told);
    let recorded = settle(&second, 5_000.0, 30, true).await;
    assert!((0.7..=1.3).contains(&recorded), "{recorded}");
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_collector_begins_with_what_was_known() {
    let memory = memory();
    let first = collector(&memory, &Config::default()).await;
    settle(&first, 5_000.0, 20, true).await;
    let told = first.told("shop", "GET /");
    first.stop().await;
    let second = collector(&memory, &Config::default()).await;
    assert_eq!(second.told("shop", "GET /"), told);
    assert_ne!(told, 0.001);
    second.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_gone_is_counted_and_stops_nothing() {
    let memory = memory();
    let collector = collector(&memory, &Config::default()).await;
    memory.close().await;
    let batch = Batch::new(Instance::default(), Vec::new(), 0);
    assert!(memory.writer().write(batch).await.is_err());
    collector.record(10, 0.001, true);
    sleep(Duration::from_secs(200)).await;
    assert!(
        !collector.leads(),
        "its lease ended, and could not be renewed"
    );
    assert_eq!(collector.told("shop", "GET /"), 0.001);
    collector.stop().await;
}
