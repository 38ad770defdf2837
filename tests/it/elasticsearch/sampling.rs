//! Two collectors with adaptive sampling on one Elasticsearch: they count together, one of them calculates, and both tell the same.

use std::time::{Duration, Instant};

use model::Instance;
use serde_json::{Value, json};
use storage::elasticsearch::config::ScrollBounds;
use storage::elasticsearch::{Config, Elasticsearch};
use storage::{Backend as _, Throughput, ThroughputRows};
use tests::servers::{Kind, shared};
use tests::spoor::Spoor;

use super::golden::on;
use super::sender::place;
use crate::support::{eventually, get, get_json};

const SERVICE: &str = "adaptive-shop";
const OPERATION: &str = "GET /";

/// What a client is told to record, of all that the operation does.
async fn told(spoor: &Spoor) -> f64 {
    let url = format!(
        "{}/api/sampling?service={SERVICE}",
        spoor.url("jaeger-thrift")
    );
    let answer = get_json(&url).await;
    let operations = &answer["operationSampling"];
    let each = operations["perOperationStrategies"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let own = each.iter().find(|one| one["operation"] == OPERATION);
    let told = own.map_or(&operations["defaultSamplingProbability"], |own| {
        &own["probabilisticSampling"]["samplingRate"]
    });
    told.as_f64().unwrap_or_else(|| panic!("{answer}"))
}

/// Sends what a client that follows `probability` records of 200 traces.
async fn record(spoor: &Spoor, probability: f64, first: u64) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = now.as_nanos().to_string();
    let recorded = 1 + (200.0 * probability) as u64;
    let span = |nth: u64| {
        json!({
            "traceId": format!("{:032x}", first + nth), "spanId": format!("{:016x}", first + nth),
            "name": OPERATION, "kind": 2, "startTimeUnixNano": now, "endTimeUnixNano": now,
            "attributes": [
                {"key": "sampler.type", "value": {"stringValue": "probabilistic"}},
                {"key": "sampler.param", "value": {"doubleValue": probability}},
            ],
        })
    };
    let spans: Vec<Value> = (0..recorded).map(span).collect();
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]},
        "scopeSpans": [{"spans": spans}],
    }]});
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let answer = reqwest::Client::new()
        .post(url)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

async fn leads(spoor: &Spoor) -> bool {
    let (_, _, text) = get(&format!("{}/metrics", spoor.url("admin"))).await;
    text.lines().any(|line| line == "spoor_sampling_leader 1")
}

/// Rows are read to their end, and no further than a bound over all pages, which the error names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_many_pages_are_read_within_a_bound() {
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let row = |n: u64| Throughput {
        service: format!("s{n}"),
        operation: "op".to_owned(),
        count: 1,
        probabilities: Default::default(),
    };
    let rows = ThroughputRows {
        time_ns: 5_000_000_000,
        unread_until_ns: 0,
        rows: (0..2_500).map(row).collect(),
    };
    for (bounds, expect) in [
        (ScrollBounds::default(), Ok(2_500)),
        (
            ScrollBounds {
                documents: 2_400,
                ..ScrollBounds::default()
            },
            Err("2400 documents"),
        ),
        (
            ScrollBounds {
                bytes: 100 << 10,
                ..ScrollBounds::default()
            },
            Err("ask for less time"),
        ),
        (
            ScrollBounds {
                time: Duration::from_micros(1),
                ..ScrollBounds::default()
            },
            Err("ask for less time"),
        ),
    ] {
        let mut main = place(&server.url(), "sampling-bounds");
        main.limits.scroll = bounds;
        let config = Config {
            instance: Instance::default(),
            main,
            archive: None,
        };
        let store = tokio::task::block_in_place(|| Elasticsearch::new(vec![config])).unwrap();
        let sampling = store.sampling_store().unwrap();
        if expect.is_ok() {
            sampling.append_throughput(rows.clone()).await.unwrap();
        }
        let read = sampling.get_throughput(0, 10_000_000_000).await;
        let said = format!("{:?}", read.as_ref().err());
        match expect {
            Ok(count) => assert_eq!(read.unwrap().len(), count),
            Err(words) => assert!(said.contains(words), "{said}"),
        }
    }
    let stats = "/sampling-bounds-jaeger-sampling-*/_stats/search";
    let open = async || {
        let stats = server.client().get(stats).await.unwrap();
        stats["_all"]["total"]["search"]["open_contexts"].clone()
    };
    eventually("their places are let go of", open, |count| *count == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_collectors_on_one_cluster_move_towards_the_target_together() {
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let start = || {
        let (folder, setup) = on(server, "adaptive");
        let mut setup = setup;
        for flag in [
            "--sampling.config-type=adaptive",
            "--sampling.target-samples-per-second=5",
            "--sampling.initial-sampling-probability=0.8",
            "--sampling.calculation-interval=1s",
            "--sampling.aggregation-buckets=3",
            "--sampling.delay=0s",
            "--sampling.leader-lease-refresh-interval=500ms",
            "--sampling.follower-lease-refresh-interval=3s",
        ] {
            setup = setup.arg(flag);
        }
        (folder, setup.start().unwrap())
    };
    let (_one, _other) = (start(), start());
    let (a, b) = (&_one.1, &_other.1);
    let until = Instant::now() + Duration::from_secs(90);
    let mut first = 1;
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let (at_a, at_b) = loop {
        tick.tick().await;
        let (at_a, at_b) = (told(a).await, told(b).await);
        // each counts its half: alone, neither would see as much as both
        record(a, at_a, first).await;
        record(b, at_b, first + 1_000).await;
        first += 2_000;
        if at_a < 0.1 && at_b < 0.1 {
            break (at_a, at_b);
        }
        assert!(Instant::now() < until, "still told {at_a} and {at_b}");
    };
    println!("from 0.8 to {at_a} and {at_b}");
    let leaders = u8::from(leads(a).await) + u8::from(leads(b).await);
    assert_eq!(leaders, 1, "one calculates");
}
