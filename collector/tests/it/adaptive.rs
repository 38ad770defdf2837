//! Adaptive sampling, from spans on the wire to what SDKs are told: two collectors on one store, with intervals of a test's length.

use std::sync::Arc;
use std::time::{Duration, Instant};

use collector::sampling::adaptive;
use prost::Message as _;
use storage::Backend as _;
use storage::memory::{self, Memory};
use storage::port::SamplingStore;
use wire::r#gen::otlp::ExportTraceServiceRequest;
use wire::r#gen::otlp::common::v1::{AnyValue, KeyValue, any_value::Value};

use crate::support::{Running, eventually, request, start_on};

fn rules() -> adaptive::Config {
    adaptive::Config {
        // far above and far below what a test sends
        target_samples_per_second: 20.0,
        calculation_interval: Duration::from_millis(50),
        delay: Duration::ZERO,
        initial_probability: 0.25,
        leader_lease_refresh_interval: Duration::from_millis(50),
        // longer than a busy machine keeps the leader from saying that it goes on
        follower_lease_refresh_interval: Duration::from_secs(2),
        ..adaptive::Config::default()
    }
}

fn store() -> (Memory, Arc<dyn SamplingStore>) {
    let memory = Memory::new(memory::Config::default());
    let store = memory.sampling_store().unwrap();
    (memory, store)
}

async fn start(store: &Arc<dyn SamplingStore>, rules: adaptive::Config) -> Running {
    start_on(Some(store.clone()), |config| {
        config.sampling.adaptive = Some(rules);
    })
    .await
}

/// Traces of one operation that were recorded with a probability; `None`: their sampler says nothing.
fn traces(count: u64, probability: Option<f64>) -> ExportTraceServiceRequest {
    let attribute = |key: &str, value| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    };
    let mut request = request("shop", count);
    for span in &mut request.resource_spans[0].scope_spans[0].spans {
        span.name = "GET /".to_owned();
        if let Some(probability) = probability {
            let kind = Value::StringValue("probabilistic".to_owned());
            span.attributes.push(attribute("sampler.type", kind));
            let param = Value::DoubleValue(probability);
            span.attributes.push(attribute("sampler.param", param));
        }
    }
    request
}

/// What a client takes for the operation.
async fn told(running: &Running) -> f64 {
    let path = "/api/sampling?service=shop";
    let answer = running
        .http_to("jaeger-thrift", "GET", path, &[], axum::body::Body::empty())
        .await;
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["strategyType"], "PROBABILISTIC");
    let operations = &answer["operationSampling"];
    let each = operations["perOperationStrategies"].as_array().unwrap();
    let own = each.iter().find(|o| o["operation"] == "GET /");
    let told = match own {
        Some(own) => &own["probabilisticSampling"]["samplingRate"],
        None => &operations["defaultSamplingProbability"],
    };
    told.as_f64().unwrap()
}

fn leads(running: &Running) -> bool {
    running.metric("spoor_sampling_leader", &[]) == 1
}

/// Does as it is told, asking `asked` and sending to `sent`, until `enough` of what it is told.
async fn follow(
    asked: &Running,
    sent: &Running,
    traces_of: impl Fn(f64) -> ExportTraceServiceRequest,
    enough: impl Fn(f64) -> bool,
) -> f64 {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let probability = told(asked).await;
        if enough(probability) {
            return probability;
        }
        assert!(Instant::now() < until, "still told {probability}");
        let message = traces_of(probability).encode_to_vec();
        sent.export(&message).await.message();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_told_less_when_too_much_is_recorded_and_more_when_too_little() {
    let (_memory, store) = store();
    let running = start(&store, rules()).await;
    let recorded = |p| traces(1 + (p * 400.0) as u64, Some(p));
    let less = follow(&running, &running, recorded, |p| p < 0.05).await;
    let few = adaptive::Config {
        target_samples_per_second: 1e6,
        ..rules()
    };
    running.stop();
    eventually(|| running.ended()).await;
    // the next one begins where the first ended
    let running = start(&store, few).await;
    assert_eq!(told(&running).await, less);
    let recorded = |p| traces(1, Some(p));
    follow(&running, &running, recorded, |p| p > 0.25).await;
    assert!(running.metric("spoor_sampling_rounds_total", &[]) > 0);
    assert_eq!(running.metric("spoor_sampling_operations", &[]), 1);
    assert_eq!(running.metric("spoor_sampling_left_out_total", &[]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sampler_that_says_nothing_counts_for_services_that_ask() {
    let (_memory, store) = store();
    let running = start(&store, rules()).await;
    let recorded = |p| traces(1 + (p * 400.0) as u64, None);
    follow(&running, &running, recorded, |p| p < 0.05).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_leads_both_answer_the_same_and_the_other_takes_over() {
    let (_memory, store) = store();
    let [first, second] = [start(&store, rules()).await, start(&store, rules()).await];
    eventually(|| leads(&first) != leads(&second)).await;
    let (leader, follower) = if leads(&first) {
        (first, second)
    } else {
        (second, first)
    };
    // asks the one, sends to the other
    let recorded = |p| traces(1 + (p * 400.0) as u64, Some(p));
    follow(&follower, &leader, recorded, |p| p < 0.2).await;
    assert!(leads(&leader) && !leads(&follower));
    // nothing comes any more, and so nothing changes once the last was counted
    let until = Instant::now() + Duration::from_secs(10);
    while told(&leader).await != told(&follower).await {
        assert!(Instant::now() < until, "they answer differently");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    leader.stop();
    eventually(|| leader.ended()).await;
    eventually(|| leads(&follower)).await;
    assert!(!leads(&leader));
    let rounds = follower.metric("spoor_sampling_rounds_total", &[]);
    eventually(|| follower.metric("spoor_sampling_rounds_total", &[]) > rounds).await;
    assert_eq!(
        follower.metric("spoor_sampling_store_errors_total", &["append_throughput"]),
        0
    );
}

#[tokio::test]
async fn without_a_store_for_it_there_is_no_adaptive_sampling() {
    let running = crate::support::start(|_| {}).await;
    let config = collector::Config {
        sampling: collector::sampling::Config {
            adaptive: Some(rules()),
            ..collector::sampling::Config::default()
        },
        ..collector::Config::default()
    };
    let parts = collector::Parts {
        writer: running.store.clone(),
        dead_letters: None,
        ledger: running.ledger.clone(),
        sampling_store: None,
        storage_reads: None,
        collector: None,
    };
    let mut registry = prometheus_client::registry::Registry::default();
    let listeners = listen::Metrics::register(&mut registry);
    let bound = collector::bind(&config, parts, &listeners, &mut registry).await;
    let error = bound.err().unwrap().to_string();
    assert!(error.contains("sampling.config-type=file"), "{error}");
}
