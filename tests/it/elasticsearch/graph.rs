//! The graph of calls in a cluster: what the port promises, and three collectors that keep it while one is killed and the one that leads is stopped for a while.
//!
//! `SPOOR_SOAK=1`: 200,000 traces.

use std::time::{Duration, Instant};

use bench::rng::Rng;
use http::Method;
use serde_json::{Value, json};
use storage::conformance::{Subject, dependencies};
use storage::elasticsearch::config::Graph;
use storage::elasticsearch::document::dependencies::id as document_id;
use storage::elasticsearch::{Config, Elasticsearch};
use storage::{Backend as _, ReadContext};
use tests::servers::{Kind, Server, shared};
use tests::spoor::Spoor;

use super::golden::on;
use super::sender::place;
use crate::graph::{Link, Links, Topology, compare, links_of, send};
use crate::support::{get, soak};

/// Counts at once, and soon after a late span.
const QUICK: Graph = Graph {
    is_on: true,
    interval: Duration::from_millis(300),
    late_after: Duration::ZERO,
    settle: Duration::from_millis(500),
};

/// An empty store whose graph is kept.
async fn open(kind: Kind, prefix: &str) -> Subject {
    let server = tokio::task::block_in_place(|| shared(kind));
    let prefix = format!("graph-{prefix}");
    let mut main = place(&server.url(), &prefix);
    main.graph = QUICK;
    main.limits.max_span_age = Duration::from_secs(40 * 3600);
    let config = Config {
        instance: model::Instance::default(),
        main,
        archive: None,
    };
    let store = tokio::task::block_in_place(|| Elasticsearch::new(vec![config])).unwrap();
    assert!(store.capabilities().counts_calls);
    store.keep_house();
    Subject::new(store)
}

macro_rules! promises {
    ($module:ident, $kind:expr, [$($promise:ident),+ $(,)?]) => {
        mod $module {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let prefix = stringify!($promise).replace('_', "-");
                    dependencies::$promise(open($kind, &prefix).await).await;
                }
            )+
        }
    };
    ($($module:ident: $kind:expr),+ $(,)?) => {
        $(
            promises!($module, $kind, [
                a_call_is_a_span_whose_parent_is_of_another_service,
                equal_spans_count_once,
                calls_are_counted_by_the_time_of_the_callee,
                a_shared_id_is_a_call_from_its_client_to_its_server,
                parents_are_found_across_batches_but_not_across_traces,
                calls_tell_failures_and_durations,
                what_has_no_spans_is_told_by_who_calls_it,
            ]);
        )+
    };
}

promises!(
    elasticsearch_6: Kind::Elasticsearch6,
    elasticsearch_7: Kind::Elasticsearch7,
    elasticsearch_8: Kind::Elasticsearch8,
    opensearch_2: Kind::OpenSearch2,
    opensearch_3: Kind::OpenSearch3,
);

const PREFIX: &str = "graph-three";

/// What Spoor reads.
async fn told(server: &Server, topology: &Topology) -> Links {
    let config = Config {
        instance: model::Instance::default(),
        main: place(&server.url(), PREFIX),
        archive: None,
    };
    let store = tokio::task::block_in_place(|| Elasticsearch::new(vec![config])).unwrap();
    let (start, end) = topology.period_ms();
    let reader = store.dependencies(&model::Instance::default());
    let cx = ReadContext::default();
    let links = reader
        .get_dependencies(&cx, start * 1_000_000, end * 1_000_000)
        .await;
    let links = links.unwrap().into_iter().map(|link| {
        assert_eq!(link.durations.count(), link.call_count);
        let told = Link {
            calls: link.call_count,
            errors: link.error_count,
            sum_us: link.durations.sum_us,
        };
        let ends = (link.parent.to_string(), link.child.to_string());
        ((ends.0, ends.1, link.kind.as_str().to_owned()), told)
    });
    links.collect()
}

/// What a Jaeger would show: calls of all documents, whoever wrote them.
async fn shown_by_jaeger(server: &Server) -> std::collections::BTreeMap<(String, String), u64> {
    let path = format!("/{PREFIX}-jaeger-dependencies-*/_search?size=1000");
    let answer = server.client().get(&path).await.unwrap();
    let mut calls = std::collections::BTreeMap::new();
    for hit in answer["hits"]["hits"].as_array().unwrap() {
        for link in hit["_source"]["dependencies"].as_array().unwrap() {
            let text = |field: &str| link[field].as_str().unwrap().to_owned();
            *calls.entry((text("parent"), text("child"))).or_default() +=
                link["callCount"].as_u64().unwrap();
        }
    }
    calls
}

async fn leads(spoor: &Spoor) -> bool {
    let (_, _, text) = get(&format!("{}/metrics", spoor.url("admin"))).await;
    let mut lines = text.lines();
    lines.any(|line| {
        line.starts_with("spoor_elasticsearch_dependencies_leader{") && line.ends_with(" 1")
    })
}

/// The position of the one that leads, once there is one.
async fn leader(spoors: &[Option<Spoor>]) -> usize {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        for (at, spoor) in spoors.iter().enumerate() {
            if let Some(spoor) = spoor
                && leads(spoor).await
            {
                return at;
            }
        }
        assert!(Instant::now() < until, "nobody leads");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn addresses(spoors: &[Option<Spoor>]) -> Vec<String> {
    let there = spoors.iter().flatten();
    there.map(|spoor| spoor.url("otlp-http")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_collectors_count_as_brute_force_does_though_one_is_killed() {
    let traces = if soak() { 200_000 } else { 1_000 };
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let start = || {
        let (folder, setup) = on(server, PREFIX);
        let mut setup = setup.arg("collector");
        for flag in [
            "--es.dependencies.interval=1s",
            "--es.dependencies.late-after=1s",
            "--es.dependencies.settle=2s",
            "--es.max-span-age=40h",
        ] {
            setup = setup.arg(flag);
        }
        (
            folder,
            Some(tokio::task::block_in_place(|| setup.start()).unwrap()),
        )
    };
    let (folders, mut spoors): (Vec<_>, Vec<_>) = [start(), start(), start()].into_iter().unzip();

    let mut rng = Rng::new(5);
    let topology = Topology::new(traces, &mut rng);
    let spans = topology.spans(&mut rng);
    // somebody else's document, of a day that spans are then written for
    let (first_ms, _) = topology.period_ms();
    let foreign_ms = first_ms - 30 * 3_600_000;
    let hour = document_id(foreign_ms / 3_600_000);
    let day = hour
        .trim_start_matches("spoor-")
        .get(..10)
        .unwrap()
        .to_owned();
    let foreign = format!("/{PREFIX}-jaeger-dependencies-{day}/_doc/spark");
    let document = json!({
        "timestamp": format!("{day}T00:00Z"),
        "dependencies": [{"parent": "x", "child": "y", "callCount": 7, "source": "spark"}],
    });
    let path = format!("{foreign}?refresh=true");
    let put = server.client();
    let put = put.send(Method::PUT, &path, document.to_string());
    assert!(put.await.unwrap().status.is_success());

    let late = spans.len() / 20;
    let (early, late) = spans.split_at(spans.len() - late);
    let (one, other) = early.split_at(early.len() / 2);
    send(&addresses(&spoors), one, &mut rng).await;
    let killed = leader(&spoors).await;
    spoors[killed].take().unwrap().kill();
    send(&addresses(&spoors), other, &mut rng).await;
    // the one that leads now is stopped, and goes on when another leads
    let frozen = leader(&spoors).await;
    spoors[frozen].as_ref().unwrap().freeze().unwrap();
    let others: Vec<_> = (0..3)
        .map(|at| {
            if at == frozen {
                None
            } else {
                spoors[at].take()
            }
        })
        .collect();
    let led = leader(&others).await;
    assert_ne!(led, frozen);
    spoors[frozen].as_ref().unwrap().thaw().unwrap();
    for (at, other) in others.into_iter().enumerate() {
        if other.is_some() {
            spoors[at] = other;
        }
    }
    let old = json!({
        "service": "x",
        "span": {"traceId": format!("{:032x}", 9), "spanId": format!("{:016x}", 9), "name": "op", "kind": 3,
            "startTimeUnixNano": (foreign_ms * 1_000_000).to_string(), "endTimeUnixNano": (foreign_ms * 1_000_000).to_string(),
            "attributes": [{"key": "peer.service", "value": {"stringValue": "z"}}]},
    });
    let late: Vec<Value> = late.iter().cloned().chain([old]).collect();
    send(&addresses(&spoors), &late, &mut rng).await;

    let expect = links_of(&topology);
    let began = Instant::now();
    let patience = Duration::from_secs(if soak() { 1_200 } else { 60 });
    let marked = format!("/{PREFIX}-spoor-lease/_search?size=1000");
    loop {
        let links = told(server, &topology).await;
        let marks = server.client().get(&marked).await.unwrap();
        let hits = marks["hits"]["hits"].as_array().unwrap();
        let marks = hits
            .iter()
            .filter(|hit| hit["_id"].as_str().unwrap().starts_with("dirty-"));
        if links == expect && marks.count() == 0 {
            break;
        }
        if began.elapsed() >= patience {
            for spoor in spoors.iter().flatten() {
                println!("{:#?}", spoor.log());
            }
            compare(&links, &expect);
            panic!("marks are still there");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!(
        "{} links of {} spans, right {:?} after the last of them",
        expect.len(),
        spans.len(),
        began.elapsed()
    );

    let mut jaeger = shown_by_jaeger(server).await;
    assert_eq!(jaeger.remove(&("x".to_owned(), "y".to_owned())), Some(7));
    let calls = expect.iter().filter(|(ends, _)| ends.2 == "call");
    let calls = calls.map(|(ends, link)| ((ends.0.clone(), ends.1.clone()), link.calls));
    assert_eq!(jaeger, calls.collect());
    let kept = server.client().get(&foreign).await.unwrap();
    assert_eq!(
        (&kept["_source"], &kept["_version"]),
        (&document, &json!(1))
    );
    let of_day = format!("/{PREFIX}-jaeger-dependencies-{day}/_count");
    assert_eq!(server.client().get(&of_day).await.unwrap()["count"], 1);
    // whoever is asked to end gives the lead back
    for spoor in spoors.into_iter().flatten() {
        assert_eq!(spoor.terminate().unwrap(), Some(0));
    }
    let lease = format!("/{PREFIX}-spoor-lease/_doc/dependencies_leader");
    let lease = server.client().send(Method::GET, &lease, "").await.unwrap();
    assert_eq!(lease.status, 404, "{lease:?}");
    drop(folders);
}
