//! The graph of calls in a cluster: what the port promises, three collectors that keep it while one is killed and the one that leads is stopped for a while, and indices behind aliases.
//!
//! `SPOOR_SOAK=1`: 200,000 traces.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use bench::rng::Rng;
use http::Method;
use serde_json::json;
use storage::conformance::{Subject, dependencies};
use storage::elasticsearch::config::{Graph, Place};
use storage::elasticsearch::document::dependencies::id as document_id;
use storage::elasticsearch::{Config, Elasticsearch};
use storage::{Backend as _, ReadContext};
use tests::servers::{Kind, Server, shared};
use tests::spoor::{Setup, Spoor};

use super::collector::Metrics;
use super::golden::on;
use super::sender::place;
use crate::graph::{Link, Links, Made, Topology, compare, links_of, send};
use crate::support::{eventually, get, soak};

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

/// What collectors are told, so that hours are right soon after their last span.
fn quick(setup: Setup) -> Setup {
    let flags = [
        "--es.dependencies.interval=1s",
        "--es.dependencies.late-after=1s",
        "--es.dependencies.settle=2s",
        "--es.max-span-age=40h",
    ];
    let setup = setup.arg("collector");
    flags.into_iter().fold(setup, Setup::arg)
}

/// What Spoor reads.
async fn told(main: &Place, topology: &Topology) -> Links {
    let config = Config {
        instance: model::Instance::default(),
        main: main.clone(),
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

/// Waits until Spoor tells what brute force finds, and no hour is marked.
async fn right(server: &Server, main: &Place, topology: &Topology, spoors: &[&Spoor]) -> Duration {
    let expect = links_of(topology);
    let began = Instant::now();
    let patience = Duration::from_secs(if soak() { 1_200 } else { 60 });
    let marked = format!("/{}-spoor-lease/_search?size=1000", main.indices.prefix);
    loop {
        let links = told(main, topology).await;
        let marks = server.client().get(&marked).await.unwrap();
        let hits = marks["hits"]["hits"].as_array().unwrap();
        let marks = hits
            .iter()
            .filter(|hit| hit["_id"].as_str().unwrap().starts_with("dirty-"));
        if links == expect && marks.count() == 0 {
            return began.elapsed();
        }
        if began.elapsed() >= patience {
            for spoor in spoors {
                println!("{:#?}", spoor.log());
            }
            compare(&links, &expect);
            panic!("marks are still there");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What a Jaeger would show: calls of all documents, whoever wrote them.
async fn shown_by_jaeger(server: &Server, prefix: &str) -> BTreeMap<(String, String), u64> {
    let path = format!("/{prefix}-jaeger-dependencies-*/_search?size=1000");
    let answer = server.client().get(&path).await.unwrap();
    let mut calls = BTreeMap::new();
    for hit in answer["hits"]["hits"].as_array().unwrap() {
        for link in hit["_source"]["dependencies"].as_array().unwrap() {
            let text = |field: &str| link[field].as_str().unwrap().to_owned();
            *calls.entry((text("parent"), text("child"))).or_default() +=
                link["callCount"].as_u64().unwrap();
        }
    }
    calls
}

/// The same, as brute force finds it.
fn calls_of(topology: &Topology) -> BTreeMap<(String, String), u64> {
    let links = links_of(topology).into_iter();
    let calls = links.filter(|(ends, _)| ends.2 == "call");
    calls
        .map(|((parent, child, _), link)| ((parent, child), link.calls))
        .collect()
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

async fn check_three(kind: Kind) {
    const PREFIX: &str = "graph-three";
    let traces = if soak() { 200_000 } else { 1_000 };
    let server = tokio::task::block_in_place(|| shared(kind));
    let main = place(&server.url(), PREFIX);
    let start = || {
        let (folder, setup) = on(server, PREFIX);
        let setup = quick(setup);
        let spoor = tokio::task::block_in_place(|| setup.start()).unwrap();
        (folder, Some(spoor))
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
    let old = Made::alone(foreign_ms * 1_000);
    let late: Vec<&Made> = late.iter().copied().chain([&old]).collect();
    send(&addresses(&spoors), &late, &mut rng).await;

    let there: Vec<&Spoor> = spoors.iter().flatten().collect();
    let took = right(server, &main, &topology, &there).await;
    let (mut hours, mut read) = (0, 0);
    for spoor in there {
        let metrics = Metrics::of(spoor).await;
        hours += metrics.sum("spoor_elasticsearch_dependencies_hours_total");
        read += metrics.sum("spoor_elasticsearch_dependencies_spans_total");
    }
    println!(
        "{} links of {} spans, right {took:?} after the last of them; those alive counted {hours} times an hour, of {read} documents",
        links_of(&topology).len(),
        spans.len(),
    );

    let mut jaeger = shown_by_jaeger(server, PREFIX).await;
    assert_eq!(jaeger.remove(&("x".to_owned(), "y".to_owned())), Some(7));
    assert_eq!(jaeger, calls_of(&topology));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_collectors_count_as_brute_force_does_though_one_is_killed() {
    check_three(Kind::Elasticsearch7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_they_do_on_elasticsearch_8() {
    check_three(Kind::Elasticsearch8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_they_do_on_opensearch() {
    check_three(Kind::OpenSearch2).await;
}

/// An hour that is counted again after a rollover has one document all the same, where Jaeger reads it.
async fn check_aliases(kind: Kind) {
    const PREFIX: &str = "graph-aliases";
    let server = tokio::task::block_in_place(|| shared(kind));
    let mut main = place(&server.url(), PREFIX);
    main.indices.use_aliases = true;
    let (folder, setup) = on(server, PREFIX);
    let setup = quick(setup)
        .arg("--es.use-aliases")
        .arg("--es.rollover.interval=1s");
    let spoor = tokio::task::block_in_place(|| setup.start()).unwrap();
    let mut rng = Rng::new(6);
    let topology = Topology::new(300, &mut rng);
    let spans = topology.spans(&mut rng);
    let (early, late) = spans.split_at(spans.len() / 2);
    let address = [spoor.url("otlp-http")];
    send(&address, early, &mut rng).await;
    let first = format!("{PREFIX}-jaeger-dependencies-000001");
    let path = format!("/{first}/_search?size=1000");
    // there is no index at first
    let ask = async || {
        let answer = server.client().get(&path).await.unwrap_or_default();
        answer["hits"]["hits"].as_array().map_or(0, Vec::len)
    };
    let counted = eventually("hours are counted", ask, |count| *count >= 3).await;
    let rolled = Command::new(env!("CARGO_BIN_EXE_spoor-under-test"))
        .args(["es-rollover", "rollover", &server.url()])
        .arg(format!("--index-prefix={PREFIX}"))
        .arg("--conditions={\"max_docs\": 1}")
        .output()
        .unwrap();
    assert!(rolled.status.success(), "{rolled:?}");
    let write = format!("/_alias/{PREFIX}-jaeger-dependencies-write");
    let write = server.client().get(&write).await.unwrap();
    let second = format!("{PREFIX}-jaeger-dependencies-000002");
    assert!(write.get(&second).is_some(), "{write}");
    send(&address, late, &mut rng).await;
    let took = right(server, &main, &topology, &[&spoor]).await;
    assert_eq!(shown_by_jaeger(server, PREFIX).await, calls_of(&topology));

    let all = format!("/{PREFIX}-jaeger-dependencies-read/_search?size=1000");
    let all = server.client().get(&all).await.unwrap();
    let hits = all["hits"]["hits"].as_array().unwrap();
    let ids: BTreeSet<&str> = hits
        .iter()
        .map(|hit| hit["_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), hits.len(), "an hour has two documents: {ids:?}");
    let stayed = hits.iter().filter(|hit| hit["_index"] == first.as_str());
    assert!(stayed.count() >= counted);
    println!(
        "{} hours behind aliases, right {took:?} after the last span",
        ids.len()
    );
    assert_eq!(spoor.terminate().unwrap(), Some(0));
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_aliases_an_hour_has_one_document_after_a_rollover() {
    check_aliases(Kind::Elasticsearch7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_has_on_opensearch() {
    check_aliases(Kind::OpenSearch2).await;
}
